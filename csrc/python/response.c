#include "python/response.h"

#include <datetime.h>
#include <stddef.h>
#include <structmember.h>
#include <time.h>

#include "python/cookies.h"
#include "python/errors.h"
#include "python/headers.h"

/* Attributes that are made when first asked for, and that may be assigned. */
enum attribute {
    STATUS_CODE,
    REASON,
    HEADERS,
    HISTORY,
    ELAPSED,
    REQUEST,
    COOKIES,
    URL,
    ATTRIBUTE_COUNT
};

typedef struct {
    PyObject_HEAD
    struct module_state *state; /* lives as long as the type does */
    struct ak_buf head;         /* of the answer */
    struct ak_buf request_head; /* as it was sent; holds credentials */
    struct ak_str reason;       /* inside head */
    int status;
    int64_t elapsed; /* nanoseconds from the sending to the answer's head */
    PyObject *content;          /* bytes, or NULL while it is still to come */
    PyObject *method, *request_body;
    PyObject *attributes[ATTRIBUTE_COUNT]; /* NULL until asked for */
    PyObject *weak_references;
    struct ak_call *call; /* a reference while the body is still to come */
    bool busy;            /* a thread is reading the body */
    bool consumed;        /* pieces were read: there is no whole body any more */
} ResponseObject;

/* ---- attributes ---- */

static PyObject *
make_status_code(ResponseObject *self)
{
    return PyLong_FromLong(self->status);
}

static PyObject *
make_reason(ResponseObject *self)
{
    return PyUnicode_DecodeLatin1(self->reason.ptr, (Py_ssize_t)self->reason.len, NULL);
}

static PyObject *
make_headers(ResponseObject *self)
{
    return ak_headers_from_head(self->state, ak_buf_str(&self->head));
}

static PyObject *
make_history(ResponseObject *Py_UNUSED(self))
{
    return PyList_New(0);
}

static PyObject *
make_elapsed(ResponseObject *self)
{
    int64_t microseconds = self->elapsed / 1000;
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == NULL) {
        return NULL;
    }
    return PyDelta_FromDSU(0, (int)(microseconds / 1000000), (int)(microseconds % 1000000));
}

static PyObject *
make_request(ResponseObject *self)
{
    return ak_prepared_from_head(self->state, self->method, self->attributes[URL],
                                 ak_buf_str(&self->request_head), self->request_body);
}

static enum ak_status
fill_jar(ResponseObject *self, PyObject *jar, const struct ak_url *url)
{
    enum ak_status status = AK_OK;
    size_t offset = 0;
    struct ak_str name, value;
    struct ak_cookie_jar *cookies = ak_cookies_lock(jar);
    while (status == AK_OK &&
           ak_http1_next_field(ak_buf_str(&self->head), &offset, &name, &value)) {
        if (ak_str_iequal(name, AK_STR("set-cookie"))) {
            status = ak_cookie_jar_take(cookies, value, url, (int64_t)time(NULL));
        }
    }
    ak_cookies_unlock(jar);
    return status;
}

/* The cookies that this answer set. */
static PyObject *
make_cookies(ResponseObject *self)
{
    PyObject *jar = ak_cookies_new(self->state); /* new */
    if (jar == NULL) {
        return NULL;
    }
    struct ak_url url;
    ak_url_init(&url);
    if (ak_parse_url_object(&url, self->attributes[URL]) < 0) {
        Py_CLEAR(jar);
    } else if (fill_jar(self, jar, &url) != AK_OK) {
        PyErr_NoMemory();
        Py_CLEAR(jar);
    }
    ak_url_free(&url);
    return jar;
}

static PyObject *
make_url(ResponseObject *Py_UNUSED(self))
{
    return PyUnicode_FromString("");
}

static PyObject *(*const makers[ATTRIBUTE_COUNT])(ResponseObject *) = {
    [STATUS_CODE] = make_status_code, [REASON] = make_reason,   [HEADERS] = make_headers,
    [HISTORY] = make_history,         [ELAPSED] = make_elapsed, [REQUEST] = make_request,
    [COOKIES] = make_cookies,         [URL] = make_url,
};

static PyObject *
get_attribute(PyObject *object, void *closure)
{
    ResponseObject *self = (ResponseObject *)object;
    PyObject **slot = &self->attributes[(intptr_t)closure];
    if (*slot == NULL) {
        PyObject *made = makers[(intptr_t)closure](self); /* new */
        if (made == NULL) {
            return NULL;
        }
        Py_XSETREF(*slot, made);
    }
    return Py_NewRef(*slot);
}

static int
set_attribute(PyObject *object, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "this attribute of a response cannot be deleted");
        return -1;
    }
    Py_XSETREF(((ResponseObject *)object)->attributes[(intptr_t)closure], Py_NewRef(value));
    return 0;
}

static PyObject *
get_head(PyObject *object, void *Py_UNUSED(closure))
{
    ResponseObject *self = (ResponseObject *)object;
    return PyBytes_FromStringAndSize(self->head.data, (Py_ssize_t)self->head.len);
}

/* ---- the body ---- */

static void
let_call_go(ResponseObject *self)
{
    struct ak_call *call = self->call;
    self->call = NULL;
    if (call == NULL) {
        return;
    }
    /* Nobody else reads this exchange: whoever holds the call still begins a
     * new one. */
    if (call->exchanging) {
        ak_exchange_free(&call->exchange);
        call->exchanging = false;
    }
    ak_call_free(call);
}

/* One thread at a time may read a body. */
static int
begin_reading(ResponseObject *self)
{
    if (self->busy) {
        PyErr_SetString(PyExc_RuntimeError,
                        "another thread is reading this response: give each thread its own");
        return -1;
    }
    self->busy = true;
    return 0;
}

static int
read_whole(ResponseObject *self)
{
    enum ak_step step;
    if (begin_reading(self) < 0) {
        return -1;
    }
    ak_exchange_deliver_whole(&self->call->exchange);
    int result = ak_call_step(self->call, &step);
    if (result == 0) {
        self->content = PyBytes_FromStringAndSize(self->call->exchange.body.data,
                                                  (Py_ssize_t)self->call->exchange.body.len);
        result = self->content == NULL ? -1 : 0;
    }
    self->busy = false;
    self->consumed = true;
    let_call_go(self);
    return result;
}

static PyObject *
get_content(PyObject *object, void *Py_UNUSED(closure))
{
    ResponseObject *self = (ResponseObject *)object;
    if (self->content == NULL && self->call != NULL && !self->consumed && read_whole(self) < 0) {
        return NULL;
    }
    if (self->content == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the body of this response was already read in pieces or closed: it is not "
                        "kept");
        return NULL;
    }
    return Py_NewRef(self->content);
}

static PyObject *
get_is_stream(PyObject *object, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((ResponseObject *)object)->call != NULL);
}

static PyObject *
get_is_consumed(PyObject *object, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((ResponseObject *)object)->consumed);
}

/* Move up to MOST bytes of the exchange's body to OUT. */
static int
take_piece(struct ak_exchange *exchange, struct ak_buf *out)
{
    size_t room = out->max - out->len;
    size_t count = exchange->body.len < room ? exchange->body.len : room;
    if (ak_buf_append(out, ak_str_of(exchange->body.data, count)) != AK_OK) {
        PyErr_NoMemory();
        return -1;
    }
    ak_buf_consume(&exchange->body, count);
    return 0;
}

/* Fill OUT up to its cap: 1 at the body's end, 0 when OUT is full or, with
 * chunks, as soon as something is there; -1. */
static int
read_pieces(ResponseObject *self, struct ak_buf *out)
{
    struct ak_exchange *exchange = &self->call->exchange;
    bool chunked = exchange->reader.framing == AK_HTTP1_CHUNKED;
    while (out->len < out->max) {
        enum ak_step step;
        if (ak_call_step(self->call, &step) < 0) {
            return -1;
        }
        if (step == AK_STEP_DONE) {
            return 1;
        }
        if (take_piece(exchange, out) < 0) {
            return -1;
        }
        if (chunked) {
            return 0;
        }
    }
    return 0;
}

PyDoc_STRVAR(read_doc,
             "_read($self, amount, /)\n"
             "--\n\n"
             "The next decoded bytes of the body, at most `amount`; b\"\" at its end.\n\n"
             "Fewer come only from a chunked answer, or at the end.");

static PyObject *
read_some(PyObject *object, PyObject *amount)
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
    self->consumed = true;
    int result = read_pieces(self, &out);
    self->busy = false;
    if (result != 0) {
        let_call_go(self);
    }
    PyObject *bytes =
        result < 0 ? NULL : PyBytes_FromStringAndSize(out.data, (Py_ssize_t)out.len);
    ak_buf_free(&out);
    return bytes;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n"
                        "--\n\n"
                        "Drop a body that is still to come, and its connection with it.");

static PyObject *
close_response(PyObject *object, PyObject *Py_UNUSED(args))
{
    ResponseObject *self = (ResponseObject *)object;
    if (begin_reading(self) < 0) {
        return NULL;
    }
    let_call_go(self);
    self->busy = false;
    Py_RETURN_NONE;
}

/* ---- making ---- */

/* The phrase of a head's status line, "HTTP/1.1 200 phrase". */
static struct ak_str
find_reason(struct ak_str head)
{
    size_t end = ak_str_find(head, '\r', 0);
    size_t version = ak_str_find(head, ' ', 0);
    size_t code = ak_str_find(head, ' ', version + 1);
    return code < end ? ak_str_slice(head, code + 1, end) : ak_str_of(NULL, 0);
}

PyDoc_STRVAR(restore_doc,
             "_restore($self, status, url, head, content, elapsed, history, /)\n"
             "--\n\n"
             "Become the response that was pickled: `head` as in the attribute, `elapsed` in\n"
             "nanoseconds.");

static PyObject *
restore(PyObject *object, PyObject *args)
{
    ResponseObject *self = (ResponseObject *)object;
    int status;
    long long elapsed;
    Py_ssize_t length;
    const char *head;
    PyObject *url, *content, *history; /* borrowed */
    if (!PyArg_ParseTuple(args, "iUy#SLO!:_restore", &status, &url, &head, &length, &content,
                          &elapsed, &PyList_Type, &history)) {
        return NULL;
    }
    self->head.max = (size_t)length;
    ak_buf_clear(&self->head);
    if (ak_buf_append(&self->head, ak_str_of(head, (size_t)length)) != AK_OK) {
        return PyErr_NoMemory();
    }
    self->status = status;
    self->elapsed = elapsed;
    self->reason = find_reason(ak_buf_str(&self->head));
    Py_XSETREF(self->attributes[URL], Py_NewRef(url));
    Py_XSETREF(self->attributes[HISTORY], Py_NewRef(history));
    Py_XSETREF(self->content, Py_NewRef(content));
    Py_RETURN_NONE;
}

static PyObject *
get_elapsed_nanoseconds(PyObject *object, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(((ResponseObject *)object)->elapsed);
}

static PyObject *
new_response(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    struct module_state *state = ak_state_of_type(type);
    ResponseObject *self = state == NULL ? NULL : (ResponseObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->state = state;
    }
    return (PyObject *)self;
}

static enum ak_status
take_texts(ResponseObject *self, struct ak_call *call)
{
    struct ak_http1_reader *reader = &call->exchange.reader;
    self->head = reader->head;
    self->reason = reader->reason;
    reader->head = ak_buf_make(reader->head.max);
    reader->reason = ak_str_of(NULL, 0);
    if (call->delivery == AK_DELIVER_WHOLE) {
        self->request_head = call->head;
        self->request_head.len = call->head_length;
        call->head.data = NULL;
        call->head.len = call->head.capacity = 0;
        return AK_OK;
    }
    self->request_head = ak_buf_make(call->head_length);
    return ak_buf_append(&self->request_head, ak_str_of(call->head.data, call->head_length));
}

PyObject *
ak_response_new(struct ak_call *call, PyObject *content)
{
    PyTypeObject *type = (PyTypeObject *)call->state->response_class;
    ResponseObject *self = (ResponseObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_XDECREF(content);
        return NULL;
    }
    self->state = call->state;
    self->content = content;
    self->status = call->exchange.reader.status;
    self->elapsed = call->exchange.head_at - call->exchange.sent_at;
    self->method = Py_NewRef(call->method);
    self->request_body = Py_XNewRef(call->body);
    self->attributes[URL] =
        PyUnicode_DecodeASCII(call->url.text.data, (Py_ssize_t)call->url.text.len, NULL);
    if (content == NULL) {
        self->call = call;
        call->references++;
    }
    if (take_texts(self, call) != AK_OK) {
        PyErr_NoMemory();
        Py_CLEAR(self);
    } else if (self->attributes[URL] == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

bool
ak_is_response(struct module_state *state, PyObject *object)
{
    return PyObject_TypeCheck(object, state->response_type);
}

int
ak_response_drain(PyObject *response)
{
    ResponseObject *self = (ResponseObject *)response;
    return self->call == NULL || self->consumed ? 0 : read_whole(self);
}

bool
ak_response_location(PyObject *response, struct ak_str *location)
{
    ResponseObject *self = (ResponseObject *)response;
    return ak_http1_find_field(ak_buf_str(&self->head), AK_STR("location"), location);
}

int
ak_response_status(PyObject *response)
{
    return ((ResponseObject *)response)->status;
}

int
ak_response_set_history(PyObject *response, PyObject *history)
{
    PyObject *copy = PyList_GetSlice(history, 0, PyList_GET_SIZE(history)); /* new */
    if (copy == NULL) {
        return -1;
    }
    Py_XSETREF(((ResponseObject *)response)->attributes[HISTORY], copy);
    return 0;
}

static int
traverse_response(PyObject *object, visitproc visit, void *arg)
{
    ResponseObject *self = (ResponseObject *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->method);
    Py_VISIT(self->request_body);
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        Py_VISIT(self->attributes[i]);
    }
    return 0;
}

static int
clear_response(PyObject *object)
{
    ResponseObject *self = (ResponseObject *)object;
    Py_CLEAR(self->method);
    Py_CLEAR(self->request_body);
    for (int i = 0; i < ATTRIBUTE_COUNT; i++) {
        Py_CLEAR(self->attributes[i]);
    }
    return 0;
}

static void
free_response(PyObject *object)
{
    ResponseObject *self = (ResponseObject *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    clear_response(object);
    let_call_go(self);
    Py_CLEAR(self->content);
    ak_buf_free(&self->head);
    ak_buf_free_secret(&self->request_head);
    type->tp_free(object);
    Py_DECREF(type);
}

#define LAZY(name, index, doc) {name, get_attribute, set_attribute, doc, (void *)(intptr_t)index}
static PyGetSetDef getters[] = {
    LAZY("status_code", STATUS_CODE, "The status, 0 to 999 (int)."),
    LAZY("reason", REASON, "The wire's reason phrase, maybe empty (str)."),
    LAZY("url", URL, "Where the answer came from (str)."),
    LAZY("headers", HEADERS, "The answer's headers (CaseInsensitiveDict)."),
    LAZY("history", HISTORY, "The redirects before this answer, oldest first (list)."),
    LAZY("elapsed", ELAPSED, "From the sending to the answer's head (timedelta)."),
    LAZY("request", REQUEST, "What was sent (PreparedRequest)."),
    LAZY("cookies", COOKIES, "The cookies that this answer set (CookieJar)."),
    {"head", get_head, NULL, "The status line and headers as they came (bytes).", NULL},
    {"content", get_content, NULL, "The decoded body (bytes).", NULL},
    {"is_stream", get_is_stream, NULL, "Whether the body is still to come (bool).", NULL},
    {"_is_consumed", get_is_consumed, NULL, "Whether pieces of the body were read.", NULL},
    {"_elapsed_ns", get_elapsed_nanoseconds, NULL, "elapsed in nanoseconds (int).", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
#undef LAZY

static PyMethodDef methods[] = {
    {"_read", read_some, METH_O, read_doc},
    {"_restore", restore, METH_VARARGS, restore_doc},
    {"close", close_response, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ResponseObject, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(response_doc, "The C half of apikit.Response.");

static PyType_Slot response_slots[] = {
    {Py_tp_doc, (void *)response_doc},
    {Py_tp_new, new_response},
    {Py_tp_dealloc, free_response},
    {Py_tp_traverse, traverse_response},
    {Py_tp_clear, clear_response},
    {Py_tp_getset, getters},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec response_spec = {
    .name = "apikit._core.Response",
    .basicsize = sizeof(ResponseObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = response_slots,
};

int
ak_add_response(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    state->response_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &response_spec, NULL);
    return state->response_type == NULL ? -1 : PyModule_AddType(module, state->response_type);
}
