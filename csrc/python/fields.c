/* The head of a request: from Headers, body, cookies and credentials to bytes.
 * No byte gets there unchecked. */
#include <time.h>

#include "python/call.h"
#include "python/cookies.h"
#include "python/critical.h"
#include "python/errors.h"
#include "python/headers.h"

struct field_name {
    struct ak_str name;
    enum ak_field_class bit;
};

static const struct field_name field_names[] = {
    {{"host", 4}, AK_FIELD_HOST},
    {{"cookie", 6}, AK_FIELD_COOKIE},
    {{"content-type", 12}, AK_FIELD_TYPE},
    {{"authorization", 13}, AK_FIELD_AUTHORIZATION},
    {{"content-length", 14}, AK_FIELD_LENGTH},
    {{"transfer-encoding", 17}, AK_FIELD_TRANSFER},
    {{"proxy-authorization", 19}, AK_FIELD_PROXY_AUTHORIZATION},
};

static unsigned
classify(struct ak_str name)
{
    for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
        if (ak_str_iequal(name, field_names[i].name)) {
            return field_names[i].bit;
        }
    }
    return 0;
}

/* TEXT's bytes on the wire: latin-1, as HTTP has it (RFC 9110, 5.5).  *OWNER
 * keeps them alive and is a new reference. */
static int
wire_bytes(PyObject *text, const char *what, PyObject **owner, struct ak_str *bytes)
{
    if (PyUnicode_Check(text) && PyUnicode_IS_ASCII(text)) {
        *owner = Py_NewRef(text);
        *bytes =
            ak_str_of((const char *)PyUnicode_1BYTE_DATA(text), (size_t)PyUnicode_GET_LENGTH(text));
        return 0;
    }
    if (PyUnicode_Check(text)) {
        *owner = PyUnicode_AsLatin1String(text);
        if (*owner == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            PyErr_Clear();
            ak_raise_named("InvalidHeader",
                           "a header holds characters beyond latin-1: encode its value to bytes "
                           "first",
                           NULL, NULL);
        }
    } else if (PyBytes_Check(text)) {
        *owner = Py_NewRef(text);
    } else {
        struct ak_err err;
        (void)ak_fail(&err, AK_BAD_HEADER, "a header's %s must be str or bytes, not %.100s", what,
                      Py_TYPE(text)->tp_name);
        ak_raise(&err, NULL, NULL);
        *owner = NULL;
    }
    if (*owner == NULL) {
        return -1;
    }
    *bytes = ak_str_of(PyBytes_AS_STRING(*owner), (size_t)PyBytes_GET_SIZE(*owner));
    return 0;
}

/* A head grows by redirects and cookies too: too large a one is no want of memory. */
static int
raise_growth(enum ak_status status)
{
    struct ak_err err;
    if (status != AK_TOO_LARGE) {
        PyErr_NoMemory();
        return -1;
    }
    (void)ak_fail(&err, AK_BAD_HEADER,
                  "the head of the request would be too large to be sent: URL, headers and cookies "
                  "may have 1 MiB together, a session's headers 256 KiB");
    ak_raise(&err, NULL, NULL);
    return -1;
}

static int
raise_status(enum ak_status status, const struct ak_err *err)
{
    if (status != AK_BAD_HEADER) {
        return raise_growth(status);
    }
    ak_raise(err, NULL, NULL);
    return -1;
}

static int
write_field(PyObject *name, PyObject *value, unsigned skip, unsigned *seen, struct ak_buf *out)
{
    PyObject *name_owner, *value_owner = NULL;
    struct ak_str name_bytes, value_bytes;
    if (wire_bytes(name, "name", &name_owner, &name_bytes) < 0) {
        return -1;
    }
    int result = -1;
    unsigned bit = classify(name_bytes);
    if ((bit & skip) != 0) {
        result = 0;
        goto done;
    }
    if (wire_bytes(value, "value", &value_owner, &value_bytes) < 0) {
        goto done;
    }
    struct ak_err err;
    enum ak_status status = ak_http1_check_field(name_bytes, value_bytes, &err);
    if (status == AK_OK) {
        status = ak_http1_append_field(out, name_bytes, value_bytes);
    }
    if (status != AK_OK) {
        raise_status(status, &err);
        goto done;
    }
    *seen |= bit;
    result = 0;
done:
    Py_DECREF(name_owner);
    Py_XDECREF(value_owner);
    return result;
}

int
ak_write_fields(PyObject *headers, unsigned skip, unsigned *seen, struct ak_buf *out)
{
    int result = 0;
    Py_ssize_t position = 0;
    PyObject *name, *value;
    Py_BEGIN_CRITICAL_SECTION(headers);
    while (result == 0 && ak_headers_next(headers, &position, &name, &value)) {
        if (value != Py_None) { /* None removes a default */
            Py_INCREF(name);
            Py_INCREF(value);
            result = write_field(name, value, skip, seen, out);
            Py_DECREF(name);
            Py_DECREF(value);
        }
    }
    Py_END_CRITICAL_SECTION();
    return result;
}

/* Write HEADERS for the session to keep.  It takes them over all at once: to let
 * the headers before them go may run any code, another call too. */
static int
renew_session_fields(SessionObject *session, PyObject *headers)
{
    uint64_t generation = ak_headers_generation(headers);
    struct ak_buf fields = ak_buf_make_secret(session->fields.max);
    unsigned seen = 0;
    if (ak_write_fields(headers, AK_FIELDS_FRAMING, &seen, &fields) < 0) {
        ak_buf_free_secret(&fields);
        return -1;
    }
    PyObject *before;
    Py_BEGIN_CRITICAL_SECTION(session);
    ak_buf_free_secret(&session->fields);
    session->fields = fields;
    session->fields_seen = seen;
    session->fields_generation = generation;
    before = session->fields_of;
    session->fields_of = Py_NewRef(headers);
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(before);
    return 0;
}

enum kept_fields { FIELDS_APPENDED, FIELDS_OUTDATED, FIELDS_UNFIT };

/* Append what the session has kept of HEADERS, if it still stands for them and has
 * nothing that is to be skipped; *STATUS says how that went. */
static enum kept_fields
append_kept_fields(SessionObject *session, PyObject *headers, unsigned skip, unsigned *seen,
                   struct ak_buf *out, enum ak_status *status)
{
    enum kept_fields found = FIELDS_APPENDED;
    *status = AK_OK;
    Py_BEGIN_CRITICAL_SECTION(session);
    if (session->fields_of != headers ||
        session->fields_generation != ak_headers_generation(headers)) {
        found = FIELDS_OUTDATED;
    } else if ((session->fields_seen & skip) != 0) {
        found = FIELDS_UNFIT;
    } else {
        *seen |= session->fields_seen;
        *status = ak_buf_append(out, ak_buf_str(&session->fields));
    }
    Py_END_CRITICAL_SECTION();
    return found;
}

/* HEADERS, the session's own, made into text again only when they have changed. */
static int
append_session_fields(SessionObject *session, PyObject *headers, unsigned skip, unsigned *seen,
                      struct ak_buf *out)
{
    enum ak_status status;
    enum kept_fields found = append_kept_fields(session, headers, skip, seen, out, &status);
    if (found == FIELDS_OUTDATED) {
        if (renew_session_fields(session, headers) < 0) {
            return -1;
        }
        found = append_kept_fields(session, headers, skip, seen, out, &status);
    }
    if (found != FIELDS_APPENDED) { /* or another thread has changed them meanwhile */
        return ak_write_fields(headers, skip, seen, out);
    }
    return status == AK_OK ? 0 : raise_growth(status);
}

/* ---- cookies ---- */

static enum ak_status
append_cookie(PyObject *jar, const struct ak_url *url, struct ak_buf *out)
{
    struct ak_cookie_jar *cookies = ak_cookies_lock(jar);
    size_t start = out->len;
    enum ak_status status = AK_OK;
    if (cookies->count > 0) {
        status = ak_buf_append(out, AK_STR("Cookie: "));
        size_t empty = out->len;
        if (status == AK_OK) {
            status = ak_cookie_jar_write(cookies, url, (int64_t)time(NULL), out);
        }
        if (status == AK_OK && out->len == empty) {
            out->len = start;
        } else if (status == AK_OK) {
            status = ak_buf_append(out, AK_STR("\r\n"));
        }
    }
    ak_cookies_unlock(jar);
    return status;
}

/* The jar that this hop sends from: cookies= of the call stay at its origin. */
static PyObject *
sending_jar(const struct ak_call *call)
{
    bool left_origin = (call->withheld & AK_FIELD_COOKIE) != 0;
    return call->call_jar != NULL && !left_origin ? call->call_jar : call->jar;
}

/* ---- the head ---- */

static enum ak_status
append_target(struct ak_call *call, struct ak_buf *out)
{
    enum ak_status status = AK_OK;
    if (call->form == AK_ABSOLUTE_FORM) {
        const struct ak_url *url = &call->url;
        status =
            ak_buf_append(out, url->scheme == AK_HTTPS ? AK_STR("https://") : AK_STR("http://"));
        if (status == AK_OK) {
            status = ak_buf_append(out, url->host_port);
        }
    }
    return status == AK_OK ? ak_buf_append(out, call->url.target) : status;
}

static enum ak_status
append_request_line(struct ak_call *call, struct ak_buf *out)
{
    enum ak_status status = ak_buf_append(out, call->method_text);
    if (status == AK_OK) {
        status = ak_buf_append_char(out, ' ');
    }
    if (status == AK_OK) {
        status = append_target(call, out);
    }
    return status == AK_OK ? ak_buf_append(out, AK_STR(" HTTP/1.1\r\n")) : status;
}

/* Whether a request without a body says Content-Length: 0, as requests does. */
static bool
announces_empty_body(struct ak_str method)
{
    return !ak_str_equal(method, AK_STR("GET")) && !ak_str_equal(method, AK_STR("HEAD"));
}

static enum ak_status
append_length(struct ak_buf *out, unsigned long long length)
{
    enum ak_status status = ak_buf_append(out, AK_STR("Content-Length: "));
    if (status == AK_OK) {
        status = ak_buf_append_number(out, length);
    }
    return status == AK_OK ? ak_buf_append(out, AK_STR("\r\n")) : status;
}

static enum ak_status
append_framing(struct ak_call *call, struct ak_buf *out)
{
    if (call->secret_body.len > 0) {
        return append_length(out, call->secret_body.len);
    }
    if (call->body == NULL) {
        return announces_empty_body(call->method_text) ? append_length(out, 0) : AK_OK;
    }
    switch (call->body_kind) {
    case AK_BODY_READY:
        return append_length(out, (unsigned long long)PyBytes_GET_SIZE(call->body));
    case AK_BODY_SIZED:
        return append_length(out, (unsigned long long)call->body_total);
    default:
        return ak_buf_append(out, AK_STR("Transfer-Encoding: chunked\r\n"));
    }
}

/* Content-Type of a body that was encoded here, unless the caller names one. */
static int
append_content_type(struct ak_call *call, unsigned seen, struct ak_buf *out)
{
    if (call->content_type == NULL || (seen & AK_FIELD_TYPE) != 0) {
        return 0;
    }
    PyObject *name = PyUnicode_FromString("Content-Type"); /* new */
    unsigned ignored = 0;
    int result = name == NULL ? -1 : write_field(name, call->content_type, 0, &ignored, out);
    Py_XDECREF(name);
    return result;
}

/* The fields that the caller's headers give way to or come before. */
static enum ak_status
append_derived(struct ak_call *call, unsigned seen, struct ak_buf *out)
{
    enum ak_status status = append_framing(call, out);
    if (status == AK_OK && call->authorization.len > 0 &&
        (call->withheld & AK_FIELD_AUTHORIZATION) == 0) {
        status =
            ak_http1_append_field(out, AK_STR("Authorization"), ak_buf_str(&call->authorization));
    }
    if (status == AK_OK && call->proxy_authorization.len > 0) {
        status = ak_http1_append_field(out, AK_STR("Proxy-Authorization"),
                                       ak_buf_str(&call->proxy_authorization));
    }
    if (status == AK_OK && (seen & AK_FIELD_COOKIE) == 0 && !call->is_cookieless) {
        status = append_cookie(sending_jar(call), &call->url, out);
    }
    return status == AK_OK ? ak_buf_append(out, AK_STR("\r\n")) : status;
}

/* Host comes first (RFC 9110, 7.2), the caller's own among the others. */
static enum ak_status
append_host(struct ak_call *call, PyObject *headers, unsigned skip, struct ak_buf *out)
{
    PyObject *own = (skip & AK_FIELD_HOST) != 0
                        ? NULL
                        : ak_headers_get(headers, call->state->names[AK_NAME_HOST]); /* new */
    bool is_of_caller = own != NULL && own != Py_None;
    Py_XDECREF(own);
    call->host_source = is_of_caller ? AK_HOST_OF_CALLER : AK_HOST_OF_URL;
    return is_of_caller ? AK_OK : ak_http1_append_field(out, AK_STR("Host"), call->url.host_port);
}

static int
write_head(struct ak_call *call, PyObject *headers, struct ak_buf *out)
{
    unsigned skip = call->withheld | AK_FIELDS_FRAMING;
    if (call->authorization.len > 0) {
        skip |= AK_FIELD_AUTHORIZATION; /* auth= wins over the header */
    }
    if (call->form == AK_ORIGIN_FORM || call->proxy_authorization.len > 0) {
        skip |= AK_FIELD_PROXY_AUTHORIZATION; /* only for a proxy, whose URL's wins */
    }
    unsigned seen = 0;
    enum ak_status status = append_request_line(call, out);
    if (status == AK_OK) {
        status = append_host(call, headers, skip, out);
    }
    if (status != AK_OK) {
        return raise_growth(status);
    }
    bool is_of_session = call->headers == NULL && call->headers_of_hop == NULL;
    int written = is_of_session ? append_session_fields(call->session, headers, skip, &seen, out)
                                : ak_write_fields(headers, skip, &seen, out);
    if (written < 0 || append_content_type(call, seen, out) < 0) {
        return -1;
    }
    call->bears_other =
        (seen & AK_FIELD_AUTHORIZATION) != 0 || (call->authorization.len > 0 && !call->bears_login);
    status = append_derived(call, seen, out);
    return status == AK_OK ? 0 : raise_growth(status);
}

PyObject *
ak_call_headers(struct ak_call *call)
{
    return call->headers != NULL ? Py_NewRef(call->headers)
                                 : ak_session_setting(call->session, &call->session->headers);
}

int
ak_call_write_head(struct ak_call *call)
{
    ak_buf_clear(&call->head);
    PyObject *headers = call->headers_of_hop != NULL ? Py_NewRef(call->headers_of_hop)
                                                     : ak_call_headers(call); /* new */
    int result = write_head(call, headers, &call->head);
    Py_DECREF(headers);
    call->head_length = call->head.len;
    return result;
}
