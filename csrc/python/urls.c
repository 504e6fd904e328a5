/* URLs for the Python layer: normalised, resolved and compared by the same rules
 * as those that are sent. */
#include "python/call.h"

#include "core/login_place.h"
#include "python/errors.h"

static PyObject *
text_of(const struct ak_url *url)
{
    return PyUnicode_DecodeASCII(url->text.data, (Py_ssize_t)url->text.len, NULL);
}

/* REFERENCE, a str, against BASE; URL is initialised: 0, or -1 with an exception. */
static int
resolve(struct ak_url *url, const struct ak_url *base, PyObject *reference)
{
    Py_ssize_t length;
    struct ak_err err;
    const char *utf8 = PyUnicode_AsUTF8AndSize(reference, &length);
    if (utf8 == NULL) {
        return -1;
    }
    struct ak_str text = ak_str_of(utf8, (size_t)length);
    PyObject *encoded = ak_encode_host(text); /* new */
    if (encoded != NULL) {
        utf8 = PyUnicode_AsUTF8AndSize(encoded, &length);
        text = ak_str_of(utf8, (size_t)length);
    }
    int result = PyErr_Occurred() ? -1 : 0;
    if (result == 0 && ak_url_resolve(url, base, text, &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        result = -1;
    }
    Py_XDECREF(encoded);
    return result;
}

PyDoc_STRVAR(normalize_doc, "normalize_url($module, url, query='', /)\n--\n\n"
                            "The URL as it is sent, with QUERY added to what it has.");

static PyObject *
normalize_url(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given, *text = NULL; /* borrowed; new */
    const char *query = "";
    Py_ssize_t length = 0;
    struct ak_url url;
    struct ak_err err;
    if (!PyArg_ParseTuple(args, "O|s#:normalize_url", &given, &query, &length)) {
        return NULL;
    }
    ak_url_init(&url);
    if (ak_parse_url_object(&url, given) < 0) {
        goto done;
    }
    if (length > 0 && ak_url_add_query(&url, ak_str_of(query, (size_t)length), &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        goto done;
    }
    text = text_of(&url);
done:
    ak_url_free(&url);
    return text;
}

PyDoc_STRVAR(resolve_doc, "resolve_url($module, base, reference, /)\n--\n\n"
                          "REFERENCE, as it stands in a page of BASE, as a URL of its own.");

static PyObject *
resolve_url(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *base, *reference, *text = NULL; /* borrowed, borrowed, new */
    struct ak_url url;
    if (!PyArg_ParseTuple(args, "OU:resolve_url", &base, &reference)) {
        return NULL;
    }
    ak_url_init(&url);
    if (ak_parse_url_object(&url, base) == 0 && resolve(&url, &url, reference) == 0) {
        text = text_of(&url);
    }
    ak_url_free(&url);
    return text;
}

/* Two URLs of ARGS, judged by HOLDS: a bool, new, or NULL. */
static PyObject *
judge_pair(PyObject *args, bool (*holds)(const struct ak_url *, const struct ak_url *))
{
    PyObject *first, *second, *answer = NULL; /* borrowed, borrowed, new */
    struct ak_url a, b;
    if (!PyArg_ParseTuple(args, "OO", &first, &second)) {
        return NULL;
    }
    ak_url_init(&a);
    ak_url_init(&b);
    if (ak_parse_url_object(&a, first) == 0 && ak_parse_url_object(&b, second) == 0) {
        answer = PyBool_FromLong(holds(&a, &b));
    }
    ak_url_free(&a);
    ak_url_free(&b);
    return answer;
}

PyDoc_STRVAR(same_origin_doc, "same_origin($module, a, b, /)\n--\n\n"
                              "Whether scheme, host and port of two URLs are the same (RFC 6454).");

static PyObject *
same_origin(PyObject *Py_UNUSED(module), PyObject *args)
{
    return judge_pair(args, ak_url_same_origin);
}

static bool
holds_below_path(const struct ak_url *place, const struct ak_url *url)
{
    return ak_login_place_holds(place, AK_PLACE_BELOW_PATH, url);
}

PyDoc_STRVAR(place_holds_doc, "place_holds($module, place, url, /)\n--\n\n"
                              "Whether a URL is of the origin of PLACE, at its path or below.");

static PyObject *
place_holds(PyObject *Py_UNUSED(module), PyObject *args)
{
    return judge_pair(args, holds_below_path);
}

PyDoc_STRVAR(next_hop_doc,
             "next_hop($module, method, url, status, location, /)\n--\n\n"
             "Where a redirect leads: (method, url, whether the body goes, whether the origin\n"
             "is another one).  LOCATION is text, decoded as latin-1.");

static PyObject *
next_hop(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *from, *location, *answer = NULL; /* borrowed, new, new */
    const char *method;
    int status;
    struct ak_url url;
    struct ak_redirect redirect;
    struct ak_err err;
    if (!PyArg_ParseTuple(args, "sOiU:next_hop", &method, &from, &status, &location)) {
        return NULL;
    }
    location = PyUnicode_AsLatin1String(location);
    if (location == NULL) {
        return NULL;
    }
    struct ak_str target =
        ak_str_of(PyBytes_AS_STRING(location), (size_t)PyBytes_GET_SIZE(location));
    ak_url_init(&url);
    if (ak_parse_url_object(&url, from) < 0) {
        goto done;
    }
    if (ak_redirect_next(&redirect, &url, ak_str_from(method), status, target, &err) != AK_OK) {
        ak_raise(&err, NULL, NULL);
        goto done;
    }
    answer = Py_BuildValue("(s#NOO)", redirect.method.ptr, (Py_ssize_t)redirect.method.len,
                           text_of(&redirect.url), redirect.drop_body ? Py_True : Py_False,
                           redirect.other_origin ? Py_True : Py_False);
    ak_url_free(&redirect.url);
done:
    Py_DECREF(location);
    ak_url_free(&url);
    return answer;
}

static PyMethodDef functions[] = {
    {"normalize_url", normalize_url, METH_VARARGS, normalize_doc},
    {"resolve_url", resolve_url, METH_VARARGS, resolve_doc},
    {"same_origin", same_origin, METH_VARARGS, same_origin_doc},
    {"place_holds", place_holds, METH_VARARGS, place_holds_doc},
    {"next_hop", next_hop, METH_VARARGS, next_hop_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_urls(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
