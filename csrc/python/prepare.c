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
    PyObject *module = PyImport_ImportModule("apikit._prepare");                       /* new */
    PyObject *function = module == NULL ? NULL : PyObject_GetAttrString(module, name); /* new */
    if (function != NULL) {
        result = PyObject_Call(function, args, NULL);
    }
    Py_XDECREF(function);
    Py_XDECREF(module);
    Py_DECREF(args);
    return result;
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
    const char *text = call->method == NULL ? NULL : PyUnicode_AsUTF8AndSize(call->method, &length);
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

/* ---- headers and cookies ---- */

static int
take_headers(struct ak_call *call, PyObject *headers)
{
    if (!ak_is_given(headers)) {
        return 0;
    }
    PyObject *under = call->source == AK_FROM_REQUEST
                          ? Py_NewRef(Py_None)
                          : ak_session_setting(call->session, &call->session->headers); /* new */
    call->headers = ak_prepare_call("merge_headers", Py_BuildValue("(NO)", under, headers));
    if (call->headers != NULL && !ak_is_headers(call->state, call->headers)) {
        PyErr_SetString(PyExc_TypeError, "merge_headers must give a Headers");
        return -1;
    }
    return call->headers == NULL ? -1 : 0;
}

/* A jar with the cookies of JAR (or None) and those of a call: new, or NULL. */
static PyObject *
merge_cookies(struct ak_call *call, PyObject *jar, PyObject *cookies)
{
    PyObject *merged =
        ak_prepare_call("merge_cookies", Py_BuildValue("(OO)", jar, cookies)); /* new */
    if (merged != NULL && !ak_is_cookies(call->state, merged)) {
        PyErr_SetString(PyExc_TypeError, "merge_cookies must give a CookieJar");
        Py_CLEAR(merged);
    }
    return merged;
}

static int
take_cookies(struct ak_call *call, const struct ak_arguments *arguments)
{
    PyObject *cookies = arguments->values[AK_ARG_COOKIES];
    if (call->source == AK_FROM_REQUEST) {
        call->call_jar = Py_XNewRef(arguments->call_jar); /* jar is the other call's, too */
        return 0;
    }
    if (call->session->cookies_per_call) {
        Py_XSETREF(call->jar, ak_cookies_new(call->state));
    }
    if (call->jar == NULL) {
        return -1;
    }
    if (ak_has_no_entries(cookies)) {
        return 0;
    }
    call->call_jar = merge_cookies(call, call->jar, cookies);
    return call->call_jar == NULL ? -1 : 0;
}

/* ---- settings ---- */

/* Whether a truth argument, given or the session's, is set: 0, 1 or -1. */
static int
truth_of(PyObject *given, int fallback)
{
    return ak_is_given(given) ? PyObject_IsTrue(given) : fallback;
}

int
ak_find_deadline(SessionObject *session, struct ak_arguments *arguments)
{
    int64_t deadline;
    PyObject *given = arguments->values[AK_ARG_DEADLINE];
    Py_BEGIN_CRITICAL_SECTION(session);
    deadline = session->deadline;
    Py_END_CRITICAL_SECTION();
    if (given != NULL && ak_nanoseconds_from(given, "deadline", &deadline) < 0) {
        return -1;
    }
    arguments->deadline_at = deadline == 0 ? 0 : ak_now() + deadline;
    return 0;
}

static int
take_bounds(struct ak_call *call, const struct ak_arguments *arguments)
{
    SessionObject *session = call->session;
    struct ak_timeout timeout;
    PyObject *given = arguments->values[AK_ARG_TIMEOUT];
    call->bounds = (struct ak_bounds){.deadline = arguments->deadline_at};
    Py_BEGIN_CRITICAL_SECTION(session);
    timeout = session->timeout;
    call->bounds.pool_wait = session->pool_wait;
    call->bounds.max_body = session->max_body;
    Py_END_CRITICAL_SECTION();
    if (given != NULL && ak_timeout_from(given, &timeout) < 0) {
        return -1;
    }
    call->bounds.connect_ms = timeout.connect_ms;
    call->bounds.read = timeout.read;
    return 0;
}

/* What no dict is, is refused before anything is sent. */
static int
check_session_hooks(SessionObject *session)
{
    PyObject *hooks = ak_session_setting(session, &session->hooks); /* new */
    if (hooks == Py_None || PyDict_CheckExact(hooks)) {
        Py_DECREF(hooks);
        return 0;
    }
    PyObject *lists = ak_prepare_call("read_hooks", Py_BuildValue("(N)", hooks)); /* new */
    Py_XDECREF(lists);
    return lists == NULL ? -1 : 0;
}

/* GIVEN, or what stands in SLOT of SESSION: new. */
static PyObject *
given_or_own(PyObject *given, SessionObject *session, PyObject *const *slot)
{
    return ak_is_given(given) ? Py_NewRef(given) : ak_session_setting(session, slot);
}

static int
take_settings(struct ak_call *call, const struct ak_arguments *arguments)
{
    SessionObject *session = call->session;
    PyObject *const *given = arguments->values;
    int stream = truth_of(given[AK_ARG_STREAM], session->stream);
    PyObject *allow = given[AK_ARG_ALLOW_REDIRECTS];
    int follow = allow == NULL ? 1 : PyObject_IsTrue(allow); /* None is no, as in requests */
    int proxied = truth_of(given[AK_ARG_PROXIES], 0);
    if (stream < 0 || follow < 0 || proxied < 0 || take_bounds(call, arguments) < 0) {
        return -1;
    }
    call->delivery = stream ? AK_DELIVER_PIECES : AK_DELIVER_WHOLE;
    call->allow_redirects = follow;
    call->verify = given_or_own(given[AK_ARG_VERIFY], session, &session->verify);
    call->cert = given_or_own(given[AK_ARG_CERT], session, &session->cert);
    call->proxies = Py_XNewRef(proxied > 0 ? given[AK_ARG_PROXIES] : NULL);
    if (call->proxies != NULL && !PyMapping_Check(call->proxies)) {
        PyErr_Format(PyExc_TypeError, "proxies must be a dict such as {\"http\": URL}, not %.100s",
                     Py_TYPE(call->proxies)->tp_name);
        return -1;
    }
    if (check_session_hooks(session) < 0) {
        return -1;
    }
    if (ak_is_given(given[AK_ARG_HOOKS])) {
        call->hooks = ak_prepare_call("read_hooks", Py_BuildValue("(O)", given[AK_ARG_HOOKS]));
        return call->hooks == NULL ? -1 : 0;
    }
    return 0;
}

/* ---- the call ---- */

static struct ak_call *
new_call(SessionObject *session, PyObject *jar)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(session));
    if (state == NULL) {
        return NULL;
    }
    PyObject *registered = ak_state_get(state, &state->response_class); /* new */
    Py_XDECREF(registered);
    if (registered == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "import apikit.session, which names the classes");
        return NULL;
    }
    struct ak_call *call = ak_calloc(1, sizeof(*call));
    if (call == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    call->references = 1;
    call->session = (SessionObject *)Py_NewRef(session);
    call->jar = jar != NULL ? Py_NewRef(jar) : ak_session_setting(session, &session->cookies);
    call->state = state;
    ak_url_init(&call->url);
    call->texts = ak_buf_make(MOST_HEAD);
    call->head = call->proxy = ak_buf_make_secret(MOST_HEAD);
    call->authorization = call->proxy_authorization = ak_buf_make_secret(MOST_HEAD);
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
    bool is_made = ak_session_is_made(session);
    if (!is_made || session->closed) {
        PyErr_SetString(PyExc_RuntimeError, !is_made ? "Session.__init__ was not called"
                                                     : "the session is closed: make a new one");
        return NULL;
    }
    PyObject *const *given = arguments->values;
    struct ak_call *call = new_call(session, arguments->jar);
    if (call == NULL) {
        return NULL;
    }
    bool with_credentials = arguments->credentials == AK_CREDENTIALS_SENT;
    bool of_session = with_credentials && arguments->source == AK_FROM_SESSION;
    call->source = arguments->source;
    call->withheld = with_credentials ? 0 : AK_FIELDS_CREDENTIALS;
    call->purpose = arguments->purpose;
    call->watch = Py_XNewRef(arguments->watch);
    call->identity_epoch = arguments->source == AK_FROM_REQUEST
                               ? arguments->identity_epoch
                               : ak_session_identity_epoch(session);
    if (take_method(call, given[AK_ARG_METHOD]) < 0 ||
        ak_parse_url_object(&call->url, given[AK_ARG_URL]) < 0 ||
        (of_session && ak_call_take_params(call, given[AK_ARG_PARAMS]) < 0) ||
        take_headers(call, given[AK_ARG_HEADERS]) < 0 || ak_call_take_body(call, arguments) < 0 ||
        take_cookies(call, arguments) < 0 || take_settings(call, arguments) < 0 ||
        (of_session && ak_call_take_auth(call, given[AK_ARG_AUTH]) < 0) ||
        ak_call_take_way(call) < 0) {
        ak_call_free(call);
        return NULL;
    }
    return call;
}

enum { OWNED_COUNT = 24 };

/* Every object that the call holds. */
static void
owned_objects(const struct ak_call *call, PyObject *owned[OWNED_COUNT])
{
    PyObject *const objects[OWNED_COUNT] = {
        call->method,       call->headers,
        call->body,         call->body_text,
        call->body_start,   call->body_iterator,
        call->call_jar,     call->proxies,
        call->content_type, call->hooks,
        call->verify,       call->cert,
        call->kept,         call->history,
        call->sink,         (PyObject *)call->session,
        call->jar,          call->headers_elsewhere,
        call->announced,    call->headers_of_hop,
        call->auth_hooks,   call->observer,
        call->lent_to,      call->watch,
    };
    memcpy(owned, objects, sizeof(objects));
}

void
ak_call_free(struct ak_call *call)
{
    if (call == NULL || atomic_fetch_sub(&call->references, 1) > 1) {
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
    PyObject *owned[OWNED_COUNT];
    owned_objects(call, owned);
    for (int i = 0; i < OWNED_COUNT; i++) {
        Py_XDECREF(owned[i]);
    }
    ak_free(call);
}

int
ak_call_traverse(struct ak_call *call, visitproc visit, void *arg)
{
    PyObject *owned[OWNED_COUNT];
    if (call->references > 1) {
        return 0; /* the loop holds them too */
    }
    owned_objects(call, owned);
    for (int i = 0; i < OWNED_COUNT; i++) {
        Py_VISIT(owned[i]);
    }
    return 0;
}
