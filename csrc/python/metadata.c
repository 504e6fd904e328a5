/* check_metadata, check_route, expand_routes and dump_metadata: Python values
 * in, facts and bytes of core out.  The rules themselves are core's. */
#include "python/state.h"

#include "core/metadata.h"
#include "core/route.h"

/* ERR as an exception; always -1. */
static int
raise_broken_rule(const struct ak_err *err)
{
    if (err->status == AK_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    /* A name may have been cut inside a character. */
    PyObject *text = PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message),
                                          "replace"); /* new */
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
    *holder = PyUnicode_Check(type) ? PyObject_ASCII(type)
                                    : PyUnicode_FromString(Py_TYPE(type)->tp_name);
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

/* The prefixes that ROUTE means, as a new list of str; NULL with a TypeError. */
static PyObject *
list_prefixes(PyObject *route)
{
    if (route == Py_None) {
        return Py_BuildValue("[s]", "");
    }
    if (PyUnicode_Check(route)) {
        return Py_BuildValue("[O]", route);
    }
    if (!PyList_Check(route)) {
        return PyErr_Format(PyExc_TypeError,
                            "route must be None, a str or a list of str such as ['/', '/prefix'], "
                            "not %.100s",
                            Py_TYPE(route)->tp_name);
    }
    PyObject *prefixes = PySequence_List(route); /* new */
    for (Py_ssize_t i = 0; prefixes != NULL && i < PyList_GET_SIZE(prefixes); i++) {
        PyObject *prefix = PyList_GET_ITEM(prefixes, i); /* borrowed from prefixes */
        if (!PyUnicode_Check(prefix)) {
            PyErr_Format(PyExc_TypeError,
                         "route must be a list of str such as ['/', '/prefix']; item %zd is %.100s",
                         i, Py_TYPE(prefix)->tp_name);
            Py_CLEAR(prefixes);
        }
    }
    return prefixes;
}

PyDoc_STRVAR(check_route_doc,
"check_route($module, route, /)\n"
"--\n"
"\n"
"Check a route argument by itself, before the API version is known.\n"
"\n"
"Parameters\n"
"----------\n"
"route : str, list of str or None\n"
"    The prefixes of the metadata routes.\n"
"\n"
"Raises\n"
"------\n"
"TypeError\n"
"    If it is anything else; a tuple too.\n");

static PyObject *
check_route(PyObject *Py_UNUSED(module), PyObject *route)
{
    PyObject *prefixes = list_prefixes(route); /* new */
    if (prefixes == NULL) {
        return NULL;
    }
    Py_DECREF(prefixes);
    Py_RETURN_NONE;
}

/* TEXT as UTF-8 with its lone surrogates, which Flask takes in a rule. */
static PyObject *
encode_text(PyObject *text)
{
    return PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
}

static struct ak_str
str_of_bytes(PyObject *bytes)
{
    return ak_str_of(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* Append the rules of one prefix to LIST: 0, or -1 with an exception set. */
static int
append_rules(PyObject *list, struct ak_route_rules *rules, PyObject *prefix, struct ak_str version)
{
    PyObject *encoded = encode_text(prefix); /* new */
    if (encoded == NULL) {
        return -1;
    }
    enum ak_status status = ak_route_rules_write(rules, str_of_bytes(encoded), version);
    Py_DECREF(encoded);
    if (status == AK_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    if (status != AK_OK) {
        PyErr_Format(PyExc_ValueError,
                     "a route prefix and api_version must be at most %d bytes long",
                     AK_ROUTE_MAX_TEXT);
        return -1;
    }
    for (size_t i = 0; i < AK_ROUTE_RULES; i++) {
        struct ak_str rule = ak_route_rule(rules, i);
        PyObject *text = PyUnicode_DecodeUTF8(rule.ptr, (Py_ssize_t)rule.len,
                                              "surrogatepass"); /* new */
        if (text == NULL) {
            return -1;
        }
        int result = PyList_Append(list, text);
        Py_DECREF(text);
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

PyDoc_STRVAR(expand_routes_doc,
"expand_routes($module, /, route, api_version)\n"
"--\n"
"\n"
"Give the URL rules under which the metadata is found.\n"
"\n"
"Parameters\n"
"----------\n"
"route : str, list of str or None\n"
"    The prefixes; slashes at their ends do not count. None is the root.\n"
"api_version : str\n"
"    The version in the ``/v<version>/metadata`` rules.\n"
"\n"
"Returns\n"
"-------\n"
"list of str\n"
"    Four rules for each prefix, in order.\n"
"\n"
"Raises\n"
"------\n"
"TypeError\n"
"    If `route` or `api_version` is anything else.\n"
"ValueError\n"
"    If a prefix or the version is longer than 1 MiB.\n");

static PyObject *
expand_routes(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"route", "api_version", NULL};
    PyObject *route, *api_version; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:expand_routes", keywords, &route,
                                     &api_version)) {
        return NULL;
    }
    PyObject *prefixes = list_prefixes(route); /* new */
    if (prefixes == NULL) {
        return NULL;
    }
    PyObject *version = NULL, *list = NULL, *result = NULL; /* new */
    struct ak_route_rules rules;
    ak_route_rules_init(&rules);
    if (!PyUnicode_Check(api_version)) {
        PyErr_Format(PyExc_TypeError, "API_VERSION must be a str such as '1.0', not %.100s",
                     Py_TYPE(api_version)->tp_name);
        goto done;
    }
    version = encode_text(api_version);
    list = PyList_New(0);
    if (version == NULL || list == NULL) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(prefixes); i++) {
        if (append_rules(list, &rules, PyList_GET_ITEM(prefixes, i), str_of_bytes(version)) < 0) {
            goto done;
        }
    }
    result = Py_NewRef(list);
done:
    ak_route_rules_free(&rules);
    Py_XDECREF(list);
    Py_XDECREF(version);
    Py_DECREF(prefixes);
    return result;
}

PyDoc_STRVAR(dump_metadata_doc,
"dump_metadata($module, fields, /, *, sort_keys=True, compact=True,\n"
"              ensure_ascii=True)\n"
"--\n"
"\n"
"Write the metadata as `flask.jsonify` does under Flask's default provider.\n"
"\n"
"Parameters\n"
"----------\n"
"fields : tuple\n"
"    The six values: auth type, name, repository, version, description and\n"
"    api_version.\n"
"sort_keys, ensure_ascii : bool, optional\n"
"    As in `json.dumps`.\n"
"compact : bool, optional\n"
"    No blanks, or an indent of 2.\n"
"\n"
"Returns\n"
"-------\n"
"bytes or None\n"
"    The body with its line end; None if a value is not exactly a `str`, so\n"
"    that only the provider can write it.\n"
"\n"
"Raises\n"
"------\n"
"UnicodeEncodeError\n"
"    If `ensure_ascii` is false and a value holds a lone surrogate.\n");

struct dump_options {
    enum ak_metadata_order order;
    enum ak_json_charset charset;
    enum ak_json_layout layout;
};

/* Whether NAME, a keyword of a call, is KNOWN, which is interned. */
static inline bool
is_name(PyObject *name, PyObject *known)
{
    return name == known || PyUnicode_Compare(name, known) == 0;
}

/* Read the keyword arguments: 0, or -1 with an exception set. */
static int
parse_dump_options(PyObject *module, PyObject *const *values, PyObject *keywords,
                   struct dump_options *options)
{
    PyObject *const *names = ak_state_of_module(module)->names;
    Py_ssize_t count = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *keyword = PyTuple_GET_ITEM(keywords, i); /* borrowed from keywords */
        int truth = PyObject_IsTrue(values[i]);
        if (truth < 0) {
            return -1;
        }
        if (is_name(keyword, names[AK_NAME_SORT_KEYS])) {
            options->order = truth ? AK_METADATA_SORTED : AK_METADATA_AS_INSERTED;
        } else if (is_name(keyword, names[AK_NAME_COMPACT])) {
            options->layout = truth ? AK_JSON_COMPACT : AK_JSON_INDENTED;
        } else if (is_name(keyword, names[AK_NAME_ENSURE_ASCII])) {
            options->charset = truth ? AK_JSON_ASCII : AK_JSON_UTF8;
        } else {
            PyErr_Format(PyExc_TypeError, "dump_metadata() got an unexpected keyword argument %R",
                         keyword);
            return -1;
        }
    }
    return 0;
}

/* The bytes of VALUES, or NULL with an exception set. */
static PyObject *
write_body(PyObject *fields, const struct ak_json_text values[AK_METADATA_FIELDS],
           const struct dump_options *options)
{
    struct ak_json_member members[AK_METADATA_FIELDS];
    ak_metadata_arrange(members, values, options->order);
    size_t size;
    enum ak_status status = ak_json_measure_object(members, AK_METADATA_FIELDS, options->charset,
                                                   options->layout, &size);
    if (status == AK_BAD_VALUE) {
        /* Let Python's own encoder say which field and where. */
        for (Py_ssize_t i = 0; i < AK_METADATA_FIELDS; i++) {
            PyObject *encoded = PyUnicode_AsUTF8String(PyTuple_GET_ITEM(fields, i)); /* new */
            if (encoded == NULL) {
                return NULL;
            }
            Py_DECREF(encoded);
        }
    }
    if (status != AK_OK || size > PY_SSIZE_T_MAX - 1) {
        return PyErr_NoMemory();
    }
    PyObject *body = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size + 1); /* new */
    if (body != NULL) {
        char *end = ak_json_write_object(PyBytes_AS_STRING(body), members, AK_METADATA_FIELDS,
                                         options->charset, options->layout);
        *end = '\n';
    }
    return body;
}

static PyObject *
dump_metadata(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    struct dump_options options = {AK_METADATA_SORTED, AK_JSON_ASCII, AK_JSON_COMPACT};
    if (nargs != 1 || !PyTuple_Check(args[0]) || PyTuple_GET_SIZE(args[0]) != AK_METADATA_FIELDS) {
        PyErr_SetString(PyExc_TypeError,
                        "dump_metadata() takes one positional argument, a tuple of six values");
        return NULL;
    }
    if (parse_dump_options(module, args + 1, keywords, &options) < 0) {
        return NULL;
    }
    struct ak_json_text values[AK_METADATA_FIELDS];
    for (Py_ssize_t i = 0; i < AK_METADATA_FIELDS; i++) {
        PyObject *value = PyTuple_GET_ITEM(args[0], i); /* borrowed from args[0] */
        if (!PyUnicode_CheckExact(value)) {
            Py_RETURN_NONE;
        }
        values[i] = (struct ak_json_text){PyUnicode_DATA(value),
                                          (size_t)PyUnicode_GET_LENGTH(value),
                                          (enum ak_json_width)PyUnicode_KIND(value)};
    }
    return write_body(args[0], values, &options);
}

static PyMethodDef functions[] = {
    {"check_metadata", (PyCFunction)(void (*)(void))check_metadata, METH_VARARGS | METH_KEYWORDS,
     check_metadata_doc},
    {"check_route", check_route, METH_O, check_route_doc},
    {"expand_routes", (PyCFunction)(void (*)(void))expand_routes, METH_VARARGS | METH_KEYWORDS,
     expand_routes_doc},
    {"dump_metadata", (PyCFunction)(void (*)(void))dump_metadata, METH_FASTCALL | METH_KEYWORDS,
     dump_metadata_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_metadata(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
