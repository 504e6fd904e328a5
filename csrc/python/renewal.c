/* Who answered, the service or the login proxy: a cheap look at every answer,
 * the question to the proxy, and the decision of core/reauth for the package. */
#include "python/renewal.h"

#include "core/reauth.h"
#include "python/response.h"
#include "python/sending.h"

/* ---- the look ---- */

/* To the provider, back to the proxy, on to the service: what comes by a login
 * may not be the answer to what was asked. */
enum { REDIRECTS_OF_LOGIN = 3 };

/* Whether PAGE, of an answer that looks good, may be the proxy's sign-in page. */
static bool
may_be_sign_in_page(SessionObject *session, struct ak_str page)
{
    struct ak_url base;
    ak_url_init(&base);
    PyObject *base_url = ak_session_setting(session, &session->base_url); /* new */
    bool may_be = false;
    if (ak_parse_url_object(&base, base_url) == 0) {
        struct ak_str target = base.target;
        may_be =
            ak_reauth_may_have_form(page, ak_str_slice(target, 0, ak_str_find(target, '?', 0)));
    } else {
        PyErr_Clear(); /* no login can have come of it */
    }
    Py_DECREF(base_url);
    ak_url_free(&base);
    return may_be;
}

static bool
has_base_url(SessionObject *session)
{
    PyObject *base_url = ak_session_setting(session, &session->base_url); /* new */
    bool has = base_url != Py_None;
    Py_DECREF(base_url);
    return has;
}

bool
ak_may_be_refusal(struct module_state *state, SessionObject *session, PyObject *response)
{
    bool is_header = ak_way_is_header(session->way);
    if ((!session->has_password && !is_header) || !has_base_url(session) ||
        !ak_is_response(state, response)) {
        return false;
    }
    struct ak_str value;
    int status = ak_response_status(response);
    Py_ssize_t redirects = ak_response_redirects(response);
    if (status == 401 || status == 403 || redirects > 0 ||
        (status / 100 == 3 && ak_response_location(response, &value))) {
        return redirects >= REDIRECTS_OF_LOGIN ||
               !ak_response_field(response, AK_STR("gap-auth"), &value);
    }
    return status == 200 && (session->logins > 0 || is_header) &&
           ak_response_field(response, AK_STR("content-type"), &value) &&
           ak_str_istarts_with(value, AK_STR("text/html")) &&
           !ak_response_field(response, AK_STR("gap-auth"), &value) &&
           may_be_sign_in_page(session, ak_response_loaded(response));
}

/* ---- the question ---- */

PyObject *
ak_session_ask_proxy(PyObject *object, PyObject *args)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(object));
    SessionObject *session = (SessionObject *)object;
    struct ak_arguments arguments = {.jar = NULL};
    long long deadline;
    if (state == NULL ||
        !PyArg_ParseTuple(args, "OOOOL:_ask_proxy", &arguments.values[AK_ARG_URL],
                          &arguments.values[AK_ARG_HEADERS], &arguments.values[AK_ARG_AUTH],
                          &arguments.jar, &deadline) ||
        ak_check_jar(session, arguments.jar) < 0) {
        return NULL;
    }
    arguments.deadline_at = deadline;
    arguments.values[AK_ARG_METHOD] = state->names[AK_NAME_VERB_GET];
    arguments.values[AK_ARG_ALLOW_REDIRECTS] = Py_False;
    arguments.values[AK_ARG_STREAM] = Py_False;
    return ak_send_once(session, &arguments, NULL);
}

/* ---- the decision ---- */

PyDoc_STRVAR(who_answered_doc,
             "who_answered($module, /, status, *, html=False, gap_auth=False, at_provider=False,\n"
             "             at_sign_in=False, form=False, credential=False, auth=0)\n--\n\n"
             "'service', 'log-in' or, while AUTH, the status of {prefix}/auth, is 0, 'ask'.");

static PyObject *
who_answered(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"status", "html",       "gap_auth", "at_provider", "at_sign_in",
                               "form",   "credential", "auth",     NULL};
    static const unsigned marks[] = {AK_REAUTH_HTML,        AK_REAUTH_GAP_AUTH,
                                     AK_REAUTH_AT_PROVIDER, AK_REAUTH_AT_SIGN_IN,
                                     AK_REAUTH_FORM,        AK_REAUTH_CREDENTIAL};
    static const char *const verdicts[] = {
        [AK_REAUTH_SERVICE] = "service", [AK_REAUTH_ASK] = "ask", [AK_REAUTH_LOG_IN] = "log-in"};
    struct ak_reauth_facts facts = {.marks = 0};
    int given[6] = {0}, auth = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|$ppppppi:who_answered", keywords,
                                     &facts.status, &given[0], &given[1], &given[2], &given[3],
                                     &given[4], &given[5], &auth)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        facts.marks |= given[i] ? marks[i] : 0;
    }
    facts.auth = auth == 0 ? AK_REAUTH_NOT_ASKED : ak_reauth_auth_of(auth);
    return PyUnicode_FromString(verdicts[ak_reauth_decide(&facts)]);
}

static PyMethodDef functions[] = {
    {"who_answered", (PyCFunction)(void (*)(void))who_answered, METH_VARARGS | METH_KEYWORDS,
     who_answered_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_renewal(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
