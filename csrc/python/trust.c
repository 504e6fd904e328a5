/* Whom the present hop trusts, and by what certificate it is known: verify= and
 * cert=. */
#include "python/trust.h"

#include <sys/stat.h>

/* A str or path-like as UTF-8 inside *owner (new). */
static int
path_text(PyObject *path, const char *name, PyObject **owner, struct ak_str *text)
{
    if (!PyUnicode_FSConverter(path, owner)) {
        PyErr_Format(PyExc_TypeError, "%s must be a path, not %.100s", name,
                     Py_TYPE(path)->tp_name);
        return -1;
    }
    *text = ak_str_of(PyBytes_AS_STRING(*owner), (size_t)PyBytes_GET_SIZE(*owner));
    return 0;
}

/* Keep PATH's text for the endpoint; *kept points into a PyBytes that the
 * call's list of texts owns. */
static int
keep_path(struct ak_call *call, PyObject *path, const char *name, struct ak_str *kept)
{
    PyObject *owner = NULL;
    if (path_text(path, name, &owner, kept) < 0) {
        return -1;
    }
    if (call->kept == NULL) {
        call->kept = PyList_New(0);
    }
    int result = call->kept == NULL ? -1 : PyList_Append(call->kept, owner);
    Py_DECREF(owner);
    return result;
}

/* Where trusted certificates are when nobody says: asked once a session, and
 * again when it has begun or ceased to trust the environment.  New, or NULL. */
static PyObject *
find_default_ca(SessionObject *session)
{
    char trust_env = session->trust_env;
    PyObject *found = NULL, *before; /* new */
    Py_BEGIN_CRITICAL_SECTION(session);
    if (session->default_ca != NULL && session->default_ca_trust_env == trust_env) {
        found = Py_NewRef(session->default_ca);
    }
    Py_END_CRITICAL_SECTION();
    if (found != NULL) {
        return found;
    }
    found = ak_prepare_call("ca_locations", Py_BuildValue("(O)", trust_env ? Py_True : Py_False));
    if (found == NULL) {
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(session);
    before = session->default_ca;
    session->default_ca = Py_NewRef(found);
    session->default_ca_trust_env = trust_env;
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(before);
    return found;
}

static int
use_default_ca(struct ak_call *call)
{
    struct ak_tls *tls = &call->endpoint.tls;
    PyObject *found = find_default_ca(call->session); /* new */
    PyObject *file, *folder, *source;                 /* borrowed from found */
    int result = -1;
    if (found != NULL && PyArg_ParseTuple(found, "OOO:ca_locations", &file, &folder, &source)) {
        result = file == Py_None ? 0 : keep_path(call, file, "verify", &tls->ca_file);
        if (result == 0 && folder != Py_None) {
            result = keep_path(call, folder, "verify", &tls->ca_path);
        }
    }
    Py_XDECREF(found);
    return result;
}

/* Whether certificates at PATH are a folder of them: 1, 0 or -1. */
static int
is_folder(PyObject *path)
{
    PyObject *text = NULL;
    struct stat found;
    int failed = -1;
    if (PyUnicode_FSConverter(path, &text)) {
        failed = stat(PyBytes_AS_STRING(text), &found);
        Py_DECREF(text);
    } else {
        PyErr_Clear();
    }
    if (failed == 0) {
        return S_ISDIR(found.st_mode);
    }
    /* In words that name the path, what is wrong with it. */
    PyObject *answer = ak_prepare_call("is_folder", Py_BuildValue("(O)", path)); /* new */
    Py_XDECREF(answer);
    return answer == NULL ? -1 : answer == Py_True;
}

static int
use_ca_path(struct ak_call *call, PyObject *path)
{
    struct ak_tls *tls = &call->endpoint.tls;
    int folder = is_folder(path);
    if (folder < 0) {
        return -1;
    }
    return keep_path(call, path, "verify", folder ? &tls->ca_path : &tls->ca_file);
}

/* verify=: False, True, or where the certificates are.  None is what nobody has set: it
 * turns nothing off. */
int
ak_call_take_verify(struct ak_call *call, const struct ak_environ *environment)
{
    PyObject *verify = call->verify == Py_None ? Py_True : call->verify;
    call->endpoint.tls.verify = AK_VERIFY_PEER;
    if (PyUnicode_Check(verify) ||
        (!PyBool_Check(verify) && PyObject_HasAttrString(verify, "__fspath__"))) {
        return use_ca_path(call, verify);
    }
    int truth = PyObject_IsTrue(verify);
    if (truth <= 0) {
        call->endpoint.tls.verify = AK_VERIFY_NOTHING;
        return truth;
    }
    const char *bundle = environment->requests_ca_bundle != NULL ? environment->requests_ca_bundle
                                                                 : environment->curl_ca_bundle;
    if (!call->session->trust_env || bundle == NULL) {
        return use_default_ca(call);
    }
    PyObject *path = PyUnicode_DecodeFSDefault(bundle); /* new */
    int result = path == NULL ? -1 : use_ca_path(call, path);
    Py_XDECREF(path);
    return result;
}

/* cert=: a PEM file with certificate and key, or a pair of files. */
int
ak_call_take_cert(struct ak_call *call)
{
    if (call->cert == Py_None) {
        return 0;
    }
    struct ak_tls *tls = &call->endpoint.tls;
    if (!PyTuple_Check(call->cert)) {
        return keep_path(call, call->cert, "cert", &tls->cert);
    }
    PyObject *cert, *key; /* borrowed from call->cert */
    if (!PyArg_ParseTuple(call->cert, "OO;cert must be a path or a pair (certificate, key)", &cert,
                          &key) ||
        keep_path(call, cert, "cert", &tls->cert) < 0) {
        return -1;
    }
    return keep_path(call, key, "cert", &tls->key);
}
