/* register(): the Python classes of which the C half makes instances. */
#include "python/state.h"

/* The registered class must be laid out as what C makes of it. */
static int
check_base(PyObject *given, PyTypeObject *base)
{
    if (PyType_Check(given) && PyType_IsSubtype((PyTypeObject *)given, base)) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "register() wants a subclass of %.100s, not %R", base->tp_name,
                 given);
    return -1;
}

PyDoc_STRVAR(register_doc, "register($module, /, *, headers, cookies, response, prepared_request)\n"
                           "--\n\n"
                           "Name the classes whose instances sessions hand out.");

static PyObject *
register_classes(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"headers", "cookies", "response", "prepared_request", NULL};
    struct module_state *state = ak_state_of_module(module);
    PyObject *headers, *cookies, *response, *prepared_request; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$OOOO:register", keywords, &headers, &cookies,
                                     &response, &prepared_request) ||
        check_base(headers, state->headers_type) < 0 ||
        check_base(cookies, state->cookies_type) < 0 ||
        check_base(response, state->response_type) < 0 ||
        check_base(prepared_request, &PyBaseObject_Type) < 0) {
        return NULL;
    }
    ak_slot_set(module, &state->headers_class, Py_NewRef(headers));
    ak_slot_set(module, &state->cookies_class, Py_NewRef(cookies));
    ak_slot_set(module, &state->response_class, Py_NewRef(response));
    ak_slot_set(module, &state->prepared_request_class, Py_NewRef(prepared_request));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"register", (PyCFunction)(void (*)(void))register_classes, METH_VARARGS | METH_KEYWORDS,
     register_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_register(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
