/* The body of a request: bytes as they are, or pieces of a file or an iterator
 * that are asked for while the request goes out. */
#include "python/call.h"
#include "python/errors.h"

enum { FILE_PIECE = 64 * 1024 };

/* Where a file stands, so that it can be sent again from there; NULL without
 * an exception where it does not tell. */
static PyObject *
tell_position(PyObject *body)
{
    PyObject *position = PyObject_CallMethod(body, "tell", NULL); /* new */
    if (position == NULL) {
        PyErr_Clear(); /* no file, or one that cannot seek: not rewindable */
    }
    return position;
}

/* A body that is asked for piece by piece. */
static int
set_streamed_body(struct ak_call *call, PyObject *body)
{
    PyObject *length = ak_prepare_call("body_length", Py_BuildValue("(O)", body)); /* new */
    if (length == NULL) {
        return -1;
    }
    call->body_kind = AK_BODY_CHUNKED;
    if (length != Py_None) {
        call->body_total = PyLong_AsLongLong(length);
        call->body_kind = AK_BODY_SIZED;
    }
    Py_DECREF(length);
    if (PyErr_Occurred()) {
        return -1;
    }
    call->body = Py_NewRef(body);
    call->body_start = tell_position(body);
    return 0;
}

int
ak_call_set_body(struct ak_call *call, PyObject *body)
{
    Py_CLEAR(call->body);
    Py_CLEAR(call->body_text);
    Py_CLEAR(call->body_start);
    Py_CLEAR(call->body_iterator);
    call->body_kind = AK_BODY_READY;
    if (body == Py_None) {
        return 0;
    }
    if (PyBytes_Check(body)) {
        call->body = Py_NewRef(body);
        return 0;
    }
    if (PyUnicode_Check(body)) {
        call->body = PyUnicode_AsUTF8String(body);
        call->body_text = Py_NewRef(body);
        return call->body == NULL ? -1 : 0;
    }
    if (PyByteArray_Check(body) || PyMemoryView_Check(body)) {
        call->body = PyBytes_FromObject(body);
        return call->body == NULL ? -1 : 0;
    }
    return set_streamed_body(call, body);
}

static PyObject *
or_none(PyObject *value)
{
    return value != NULL ? value : Py_None;
}

PyObject *
ak_encode_body(const struct ak_arguments *arguments)
{
    PyObject *const *given = arguments->values;
    return ak_prepare_call("encode_body", Py_BuildValue("(OOO)", or_none(given[AK_ARG_DATA]),
                                                        or_none(given[AK_ARG_FILES]),
                                                        or_none(given[AK_ARG_JSON])));
}

int
ak_call_take_body(struct ak_call *call, const struct ak_arguments *arguments)
{
    PyObject *data = arguments->values[AK_ARG_DATA];
    PyObject *files = arguments->values[AK_ARG_FILES];
    PyObject *json = arguments->values[AK_ARG_JSON];
    if (!ak_is_given(data) && !ak_is_given(files) && !ak_is_given(json)) {
        return 0;
    }
    if (ak_is_given(data) && !ak_is_given(files) && PyBytes_Check(data) &&
        PyBytes_GET_SIZE(data) > 0) {
        call->content_type = Py_XNewRef(arguments->content_type);
        return ak_call_set_body(call, data);
    }
    PyObject *encoded = ak_encode_body(arguments); /* new */
    PyObject *body, *content_type;                 /* borrowed from encoded */
    if (encoded == NULL) {
        return -1;
    }
    int result = -1;
    if (PyArg_ParseTuple(encoded, "OO:encode_body", &body, &content_type)) {
        call->content_type = content_type == Py_None ? NULL : Py_NewRef(content_type);
        result = ak_call_set_body(call, body);
    }
    Py_DECREF(encoded);
    return result;
}

int
ak_call_rewind_body(struct ak_call *call)
{
    Py_CLEAR(call->body_iterator);
    if (call->body == NULL || call->body_kind == AK_BODY_READY) {
        return 0;
    }
    PyObject *position = call->body_start ? call->body_start : Py_None;
    PyObject *done =
        ak_prepare_call("rewind", Py_BuildValue("(OO)", call->body, position)); /* new */
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* The next piece: bytes or str, new; NULL without an exception at the end. */
static PyObject *
next_piece(struct ak_call *call)
{
    if (call->body_iterator == NULL) {
        PyObject *read = PyObject_GetAttrString(call->body, "read"); /* new */
        if (read != NULL) {
            call->body_iterator = read;
        } else {
            PyErr_Clear();
            call->body_iterator = PyObject_GetIter(call->body);
            if (call->body_iterator == NULL) {
                return NULL;
            }
        }
    }
    if (PyIter_Check(call->body_iterator)) {
        return PyIter_Next(call->body_iterator);
    }
    return PyObject_CallFunction(call->body_iterator, "i", (int)FILE_PIECE);
}

/* PIECE's bytes; *owner is a new reference. */
static int
piece_bytes(PyObject *piece, PyObject **owner, struct ak_str *bytes)
{
    *owner = PyUnicode_Check(piece) ? PyUnicode_AsUTF8String(piece) : PyBytes_FromObject(piece);
    if (*owner == NULL) {
        return -1;
    }
    *bytes = ak_str_of(PyBytes_AS_STRING(*owner), (size_t)PyBytes_GET_SIZE(*owner));
    return 0;
}

/* A body of announced length must be of that length, or the next request on
 * the connection would be taken for part of it. */
static int
check_length(struct ak_call *call, struct ak_str bytes)
{
    if (call->body_kind != AK_BODY_SIZED) {
        return 0;
    }
    call->body_length -= (long long)bytes.len;
    if (call->body_length < 0 || (bytes.len == 0 && call->body_length > 0)) {
        PyErr_Format(PyExc_ValueError,
                     "the body was announced as %lld bytes and gave %s: it changed while it was "
                     "sent",
                     call->body_total, call->body_length < 0 ? "more" : "less");
        return -1;
    }
    return 0;
}

static int
push_bytes(struct ak_call *call, struct ak_str bytes)
{
    struct ak_err err;
    if (check_length(call, bytes) < 0) {
        return -1;
    }
    if (ak_exchange_push_body(&call->exchange, bytes, &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        return -1;
    }
    return 0;
}

int
ak_call_push_body(struct ak_call *call)
{
    for (;;) {
        PyObject *piece = next_piece(call); /* new */
        if (piece == NULL) {
            return PyErr_Occurred() ? -1 : push_bytes(call, ak_str_of(NULL, 0));
        }
        PyObject *owner;
        struct ak_str bytes;
        int result = piece_bytes(piece, &owner, &bytes);
        Py_DECREF(piece);
        if (result < 0) {
            return -1;
        }
        /* An iterator may give an empty piece, which is not its end. */
        bool skip = bytes.len == 0 && PyIter_Check(call->body_iterator);
        result = skip ? 0 : push_bytes(call, bytes);
        Py_DECREF(owner);
        if (!skip) {
            return result;
        }
    }
}
