#include "python/auth.h"

#include "python/errors.h"
#include "python/headers.h"

enum { MOST_USER = 1024, MOST_PASSWORD = 16 * 1024 };

static bool
has_control(struct ak_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7F) {
            return true;
        }
    }
    return false;
}

enum ak_status
ak_append_basic(struct ak_buf *out, struct ak_str user, struct ak_str password, struct ak_err *err)
{
    if (user.len > MOST_USER || password.len > MOST_PASSWORD) {
        return ak_fail(err, AK_BAD_VALUE,
                       "a user name may have %d bytes and a password %d: these have %zu and %zu",
                       MOST_USER, MOST_PASSWORD, user.len, password.len);
    }
    if (ak_str_find(user, ':', 0) < user.len) {
        return ak_fail(err, AK_BAD_VALUE,
                       "a user name with a colon cannot be sent as Basic credentials (RFC 7617)");
    }
    if (has_control(user) || has_control(password)) {
        return ak_fail(err, AK_BAD_VALUE,
                       "user name and password may hold no control characters (RFC 7617)");
    }
    size_t plain_length = user.len + 1 + password.len;
    struct ak_buf plain = ak_buf_make(plain_length);
    enum ak_status status = ak_buf_reserve(&plain, plain_length);
    if (status == AK_OK) {
        status = ak_buf_reserve(out, 8 + plain_length / 3 * 4 + 4);
    }
    if (status == AK_OK &&
        (ak_buf_append(&plain, user) != AK_OK || ak_buf_append_char(&plain, ':') != AK_OK ||
         ak_buf_append(&plain, password) != AK_OK ||
         ak_buf_append(out, AK_STR("Basic ")) != AK_OK ||
         ak_append_base64(out, ak_buf_str(&plain)) != AK_OK)) {
        status = AK_NO_MEMORY;
    }
    ak_buf_free_secret(&plain);
    return status == AK_OK ? AK_OK : ak_fail_no_memory(err);
}

/* A credential's bytes: str as UTF-8, bytes as they are; borrowed from OBJECT. */
static int
credential_bytes(PyObject *object, struct ak_str *bytes)
{
    Py_ssize_t length;
    if (PyBytes_Check(object)) {
        *bytes = ak_str_of(PyBytes_AS_STRING(object), (size_t)PyBytes_GET_SIZE(object));
        return 0;
    }
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "auth must be a pair of str or bytes, not with a %.100s",
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (text == NULL) {
        PyErr_Clear(); /* its text would show the credential */
        PyErr_SetString(PyExc_ValueError, "auth holds a lone surrogate: it is no text");
        return -1;
    }
    *bytes = ak_str_of(text, (size_t)length);
    return 0;
}

static int
set_basic(struct ak_call *call, struct ak_str user, struct ak_str password)
{
    struct ak_err err;
    ak_buf_clear(&call->authorization);
    if (ak_append_basic(&call->authorization, user, password, &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        return -1;
    }
    return 0;
}

static int
take_pair(struct ak_call *call, PyObject *pair)
{
    struct ak_str user, password;
    if (credential_bytes(PyTuple_GET_ITEM(pair, 0), &user) < 0 ||
        credential_bytes(PyTuple_GET_ITEM(pair, 1), &password) < 0) {
        return -1;
    }
    return set_basic(call, user, password);
}

/* user:password@ of the URL. */
static int
take_from_url(struct ak_call *call)
{
    struct ak_str userinfo = call->url.userinfo;
    size_t colon = ak_str_find(userinfo, ':', 0);
    size_t most = userinfo.len;
    struct ak_buf user = ak_buf_make(most), password = ak_buf_make(most);
    int result = -1;
    if (ak_buf_reserve(&user, most) != AK_OK || ak_buf_reserve(&password, most) != AK_OK ||
        ak_url_append_unquoted(&user, ak_str_slice(userinfo, 0, colon)) != AK_OK ||
        (colon < most &&
         ak_url_append_unquoted(&password, ak_str_slice(userinfo, colon + 1, most)) != AK_OK)) {
        PyErr_NoMemory();
    } else {
        result = set_basic(call, ak_buf_str(&user), ak_buf_str(&password));
    }
    ak_buf_free_secret(&user);
    ak_buf_free_secret(&password);
    return result;
}

/* ---- callables ---- */

static int
adopt_method(struct ak_call *call, PyObject *method)
{
    Py_ssize_t length;
    struct ak_err err;
    const char *text = PyUnicode_Check(method) ? PyUnicode_AsUTF8AndSize(method, &length) : NULL;
    if (text == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "the prepared request's method must be a str");
        }
        return -1;
    }
    struct ak_str method_text = ak_str_of(text, (size_t)length);
    if (ak_http1_check_method(method_text, &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        return -1;
    }
    Py_XSETREF(call->method, Py_NewRef(method));
    call->method_text = method_text;
    return 0;
}

static int
adopt_url(struct ak_call *call, PyObject *url)
{
    struct ak_url parsed;
    ak_url_init(&parsed);
    if (ak_parse_url_object(&parsed, url) < 0) {
        ak_url_free(&parsed);
        return -1;
    }
    ak_url_free(&call->url);
    ak_url_move(&call->url, &parsed);
    return 0;
}

/* A body that is the one it was needs nothing done: it may be under way. */
static int
adopt_body(struct ak_call *call, PyObject *body)
{
    if (body == ak_call_shown_body(call) || (body == Py_None && call->body == NULL)) {
        return 0;
    }
    Py_CLEAR(call->content_type);
    return ak_call_set_body(call, body);
}

/* A Cookie field that came from the jar must not outlive this hop. */
static int
forget_jar_cookies(struct ak_call *call, PyObject *headers)
{
    PyObject *name = PyUnicode_FromString("Cookie");                    /* new */
    PyObject *before = ak_call_headers(call);                           /* new */
    PyObject *own = name == NULL ? NULL : ak_headers_get(before, name); /* new */
    int result = PyErr_Occurred() ? -1 : 0;
    if (result == 0 && own == NULL && PyMapping_HasKey(headers, name)) {
        result = PyObject_DelItem(headers, name);
    }
    Py_XDECREF(name);
    Py_XDECREF(own);
    Py_DECREF(before);
    return result;
}

/* The headers take the place of the call's, which come back when the call leaves
 * its origin: whatever a callable adds may be a credential. */
static void
replace_headers(struct ak_call *call, PyObject *headers) /* steals */
{
    Py_XSETREF(call->headers_elsewhere, call->headers);
    call->headers = headers;
    call->asked_auth = true;
}

/* The hooks that a callable has registered, which stay at the origin as well. */
static int
adopt_hooks(struct ak_call *call, PyObject *hooks)
{
    PyObject *lists = ak_prepare_call("read_hooks", Py_BuildValue("(O)", hooks)); /* new */
    PyObject *list = lists == NULL ? NULL : PyDict_GetItemString(lists, "response");
    if (list != NULL && PyList_Check(list) && PyList_GET_SIZE(list) > 0) {
        Py_XSETREF(call->auth_hooks, Py_NewRef(list));
    }
    Py_XDECREF(lists);
    return lists == NULL ? -1 : 0;
}

/* Take back what a callable has made of the prepared request: 0 or -1. */
static int
adopt_request(struct ak_call *call, PyObject *request)
{
    enum { METHOD, URL, BODY, HEADERS, HOOKS, COUNT };
    static const char *const names[COUNT] = {"method", "url", "body", "headers", "hooks"};
    PyObject *values[COUNT] = {NULL};
    int result = -1;
    for (int i = 0; i < COUNT; i++) {
        values[i] = PyObject_GetAttrString(request, names[i]); /* new */
        if (values[i] == NULL) {
            goto done;
        }
    }
    if (adopt_method(call, values[METHOD]) < 0 || adopt_url(call, values[URL]) < 0 ||
        adopt_body(call, values[BODY]) < 0 || adopt_hooks(call, values[HOOKS]) < 0) {
        goto done;
    }
    PyObject *headers =
        ak_prepare_call("merge_headers", Py_BuildValue("(OO)", Py_None, values[HEADERS]));
    if (headers == NULL || forget_jar_cookies(call, headers) < 0) {
        Py_XDECREF(headers);
        goto done;
    }
    replace_headers(call, headers);
    ak_buf_free_secret(&call->authorization); /* it is among the headers now */
    Py_CLEAR(call->content_type);             /* so is this */
    result = 0;
done:
    for (int i = 0; i < COUNT; i++) {
        Py_XDECREF(values[i]);
    }
    return result;
}

static int
ask_callable(struct ak_call *call, PyObject *auth)
{
    PyObject *request = ak_call_prepared_request(call);                              /* new */
    PyObject *changed = request == NULL ? NULL : PyObject_CallOneArg(auth, request); /* new */
    int result = -1;
    if (changed != NULL) {
        result = adopt_request(call, changed == Py_None ? request : changed);
    }
    Py_XDECREF(request);
    Py_XDECREF(changed);
    return result;
}

/* AUTH, which is not None. */
static int
take_object(struct ak_call *call, PyObject *auth)
{
    int is_something = PyObject_IsTrue(auth);
    if (is_something <= 0) {
        return is_something; /* as in requests: no credentials, not even the URL's */
    }
    if (PyTuple_Check(auth) && PyTuple_GET_SIZE(auth) == 2) {
        return take_pair(call, auth);
    }
    if (PyList_Check(auth) || PyTuple_Check(auth)) {
        PyObject *pair = PyList_Check(auth) ? PyList_AsTuple(auth) : Py_NewRef(auth); /* new */
        int result = -1;
        if (pair != NULL && PyTuple_GET_SIZE(pair) == 2) {
            result = take_pair(call, pair);
        } else if (pair != NULL) {
            PyErr_Format(PyExc_TypeError, "auth must be a pair (user, password), not of length %zd",
                         PyTuple_GET_SIZE(pair));
        }
        Py_XDECREF(pair);
        return result;
    }
    if (!PyCallable_Check(auth)) {
        PyErr_Format(PyExc_TypeError,
                     "auth must be a pair (user, password) or a callable, not %.100s",
                     Py_TYPE(auth)->tp_name);
        return -1;
    }
    return ask_callable(call, auth);
}

int
ak_call_take_auth(struct ak_call *call, PyObject *auth)
{
    /* Strong: the session's may be replaced while it is asked. */
    auth = auth == NULL || auth == Py_None ? ak_session_setting(call->session, &call->session->auth)
                                           : Py_NewRef(auth);
    int result = 0;
    if (auth != Py_None) {
        result = take_object(call, auth);
    } else if (call->url.userinfo.len > 0 && !ak_str_equal(call->url.userinfo, AK_STR(":"))) {
        result = take_from_url(call);
    }
    Py_DECREF(auth);
    return result;
}
