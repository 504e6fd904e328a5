/* Inside headers*.c only: the entries of a Headers.
 *
 * A linear array, oldest first: messages have few fields, and a hash of the
 * folded name decides nearly every comparison.  As all that end in _locked: the
 * caller holds the critical section of the object, or nobody else knows it yet.
 * What a change displaces is handed to the caller, to be released outside of the
 * critical section, because releasing may run any Python code. */
#ifndef AK_PYTHON_HEADERS_STORE_H
#define AK_PYTHON_HEADERS_STORE_H

#include "python/headers.h"

#include <stdatomic.h>

struct ak_header_entry {
    PyObject *name, *value; /* strong, or both NULL */
    uint64_t hash;          /* of the folded name */
};

typedef struct {
    PyObject_HEAD
    struct ak_header_entry *entries;
    Py_ssize_t count, capacity;
    _Atomic uint64_t generation;
} HeadersObject;

static inline HeadersObject *
ak_as_headers(PyObject *object)
{
    return (HeadersObject *)object;
}

/* The entry of NAME, a str, or NULL; good until the next change. */
struct ak_header_entry *ak_headers_find_locked(HeadersObject *self, PyObject *name);

/* Set NAME, a str; what it replaces goes to OLD: 0, or -1 with an exception set. */
int ak_headers_set_locked(HeadersObject *self, PyObject *name, PyObject *value,
                          struct ak_header_entry *old);

/* Take NAME, a str, out and into OLD; false if there is none. */
bool ak_headers_remove_locked(HeadersObject *self, PyObject *name, struct ak_header_entry *old);

/* Room for COUNT entries in SELF, which has none: 0, or -1 with an exception set. */
int ak_headers_reserve(HeadersObject *self, Py_ssize_t count);

/* Copy the entries of FROM to SELF, which is empty; false if they are more than
 * SELF has room for. */
bool ak_headers_copy_locked(HeadersObject *self, const HeadersObject *from);

void ak_header_entry_release(struct ak_header_entry *entry);

#endif
