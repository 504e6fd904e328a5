/* Critical sections, which exist from CPython 3.13: before it the GIL is all
 * that a method of one object needs. */
#ifndef AK_PYTHON_CRITICAL_H
#define AK_PYTHON_CRITICAL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef Py_BEGIN_CRITICAL_SECTION
#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION() }
#endif

#endif
