/* BackendError.
 *
 * The type has no C fields: what it knows lives in the instance's __dict__, so
 * that a class may mix it with OSError or any other exception. */
#include "python/backend_error.h"

#include <structmember.h>

/* A heap type that inherits its tp_dealloc has to visit itself. */
static int
traverse_backend_error(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return ak_base_exception_type()->tp_traverse(self, visit, arg);
}

static int
clear_backend_error(PyObject *self)
{
    return ak_base_exception_type()->tp_clear(self);
}

/* The attributes that make up a BackendError, whatever the class and whoever
 * set them; new references. */
struct fields {
    PyObject *reason, *status_code, *content;
};

static void
drop_fields(struct fields *fields)
{
    Py_XDECREF(fields->reason);
    Py_XDECREF(fields->status_code);
    Py_XDECREF(fields->content);
}

/* Fill FIELDS: 0, or -1 with an exception set and nothing to drop. */
static int
get_fields(PyObject *self, struct fields *fields)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    *fields = (struct fields){NULL, NULL, NULL};
    if (state == NULL) {
        return -1;
    }
    fields->reason = PyObject_GetAttr(self, state->names[AK_NAME_REASON]);
    if (fields->reason != NULL) {
        fields->status_code = PyObject_GetAttr(self, state->names[AK_NAME_STATUS_CODE]);
    }
    if (fields->status_code != NULL) {
        fields->content = PyObject_GetAttr(self, state->names[AK_NAME_CONTENT]);
    }
    if (fields->content == NULL) {
        drop_fields(fields);
        return -1;
    }
    return 0;
}

static PyObject *
str_backend_error(PyObject *self)
{
    struct fields fields;
    if (get_fields(self, &fields) < 0) {
        return NULL;
    }
    /* %s of bytes is an error under python -bb; their repr is the same text. */
    PyObject *format = PyUnicode_FromString(
        PyBytes_Check(fields.content) ? "BackendError: %d %s [%r]" : "BackendError: %d %s [%s]");
    PyObject *values = PyTuple_Pack(3, fields.status_code, fields.reason, fields.content);
    PyObject *text = NULL;
    if (format != NULL && values != NULL) {
        text = PyUnicode_Format(format, values);
    }
    Py_XDECREF(values);
    Py_XDECREF(format);
    drop_fields(&fields);
    return text;
}

/* The repr of SELF, whose class is called NAME. */
static PyObject *
format_repr(PyObject *self, PyObject *name)
{
    struct fields fields;
    if (get_fields(self, &fields) < 0) {
        return NULL;
    }
    PyObject *text = PyUnicode_FromFormat("%U(reason=%R, status_code=%R, content=%R)", name,
                                          fields.reason, fields.status_code, fields.content);
    drop_fields(&fields);
    return text;
}

static PyObject *
repr_backend_error(PyObject *self)
{
    PyObject *name = PyType_GetName(Py_TYPE(self)); /* new */
    if (name == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    int entered = Py_ReprEnter(self); /* 1: SELF is inside its own content */
    if (entered == 0) {
        text = format_repr(self, name);
        Py_ReprLeave(self);
    } else if (entered > 0) {
        text = PyUnicode_FromFormat("%U(...)", name);
    }
    Py_DECREF(name);
    return text;
}

PyDoc_STRVAR(to_dict_doc,
             "to_dict($self, /)\n"
             "--\n"
             "\n"
             "Give the fields as `flask.jsonify` takes them.\n"
             "\n"
             "Returns\n"
             "-------\n"
             "dict\n"
             "    ``reason``, ``status_code`` and ``error_content``. Content that is bytes\n"
             "    is decoded as UTF-8, with replacement characters for what is not.\n");

static PyObject *
to_dict(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct fields fields;
    if (get_fields(self, &fields) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (PyBytes_Check(fields.content)) {
        PyObject *text =
            PyUnicode_DecodeUTF8(PyBytes_AS_STRING(fields.content),
                                 PyBytes_GET_SIZE(fields.content), "replace"); /* new */
        Py_SETREF(fields.content, text);
    }
    if (fields.content != NULL) {
        result = Py_BuildValue("{s:O,s:O,s:O}", "reason", fields.reason, "status_code",
                               fields.status_code, "error_content", fields.content);
    }
    drop_fields(&fields);
    return result;
}

/* What the classes mixed in would pickle beside args (ImportError's name and
 * path, the instance's __dict__): a new reference to a dict or None. */
static PyObject *
get_inherited_state(PyObject *self)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    PyObject *next = PyObject_CallFunctionObjArgs((PyObject *)&PySuper_Type,
                                                  state->backend_error_type, self, NULL); /* new */
    if (next == NULL) {
        return NULL;
    }
    PyObject *reduced = PyObject_CallMethod(next, "__reduce__", NULL); /* new */
    Py_DECREF(next);
    if (reduced == NULL) {
        return NULL;
    }
    PyObject *inherited = Py_None; /* borrowed from reduced */
    if (PyTuple_Check(reduced) && PyTuple_GET_SIZE(reduced) > 2) {
        inherited = PyTuple_GET_ITEM(reduced, 2);
    }
    Py_INCREF(inherited);
    Py_DECREF(reduced);
    return inherited;
}

/* The args of SELF, a new reference. */
static PyObject *
get_args(PyObject *self)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyException_GetArgs(self);
#else
    return Py_NewRef(((PyBaseExceptionObject *)self)->args);
#endif
}

PyDoc_STRVAR(reduce_doc, "__reduce__($self, /)\n"
                         "--\n"
                         "\n"
                         "Pickle the class, args and attributes; no __init__ runs on loading.\n");

static PyObject *
reduce_backend_error(PyObject *self, PyObject *Py_UNUSED(unused))
{
    PyObject *inherited = get_inherited_state(self); /* new */
    if (inherited == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    PyObject *copyreg = PyImport_ImportModule("copyreg"); /* new */
    PyObject *newobj = NULL, *args = NULL;                /* new */
    if (copyreg == NULL) {
        goto done;
    }
    newobj = PyObject_GetAttrString(copyreg, "__newobj__");
    args = get_args(self);
    if (newobj != NULL && args != NULL) {
        result = Py_BuildValue("O(O)(OO)", newobj, Py_TYPE(self), args, inherited);
    }
done:
    Py_XDECREF(args);
    Py_XDECREF(newobj);
    Py_XDECREF(copyreg);
    Py_DECREF(inherited);
    return result;
}

PyDoc_STRVAR(setstate_doc,
             "__setstate__($self, state, /)\n"
             "--\n"
             "\n"
             "Take back what __reduce__ gave: (args, attributes), or attributes alone.\n");

static PyObject *
setstate_backend_error(PyObject *self, PyObject *state)
{
    PyObject *attributes = state; /* borrowed */
    if (PyTuple_Check(state)) {
        PyObject *args; /* borrowed from state */
        if (!PyArg_ParseTuple(state, "O!O:__setstate__", &PyTuple_Type, &args, &attributes) ||
            ak_base_exception_type()->tp_init(self, args, NULL) < 0) {
            return NULL;
        }
    }
    return PyObject_CallMethod(PyExc_BaseException, "__setstate__", "OO", self, attributes);
}

static PyMethodDef methods[] = {
    {"to_dict", to_dict, METH_NOARGS, to_dict_doc},
    {"__reduce__", reduce_backend_error, METH_NOARGS, reduce_doc},
    {"__setstate__", setstate_backend_error, METH_O, setstate_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(backend_error_doc,
             "BackendError(reason, status_code=None, content=None)\n"
             "--\n"
             "\n"
             "A failure that the service reports to its caller as JSON.\n"
             "\n"
             "Parameters\n"
             "----------\n"
             "reason : str\n"
             "    What went wrong, such as the reason phrase of the back end's answer.\n"
             "status_code : int, optional\n"
             "    The HTTP status to answer with. The class attribute, 400 unless a\n"
             "    subclass says otherwise, when left out.\n"
             "content : str or bytes, optional\n"
             "    The text of the error behind this one.\n"
             "\n"
             "Attributes\n"
             "----------\n"
             "reason, status_code, content\n"
             "    The parameters; they may be assigned.\n"
             "headers : dict or None\n"
             "    Further header fields for the answer; not part of `to_dict`.\n"
             "args : tuple\n"
             "    The three parameters as they were given.\n"
             "\n"
             "Raises\n"
             "------\n"
             "TypeError\n"
             "    If a parameter has another type.\n");

/* Weak references, as any class written in Python has them: a flag from 3.12
 * on, before that a pointer behind the exception's own fields, which type()
 * does not count when it lays out a class with several bases. */
#if PY_VERSION_HEX >= 0x030C0000
enum { INSTANCE_SIZE = 0, WEAKREF_FLAG = Py_TPFLAGS_MANAGED_WEAKREF };
#else
enum { INSTANCE_SIZE = sizeof(PyBaseExceptionObject) + sizeof(PyObject *), WEAKREF_FLAG = 0 };

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, sizeof(PyBaseExceptionObject), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
#endif

static PyType_Slot backend_error_slots[] = {
    {Py_tp_doc, (void *)backend_error_doc},
    {Py_tp_init, ak_init_backend_error},
    {Py_tp_str, str_backend_error},
    {Py_tp_repr, repr_backend_error},
    {Py_tp_traverse, traverse_backend_error},
    {Py_tp_clear, clear_backend_error},
    {Py_tp_methods, methods},
#if PY_VERSION_HEX < 0x030C0000
    {Py_tp_members, members},
#endif
    {0, NULL},
};

static PyType_Spec backend_error_spec = {
    .name = "apikit.convenience.BackendError",
    .basicsize = INSTANCE_SIZE,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | WEAKREF_FLAG,
    .slots = backend_error_slots,
};

/* The class attributes that stand for what an instance does not have. */
static int
add_class_attributes(PyObject *type)
{
    PyObject *status_code = PyLong_FromLong(400); /* new */
    if (status_code == NULL) {
        return -1;
    }
    int result = PyObject_SetAttrString(type, "status_code", status_code);
    Py_DECREF(status_code);
    const char *const empty[] = {"reason", "content", "headers"};
    for (size_t i = 0; result == 0 && i < sizeof(empty) / sizeof(empty[0]); i++) {
        result = PyObject_SetAttrString(type, empty[i], Py_None);
    }
    return result;
}

int
ak_add_backend_error(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    PyObject *type =
        PyType_FromModuleAndSpec(module, &backend_error_spec, PyExc_Exception); /* new */
    if (type == NULL) {
        return -1;
    }
    state->backend_error_type = (PyTypeObject *)type; /* steals type */
    ((PyTypeObject *)type)->tp_vectorcall = ak_call_backend_error;
    if (add_class_attributes(type) < 0) {
        return -1;
    }
    return PyModule_AddType(module, (PyTypeObject *)type);
}
