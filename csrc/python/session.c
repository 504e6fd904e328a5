/* The type _core.Session: its life.  The settings are in session_settings.c, the verbs in
 * session_verbs.c, the login in session_login.c. */
#include "python/session.h"

#include <stddef.h>
#include <structmember.h>

#include "python/call.h"
#include "python/cookies.h"
#include "python/errors.h"
#include "python/headers.h"
#include "python/renewal.h"

enum { MOST_FIELDS = 256 * 1024 };

/* ---- life ---- */

static PyObject *
session_close(PyObject *object, PyObject *Py_UNUSED(args))
{
    SessionObject *self = (SessionObject *)object;
    struct ak_pool *pool = ak_session_pool(self);
    self->closed = true;
    if (pool != NULL) {
        ak_pool_close(pool);
        ak_pool_unref(pool);
    }
    Py_BEGIN_CRITICAL_SECTION(object);
    ak_buf_free_secret(&self->password);
    ak_buf_free_secret(&self->token);
    self->has_password = false;
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

static PyObject *
session_close_idle(PyObject *object, PyObject *Py_UNUSED(args))
{
    struct ak_pool *pool = ak_session_pool((SessionObject *)object);
    if (pool != NULL) {
        ak_pool_close_idle(pool);
        ak_pool_unref(pool);
    }
    Py_RETURN_NONE;
}

static PyObject *
session_enter(PyObject *self, PyObject *Py_UNUSED(args))
{
    return Py_NewRef(self);
}

static PyObject *
session_exit(PyObject *self, PyObject *Py_UNUSED(args))
{
    return session_close(self, NULL);
}

static PyObject *
session_reduce(PyObject *self, PyObject *Py_UNUSED(args))
{
    return PyErr_Format(PyExc_TypeError,
                        "a %.100s cannot be pickled or copied: it holds connections and "
                        "credentials; make a new one",
                        Py_TYPE(self)->tp_name);
}

/* ---- the object ---- */

static PyObject *
new_session(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    SessionObject *self = (SessionObject *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->fields = ak_buf_make_secret(MOST_FIELDS);
        self->password = ak_buf_make_secret(MOST_FIELDS);
    }
    return (PyObject *)self;
}

/* Every object that the session holds. */
static void
owned_objects(SessionObject *self, PyObject ***owned)
{
    PyObject **objects[] = {
        &self->headers,    &self->cookies,   &self->auth,           &self->params,
        &self->proxies,    &self->hooks,     &self->verify,         &self->cert,
        &self->username,   &self->base_url,  &self->session_url,    &self->postdata,
        &self->default_ca, &self->fields_of, &self->timeout_object, &self->deadline_object,
        &self->retries,    &self->transport, &self->observer,
    };
    memcpy(owned, objects, sizeof(objects));
}

enum { OWNED_COUNT = 19 };

static int
traverse_session(PyObject *object, visitproc visit, void *arg)
{
    PyObject **owned[OWNED_COUNT];
    owned_objects((SessionObject *)object, owned);
    Py_VISIT(Py_TYPE(object));
    for (int i = 0; i < OWNED_COUNT; i++) {
        Py_VISIT(*owned[i]);
    }
    return 0;
}

static int
clear_session(PyObject *object)
{
    PyObject **owned[OWNED_COUNT];
    owned_objects((SessionObject *)object, owned);
    for (int i = 0; i < OWNED_COUNT; i++) {
        Py_CLEAR(*owned[i]);
    }
    return 0;
}

static void
free_session(PyObject *object)
{
    SessionObject *self = (SessionObject *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    clear_session(object);
    ak_pool_unref(self->pool);
    ak_buf_free_secret(&self->password);
    ak_buf_free_secret(&self->token);
    ak_buf_free(&self->identity);
    ak_buf_free_secret(&self->fields);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- the type ---- */

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(SessionObject, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

#define REQUEST_TEXT                                                                               \
    "Send a request and return its answer, whatever the status.\n\n"                               \
    "Parameters\n"                                                                                 \
    "----------\n"                                                                                 \
    "method, url\n"                                                                                \
    "    What to ask for.\n"                                                                       \
    "params\n"                                                                                     \
    "    What the query gets: a dict, pairs or text.\n"                                            \
    "data\n"                                                                                       \
    "    The body: a dict or pairs for a form; bytes, text, a file or an iterator.\n"              \
    "json\n"                                                                                       \
    "    The body as JSON, where there is neither `data` nor `files`.\n"                           \
    "files\n"                                                                                      \
    "    Files of a form by the name of the field: a file, or a tuple of file name, file\n"        \
    "    and, if wanted, type and headers.\n"                                                      \
    "headers\n"                                                                                    \
    "    They win over the session's; a value of None takes one of these out.\n"                   \
    "cookies\n"                                                                                    \
    "    A dict or a jar, for this call and the origin of `url`.\n"                                \
    "auth\n"                                                                                       \
    "    A pair of user name and password, or a callable that changes the request.\n"              \
    "timeout\n"                                                                                    \
    "    Seconds to wait for a connection and for an answer to go on: a pair, one number\n"        \
    "    for both, or None for ever.  The session's if left out.\n"                                \
    "deadline\n"                                                                                   \
    "    Seconds for the whole call, or None.  The session's if left out.\n"                       \
    "allow_redirects\n"                                                                            \
    "    Whether they are followed.\n"                                                             \
    "stream\n"                                                                                     \
    "    Whether the body is left for the caller to read.\n"                                       \
    "proxies, hooks, verify, cert\n"                                                               \
    "    In place of the session's.\n\n"                                                           \
    "Returns\n"                                                                                    \
    "-------\n"                                                                                    \
    "Response\n"                                                                                   \
    "    See its `raise_for_status`.\n\n"                                                          \
    "Raises\n"                                                                                     \
    "------\n"                                                                                     \
    "RequestException\n"                                                                           \
    "    If there is no answer, or no whole one: see `apikit.errors`.\n"                           \
    "TypeError, ValueError\n"                                                                      \
    "    If an argument is wrong: nothing was sent.\n"                                             \
    "RuntimeError\n"                                                                               \
    "    If the session was closed."
#define VERB(name, signature, text)                                                                \
    {#name, (PyCFunction)(void (*)(void))ak_session_##name, METH_FASTCALL | METH_KEYWORDS,         \
     PyDoc_STR(#name signature "\n--\n\n" text)}
static PyMethodDef methods[] = {
    VERB(request,
         "($self, /, method, url, params=None, data=None, headers=None, cookies=None, files=None, "
         "auth=None, timeout=..., allow_redirects=True, proxies=None, hooks=None, stream=None, "
         "verify=None, cert=None, json=None, *, deadline=...)",
         REQUEST_TEXT),
    VERB(get, "($self, /, url, params=None, **kwargs)", "Send a GET request: see `request`."),
    VERB(options, "($self, /, url, **kwargs)", "Send an OPTIONS request: see `request`."),
    VERB(head, "($self, /, url, **kwargs)",
         "Send a HEAD request, whose redirects are not followed: see `request`."),
    VERB(post, "($self, /, url, data=None, json=None, **kwargs)",
         "Send a POST request: see `request`."),
    VERB(put, "($self, /, url, data=None, **kwargs)", "Send a PUT request: see `request`."),
    VERB(patch, "($self, /, url, data=None, **kwargs)", "Send a PATCH request: see `request`."),
    VERB(delete, "($self, /, url, **kwargs)", "Send a DELETE request: see `request`."),
    {"set_oauth2_password", (PyCFunction)(void (*)(void))ak_session_password_method,
     METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("set_oauth2_password($self, /, password)\n--\n\nSet the password of the login.")},
    {"_fetch", ak_session_fetch, METH_VARARGS,
     PyDoc_STR("_fetch($self, url, jar, deadline, /)\n"
               "--\n\nSend a GET request of a login, with cookies of its own.")},
    {"_ask_proxy", ak_session_ask_proxy, METH_VARARGS,
     PyDoc_STR("_ask_proxy($self, url, headers, auth, jar, deadline, /)\n"
               "--\n\nSend a GET request with these cookies and credentials alone.")},
    {"_send_prepared", ak_session_send_prepared, METH_VARARGS,
     PyDoc_STR(
         "_send_prepared($self, method, url, headers, body, context, stream, timeout, "
         "verify,\n               cert, proxies, /)\n--\n\nSend a request as it is, for a hook.")},
    {"_submit_login", ak_session_submit_login, METH_VARARGS,
     PyDoc_STR("_submit_login($self, action, page, fields, username_index, password_index, jar, "
               "deadline, /)\n--\n\nPost a login form; the secrets are filled in here.")},
    {"_fetch_token", ak_session_fetch_token, METH_O,
     PyDoc_STR(
         "_fetch_token($self, function, /)\n--\n\nAsk a function for the Authorization; None, "
         "or why there is none.")},
    {"_forget_identity", ak_session_forget_identity, METH_NOARGS,
     PyDoc_STR("_forget_identity($self, /)\n--\n\nLet the next answer tell who the session is.")},
    {"close", session_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\nClose the connections and forget the password.")},
    {"_close_idle", session_close_idle, METH_NOARGS,
     PyDoc_STR("_close_idle($self, /)\n--\n\nClose the connections that nobody uses just now.")},
    {"__enter__", session_enter, METH_NOARGS, NULL},
    {"__exit__", session_exit, METH_VARARGS, NULL},
    {"__reduce__", session_reduce, METH_NOARGS, NULL},
    {"__copy__", session_reduce, METH_NOARGS, NULL},
    {"__deepcopy__", session_reduce, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
#undef VERB

PyDoc_STRVAR(session_doc, "The C half of apikit.Session.");

static PyType_Slot session_slots[] = {
    {Py_tp_doc, (void *)session_doc},
    {Py_tp_new, new_session},
    {Py_tp_init, ak_session_init},
    {Py_tp_dealloc, free_session},
    {Py_tp_traverse, traverse_session},
    {Py_tp_clear, clear_session},
    {Py_tp_getset, ak_session_settings},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec session_spec = {
    .name = "apikit._core.Session",
    .basicsize = sizeof(SessionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = session_slots,
};

int
ak_add_session(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    state->session_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &session_spec, NULL);
    return state->session_type == NULL ? -1 : PyModule_AddType(module, state->session_type);
}
