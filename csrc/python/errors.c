#include "python/errors.h"

static const char *const class_names[] = {
    [AK_BAD_HEADER] = "InvalidHeader",
    [AK_BAD_URL] = "InvalidURL",
    [AK_MISSING_SCHEMA] = "MissingSchema",
    [AK_BAD_SCHEMA] = "InvalidSchema",
    [AK_NOT_CONNECTED] = "ConnectError",
    [AK_CONNECT_FAILED] = "ConnectionError",
    [AK_CONNECT_TIMEOUT] = "ConnectTimeout",
    [AK_READ_TIMEOUT] = "ReadTimeout",
    [AK_DEADLINE] = "DeadlineExceeded",
    [AK_TLS_FAILED] = "SSLError",
    [AK_PROXY_FAILED] = "ProxyError",
    [AK_BAD_CHUNK] = "ChunkedEncodingError",
    [AK_BAD_CODING] = "ContentDecodingError",
    [AK_TOO_LARGE] = "BodyTooLarge",
    [AK_TOO_MANY_REDIRECTS] = "TooManyRedirects",
    [AK_UNSAFE_REDIRECT] = "UnsafeRedirect",
    [AK_NOT_REWINDABLE] = "UnrewindableBodyError",
    [AK_POOL_BUSY] = "PoolBusy",
};

PyObject *
ak_raise_named(const char *name, const char *message, PyObject *request, PyObject *response)
{
    PyObject *module = PyImport_ImportModule("apikit.errors"); /* new */
    if (module == NULL) {
        return NULL;
    }
    PyObject *build = PyObject_GetAttrString(module, "build"); /* new */
    Py_DECREF(module);
    if (build == NULL) {
        return NULL;
    }
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    PyObject *args = text == NULL ? NULL : Py_BuildValue("(sN)", name, text); /* steals text */
    PyObject *kwargs = args == NULL
                           ? NULL
                           : Py_BuildValue("{s:O,s:O}", "request", request ? request : Py_None,
                                           "response", response ? response : Py_None);
    PyObject *exception = kwargs == NULL ? NULL : PyObject_Call(build, args, kwargs); /* new */
    Py_DECREF(build);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

PyObject *
ak_raise(const struct ak_err *err, PyObject *request, PyObject *response)
{
    switch (err->status) {
    case AK_NO_MEMORY:
        return PyErr_NoMemory();
    case AK_BAD_TYPE:
        PyErr_SetString(PyExc_TypeError, err->message);
        return NULL;
    case AK_BAD_VALUE:
        PyErr_SetString(PyExc_ValueError, err->message);
        return NULL;
    case AK_CLOSED:
        PyErr_SetString(PyExc_RuntimeError, err->message);
        return NULL;
    default:
        return ak_raise_named(class_names[err->status], err->message, request, response);
    }
}

/* ---- an exception on its way ---- */

PyObject *
ak_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

void
ak_raise_again(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
#endif
}
