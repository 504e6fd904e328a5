/* The part of a login that touches the password.  A strategy in Python reads
 * the page and says which form field is which; the check of the origin and the
 * filling in happen here, so that no Python code sees the password again. */
#include "core/login_place.h"
#include "python/call.h"
#include "python/errors.h"
#include "python/session.h"

enum { MOST_PASSWORD = 16 * 1024, MOST_FORM = 1024 * 1024 };

static const char default_session_url[] = "https://github.com/session";

int
ak_session_set_password(SessionObject *self, PyObject *password)
{
    Py_ssize_t length = 0;
    const char *text = NULL;
    if (password == Py_None) {
        text = "";
    } else if (PyUnicode_Check(password)) {
        text = PyUnicode_AsUTF8AndSize(password, &length);
        if (text == NULL) {
            PyErr_Clear(); /* its text would show the password */
            PyErr_SetString(PyExc_ValueError, "the password holds a lone surrogate: it is no text");
            return -1;
        }
    } else if (PyBytes_Check(password)) {
        text = PyBytes_AS_STRING(password);
        length = PyBytes_GET_SIZE(password);
    } else {
        PyErr_Format(PyExc_TypeError, "the password must be a str or None, not %.100s",
                     Py_TYPE(password)->tp_name);
        return -1;
    }
    if (length > MOST_PASSWORD) {
        PyErr_Format(PyExc_ValueError, "the password may have %d bytes, not %zd", MOST_PASSWORD,
                     length);
        return -1;
    }
    if (ak_way_check_secret(self->way, ak_str_of(text, (size_t)length)) < 0) {
        return -1;
    }
    struct ak_buf kept = ak_buf_make(MOST_PASSWORD);
    if (ak_buf_reserve(&kept, (size_t)length) != AK_OK ||
        ak_buf_append(&kept, ak_str_of(text, (size_t)length)) != AK_OK) {
        ak_buf_free_secret(&kept);
        PyErr_NoMemory();
        return -1;
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    ak_buf_free_secret(&self->password);
    self->password = kept;
    self->has_password = length > 0;
    Py_END_CRITICAL_SECTION();
    return 0;
}

int
ak_session_copy_password(SessionObject *self, struct ak_buf *copy)
{
    enum ak_status status;
    *copy = ak_buf_make_secret(MOST_PASSWORD);
    Py_BEGIN_CRITICAL_SECTION(self);
    status = ak_buf_reserve(copy, self->password.len);
    if (status == AK_OK) {
        status = ak_buf_append(copy, ak_buf_str(&self->password));
    }
    Py_END_CRITICAL_SECTION();
    return status == AK_OK ? 0 : ak_raise_no_memory();
}

PyObject *
ak_session_password_method(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"password", NULL};
    PyObject *password; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:set_oauth2_password", keywords, &password)) {
        return NULL;
    }
    if (ak_session_set_password((SessionObject *)self, password) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- where the password may go ---- */

static int
refuse(const char *why)
{
    PyErr_Format(PyExc_ValueError, "the login form was not sent: %s", why);
    return -1;
}

/* ACTION and PAGE belong to the origin that is CONFIGURED for the login, and
 * nobody can listen on the way: 0, or -1 with ValueError. */
static int
check_places(const struct ak_url *configured, enum ak_place_rule rule, const struct ak_url *action,
             const struct ak_url *page)
{
    if (!ak_login_place_holds(configured, rule, action)) {
        return refuse("its action leads to another origin or path than authentication_session_url");
    }
    if (!ak_login_place_holds(configured, rule, page)) {
        return refuse("its page came from another origin or path than authentication_session_url");
    }
    if (!ak_login_place_is_private(configured)) {
        return refuse("a password goes over https only: set authentication_session_url to an "
                      "https:// URL");
    }
    return 0;
}

static int
check_origins(SessionObject *self, const struct ak_url *action, PyObject *page)
{
    struct ak_url configured, page_url;
    ak_url_init(&configured);
    ak_url_init(&page_url);
    enum ak_place_rule rule = AK_PLACE_ORIGIN;
    PyObject *place = ak_session_setting(self, &self->session_url); /* new */
    if (self->way == AK_WAY_FORM) {
        rule = place == Py_None ? AK_PLACE_ORIGIN : AK_PLACE_BELOW_PATH;
        if (place == Py_None) {
            Py_SETREF(place, ak_session_setting(self, &self->base_url));
        }
    }
    int result = place == Py_None ? ak_parse_url(&configured, ak_str_from(default_session_url))
                                  : ak_parse_url_object(&configured, place);
    if (result == 0) {
        result = ak_parse_url_object(&page_url, page);
    }
    if (result == 0) {
        result = check_places(&configured, rule, action, &page_url);
    }
    Py_DECREF(place);
    ak_url_free(&configured);
    ak_url_free(&page_url);
    return result;
}

/* What the session sends to its services is nothing for a provider elsewhere:
 * *credentials says so unless ACTION belongs to the base URL.  0 or -1. */
static int
judge_credentials(SessionObject *self, PyObject *action, enum ak_credentials *credentials)
{
    struct ak_url urls[2];
    ak_url_init(&urls[0]);
    ak_url_init(&urls[1]);
    PyObject *base_url = ak_session_setting(self, &self->base_url); /* new */
    int result = ak_parse_url_object(&urls[0], action);
    if (result == 0) {
        result = ak_parse_url_object(&urls[1], base_url);
    }
    if (result == 0 && !ak_url_same_origin(&urls[0], &urls[1])) {
        *credentials = AK_CREDENTIALS_WITHHELD;
    }
    Py_DECREF(base_url);
    ak_url_free(&urls[0]);
    ak_url_free(&urls[1]);
    return result;
}

/* ---- the form ---- */

/* TEXT (a str) as UTF-8 that lives as long as it does. */
static int
utf8_of(PyObject *text, struct ak_str *bytes)
{
    Py_ssize_t length;
    const char *utf8 = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
    if (utf8 == NULL) {
        PyErr_Clear();
        PyErr_SetString(PyExc_ValueError, "a login form's fields and the user name must be text");
        return -1;
    }
    *bytes = ak_str_of(utf8, (size_t)length);
    return 0;
}

struct login_form {
    PyObject *fields; /* a tuple of pairs (name, value) */
    Py_ssize_t username_index, password_index;
    PyObject *username;
    struct ak_buf password; /* a secret */
};

static int
field_value(const struct login_form *form, Py_ssize_t index, PyObject *value, struct ak_str *text)
{
    if (index == form->password_index) {
        *text = ak_buf_str(&form->password);
        return 0;
    }
    if (index == form->username_index) {
        value = form->username;
    }
    if (value == Py_None) {
        *text = ak_str_of("", 0);
        return 0;
    }
    return utf8_of(value, text);
}

/* Twice over the fields: to learn the size, so that the buffer never grows and
 * leaves a copy behind, then to write. */
static int
write_form(const struct login_form *form, struct ak_buf *out)
{
    for (int writing = 0; writing < 2; writing++) {
        size_t size = 0;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(form->fields); i++) {
            PyObject *name, *value; /* borrowed from fields */
            struct ak_str name_text, value_text;
            if (!PyArg_ParseTuple(PyTuple_GET_ITEM(form->fields, i), "OO;a field is a pair", &name,
                                  &value) ||
                utf8_of(name, &name_text) < 0 || field_value(form, i, value, &value_text) < 0) {
                return -1;
            }
            size += 2 + 3 * (name_text.len + value_text.len);
            if (writing && ak_url_append_form_pair(out, name_text, value_text) != AK_OK) {
                PyErr_NoMemory();
                return -1;
            }
        }
        if (!writing && ak_buf_reserve(out, size) != AK_OK) {
            PyErr_SetString(PyExc_ValueError, "the login form is too large to be sent");
            return -1;
        }
    }
    return 0;
}

/* The call is checked when it is complete: a callable auth may change its URL. */
static int
fill_in(SessionObject *self, struct ak_call *call, PyObject *page, const struct login_form *form)
{
    call->withheld |= AK_FIELD_TYPE; /* the session's may be that of its services */
    Py_XSETREF(call->content_type, PyUnicode_FromString("application/x-www-form-urlencoded"));
    call->secret_body = ak_buf_make(MOST_FORM);
    if (call->content_type == NULL || ak_call_set_body(call, Py_None) < 0 ||
        check_origins(self, &call->url, page) < 0) {
        return -1;
    }
    return write_form(form, &call->secret_body);
}

static struct ak_call *
make_call(SessionObject *self, struct ak_arguments *arguments, PyObject *page,
          const struct login_form *form)
{
    struct module_state *state = ak_state_of_type(Py_TYPE(self));
    PyObject *action = arguments->values[AK_ARG_URL];
    if (state == NULL || judge_credentials(self, action, &arguments->credentials) < 0) {
        return NULL;
    }
    arguments->values[AK_ARG_METHOD] = state->names[AK_NAME_VERB_POST];
    struct ak_call *call = ak_call_new(self, arguments);
    if (call != NULL && fill_in(self, call, page, form) < 0) {
        ak_call_free(call);
        return NULL;
    }
    return call;
}

/* What the form needs of the session and of FIELDS, a list: 0 or -1, and either way
 * the caller drops it. */
static int
take_form(SessionObject *self, PyObject *fields, struct login_form *form)
{
    form->fields = PyList_AsTuple(fields);
    form->username = ak_session_setting(self, &self->username);
    int result = ak_session_copy_password(self, &form->password);
    return form->fields == NULL ? -1 : result;
}

static void
drop_form(struct login_form *form)
{
    Py_XDECREF(form->fields);
    Py_XDECREF(form->username);
    ak_buf_free_secret(&form->password);
}

PyObject *
ak_session_submit_login(PyObject *object, PyObject *args)
{
    SessionObject *self = (SessionObject *)object;
    PyObject *page, *fields; /* borrowed */
    struct login_form form;
    struct ak_arguments arguments = {.credentials = AK_CREDENTIALS_SENT, .purpose = AK_FOR_LOGIN};
    long long deadline;
    if (!PyArg_ParseTuple(args, "UUO!nnOL:_submit_login", &arguments.values[AK_ARG_URL], &page,
                          &PyList_Type, &fields, &form.username_index, &form.password_index,
                          &arguments.jar, &deadline) ||
        ak_check_jar(self, arguments.jar) < 0) {
        return NULL;
    }
    arguments.deadline_at = deadline;
    if (!ak_session_is_made(self)) {
        PyErr_SetString(PyExc_RuntimeError, "Session.__init__ was not called");
        return NULL;
    }
    struct ak_call *call = NULL;
    if (take_form(self, fields, &form) == 0) {
        call = make_call(self, &arguments, page, &form);
    }
    drop_form(&form);
    return call == NULL ? NULL : ak_call_run(call);
}
