/* Who a session is, by the word of the proxy (GAP-Auth) and not of the caller: a
 * user name beside a token proves nothing, and cookies may be another's. */
#include "python/call.h"
#include "python/critical.h"
#include "python/errors.h"

enum { LONGEST_IDENTITY = 1024 };

unsigned long
ak_session_identity_epoch(SessionObject *session)
{
    unsigned long epoch;
    Py_BEGIN_CRITICAL_SECTION(session);
    epoch = session->identity_epoch;
    Py_END_CRITICAL_SECTION();
    return epoch;
}

PyObject *
ak_session_forget_identity(PyObject *object, PyObject *Py_UNUSED(unused))
{
    SessionObject *self = (SessionObject *)object;
    Py_BEGIN_CRITICAL_SECTION(object);
    ak_buf_free(&self->identity);
    self->identity = ak_buf_make(LONGEST_IDENTITY);
    self->identity_epoch++;
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

/* Whether the present hop went to the proxy as the session: 1, 0 or -1. */
static int
is_of_session(struct ak_call *call)
{
    SessionObject *session = call->session;
    if (call->purpose != AK_FOR_SERVICE || call->bears_other || session->way == AK_WAY_CALLER) {
        return 0;
    }
    PyObject *base_url = ak_session_setting(session, &session->base_url); /* new */
    if (base_url == Py_None) {
        Py_DECREF(base_url);
        return 0;
    }
    struct ak_url base;
    ak_url_init(&base);
    int result = ak_parse_url_object(&base, base_url);
    if (result == 0) {
        result = ak_url_same_origin(&call->url, &base) ? 1 : 0;
    } else {
        PyErr_Clear(); /* no log-in can have come of it */
        result = 0;
    }
    Py_DECREF(base_url);
    ak_url_free(&base);
    return result;
}

/* Take NAME for who the session is, if nobody is yet: AK_BAD_VALUE if somebody else
 * is. */
static enum ak_status
take_identity(struct ak_call *call, struct ak_str name)
{
    SessionObject *session = call->session;
    enum ak_status status = AK_OK;
    name.len = name.len > LONGEST_IDENTITY ? LONGEST_IDENTITY : name.len;
    Py_BEGIN_CRITICAL_SECTION(session);
    if (session->identity_epoch != call->identity_epoch) {
        status = AK_OK; /* a log-in of another user's ended meanwhile */
    } else if (session->identity.len == 0) {
        status = ak_buf_append(&session->identity, name);
    } else if (!ak_str_equal(ak_buf_str(&session->identity), name)) {
        status = AK_BAD_VALUE;
    }
    Py_END_CRITICAL_SECTION();
    return status;
}

/* Let the package drop the session, and raise. */
static int
refuse(struct ak_call *call)
{
    PyObject *done =
        PyObject_CallMethod((PyObject *)call->session, "_drop_identity", NULL); /* new */
    if (done != NULL) {
        Py_DECREF(done);
        ak_raise_named("IdentityChanged",
                       "the proxy took the session for another user's: its answer is withheld and "
                       "its cookies are dropped; log in again",
                       NULL, NULL);
    }
    return -1;
}

int
ak_call_check_identity(struct ak_call *call)
{
    struct ak_str name;
    if (!ak_http1_find_field(ak_buf_str(&call->exchange.reader.head), AK_STR("gap-auth"), &name) ||
        name.len == 0) {
        return 0;
    }
    int is_own = is_of_session(call);
    if (is_own <= 0) {
        return is_own;
    }
    switch (take_identity(call, name)) {
    case AK_OK:
        return 0;
    case AK_BAD_VALUE:
        return refuse(call);
    default:
        return ak_raise_no_memory();
    }
}
