/* requests' hooks: those of the session, of the call and of a callable auth, and the
 * connection by which they may send a request once more. */
#include "python/call.h"
#include "python/cookies.h"
#include "python/response.h"
#include "python/sending.h"

/* Whether HOOKS may hold anything: a session begins with {"response": []}. */
static bool
may_have_hooks(PyObject *hooks)
{
    if (hooks == NULL || !PyDict_CheckExact(hooks)) {
        return hooks != NULL && hooks != Py_None;
    }
    PyObject *key, *value; /* borrowed from hooks */
    Py_ssize_t position = 0;
    bool found = false;
    Py_BEGIN_CRITICAL_SECTION(hooks);
    while (!found && PyDict_Next(hooks, &position, &key, &value)) {
        found = !PyList_CheckExact(value) || PyList_GET_SIZE(value) > 0;
    }
    Py_END_CRITICAL_SECTION();
    return found;
}

/* ---- the connection ---- */

/* Seconds as timeout= takes them: new; None for no bound. */
static PyObject *
seconds_or_none(double seconds)
{
    return seconds > 0 ? PyFloat_FromDouble(seconds) : Py_NewRef(Py_None);
}

/* What every request by the connection begins with, by the names of requests: new,
 * or NULL. */
static PyObject *
settings_of(const struct ak_call *call)
{
    double connect = (double)call->bounds.connect_ms / 1e3;
    double read = (double)call->bounds.read / 1e9;
    return Py_BuildValue("{s:O,s:(NN),s:O,s:O,s:O}", "stream",
                         call->delivery == AK_DELIVER_PIECES ? Py_True : Py_False, "timeout",
                         seconds_or_none(connect), seconds_or_none(read), "verify", call->verify,
                         "cert", call->cert, "proxies",
                         call->proxies != NULL ? call->proxies : Py_None);
}

static PyObject *
or_none(PyObject *object)
{
    return object != NULL ? object : Py_None;
}

/* apikit._connection.Connection for the present hop: new, or NULL. */
static PyObject *
make_connection(const struct ak_call *call)
{
    int may_log_in = (call->withheld & AK_FIELD_AUTHORIZATION) == 0;
    PyObject *settings = settings_of(call); /* new */
    if (settings == NULL) {
        return NULL;
    }
    return ak_prepare_call("make_connection",
                           Py_BuildValue("(O(OOiikL)OON)", (PyObject *)call->session, call->jar,
                                         or_none(call->call_jar), may_log_in, (int)call->purpose,
                                         call->identity_epoch, (long long)call->bounds.deadline,
                                         or_none(call->body), or_none(call->body_start), settings));
}

PyObject *
ak_session_send_prepared(PyObject *object, PyObject *args)
{
    SessionObject *session = (SessionObject *)object;
    struct module_state *state = ak_state_of_type(Py_TYPE(object));
    struct ak_arguments arguments = {.source = AK_FROM_REQUEST};
    PyObject **values = arguments.values;
    PyObject *call_jar; /* borrowed */
    int may_log_in, purpose;
    long long deadline;
    if (state == NULL ||
        !PyArg_ParseTuple(args, "OOOO(OOiikL)OOOOO:_send_prepared", &values[AK_ARG_METHOD],
                          &values[AK_ARG_URL], &values[AK_ARG_HEADERS], &values[AK_ARG_DATA],
                          &arguments.jar, &call_jar, &may_log_in, &purpose,
                          &arguments.identity_epoch, &deadline, &values[AK_ARG_STREAM],
                          &values[AK_ARG_TIMEOUT], &values[AK_ARG_VERIFY], &values[AK_ARG_CERT],
                          &values[AK_ARG_PROXIES]) ||
        ak_check_jar(session, arguments.jar) < 0 ||
        (call_jar != Py_None && ak_check_jar(session, call_jar) < 0)) {
        return NULL;
    }
    arguments.call_jar = call_jar == Py_None ? NULL : call_jar;
    arguments.credentials = may_log_in ? AK_CREDENTIALS_SENT : AK_CREDENTIALS_WITHHELD;
    arguments.purpose = purpose == AK_FOR_LOGIN ? AK_FOR_LOGIN : AK_FOR_SERVICE;
    arguments.deadline_at = deadline;
    values[AK_ARG_ALLOW_REDIRECTS] = Py_False;
    return ak_send_once(session, &arguments, NULL);
}

/* ---- running them ---- */

PyObject *
ak_call_run_hooks(struct ak_call *call, PyObject *response)
{
    /* A password is not posted twice: the hooks of auth= do not see a log-in's form. */
    PyObject *of_auth = call->secret_body.len > 0 ? NULL : call->auth_hooks;
    PyObject *shared = ak_session_setting(call->session, &call->session->hooks); /* new */
    bool some = may_have_hooks(call->hooks) || may_have_hooks(shared) || of_auth != NULL;
    if (call->source == AK_FROM_REQUEST || !some) {
        Py_DECREF(shared);
        return response;
    }
    PyObject *connection = make_connection(call); /* new */
    if (connection == NULL) {
        Py_DECREF(shared);
        Py_DECREF(response);
        return NULL;
    }
    return ak_prepare_call("dispatch_hooks", Py_BuildValue("(NOONN)", shared, or_none(call->hooks),
                                                           or_none(of_auth), response, connection));
}
