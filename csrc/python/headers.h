/* The type _core.Headers, for the other files of the binding.
 *
 * An ordered mapping that knows no case of ASCII letters in its names and keeps
 * the case of the last setting.  Names are str; a value may be any object, since
 * requests judges it only when it is sent: whoever sends must check it. */
#ifndef AK_PYTHON_HEADERS_H
#define AK_PYTHON_HEADERS_H

#include "python/state.h"

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"

/* An empty instance of the registered class; NULL with an exception set. */
PyObject *ak_headers_new(struct module_state *state); /* new */

/* What a response's HEAD (struct ak_http1_reader) says, as requests shows it:
 * decoded as latin-1, values of one name joined by ", " under the spelling that
 * came first.  NULL with an exception set. */
PyObject *ak_headers_from_head(struct module_state *state, struct ak_str head); /* new */

/* Whether OBJECT is a Headers, for which alone the functions below may be called. */
bool ak_is_headers(struct module_state *state, PyObject *object);

/* A number that is another one after each change. */
uint64_t ak_headers_generation(PyObject *headers);

/* The entry at *POSITION, which starts at 0 and moves on; false at the end.
 * NAME and VALUE are borrowed from HEADERS.  The caller holds the critical
 * section of HEADERS over the whole walk and calls no Python meanwhile. */
bool ak_headers_next(PyObject *headers, Py_ssize_t *position, PyObject **name, PyObject **value);

/* The value of NAME (a str): new reference; NULL without an exception if there
 * is none. */
PyObject *ak_headers_get(PyObject *headers, PyObject *name); /* new */

/* Set NAME, which must be a str: 0, or -1 with an exception set. */
int ak_headers_set(PyObject *headers, PyObject *name, PyObject *value);

#endif
