/* A session whose log-in is a header: where it goes, where it does not, and what
 * it is.  A wrong Authorization beside somebody's cookie is answered as the
 * cookie's user, so these sessions have no cookies at all. */
#include "python/call.h"

#include "core/login_place.h"
#include "python/auth.h"
#include "python/critical.h"
#include "python/errors.h"

/* A user name and a password in Base64 fit. */
enum { MOST_TOKEN = 24 * 1024 };

static const char *const names[] = {
    [AK_WAY_GITHUB] = "github", [AK_WAY_FORM] = "form",   [AK_WAY_BASIC] = "basic",
    [AK_WAY_BEARER] = "bearer", [AK_WAY_TOKEN] = "token", [AK_WAY_CALLER] = "caller",
};

int
ak_way_from(const char *name, enum ak_way *way)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *way = (enum ak_way)i;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "there is no way called %.100s", name);
    return -1;
}

/* ---- what is sent ---- */

static bool
is_graphic(struct ak_str text, char lowest)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < lowest || text.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

int
ak_way_check_secret(enum ak_way way, struct ak_str secret)
{
    if (way == AK_WAY_BEARER && !is_graphic(secret, '!')) {
        PyErr_SetString(PyExc_ValueError,
                        "a token has no spaces, line breaks or other characters than those of "
                        "ASCII: strip() what was read from a file");
        return -1;
    }
    return 0;
}

static int
append_basic(SessionObject *session, struct ak_buf *out)
{
    struct ak_err err;
    struct ak_buf password;
    if (ak_session_copy_password(session, &password) < 0) {
        return -1;
    }
    PyObject *username = ak_session_setting(session, &session->username); /* new */
    Py_ssize_t length = 0;
    const char *text = username == Py_None         ? ""
                       : PyUnicode_Check(username) ? PyUnicode_AsUTF8AndSize(username, &length)
                                                   : NULL;
    int result = 0;
    if (text == NULL) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "oauth2_username must be text");
        result = -1;
    } else if (ak_append_basic(out, ak_str_of(text, (size_t)length), ak_buf_str(&password), &err) !=
               AK_OK) {
        ak_raise(&err, NULL, NULL);
        result = -1;
    }
    Py_DECREF(username);
    ak_buf_free_secret(&password);
    return result;
}

/* The session's log-in, in place of what auth= or the headers gave: 0 or -1. */
static int
append_login(SessionObject *session, struct ak_buf *out)
{
    ak_buf_free_secret(out);
    *out = ak_buf_make_secret(MOST_TOKEN + 1024);
    if (session->way == AK_WAY_BASIC) {
        return session->has_password ? append_basic(session, out) : 0;
    }
    enum ak_status status = AK_OK;
    if (session->way == AK_WAY_TOKEN) {
        Py_BEGIN_CRITICAL_SECTION(session);
        status = ak_buf_append(out, ak_buf_str(&session->token));
        Py_END_CRITICAL_SECTION();
    } else if (session->has_password) {
        status = ak_buf_append(out, AK_STR("Bearer "));
        Py_BEGIN_CRITICAL_SECTION(session);
        status = status == AK_OK ? ak_buf_append(out, ak_buf_str(&session->password)) : status;
        Py_END_CRITICAL_SECTION();
    }
    return status == AK_OK ? 0 : ak_raise_no_memory();
}

/* ---- where it is sent ---- */

static int
refuse_listeners(void)
{
    PyErr_SetString(PyExc_ValueError, "credentials go over https only, or to this machine: use an "
                                      "https:// URL");
    return -1;
}

/* Whether CALL goes to the origin of the base URL: 1, 0 or -1. */
static int
goes_to_proxy(struct ak_call *call)
{
    struct ak_url base;
    ak_url_init(&base);
    PyObject *base_url = ak_session_setting(call->session, &call->session->base_url); /* new */
    int result = base_url == Py_None ? 0 : ak_parse_url_object(&base, base_url);
    if (result == 0 && base_url != Py_None) {
        result = ak_url_same_origin(&call->url, &base) ? 1 : 0;
    }
    Py_DECREF(base_url);
    ak_url_free(&base);
    return result;
}

int
ak_call_take_way(struct ak_call *call)
{
    SessionObject *session = call->session;
    if (!ak_way_is_header(session->way)) {
        return 0;
    }
    call->is_cookieless = true;
    call->withheld |= AK_FIELD_COOKIE;
    if (session->way == AK_WAY_CALLER) {
        call->bears_login = true;
    } else {
        int result = goes_to_proxy(call);
        if (result <= 0) {
            return result;
        }
        if (append_login(session, &call->authorization) < 0) {
            return -1;
        }
        call->bears_login = call->authorization.len > 0;
    }
    return call->bears_login && !ak_login_place_is_private(&call->url) ? refuse_listeners() : 0;
}

/* ---- what a callable gives ---- */

/* Call FUNCTION with user name and password; no frame of ours holds them. */
static PyObject *
call_function(SessionObject *session, PyObject *function)
{
    struct ak_buf secret;
    if (ak_session_copy_password(session, &secret) < 0) {
        return NULL;
    }
    PyObject *password = secret.len > 0
                             ? PyUnicode_DecodeUTF8(secret.data, (Py_ssize_t)secret.len, "replace")
                             : Py_NewRef(Py_None); /* new */
    ak_buf_free_secret(&secret);
    PyObject *username = ak_session_setting(session, &session->username); /* new */
    PyObject *result =
        password == NULL ? NULL : PyObject_CallFunctionObjArgs(function, username, password, NULL);
    Py_XDECREF(password);
    Py_DECREF(username);
    return result;
}

/* What was raised, without its text and without the frames, which hold the password.
 * An Exception becomes the text that is returned, new; any other goes on: NULL. */
static PyObject *
describe_failure(void)
{
    PyObject *exception = ak_take_exception(); /* new */
    if (exception != NULL && PyObject_IsInstance(exception, PyExc_Exception) == 1) {
        PyObject *text = PyUnicode_FromFormat(
            "the function of login= raised %.100s: see that it gives an Authorization",
            Py_TYPE(exception)->tp_name);
        Py_DECREF(exception);
        return text;
    }
    if (exception != NULL) {
        PyException_SetTraceback(exception, Py_None);
        ak_raise_again(exception);
    }
    return NULL;
}

/* Keep VALUE as the session's token: None, a text that says what is wrong, or NULL. */
static PyObject *
keep_token(SessionObject *session, PyObject *value)
{
    Py_ssize_t length = 0;
    const char *text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &length) : NULL;
    PyErr_Clear();
    struct ak_str token = ak_str_of(text, (size_t)length);
    size_t space = text == NULL ? 0 : ak_str_find(token, ' ', 0);
    if (text == NULL || space == 0 || space + 1 >= token.len || token.len > MOST_TOKEN ||
        !is_graphic(token, ' ')) {
        return PyUnicode_FromString(
            "the function of login= must return the whole Authorization as one line of ASCII, such "
            "as \"Bearer ...\"");
    }
    struct ak_buf kept = ak_buf_make_secret(MOST_TOKEN);
    if (ak_buf_append(&kept, token) != AK_OK) {
        ak_buf_free_secret(&kept);
        return PyErr_NoMemory();
    }
    Py_BEGIN_CRITICAL_SECTION(session);
    ak_buf_free_secret(&session->token);
    session->token = kept;
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

PyObject *
ak_session_fetch_token(PyObject *object, PyObject *function)
{
    SessionObject *session = (SessionObject *)object;
    PyObject *value = call_function(session, function); /* new */
    if (value == NULL) {
        return describe_failure();
    }
    PyObject *result = keep_token(session, value);
    Py_DECREF(value);
    return result;
}
