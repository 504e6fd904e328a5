/* A BackendError from its three arguments: by tp_init, which works for every
 * subclass, and by a shorter way for the class itself. */
#include "python/backend_error.h"

enum { FIELD_COUNT = 3 };

/* The parameters in order; each is an attribute of the same name. */
static const enum ak_name parameters[FIELD_COUNT] = {AK_NAME_REASON, AK_NAME_STATUS_CODE,
                                                     AK_NAME_CONTENT};

static int
check_fields(PyObject *reason, PyObject *status_code, PyObject *content)
{
    if (!PyUnicode_Check(reason)) {
        PyErr_Format(PyExc_TypeError, "reason must be a str such as 'Not Found', not %.100s",
                     Py_TYPE(reason)->tp_name);
        return -1;
    }
    if (status_code != Py_None && !PyLong_Check(status_code)) {
        PyErr_Format(PyExc_TypeError, "status_code must be an int such as 404 or None, not %.100s",
                     Py_TYPE(status_code)->tp_name);
        return -1;
    }
    if (content != Py_None && !PyUnicode_Check(content) && !PyBytes_Check(content)) {
        PyErr_Format(PyExc_TypeError, "content must be a str, bytes or None, not %.100s",
                     Py_TYPE(content)->tp_name);
        return -1;
    }
    return 0;
}

/* Set the checked fields of SELF: 0, or -1 with an exception set.  A status
 * code of None leaves the class attribute in force. */
static int
set_fields(PyObject *self, PyObject *const *names, PyObject *reason, PyObject *status_code,
           PyObject *content)
{
    if (PyObject_SetAttr(self, names[AK_NAME_REASON], reason) < 0) {
        return -1;
    }
    if (status_code != Py_None &&
        PyObject_SetAttr(self, names[AK_NAME_STATUS_CODE], status_code) < 0) {
        return -1;
    }
    return PyObject_SetAttr(self, names[AK_NAME_CONTENT], content);
}

int
ak_init_backend_error(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"reason", "status_code", "content", NULL};
    PyObject *reason, *status_code = Py_None, *content = Py_None; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:BackendError", keywords, &reason,
                                     &status_code, &content)) {
        return -1;
    }
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL || check_fields(reason, status_code, content) < 0) {
        return -1;
    }
    PyObject *fields = PyTuple_Pack(FIELD_COUNT, reason, status_code, content); /* new */
    if (fields == NULL) {
        return -1;
    }
    int result = ak_base_exception_type()->tp_init(self, fields, NULL);
    Py_DECREF(fields);
    return result < 0 ? -1 : set_fields(self, state->names, reason, status_code, content);
}

/* Give SELF, which is new, its fields: 0, or -1 with an exception set.  A dict
 * is filled before it is seen, so that no descriptor has to be asked. */
static int
fill_dict(PyObject *self, PyObject *const *names, PyObject *const *fields)
{
    PyObject *dict = PyDict_New(); /* new */
    if (dict == NULL) {
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < FIELD_COUNT && result == 0; i++) {
        if (parameters[i] != AK_NAME_STATUS_CODE || fields[i] != Py_None) {
            result = PyDict_SetItem(dict, names[parameters[i]], fields[i]);
        }
    }
    if (result == 0) {
        result = PyObject_GenericSetDict(self, dict, NULL);
    }
    Py_DECREF(dict);
    return result;
}

/* Put the arguments of a call into FIELDS, borrowed: 0, or -1 without an
 * exception if they are not one argument for each parameter at most. */
static int
read_arguments(PyObject *const *names, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords,
               PyObject *fields[FIELD_COUNT])
{
    if (nargs > FIELD_COUNT) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < nargs; i++) {
        fields[i] = args[i];
    }
    Py_ssize_t count = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < count; i++) {
        size_t slot = 0;
        while (slot < FIELD_COUNT && names[parameters[slot]] != PyTuple_GET_ITEM(keywords, i)) {
            slot++;
        }
        if (slot == FIELD_COUNT || fields[slot] != NULL) {
            return -1;
        }
        fields[slot] = args[nargs + i];
    }
    return fields[0] == NULL ? -1 : 0;
}

/* The way that a type without tp_vectorcall is called. */
static PyObject *
call_slowly(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    PyObject *kwargs = NULL, *result = NULL;
    PyObject *positional = PyTuple_New(nargs); /* new */
    if (positional == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < nargs; i++) {
        PyTuple_SET_ITEM(positional, i, Py_NewRef(args[i]));
    }
    if (keywords != NULL) {
        kwargs = PyDict_New(); /* new */
        if (kwargs == NULL) {
            goto done;
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); i++) {
            if (PyDict_SetItem(kwargs, PyTuple_GET_ITEM(keywords, i), args[nargs + i]) < 0) {
                goto done;
            }
        }
    }
    result = PyType_Type.tp_call(type, positional, kwargs);
done:
    Py_XDECREF(kwargs);
    Py_DECREF(positional);
    return result;
}

PyObject *
ak_call_backend_error(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *keywords)
{
    PyTypeObject *cls = (PyTypeObject *)type;
    struct module_state *state = PyType_GetModuleState(cls);
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    PyObject *fields[FIELD_COUNT] = {NULL}; /* borrowed */
    /* Someone may have put an __init__ or a __new__ of his own on the class. */
    if (cls->tp_init != ak_init_backend_error || cls->tp_new != ak_base_exception_type()->tp_new ||
        read_arguments(state->names, args, nargs, keywords, fields) < 0) {
        return call_slowly(type, args, nargs, keywords);
    }
    for (size_t i = 1; i < FIELD_COUNT; i++) {
        fields[i] = fields[i] == NULL ? Py_None : fields[i];
    }
    if (check_fields(fields[0], fields[1], fields[2]) < 0) {
        return NULL;
    }
    PyObject *exc_args = PyTuple_New(FIELD_COUNT); /* new */
    if (exc_args == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        PyTuple_SET_ITEM(exc_args, i, Py_NewRef(fields[i]));
    }
    PyObject *self = cls->tp_new(cls, exc_args, NULL); /* new */
    Py_DECREF(exc_args);
    if (self != NULL && fill_dict(self, state->names, fields) < 0) {
        Py_CLEAR(self);
    }
    return self;
}
