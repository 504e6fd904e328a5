/* The facts under which a kept answer is right: how they are laid down, and whether they
 * hold. */
#include "python/kept_answer.h"

/* A number that is another one after each change of any dict (PEP 509): where it is still
 * the one that it was, the dict needs no look.  0 from Python 3.12 on, which has none. */
static inline uint64_t
get_version(PyObject *dict)
{
#if PY_VERSION_HEX < 0x030C0000
    return ((PyDictObject *)dict)->ma_version_tag;
#else
    (void)dict;
    return 0;
#endif
}

/* Nothing is written where there are no versions: threads share a fact. */
static inline void
remember(uint64_t *fact, uint64_t version)
{
    if (version != 0) {
        *fact = version;
    }
}

static bool
has_items(PyObject *dict, PyObject *items)
{
    if (2 * PyDict_GET_SIZE(dict) != PyTuple_GET_SIZE(items)) {
        return false;
    }
    PyObject *key, *value; /* borrowed */
    Py_ssize_t position = 0, i = 0, count = PyTuple_GET_SIZE(items);
    bool unchanged = true;
    Py_BEGIN_CRITICAL_SECTION(dict);
    while (unchanged && PyDict_Next(dict, &position, &key, &value)) {
        unchanged = i < count && key == PyTuple_GET_ITEM(items, i) &&
                    value == PyTuple_GET_ITEM(items, i + 1);
        i += 2;
    }
    Py_END_CRITICAL_SECTION();
    return unchanged;
}

static inline bool
are_items_unchanged(struct ak_items_fact *fact)
{
    uint64_t version = get_version(fact->dict);
    if (version == 0 || version != fact->version) {
        if (!has_items(fact->dict, fact->items)) {
            return false;
        }
        remember(&fact->version, version);
    }
    return true;
}

/* False with an exception set where a key that is not a str fails to be compared. */
static inline bool
is_entry_unchanged(struct ak_entry_fact *fact)
{
    uint64_t version = get_version(fact->dict); /* before that comparison can change it */
    if (version == 0 || version != fact->version) {
        /* Borrowed, and maybe gone already in another thread: it is only compared. */
        PyObject *value = PyDict_GetItemWithError(fact->dict, fact->key);
        if (value != fact->value || (value == NULL && PyErr_Occurred())) {
            return false;
        }
        remember(&fact->version, version);
    }
    return true;
}

static inline bool
is_size_unchanged(const struct ak_size_fact *fact)
{
    PyObject *container = fact->container;
    Py_ssize_t size =
        PyDict_Check(container) ? PyDict_GET_SIZE(container) : PyList_GET_SIZE(container);
    return size == fact->size;
}

/* Whether APP is of the class, and has the __dict__, that it had. */
static inline bool
is_owner(const KeptAnswerObject *kept, PyObject *app)
{
    PyObject *dict = PyObject_GenericGetDict(app, NULL); /* new */
    Py_XDECREF(dict);
    return dict != NULL && dict == kept->owner_dict && Py_TYPE(app) == kept->types[0].type;
}

/* Whoever changes a type in another thread writes it by an atomic of his own. */
static inline unsigned int
version_of(const PyTypeObject *type)
{
    return __atomic_load_n(&type->tp_version_tag, __ATOMIC_RELAXED);
}

bool
ak_kept_answer_holds(KeptAnswerObject *kept, PyObject *app)
{
    if (!is_owner(kept, app)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < kept->type_count; i++) {
        if (version_of(kept->types[i].type) != kept->types[i].version) {
            return false;
        }
    }
    for (Py_ssize_t i = 0; i < kept->size_count; i++) {
        if (!is_size_unchanged(&kept->sizes[i])) {
            return false;
        }
    }
    for (Py_ssize_t i = 0; i < kept->items_count; i++) {
        if (!are_items_unchanged(&kept->items[i])) {
            return false;
        }
    }
    for (Py_ssize_t i = 0; i < kept->entry_count; i++) {
        if (!is_entry_unchanged(&kept->entries[i])) {
            return false;
        }
    }
    return true;
}

/* ---- making one ---- */

/* Memory for COUNT facts in *target: 0, or -1 with an exception set. */
static int
reserve(void *target, Py_ssize_t count, size_t size)
{
    void *memory = PyMem_Calloc(count == 0 ? 1 : (size_t)count, size);
    if (memory == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *(void **)target = memory;
    return 0;
}

static int
refuse(const char *what, PyObject *given)
{
    PyErr_Format(PyExc_TypeError, "KeptAnswer() wants %s, not %.100s", what,
                 Py_TYPE(given)->tp_name);
    return -1;
}

/* The version of a type is a number that CPython's own caches go by: it is never
 * used twice, and any change of the type or of a base takes it away.  A type gets
 * one when an attribute is looked up on it; 0 means that it has none. */
int
ak_kept_answer_take_types(KeptAnswerObject *self, PyObject *types, PyTypeObject *owner)
{
    if (PyTuple_GET_SIZE(types) == 0 || PyTuple_GET_ITEM(types, 0) != (PyObject *)owner) {
        return refuse("the application's class first", types);
    }
    if (reserve(&self->types, PyTuple_GET_SIZE(types), sizeof(*self->types)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(types); i++) {
        PyObject *type = PyTuple_GET_ITEM(types, i); /* borrowed */
        if (!PyType_Check(type)) {
            return refuse("classes", type);
        }
        PyObject *found = PyObject_GetAttrString(type, "__init__"); /* new */
        if (found == NULL) {
            return -1;
        }
        Py_DECREF(found);
        unsigned int version = version_of((PyTypeObject *)type);
        if (version == 0) {
            PyErr_Format(PyExc_ValueError, "%R has no version", type);
            return -1;
        }
        self->types[i] = (struct ak_type_fact){(PyTypeObject *)Py_NewRef(type), version};
        self->type_count++;
    }
    return 0;
}

/* Keys and values of DICT by turns: a tuple, new, or NULL.  If another thread takes some
 * out meanwhile, it ends with None: a fact that does not hold. */
static PyObject *
items_of(PyObject *dict)
{
    Py_ssize_t position = 0, n = 0, count = 2 * PyDict_GET_SIZE(dict);
    PyObject *key, *value;                /* borrowed */
    PyObject *items = PyTuple_New(count); /* new */
    if (items == NULL) {
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(dict);
    while (n < count && PyDict_Next(dict, &position, &key, &value)) {
        PyTuple_SET_ITEM(items, n++, Py_NewRef(key));
        PyTuple_SET_ITEM(items, n++, Py_NewRef(value));
    }
    Py_END_CRITICAL_SECTION();
    while (n < count) {
        PyTuple_SET_ITEM(items, n++, Py_NewRef(Py_None));
    }
    return items;
}

int
ak_kept_answer_take_items(KeptAnswerObject *self, PyObject *dicts)
{
    if (reserve(&self->items, PyTuple_GET_SIZE(dicts), sizeof(*self->items)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(dicts); i++) {
        PyObject *dict = PyTuple_GET_ITEM(dicts, i); /* borrowed */
        if (!PyDict_Check(dict)) {
            return refuse("dicts", dict);
        }
        PyObject *items = items_of(dict); /* new */
        if (items == NULL) {
            return -1;
        }
        self->items[i] = (struct ak_items_fact){Py_NewRef(dict), items, 0};
        self->items_count++;
    }
    return 0;
}

int
ak_kept_answer_take_entries(KeptAnswerObject *self, PyObject *entries)
{
    if (reserve(&self->entries, PyTuple_GET_SIZE(entries), sizeof(*self->entries)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries); i++) {
        PyObject *dict, *key; /* borrowed */
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(entries, i), "O!O", &PyDict_Type, &dict, &key)) {
            return -1;
        }
        PyObject *value; /* new, may be NULL */
        Py_BEGIN_CRITICAL_SECTION(dict);
        value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
        Py_END_CRITICAL_SECTION();
        if (value == NULL && PyErr_Occurred()) {
            return -1;
        }
        self->entries[i] = (struct ak_entry_fact){Py_NewRef(dict), Py_NewRef(key), value, 0};
        self->entry_count++;
    }
    return 0;
}

int
ak_kept_answer_take_sizes(KeptAnswerObject *self, PyObject *containers)
{
    if (reserve(&self->sizes, PyTuple_GET_SIZE(containers), sizeof(*self->sizes)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(containers); i++) {
        PyObject *container = PyTuple_GET_ITEM(containers, i); /* borrowed */
        if (!PyDict_Check(container) && !PyList_Check(container)) {
            return refuse("lists and dicts", container);
        }
        Py_ssize_t size = PyObject_Size(container);
        self->sizes[i] = (struct ak_size_fact){Py_NewRef(container), size};
        self->size_count++;
    }
    return 0;
}
