/* From an ak_err to a Python exception: the only place that raises the classes
 * of apikit.errors. */
#ifndef AK_PYTHON_ERRORS_H
#define AK_PYTHON_ERRORS_H

#include "python/state.h" /* Python.h comes first */

#include "core/status.h"

/* Raise what ERR stands for, with REQUEST and RESPONSE (borrowed, each may be
 * NULL) as the exception's attributes.  Always NULL. */
PyObject *ak_raise(const struct ak_err *err, PyObject *request, PyObject *response);

/* Raise the class of apikit.errors called NAME.  Always NULL. */
PyObject *ak_raise_named(const char *name, const char *message, PyObject *request,
                         PyObject *response);

/* The exception that is set, as an object that may be NULL: new; it is no longer set. */
PyObject *ak_take_exception(void);
/* Set it again; steals EXCEPTION. */
void ak_raise_again(PyObject *exception);

/* MemoryError; always -1. */
static inline int
ak_raise_no_memory(void)
{
    PyErr_NoMemory();
    return -1;
}

#endif
