/* The life of a call: hop after hop until the final answer. */
#include "python/call.h"

#include "python/auth.h"
#include "python/cookies.h"
#include "python/errors.h"
#include "python/response.h"

enum { SMALL_BODY = 16 * 1024 };

/* How long the interpreter is let go at most: signals are looked at in between. */
static const int64_t step_length = 100 * 1000 * 1000; /* nanoseconds */

/* ---- one exchange ---- */

/* Memory for a large body of known length.  The length is what the peer says: where
 * there is not so much, the body takes its memory as it comes. */
static int
lend_sink(struct ak_call *call)
{
    uint64_t length = call->exchange.reader.content_length;
    PyObject *sink = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length); /* new */
    if (sink == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_XSETREF(call->sink, sink);
    ak_exchange_set_sink(&call->exchange, PyBytes_AS_STRING(sink));
    return 0;
}

int
ak_call_step(struct ak_call *call, enum ak_step *step)
{
    struct ak_err err;
    for (;;) {
        Py_BEGIN_ALLOW_THREADS
        *step = ak_exchange_step(&call->exchange, ak_now() + step_length, &err);
        Py_END_ALLOW_THREADS
        int result = 0;
        switch (*step) {
        case AK_STEP_WAIT:
            result = PyErr_CheckSignals();
            break;
        case AK_STEP_WANT_BODY:
            result = ak_call_push_body(call);
            break;
        case AK_STEP_WANT_SINK:
            result = lend_sink(call);
            break;
        case AK_STEP_FAILED:
            return ak_call_raise(call, &err);
        default:
            return 0;
        }
        if (result < 0) {
            ak_exchange_free(&call->exchange);
            call->exchanging = false;
            return -1;
        }
    }
}

/* RFC 9110, 9.2.2: what may be sent again when a kept connection was dead. */
static enum ak_resend
resend_of(struct ak_str method)
{
    static const struct ak_str idempotent[] = {
        {"GET", 3}, {"HEAD", 4}, {"OPTIONS", 7}, {"PUT", 3}, {"DELETE", 6}, {"TRACE", 5},
    };
    for (size_t i = 0; i < sizeof(idempotent) / sizeof(idempotent[0]); i++) {
        if (ak_str_equal(method, idempotent[i])) {
            return AK_RESEND_IF_STALE;
        }
    }
    return AK_RESEND_NEVER;
}

/* The body in memory: a small one goes out in one piece with the head. */
static void
place_body(struct ak_call *call, struct ak_request *request)
{
    if (call->secret_body.len > 0) {
        request->body = ak_buf_str(&call->secret_body);
        return;
    }
    if (call->body == NULL || call->body_kind != AK_BODY_READY) {
        return;
    }
    request->body = ak_str_of(PyBytes_AS_STRING(call->body), (size_t)PyBytes_GET_SIZE(call->body));
    if (request->body.len <= SMALL_BODY && ak_buf_append(&call->head, request->body) == AK_OK) {
        request->body.len = 0;
    }
}

static int
begin_exchange(struct ak_call *call)
{
    struct ak_request request = {
        .body_kind = call->body == NULL ? AK_BODY_READY : call->body_kind,
        .method = ak_str_equal(call->method_text, AK_STR("HEAD")) ? AK_HTTP1_HEAD : AK_HTTP1_OTHER,
        .resend = resend_of(call->method_text),
    };
    if (ak_call_write_head(call) < 0) {
        return -1;
    }
    place_body(call, &request);
    request.head = ak_buf_str(&call->head);
    call->body_length = call->body_total;
    Py_CLEAR(call->sink);
    if (call->exchanging) {
        ak_exchange_free(&call->exchange);
    }
    struct ak_pool *pool = ak_session_pool(call->session); /* the exchange has its own reference */
    ak_exchange_init(&call->exchange, pool, &call->endpoint, &request, &call->bounds,
                     call->delivery, AK_SINK_OFFERED);
    ak_pool_unref(pool);
    call->exchanging = true;
    return 0;
}

static int
keep_cookies(struct ak_call *call)
{
    struct ak_str head = ak_buf_str(&call->exchange.reader.head);
    if (call->is_cookieless || !call->exchange.reader.sets_cookies) {
        return 0;
    }
    enum ak_status status = ak_cookies_take(call->jar, &call->url, head);
    if (status == AK_OK && call->call_jar != NULL) {
        status = ak_cookies_take(call->call_jar, &call->url, head);
    }
    if (status != AK_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* The body of an exchange that is DONE, as bytes. */
static PyObject *
finished_content(struct ak_call *call)
{
    if (call->sink != NULL) {
        PyObject *content = call->sink;
        call->sink = NULL;
        return content;
    }
    return PyBytes_FromStringAndSize(call->exchange.body.data, (Py_ssize_t)call->exchange.body.len);
}

/* Send the request of one hop and read the answer, its body only if it is
 * delivered whole: 0 or -1. */
static int
exchange_hop(struct ak_call *call, enum ak_step *step)
{
    PyObject *transport = ak_call_find_transport(call); /* new */
    if (transport == NULL) {
        bool begun = ak_call_find_route(call) == 0 && begin_exchange(call) == 0;
        return begun ? ak_call_step(call, step) : -1;
    }
    int result = begin_exchange(call) < 0 ? -1 : ak_call_ask_transport(call, transport, step);
    Py_DECREF(transport);
    return result;
}

/* Its Response, new, or NULL. */
static PyObject *
answer_hop(struct ak_call *call)
{
    enum ak_step step = AK_STEP_DONE;
    if (exchange_hop(call, &step) < 0) {
        return NULL;
    }
    /* Before the Response takes over the head. */
    if (ak_call_check_identity(call) < 0 || keep_cookies(call) < 0) {
        return NULL;
    }
    if (step == AK_STEP_HEAD) {
        return ak_response_new(call, NULL);
    }
    PyObject *content = finished_content(call); /* new */
    return content == NULL ? NULL : ak_response_new(call, content);
}

/* One hop: its Response, new, or NULL. */
static PyObject *
run_hop(struct ak_call *call)
{
    return ak_call_announce(call) < 0 ? NULL : ak_call_report(call, answer_hop(call));
}

/* ---- the whole ---- */

/* RESPONSE (stolen) with the redirects before it as its history, or NULL. */
static PyObject *
with_history(struct ak_call *call, PyObject *response)
{
    if (response != NULL && call->history != NULL && ak_is_response(call->state, response) &&
        ak_response_set_history(response, call->history) < 0) {
        Py_CLEAR(response);
    }
    return response;
}

PyObject *
ak_call_run(struct ak_call *call)
{
    PyObject *response = NULL;
    int more;
    do {
        Py_XDECREF(response);
        response = with_history(call, run_hop(call)); /* new */
        PyObject *before = response;
        if (response != NULL) {
            response = ak_call_run_hooks(call, response);
        }
        if (response != before) { /* as in requests, where redirects come after the hooks */
            response = with_history(call, response);
        }
        more = response == NULL ? -1 : ak_call_follow(call, response);
    } while (more > 0);
    if (more < 0) {
        Py_CLEAR(response);
    }
    Py_CLEAR(call->lent_to);
    ak_call_free(call);
    return response;
}
