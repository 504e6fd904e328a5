/* Where a request goes: its URL, with a host in ASCII, and its query. */
#include "python/call.h"

#include "python/errors.h"

enum {
    MOST_QUERY = 1024 * 1024,
    MOST_HOST = 4 * AK_URL_MAX_HOST /* in UTF-8; idna takes the square of the time */
};

PyObject *
ak_encode_host(struct ak_str text)
{
    size_t start, end;
    if (!ak_url_find_host(text, &start, &end)) {
        return NULL;
    }
    if (end - start > MOST_HOST) {
        return NULL; /* far too long in ASCII too, as its parsing will say */
    }
    bool ascii = true;
    for (size_t i = start; i < end; i++) {
        ascii = ascii && (unsigned char)text.ptr[i] < 0x80;
    }
    if (ascii) {
        return NULL;
    }
    PyObject *host = PyUnicode_DecodeUTF8(text.ptr + start, (Py_ssize_t)(end - start), "replace");
    PyObject *encoded =
        host == NULL ? NULL : ak_prepare_call("idna_host", Py_BuildValue("(N)", host)); /* new */
    if (encoded == NULL) {
        return NULL;
    }
    PyObject *before = PyUnicode_DecodeUTF8(text.ptr, (Py_ssize_t)start, "replace");
    PyObject *after = PyUnicode_DecodeUTF8(text.ptr + end, (Py_ssize_t)(text.len - end), "replace");
    PyObject *whole = NULL;
    if (before != NULL && after != NULL) {
        whole = PyUnicode_FromFormat("%U%U%U", before, encoded, after);
    }
    Py_DECREF(encoded);
    Py_XDECREF(before);
    Py_XDECREF(after);
    return whole;
}

int
ak_parse_url(struct ak_url *url, struct ak_str text)
{
    struct ak_err err;
    PyObject *encoded = ak_encode_host(text); /* new */
    if (encoded == NULL && PyErr_Occurred()) {
        return -1;
    }
    if (encoded != NULL) {
        Py_ssize_t length;
        const char *utf8 = PyUnicode_AsUTF8AndSize(encoded, &length);
        if (utf8 == NULL) {
            Py_DECREF(encoded);
            return -1;
        }
        text = ak_str_of(utf8, (size_t)length);
    }
    enum ak_status status = ak_url_parse(url, text, &err);
    Py_XDECREF(encoded);
    if (status != AK_OK) {
        ak_raise(&err, NULL, NULL);
        return -1;
    }
    return 0;
}

int
ak_parse_url_object(struct ak_url *url, PyObject *object)
{
    Py_ssize_t length;
    if (PyBytes_Check(object)) {
        return ak_parse_url(url,
                            ak_str_of(PyBytes_AS_STRING(object), (size_t)PyBytes_GET_SIZE(object)));
    }
    PyObject *text = PyUnicode_Check(object) ? Py_NewRef(object) : PyObject_Str(object); /* new */
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &length);
    int result = -1;
    if (utf8 != NULL) {
        result = ak_parse_url(url, ak_str_of(utf8, (size_t)length));
    } else if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        ak_raise_named("InvalidURL", "the URL holds a lone surrogate: it is no text", NULL, NULL);
    }
    Py_XDECREF(text);
    return result;
}

/* ---- parameters ---- */

/* A query may be a caller's of a service: that it is too long is no want of memory.
 * Always -1. */
static int
raise_growth(enum ak_status status)
{
    struct ak_err err;
    if (status != AK_TOO_LARGE) {
        return ak_raise_no_memory();
    }
    (void)ak_fail(&err, AK_BAD_URL, "the parameters make a query of more than %d bytes",
                  MOST_QUERY);
    ak_raise(&err, NULL, NULL);
    return -1;
}

/* One pair of str: 1 when coded into QUERY, 0 when it is something else, -1. */
static int
code_pair(PyObject *key, PyObject *value, struct ak_buf *query)
{
    Py_ssize_t key_length, value_length;
    if (!PyUnicode_CheckExact(key) || !PyUnicode_CheckExact(value)) {
        return 0;
    }
    const char *name = PyUnicode_AsUTF8AndSize(key, &key_length);
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(value, &value_length);
    if (text == NULL) {
        return -1;
    }
    enum ak_status status = ak_url_append_form_pair(query, ak_str_of(name, (size_t)key_length),
                                                    ak_str_of(text, (size_t)value_length));
    return status == AK_OK ? 1 : raise_growth(status);
}

/* A dict of str to str, the common case: 1 when coded into QUERY, 0 when it is
 * something else, -1.  To code a pair may leave the critical section. */
static int
code_plain_dict(PyObject *params, struct ak_buf *query)
{
    Py_ssize_t position = 0;
    PyObject *key, *value; /* borrowed from params */
    int result = PyDict_CheckExact(params);
    Py_BEGIN_CRITICAL_SECTION(params);
    while (result > 0 && PyDict_Next(params, &position, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        result = code_pair(key, value, query);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    Py_END_CRITICAL_SECTION();
    return result;
}

/* Everything else: lists, bytes, numbers, a str as it is. */
static int
code_any_params(PyObject *params, struct ak_buf *query)
{
    PyObject *coded = ak_prepare_call("encode_params", Py_BuildValue("(O)", params)); /* new */
    Py_ssize_t length;
    const char *text = coded == NULL ? NULL : PyUnicode_AsUTF8AndSize(coded, &length);
    int result = -1;
    if (text != NULL) {
        ak_buf_clear(query);
        enum ak_status status = ak_buf_append(query, ak_str_of(text, (size_t)length));
        result = status == AK_OK ? 0 : raise_growth(status);
    }
    Py_XDECREF(coded);
    return result;
}

int
ak_call_take_params(struct ak_call *call, PyObject *params)
{
    PyObject *merged = NULL;                                                   /* new */
    PyObject *own = ak_session_setting(call->session, &call->session->params); /* new */
    if (ak_has_no_entries(own)) {
        Py_DECREF(own);
    } else {
        merged = ak_prepare_call("merge_params",
                                 Py_BuildValue("(NO)", own, params == NULL ? Py_None : params));
        if (merged == NULL) {
            return -1;
        }
        params = merged;
    }
    if (ak_has_no_entries(params)) {
        Py_XDECREF(merged);
        return 0;
    }
    struct ak_buf query = ak_buf_make(MOST_QUERY);
    struct ak_err err;
    int result = code_plain_dict(params, &query);
    if (result == 0) {
        result = code_any_params(params, &query);
    }
    if (result >= 0 && query.len > 0 &&
        ak_url_add_query(&call->url, ak_buf_str(&query), &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        result = -1;
    }
    ak_buf_free(&query);
    Py_XDECREF(merged);
    return result < 0 ? -1 : 0;
}
