/* What threads share on an interpreter without the GIL, and the locks for it.
 *
 * Critical sections exist from CPython 3.13; before it, and wherever there is a
 * GIL, that is all that a method of one object needs.  A section is left while its
 * thread waits for another lock: between BEGIN and END no Python is called and
 * nothing is released that may run some. */
#ifndef AK_PYTHON_CRITICAL_H
#define AK_PYTHON_CRITICAL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef Py_BEGIN_CRITICAL_SECTION
#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION() }
#endif

/* The object in SLOT, a field of OWNER: new, or NULL where there is none. */
static inline PyObject *
ak_slot_get(void *owner, PyObject *const *slot)
{
    PyObject *value;
    (void)owner;
    Py_BEGIN_CRITICAL_SECTION(owner);
    value = Py_XNewRef(*slot);
    Py_END_CRITICAL_SECTION();
    return value;
}

/* Put VALUE, which is stolen and may be NULL, into SLOT of OWNER.  What was there
 * is let go afterwards. */
static inline void
ak_slot_set(void *owner, PyObject **slot, PyObject *value)
{
    PyObject *before;
    (void)owner;
    Py_BEGIN_CRITICAL_SECTION(owner);
    before = *slot;
    *slot = value;
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(before);
}

/* Put VALUE, which is stolen, into SLOT of OWNER unless another thread came first:
 * what is there now, new. */
static inline PyObject *
ak_slot_fill(void *owner, PyObject **slot, PyObject *value)
{
    PyObject *kept, *spare = NULL;
    (void)owner;
    Py_BEGIN_CRITICAL_SECTION(owner);
    if (*slot == NULL) {
        *slot = value;
    } else {
        spare = value;
    }
    kept = Py_NewRef(*slot);
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(spare);
    return kept;
}

#endif
