/* raise_ise and raise_from_response: what is not a BackendError yet, raised as
 * one. */
#include "python/state.h"

#include "core/http1.h"

/* Raise a BackendError of three checked or unchecked fields; always NULL. */
static PyObject *
raise_backend_error(PyObject *module, PyObject *reason, PyObject *status_code, PyObject *content)
{
    PyObject *type = (PyObject *)ak_state_of_module(module)->backend_error_type; /* borrowed */
    PyObject *error =
        PyObject_CallFunctionObjArgs(type, reason, status_code, content, NULL); /* new */
    if (error != NULL) {
        PyErr_SetObject(type, error);
        Py_DECREF(error);
    }
    return NULL;
}

PyDoc_STRVAR(raise_ise_doc, "raise_ise($module, /, text)\n"
                            "--\n"
                            "\n"
                            "Raise a BackendError of status 500, \"Internal Server Error\".\n"
                            "\n"
                            "Parameters\n"
                            "----------\n"
                            "text : str, bytes, Exception or None\n"
                            "    The content of the error; of an exception, its text.\n"
                            "\n"
                            "Raises\n"
                            "------\n"
                            "BackendError\n"
                            "    Always.\n"
                            "TypeError\n"
                            "    If `text` has another type.\n");

static PyObject *
raise_ise(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"text", NULL};
    PyObject *text; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:raise_ise", keywords, &text)) {
        return NULL;
    }
    PyObject *content = NULL, *reason = NULL, *status_code = NULL; /* new */
    int is_exception = PyObject_IsInstance(text, PyExc_Exception);
    if (is_exception < 0) {
        return NULL;
    }
    content = is_exception ? PyObject_Str(text) : Py_NewRef(text);
    if (content == NULL) {
        return NULL;
    }
    if (content != Py_None && !PyUnicode_Check(content) && !PyBytes_Check(content)) {
        PyErr_Format(PyExc_TypeError, "text must be a str, bytes, an Exception or None, not %.100s",
                     Py_TYPE(content)->tp_name);
        goto done;
    }
    reason = PyUnicode_FromString("Internal Server Error");
    status_code = PyLong_FromLong(500);
    if (reason != NULL && status_code != NULL) {
        raise_backend_error(module, reason, status_code, content);
    }
done:
    Py_XDECREF(status_code);
    Py_XDECREF(reason);
    Py_DECREF(content);
    return NULL;
}

/* REASON, or the standard phrase of STATUS_CODE where it is None or empty; a
 * new reference. */
static PyObject *
fill_reason(PyObject *reason, PyObject *status_code)
{
    if (reason != Py_None && !(PyUnicode_Check(reason) && PyUnicode_GET_LENGTH(reason) == 0) &&
        !(PyBytes_Check(reason) && PyBytes_GET_SIZE(reason) == 0)) {
        return Py_NewRef(reason);
    }
    const char *phrase = NULL;
    if (PyLong_Check(status_code)) {
        int overflow;
        long code = PyLong_AsLongAndOverflow(status_code, &overflow);
        phrase = code >= 0 && code <= 999 ? ak_http1_phrase((int)code) : NULL;
    }
    return PyUnicode_FromString(phrase == NULL ? "Unknown" : phrase);
}

/* Whether STATUS_CODE < 400: 1, 0, or -1 with an exception set. */
static int
is_success(PyObject *status_code)
{
    PyObject *limit = PyLong_FromLong(400); /* new */
    if (limit == NULL) {
        return -1;
    }
    int result = PyObject_RichCompareBool(status_code, limit, Py_LT);
    Py_DECREF(limit);
    return result;
}

PyDoc_STRVAR(raise_from_response_doc,
             "raise_from_response($module, /, resp)\n"
             "--\n"
             "\n"
             "Raise a BackendError if a response says that its request failed.\n"
             "\n"
             "Parameters\n"
             "----------\n"
             "resp : object\n"
             "    Anything with the attributes ``status_code``, ``reason`` and ``text``.\n"
             "\n"
             "Raises\n"
             "------\n"
             "BackendError\n"
             "    If the status code is 400 or more: with that code, the reason and the\n"
             "    text as content. For an empty reason the standard phrase of the code\n"
             "    stands, or \"Unknown\".\n");

static PyObject *
raise_from_response(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"resp", NULL};
    PyObject *resp; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:raise_from_response", keywords, &resp)) {
        return NULL;
    }
    PyObject *const *names = ak_state_of_module(module)->names;
    PyObject *reason = NULL, *phrase = NULL, *content = NULL;                   /* new */
    PyObject *status_code = PyObject_GetAttr(resp, names[AK_NAME_STATUS_CODE]); /* new */
    if (status_code == NULL) {
        return NULL;
    }
    int success = is_success(status_code);
    if (success != 0) {
        Py_DECREF(status_code);
        return success < 0 ? NULL : Py_NewRef(Py_None);
    }
    reason = PyObject_GetAttr(resp, names[AK_NAME_REASON]);
    phrase = reason == NULL ? NULL : fill_reason(reason, status_code);
    content = phrase == NULL ? NULL : PyObject_GetAttr(resp, names[AK_NAME_TEXT]);
    if (content != NULL) {
        raise_backend_error(module, phrase, status_code, content);
    }
    Py_XDECREF(content);
    Py_XDECREF(phrase);
    Py_XDECREF(reason);
    Py_DECREF(status_code);
    return NULL;
}

static PyMethodDef functions[] = {
    {"raise_ise", (PyCFunction)(void (*)(void))raise_ise, METH_VARARGS | METH_KEYWORDS,
     raise_ise_doc},
    {"raise_from_response", (PyCFunction)(void (*)(void))raise_from_response,
     METH_VARARGS | METH_KEYWORDS, raise_from_response_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_raisers(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
