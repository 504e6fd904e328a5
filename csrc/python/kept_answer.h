/* An answer to GET /metadata, and the facts under which it is still the one that
 * Flask would give.  Python lays down the facts (apikit._metadata_call); here they
 * are looked at again, each by identity, before the answer is handed out. */
#ifndef AK_PYTHON_KEPT_ANSWER_H
#define AK_PYTHON_KEPT_ANSWER_H

#include "python/state.h" /* Python.h comes first */

#include <stdbool.h>

/* A class of which neither it nor a base of it has been changed. */
struct ak_type_fact {
    PyTypeObject *type;
    unsigned int version;
};

/* A dict in which every item is the one that it was.  VERSION is the dict's when that
 * was seen last: see get_version in kept_facts.c. */
struct ak_items_fact {
    PyObject *dict;
    PyObject *items; /* tuple: key, value, key, value... in the dict's order */
    uint64_t version;
};

/* One entry of a dict that is the one it was; VALUE is NULL where there was none. */
struct ak_entry_fact {
    PyObject *dict, *key, *value;
    uint64_t version;
};

/* A list or dict that has as many members as it had. */
struct ak_size_fact {
    PyObject *container;
    Py_ssize_t size;
};

/* Every pointer is a strong reference, and stays what it is once made. */
typedef struct {
    PyObject_HEAD
    PyObject *const *names; /* borrowed from the state of MODULE */
    PyObject *module;
    PyObject *status;                 /* str */
    PyObject *headers;                /* tuple of pairs */
    PyObject *body;                   /* bytes */
    PyObject *get_paths, *head_paths; /* dicts: PATH_INFO -> None */
    PyObject *unless;                 /* tuple of keys of an environ */
    PyObject *owner_dict;             /* of the application that it was kept for */
    Py_ssize_t type_count, items_count, entry_count, size_count;
    struct ak_type_fact *types;
    struct ak_items_fact *items;
    struct ak_entry_fact *entries;
    struct ak_size_fact *sizes;
} KeptAnswerObject;

/* ---- kept_facts.c ---- */

/* Lay down the facts of one kind, from a tuple as KeptAnswer() takes it: 0, or -1 with an
 * exception set.  OWNER, the application's class, must come first among the types. */
int ak_kept_answer_take_types(KeptAnswerObject *self, PyObject *types, PyTypeObject *owner);
int ak_kept_answer_take_items(KeptAnswerObject *self, PyObject *dicts);
int ak_kept_answer_take_entries(KeptAnswerObject *self, PyObject *entries);
int ak_kept_answer_take_sizes(KeptAnswerObject *self, PyObject *containers);

/* Whether all facts hold, and APP is the application that KEPT was kept for.  Runs
 * no Python code but the comparison of a key that is not a str; false with an
 * exception set if that fails. */
bool ak_kept_answer_holds(KeptAnswerObject *kept, PyObject *app);

#endif
