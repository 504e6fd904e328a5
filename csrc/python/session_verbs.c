/* The verbs of a Session, and the renewal of a lost login on the way. */
#include "python/session.h"

#include "python/call.h"
#include "python/response.h"

/* ---- sending, with renewal ---- */

/* What a second sending of a body needs; redirects let the call's own go. */
struct body_record {
    PyObject *body, *start; /* strong, or NULL */
};

static PyObject *
send_once(SessionObject *session, const struct ak_arguments *arguments, struct body_record *record)
{
    struct ak_call *call = ak_call_new(session, arguments);
    if (call == NULL) {
        return NULL;
    }
    if (record != NULL) {
        record->body = Py_XNewRef(call->body);
        record->start = Py_XNewRef(call->body_start);
    }
    return ak_call_run(call);
}

/* Whether RESPONSE may be the proxy's way to say that the login is lost: only
 * a look, since most answers pass here.  _renew() reads the page. */
static bool
may_be_refusal(struct module_state *state, SessionObject *session, PyObject *response)
{
    return session->has_password == AK_HAS_PASSWORD && session->base_url != Py_None &&
           ak_is_response(state, response) &&
           (ak_response_status(response) == 403 || ak_response_was_redirected(response));
}

enum verdict { VERDICT_FAILED = -1, VERDICT_FINAL, VERDICT_SEND_AGAIN };

/* Ask _renew(response, logins, may_log_in) of apikit.Session. */
static enum verdict
ask_renewal(SessionObject *session, PyObject *response, unsigned long logins, PyObject *may_log_in)
{
    PyObject *answer = PyObject_CallMethod((PyObject *)session, "_renew", "OkO", response, logins,
                                           may_log_in); /* new */
    if (answer == NULL) {
        return VERDICT_FAILED;
    }
    bool again = answer == Py_True;
    Py_DECREF(answer);
    return again ? VERDICT_SEND_AGAIN : VERDICT_FINAL;
}

/* Make the body ready to be sent again: 1, 0 when it cannot be, or -1. */
static int
rewind_body(const struct body_record *record)
{
    if (record->body == NULL || PyBytes_Check(record->body)) {
        return 1;
    }
    PyObject *start = record->start != NULL ? record->start : Py_None;
    PyObject *done =
        ak_prepare_call("rewind", Py_BuildValue("(OO)", record->body, start)); /* new */
    if (done != NULL) {
        Py_DECREF(done);
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_OSError)) {
        return -1;
    }
    PyErr_Clear(); /* UnrewindableBodyError: the refusal itself is the answer */
    return 0;
}

/* RESPONSE (stolen) or, after a new login, the answer to the same request. */
static PyObject *
renew(struct module_state *state, SessionObject *session, const struct ak_arguments *arguments,
      const struct body_record *record, unsigned long logins, PyObject *response)
{
    int rewound = rewind_body(record);
    PyObject *may_log_in = rewound > 0 ? Py_True : Py_False;
    enum verdict verdict =
        rewound < 0 ? VERDICT_FAILED : ask_renewal(session, response, logins, may_log_in);
    if (verdict == VERDICT_SEND_AGAIN) {
        Py_SETREF(response, send_once(session, arguments, NULL));
        if (response != NULL && may_be_refusal(state, session, response)) {
            verdict = ask_renewal(session, response, logins, Py_False);
        }
    }
    if (verdict == VERDICT_FAILED) {
        Py_CLEAR(response);
    }
    return response;
}

static PyObject *
send_renewing(struct module_state *state, SessionObject *session,
              const struct ak_arguments *arguments)
{
    struct body_record record = {NULL, NULL};
    unsigned long logins = session->logins;
    PyObject *response = send_once(session, arguments, &record);
    if (response != NULL && may_be_refusal(state, session, response)) {
        response = renew(state, session, arguments, &record, logins, response);
    }
    Py_XDECREF(record.body);
    Py_XDECREF(record.start);
    return response;
}

PyObject *
ak_session_fetch(PyObject *self, PyObject *url)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    struct ak_arguments arguments = {{NULL}};
    arguments.values[AK_ARG_METHOD] = state->names[AK_NAME_VERB_GET];
    arguments.values[AK_ARG_URL] = url;
    arguments.values[AK_ARG_STREAM] = Py_False;
    return send_once((SessionObject *)self, &arguments, NULL);
}

/* ---- the verbs ---- */

static PyObject *
send_request(PyObject *self, const struct ak_signature *signature, PyObject *const *args,
             Py_ssize_t count, PyObject *keyword_names, struct ak_arguments *arguments)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL ||
        ak_parse_arguments(state, signature, args, count, keyword_names, arguments) < 0) {
        return NULL;
    }
    return send_renewing(state, (SessionObject *)self, arguments);
}

static PyObject *
send_verb(PyObject *self, enum ak_name method, const struct ak_signature *signature,
          PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    struct ak_arguments arguments = {{NULL}};
    arguments.values[AK_ARG_METHOD] = state->names[method];
    return send_request(self, signature, args, count, keyword_names, &arguments);
}

PyObject *
ak_session_request(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {
        "request",
        16,
        {AK_ARG_METHOD, AK_ARG_URL, AK_ARG_PARAMS, AK_ARG_DATA, AK_ARG_HEADERS, AK_ARG_COOKIES,
         AK_ARG_FILES, AK_ARG_AUTH, AK_ARG_TIMEOUT, AK_ARG_ALLOW_REDIRECTS, AK_ARG_PROXIES,
         AK_ARG_HOOKS, AK_ARG_STREAM, AK_ARG_VERIFY, AK_ARG_CERT, AK_ARG_JSON},
    };
    struct ak_arguments arguments = {{NULL}};
    return send_request(self, &signature, args, count, keyword_names, &arguments);
}

PyObject *
ak_session_get(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"get", 2, {AK_ARG_URL, AK_ARG_PARAMS}};
    return send_verb(self, AK_NAME_VERB_GET, &signature, args, count, keyword_names);
}

PyObject *
ak_session_options(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"options", 1, {AK_ARG_URL}};
    return send_verb(self, AK_NAME_VERB_OPTIONS, &signature, args, count, keyword_names);
}

/* HEAD alone does not follow redirects unless told to, as in requests. */
PyObject *
ak_session_head(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"head", 1, {AK_ARG_URL}};
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    struct ak_arguments arguments = {{NULL}};
    if (state == NULL ||
        ak_parse_arguments(state, &signature, args, count, keyword_names, &arguments) < 0) {
        return NULL;
    }
    arguments.values[AK_ARG_METHOD] = state->names[AK_NAME_VERB_HEAD];
    if (arguments.values[AK_ARG_ALLOW_REDIRECTS] == NULL) {
        arguments.values[AK_ARG_ALLOW_REDIRECTS] = Py_False;
    }
    return send_renewing(state, (SessionObject *)self, &arguments);
}

PyObject *
ak_session_post(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {
        "post", 3, {AK_ARG_URL, AK_ARG_DATA, AK_ARG_JSON}};
    return send_verb(self, AK_NAME_VERB_POST, &signature, args, count, keyword_names);
}

PyObject *
ak_session_put(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"put", 2, {AK_ARG_URL, AK_ARG_DATA}};
    return send_verb(self, AK_NAME_VERB_PUT, &signature, args, count, keyword_names);
}

PyObject *
ak_session_patch(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"patch", 2, {AK_ARG_URL, AK_ARG_DATA}};
    return send_verb(self, AK_NAME_VERB_PATCH, &signature, args, count, keyword_names);
}

PyObject *
ak_session_delete(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"delete", 1, {AK_ARG_URL}};
    return send_verb(self, AK_NAME_VERB_DELETE, &signature, args, count, keyword_names);
}
