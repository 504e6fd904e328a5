/* The type _core.Session. */
#ifndef AK_PYTHON_SESSION_H
#define AK_PYTHON_SESSION_H

#include "python/state.h" /* Python.h comes first */

#include <stdatomic.h>

#include "core/buf.h"
#include "core/url.h"
#include "net/pool.h"

/* A timeout= argument, understood. */
struct ak_timeout {
    long connect_ms; /* 0: no bound */
    int64_t read;    /* nanoseconds; 0: no bound */
};

/* How a session gets through the proxy.  By a log-in it gets cookies; those from
 * AK_WAY_BASIC on have no cookies, each request bears an Authorization instead. */
enum ak_way {
    AK_WAY_GITHUB, /* the provider's form; the default is GitHub's */
    AK_WAY_FORM,   /* any form: the proxy's own, or below the session URL */
    AK_WAY_BASIC,  /* user name and password */
    AK_WAY_BEARER, /* the password is the token */
    AK_WAY_TOKEN,  /* what a callable gives */
    AK_WAY_CALLER  /* what the caller of each request gives */
};

static inline bool
ak_way_is_header(enum ak_way way)
{
    return way >= AK_WAY_BASIC;
}

/* Threads share a session.  What is neither atomic nor said to be fixed is read and
 * written in its critical section: the objects by ak_session_setting, the pool by
 * ak_session_pool, the password by ak_session_copy_password. */
typedef struct {
    PyObject_HEAD
    struct ak_pool *pool;
    /* requests' settings, each a strong reference, never NULL after __init__. */
    PyObject *headers, *cookies, *auth, *params, *proxies, *hooks, *verify, *cert;
    PyObject *timeout_object, *deadline_object;
    PyObject *retries;   /* a policy with begin(), or None */
    PyObject *transport; /* a callable in place of connections, or None */
    PyObject *observer;  /* an apikit._events.Events, or None */
    PyObject *weak_references;
    struct ak_timeout timeout;
    int64_t deadline; /* nanoseconds for a whole call; 0: none */
    int64_t pool_wait;
    size_t max_body;
    _Atomic long max_redirects;
    _Atomic char stream, trust_env, cookies_per_call; /* 0 or 1 */
    atomic_bool closed;
    /* The session's own fields as they go out, while headers stays at the
     * generation. */
    struct ak_buf fields;
    PyObject *fields_of; /* strong: the headers object that they were made from */
    uint64_t fields_generation;
    unsigned fields_seen;
    PyObject *default_ca;      /* (file or None, path or None, source), or NULL until asked */
    char default_ca_trust_env; /* trust_env at that time */
    /* The login. */
    PyObject *username, *base_url, *session_url, *postdata; /* as given */
    struct ak_buf password;                                 /* UTF-8; a secret */
    atomic_bool has_password;
    _Atomic(enum ak_way) way;
    struct ak_buf token;            /* of AK_WAY_TOKEN: the Authorization; a secret */
    _Atomic unsigned long logins;   /* how many have ended */
    _Atomic unsigned long accepted; /* the last one with which a request was served */
    struct ak_buf identity;         /* who the proxy says the session is; empty until it did */
    unsigned long identity_epoch;
} SessionObject;

/* The object in SLOT, a field of SESSION: new; None where there is none. */
static inline PyObject *
ak_session_setting(SessionObject *session, PyObject *const *slot)
{
    PyObject *value = ak_slot_get(session, slot);
    return value != NULL ? value : Py_NewRef(Py_None);
}

/* The session's pool, which the caller lets go by ak_pool_unref; NULL before
 * __init__. */
static inline struct ak_pool *
ak_session_pool(SessionObject *session)
{
    struct ak_pool *pool;
    Py_BEGIN_CRITICAL_SECTION(session);
    pool = session->pool == NULL ? NULL : ak_pool_ref(session->pool);
    Py_END_CRITICAL_SECTION();
    return pool;
}

/* Whether __init__ was called, which makes the pool last of all. */
static inline bool
ak_session_is_made(SessionObject *session)
{
    struct ak_pool *pool = ak_session_pool(session);
    ak_pool_unref(pool);
    return pool != NULL;
}

/* 0 or -1 with TypeError or ValueError. */
int ak_timeout_from(PyObject *object, struct ak_timeout *timeout);
/* Seconds (a number above 0, or None) as nanoseconds (None: 0): 0 or -1. */
int ak_nanoseconds_from(PyObject *object, const char *name, int64_t *nanoseconds);

/* Whether OBJECT can be a transport, a callable or None: 0 or -1 with
 * TypeError. */
int ak_check_transport(PyObject *object);

/* ---- session_settings.c and session_init.c ---- */

extern PyGetSetDef ak_session_settings[];
int ak_session_set_timeout(PyObject *self, PyObject *value, void *closure);
int ak_session_set_deadline(PyObject *self, PyObject *value, void *closure);
int ak_session_init(PyObject *self, PyObject *args, PyObject *kwargs);

/* ---- session_verbs.c ---- */

PyObject *ak_session_request(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *keyword_names);
PyObject *ak_session_get(PyObject *self, PyObject *const *args, Py_ssize_t count,
                         PyObject *keyword_names);
PyObject *ak_session_options(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *keyword_names);
PyObject *ak_session_head(PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *keyword_names);
PyObject *ak_session_post(PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *keyword_names);
PyObject *ak_session_put(PyObject *self, PyObject *const *args, Py_ssize_t count,
                         PyObject *keyword_names);
PyObject *ak_session_patch(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keyword_names);
PyObject *ak_session_delete(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *keyword_names);
/* JAR, an argument, is a CookieJar: 0 or -1 with TypeError. */
int ak_check_jar(SessionObject *self, PyObject *jar);
/* _fetch(url, jar, deadline): a GET of the login itself, with cookies of its own.
 * DEADLINE, here and below, is that of the call that needs the login: nanoseconds
 * of the monotonic clock, 0 for none. */
PyObject *ak_session_fetch(PyObject *self, PyObject *args);

/* ---- hooks.c ---- */

/* _send_prepared(method, url, headers, body, context, stream, timeout, verify, cert,
 * proxies): send a request as it is, once, for a hook.  CONTEXT is what the call whose
 * hook it is has given to its connection. */
PyObject *ak_session_send_prepared(PyObject *self, PyObject *args);

/* ---- session_login.c ---- */

/* Take a password (str, bytes or None), overwriting the one before, if it suits
 * the session's way: 0 or -1. */
int ak_session_set_password(SessionObject *self, PyObject *password);
/* The password as it is now in COPY, made here, which the caller frees as a secret:
 * 0, or -1 with MemoryError. */
int ak_session_copy_password(SessionObject *self, struct ak_buf *copy);
PyObject *ak_session_password_method(PyObject *self, PyObject *args, PyObject *kwargs);

/* _submit_login(action, page, fields, username_index, password_index, jar,
 * deadline): post the form that a strategy has read, with the secrets filled in
 * here.  Refused with ValueError, nothing sent, unless action and page belong to
 * the origin that was configured. */
PyObject *ak_session_submit_login(PyObject *self, PyObject *args);

/* ---- session_way.c ---- */

/* The way that a login= is called: 0, or -1 with ValueError. */
int ak_way_from(const char *name, enum ak_way *way);
/* Whether SECRET can be what WAY sends: 0, or -1 with a ValueError that does not
 * show it. */
int ak_way_check_secret(enum ak_way way, struct ak_str secret);
/* _fetch_token(function): ask it for the Authorization of AK_WAY_TOKEN; None, or a
 * str that says why there is none.  It alone sees the password. */
PyObject *ak_session_fetch_token(PyObject *self, PyObject *function);

/* ---- identity.c ---- */

/* How often the session has begun to be somebody. */
unsigned long ak_session_identity_epoch(SessionObject *session);
/* _forget_identity(): whoever the proxy says next is who the session is. */
PyObject *ak_session_forget_identity(PyObject *self, PyObject *unused);

#endif
