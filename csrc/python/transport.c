/* A transport: a callable that answers in place of servers, for tests.  It gets
 * the PreparedRequest and gives the bytes of an HTTP/1.1 answer, which are read
 * by the rules for a server's, but for Content-Encoding: its body is what the
 * caller gets. */
#include "python/call.h"
#include "python/errors.h"

int
ak_check_transport(PyObject *object)
{
    if (object == Py_None || PyCallable_Check(object)) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError,
                 "a transport must be a callable that takes a PreparedRequest, or None, not "
                 "%.100s",
                 Py_TYPE(object)->tp_name);
    return -1;
}

PyObject *
ak_call_find_transport(struct ak_call *call)
{
    PyObject *own = ak_session_setting(call->session, &call->session->transport); /* new */
    if (own != Py_None) {
        return own;
    }
    Py_DECREF(own);
    return ak_state_get(call->state, &call->state->transport);
}

static enum ak_status
keep_body(struct ak_exchange *exchange, struct ak_str body, struct ak_err *err)
{
    enum ak_status status = ak_buf_append(&exchange->body, body);
    if (status == AK_TOO_LARGE) {
        return ak_fail(err, status, "the body is over max_body (%zu bytes): raise max_body",
                       exchange->bounds.max_body);
    }
    return status == AK_OK ? status : ak_fail_no_memory(err);
}

/* Read all of an answer. */
static int
read_answer(struct ak_exchange *exchange, struct ak_str input, struct ak_err *err)
{
    for (;;) {
        struct ak_str body;
        size_t used = 0;
        enum ak_http1_event event = ak_http1_read(&exchange->reader, input, &used, &body, err);
        input = ak_str_slice(input, used, input.len);
        if (event == AK_HTTP1_NEED_DATA) {
            event = ak_http1_read_eof(&exchange->reader, err);
        }
        switch (event) {
        case AK_HTTP1_BODY:
            if (keep_body(exchange, body, err) != AK_OK) {
                return -1;
            }
            break;
        case AK_HTTP1_END:
            return 0;
        case AK_HTTP1_FAILED:
            return -1;
        default:
            break;
        }
    }
}

/* Give ANSWER, an object, to the exchange: 0 or -1. */
static int
take_answer(struct ak_call *call, PyObject *request, PyObject *answer)
{
    struct ak_err err;
    if (!PyBytes_Check(answer)) {
        PyErr_Format(PyExc_TypeError, "a transport must return the bytes of an answer, not %.100s",
                     Py_TYPE(answer)->tp_name);
        return -1;
    }
    call->exchange.head_at = ak_now();
    struct ak_str bytes = ak_str_of(PyBytes_AS_STRING(answer), (size_t)PyBytes_GET_SIZE(answer));
    if (read_answer(&call->exchange, bytes, &err) < 0) {
        ak_raise(&err, request, NULL);
        return -1;
    }
    return 0;
}

int
ak_call_ask_transport(struct ak_call *call, PyObject *transport, enum ak_step *step)
{
    PyObject *request = ak_call_prepared_request(call); /* new */
    if (request == NULL) {
        return -1;
    }
    call->exchange.sent_at = ak_now();
    PyObject *answer = PyObject_CallOneArg(transport, request); /* new */
    int result = answer == NULL ? -1 : take_answer(call, request, answer);
    call->exchange.phase = AK_PHASE_ENDED;
    *step = call->delivery == AK_DELIVER_PIECES ? AK_STEP_HEAD : AK_STEP_DONE;
    Py_XDECREF(answer);
    Py_DECREF(request);
    return result;
}

PyDoc_STRVAR(set_transport_doc,
             "set_transport($module, transport, /)\n"
             "--\n\n"
             "Let a callable answer the requests of every session that has no transport of\n"
             "its own; None for servers.  What it was before.");

static PyObject *
set_transport(PyObject *module, PyObject *transport)
{
    struct module_state *state = ak_state_of_module(module);
    if (ak_check_transport(transport) < 0) {
        return NULL;
    }
    PyObject *before; /* takes over the state's reference */
    Py_BEGIN_CRITICAL_SECTION(module);
    before = state->transport;
    state->transport = transport == Py_None ? NULL : Py_NewRef(transport);
    Py_END_CRITICAL_SECTION();
    return before == NULL ? Py_NewRef(Py_None) : before;
}

static PyMethodDef functions[] = {
    {"set_transport", set_transport, METH_O, set_transport_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_transport(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
