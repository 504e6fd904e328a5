/* From the arguments of a call to what it sends: method, URL, parameters,
 * headers, cookies and settings.  Nothing is sent from here, and what is wrong
 * is said before anything is. */
#include "python/call.h"

#include "core/alloc.h"
#include "python/auth.h"
#include "python/cookies.h"
#include "python/errors.h"
#include "python/headers.h"
#include "python/response.h"

enum { MOST_HEAD = 1024 * 1024, FIRST_HEAD = 1024 };

PyObject *
ak_prepare_call(const char *name, PyObject *args)
{
    if (args == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    PyObject *module = PyImport_ImportModule("apikit._prepare"); /* new */
    PyObject *function = module == NULL ? NULL : PyObject_GetAttrString(module, name); /* new */
    if (function != NULL) {
        result = PyObject_Call(function, args, NULL);
    }
    Py_XDECREF(function);
    Py_XDECREF(module);
    Py_DECREF(args);
    return result;
}

static inline bool
is_given(PyObject *value)
{
    return value != NULL && value != Py_None;
}

static int
no_memory(void)
{
    PyErr_NoMemory();
    return -1;
}

/* ---- method and URL ---- */

static bool
is_in_capitals(PyObject *text)
{
    if (!PyUnicode_IS_ASCII(text)) {
        return false;
    }
    const Py_UCS1 *letters = PyUnicode_1BYTE_DATA(text);
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        if (letters[i] < 'A' || letters[i] > 'Z') {
            return false;
        }
    }
    return true;
}

static int
take_method(struct ak_call *call, PyObject *method)
{
    if (PyBytes_Check(method)) {
        method = PyUnicode_DecodeLatin1(PyBytes_AS_STRING(method), PyBytes_GET_SIZE(method), NULL);
    } else if (PyUnicode_Check(method)) {
        Py_INCREF(method);
    } else {
        PyErr_Format(PyExc_TypeError, "method must be a str such as \"GET\", not %.100s",
                     Py_TYPE(method)->tp_name);
        return -1;
    }
    if (method == NULL) {
        return -1;
    }
    call->method = is_in_capitals(method) ? Py_NewRef(method)
                                          : PyObject_CallMethod(method, "upper", NULL); /* new */
    Py_DECREF(method);
    Py_ssize_t length;
    const char *text =
        call->method == NULL ? NULL : PyUnicode_AsUTF8AndSize(call->method, &length);
    if (text == NULL) {
        return -1;
    }
    call->method_text = ak_str_of(text, (size_t)length);
    struct ak_err err;
    if (ak_http1_check_method(call->method_text, &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        return -1;
    }
    return 0;
}

PyObject *
ak_encode_host(struct ak_str text)
{
    size_t start, end;
    if (!ak_url_find_host(text, &start, &end)) {
        return NULL;
    }
    bool ascii = true;
    for (size_t i = start; i < end; i++) {
        ascii = ascii && (unsigned char)text.ptr[i] < 0x80;
    }
    if (ascii) {
        return NULL;
    }
    PyObject *host = PyUnicode_DecodeUTF8(text.ptr + start, (Py_ssize_t)(end - start), "replace");
    PyObject *encoded =
        host == NULL ? NULL : ak_prepare_call("idna_host", Py_BuildValue("(N)", host)); /* new */
    if (encoded == NULL) {
        return NULL;
    }
    PyObject *before = PyUnicode_DecodeUTF8(text.ptr, (Py_ssize_t)start, "replace");
    PyObject *after =
        PyUnicode_DecodeUTF8(text.ptr + end, (Py_ssize_t)(text.len - end), "replace");
    PyObject *whole = NULL;
    if (before != NULL && after != NULL) {
        whole = PyUnicode_FromFormat("%U%U%U", before, encoded, after);
    }
    Py_DECREF(encoded);
    Py_XDECREF(before);
    Py_XDECREF(after);
    return whole;
}

int
ak_parse_url(struct ak_url *url, struct ak_str text)
{
    struct ak_err err;
    PyObject *encoded = ak_encode_host(text); /* new */
    if (encoded == NULL && PyErr_Occurred()) {
        return -1;
    }
    if (encoded != NULL) {
        Py_ssize_t length;
        const char *utf8 = PyUnicode_AsUTF8AndSize(encoded, &length);
        if (utf8 == NULL) {
            Py_DECREF(encoded);
            return -1;
        }
        text = ak_str_of(utf8, (size_t)length);
    }
    enum ak_status status = ak_url_parse(url, text, &err);
    Py_XDECREF(encoded);
    if (status != AK_OK) {
        ak_raise(&err, NULL, NULL);
        return -1;
    }
    return 0;
}

int
ak_parse_url_object(struct ak_url *url, PyObject *object)
{
    Py_ssize_t length;
    if (PyBytes_Check(object)) {
        return ak_parse_url(url, ak_str_of(PyBytes_AS_STRING(object),
                                           (size_t)PyBytes_GET_SIZE(object)));
    }
    PyObject *text = PyUnicode_Check(object) ? Py_NewRef(object) : PyObject_Str(object); /* new */
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &length);
    int result = -1;
    if (utf8 != NULL) {
        result = ak_parse_url(url, ak_str_of(utf8, (size_t)length));
    } else if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        ak_raise_named("InvalidURL", "the URL holds a lone surrogate: it is no text", NULL, NULL);
    }
    Py_XDECREF(text);
    return result;
}

/* ---- parameters ---- */

/* A dict of str to str, the common case: 1 when coded into QUERY, 0 when it is
 * something else, -1. */
static int
code_plain_dict(PyObject *params, struct ak_buf *query)
{
    Py_ssize_t position = 0;
    PyObject *key, *value;
    if (!PyDict_CheckExact(params)) {
        return 0;
    }
    while (PyDict_Next(params, &position, &key, &value)) {
        Py_ssize_t key_length, value_length;
        if (!PyUnicode_CheckExact(key) || !PyUnicode_CheckExact(value)) {
            return 0;
        }
        const char *name = PyUnicode_AsUTF8AndSize(key, &key_length);
        const char *text = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(value, &value_length);
        if (text == NULL) {
            return -1;
        }
        if ((query->len > 0 && ak_buf_append_char(query, '&') != AK_OK) ||
            ak_url_append_form_coded(query, ak_str_of(name, (size_t)key_length)) != AK_OK ||
            ak_buf_append_char(query, '=') != AK_OK ||
            ak_url_append_form_coded(query, ak_str_of(text, (size_t)value_length)) != AK_OK) {
            return no_memory();
        }
    }
    return 1;
}

/* Everything else: lists, bytes, numbers, a str as it is. */
static int
code_any_params(PyObject *params, struct ak_buf *query)
{
    PyObject *coded = ak_prepare_call("encode_params", Py_BuildValue("(O)", params)); /* new */
    Py_ssize_t length;
    const char *text = coded == NULL ? NULL : PyUnicode_AsUTF8AndSize(coded, &length);
    int result = -1;
    if (text != NULL) {
        ak_buf_clear(query);
        result = ak_buf_append(query, ak_str_of(text, (size_t)length)) == AK_OK ? 0 : no_memory();
    }
    Py_XDECREF(coded);
    return result;
}

static bool
has_no_entries(PyObject *params)
{
    return !is_given(params) || (PyDict_CheckExact(params) && PyDict_GET_SIZE(params) == 0);
}

static int
take_params(struct ak_call *call, PyObject *params)
{
    PyObject *merged = NULL; /* new */
    if (!has_no_entries(call->session->params)) {
        merged = ak_prepare_call("merge_params",
                                 Py_BuildValue("(OO)", call->session->params,
                                               params == NULL ? Py_None : params));
        if (merged == NULL) {
            return -1;
        }
        params = merged;
    }
    if (has_no_entries(params)) {
        Py_XDECREF(merged);
        return 0;
    }
    struct ak_buf query = ak_buf_make(MOST_HEAD);
    struct ak_err err;
    int result = code_plain_dict(params, &query);
    if (result == 0) {
        result = code_any_params(params, &query);
    }
    if (result >= 0 && query.len > 0 &&
        ak_url_add_query(&call->url, ak_buf_str(&query), &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        result = -1;
    }
    ak_buf_free(&query);
    Py_XDECREF(merged);
    return result < 0 ? -1 : 0;
}

/* ---- headers and cookies ---- */

static int
take_headers(struct ak_call *call, PyObject *headers)
{
    if (!is_given(headers)) {
        return 0;
    }
    call->headers = ak_prepare_call("merge_headers",
                                    Py_BuildValue("(OO)", call->session->headers, headers));
    if (call->headers != NULL && !ak_is_headers(call->state, call->headers)) {
        PyErr_SetString(PyExc_TypeError, "merge_headers must give a Headers");
        return -1;
    }
    return call->headers == NULL ? -1 : 0;
}

static int
take_cookies(struct ak_call *call, PyObject *cookies)
{
    call->fresh_jar = call->session->cookies_per_call;
    if (!call->fresh_jar && has_no_entries(cookies)) {
        return 0;
    }
    PyObject *from = call->fresh_jar ? Py_None : call->session->cookies;
    call->call_jar = ak_prepare_call(
        "merge_cookies", Py_BuildValue("(OO)", from, cookies == NULL ? Py_None : cookies));
    if (call->call_jar != NULL && !ak_is_cookies(call->state, call->call_jar)) {
        PyErr_SetString(PyExc_TypeError, "merge_cookies must give a CookieJar");
        return -1;
    }
    return call->call_jar == NULL ? -1 : 0;
}

/* ---- settings ---- */

/* Whether a truth argument, given or the session's, is set: 0, 1 or -1. */
static int
truth_of(PyObject *given, int fallback)
{
    return is_given(given) ? PyObject_IsTrue(given) : fallback;
}

static int
take_bounds(struct ak_call *call, const struct ak_arguments *arguments)
{
    SessionObject *session = call->session;
    struct ak_timeout timeout = session->timeout;
    int64_t deadline = session->deadline;
    PyObject *given = arguments->values[AK_ARG_TIMEOUT];
    if (given != NULL && ak_timeout_from(given, &timeout) < 0) {
        return -1;
    }
    given = arguments->values[AK_ARG_DEADLINE];
    if (given != NULL && ak_nanoseconds_from(given, "deadline", &deadline) < 0) {
        return -1;
    }
    call->bounds = (struct ak_bounds){
        .connect_ms = timeout.connect_ms,
        .read = timeout.read,
        .deadline = deadline == 0 ? 0 : ak_now() + deadline,
        .pool_wait = session->pool_wait,
        .max_body = session->max_body,
    };
    return 0;
}

static int
take_settings(struct ak_call *call, const struct ak_arguments *arguments)
{
    SessionObject *session = call->session;
    PyObject *const *given = arguments->values;
    int stream = truth_of(given[AK_ARG_STREAM], session->stream);
    int follow = truth_of(given[AK_ARG_ALLOW_REDIRECTS], 1);
    if (stream < 0 || follow < 0 || take_bounds(call, arguments) < 0) {
        return -1;
    }
    call->delivery = stream ? AK_DELIVER_PIECES : AK_DELIVER_WHOLE;
    call->allow_redirects = follow;
    call->verify = Py_NewRef(is_given(given[AK_ARG_VERIFY]) ? given[AK_ARG_VERIFY]
                                                            : session->verify);
    call->cert = Py_NewRef(is_given(given[AK_ARG_CERT]) ? given[AK_ARG_CERT] : session->cert);
    call->proxies = Py_XNewRef(is_given(given[AK_ARG_PROXIES]) ? given[AK_ARG_PROXIES] : NULL);
    if (call->proxies != NULL && !PyMapping_Check(call->proxies)) {
        PyErr_Format(PyExc_TypeError, "proxies must be a dict such as {\"http\": URL}, not %.100s",
                     Py_TYPE(call->proxies)->tp_name);
        return -1;
    }
    call->hooks = Py_XNewRef(is_given(given[AK_ARG_HOOKS]) ? given[AK_ARG_HOOKS] : NULL);
    return 0;
}

/* ---- the request as an object ---- */

PyObject *
ak_prepared_from_head(struct module_state *state, PyObject *method, PyObject *url,
                      struct ak_str head, PyObject *body)
{
    if (ak_str_ends_with(head, AK_STR("\r\n\r\n"))) {
        head.len -= 2; /* the empty line is no field */
    }
    PyObject *headers = ak_headers_from_head(state, head); /* new */
    if (headers == NULL) {
        return NULL;
    }
    return PyObject_CallFunction(state->prepared_request_class, "OONO", method, url, headers,
                                 body == NULL ? Py_None : body); /* steals headers */
}

PyObject *
ak_call_prepared_request(struct ak_call *call)
{
    PyObject *url =
        PyUnicode_DecodeASCII(call->url.text.data, (Py_ssize_t)call->url.text.len, NULL);
    PyObject *request = NULL;
    if (url != NULL && ak_call_write_head(call) == 0) {
        request = ak_prepared_from_head(call->state, call->method, url, ak_buf_str(&call->head),
                                        call->body);
    }
    Py_XDECREF(url);
    return request;
}

/* ---- the call ---- */

static struct ak_call *
new_call(SessionObject *session)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(session));
    if (state == NULL) {
        return NULL;
    }
    struct ak_call *call = ak_calloc(1, sizeof(*call));
    if (call == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    call->references = 1;
    call->session = (SessionObject *)Py_NewRef(session);
    call->state = state;
    ak_url_init(&call->url);
    call->head = call->proxy = call->texts = ak_buf_make(MOST_HEAD);
    call->authorization = call->proxy_authorization = ak_buf_make(MOST_HEAD);
    if (ak_buf_reserve(&call->head, FIRST_HEAD) != AK_OK) {
        PyErr_NoMemory();
        ak_call_free(call);
        return NULL;
    }
    return call;
}

struct ak_call *
ak_call_new(SessionObject *session, const struct ak_arguments *arguments)
{
    if (session->pool == NULL || session->closed) {
        PyErr_SetString(PyExc_RuntimeError, session->pool == NULL
                                                ? "Session.__init__ was not called"
                                                : "the session is closed: make a new one");
        return NULL;
    }
    PyObject *const *given = arguments->values;
    struct ak_call *call = new_call(session);
    if (call == NULL) {
        return NULL;
    }
    if (take_method(call, given[AK_ARG_METHOD]) < 0 ||
        ak_parse_url_object(&call->url, given[AK_ARG_URL]) < 0 ||
        take_params(call, given[AK_ARG_PARAMS]) < 0 ||
        take_headers(call, given[AK_ARG_HEADERS]) < 0 || ak_call_take_body(call, arguments) < 0 ||
        take_cookies(call, given[AK_ARG_COOKIES]) < 0 || take_settings(call, arguments) < 0 ||
        ak_call_take_auth(call, given[AK_ARG_AUTH]) < 0) {
        ak_call_free(call);
        return NULL;
    }
    return call;
}

void
ak_call_free(struct ak_call *call)
{
    if (call == NULL || --call->references > 0) {
        return;
    }
    if (call->exchanging) {
        ak_exchange_free(&call->exchange);
    }
    ak_url_free(&call->url);
    ak_buf_free_secret(&call->authorization);
    ak_buf_free_secret(&call->proxy_authorization);
    ak_buf_free_secret(&call->proxy);
    ak_buf_free_secret(&call->head);
    ak_buf_free_secret(&call->secret_body);
    ak_buf_free(&call->texts);
    PyObject *owned[] = {
        call->method,        call->headers,  call->body,    call->body_start,
        call->body_iterator, call->call_jar, call->proxies, call->content_type,
        call->hooks,         call->verify,   call->cert,    call->kept,
        call->history,       call->sink,     (PyObject *)call->session,
    };
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        Py_XDECREF(owned[i]);
    }
    ak_free(call);
}
