/* What follows an answer that redirects, and whether anything does. */
#include "python/call.h"

#include "core/login_place.h"
#include "python/errors.h"
#include "python/response.h"

/* LOCATION as ak_redirect_next wants it: its host in ASCII. */
static int
next_hop(struct ak_call *call, int status, struct ak_str location, struct ak_redirect *redirect)
{
    struct ak_err err;
    PyObject *encoded = ak_encode_host(location); /* new */
    if (encoded == NULL && PyErr_Occurred()) {
        return -1;
    }
    if (encoded != NULL) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(encoded, &length);
        location = text == NULL ? location : ak_str_of(text, (size_t)length);
    }
    enum ak_status result =
        ak_redirect_next(redirect, &call->url, call->method_text, status, location, &err);
    Py_XDECREF(encoded);
    return result == AK_OK ? 0 : ak_call_raise(call, &err);
}

static int
change_method(struct ak_call *call, struct ak_str method)
{
    if (ak_str_equal(method, call->method_text)) {
        return 0;
    }
    PyObject *text = PyUnicode_FromStringAndSize(method.ptr, (Py_ssize_t)method.len); /* new */
    if (text == NULL) {
        return -1;
    }
    Py_XSETREF(call->method, text);
    call->method_text = ak_str_of(PyUnicode_AsUTF8(text), method.len);
    return 0;
}

static void
drop_body(struct ak_call *call)
{
    Py_CLEAR(call->body);
    Py_CLEAR(call->body_text);
    Py_CLEAR(call->body_start);
    Py_CLEAR(call->body_iterator);
    Py_CLEAR(call->content_type);
    ak_buf_free_secret(&call->secret_body);
    call->body_kind = AK_BODY_READY;
    call->withheld |= AK_FIELDS_BODY;
}

/* Credentials stay at their origin, and do not come back with a redirect. */
static void
leave_origin(struct ak_call *call)
{
    call->withheld |= AK_FIELDS_CREDENTIALS;
    ak_buf_free_secret(&call->authorization);
    call->bears_login = false;
    if (call->asked_auth) {
        Py_XSETREF(call->headers, call->headers_elsewhere);
        call->headers_elsewhere = NULL;
        call->asked_auth = false;
    }
    Py_CLEAR(call->auth_hooks); /* they would answer a stranger's challenge */
}

static int
refuse_body(struct ak_call *call, int status)
{
    struct ak_err err;
    (void)ak_fail(&err, AK_UNSAFE_REDIRECT,
                  "a %d redirect would send the body of a %.*s where it must not go: to another "
                  "origin, or a password a second time; send it there yourself if you trust it",
                  status, (int)call->method_text.len, call->method_text.ptr);
    return ak_call_raise(call, &err);
}

/* Make the next hop of CALL from REDIRECT, whose URL it takes. */
static int
apply_redirect(struct ak_call *call, int status, struct ak_redirect *redirect)
{
    if (redirect->drop_body) {
        drop_body(call);
    }
    /* A password is not posted twice, not even to its own origin. */
    if (call->secret_body.len > 0 || (redirect->other_origin && call->body != NULL)) {
        return refuse_body(call, status);
    }
    if (redirect->other_origin) {
        leave_origin(call);
    }
    if (change_method(call, redirect->method) < 0 || ak_call_rewind_body(call) < 0) {
        return -1;
    }
    ak_url_free(&call->url);
    ak_url_move(&call->url, &redirect->url);
    return 0;
}

/* The history keeps the bodies of redirects: together they may have what one may. */
static int
count_body(struct ak_call *call, PyObject *response)
{
    struct ak_err err;
    call->history_bytes += ak_response_loaded(response).len;
    if (call->history_bytes <= call->bounds.max_body) {
        return 0;
    }
    (void)ak_fail(&err, AK_TOO_LARGE,
                  "the bodies of the redirects are over max_body (%zu bytes) together: raise "
                  "max_body",
                  call->bounds.max_body);
    return ak_call_raise(call, &err);
}

static int
append_history(struct ak_call *call, PyObject *response)
{
    if (call->history == NULL) {
        call->history = PyList_New(0);
    }
    return call->history == NULL ? -1 : PyList_Append(call->history, response);
}

static int
refuse_more(struct ak_call *call, PyObject *response)
{
    struct ak_err err;
    long most = call->session->max_redirects;
    (void)ak_fail(&err, AK_TOO_MANY_REDIRECTS, "more than %ld redirects: the last led to %.*s",
                  most, (int)call->url.host_port.len, call->url.host_port.ptr);
    PyObject *request = ak_call_prepared_request(call); /* new */
    if (request != NULL) {
        ak_raise(&err, request, response);
        Py_DECREF(request);
    }
    return -1;
}

/* Have the exchange for the next hop, although a hook may have put another object
 * in the place of the Response that shares it: 0 or -1. */
static int
take_call_back(struct ak_call *call)
{
    int result = call->lent_to == NULL ? 0 : ak_response_drain(call->lent_to);
    if (result == 0) {
        Py_CLEAR(call->lent_to);
    }
    return result;
}

/* ---- whether to follow at all ---- */

/* Whether REDIRECT stays where a log-in may lead: 1, 0 or -1. */
static int
may_log_in_there(struct ak_call *call, const struct ak_redirect *redirect)
{
    struct ak_url base;
    ak_url_init(&base);
    PyObject *base_url = ak_session_setting(call->session, &call->session->base_url); /* new */
    int result = ak_parse_url_object(&base, base_url);
    if (result == 0) {
        result = ak_login_place_may_follow(&base, &call->url, &redirect->url) ? 1 : 0;
    }
    Py_DECREF(base_url);
    ak_url_free(&base);
    return result;
}

/* Ask _may_follow(response, deadline): a redirect by which the proxy refuses an Authorization
 * leads to a log-in that nobody wants, and leaves a cookie.  1, 0 or -1. */
static int
ask_session(struct ak_call *call, PyObject *response)
{
    struct ak_str value;
    if (ak_response_field(response, AK_STR("gap-auth"), &value)) {
        return 1;
    }
    PyObject *answer = PyObject_CallMethod((PyObject *)call->session, "_may_follow", "OL", response,
                                           (long long)call->bounds.deadline); /* new */
    int result = answer == NULL ? -1 : answer == Py_True;
    Py_XDECREF(answer);
    return result;
}

static int
may_follow(struct ak_call *call, PyObject *response, const struct ak_redirect *redirect)
{
    if (call->purpose == AK_FOR_LOGIN) {
        return may_log_in_there(call, redirect);
    }
    return call->bears_login ? ask_session(call, response) : 1;
}

int
ak_call_follow(struct ak_call *call, PyObject *response)
{
    struct ak_str location;
    if (!ak_is_response(call->state, response)) {
        return 0; /* a hook has put another object in its place */
    }
    int status = ak_response_status(response);
    if (!call->allow_redirects || !ak_is_redirect_status(status) ||
        !ak_response_location(response, &location) || location.len == 0) {
        return 0;
    }
    if (ak_response_drain(response) < 0 || take_call_back(call) < 0 ||
        count_body(call, response) < 0) {
        return -1;
    }
    Py_ssize_t hops = call->history == NULL ? 0 : PyList_GET_SIZE(call->history);
    if (hops >= call->session->max_redirects) {
        return refuse_more(call, response);
    }
    struct ak_redirect redirect = {0};
    ak_url_init(&redirect.url);
    int result = next_hop(call, status, location, &redirect);
    if (result == 0) {
        result = may_follow(call, response, &redirect);
    }
    if (result > 0) {
        result = apply_redirect(call, status, &redirect) < 0 ? -1 : 1;
    }
    ak_url_free(&redirect.url);
    return result > 0 && append_history(call, response) < 0 ? -1 : result;
}
