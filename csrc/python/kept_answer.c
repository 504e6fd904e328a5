/* _core.KeptAnswer: see the header.  What the facts are about is not known here. */
#include "python/kept_answer.h"

static inline KeptAnswerObject *
as_kept(PyObject *object)
{
    return (KeptAnswerObject *)object;
}

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

static bool
has_items(PyObject *dict, PyObject *items)
{
    if (2 * PyDict_GET_SIZE(dict) != PyTuple_GET_SIZE(items)) {
        return false;
    }
    PyObject *key, *value; /* borrowed */
    Py_ssize_t position = 0, i = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (key != PyTuple_GET_ITEM(items, i) || value != PyTuple_GET_ITEM(items, i + 1)) {
            return false;
        }
        i += 2;
    }
    return true;
}

static inline bool
are_items_unchanged(struct ak_items_fact *fact)
{
    uint64_t version = get_version(fact->dict);
    if (version == 0 || version != fact->version) {
        if (!has_items(fact->dict, fact->items)) {
            return false;
        }
        fact->version = version;
    }
    return true;
}

/* False with an exception set where a key that is not a str fails to be compared. */
static inline bool
is_entry_unchanged(struct ak_entry_fact *fact)
{
    uint64_t version = get_version(fact->dict); /* before that comparison can change it */
    if (version == 0 || version != fact->version) {
        PyObject *value = PyDict_GetItemWithError(fact->dict, fact->key); /* borrowed */
        if (value != fact->value || (value == NULL && PyErr_Occurred())) {
            return false;
        }
        fact->version = version;
    }
    return true;
}

static inline bool
is_size_unchanged(const struct ak_size_fact *fact)
{
    PyObject *container = fact->container;
    Py_ssize_t size = PyDict_Check(container) ? PyDict_GET_SIZE(container) : Py_SIZE(container);
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

bool
ak_kept_answer_holds(KeptAnswerObject *kept, PyObject *app)
{
    if (!is_owner(kept, app)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < kept->type_count; i++) {
        if (kept->types[i].type->tp_version_tag != kept->types[i].version) {
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
static int
take_types(KeptAnswerObject *self, PyObject *types, PyTypeObject *owner)
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
        unsigned int version = ((PyTypeObject *)type)->tp_version_tag;
        if (version == 0) {
            PyErr_Format(PyExc_ValueError, "%R has no version", type);
            return -1;
        }
        self->types[i] = (struct ak_type_fact){(PyTypeObject *)Py_NewRef(type), version};
        self->type_count++;
    }
    return 0;
}

static int
take_items(KeptAnswerObject *self, PyObject *dicts)
{
    if (reserve(&self->items, PyTuple_GET_SIZE(dicts), sizeof(*self->items)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(dicts); i++) {
        PyObject *dict = PyTuple_GET_ITEM(dicts, i); /* borrowed */
        if (!PyDict_Check(dict)) {
            return refuse("dicts", dict);
        }
        PyObject *items = PyTuple_New(2 * PyDict_GET_SIZE(dict)); /* new */
        if (items == NULL) {
            return -1;
        }
        PyObject *key, *value; /* borrowed */
        Py_ssize_t position = 0, n = 0;
        while (PyDict_Next(dict, &position, &key, &value)) {
            PyTuple_SET_ITEM(items, n++, Py_NewRef(key));
            PyTuple_SET_ITEM(items, n++, Py_NewRef(value));
        }
        self->items[i] = (struct ak_items_fact){Py_NewRef(dict), items, 0};
        self->items_count++;
    }
    return 0;
}

static int
take_entries(KeptAnswerObject *self, PyObject *entries)
{
    if (reserve(&self->entries, PyTuple_GET_SIZE(entries), sizeof(*self->entries)) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries); i++) {
        PyObject *dict, *key; /* borrowed */
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(entries, i), "O!O", &PyDict_Type, &dict, &key)) {
            return -1;
        }
        PyObject *value = PyDict_GetItemWithError(dict, key); /* borrowed, may be NULL */
        if (value == NULL && PyErr_Occurred()) {
            return -1;
        }
        self->entries[i] =
            (struct ak_entry_fact){Py_NewRef(dict), Py_NewRef(key), Py_XNewRef(value), 0};
        self->entry_count++;
    }
    return 0;
}

static int
take_sizes(KeptAnswerObject *self, PyObject *containers)
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

PyDoc_STRVAR(kept_answer_doc,
             "KeptAnswer(app, status, headers, body, *, types, unchanged, entries, sizes, unless)\n"
             "--\n"
             "\n"
             "An answer, and the facts of the present under which it is right.\n"
             "\n"
             "Parameters\n"
             "----------\n"
             "app : object\n"
             "    Whose answer it is.\n"
             "status : str\n"
             "    As `start_response` gets it.\n"
             "headers : tuple of tuple\n"
             "    Likewise.\n"
             "body : bytes\n"
             "    What GET gets beyond them.\n"
             "types : tuple of type\n"
             "    Classes that stay as they are; the first one is the application's.\n"
             "unchanged : tuple of dict\n"
             "    Dicts of which every item stays the same object.\n"
             "entries : tuple of tuple\n"
             "    Dicts and keys: that entry stays the same object, or stays away.\n"
             "sizes : tuple\n"
             "    Lists and dicts that keep their number of members.\n"
             "unless : tuple of str\n"
             "    Keys of an environ to which the answer is another one.\n");

static PyObject *
new_kept_answer(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"app",       "status",  "headers", "body",   "types",
                               "unchanged", "entries", "sizes",   "unless", NULL};
    PyObject *app, *status, *headers, *body;                 /* borrowed */
    PyObject *types, *dicts, *entries, *containers, *unless; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OO!O!O!$O!O!O!O!O!:KeptAnswer", keywords, &app, &PyUnicode_Type, &status,
            &PyTuple_Type, &headers, &PyBytes_Type, &body, &PyTuple_Type, &types, &PyTuple_Type,
            &dicts, &PyTuple_Type, &entries, &PyTuple_Type, &containers, &PyTuple_Type, &unless)) {
        return NULL;
    }
    PyObject *module = PyType_GetModule(type); /* borrowed */
    KeptAnswerObject *self = module == NULL ? NULL : as_kept(type->tp_alloc(type, 0)); /* new */
    if (self == NULL) {
        return NULL;
    }
    self->module = Py_NewRef(module);
    self->names = ak_state_of_module(module)->names;
    self->status = Py_NewRef(status);
    self->headers = Py_NewRef(headers);
    self->body = Py_NewRef(body);
    self->unless = Py_NewRef(unless);
    self->get_paths = PyDict_New();
    self->head_paths = PyDict_New();
    self->owner_dict = PyObject_GenericGetDict(app, NULL);
    if (self->get_paths == NULL || self->head_paths == NULL || self->owner_dict == NULL ||
        take_types(self, types, Py_TYPE(app)) < 0 || take_items(self, dicts) < 0 ||
        take_entries(self, entries) < 0 || take_sizes(self, containers) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* ---- its life ---- */

static int
traverse_kept_answer(PyObject *object, visitproc visit, void *arg)
{
    KeptAnswerObject *self = as_kept(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->module);
    Py_VISIT(self->headers);
    Py_VISIT(self->get_paths);
    Py_VISIT(self->head_paths);
    Py_VISIT(self->unless);
    Py_VISIT(self->owner_dict);
    for (Py_ssize_t i = 0; i < self->type_count; i++) {
        Py_VISIT(self->types[i].type);
    }
    for (Py_ssize_t i = 0; i < self->items_count; i++) {
        Py_VISIT(self->items[i].dict);
        Py_VISIT(self->items[i].items);
    }
    for (Py_ssize_t i = 0; i < self->entry_count; i++) {
        Py_VISIT(self->entries[i].dict);
        Py_VISIT(self->entries[i].key);
        Py_VISIT(self->entries[i].value);
    }
    for (Py_ssize_t i = 0; i < self->size_count; i++) {
        Py_VISIT(self->sizes[i].container);
    }
    return 0;
}

static int
clear_kept_answer(PyObject *object)
{
    KeptAnswerObject *self = as_kept(object);
    Py_CLEAR(self->owner_dict); /* no fact is looked at without it */
    while (self->type_count > 0) {
        self->type_count--;
        Py_CLEAR(self->types[self->type_count].type);
    }
    while (self->items_count > 0) {
        self->items_count--;
        Py_CLEAR(self->items[self->items_count].items);
        Py_CLEAR(self->items[self->items_count].dict);
    }
    while (self->entry_count > 0) {
        self->entry_count--;
        Py_CLEAR(self->entries[self->entry_count].value);
        Py_CLEAR(self->entries[self->entry_count].key);
        Py_CLEAR(self->entries[self->entry_count].dict);
    }
    while (self->size_count > 0) {
        self->size_count--;
        Py_CLEAR(self->sizes[self->size_count].container);
    }
    return 0;
}

static void
dealloc_kept_answer(PyObject *object)
{
    KeptAnswerObject *self = as_kept(object);
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear_kept_answer(object);
    PyMem_Free(self->types);
    PyMem_Free(self->items);
    PyMem_Free(self->entries);
    PyMem_Free(self->sizes);
    Py_XDECREF(self->unless);
    Py_XDECREF(self->head_paths);
    Py_XDECREF(self->get_paths);
    Py_XDECREF(self->body);
    Py_XDECREF(self->headers);
    Py_XDECREF(self->status);
    Py_XDECREF(self->module);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- its methods ---- */

PyDoc_STRVAR(add_path_doc, "add_path($self, method, path, /)\n"
                           "--\n"
                           "\n"
                           "Let the answer be that to GET or HEAD of a path too.");

static PyObject *
add_path(PyObject *object, PyObject *const *args, Py_ssize_t nargs)
{
    KeptAnswerObject *self = as_kept(object);
    if (nargs != 2 || !PyUnicode_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "add_path() takes two str, a method and a path");
        return NULL;
    }
    PyObject *paths = NULL; /* borrowed */
    if (PyUnicode_Compare(args[0], self->names[AK_NAME_VERB_GET]) == 0) {
        paths = self->get_paths;
    } else if (PyUnicode_Compare(args[0], self->names[AK_NAME_VERB_HEAD]) == 0) {
        paths = self->head_paths;
    }
    if (paths != NULL && PyDict_SetItem(paths, args[1], Py_None) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(holds_doc, "holds($self, app, /)\n"
                        "--\n"
                        "\n"
                        "Return whether all facts hold, and it was kept for this `app`.");

static PyObject *
holds(PyObject *object, PyObject *app)
{
    bool result = ak_kept_answer_holds(as_kept(object), app);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(result);
}

static PyMethodDef kept_answer_methods[] = {
    {"add_path", (PyCFunction)(void (*)(void))add_path, METH_FASTCALL, add_path_doc},
    {"holds", holds, METH_O, holds_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot kept_answer_slots[] = {
    {Py_tp_doc, (void *)kept_answer_doc},
    {Py_tp_new, new_kept_answer},
    {Py_tp_dealloc, dealloc_kept_answer},
    {Py_tp_traverse, traverse_kept_answer},
    {Py_tp_clear, clear_kept_answer},
    {Py_tp_methods, kept_answer_methods},
    {0, NULL},
};

static PyType_Spec kept_answer_spec = {
    .name = "apikit._core.KeptAnswer",
    .basicsize = sizeof(KeptAnswerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kept_answer_slots,
};

int
ak_add_kept_answer(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    state->kept_answer_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &kept_answer_spec, NULL); /* new */
    return state->kept_answer_type == NULL ? -1 : PyModule_AddType(module, state->kept_answer_type);
}
