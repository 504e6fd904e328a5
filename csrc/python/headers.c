/* _core.Headers: names without regard to case -> values, as Python sees it.
 * Each method locks its object by a critical section. */
#include "python/headers_store.h"

#include "python/critical.h"

static PyObject *
new_headers(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return type->tp_alloc(type, 0);
}

static int
traverse_headers(PyObject *object, visitproc visit, void *arg)
{
    HeadersObject *self = ak_as_headers(object);
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
    HeadersObject *self = ak_as_headers(object);
    struct ak_header_entry *entries = self->entries;
    Py_ssize_t count = self->count;
    self->entries = NULL;
    self->count = self->capacity = 0;
    self->generation++;
    for (Py_ssize_t i = 0; i < count; i++) {
        ak_header_entry_release(&entries[i]);
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
    count = ak_as_headers(self)->count;
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
    struct ak_header_entry old = {NULL, NULL, 0};
    bool found = false;
    if (PyUnicode_Check(name)) {
        Py_BEGIN_CRITICAL_SECTION(self);
        found = ak_headers_remove_locked(ak_as_headers(self), name, &old);
        Py_END_CRITICAL_SECTION();
    }
    ak_header_entry_release(&old);
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
    HeadersObject *self = ak_as_headers(object);
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

PyDoc_STRVAR(copy_doc, "copy($self, /)\n--\n\n"
                       "Another one of the same class with the same entries.");

static PyObject *
copy_headers(PyObject *self, PyObject *Py_UNUSED(args))
{
    bool copied = false;
    PyObject *copy = NULL;
    while (!copied) {
        Py_XSETREF(copy, Py_TYPE(self)->tp_alloc(Py_TYPE(self), 0)); /* new */
        if (copy == NULL || ak_headers_reserve(ak_as_headers(copy), count_headers(self)) < 0) {
            Py_XDECREF(copy);
            return NULL;
        }
        Py_BEGIN_CRITICAL_SECTION(self);
        copied = ak_headers_copy_locked(ak_as_headers(copy), ak_as_headers(self));
        Py_END_CRITICAL_SECTION();
    }
    return copy;
}

static PyMethodDef headers_methods[] = {
    {"copy", copy_headers, METH_NOARGS, copy_doc},
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
