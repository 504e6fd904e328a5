#include "python/headers_store.h"

#include "core/http1.h"
#include "python/critical.h"

enum { SMALLEST_CAPACITY = 8 };

static Py_UCS4
fold(Py_UCS4 c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* FNV-1a over the folded code points. */
static uint64_t
hash_name(PyObject *name)
{
    int kind = PyUnicode_KIND(name);
    const void *data = PyUnicode_DATA(name);
    uint64_t hash = 0xcbf29ce484222325u;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(name); i++) {
        hash = (hash ^ fold(PyUnicode_READ(kind, data, i))) * 0x100000001b3u;
    }
    return hash;
}

static bool
same_name(PyObject *a, PyObject *b)
{
    if (a == b) {
        return true;
    }
    if (PyUnicode_GET_LENGTH(a) != PyUnicode_GET_LENGTH(b)) {
        return false;
    }
    int kind_a = PyUnicode_KIND(a), kind_b = PyUnicode_KIND(b);
    const void *data_a = PyUnicode_DATA(a), *data_b = PyUnicode_DATA(b);
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(a); i++) {
        if (fold(PyUnicode_READ(kind_a, data_a, i)) != fold(PyUnicode_READ(kind_b, data_b, i))) {
            return false;
        }
    }
    return true;
}

struct ak_header_entry *
ak_headers_find_locked(HeadersObject *self, PyObject *name)
{
    uint64_t hash = hash_name(name);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        struct ak_header_entry *entry = &self->entries[i];
        if (entry->hash == hash && same_name(entry->name, name)) {
            return entry;
        }
    }
    return NULL;
}

static int
grow_locked(HeadersObject *self)
{
    if (self->count < self->capacity) {
        return 0;
    }
    Py_ssize_t capacity =
        self->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : self->capacity * 2;
    if ((size_t)capacity > PY_SSIZE_T_MAX / sizeof(struct ak_header_entry)) {
        PyErr_NoMemory();
        return -1;
    }
    struct ak_header_entry *entries =
        PyMem_Realloc(self->entries, (size_t)capacity * sizeof(*entries));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->entries = entries;
    self->capacity = capacity;
    return 0;
}

int
ak_headers_set_locked(HeadersObject *self, PyObject *name, PyObject *value,
                      struct ak_header_entry *old)
{
    struct ak_header_entry *entry = ak_headers_find_locked(self, name);
    *old = (struct ak_header_entry){NULL, NULL, 0};
    if (entry != NULL) {
        *old = *entry;
    } else {
        if (grow_locked(self) < 0) {
            return -1;
        }
        entry = &self->entries[self->count++];
    }
    *entry = (struct ak_header_entry){Py_NewRef(name), Py_NewRef(value), hash_name(name)};
    self->generation++;
    return 0;
}

bool
ak_headers_remove_locked(HeadersObject *self, PyObject *name, struct ak_header_entry *old)
{
    struct ak_header_entry *entry = ak_headers_find_locked(self, name);
    if (entry == NULL) {
        return false;
    }
    *old = *entry;
    self->count--;
    Py_ssize_t index = entry - self->entries;
    memmove(entry, entry + 1, (size_t)(self->count - index) * sizeof(*entry));
    self->generation++;
    return true;
}

void
ak_header_entry_release(struct ak_header_entry *entry)
{
    Py_XDECREF(entry->name);
    Py_XDECREF(entry->value);
}

int
ak_headers_reserve(HeadersObject *self, Py_ssize_t count)
{
    self->entries = PyMem_New(struct ak_header_entry, count);
    if (self->entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->capacity = count;
    return 0;
}

bool
ak_headers_copy_locked(HeadersObject *self, const HeadersObject *from)
{
    if (from->count > self->capacity) {
        return false;
    }
    for (Py_ssize_t i = 0; i < from->count; i++) {
        const struct ak_header_entry *entry = &from->entries[i];
        self->entries[i] =
            (struct ak_header_entry){Py_NewRef(entry->name), Py_NewRef(entry->value), entry->hash};
    }
    self->count = from->count;
    return true;
}

bool
ak_is_headers(struct module_state *state, PyObject *object)
{
    return PyObject_TypeCheck(object, state->headers_type);
}

uint64_t
ak_headers_generation(PyObject *headers)
{
    return ak_as_headers(headers)->generation;
}

bool
ak_headers_next(PyObject *headers, Py_ssize_t *position, PyObject **name, PyObject **value)
{
    HeadersObject *self = ak_as_headers(headers);
    if (*position >= self->count) {
        return false;
    }
    const struct ak_header_entry *entry = &self->entries[(*position)++];
    *name = entry->name;
    *value = entry->value;
    return true;
}

PyObject *
ak_headers_get(PyObject *headers, PyObject *name)
{
    PyObject *value;
    Py_BEGIN_CRITICAL_SECTION(headers);
    struct ak_header_entry *entry = ak_headers_find_locked(ak_as_headers(headers), name);
    value = entry == NULL ? NULL : Py_NewRef(entry->value);
    Py_END_CRITICAL_SECTION();
    return value;
}

int
ak_headers_set(PyObject *headers, PyObject *name, PyObject *value)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a header's name must be a str such as 'Accept', not %.100s",
                     Py_TYPE(name)->tp_name);
        return -1;
    }
    struct ak_header_entry old;
    int result;
    Py_BEGIN_CRITICAL_SECTION(headers);
    result = ak_headers_set_locked(ak_as_headers(headers), name, value, &old);
    Py_END_CRITICAL_SECTION();
    ak_header_entry_release(&old);
    return result;
}

PyObject *
ak_headers_new(struct module_state *state)
{
    PyObject *class = ak_state_get(state, &state->headers_class); /* new, or NULL */
    PyTypeObject *type = class != NULL ? (PyTypeObject *)class : state->headers_type;
    PyObject *headers = type->tp_alloc(type, 0);
    Py_XDECREF(class);
    return headers;
}

/* Add one field of a response's head to SELF, which nobody else knows yet. */
static int
add_field(HeadersObject *self, struct ak_str name, struct ak_str value)
{
    int result = -1;
    struct ak_header_entry old = {NULL, NULL, 0};
    PyObject *key = PyUnicode_DecodeLatin1(name.ptr, (Py_ssize_t)name.len, NULL);    /* new */
    PyObject *text = PyUnicode_DecodeLatin1(value.ptr, (Py_ssize_t)value.len, NULL); /* new */
    if (key == NULL || text == NULL) {
        goto done;
    }
    struct ak_header_entry *first = ak_headers_find_locked(self, key);
    if (first != NULL) {
        Py_SETREF(text, PyUnicode_FromFormat("%U, %U", first->value, text));
        if (text == NULL) {
            goto done;
        }
    }
    result = ak_headers_set_locked(self, first == NULL ? key : first->name, text, &old);
done:
    ak_header_entry_release(&old);
    Py_XDECREF(key);
    Py_XDECREF(text);
    return result;
}

PyObject *
ak_headers_from_head(struct module_state *state, struct ak_str head)
{
    PyObject *self = ak_headers_new(state);
    size_t offset = 0;
    struct ak_str name, value;
    while (self != NULL && ak_http1_next_field(head, &offset, &name, &value)) {
        if (add_field(ak_as_headers(self), name, value) < 0) {
            Py_CLEAR(self);
        }
    }
    return self;
}
