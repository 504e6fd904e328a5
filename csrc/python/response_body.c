/* The body of a Response: read whole or in pieces, by one thread at a time. */
#include "python/response.h"

void
ak_response_let_call_go(ResponseObject *self)
{
    struct ak_call *call = self->call;
    if (call == NULL) {
        return;
    }
    /* Nobody else reads this exchange: a call begins no other before it has it back. */
    if (call->exchanging) {
        ak_exchange_free(&call->exchange);
        call->exchanging = false;
    }
    self->call = NULL;
    ak_call_free(call);
}

/* One thread at a time may read a body. */
static int
begin_reading(ResponseObject *self)
{
    if (atomic_exchange(&self->busy, true)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "another thread is reading this response: give each thread its own");
        return -1;
    }
    return 0;
}

/* Between begin_reading and the end of it. */
static int
read_whole(ResponseObject *self)
{
    enum ak_step step;
    struct ak_call *call = self->call;
    ak_exchange_deliver_whole(&call->exchange);
    int result = ak_call_step(call, &step);
    if (result == 0) {
        PyObject *content = PyBytes_FromStringAndSize(
            call->exchange.body.data, (Py_ssize_t)call->exchange.body.len); /* new */
        result = content == NULL ? -1 : 0;
        ak_slot_set(self, &self->content, content);
    }
    self->consumed = true;
    ak_response_let_call_go(self);
    return result;
}

/* Read the body if it is still to come: 0 or -1. */
static int
load_content(ResponseObject *self)
{
    if (begin_reading(self) < 0) {
        return -1;
    }
    int result = self->call != NULL && !self->consumed ? read_whole(self) : 0;
    self->busy = false;
    return result;
}

PyObject *
ak_response_get_content(PyObject *object, void *Py_UNUSED(closure))
{
    ResponseObject *self = (ResponseObject *)object;
    PyObject *content = ak_slot_get(self, &self->content); /* new */
    if (content != NULL) {
        return content;
    }
    if (load_content(self) < 0) {
        return NULL;
    }
    content = ak_slot_get(self, &self->content);
    if (content == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the body of this response was already read in pieces or closed: it is not "
                        "kept");
    }
    return content;
}

/* Copy what OUT has room for from the exchange's piece.  It is let go when all
 * of it was taken: to move the rest each time would cost readers of single bytes
 * the square of its length. */
static int
take_piece(ResponseObject *self, struct ak_buf *out)
{
    struct ak_call *call = self->call;
    struct ak_buf *piece = &call->exchange.body;
    size_t room = out->max - out->len;
    size_t left = piece->len - self->taken;
    size_t count = left < room ? left : room;
    if (ak_buf_append(out, ak_str_of(piece->data + self->taken, count)) != AK_OK) {
        PyErr_NoMemory();
        return -1;
    }
    self->taken += count;
    if (self->taken == piece->len) {
        ak_buf_clear(piece);
        self->taken = 0;
    }
    return 0;
}

/* Fill OUT up to its cap: 1 at the body's end, 0 when OUT is full or, with
 * chunks, as soon as something is there; -1. */
static int
read_pieces(ResponseObject *self, struct ak_buf *out)
{
    struct ak_call *call = self->call;
    bool chunked = call->exchange.reader.framing == AK_HTTP1_CHUNKED;
    while (out->len < out->max) {
        enum ak_step step;
        if (self->taken == 0) {
            if (ak_call_step(call, &step) < 0) {
                return -1;
            }
            if (step == AK_STEP_DONE) {
                return 1;
            }
        }
        if (take_piece(self, out) < 0) {
            return -1;
        }
        if (chunked) {
            return 0;
        }
    }
    return 0;
}

PyObject *
ak_response_read(PyObject *object, PyObject *amount)
{
    ResponseObject *self = (ResponseObject *)object;
    Py_ssize_t most = PyNumber_AsSsize_t(amount, PyExc_OverflowError);
    if (most < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "the amount to read must not be negative");
        }
        return NULL;
    }
    if (self->call == NULL) {
        return PyBytes_FromStringAndSize(NULL, 0);
    }
    if (begin_reading(self) < 0) {
        return NULL;
    }
    struct ak_buf out = ak_buf_make((size_t)most);
    int result = 0;
    if (self->call != NULL) {
        self->consumed = true;
        result = read_pieces(self, &out);
    }
    if (result != 0) {
        ak_response_let_call_go(self);
    }
    self->busy = false;
    PyObject *bytes = result < 0 ? NULL : PyBytes_FromStringAndSize(out.data, (Py_ssize_t)out.len);
    ak_buf_free(&out);
    return bytes;
}

PyObject *
ak_response_close(PyObject *object, PyObject *Py_UNUSED(args))
{
    ResponseObject *self = (ResponseObject *)object;
    if (begin_reading(self) < 0) {
        return NULL;
    }
    ak_response_let_call_go(self);
    self->busy = false;
    Py_RETURN_NONE;
}

int
ak_response_drain(PyObject *response)
{
    ResponseObject *self = (ResponseObject *)response;
    int result = 0;
    if (begin_reading(self) < 0) {
        return -1;
    }
    if (self->call != NULL && !self->consumed) {
        result = read_whole(self);
    } else {
        ak_response_let_call_go(self); /* read in part, and the rest is not wanted */
    }
    self->busy = false;
    return result;
}
