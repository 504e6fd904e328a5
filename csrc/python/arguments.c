#include "python/arguments.h"

/* Each argument's interned name; AK_NAME_... are in the same order. */
static inline PyObject *
name_of(struct module_state *state, enum ak_argument argument)
{
    return state->names[AK_NAME_METHOD + argument];
}

/* The argument called NAME, AK_ARG_COUNT if there is none, -1 with an
 * exception. */
static int
find_argument(struct module_state *state, PyObject *name)
{
    for (int i = 0; i < AK_ARG_COUNT; i++) {
        if (name == name_of(state, (enum ak_argument)i)) {
            return i;
        }
    }
    /* A name that was not interned, from a dict made at run time. */
    for (int i = 0; i < AK_ARG_COUNT; i++) {
        int equal = PyObject_RichCompareBool(name, name_of(state, (enum ak_argument)i), Py_EQ);
        if (equal != 0) {
            return equal < 0 ? -1 : i;
        }
    }
    return AK_ARG_COUNT;
}

static int
set_argument(const struct ak_signature *signature, struct ak_arguments *arguments, int index,
             PyObject *name, PyObject *value)
{
    if (index == AK_ARG_COUNT) {
        PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'",
                     signature->function, name);
        return -1;
    }
    if (arguments->values[index] != NULL) {
        PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'",
                     signature->function, name);
        return -1;
    }
    arguments->values[index] = value;
    return 0;
}

int
ak_parse_arguments(struct module_state *state, const struct ak_signature *signature,
                   PyObject *const *args, Py_ssize_t count, PyObject *keyword_names,
                   struct ak_arguments *arguments)
{
    if (count > signature->places) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd positional arguments, %zd were given",
                     signature->function, signature->places, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        arguments->values[signature->order[i]] = args[i];
    }
    Py_ssize_t keywords = keyword_names == NULL ? 0 : PyTuple_GET_SIZE(keyword_names);
    for (Py_ssize_t i = 0; i < keywords; i++) {
        PyObject *name = PyTuple_GET_ITEM(keyword_names, i);
        int index = find_argument(state, name);
        if (index < 0 || set_argument(signature, arguments, index, name, args[count + i]) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < signature->places && i < AK_ARG_COUNT; i++) {
        enum ak_argument needed = signature->order[i];
        if ((needed == AK_ARG_METHOD || needed == AK_ARG_URL) &&
            arguments->values[needed] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%U'",
                         signature->function, name_of(state, needed));
            return -1;
        }
    }
    return 0;
}
