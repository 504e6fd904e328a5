/* dump_metadata: the metadata's six strings as the bytes that flask.jsonify
 * would give.  Runs for every request that misses the kept body, so that it
 * copies each string once, into a bytes object of the right size. */
#include "python/state.h"

#include "core/metadata.h"

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
        values[i] =
            (struct ak_json_text){PyUnicode_DATA(value), (size_t)PyUnicode_GET_LENGTH(value),
                                  (enum ak_json_width)PyUnicode_KIND(value)};
    }
    return write_body(args[0], values, &options);
}

static PyMethodDef functions[] = {
    {"dump_metadata", (PyCFunction)(void (*)(void))dump_metadata, METH_FASTCALL | METH_KEYWORDS,
     dump_metadata_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_metadata_body(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
