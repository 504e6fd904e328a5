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
    enum ak_metadata_layout layout;
    enum ak_json_charset charset;
};

static inline int
is_true(PyObject *value)
{
    return value == Py_True ? 1 : value == Py_False ? 0 : PyObject_IsTrue(value);
}

/* Which option the keyword NAME is; AK_NAME_COUNT if none.  Names in a call are
 * interned, but for those that a caller made up at run time. */
static inline enum ak_name
find_option(PyObject *const *names, PyObject *name)
{
    static const enum ak_name options[] = {AK_NAME_SORT_KEYS, AK_NAME_COMPACT,
                                           AK_NAME_ENSURE_ASCII};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (name == names[options[i]]) {
            return options[i];
        }
    }
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (PyUnicode_Compare(name, names[options[i]]) == 0) {
            return options[i];
        }
    }
    return AK_NAME_COUNT;
}

/* Take one keyword argument: 0, or -1 with an exception set. */
static inline int
set_option(struct dump_options *options, PyObject *const *names, PyObject *name, PyObject *value)
{
    int truth = is_true(value);
    if (truth < 0) {
        return -1;
    }
    switch (find_option(names, name)) {
    case AK_NAME_SORT_KEYS:
        options->order = truth ? AK_METADATA_SORTED : AK_METADATA_AS_INSERTED;
        return 0;
    case AK_NAME_COMPACT:
        options->layout = truth ? AK_METADATA_COMPACT : AK_METADATA_INDENTED;
        return 0;
    case AK_NAME_ENSURE_ASCII:
        options->charset = truth ? AK_JSON_ASCII : AK_JSON_UTF8;
        return 0;
    default:
        PyErr_Format(PyExc_TypeError, "dump_metadata() got an unexpected keyword argument %R",
                     name);
        return -1;
    }
}

/* The encoder's own UnicodeEncodeError for the lone surrogate in TEXT. */
static void
raise_lone_surrogate(PyObject *text)
{
    PyObject *encoded = PyUnicode_AsUTF8String(text); /* new */
    Py_XDECREF(encoded);
}

/* The body of TEXTS that want no escape: a new reference, or NULL, without an
 * exception if they do want one. */
static PyObject *
write_plain(const struct ak_json_template *template, const struct ak_json_text *texts)
{
    size_t size;
    if (ak_json_measure_plain(template, texts, &size) != AK_OK) {
        return NULL;
    }
    PyObject *body = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size); /* new */
    if (body != NULL && ak_json_write_plain(PyBytes_AS_STRING(body), template, texts) == NULL) {
        Py_CLEAR(body);
    }
    return body;
}

/* The body of any TEXTS, which are the units of FIELDS, six exact str; NULL with
 * an exception set. */
static PyObject *
write_escaped(const struct ak_json_template *template, const struct ak_json_text *texts,
              enum ak_json_charset charset, PyObject *fields)
{
    size_t size;
    enum ak_status status = ak_json_measure(template, texts, charset, &size);
    if (status == AK_BAD_VALUE) {
        raise_lone_surrogate(PyTuple_GET_ITEM(fields, (Py_ssize_t)size));
        return NULL;
    }
    if (status != AK_OK) {
        return PyErr_NoMemory();
    }
    PyObject *body = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size); /* new */
    if (body != NULL) {
        ak_json_write(PyBytes_AS_STRING(body), template, texts, charset);
    }
    return body;
}

static PyObject *
dump_metadata(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    struct dump_options options = {AK_METADATA_SORTED, AK_METADATA_COMPACT, AK_JSON_ASCII};
    PyObject *const *names = ak_state_of_module(module)->names;
    if (nargs != 1 || !PyTuple_Check(args[0]) || PyTuple_GET_SIZE(args[0]) != AK_METADATA_FIELDS) {
        PyErr_SetString(PyExc_TypeError,
                        "dump_metadata() takes one positional argument, a tuple of six values");
        return NULL;
    }
    Py_ssize_t count = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (set_option(&options, names, PyTuple_GET_ITEM(keywords, i), args[1 + i]) < 0) {
            return NULL;
        }
    }
    struct ak_json_text texts[AK_METADATA_FIELDS];
    for (Py_ssize_t i = 0; i < AK_METADATA_FIELDS; i++) {
        PyObject *value = PyTuple_GET_ITEM(args[0], i); /* borrowed from args[0] */
        if (!PyUnicode_CheckExact(value)) {
            Py_RETURN_NONE;
        }
        texts[i].units = PyUnicode_DATA(value);
        texts[i].len = (size_t)PyUnicode_GET_LENGTH(value);
        texts[i].width = (enum ak_json_width)PyUnicode_KIND(value);
    }
    const struct ak_json_template *template = ak_metadata_template(options.order, options.layout);
    PyObject *body = write_plain(template, texts); /* new */
    if (body == NULL && !PyErr_Occurred()) {
        body = write_escaped(template, texts, options.charset, args[0]);
    }
    return body;
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
