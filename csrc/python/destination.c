/* Where the present hop connects to: its proxy and its endpoint. */
#include "core/proxy.h"
#include "python/call.h"
#include "python/environ.h"
#include "python/errors.h"
#include "python/trust.h"

enum { MOST_TEXT = 64 * 1024 };

/* ---- the proxy ---- */

/* The value of KEY in MAPPING, a str: 1 if the key is there (*value may be
 * Py_None; new), 0 if not, -1 with an exception. */
static int
look_up(PyObject *mapping, const char *key, PyObject **value)
{
    *value = NULL;
    if (mapping == NULL || mapping == Py_None) {
        return 0;
    }
    *value = PyMapping_GetItemString(mapping, key); /* new */
    if (*value == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError)) {
            return -1;
        }
        PyErr_Clear();
        return 0;
    }
    if (*value != Py_None && !PyUnicode_Check(*value)) {
        PyErr_Format(PyExc_TypeError, "proxies[%s] must be a URL as str or None, not %.100s", key,
                     Py_TYPE(*value)->tp_name);
        Py_CLEAR(*value);
        return -1;
    }
    return 1;
}

/* The environment's value for one of requests' four keys. */
static const char *
environment_value(const struct ak_environ *environment, int key, enum ak_scheme scheme)
{
    switch (key) {
    case 1:
        return scheme == AK_HTTPS ? environment->https_proxy : environment->http_proxy;
    case 3:
        return environment->all_proxy;
    default:
        return NULL;
    }
}

/* Without a word of the URL, which may hold credentials. */
static int
refuse_proxy(void)
{
    ak_raise_named("InvalidProxyURL",
                   "the proxy's URL cannot be understood: it must be like "
                   "http://user:password@host:port",
                   NULL, NULL);
    return -1;
}

static int
set_proxy(struct ak_call *call, struct ak_str text)
{
    text = ak_str_trim(text);
    if (text.len == 0) {
        return 0;
    }
    if (ak_str_has_line_break(text)) {
        return refuse_proxy();
    }
    bool bare = true;
    for (size_t i = 0; bare && i + 2 < text.len; i++) {
        bare = memcmp(text.ptr + i, "://", 3) != 0;
    }
    ak_buf_clear(&call->proxy);
    if ((bare && ak_buf_append(&call->proxy, AK_STR("http://")) != AK_OK) ||
        ak_buf_append(&call->proxy, text) != AK_OK) {
        return ak_raise_no_memory();
    }
    return 1;
}

/* One of the four keys, asked of the call, the environment and the session in
 * requests' order: 1 if a proxy was found, 0 to ask the next key, -1. */
static int
try_key(struct ak_call *call, PyObject *own, const char *text, int key,
        const struct ak_environ *environment)
{
    for (int i = 0; i < 2; i++) {
        PyObject *value;
        const char *from_environment = environment_value(environment, key, call->url.scheme);
        if (i == 1 && from_environment != NULL) {
            return set_proxy(call, ak_str_from(from_environment));
        }
        int found = look_up(i == 0 ? call->proxies : own, text, &value);
        if (found == 0) {
            continue;
        }
        if (found > 0 && value != Py_None) {
            Py_ssize_t length;
            const char *utf8 = PyUnicode_AsUTF8AndSize(value, &length);
            found = utf8 == NULL ? -1 : set_proxy(call, ak_str_of(utf8, (size_t)length));
        } else if (found > 0) {
            found = 0; /* None: not proxied under this key */
        }
        Py_XDECREF(value);
        return found;
    }
    return 0;
}

/* no_proxy of the call's proxies, else the environment's, as requests has it. */
static int
is_exempt(struct ak_call *call, const char *no_proxy, bool *exempt)
{
    PyObject *value;
    *exempt = false;
    if (look_up(call->proxies, "no_proxy", &value) < 0) {
        return -1;
    }
    if (value != NULL && value != Py_None) {
        no_proxy = PyUnicode_AsUTF8(value);
    }
    if (no_proxy != NULL) {
        *exempt = ak_no_proxy_matches(ak_str_from(no_proxy), &call->url);
    }
    Py_XDECREF(value);
    return PyErr_Occurred() ? -1 : 0;
}

static int
ask_keys(struct ak_call *call, PyObject *own, const struct ak_environ *environment)
{
    const char *scheme = call->url.scheme == AK_HTTPS ? "https" : "http";
    char with_host[300], all_host[300];
    snprintf(with_host, sizeof(with_host), "%s://%.*s", scheme, (int)call->url.host.len,
             call->url.host.ptr);
    snprintf(all_host, sizeof(all_host), "all://%.*s", (int)call->url.host.len, call->url.host.ptr);
    const char *keys[] = {with_host, scheme, all_host, "all"};
    for (int key = 0; key < 4; key++) {
        int found = try_key(call, own, keys[key], key, environment);
        if (found != 0) {
            return found < 0 ? -1 : 0;
        }
    }
    return 0;
}

/* OWN, the session's proxies, are strong in the caller: theirs may be replaced. */
static int
choose_among(struct ak_call *call, PyObject *own, struct ak_environ *environment)
{
    bool trust_env = call->session->trust_env;
    bool from_environment =
        trust_env && (environment->http_proxy != NULL || environment->https_proxy != NULL ||
                      environment->all_proxy != NULL);
    if (!from_environment && ak_has_no_entries(call->proxies) && ak_has_no_entries(own)) {
        return 0;
    }
    bool exempt = !trust_env;
    if (trust_env && is_exempt(call, environment->no_proxy, &exempt) < 0) {
        return -1;
    }
    if (exempt) {
        environment->http_proxy = environment->https_proxy = environment->all_proxy = NULL;
    }
    return ask_keys(call, own, environment);
}

static int
choose_proxy(struct ak_call *call, struct ak_environ *environment)
{
    ak_buf_clear(&call->proxy);
    PyObject *own = ak_session_setting(call->session, &call->session->proxies); /* new */
    int result = choose_among(call, own, environment);
    Py_DECREF(own);
    return result;
}

/* Basic credentials of a proxy's URL, for a request that goes to it in plain. */
static enum ak_status
authorize_to_proxy(struct ak_call *call, const struct ak_url *proxy)
{
    struct ak_buf plain = ak_buf_make(MOST_TEXT);
    ak_buf_clear(&call->proxy_authorization);
    if (!proxy->has_userinfo) {
        return AK_OK;
    }
    enum ak_status status = ak_url_append_unquoted(&plain, proxy->userinfo);
    if (status == AK_OK) {
        status = ak_buf_append(&call->proxy_authorization, AK_STR("Basic "));
    }
    if (status == AK_OK) {
        status = ak_append_base64(&call->proxy_authorization, ak_buf_str(&plain));
    }
    ak_buf_free_secret(&plain);
    return status;
}

/* A plain http request is sent to the proxy itself, whole URL and all. */
static int
connect_to_proxy(struct ak_call *call)
{
    struct ak_url proxy;
    struct ak_err err;
    ak_url_init(&proxy);
    int result = -1;
    if (ak_url_parse(&proxy, ak_buf_str(&call->proxy), &err) != AK_OK) {
        refuse_proxy();
        goto done;
    }
    if (authorize_to_proxy(call, &proxy) != AK_OK) {
        ak_raise_no_memory();
        goto done;
    }
    ak_buf_clear(&call->texts);
    if (ak_buf_append(&call->texts, proxy.host) != AK_OK) {
        ak_raise_no_memory();
        goto done;
    }
    call->form = AK_ABSOLUTE_FORM;
    call->endpoint.scheme = proxy.scheme;
    call->endpoint.peer = AK_PEER_PROXY;
    call->endpoint.host = ak_buf_str(&call->texts);
    call->endpoint.port = proxy.port;
    result = 0;
done:
    ak_url_free(&proxy);
    return result;
}

/* A password goes in the clear to loopback only, and a proxy is elsewhere. */
static int
refuse_listener(struct ak_call *call)
{
    if ((call->secret_body.len == 0 && !call->bears_login) || call->url.scheme == AK_HTTPS) {
        return 0;
    }
    PyErr_SetString(PyExc_ValueError,
                    "the login form was not sent: a proxy would read its password; name the host "
                    "in no_proxy");
    return -1;
}

static int
use_proxy(struct ak_call *call)
{
    enum ak_proxy_kind kind;
    struct ak_err err;
    if (ak_proxy_find_kind(ak_buf_str(&call->proxy), &kind, &err) != AK_OK) {
        return ak_call_raise(call, &err);
    }
    if (kind != AK_PROXY_SOCKS && call->url.scheme == AK_HTTP) {
        return connect_to_proxy(call);
    }
    call->endpoint.proxy = ak_buf_str(&call->proxy);
    return 0;
}

/* ---- all of it ---- */

static int
find_route(struct ak_call *call, const struct ak_environ *environment)
{
    Py_CLEAR(call->kept);
    ak_buf_clear(&call->proxy_authorization);
    call->form = AK_ORIGIN_FORM;
    call->endpoint = (struct ak_endpoint){
        .scheme = call->url.scheme,
        .peer = AK_PEER_SERVER,
        .host = call->url.host,
        .port = call->url.port,
    };
    struct ak_environ for_proxy = *environment;
    if (choose_proxy(call, &for_proxy) < 0) {
        return -1;
    }
    if (call->proxy.len > 0 && (refuse_listener(call) < 0 || use_proxy(call) < 0)) {
        return -1;
    }
    bool plain = call->endpoint.scheme == AK_HTTP && call->endpoint.proxy.len == 0;
    if (plain) {
        return 0;
    }
    return ak_call_take_verify(call, environment) < 0 || ak_call_take_cert(call) < 0 ? -1 : 0;
}

int
ak_call_find_route(struct ak_call *call)
{
    struct ak_environ environment = {0};
    int result = call->session->trust_env ? ak_environ_read(&environment) : 0;
    if (result == 0) {
        result = find_route(call, &environment);
    }
    ak_environ_free(&environment);
    return result;
}
