/* A session's transport: a callable that answers in place of a server, for
 * tests.  It gets the PreparedRequest and gives the bytes of an HTTP/1.1 answer,
 * which are read by the rules for a server's. */
#include "python/call.h"

#include "python/errors.h"

/* Read all of an answer; its body is what the caller decodes to. */
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
            if (ak_buf_append(&exchange->body, body) != AK_OK) {
                (void)ak_fail(err, AK_TOO_LARGE, "the transport's body is over max_body");
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

int
ak_call_ask_transport(struct ak_call *call, enum ak_step *step)
{
    PyObject *request = ak_call_prepared_request(call); /* new */
    PyObject *answer =
        request == NULL ? NULL : PyObject_CallOneArg(call->session->transport, request); /* new */
    int result = -1;
    struct ak_err err;
    if (answer != NULL && !PyBytes_Check(answer)) {
        PyErr_Format(PyExc_TypeError, "a transport must return the bytes of an answer, not %.100s",
                     Py_TYPE(answer)->tp_name);
    } else if (answer != NULL) {
        call->exchange.sent_at = call->exchange.head_at = ak_now();
        struct ak_str bytes =
            ak_str_of(PyBytes_AS_STRING(answer), (size_t)PyBytes_GET_SIZE(answer));
        result = read_answer(&call->exchange, bytes, &err);
        if (result < 0) {
            ak_raise(&err, request, NULL);
        }
    }
    call->exchange.phase = AK_PHASE_ENDED;
    *step = call->delivery == AK_DELIVER_PIECES ? AK_STEP_HEAD : AK_STEP_DONE;
    Py_XDECREF(request);
    Py_XDECREF(answer);
    return result;
}
