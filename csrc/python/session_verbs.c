/* The verbs of a Session. */
#include "python/session.h"

#include "python/call.h"
#include "python/cookies.h"
#include "python/sending.h"

int
ak_check_jar(SessionObject *self, PyObject *jar)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state != NULL && !ak_is_cookies(state, jar)) {
        PyErr_Format(PyExc_TypeError, "a login's jar must be a CookieJar, not %.100s",
                     Py_TYPE(jar)->tp_name);
        return -1;
    }
    return state == NULL ? -1 : 0;
}

PyObject *
ak_session_fetch(PyObject *self, PyObject *args)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    PyObject *url, *jar; /* borrowed */
    long long deadline;
    if (state == NULL || !PyArg_ParseTuple(args, "OOL:_fetch", &url, &jar, &deadline) ||
        ak_check_jar((SessionObject *)self, jar) < 0) {
        return NULL;
    }
    struct ak_arguments arguments = {.jar = jar, .deadline_at = deadline, .purpose = AK_FOR_LOGIN};
    arguments.values[AK_ARG_METHOD] = state->names[AK_NAME_VERB_GET];
    arguments.values[AK_ARG_URL] = url;
    arguments.values[AK_ARG_STREAM] = Py_False;
    return ak_send_once((SessionObject *)self, &arguments, NULL);
}

/* ---- the verbs ---- */

static inline bool
is_own_request(PyObject *self, PyObject *request)
{
    return PyCFunction_Check(request) && PyCFunction_GET_SELF(request) == self &&
           PyCFunction_GET_FUNCTION(request) == (PyCFunction)(void (*)(void))ak_session_request;
}

/* Call REQUEST as requests' verbs call it. */
static PyObject *
call_request(struct module_state *state, PyObject *request, const struct ak_arguments *arguments)
{
    PyObject *keywords = PyDict_New(); /* new */
    PyObject *places =
        PyTuple_Pack(2, arguments->values[AK_ARG_METHOD], arguments->values[AK_ARG_URL]); /* new */
    int result = keywords == NULL || places == NULL ? -1 : 0;
    for (int i = AK_ARG_URL + 1; result == 0 && i < AK_ARG_COUNT; i++) {
        if (arguments->values[i] != NULL) {
            result =
                PyDict_SetItem(keywords, state->names[AK_NAME_METHOD + i], arguments->values[i]);
        }
    }
    PyObject *response = result < 0 ? NULL : PyObject_Call(request, places, keywords);
    Py_XDECREF(keywords);
    Py_XDECREF(places);
    return response;
}

/* Send what a verb was given: by the `request` of a subclass, or of the object
 * itself, where there is one, for all verbs go through it in requests. */
static PyObject *
send_parsed(struct module_state *state, PyObject *self, struct ak_arguments *arguments)
{
    PyObject *request = PyObject_GetAttr(self, state->names[AK_NAME_REQUEST]); /* new */
    if (request == NULL) {
        return NULL;
    }
    PyObject *response = is_own_request(self, request)
                             ? ak_send(state, (SessionObject *)self, arguments)
                             : call_request(state, request, arguments);
    Py_DECREF(request);
    return response;
}

static PyObject *
send_verb(PyObject *self, enum ak_name method, const struct ak_signature *signature,
          PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    struct ak_arguments arguments = {.deadline_at = 0};
    arguments.values[AK_ARG_METHOD] = state->names[method];
    if (ak_parse_arguments(state, signature, args, count, keyword_names, &arguments) < 0) {
        return NULL;
    }
    return send_parsed(state, self, &arguments);
}

PyObject *
ak_session_request(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {
        "request",
        16,
        {AK_ARG_METHOD, AK_ARG_URL, AK_ARG_PARAMS, AK_ARG_DATA, AK_ARG_HEADERS, AK_ARG_COOKIES,
         AK_ARG_FILES, AK_ARG_AUTH, AK_ARG_TIMEOUT, AK_ARG_ALLOW_REDIRECTS, AK_ARG_PROXIES,
         AK_ARG_HOOKS, AK_ARG_STREAM, AK_ARG_VERIFY, AK_ARG_CERT, AK_ARG_JSON},
    };
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    struct ak_arguments arguments = {.deadline_at = 0};
    if (state == NULL ||
        ak_parse_arguments(state, &signature, args, count, keyword_names, &arguments) < 0) {
        return NULL;
    }
    return ak_send(state, (SessionObject *)self, &arguments);
}

PyObject *
ak_session_get(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"get", 2, {AK_ARG_URL, AK_ARG_PARAMS}};
    return send_verb(self, AK_NAME_VERB_GET, &signature, args, count, keyword_names);
}

PyObject *
ak_session_options(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"options", 1, {AK_ARG_URL}};
    return send_verb(self, AK_NAME_VERB_OPTIONS, &signature, args, count, keyword_names);
}

/* HEAD alone does not follow redirects unless told to, as in requests. */
PyObject *
ak_session_head(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"head", 1, {AK_ARG_URL}};
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    struct ak_arguments arguments = {.deadline_at = 0};
    if (state == NULL ||
        ak_parse_arguments(state, &signature, args, count, keyword_names, &arguments) < 0) {
        return NULL;
    }
    arguments.values[AK_ARG_METHOD] = state->names[AK_NAME_VERB_HEAD];
    if (arguments.values[AK_ARG_ALLOW_REDIRECTS] == NULL) {
        arguments.values[AK_ARG_ALLOW_REDIRECTS] = Py_False;
    }
    return send_parsed(state, self, &arguments);
}

PyObject *
ak_session_post(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {
        "post", 3, {AK_ARG_URL, AK_ARG_DATA, AK_ARG_JSON}};
    return send_verb(self, AK_NAME_VERB_POST, &signature, args, count, keyword_names);
}

PyObject *
ak_session_put(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"put", 2, {AK_ARG_URL, AK_ARG_DATA}};
    return send_verb(self, AK_NAME_VERB_PUT, &signature, args, count, keyword_names);
}

PyObject *
ak_session_patch(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"patch", 2, {AK_ARG_URL, AK_ARG_DATA}};
    return send_verb(self, AK_NAME_VERB_PATCH, &signature, args, count, keyword_names);
}

PyObject *
ak_session_delete(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
    static const struct ak_signature signature = {"delete", 1, {AK_ARG_URL}};
    return send_verb(self, AK_NAME_VERB_DELETE, &signature, args, count, keyword_names);
}
