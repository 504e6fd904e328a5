/* _core.MetadataCall: the base of APIFlask that stands before Flask itself, so that
 * the server's call of the application comes here first.
 *
 *   1. GET or HEAD of a path to which the answer was kept?            find_answer
 *   2. An environ that can change nothing about it?                   is_plain
 *   3. Is the application, are its hooks and settings still the same? kept_answer.c
 *
 * Then the answer goes out at once; in every other case Flask is called, as if this
 * class were not there.  While it answers, the view keeps the answer anew if nobody
 * could tell the difference (apikit._metadata_call). */
#include "python/kept_answer.h"

typedef struct {
    PyObject_HEAD
    KeptAnswerObject *kept; /* or NULL */
} MetadataCallObject;

static inline MetadataCallObject *
as_call(PyObject *object)
{
    return (MetadataCallObject *)object;
}

/* Whether VALUE is exactly a str, of ASCII alone. */
static inline bool
is_ascii_text(PyObject *value)
{
    return PyUnicode_CheckExact(value) && PyUnicode_IS_ASCII(value);
}

/* Whether VALUE, or NULL, is exactly the str TEXT. */
static inline bool
is_text(PyObject *value, const char *text)
{
    return value != NULL && is_ascii_text(value) &&
           (size_t)PyUnicode_GET_LENGTH(value) == strlen(text) &&
           memcmp(PyUnicode_1BYTE_DATA(value), text, strlen(text)) == 0;
}

/* Whether ENVIRON has nothing, or ASCII, under NAME. */
static inline bool
is_absent_or_ascii(PyObject *environ, PyObject *name)
{
    PyObject *value = PyDict_GetItemWithError(environ, name); /* borrowed */
    return value == NULL || is_ascii_text(value);
}

static inline bool
is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* Whether PORT, of LENGTH characters, is one that no version of Werkzeug refuses. */
static inline bool
is_port(const char *port, Py_ssize_t length)
{
    long value = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        if (length > 5 || port[i] < '0' || port[i] > '9' || port[0] == '0') {
            return false;
        }
        value = 10 * value + (port[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

/* Whether VALUE is a host, with a port or without, that no version of Werkzeug
 * refuses: some answer 400 to other characters, all to what IDNA finds wrong.  The
 * port counts to its label there, hence the bound. */
static bool
is_plain_host(PyObject *value)
{
    enum { MAX_LABEL = 63 - 6 };
    if (value == NULL || !is_ascii_text(value)) {
        return false;
    }
    const char *text = (const char *)PyUnicode_1BYTE_DATA(value);
    Py_ssize_t length = PyUnicode_GET_LENGTH(value), label = 0, i = 0;
    for (; i < length && text[i] != ':'; i++) {
        if (text[i] == '.' ? label == 0 : !is_host_char(text[i]) || label == MAX_LABEL) {
            return false;
        }
        label = text[i] == '.' ? 0 : label + 1;
    }
    return label > 0 && (i == length || is_port(text + i + 1, length - i - 1));
}

/* Whether ENVIRON has nothing in it that could change the answer, or make Flask
 * refuse to give one.  A borrowed value is done with before the next is looked up:
 * a key that is not a str may run code. */
static bool
is_plain(KeptAnswerObject *kept, PyObject *environ)
{
    PyObject *const *names = kept->names;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kept->unless); i++) {
        if (PyDict_GetItemWithError(environ, PyTuple_GET_ITEM(kept->unless, i)) != NULL) {
            return false;
        }
    }
    PyObject *scheme = PyDict_GetItemWithError(environ, names[AK_NAME_URL_SCHEME]); /* borrowed */
    return (is_text(scheme, "http") || is_text(scheme, "https")) &&
           is_plain_host(PyDict_GetItemWithError(environ, names[AK_NAME_HTTP_HOST])) &&
           is_absent_or_ascii(environ, names[AK_NAME_SCRIPT_NAME]) &&
           is_absent_or_ascii(environ, names[AK_NAME_QUERY_STRING]) && !PyErr_Occurred();
}

/* Whether ENVIRON asks by GET or HEAD for a path of KEPT. */
static bool
is_asked_for(KeptAnswerObject *kept, PyObject *environ, bool *is_head)
{
    PyObject *method =
        PyDict_GetItemWithError(environ, kept->names[AK_NAME_REQUEST_METHOD]); /* borrowed */
    *is_head = is_text(method, "HEAD");
    if (!*is_head && !is_text(method, "GET")) {
        return false;
    }
    PyObject *path =
        PyDict_GetItemWithError(environ, kept->names[AK_NAME_PATH_INFO]); /* borrowed */
    return path != NULL && is_ascii_text(path) &&
           PyDict_GetItemWithError(*is_head ? kept->head_paths : kept->get_paths, path) != NULL;
}

/* Call START_RESPONSE as Flask's response does: the body's pieces (new), or NULL. */
static PyObject *
give_answer(KeptAnswerObject *kept, PyObject *environ, PyObject *start_response, bool is_head)
{
    /* What Flask leaves there when the request is over. */
    if (PyDict_SetItem(environ, kept->names[AK_NAME_WERKZEUG_REQUEST], Py_None) < 0) {
        return NULL;
    }
    /* Fresh lists: those who get them may change them. */
    PyObject *headers = PySequence_List(kept->headers);             /* new */
    PyObject *pieces = PyList_New(is_head ? 0 : 1), *writer = NULL; /* new */
    if (pieces != NULL && !is_head) {
        PyList_SET_ITEM(pieces, 0, Py_NewRef(kept->body));
    }
    if (headers != NULL && pieces != NULL) {
        PyObject *arguments[] = {NULL, kept->status, headers};
        writer = PyObject_Vectorcall(start_response, arguments + 1,
                                     2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    if (writer == NULL) {
        Py_CLEAR(pieces);
    }
    Py_XDECREF(writer);
    Py_XDECREF(headers);
    return pieces;
}

static inline PyObject **
kept_slot(PyObject *self)
{
    return (PyObject **)&as_call(self)->kept;
}

/* Keep KEPT no longer, for good: facts that come true again may hide what happened
 * meanwhile. */
static void
forget(PyObject *self, KeptAnswerObject *kept)
{
    KeptAnswerObject *before = NULL;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (as_call(self)->kept == kept) {
        before = kept; /* takes over the reference */
        as_call(self)->kept = NULL;
    }
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(before);
}

/* The answer (new); NULL without an exception where Flask must give it. */
static PyObject *
find_answer(PyObject *self, PyObject *environ, PyObject *start_response)
{
    if (!PyDict_CheckExact(environ)) {
        return NULL;
    }
    /* Strong: another one may be kept while code of others runs. */
    KeptAnswerObject *kept = (KeptAnswerObject *)ak_slot_get(self, kept_slot(self)); /* new */
    if (kept == NULL) {
        return NULL;
    }
    bool is_head, is_ours;
    PyObject *answer = NULL; /* new */
    Py_BEGIN_CRITICAL_SECTION(environ);
    is_ours = is_asked_for(kept, environ, &is_head) && is_plain(kept, environ);
    Py_END_CRITICAL_SECTION();
    if (is_ours && ak_kept_answer_holds(kept, self)) {
        answer = give_answer(kept, environ, start_response, is_head);
    } else if (is_ours) {
        forget(self, kept);
    }
    Py_DECREF(kept);
    return answer;
}

/* super().__call__, whoever may stand there: monitoring tools replace Flask's. */
static PyObject *
call_next(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    PyObject *next = NULL, *result = NULL; /* new */
    PyObject *super = PyObject_CallFunctionObjArgs((PyObject *)&PySuper_Type,
                                                   state->metadata_call_type, self, NULL); /* new */
    if (super != NULL) {
        next = PyObject_GetAttr(super, state->names[AK_NAME_CALL]);
        Py_DECREF(super);
    }
    if (next != NULL) {
        result = PyObject_Call(next, args, kwargs);
        Py_DECREF(next);
    }
    return result;
}

static PyObject *
call_application(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) == 2 && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0)) {
        PyObject *answer =
            find_answer(self, PyTuple_GET_ITEM(args, 0), PyTuple_GET_ITEM(args, 1)); /* new */
        if (answer != NULL || PyErr_Occurred()) {
            return answer;
        }
    }
    return call_next(self, args, kwargs);
}

static PyObject *
get_kept(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *kept = ak_slot_get(self, kept_slot(self)); /* new */
    return kept == NULL ? Py_NewRef(Py_None) : kept;
}

static int
set_kept(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return -1;
    }
    bool is_kept_answer = value != NULL && Py_TYPE(value) == state->kept_answer_type;
    if (!is_kept_answer && value != NULL && value != Py_None) {
        PyErr_Format(PyExc_TypeError, "_kept_answer must be a KeptAnswer or None, not %.100s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    ak_slot_set(self, kept_slot(self), is_kept_answer ? Py_NewRef(value) : NULL);
    return 0;
}

static int
traverse_call(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(as_call(self)->kept);
    return 0;
}

static int
clear_call(PyObject *self)
{
    Py_CLEAR(as_call(self)->kept);
    return 0;
}

static void
dealloc_call(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear_call(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(getstate_doc, "__getstate__($self, /)\n"
                           "--\n"
                           "\n"
                           "Return the instance's dict: what is kept here is no part of a copy.");

static PyObject *
getstate(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyObject_GenericGetDict(self, NULL);
}

PyDoc_STRVAR(metadata_call_doc,
             "Answers requests for the metadata itself where Flask's answer is known.");

static PyMethodDef call_methods[] = {
    {"__getstate__", getstate, METH_NOARGS, getstate_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef call_attributes[] = {
    {"_kept_answer", get_kept, set_kept, "The answer that is known, or None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot call_slots[] = {
    {Py_tp_doc, (void *)metadata_call_doc},
    {Py_tp_call, call_application},
    {Py_tp_dealloc, dealloc_call},
    {Py_tp_traverse, traverse_call},
    {Py_tp_clear, clear_call},
    {Py_tp_methods, call_methods},
    {Py_tp_getset, call_attributes},
    {0, NULL},
};

static PyType_Spec call_spec = {
    .name = "apikit._core.MetadataCall",
    .basicsize = sizeof(MetadataCallObject),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = call_slots,
};

int
ak_add_metadata_call(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    state->metadata_call_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &call_spec, NULL); /* new */
    return state->metadata_call_type == NULL ? -1
                                             : PyModule_AddType(module, state->metadata_call_type);
}
