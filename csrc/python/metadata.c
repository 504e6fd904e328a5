/* check_metadata: turns Python values into the facts that core's rules are
 * about, and a broken rule into an exception.  No rule stands here. */
#include "python/state.h"

#include "core/metadata.h"

/* ERR as an exception; always -1. */
static int
raise_broken_rule(const struct ak_err *err)
{
    if (err->status == AK_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    /* A name may have been cut inside a character. */
    PyObject *text =
        PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace"); /* new */
    if (text != NULL) {
        PyErr_SetObject(err->status == AK_BAD_TYPE ? PyExc_TypeError : PyExc_ValueError, text);
        Py_DECREF(text);
    }
    return -1;
}

static struct ak_text_fact
fact_of_text(PyObject *value)
{
    enum ak_text_kind kind = AK_TEXT_OTHER;
    if (PyUnicode_Check(value)) {
        kind = PyUnicode_GET_LENGTH(value) == 0 ? AK_TEXT_EMPTY : AK_TEXT_FULL;
    }
    return (struct ak_text_fact){kind, Py_TYPE(value)->tp_name};
}

/* VALUE == TEXT in Python's sense: 1, 0, or -1 with an exception set. */
static int
equals_text(PyObject *value, const char *text)
{
    PyObject *other = PyUnicode_FromString(text); /* new */
    if (other == NULL) {
        return -1;
    }
    int equal = PyObject_RichCompareBool(value, other, Py_EQ);
    Py_DECREF(other);
    return equal;
}

/* KEY in DICT, by the dict's own methods: 1, 0, or -1 with an exception set. */
static int
has_key(PyObject *dict, const char *key)
{
    PyObject *name = PyUnicode_FromString(key); /* new */
    if (name == NULL) {
        return -1;
    }
    int found = PySequence_Contains(dict, name);
    Py_DECREF(name);
    return found;
}

static int
classify_auth(PyObject *auth, struct ak_auth_facts *facts)
{
    facts->kind = PyDict_Check(auth) ? AK_AUTH_DICT : AK_AUTH_OTHER;
    if (auth == Py_None) {
        facts->kind = AK_AUTH_ABSENT;
    }
    if (!PyUnicode_Check(auth)) {
        return 0;
    }
    const char *const words[] = {"none", ""};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int equal = equals_text(auth, words[i]);
        if (equal < 0) {
            return -1;
        }
        if (equal) {
            facts->kind = AK_AUTH_ABSENT;
        }
    }
    return 0;
}

static int
classify_type(PyObject *type, struct ak_auth_facts *facts)
{
    static const struct {
        const char *text;
        enum ak_auth_type type;
    } known[] = {
        {"none", AK_AUTH_NONE},
        {"basic", AK_AUTH_BASIC},
        {"bitly-proxy", AK_AUTH_BITLY_PROXY},
    };
    facts->type = AK_AUTH_UNKNOWN;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        int equal = equals_text(type, known[i].text);
        if (equal < 0) {
            return -1;
        }
        if (equal) {
            facts->type = known[i].type;
            return 0;
        }
    }
    return 0;
}

/* TYPE as a message may show it: a str by its repr, of anything else the name
 * of its type, since a credential might stand there by mistake.  The text is
 * borrowed from *holder, which is a new reference. */
static const char *
show_type(PyObject *type, PyObject **holder)
{
    *holder =
        PyUnicode_Check(type) ? PyObject_ASCII(type) : PyUnicode_FromString(Py_TYPE(type)->tp_name);
    return *holder == NULL ? NULL : PyUnicode_AsUTF8(*holder);
}

/* Raise for the first rule that the facts of AUTH break: 0, or -1 with an
 * exception set.  Its type is named last, since AUTH's own methods have run. */
static int
check_facts(PyObject *auth, struct ak_auth_facts *facts)
{
    struct ak_err err;
    facts->type_name = Py_TYPE(auth)->tp_name;
    return ak_metadata_check_auth(facts, &err) == AK_OK ? 0 : raise_broken_rule(&err);
}

/* Gather the facts of a dict and check them: 0, or -1 with an exception set. */
static int
check_dict(PyObject *auth, struct ak_auth_facts *facts)
{
    PyObject *key = NULL, *type = NULL, *shown = NULL; /* new */
    int result = -1;

    int found = has_key(auth, "type");
    if (found < 0) {
        goto done;
    }
    if (found) {
        key = PyUnicode_FromString("type");
        type = key == NULL ? NULL : PyObject_GetItem(auth, key);
        if (type == NULL || classify_type(type, facts) < 0) {
            goto done;
        }
        facts->type_shown = show_type(type, &shown);
        found = facts->type_shown == NULL ? -1 : has_key(auth, "data");
        if (found < 0) {
            goto done;
        }
        facts->data = found ? AK_AUTH_HAS_DATA : AK_AUTH_NO_DATA;
    }
    result = check_facts(auth, facts);
done:
    Py_XDECREF(shown);
    Py_XDECREF(type);
    Py_XDECREF(key);
    return result;
}

PyDoc_STRVAR(check_metadata_doc,
             "check_metadata($module, /, version, repository, description, api_version,\n"
             "               name, auth)\n"
             "--\n"
             "\n"
             "Check what a service says about itself.\n"
             "\n"
             "Parameters\n"
             "----------\n"
             "version, repository, description, api_version, name : str\n"
             "    None of them empty.\n"
             "auth : dict, str or None\n"
             "    None, ``\"\"`` and ``\"none\"`` mean no authentication; a dict has the key\n"
             "    \"type\" and, unless that is \"none\", the key \"data\".\n"
             "\n"
             "Returns\n"
             "-------\n"
             "dict\n"
             "    What belongs into ``app.config[\"AUTH\"]``: the caller's own dict, or a new\n"
             "    ``{\"type\": \"none\", \"data\": None}``.\n"
             "\n"
             "Raises\n"
             "------\n"
             "TypeError\n"
             "    If an argument has the wrong type.\n"
             "ValueError\n"
             "    If a text is empty, or `auth` lacks a key or has an unknown type.\n");

static PyObject *
check_metadata(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"version", "repository", "description", "api_version",
                               "name",    "auth",       NULL};
    PyObject *version, *repository, *description, *api_version, *name, *auth; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOOO:check_metadata", keywords, &version,
                                     &repository, &description, &api_version, &name, &auth)) {
        return NULL;
    }
    const struct ak_text_fact texts[AK_METADATA_FIELDS] = {
        [AK_METADATA_NAME] = fact_of_text(name),
        [AK_METADATA_REPOSITORY] = fact_of_text(repository),
        [AK_METADATA_VERSION] = fact_of_text(version),
        [AK_METADATA_DESCRIPTION] = fact_of_text(description),
        [AK_METADATA_API_VERSION] = fact_of_text(api_version),
    };
    struct ak_err err;
    if (ak_metadata_check_texts(texts, &err) != AK_OK) {
        raise_broken_rule(&err);
        return NULL;
    }
    struct ak_auth_facts facts = {0};
    if (classify_auth(auth, &facts) < 0) {
        return NULL;
    }
    if (facts.kind == AK_AUTH_ABSENT) {
        return Py_BuildValue("{s:s,s:O}", "type", "none", "data", Py_None);
    }
    int result = facts.kind == AK_AUTH_DICT ? check_dict(auth, &facts) : check_facts(auth, &facts);
    return result < 0 ? NULL : Py_NewRef(auth);
}

static PyMethodDef functions[] = {
    {"check_metadata", (PyCFunction)(void (*)(void))check_metadata, METH_VARARGS | METH_KEYWORDS,
     check_metadata_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_metadata(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
