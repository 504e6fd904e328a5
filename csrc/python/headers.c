/* _core.Headers: names without regard to case -> values.
 *
 * A linear array, oldest first: messages have few fields, and a hash of the
 * folded name decides nearly every comparison.  Each method locks its object by
 * a critical section; nothing is released before the array is whole again,
 * because releasing may run any Python code. */
#include "python/headers.h"

#include <stdatomic.h>

#include "core/http1.h"
#include "python/critical.h"

enum { SMALLEST_CAPACITY = 8 };

struct entry {
    PyObject *name, *value; /* strong */
    uint64_t hash;          /* of the folded name */
};

typedef struct {
    PyObject_HEAD
    struct entry *entries;
    Py_ssize_t count, capacity;
    _Atomic uint64_t generation;
} HeadersObject;

static HeadersObject *
as_headers(PyObject *object)
{
    return (HeadersObject *)object;
}

static Py_UCS4
fold(Py_UCS4 c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* FNV-1a over the folded code points. */
static uint64_t
hash_name(PyObject *name)
{
    int kind = PyUnicode_KIND(name);
    const void *data = PyUnicode_DATA(name);
    uint64_t hash = 0xcbf29ce484222325u;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(name); i++) {
        hash = (hash ^ fold(PyUnicode_READ(kind, data, i))) * 0x100000001b3u;
    }
    return hash;
}

static bool
same_name(PyObject *a, PyObject *b)
{
    if (a == b) {
        return true;
    }
    if (PyUnicode_GET_LENGTH(a) != PyUnicode_GET_LENGTH(b)) {
        return false;
    }
    int kind_a = PyUnicode_KIND(a), kind_b = PyUnicode_KIND(b);
    const void *data_a = PyUnicode_DATA(a), *data_b = PyUnicode_DATA(b);
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(a); i++) {
        if (fold(PyUnicode_READ(kind_a, data_a, i)) != fold(PyUnicode_READ(kind_b, data_b, i))) {
            return false;
        }
    }
    return true;
}

/* The entry of NAME, or NULL.  As all that end in _locked: the caller holds the
 * critical section, or nobody else knows SELF yet. */
static struct entry *
find_locked(HeadersObject *self, PyObject *name, uint64_t hash)
{
    for (Py_ssize_t i = 0; i < self->count; i++) {
        struct entry *entry = &self->entries[i];
        if (entry->hash == hash && same_name(entry->name, name)) {
            return entry;
        }
    }
    return NULL;
}

static int
grow_locked(HeadersObject *self)
{
    if (self->count < self->capacity) {
        return 0;
    }
    Py_ssize_t capacity =
        self->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : self->capacity * 2;
    if ((size_t)capacity > PY_SSIZE_T_MAX / sizeof(struct entry)) {
        PyErr_NoMemory();
        return -1;
    }
    struct entry *entries = PyMem_Realloc(self->entries, (size_t)capacity * sizeof(*entries));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->entries = entries;
    self->capacity = capacity;
    return 0;
}

/* Set NAME, a str.  What it replaces goes to OLD, for the caller to release. */
static int
set_locked(HeadersObject *self, PyObject *name, PyObject *value, struct entry *old)
{
    uint64_t hash = hash_name(name);
    struct entry *entry = find_locked(self, name, hash);
    *old = (struct entry){NULL, NULL, 0};
    if (entry != NULL) {
        *old = *entry;
    } else {
        if (grow_locked(self) < 0) {
            return -1;
        }
        entry = &self->entries[self->count++];
    }
    *entry = (struct entry){Py_NewRef(name), Py_NewRef(value), hash};
    self->generation++;
    return 0;
}

static bool
remove_locked(HeadersObject *self, PyObject *name, struct entry *old)
{
    struct entry *entry = find_locked(self, name, hash_name(name));
    if (entry == NULL) {
        return false;
    }
    *old = *entry;
    self->count--;
    Py_ssize_t index = entry - self->entries;
    memmove(entry, entry + 1, (size_t)(self->count - index) * sizeof(*entry));
    self->generation++;
    return true;
}

static void
release_entry(struct entry *entry)
{
    Py_XDECREF(entry->name);
    Py_XDECREF(entry->value);
}

bool
ak_is_headers(struct module_state *state, PyObject *object)
{
    return PyObject_TypeCheck(object, state->headers_type);
}

uint64_t
ak_headers_generation(PyObject *headers)
{
    return as_headers(headers)->generation;
}

bool
ak_headers_next(PyObject *headers, Py_ssize_t *position, PyObject **name, PyObject **value)
{
    HeadersObject *self = as_headers(headers);
    if (*position >= self->count) {
        return false;
    }
    const struct entry *entry = &self->entries[(*position)++];
    *name = entry->name;
    *value = entry->value;
    return true;
}

PyObject *
ak_headers_get(PyObject *headers, PyObject *name)
{
    PyObject *value;
    Py_BEGIN_CRITICAL_SECTION(headers);
    struct entry *entry = find_locked(as_headers(headers), name, hash_name(name));
    value = entry == NULL ? NULL : Py_NewRef(entry->value);
    Py_END_CRITICAL_SECTION();
    return value;
}

int
ak_headers_set(PyObject *headers, PyObject *name, PyObject *value)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a header's name must be a str such as 'Accept', not %.100s",
                     Py_TYPE(name)->tp_name);
        return -1;
    }
    struct entry old;
    int result;
    Py_BEGIN_CRITICAL_SECTION(headers);
    result = set_locked(as_headers(headers), name, value, &old);
    Py_END_CRITICAL_SECTION();
    release_entry(&old);
    return result;
}

PyObject *
ak_headers_new(struct module_state *state)
{
    PyTypeObject *type =
        state->headers_class != NULL ? (PyTypeObject *)state->headers_class : state->headers_type;
    return type->tp_alloc(type, 0);
}

/* Add one field of a response's head to SELF, which nobody else knows yet. */
static int
add_field(HeadersObject *self, struct ak_str name, struct ak_str value)
{
    int result = -1;
    struct entry old = {NULL, NULL, 0};
    PyObject *key = PyUnicode_DecodeLatin1(name.ptr, (Py_ssize_t)name.len, NULL);    /* new */
    PyObject *text = PyUnicode_DecodeLatin1(value.ptr, (Py_ssize_t)value.len, NULL); /* new */
    if (key == NULL || text == NULL) {
        goto done;
    }
    struct entry *first = find_locked(self, key, hash_name(key));
    if (first != NULL) {
        Py_SETREF(text, PyUnicode_FromFormat("%U, %U", first->value, text));
        if (text == NULL) {
            goto done;
        }
    }
    result = set_locked(self, first == NULL ? key : first->name, text, &old);
done:
    release_entry(&old);
    Py_XDECREF(key);
    Py_XDECREF(text);
    return result;
}

PyObject *
ak_headers_from_head(struct module_state *state, struct ak_str head)
{
    PyObject *self = ak_headers_new(state);
    size_t offset = 0;
    struct ak_str name, value;
    while (self != NULL && ak_http1_next_field(head, &offset, &name, &value)) {
        if (add_field(as_headers(self), name, value) < 0) {
            Py_CLEAR(self);
        }
    }
    return self;
}

static PyObject *
new_headers(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return type->tp_alloc(type, 0);
}

static int
traverse_headers(PyObject *object, visitproc visit, void *arg)
{
    HeadersObject *self = as_headers(object);
    Py_VISIT(Py_TYPE(object));
    for (Py_ssize_t i = 0; i < self->count; i++) {
        Py_VISIT(self->entries[i].name);
        Py_VISIT(self->entries[i].value);
    }
    return 0;
}

static int
clear_headers(PyObject *object)
{
    HeadersObject *self = as_headers(object);
    struct entry *entries = self->entries;
    Py_ssize_t count = self->count;
    self->entries = NULL;
    self->count = self->capacity = 0;
    self->generation++;
    for (Py_ssize_t i = 0; i < count; i++) {
        release_entry(&entries[i]);
    }
    PyMem_Free(entries);
    return 0;
}

static void
dealloc_headers(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear_headers(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static Py_ssize_t
count_headers(PyObject *self)
{
    Py_ssize_t count;
    Py_BEGIN_CRITICAL_SECTION(self);
    count = as_headers(self)->count;
    Py_END_CRITICAL_SECTION();
    return count;
}

/* What is not a str names no header. */
static PyObject *
get_or_null(PyObject *self, PyObject *name)
{
    return PyUnicode_Check(name) ? ak_headers_get(self, name) : NULL;
}

static PyObject *
subscript_headers(PyObject *self, PyObject *name)
{
    PyObject *value = get_or_null(self, name);
    if (value == NULL) {
        PyErr_SetObject(PyExc_KeyError, name);
    }
    return value;
}

static int
assign_header(PyObject *self, PyObject *name, PyObject *value)
{
    if (value != NULL) {
        return ak_headers_set(self, name, value);
    }
    struct entry old = {NULL, NULL, 0};
    bool found = false;
    if (PyUnicode_Check(name)) {
        Py_BEGIN_CRITICAL_SECTION(self);
        found = remove_locked(as_headers(self), name, &old);
        Py_END_CRITICAL_SECTION();
    }
    release_entry(&old);
    if (!found) {
        PyErr_SetObject(PyExc_KeyError, name);
        return -1;
    }
    return 0;
}

static int
contains_header(PyObject *self, PyObject *name)
{
    PyObject *value = get_or_null(self, name);
    Py_XDECREF(value);
    return value != NULL;
}

/* The names, or NULL with an exception set.  The tuple is made outside of the
 * critical section, because making it may start a collection and with it any
 * code that changes SELF: then once more. */
static PyObject *
copy_names(PyObject *object)
{
    HeadersObject *self = as_headers(object);
    for (;;) {
        Py_ssize_t count = count_headers(object);
        PyObject *names = PyTuple_New(count); /* new */
        if (names == NULL) {
            return NULL;
        }
        bool unchanged;
        Py_BEGIN_CRITICAL_SECTION(object);
        unchanged = self->count == count;
        for (Py_ssize_t i = 0; unchanged && i < count; i++) {
            PyTuple_SET_ITEM(names, i, Py_NewRef(self->entries[i].name));
        }
        Py_END_CRITICAL_SECTION();
        if (unchanged) {
            return names;
        }
        Py_DECREF(names);
    }
}

/* Over the names as they are now: changes meanwhile do not show, and do not
 * break the walk. */
static PyObject *
iterate_headers(PyObject *self)
{
    PyObject *names = copy_names(self); /* new */
    if (names == NULL) {
        return NULL;
    }
    PyObject *iterator = PyObject_GetIter(names);
    Py_DECREF(names);
    return iterator;
}

PyDoc_STRVAR(get_doc, "get($self, key, default=None, /)\n--\n\n"
                      "The value of the header KEY in any case of letters, or DEFAULT.");

static PyObject *
get_header(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 2) {
        PyErr_Format(PyExc_TypeError, "get() takes a name and a default, not %zd arguments", count);
        return NULL;
    }
    PyObject *value = get_or_null(self, args[0]);
    return value != NULL ? value : Py_NewRef(count == 2 ? args[1] : Py_None);
}

static PyMethodDef headers_methods[] = {
    {"get", (PyCFunction)(void (*)(void))get_header, METH_FASTCALL, get_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(headers_doc, "Headers(*args, **kwargs)\n--\n\n"
                          "The store behind apikit.structures.CaseInsensitiveDict; starts empty.");

static PyType_Slot headers_slots[] = {
    {Py_tp_doc, (void *)headers_doc},     {Py_tp_new, new_headers},
    {Py_tp_dealloc, dealloc_headers},     {Py_tp_traverse, traverse_headers},
    {Py_tp_clear, clear_headers},         {Py_tp_iter, iterate_headers},
    {Py_tp_methods, headers_methods},     {Py_mp_length, count_headers},
    {Py_mp_subscript, subscript_headers}, {Py_mp_ass_subscript, assign_header},
    {Py_sq_contains, contains_header},    {0, NULL},
};

static PyType_Spec headers_spec = {
    .name = "apikit._core.Headers",
    .basicsize = sizeof(HeadersObject),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = headers_slots,
};

int
ak_add_headers(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    PyObject *type = PyType_FromModuleAndSpec(module, &headers_spec, NULL); /* new */
    if (type == NULL) {
        return -1;
    }
    state->headers_type = (PyTypeObject *)type; /* steals */
    return PyModule_AddType(module, state->headers_type);
}
