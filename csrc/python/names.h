/* Names that the binding looks up or compares again and again, interned once
 * for each module. */
#ifndef AK_PYTHON_NAMES_H
#define AK_PYTHON_NAMES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Each is the name in lower case; see names.c. */
enum ak_name {
    AK_NAME_COMPACT,
    AK_NAME_CONTENT,
    AK_NAME_ENSURE_ASCII,
    AK_NAME_REASON,
    AK_NAME_SORT_KEYS,
    AK_NAME_STATUS_CODE,
    AK_NAME_TEXT,
    AK_NAME_COUNT
};

/* Fill NAMES with new references: 0, or -1 with an exception set and NAMES
 * partly filled. */
int ak_intern_names(PyObject *names[AK_NAME_COUNT]);

#endif
