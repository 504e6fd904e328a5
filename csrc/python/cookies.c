/* _core.CookieJar: what apikit.cookies.CookieJar stands on.
 *
 * Names and values are bytes on their way in and latin-1 text on their way out,
 * as http.client has them.  No Python object is made or released under the lock:
 * either may run code that wants the same lock. */
#include "python/cookies.h"

#include <time.h>

#include "core/http1.h"
#include "net/global.h"
#include "net/public_suffix.h"

typedef struct {
    PyObject_HEAD
    struct ak_lock lock;
    struct ak_cookie_jar jar; /* under lock */
    bool has_lock;
} CookieJarObject;

static CookieJarObject *
as_jar(PyObject *object)
{
    return (CookieJarObject *)object;
}

struct ak_cookie_jar *
ak_cookies_lock(PyObject *cookies)
{
    ak_lock_acquire(&as_jar(cookies)->lock);
    return &as_jar(cookies)->jar;
}

void
ak_cookies_unlock(PyObject *cookies)
{
    ak_lock_release(&as_jar(cookies)->lock);
}

enum ak_status
ak_cookies_take(PyObject *cookies, const struct ak_url *url, struct ak_str head)
{
    enum ak_status status = AK_OK;
    size_t offset = 0;
    struct ak_str name, value;
    struct ak_cookie_jar *jar = ak_cookies_lock(cookies);
    while (status == AK_OK && ak_http1_next_field(head, &offset, &name, &value)) {
        if (ak_str_iequal(name, AK_STR("set-cookie"))) {
            status = ak_cookie_jar_take(jar, value, url, (int64_t)time(NULL));
        }
    }
    ak_cookies_unlock(cookies);
    return status;
}

bool
ak_is_cookies(struct module_state *state, PyObject *object)
{
    return PyObject_TypeCheck(object, state->cookies_type);
}

static PyObject *
new_cookies(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    PyObject *self = type->tp_alloc(type, 0); /* new */
    if (self == NULL) {
        return NULL;
    }
    ak_cookie_jar_init(&as_jar(self)->jar);
    as_jar(self)->jar.is_public_suffix = ak_is_public_suffix;
    if (ak_lock_init(&as_jar(self)->lock, NULL, NULL) != AK_OK) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    as_jar(self)->has_lock = true;
    return self;
}

PyObject *
ak_cookies_new(struct module_state *state)
{
    PyObject *class = ak_state_get(state, &state->cookies_class); /* new, or NULL */
    PyTypeObject *type = class != NULL ? (PyTypeObject *)class : state->cookies_type;
    PyObject *jar = new_cookies(type, NULL, NULL);
    Py_XDECREF(class);
    return jar;
}

static int
traverse_cookies(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void
dealloc_cookies(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    ak_cookie_jar_free(&as_jar(self)->jar);
    if (as_jar(self)->has_lock) {
        ak_lock_destroy(&as_jar(self)->lock);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

/* None, or NULL with the exception of STATUS. */
static PyObject *
none_or_raise(enum ak_status status)
{
    if (status == AK_NO_MEMORY) {
        return PyErr_NoMemory();
    }
    if (status != AK_OK) {
        PyErr_SetString(PyExc_ValueError,
                        "a cookie needs a name, and neither name nor value may hold ';' or control "
                        "characters such as line breaks: percent-code them");
        return NULL;
    }
    Py_RETURN_NONE;
}

static Py_ssize_t
count_cookies(PyObject *self)
{
    size_t count = ak_cookies_lock(self)->count;
    ak_cookies_unlock(self);
    return (Py_ssize_t)count;
}

static PyObject *
get_generation(PyObject *self, void *Py_UNUSED(closure))
{
    uint64_t generation = ak_cookies_lock(self)->generation;
    ak_cookies_unlock(self);
    return PyLong_FromUnsignedLongLong(generation);
}

/* EXPIRES, an int or None, as a cookie has it: 0, or -1 with an exception set. */
static int
convert_expires(PyObject *expires, int64_t *seconds)
{
    *seconds = AK_COOKIE_SESSION;
    if (expires == Py_None) {
        return 0;
    }
    *seconds = PyLong_AsLongLong(expires);
    return *seconds == -1 && PyErr_Occurred() ? -1 : 0;
}

PyDoc_STRVAR(set_doc,
             "_set($self, name, value, domain, path, expires, secure, http_only, host_only, /)\n"
             "--\n\n"
             "Set or replace one cookie; NAME and VALUE are bytes, EXPIRES seconds since the\n"
             "epoch or None.");

static PyObject *
set_cookie(PyObject *self, PyObject *args)
{
    struct ak_cookie cookie = {0};
    Py_ssize_t name_len, value_len;
    PyObject *expires; /* borrowed */
    int secure, http_only, host_only;
    if (!PyArg_ParseTuple(args, "y#y#ssOppp:_set", &cookie.name, &name_len, &cookie.value,
                          &value_len, &cookie.domain, &cookie.path, &expires, &secure, &http_only,
                          &host_only) ||
        convert_expires(expires, &cookie.expires) < 0) {
        return NULL;
    }
    if (strlen(cookie.name) != (size_t)name_len) {
        return none_or_raise(AK_BAD_HEADER);
    }
    cookie.value_len = (size_t)value_len;
    cookie.secure = secure;
    cookie.http_only = http_only;
    cookie.host_only = host_only;
    cookie.path_given = true;
    enum ak_status status = ak_cookie_jar_set(ak_cookies_lock(self), &cookie);
    ak_cookies_unlock(self);
    return none_or_raise(status);
}

PyDoc_STRVAR(remove_doc, "_remove($self, domain, path, name, /)\n--\n\n"
                         "Remove the cookies that match, NAME as bytes; None matches all.\n"
                         "How many were removed.");

static PyObject *
remove_cookies(PyObject *self, PyObject *args)
{
    const char *domain, *path, *name;
    Py_ssize_t name_len;
    if (!PyArg_ParseTuple(args, "zzz#:_remove", &domain, &path, &name, &name_len)) {
        return NULL;
    }
    if (name != NULL && strlen(name) != (size_t)name_len) {
        return PyLong_FromLong(0);
    }
    size_t removed = ak_cookie_jar_remove(ak_cookies_lock(self), domain, path, name);
    ak_cookies_unlock(self);
    return PyLong_FromSize_t(removed);
}

PyDoc_STRVAR(expire_doc, "_expire($self, now, /)\n--\n\n"
                         "Remove the cookies that are past at NOW, seconds since the epoch.");

static PyObject *
expire_cookies(PyObject *self, PyObject *now)
{
    int64_t seconds = PyLong_AsLongLong(now);
    if (seconds == -1 && PyErr_Occurred()) {
        return NULL;
    }
    ak_cookie_jar_expire(ak_cookies_lock(self), seconds);
    ak_cookies_unlock(self);
    Py_RETURN_NONE;
}

/* Parse TEXT, which is URL's: 0, or -1 with an exception set and URL empty. */
static int
parse_url(struct ak_url *url, const char *text, Py_ssize_t len)
{
    struct ak_err err;
    ak_url_init(url);
    enum ak_status status = ak_url_parse(url, ak_str_of(text, (size_t)len), &err);
    if (status == AK_NO_MEMORY) {
        PyErr_NoMemory();
    } else if (status != AK_OK) {
        PyErr_SetString(PyExc_ValueError, err.message);
    }
    return status == AK_OK ? 0 : -1;
}

PyDoc_STRVAR(take_doc, "_take($self, set_cookie, url, now, /)\n--\n\n"
                       "Take one Set-Cookie value (bytes) of an answer from URL at NOW, seconds\n"
                       "since the epoch; RFC 6265 says what is ignored.");

static PyObject *
take_cookie(PyObject *self, PyObject *args)
{
    const char *text, *address;
    Py_ssize_t text_len, address_len;
    long long now;
    struct ak_url url;
    if (!PyArg_ParseTuple(args, "y#s#L:_take", &text, &text_len, &address, &address_len, &now) ||
        parse_url(&url, address, address_len) < 0) {
        return NULL;
    }
    enum ak_status status =
        ak_cookie_jar_take(ak_cookies_lock(self), ak_str_of(text, (size_t)text_len), &url, now);
    ak_cookies_unlock(self);
    ak_url_free(&url);
    return none_or_raise(status);
}

PyDoc_STRVAR(header_doc, "_header($self, url, now, /)\n--\n\n"
                         "The Cookie header (bytes) of a request to URL at NOW; empty if none.");

static PyObject *
write_header(PyObject *self, PyObject *args)
{
    const char *address;
    Py_ssize_t address_len;
    long long now;
    struct ak_url url;
    if (!PyArg_ParseTuple(args, "s#L:_header", &address, &address_len, &now) ||
        parse_url(&url, address, address_len) < 0) {
        return NULL;
    }
    struct ak_buf out = ak_buf_make(PY_SSIZE_T_MAX);
    enum ak_status status = ak_cookie_jar_write(ak_cookies_lock(self), &url, now, &out);
    ak_cookies_unlock(self);
    ak_url_free(&url);
    PyObject *header = status == AK_OK ? PyBytes_FromStringAndSize(out.data, (Py_ssize_t)out.len)
                                       : PyErr_NoMemory();
    ak_buf_free_secret(&out);
    return header;
}

/* Copy the jar of COOKIES into TO, which is empty: 0, or -1 with an exception set. */
static int
copy_jar(struct ak_cookie_jar *to, PyObject *cookies)
{
    ak_cookie_jar_init(to);
    enum ak_status status = ak_cookie_jar_copy(to, ak_cookies_lock(cookies));
    ak_cookies_unlock(cookies);
    if (status != AK_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *
row_of(const struct ak_cookie *cookie)
{
    PyObject *expires = cookie->expires == AK_COOKIE_SESSION
                            ? Py_NewRef(Py_None)
                            : PyLong_FromLongLong(cookie->expires); /* new */
    if (expires == NULL) {
        return NULL;
    }
    PyObject *name = PyUnicode_DecodeLatin1(cookie->name, (Py_ssize_t)strlen(cookie->name), NULL);
    PyObject *value = PyUnicode_DecodeLatin1(cookie->value, (Py_ssize_t)cookie->value_len, NULL);
    PyObject *domain =
        PyUnicode_DecodeUTF8(cookie->domain, (Py_ssize_t)strlen(cookie->domain), "replace");
    PyObject *path =
        PyUnicode_DecodeUTF8(cookie->path, (Py_ssize_t)strlen(cookie->path), "replace");
    PyObject *row = NULL;
    if (name != NULL && value != NULL && domain != NULL && path != NULL) {
        row = PyTuple_Pack(
            8, name, value, domain, path, expires, cookie->secure ? Py_True : Py_False,
            cookie->http_only ? Py_True : Py_False, cookie->host_only ? Py_True : Py_False);
    }
    Py_XDECREF(name);
    Py_XDECREF(value);
    Py_XDECREF(domain);
    Py_XDECREF(path);
    Py_DECREF(expires);
    return row;
}

PyDoc_STRVAR(rows_doc, "_rows($self, /)\n--\n\n"
                       "The cookies, oldest first, each as (name, value, domain, path, expires,\n"
                       "secure, http_only, host_only).");

static PyObject *
list_rows(PyObject *self, PyObject *Py_UNUSED(args))
{
    struct ak_cookie_jar copy;
    if (copy_jar(&copy, self) < 0) {
        return NULL;
    }
    PyObject *rows = PyList_New((Py_ssize_t)copy.count); /* new */
    for (size_t i = 0; rows != NULL && i < copy.count; i++) {
        PyObject *row = row_of(&copy.cookies[i]);
        if (row == NULL) {
            Py_CLEAR(rows);
        } else {
            PyList_SET_ITEM(rows, (Py_ssize_t)i, row); /* steals */
        }
    }
    ak_cookie_jar_free(&copy);
    return rows;
}

PyDoc_STRVAR(assign_doc, "_assign($self, other, /)\n--\n\n"
                         "Hold the same cookies as OTHER, another CookieJar, and no more.");

static PyObject *
assign_cookies(PyObject *self, PyObject *other)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    if (!ak_is_cookies(state, other)) {
        PyErr_Format(PyExc_TypeError, "other must be a CookieJar, not %.100s",
                     Py_TYPE(other)->tp_name);
        return NULL;
    }
    struct ak_cookie_jar copy;
    if (copy_jar(&copy, other) < 0) {
        return NULL;
    }
    struct ak_cookie_jar *jar = ak_cookies_lock(self);
    struct ak_cookie_jar old = *jar;
    copy.generation = old.generation + 1;
    *jar = copy;
    ak_cookies_unlock(self);
    ak_cookie_jar_free(&old);
    Py_RETURN_NONE;
}

static PyMethodDef cookies_methods[] = {
    {"_set", set_cookie, METH_VARARGS, set_doc},
    {"_remove", remove_cookies, METH_VARARGS, remove_doc},
    {"_expire", expire_cookies, METH_O, expire_doc},
    {"_take", take_cookie, METH_VARARGS, take_doc},
    {"_header", write_header, METH_VARARGS, header_doc},
    {"_rows", list_rows, METH_NOARGS, rows_doc},
    {"_assign", assign_cookies, METH_O, assign_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef cookies_attributes[] = {
    {"generation", get_generation, NULL, "A number that is another one after each change.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(cookies_doc, "CookieJar(*args, **kwargs)\n--\n\n"
                          "The store behind apikit.cookies.CookieJar; starts empty.");

static PyType_Slot cookies_slots[] = {
    {Py_tp_doc, (void *)cookies_doc}, {Py_tp_new, new_cookies},
    {Py_tp_dealloc, dealloc_cookies}, {Py_tp_traverse, traverse_cookies},
    {Py_tp_methods, cookies_methods}, {Py_tp_getset, cookies_attributes},
    {Py_mp_length, count_cookies},    {0, NULL},
};

static PyType_Spec cookies_spec = {
    .name = "apikit._core.CookieJar",
    .basicsize = sizeof(CookieJarObject),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = cookies_slots,
};

int
ak_add_cookies(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    PyObject *type = PyType_FromModuleAndSpec(module, &cookies_spec, NULL); /* new */
    if (type == NULL) {
        return -1;
    }
    state->cookies_type = (PyTypeObject *)type; /* steals */
    return PyModule_AddType(module, state->cookies_type);
}
