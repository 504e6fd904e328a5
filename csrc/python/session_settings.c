/* The settings of a Session as attributes: what may be assigned, and what a thread reads
 * while another assigns. */
#include "python/session.h"

#include <stddef.h>

#include "python/call.h"
#include "python/cookies.h"
#include "python/headers.h"

/* ---- objects ---- */

enum object_rule { ANY_OBJECT, HEADERS_OBJECT, COOKIES_OBJECT, TRANSPORT_OBJECT };

struct object_setting {
    Py_ssize_t offset;
    enum object_rule rule;
};

static PyObject *
get_object(PyObject *self, void *closure)
{
    const struct object_setting *setting = closure;
    return ak_session_setting((SessionObject *)self, (PyObject **)((char *)self + setting->offset));
}

/* VALUE as the setting keeps it: new, or NULL. */
static PyObject *
fit_object(PyObject *self, enum object_rule rule, PyObject *value)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL || (rule == TRANSPORT_OBJECT && ak_check_transport(value) < 0)) {
        return NULL;
    }
    bool fits = rule == ANY_OBJECT || rule == TRANSPORT_OBJECT ||
                (rule == HEADERS_OBJECT && ak_is_headers(state, value)) ||
                (rule == COOKIES_OBJECT && ak_is_cookies(state, value));
    if (fits) {
        return Py_NewRef(value);
    }
    return ak_prepare_call(rule == HEADERS_OBJECT ? "merge_headers" : "merge_cookies",
                           Py_BuildValue("(OO)", Py_None, value));
}

static int
set_object(PyObject *self, PyObject *value, void *closure)
{
    const struct object_setting *setting = closure;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError,
                        "a session's setting cannot be deleted: assign None or an empty one");
        return -1;
    }
    PyObject *fitting = fit_object(self, setting->rule, value); /* new */
    if (fitting == NULL) {
        return -1;
    }
    ak_slot_set(self, (PyObject **)((char *)self + setting->offset), fitting);
    if (setting->offset == offsetof(SessionObject, verify)) {
        ak_slot_set(self, &((SessionObject *)self)->default_ca, NULL);
    }
    return 0;
}

static PyObject *
get_timeout(PyObject *self, void *Py_UNUSED(closure))
{
    return ak_session_setting((SessionObject *)self, &((SessionObject *)self)->timeout_object);
}

static int
refuse_deletion(PyObject *value)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "a session's setting cannot be deleted");
        return -1;
    }
    return 0;
}

int
ak_session_set_timeout(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    SessionObject *self = (SessionObject *)object;
    struct ak_timeout timeout;
    if (refuse_deletion(value) < 0 || ak_timeout_from(value, &timeout) < 0) {
        return -1;
    }
    Py_BEGIN_CRITICAL_SECTION(object);
    self->timeout = timeout;
    Py_END_CRITICAL_SECTION();
    ak_slot_set(self, &self->timeout_object, Py_NewRef(value));
    return 0;
}

static PyObject *
get_deadline(PyObject *self, void *Py_UNUSED(closure))
{
    return ak_session_setting((SessionObject *)self, &((SessionObject *)self)->deadline_object);
}

int
ak_session_set_deadline(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    SessionObject *self = (SessionObject *)object;
    int64_t deadline;
    if (refuse_deletion(value) < 0 || ak_nanoseconds_from(value, "deadline", &deadline) < 0) {
        return -1;
    }
    Py_BEGIN_CRITICAL_SECTION(object);
    self->deadline = deadline;
    Py_END_CRITICAL_SECTION();
    ak_slot_set(self, &self->deadline_object, Py_NewRef(value));
    return 0;
}

/* ---- numbers ---- */

/* Threads read them while another sets them: PyMemberDef would set them as if nobody did. */

static PyObject *
get_flag(PyObject *self, void *closure)
{
    return PyBool_FromLong(*(_Atomic char *)((char *)self + *(const Py_ssize_t *)closure));
}

static int
set_flag(PyObject *self, PyObject *value, void *closure)
{
    if (refuse_deletion(value) < 0) {
        return -1;
    }
    if (!PyBool_Check(value)) {
        PyErr_Format(PyExc_TypeError, "a session's switch must be True or False, not %.100s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    *(_Atomic char *)((char *)self + *(const Py_ssize_t *)closure) = value == Py_True;
    return 0;
}

static PyObject *
get_max_redirects(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((SessionObject *)self)->max_redirects);
}

static int
set_max_redirects(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    long most = refuse_deletion(value) < 0 ? -1 : PyLong_AsLong(value);
    if (most == -1 && PyErr_Occurred()) {
        return -1;
    }
    ((SessionObject *)self)->max_redirects = most;
    return 0;
}

static PyObject *
get_count(PyObject *self, void *closure)
{
    return PyLong_FromUnsignedLong(
        *(_Atomic unsigned long *)((char *)self + *(const Py_ssize_t *)closure));
}

static int
set_count(PyObject *self, PyObject *value, void *closure)
{
    unsigned long count = refuse_deletion(value) < 0 ? 0 : PyLong_AsUnsignedLong(value);
    if (PyErr_Occurred()) {
        return -1;
    }
    *(_Atomic unsigned long *)((char *)self + *(const Py_ssize_t *)closure) = count;
    return 0;
}

/* ---- the attributes ---- */

#define OBJECT(member, rule)                                                                       \
    static const struct object_setting member##_setting = {offsetof(SessionObject, member), rule}
OBJECT(headers, HEADERS_OBJECT);
OBJECT(cookies, COOKIES_OBJECT);
OBJECT(auth, ANY_OBJECT);
OBJECT(params, ANY_OBJECT);
OBJECT(proxies, ANY_OBJECT);
OBJECT(hooks, ANY_OBJECT);
OBJECT(verify, ANY_OBJECT);
OBJECT(cert, ANY_OBJECT);
OBJECT(retries, ANY_OBJECT);
OBJECT(transport, TRANSPORT_OBJECT);
OBJECT(observer, ANY_OBJECT);
OBJECT(username, ANY_OBJECT);
OBJECT(base_url, ANY_OBJECT);
OBJECT(session_url, ANY_OBJECT);
#undef OBJECT
static const Py_ssize_t stream_at = offsetof(SessionObject, stream);
static const Py_ssize_t trust_env_at = offsetof(SessionObject, trust_env);
static const Py_ssize_t logins_at = offsetof(SessionObject, logins);
static const Py_ssize_t accepted_at = offsetof(SessionObject, accepted);

PyGetSetDef ak_session_settings[] = {
    {"headers", get_object, set_object, "Headers of every request.", (void *)&headers_setting},
    {"cookies", get_object, set_object, "The cookie jar.", (void *)&cookies_setting},
    {"auth", get_object, set_object, "(user, password) or a callable.", (void *)&auth_setting},
    {"params", get_object, set_object, "Query of every request.", (void *)&params_setting},
    {"proxies", get_object, set_object, "Proxies by scheme.", (void *)&proxies_setting},
    {"hooks", get_object, set_object, "Callables by event.", (void *)&hooks_setting},
    {"verify", get_object, set_object, "True, False or a CA path.", (void *)&verify_setting},
    {"cert", get_object, set_object, "Client certificate.", (void *)&cert_setting},
    {"timeout", get_timeout, ak_session_set_timeout, "Seconds, (connect, read) or None.", NULL},
    {"deadline", get_deadline, ak_session_set_deadline, "Seconds for a whole call, or None.", NULL},
    {"_retries", get_object, set_object, "The policy of retries, or None.",
     (void *)&retries_setting},
    {"transport", get_object, set_object, "What answers in place of servers, or None.",
     (void *)&transport_setting},
    {"_observer", get_object, set_object, "Who is told of requests and answers, or None.",
     (void *)&observer_setting},
    {"oauth2_username", get_object, set_object, "Who logs in.", (void *)&username_setting},
    {"authentication_base_url", get_object, set_object, "Where a login begins.",
     (void *)&base_url_setting},
    {"authentication_session_url", get_object, set_object, "Where the login form is posted.",
     (void *)&session_url_setting},
    {"stream", get_flag, set_flag, "Whether bodies are left to read.", (void *)&stream_at},
    {"trust_env", get_flag, set_flag, "Whether the environment's proxies and CA files count.",
     (void *)&trust_env_at},
    {"max_redirects", get_max_redirects, set_max_redirects, "Redirects in a call.", NULL},
    {"_logins", get_count, set_count, "How many logins have ended.", (void *)&logins_at},
    {"_accepted", get_count, set_count, "The last login with which a request was served.",
     (void *)&accepted_at},
    {NULL, NULL, NULL, NULL, NULL},
};
