/* How often a request is sent: once, once more after the renewal of a lost
 * login, and as often as the session's retries say. */
#include "python/sending.h"

#include "python/errors.h"
#include "python/renewal.h"

/* ---- once, and after a renewal ---- */

PyObject *
ak_send_once(SessionObject *session, const struct ak_arguments *arguments,
             struct ak_body_record *record)
{
    struct ak_call *call = ak_call_new(session, arguments);
    if (call == NULL) {
        return NULL;
    }
    if (record != NULL) {
        Py_XSETREF(record->body, Py_XNewRef(call->body));
        Py_XSETREF(record->start, Py_XNewRef(call->body_start));
    }
    return ak_call_run(call);
}

enum verdict { VERDICT_FAILED = -1, VERDICT_FINAL, VERDICT_SEND_AGAIN };

/* Ask _renew(response, logins, deadline, may_send_again) of apikit.Session. */
static enum verdict
ask_renewal(SessionObject *session, PyObject *response, unsigned long logins, int64_t deadline,
            PyObject *may_send_again)
{
    PyObject *answer = PyObject_CallMethod((PyObject *)session, "_renew", "OkLO", response, logins,
                                           (long long)deadline, may_send_again); /* new */
    if (answer == NULL) {
        return VERDICT_FAILED;
    }
    bool again = answer == Py_True;
    Py_DECREF(answer);
    return again ? VERDICT_SEND_AGAIN : VERDICT_FINAL;
}

/* Ask _judge_renewed(response, logins, deadline): what came of the login that was
 * renewed. */
static enum verdict
judge_renewed(SessionObject *session, PyObject *response, unsigned long logins, int64_t deadline)
{
    PyObject *answer = PyObject_CallMethod((PyObject *)session, "_judge_renewed", "OkL", response,
                                           logins, (long long)deadline); /* new */
    Py_XDECREF(answer);
    return answer == NULL ? VERDICT_FAILED : VERDICT_FINAL;
}

/* Call a function of apikit._prepare with the body and where it stood: new, or NULL. */
static PyObject *
ask_about_body(const struct ak_body_record *record, const char *function)
{
    PyObject *start = record->start != NULL ? record->start : Py_None;
    return ak_prepare_call(function, Py_BuildValue("(OO)", record->body, start));
}

static bool
is_always_there(const struct ak_body_record *record)
{
    return record->body == NULL || PyBytes_Check(record->body);
}

/* Whether the body can be sent again, a look that leaves it where it is: 1, 0 or -1. */
static int
can_send_again(const struct ak_body_record *record)
{
    if (is_always_there(record)) {
        return 1;
    }
    PyObject *answer = ask_about_body(record, "can_rewind"); /* new */
    int can = answer == NULL ? -1 : answer == Py_True;
    Py_XDECREF(answer);
    return can;
}

/* Make the body ready to be sent again: 0, or -1 with UnrewindableBodyError. */
static int
rewind_body(const struct ak_body_record *record)
{
    if (is_always_there(record)) {
        return 0;
    }
    PyObject *done = ask_about_body(record, "rewind"); /* new */
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* RESPONSE (stolen) or, after a new login, the answer to the same request. */
static PyObject *
renew(struct module_state *state, SessionObject *session, const struct ak_arguments *arguments,
      const struct ak_body_record *record, unsigned long logins, PyObject *response)
{
    int64_t deadline = arguments->deadline_at;
    int can = can_send_again(record);
    enum verdict verdict =
        can < 0 ? VERDICT_FAILED
                : ask_renewal(session, response, logins, deadline, can > 0 ? Py_True : Py_False);
    if (verdict == VERDICT_SEND_AGAIN && rewind_body(record) < 0) {
        verdict = VERDICT_FAILED;
    }
    if (verdict == VERDICT_SEND_AGAIN) {
        logins = session->logins;
        Py_SETREF(response, ak_send_once(session, arguments, NULL));
        if (response != NULL && ak_may_be_refusal(state, session, response)) {
            verdict = judge_renewed(session, response, logins, deadline);
        } else if (response != NULL) {
            session->accepted = logins;
        }
    }
    if (verdict == VERDICT_FAILED) {
        Py_CLEAR(response);
    }
    return response;
}

static PyObject *
send_renewing(struct module_state *state, SessionObject *session,
              const struct ak_arguments *arguments, struct ak_body_record *record)
{
    unsigned long logins = session->logins;
    PyObject *response = ak_send_once(session, arguments, record);
    if (response != NULL && ak_may_be_refusal(state, session, response)) {
        response = renew(state, session, arguments, record, logins, response);
    } else if (response != NULL) {
        session->accepted = logins;
    }
    return response;
}

/* ---- retries ---- */

/* Let the policy's count judge a try that gave RESPONSE or, with NULL, the
 * exception that is set.  It waits by itself.  SEND_AGAIN: neither is wanted any
 * more; FINAL: what there was stands; FAILED: another exception is set. */
static enum verdict
judge_try(PyObject *count, PyObject *response)
{
    PyObject *exception = response == NULL ? ak_take_exception() : NULL; /* new */
    PyObject *answer =
        PyObject_CallMethod(count, "wants_another", "OO", response == NULL ? Py_None : response,
                            exception == NULL ? Py_None : exception); /* new */
    if (answer == NULL) {
        Py_XDECREF(exception);
        return VERDICT_FAILED;
    }
    bool again = answer == Py_True;
    Py_DECREF(answer);
    if (again) {
        Py_XDECREF(exception);
        return VERDICT_SEND_AGAIN;
    }
    if (exception != NULL) {
        ak_raise_again(exception);
    }
    return VERDICT_FINAL;
}

/* Send until the policy is content; its count of this call is made by
 * begin(method, deadline). */
static PyObject *
send_retrying(struct module_state *state, SessionObject *session, PyObject *policy,
              struct ak_arguments *arguments, struct ak_body_record *record)
{
    PyObject *count = PyObject_CallMethod(policy, "begin", "OL", arguments->values[AK_ARG_METHOD],
                                          (long long)arguments->deadline_at); /* new */
    PyObject *response = NULL;
    enum verdict verdict = count == NULL ? VERDICT_FAILED : VERDICT_SEND_AGAIN;
    while (verdict == VERDICT_SEND_AGAIN) {
        Py_CLEAR(response);
        response = send_renewing(state, session, arguments, record);
        verdict = judge_try(count, response);
        if (verdict == VERDICT_SEND_AGAIN && rewind_body(record) < 0) {
            verdict = VERDICT_FAILED;
        }
    }
    if (verdict == VERDICT_FAILED) {
        Py_CLEAR(response);
    }
    Py_XDECREF(count);
    return response;
}

/* ---- what can be read only once ---- */

/* Put OBJECT (stolen, may be NULL), to which arguments will point, in *KEPT, a list
 * that is made here: 0 or -1. */
static int
keep(PyObject **kept, PyObject *object)
{
    if (*kept == NULL) {
        *kept = PyList_New(0);
    }
    int result = object == NULL || *kept == NULL ? -1 : PyList_Append(*kept, object);
    Py_XDECREF(object);
    return result;
}

static int
read_iterators(struct ak_arguments *arguments, PyObject **kept)
{
    static const enum ak_argument maybe[] = {AK_ARG_PARAMS, AK_ARG_HEADERS, AK_ARG_COOKIES};
    for (size_t i = 0; i < sizeof(maybe) / sizeof(maybe[0]); i++) {
        PyObject **value = &arguments->values[maybe[i]];
        if (*value != NULL && PyIter_Check(*value)) {
            *value = PySequence_List(*value); /* new */
            if (keep(kept, *value) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Read what a second sending would find empty: iterators, and the files of a form. */
static int
read_once(struct ak_arguments *arguments, PyObject **kept)
{
    PyObject **values = arguments->values;
    if (read_iterators(arguments, kept) < 0 || !ak_is_given(values[AK_ARG_FILES])) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *encoded = ak_encode_body(arguments); /* new */
    PyObject *body, *content_type;                 /* borrowed from encoded */
    if (keep(kept, encoded) < 0 ||
        !PyArg_ParseTuple(encoded, "OO:encode_body", &body, &content_type)) {
        return -1;
    }
    values[AK_ARG_DATA] = body;
    values[AK_ARG_FILES] = values[AK_ARG_JSON] = NULL;
    arguments->content_type = content_type;
    return 0;
}

/* Send ARGUMENTS as often as it takes. */
static PyObject *
send_enough(struct module_state *state, SessionObject *session, struct ak_arguments *arguments)
{
    struct ak_body_record record = {NULL, NULL};
    PyObject *response = NULL, *kept = NULL;
    PyObject *policy = ak_session_setting(session, &session->retries); /* new */
    if (ak_find_deadline(session, arguments) == 0 && read_once(arguments, &kept) == 0) {
        response = policy == Py_None ? send_renewing(state, session, arguments, &record)
                                     : send_retrying(state, session, policy, arguments, &record);
    }
    Py_DECREF(policy);
    Py_XDECREF(record.body);
    Py_XDECREF(record.start);
    Py_XDECREF(kept);
    return response;
}

PyObject *
ak_send(struct module_state *state, SessionObject *session, struct ak_arguments *arguments)
{
    if (ak_begin_watch(session, &arguments->watch) < 0) {
        return NULL;
    }
    PyObject *watch = arguments->watch;
    PyObject *response = send_enough(state, session, arguments);
    if (watch != NULL) {
        response = ak_end_watch(watch, response);
        Py_DECREF(watch);
    }
    return response;
}
