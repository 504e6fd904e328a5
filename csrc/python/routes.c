/* check_route and expand_routes: a route argument as a list of prefixes, and the
 * prefixes as the rules that core makes of them. */
#include "python/state.h"

#include "core/route.h"

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

PyDoc_STRVAR(check_route_doc, "check_route($module, route, /)\n"
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
        PyObject *text =
            PyUnicode_DecodeUTF8(rule.ptr, (Py_ssize_t)rule.len, "surrogatepass"); /* new */
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

static PyMethodDef functions[] = {
    {"check_route", check_route, METH_O, check_route_doc},
    {"expand_routes", (PyCFunction)(void (*)(void))expand_routes, METH_VARARGS | METH_KEYWORDS,
     expand_routes_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_routes(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
