/* How a BackendError is made; for the file of the type only. */
#ifndef AK_PYTHON_BACKEND_ERROR_H
#define AK_PYTHON_BACKEND_ERROR_H

#include "python/state.h"

static inline PyTypeObject *
ak_base_exception_type(void)
{
    return (PyTypeObject *)PyExc_BaseException;
}

/* tp_init: for subclasses, and for whoever calls __init__ by name. */
int ak_init_backend_error(PyObject *self, PyObject *args, PyObject *kwargs);

/* tp_vectorcall of the type itself, which subclasses do not inherit: the same
 * result without a tuple and a dict for the arguments. */
PyObject *ak_call_backend_error(PyObject *type, PyObject *const *args, size_t nargsf,
                                PyObject *keywords);

#endif
