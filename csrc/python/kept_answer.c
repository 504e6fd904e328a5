/* _core.KeptAnswer, the object: see the header.  What the facts are about is not known
 * here. */
#include "python/kept_answer.h"

static inline KeptAnswerObject *
as_kept(PyObject *object)
{
    return (KeptAnswerObject *)object;
}

PyDoc_STRVAR(kept_answer_doc,
             "KeptAnswer(app, status, headers, body, *, types, unchanged, entries, sizes, unless)\n"
             "--\n"
             "\n"
             "An answer, and the facts of the present under which it is right.\n"
             "\n"
             "Parameters\n"
             "----------\n"
             "app : object\n"
             "    Whose answer it is.\n"
             "status : str\n"
             "    As `start_response` gets it.\n"
             "headers : tuple of tuple\n"
             "    Likewise.\n"
             "body : bytes\n"
             "    What GET gets beyond them.\n"
             "types : tuple of type\n"
             "    Classes that stay as they are; the first one is the application's.\n"
             "unchanged : tuple of dict\n"
             "    Dicts of which every item stays the same object.\n"
             "entries : tuple of tuple\n"
             "    Dicts and keys: that entry stays the same object, or stays away.\n"
             "sizes : tuple\n"
             "    Lists and dicts that keep their number of members.\n"
             "unless : tuple of str\n"
             "    Keys of an environ to which the answer is another one.\n");

static PyObject *
new_kept_answer(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"app",       "status",  "headers", "body",   "types",
                               "unchanged", "entries", "sizes",   "unless", NULL};
    PyObject *app, *status, *headers, *body;                 /* borrowed */
    PyObject *types, *dicts, *entries, *containers, *unless; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OO!O!O!$O!O!O!O!O!:KeptAnswer", keywords, &app, &PyUnicode_Type, &status,
            &PyTuple_Type, &headers, &PyBytes_Type, &body, &PyTuple_Type, &types, &PyTuple_Type,
            &dicts, &PyTuple_Type, &entries, &PyTuple_Type, &containers, &PyTuple_Type, &unless)) {
        return NULL;
    }
    PyObject *module = PyType_GetModule(type); /* borrowed */
    KeptAnswerObject *self = module == NULL ? NULL : as_kept(type->tp_alloc(type, 0)); /* new */
    if (self == NULL) {
        return NULL;
    }
    self->module = Py_NewRef(module);
    self->names = ak_state_of_module(module)->names;
    self->status = Py_NewRef(status);
    self->headers = Py_NewRef(headers);
    self->body = Py_NewRef(body);
    self->unless = Py_NewRef(unless);
    self->get_paths = PyDict_New();
    self->head_paths = PyDict_New();
    self->owner_dict = PyObject_GenericGetDict(app, NULL);
    if (self->get_paths == NULL || self->head_paths == NULL || self->owner_dict == NULL ||
        ak_kept_answer_take_types(self, types, Py_TYPE(app)) < 0 ||
        ak_kept_answer_take_items(self, dicts) < 0 ||
        ak_kept_answer_take_entries(self, entries) < 0 ||
        ak_kept_answer_take_sizes(self, containers) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* ---- its life ---- */

static int
traverse_kept_answer(PyObject *object, visitproc visit, void *arg)
{
    KeptAnswerObject *self = as_kept(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->module);
    Py_VISIT(self->headers);
    Py_VISIT(self->get_paths);
    Py_VISIT(self->head_paths);
    Py_VISIT(self->unless);
    Py_VISIT(self->owner_dict);
    for (Py_ssize_t i = 0; i < self->type_count; i++) {
        Py_VISIT(self->types[i].type);
    }
    for (Py_ssize_t i = 0; i < self->items_count; i++) {
        Py_VISIT(self->items[i].dict);
        Py_VISIT(self->items[i].items);
    }
    for (Py_ssize_t i = 0; i < self->entry_count; i++) {
        Py_VISIT(self->entries[i].dict);
        Py_VISIT(self->entries[i].key);
        Py_VISIT(self->entries[i].value);
    }
    for (Py_ssize_t i = 0; i < self->size_count; i++) {
        Py_VISIT(self->sizes[i].container);
    }
    return 0;
}

static int
clear_kept_answer(PyObject *object)
{
    KeptAnswerObject *self = as_kept(object);
    Py_CLEAR(self->owner_dict); /* no fact is looked at without it */
    while (self->type_count > 0) {
        self->type_count--;
        Py_CLEAR(self->types[self->type_count].type);
    }
    while (self->items_count > 0) {
        self->items_count--;
        Py_CLEAR(self->items[self->items_count].items);
        Py_CLEAR(self->items[self->items_count].dict);
    }
    while (self->entry_count > 0) {
        self->entry_count--;
        Py_CLEAR(self->entries[self->entry_count].value);
        Py_CLEAR(self->entries[self->entry_count].key);
        Py_CLEAR(self->entries[self->entry_count].dict);
    }
    while (self->size_count > 0) {
        self->size_count--;
        Py_CLEAR(self->sizes[self->size_count].container);
    }
    return 0;
}

static void
dealloc_kept_answer(PyObject *object)
{
    KeptAnswerObject *self = as_kept(object);
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear_kept_answer(object);
    PyMem_Free(self->types);
    PyMem_Free(self->items);
    PyMem_Free(self->entries);
    PyMem_Free(self->sizes);
    Py_XDECREF(self->unless);
    Py_XDECREF(self->head_paths);
    Py_XDECREF(self->get_paths);
    Py_XDECREF(self->body);
    Py_XDECREF(self->headers);
    Py_XDECREF(self->status);
    Py_XDECREF(self->module);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- its methods ---- */

PyDoc_STRVAR(add_path_doc, "add_path($self, method, path, /)\n"
                           "--\n"
                           "\n"
                           "Let the answer be that to GET or HEAD of a path too.");

static PyObject *
add_path(PyObject *object, PyObject *const *args, Py_ssize_t nargs)
{
    KeptAnswerObject *self = as_kept(object);
    if (nargs != 2 || !PyUnicode_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "add_path() takes two str, a method and a path");
        return NULL;
    }
    PyObject *paths = NULL; /* borrowed */
    if (PyUnicode_Compare(args[0], self->names[AK_NAME_VERB_GET]) == 0) {
        paths = self->get_paths;
    } else if (PyUnicode_Compare(args[0], self->names[AK_NAME_VERB_HEAD]) == 0) {
        paths = self->head_paths;
    }
    if (paths != NULL && PyDict_SetItem(paths, args[1], Py_None) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(holds_doc, "holds($self, app, /)\n"
                        "--\n"
                        "\n"
                        "Return whether all facts hold, and it was kept for this `app`.");

static PyObject *
holds(PyObject *object, PyObject *app)
{
    bool result = ak_kept_answer_holds(as_kept(object), app);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(result);
}

static PyMethodDef kept_answer_methods[] = {
    {"add_path", (PyCFunction)(void (*)(void))add_path, METH_FASTCALL, add_path_doc},
    {"holds", holds, METH_O, holds_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot kept_answer_slots[] = {
    {Py_tp_doc, (void *)kept_answer_doc},
    {Py_tp_new, new_kept_answer},
    {Py_tp_dealloc, dealloc_kept_answer},
    {Py_tp_traverse, traverse_kept_answer},
    {Py_tp_clear, clear_kept_answer},
    {Py_tp_methods, kept_answer_methods},
    {0, NULL},
};

static PyType_Spec kept_answer_spec = {
    .name = "apikit._core.KeptAnswer",
    .basicsize = sizeof(KeptAnswerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kept_answer_slots,
};

int
ak_add_kept_answer(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    state->kept_answer_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &kept_answer_spec, NULL); /* new */
    return state->kept_answer_type == NULL ? -1 : PyModule_AddType(module, state->kept_answer_type);
}
