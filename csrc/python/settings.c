/* The settings of a Session that are more than an object: numbers of seconds
 * and of bytes. */
#include <math.h>

#include "python/session.h"

static const double longest = 1e9; /* seconds: what is longer is for ever */

/* OBJECT as seconds above 0; *seconds is 0 for None and for ever. */
static int
seconds_from(PyObject *object, const char *name, double *seconds)
{
    *seconds = 0;
    if (object == Py_None) {
        return 0;
    }
    if (PyBool_Check(object) || !PyNumber_Check(object)) {
        PyErr_Format(PyExc_ValueError, "%s must be a number of seconds above 0 or None, not %.100s",
                     name, Py_TYPE(object)->tp_name);
        return -1;
    }
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    if (isnan(value) || value <= 0) {
        PyErr_Format(PyExc_ValueError, "%s must be a number of seconds above 0 or None, not %R",
                     name, object);
        return -1;
    }
    *seconds = value < longest ? value : 0;
    return 0;
}

int
ak_nanoseconds_from(PyObject *object, const char *name, int64_t *nanoseconds)
{
    double seconds;
    if (seconds_from(object, name, &seconds) < 0) {
        return -1;
    }
    *nanoseconds = (int64_t)(seconds * 1e9);
    return 0;
}

/* The parts of OBJECT when it is a pair, else OBJECT twice; borrowed. */
static int
split_timeout(PyObject *object, PyObject **connect, PyObject **read)
{
    *connect = *read = object;
    if (!PyTuple_Check(object)) {
        return 0;
    }
    if (PyTuple_GET_SIZE(object) != 2) {
        PyErr_Format(PyExc_ValueError,
                     "timeout must be seconds, a pair (connect, read) or None, not a tuple of %zd",
                     PyTuple_GET_SIZE(object));
        return -1;
    }
    *connect = PyTuple_GET_ITEM(object, 0);
    *read = PyTuple_GET_ITEM(object, 1);
    return 0;
}

int
ak_timeout_from(PyObject *object, struct ak_timeout *timeout)
{
    PyObject *connect, *read;
    double connect_seconds, read_seconds;
    if (split_timeout(object, &connect, &read) < 0 ||
        seconds_from(connect, "timeout", &connect_seconds) < 0 ||
        seconds_from(read, "timeout", &read_seconds) < 0) {
        return -1;
    }
    long milliseconds = (long)ceil(connect_seconds * 1e3);
    timeout->connect_ms = milliseconds;
    timeout->read = (int64_t)(read_seconds * 1e9);
    return 0;
}
