#include "python/environ.h"

#include <pthread.h>
#include <stddef.h>

#include "core/alloc.h"
#include "core/str.h"
#include "net/global.h"

enum variable {
    HTTP_LOWER,
    HTTPS_LOWER,
    ALL_LOWER,
    NO_LOWER,
    HTTP_UPPER,
    HTTPS_UPPER,
    ALL_UPPER,
    NO_UPPER,
    REQUESTS_CA,
    CURL_CA,
    CGI_METHOD,
    VARIABLE_COUNT
};

static const struct ak_str names[VARIABLE_COUNT] = {
    [HTTP_LOWER] = {"http_proxy=", 11},
    [HTTPS_LOWER] = {"https_proxy=", 12},
    [ALL_LOWER] = {"all_proxy=", 10},
    [NO_LOWER] = {"no_proxy=", 9},
    [HTTP_UPPER] = {"HTTP_PROXY=", 11},
    [HTTPS_UPPER] = {"HTTPS_PROXY=", 12},
    [ALL_UPPER] = {"ALL_PROXY=", 10},
    [NO_UPPER] = {"NO_PROXY=", 9},
    [REQUESTS_CA] = {"REQUESTS_CA_BUNDLE=", 19},
    [CURL_CA] = {"CURL_CA_BUNDLE=", 15},
    [CGI_METHOD] = {"REQUEST_METHOD=", 15},
};

/* The first value that is set and not empty. */
static const char *
either(const char *first, const char *second)
{
    if (first != NULL && first[0] != '\0') {
        return first;
    }
    return second != NULL && second[0] != '\0' ? second : NULL;
}

#ifdef Py_GIL_DISABLED

/* The dict of bytes under os.environ: new, or NULL with an exception. */
static PyObject *
find_dict(void)
{
    PyObject *module = PyImport_ImportModule("os");                                        /* new */
    PyObject *mapping = module == NULL ? NULL : PyObject_GetAttrString(module, "environ"); /* new */
    PyObject *dict = mapping == NULL ? NULL : PyObject_GetAttrString(mapping, "_data");    /* new */
    Py_XDECREF(module);
    Py_XDECREF(mapping);
    if (dict != NULL && !PyDict_Check(dict)) {
        PyErr_SetString(PyExc_TypeError, "os.environ is not the mapping that Python makes");
        Py_CLEAR(dict);
    }
    return dict;
}

/* Look NAME up, which ends with "="; OWNER, a list, gets the text: 0 or -1. */
static int
look_up(PyObject *dict, struct ak_str name, PyObject *owner, const char **value)
{
    PyObject *text = NULL;                                                         /* new */
    PyObject *key = PyBytes_FromStringAndSize(name.ptr, (Py_ssize_t)name.len - 1); /* new */
    int result = key == NULL ? -1 : PyDict_GetItemRef(dict, key, &text);
    if (result > 0 && PyBytes_Check(text)) {
        *value = PyBytes_AS_STRING(text);
        result = PyList_Append(owner, text);
    }
    Py_XDECREF(key);
    Py_XDECREF(text);
    return result < 0 ? -1 : 0;
}

static int
find_values(const char *values[VARIABLE_COUNT], PyObject **owner)
{
    PyObject *dict = find_dict(); /* new */
    *owner = dict == NULL ? NULL : PyList_New(0);
    int result = *owner == NULL ? -1 : 0;
    for (size_t i = 0; result == 0 && i < VARIABLE_COUNT; i++) {
        result = look_up(dict, names[i], *owner, &values[i]);
    }
    Py_XDECREF(dict);
    return result;
}

#else

extern char **environ;

/* Whether a variable that begins with these two letters may be one of ours: of
 * a thousand hardly any is looked at twice. */
static inline bool
may_matter(const char *entry)
{
    switch (entry[0]) {
    case 'h':
        return entry[1] == 't';
    case 'H':
        return entry[1] == 'T';
    case 'a':
        return entry[1] == 'l';
    case 'A':
        return entry[1] == 'L';
    case 'n':
        return entry[1] == 'o';
    case 'N':
        return entry[1] == 'O';
    case 'R':
        return entry[1] == 'E' && entry[2] == 'Q';
    case 'C':
        return entry[1] == 'U' && entry[2] == 'R';
    default:
        return false;
    }
}

static void
note_variable(const char *entry, const char *values[VARIABLE_COUNT])
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (values[i] == NULL && strncmp(entry, names[i].ptr, names[i].len) == 0) {
            values[i] = entry + names[i].len;
            return;
        }
    }
}

static void
scan(const char *values[VARIABLE_COUNT])
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (may_matter(*entry)) {
            note_variable(*entry, values);
        }
    }
}

#ifdef __GLIBC__

/* What the last walk found, and the pointers that it went by.  The strings of a
 * thousand variables are in no cache of the processor, their pointers are, and
 * glibc never frees nor writes to a string that setenv made: the same pointers
 * are the same variables. */
static struct {
    pthread_once_t once;
    enum ak_status status;
    struct ak_lock lock;
    char **entries; /* environ's, with its NULL; NULL before the first walk */
    const char *values[VARIABLE_COUNT];
} last = {.once = PTHREAD_ONCE_INIT};

static void
init_last(void)
{
    last.status = ak_lock_init(&last.lock, NULL, NULL);
}

static bool
is_unchanged_locked(void)
{
    if (last.entries == NULL || environ == NULL) {
        return false;
    }
    size_t i = 0;
    while (last.entries[i] == environ[i]) {
        if (environ[i] == NULL) {
            return true;
        }
        i++;
    }
    return false;
}

static void
remember_locked(void)
{
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    ak_free(last.entries);
    last.entries = ak_calloc(count + 1, sizeof(*last.entries));
    if (last.entries != NULL && count > 0) { /* without memory the next walk is a whole one */
        memcpy(last.entries, environ, count * sizeof(*last.entries));
    }
}

static void
walk(const char *values[VARIABLE_COUNT])
{
    pthread_once(&last.once, init_last);
    if (last.status != AK_OK) {
        scan(values);
        return;
    }
    ak_lock_acquire(&last.lock);
    if (!is_unchanged_locked()) {
        memset(last.values, 0, sizeof(last.values));
        scan(last.values);
        remember_locked();
    }
    memcpy(values, last.values, sizeof(last.values));
    ak_lock_release(&last.lock);
}

#else

/* Other C libraries free a variable that is set anew, and its address may come
 * again. */
static void
walk(const char *values[VARIABLE_COUNT])
{
    scan(values);
}

#endif

static int
find_values(const char *values[VARIABLE_COUNT], PyObject **owner)
{
    *owner = NULL;
    walk(values);
    return 0;
}

#endif

int
ak_environ_read(struct ak_environ *environment)
{
    const char *values[VARIABLE_COUNT] = {NULL};
    PyObject *owner;
    int result = find_values(values, &owner);
    *environment = (struct ak_environ){
        .owner = owner,
        .http_proxy = either(values[HTTP_LOWER], values[CGI_METHOD] ? NULL : values[HTTP_UPPER]),
        .https_proxy = either(values[HTTPS_LOWER], values[HTTPS_UPPER]),
        .all_proxy = either(values[ALL_LOWER], values[ALL_UPPER]),
        .no_proxy = either(values[NO_LOWER], values[NO_UPPER]),
        .requests_ca_bundle = either(values[REQUESTS_CA], NULL),
        .curl_ca_bundle = either(values[CURL_CA], NULL),
    };
    return result;
}
