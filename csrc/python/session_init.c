/* Session.__init__: its keywords, their checks and their defaults. */
#include "python/session.h"

#include "python/call.h"
#include "python/errors.h"

enum { MOST_SLOTS = 100000 };

struct options {
    PyObject *username, *password, *base_url, *session_url, *postdata;
    PyObject *timeout, *max_body, *verify, *cert, *proxies, *deadline, *pool_timeout, *user_agent;
    const char *login;
    int trust_env, cookies_per_call;
    Py_ssize_t max_redirects, pool_maxsize;
};

static int
parse_options(PyObject *args, PyObject *kwargs, struct options *o)
{
    static char *keywords[] = {"oauth2_username",
                               "oauth2_password",
                               "authentication_base_url",
                               "authentication_session_url",
                               "authentication_postdata",
                               "timeout",
                               "max_body",
                               "verify",
                               "cert",
                               "proxies",
                               "trust_env",
                               "max_redirects",
                               "user_agent",
                               "deadline",
                               "pool_maxsize",
                               "pool_timeout",
                               "cookies_per_call",
                               "login",
                               NULL};
    return PyArg_ParseTupleAndKeywords(
               args, kwargs, "|OOOOO$OOOOOpnOOnOps:Session", keywords, &o->username, &o->password,
               &o->base_url, &o->session_url, &o->postdata, &o->timeout, &o->max_body, &o->verify,
               &o->cert, &o->proxies, &o->trust_env, &o->max_redirects, &o->user_agent,
               &o->deadline, &o->pool_maxsize, &o->pool_timeout, &o->cookies_per_call, &o->login)
               ? 0
               : -1;
}

static int
check_options(const struct options *o)
{
    if (o->max_redirects < 0) {
        PyErr_Format(PyExc_ValueError, "max_redirects must be 0 or more, not %zd",
                     o->max_redirects);
        return -1;
    }
    if (o->pool_maxsize < 1 || o->pool_maxsize > MOST_SLOTS) {
        PyErr_Format(PyExc_ValueError, "pool_maxsize must be 1 to %d connections, not %zd",
                     MOST_SLOTS, o->pool_maxsize);
        return -1;
    }
    if (o->user_agent != Py_None && !PyUnicode_Check(o->user_agent)) {
        PyErr_Format(PyExc_TypeError, "user_agent must be a str or None, not %.100s",
                     Py_TYPE(o->user_agent)->tp_name);
        return -1;
    }
    return 0;
}

/* max_body=: bytes, or None for no cap. */
static int
take_max_body(SessionObject *self, PyObject *value)
{
    self->max_body = (size_t)PY_SSIZE_T_MAX;
    if (value == Py_None) {
        return 0;
    }
    Py_ssize_t bytes = PyLong_Check(value) ? PyLong_AsSsize_t(value) : -1;
    if (bytes < 0) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "max_body must be a number of bytes or None, not %R", value);
        return -1;
    }
    self->max_body = (size_t)bytes;
    return 0;
}

static int
take_numbers(SessionObject *self, const struct options *o)
{
    PyObject *timeout = o->timeout; /* borrowed */
    PyObject *fallback = NULL;      /* new */
    if (timeout == NULL) {
        timeout = fallback = Py_BuildValue("(ii)", 5, 30);
    }
    int result = timeout == NULL ? -1 : ak_session_set_timeout((PyObject *)self, timeout, NULL);
    Py_XDECREF(fallback);
    if (result < 0 || ak_session_set_deadline((PyObject *)self, o->deadline, NULL) < 0 ||
        ak_nanoseconds_from(o->pool_timeout, "pool_timeout", &self->pool_wait) < 0) {
        return -1;
    }
    if (self->pool_wait == 0) {
        self->pool_wait = INT64_MAX / 4;
    }
    self->max_body = (size_t)64 * 1024 * 1024;
    return o->max_body == NULL ? 0 : take_max_body(self, o->max_body);
}

/* What a session begins with: requests' default headers, empty mappings. */
static int
take_defaults(SessionObject *self, const struct options *o)
{
    PyObject *made[] = {
        ak_prepare_call("default_headers",
                        Py_BuildValue("(Os)", o->user_agent, ak_coding_accepted())),
        ak_prepare_call("merge_cookies", Py_BuildValue("(OO)", Py_None, Py_None)),
        PyDict_New(),
        o->proxies == Py_None ? PyDict_New() : Py_NewRef(o->proxies),
        Py_BuildValue("{s:[]}", "response"),
    };
    PyObject **places[] = {&self->headers, &self->cookies, &self->params, &self->proxies,
                           &self->hooks};
    int result = 0;
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        result = made[i] == NULL ? -1 : result;
        ak_slot_set(self, places[i], made[i]);
    }
    ak_slot_set(self, &self->auth, Py_NewRef(Py_None));
    ak_slot_set(self, &self->retries, Py_NewRef(Py_None));
    ak_slot_set(self, &self->transport, Py_NewRef(Py_None));
    ak_slot_set(self, &self->observer, Py_NewRef(Py_None));
    ak_slot_set(self, &self->verify, Py_NewRef(o->verify));
    ak_slot_set(self, &self->cert, Py_NewRef(o->cert));
    return result;
}

static int
take_login(SessionObject *self, const struct options *o)
{
    ak_slot_set(self, &self->username, Py_NewRef(o->username));
    ak_slot_set(self, &self->base_url, Py_NewRef(o->base_url));
    ak_slot_set(self, &self->session_url, Py_NewRef(o->session_url));
    ak_slot_set(self, &self->postdata, Py_NewRef(o->postdata));
    enum ak_way way;
    if (ak_way_from(o->login, &way) < 0) {
        return -1;
    }
    self->way = way;
    Py_BEGIN_CRITICAL_SECTION(self);
    ak_buf_free_secret(&self->token);
    Py_END_CRITICAL_SECTION();
    Py_DECREF(ak_session_forget_identity((PyObject *)self, NULL));
    return ak_session_set_password(self, o->password);
}

int
ak_session_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    SessionObject *self = (SessionObject *)object;
    struct ak_err err;
    struct options o = {
        .username = Py_None,
        .password = Py_None,
        .base_url = Py_None,
        .session_url = Py_None,
        .postdata = Py_None,
        .verify = Py_True,
        .cert = Py_None,
        .proxies = Py_None,
        .deadline = Py_None,
        .user_agent = Py_None,
        .login = "github",
        .trust_env = 1,
        .max_redirects = 30,
        .pool_maxsize = 64,
    };
    PyObject *patience = PyLong_FromLong(30); /* new */
    if (patience == NULL) {
        return -1;
    }
    o.pool_timeout = patience;
    int result = -1;
    if (parse_options(args, kwargs, &o) < 0 || check_options(&o) < 0 ||
        take_numbers(self, &o) < 0 || take_defaults(self, &o) < 0 || take_login(self, &o) < 0) {
        goto done;
    }
    if (ak_net_init(&err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        goto done;
    }
    struct ak_pool *pool = ak_pool_new((size_t)o.pool_maxsize);
    if (pool == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    struct ak_pool *before;
    Py_BEGIN_CRITICAL_SECTION(self);
    before = self->pool;
    self->pool = pool;
    Py_END_CRITICAL_SECTION();
    ak_pool_unref(before);
    self->closed = false;
    self->trust_env = (char)o.trust_env;
    self->cookies_per_call = (char)o.cookies_per_call;
    self->max_redirects = (long)o.max_redirects;
    result = 0;
done:
    Py_DECREF(patience);
    return result;
}
