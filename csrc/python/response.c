#include "python/response.h"

#include <stddef.h>
#include <structmember.h>

#include "python/cookies.h"
#include "python/errors.h"
#include "python/headers.h"

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

/* Not by datetime.h, whose static pointer all interpreters would share. */
static PyObject *
make_elapsed(ResponseObject *self)
{
    long long microseconds = self->elapsed / 1000;
    PyObject *module = PyImport_ImportModule("datetime"); /* new */
    PyObject *elapsed =
        module == NULL ? NULL
                       : PyObject_CallMethod(module, "timedelta", "iLL", 0, microseconds / 1000000,
                                             microseconds % 1000000); /* new */
    Py_XDECREF(module);
    return elapsed;
}

/* None for a Response that no call has made. */
static PyObject *
make_request(ResponseObject *self)
{
    PyObject *url = ak_slot_get(self, &self->attributes[AK_RESPONSE_URL]); /* new */
    if (self->method == NULL || url == NULL) {
        Py_XDECREF(url);
        Py_RETURN_NONE;
    }
    PyObject *request =
        ak_prepared_from_head(self->state, self->method, url, ak_buf_str(&self->request_head),
                              self->host_source, self->request_body); /* new */
    Py_DECREF(url);
    return request;
}

/* The cookies that this answer set. */
static PyObject *
make_cookies(ResponseObject *self)
{
    PyObject *jar = ak_cookies_new(self->state);                               /* new */
    PyObject *address = ak_slot_get(self, &self->attributes[AK_RESPONSE_URL]); /* new */
    if (jar == NULL || address == NULL) {
        Py_XDECREF(address);
        return jar;
    }
    struct ak_url url;
    ak_url_init(&url);
    if (ak_parse_url_object(&url, address) < 0) {
        Py_CLEAR(jar);
    } else if (ak_cookies_take(jar, &url, ak_buf_str(&self->head)) != AK_OK) {
        PyErr_NoMemory();
        Py_CLEAR(jar);
    }
    ak_url_free(&url);
    Py_DECREF(address);
    return jar;
}

static PyObject *
make_url(ResponseObject *Py_UNUSED(self))
{
    return PyUnicode_FromString("");
}

static PyObject *(*const makers[AK_RESPONSE_ATTRIBUTE_COUNT])(ResponseObject *) = {
    [AK_RESPONSE_STATUS_CODE] = make_status_code, [AK_RESPONSE_REASON] = make_reason,
    [AK_RESPONSE_HEADERS] = make_headers,         [AK_RESPONSE_HISTORY] = make_history,
    [AK_RESPONSE_ELAPSED] = make_elapsed,         [AK_RESPONSE_REQUEST] = make_request,
    [AK_RESPONSE_COOKIES] = make_cookies,         [AK_RESPONSE_URL] = make_url,
};

static PyObject *
get_attribute(PyObject *object, void *closure)
{
    ResponseObject *self = (ResponseObject *)object;
    PyObject **slot = &self->attributes[(intptr_t)closure];
    PyObject *value = ak_slot_get(self, slot); /* new */
    if (value != NULL) {
        return value;
    }
    value = makers[(intptr_t)closure](self);
    return value == NULL ? NULL : ak_slot_fill(self, slot, value);
}

static int
set_attribute(PyObject *object, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "this attribute of a response cannot be deleted");
        return -1;
    }
    ResponseObject *self = (ResponseObject *)object;
    ak_slot_set(self, &self->attributes[(intptr_t)closure], Py_NewRef(value));
    return 0;
}

static PyObject *
get_head(PyObject *object, void *Py_UNUSED(closure))
{
    ResponseObject *self = (ResponseObject *)object;
    return PyBytes_FromStringAndSize(self->head.data, (Py_ssize_t)self->head.len);
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

PyDoc_STRVAR(read_doc, "_read($self, amount, /)\n"
                       "--\n\n"
                       "The next decoded bytes of the body, at most `amount`; b\"\" at its end.\n\n"
                       "Fewer come only from a chunked answer, or at the end.");

PyDoc_STRVAR(close_doc, "close($self, /)\n"
                        "--\n\n"
                        "Drop a body that is still to come, and its connection with it.");

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
             "Become the response that was pickled, before anybody else knows this one: `head`\n"
             "as in the attribute, `elapsed` in nanoseconds.");

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
    if (self->head.len > 0 || self->content != NULL || self->method != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "only a new response becomes one that was pickled");
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
    ak_slot_set(self, &self->attributes[AK_RESPONSE_URL], Py_NewRef(url));
    ak_slot_set(self, &self->attributes[AK_RESPONSE_HISTORY], Py_NewRef(history));
    ak_slot_set(self, &self->content, Py_NewRef(content));
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
    reader->head = ak_buf_make_secret(reader->head.max);
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
    PyObject *class = ak_state_get(call->state, &call->state->response_class); /* new */
    PyTypeObject *type = (PyTypeObject *)class;
    ResponseObject *self = (ResponseObject *)type->tp_alloc(type, 0);
    Py_DECREF(class);
    if (self == NULL) {
        Py_XDECREF(content);
        return NULL;
    }
    self->state = call->state;
    self->content = content;
    self->status = call->exchange.reader.status;
    self->elapsed = call->exchange.head_at - call->exchange.sent_at;
    self->method = Py_NewRef(call->method);
    self->request_body = Py_XNewRef(ak_call_shown_body(call));
    self->host_source = call->host_source;
    self->attributes[AK_RESPONSE_URL] =
        PyUnicode_DecodeASCII(call->url.text.data, (Py_ssize_t)call->url.text.len, NULL);
    if (content == NULL) {
        self->call = call;
        atomic_fetch_add(&call->references, 1);
        Py_XSETREF(call->lent_to, Py_NewRef(self));
    }
    bool has_texts = take_texts(self, call) == AK_OK;
    if (!has_texts) {
        PyErr_NoMemory();
    }
    if (!has_texts || self->attributes[AK_RESPONSE_URL] == NULL) {
        Py_CLEAR(call->lent_to);
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

bool
ak_is_response(struct module_state *state, PyObject *object)
{
    return PyObject_TypeCheck(object, state->response_type);
}

bool
ak_response_field(PyObject *response, struct ak_str name, struct ak_str *value)
{
    ResponseObject *self = (ResponseObject *)response;
    return ak_http1_find_field(ak_buf_str(&self->head), name, value);
}

bool
ak_response_location(PyObject *response, struct ak_str *location)
{
    return ak_response_field(response, AK_STR("location"), location);
}

struct ak_str
ak_response_loaded(PyObject *response)
{
    ResponseObject *self = (ResponseObject *)response;
    PyObject *content = ak_slot_get(self, &self->content); /* new */
    if (content == NULL) {
        return AK_STR("");
    }
    struct ak_str text = ak_str_of(PyBytes_AS_STRING(content), (size_t)PyBytes_GET_SIZE(content));
    Py_DECREF(content); /* stays the Response's */
    return text;
}

int
ak_response_status(PyObject *response)
{
    ResponseObject *self = (ResponseObject *)response;
    PyObject *assigned = ak_slot_get(self, &self->attributes[AK_RESPONSE_STATUS_CODE]); /* new */
    int status = self->status;
    if (assigned != NULL && PyLong_Check(assigned)) {
        int overflow;
        status = (int)PyLong_AsLongAndOverflow(assigned, &overflow);
    }
    Py_XDECREF(assigned);
    return status;
}

Py_ssize_t
ak_response_redirects(PyObject *response)
{
    ResponseObject *self = (ResponseObject *)response;
    PyObject *history = ak_slot_get(self, &self->attributes[AK_RESPONSE_HISTORY]); /* new */
    Py_ssize_t count = history != NULL && PyList_Check(history) ? PyList_Size(history) : 0;
    Py_XDECREF(history);
    return count;
}

int
ak_response_set_history(PyObject *response, PyObject *history)
{
    PyObject *copy = PyList_GetSlice(history, 0, PyList_GET_SIZE(history)); /* new */
    if (copy == NULL) {
        return -1;
    }
    ResponseObject *self = (ResponseObject *)response;
    ak_slot_set(self, &self->attributes[AK_RESPONSE_HISTORY], copy);
    return 0;
}

static int
traverse_response(PyObject *object, visitproc visit, void *arg)
{
    ResponseObject *self = (ResponseObject *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->method);
    Py_VISIT(self->request_body);
    for (int i = 0; i < AK_RESPONSE_ATTRIBUTE_COUNT; i++) {
        Py_VISIT(self->attributes[i]);
    }
    struct ak_call *call = self->call;
    return call == NULL ? 0 : ak_call_traverse(call, visit, arg);
}

static int
clear_response(PyObject *object)
{
    ResponseObject *self = (ResponseObject *)object;
    Py_CLEAR(self->method);
    Py_CLEAR(self->request_body);
    for (int i = 0; i < AK_RESPONSE_ATTRIBUTE_COUNT; i++) {
        Py_CLEAR(self->attributes[i]);
    }
    ak_response_let_call_go(self);
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
    Py_CLEAR(self->content);
    ak_buf_free_secret(&self->head);
    ak_buf_free_secret(&self->request_head);
    type->tp_free(object);
    Py_DECREF(type);
}

#define LAZY(name, index, doc) {name, get_attribute, set_attribute, doc, (void *)(intptr_t)index}
static PyGetSetDef getters[] = {
    LAZY("status_code", AK_RESPONSE_STATUS_CODE, "The status, 0 to 999 (int)."),
    LAZY("reason", AK_RESPONSE_REASON, "The wire's reason phrase, maybe empty (str)."),
    LAZY("url", AK_RESPONSE_URL, "Where the answer came from (str)."),
    LAZY("headers", AK_RESPONSE_HEADERS, "The answer's headers (CaseInsensitiveDict)."),
    LAZY("history", AK_RESPONSE_HISTORY, "The redirects before this answer, oldest first (list)."),
    LAZY("elapsed", AK_RESPONSE_ELAPSED, "From the sending to the answer's head (timedelta)."),
    LAZY("request", AK_RESPONSE_REQUEST, "What was sent (PreparedRequest)."),
    LAZY("cookies", AK_RESPONSE_COOKIES, "The cookies that this answer set (CookieJar)."),
    {"head", get_head, NULL, "The status line and headers as they came (bytes).", NULL},
    {"content", ak_response_get_content, NULL, "The decoded body (bytes).", NULL},
    {"is_stream", get_is_stream, NULL, "Whether the body is still to come (bool).", NULL},
    {"_is_consumed", get_is_consumed, NULL, "Whether pieces of the body were read.", NULL},
    {"_elapsed_ns", get_elapsed_nanoseconds, NULL, "elapsed in nanoseconds (int).", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
#undef LAZY

static PyMethodDef methods[] = {
    {"_read", ak_response_read, METH_O, read_doc},
    {"_restore", restore, METH_VARARGS, restore_doc},
    {"close", ak_response_close, METH_NOARGS, close_doc},
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
    state->response_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &response_spec, NULL);
    return state->response_type == NULL ? -1 : PyModule_AddType(module, state->response_type);
}
