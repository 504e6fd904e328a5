/* What a request's head is made of: the checks of what a caller wants to send,
 * and its lines.  And the phrases of the status codes. */
#include "core/http1_parts.h"

enum { QUOTED_NAME = 40 };

enum ak_status
ak_http1_check_method(struct ak_str method, struct ak_err *err)
{
    if (ak_http1_is_token(method)) {
        return AK_OK;
    }
    return ak_fail(err, AK_BAD_VALUE,
                   method.len == 0 ? "the method is empty; a name such as GET is needed"
                                   : "the method holds a character that no method may have; "
                                     "a name such as GET is needed");
}

/* NAME's leading printable ASCII, as far as a message may quote it. */
static int
quotable_len(struct ak_str name)
{
    size_t len = 0;
    while (len < name.len && len < QUOTED_NAME && name.ptr[len] > 0x20 && name.ptr[len] < 0x7F) {
        len++;
    }
    return (int)len;
}

enum ak_status
ak_http1_check_field(struct ak_str name, struct ak_str value, struct ak_err *err)
{
    if (name.len == 0) {
        return ak_fail(err, AK_BAD_HEADER, "a header's name is empty");
    }
    if (!ak_http1_is_token(name)) {
        return ak_fail(err, AK_BAD_HEADER,
                       "the header name that begins with '%.*s' holds a character that no name "
                       "may have",
                       quotable_len(name), name.ptr);
    }
    if (value.len > 0 && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
        return ak_fail(err, AK_BAD_HEADER, "the value of header %.*s begins with a space; strip it",
                       quotable_len(name), name.ptr);
    }
    if (ak_str_has_line_break(value)) {
        return ak_fail(err, AK_BAD_HEADER,
                       "the value of header %.*s holds a CR, LF or NUL; remove it",
                       quotable_len(name), name.ptr);
    }
    return AK_OK;
}

enum ak_status
ak_http1_append_field(struct ak_buf *head, struct ak_str name, struct ak_str value)
{
    if (value.len > SIZE_MAX - 4 || name.len > SIZE_MAX - 4 - value.len) {
        return AK_TOO_LARGE;
    }
    enum ak_status status = ak_buf_reserve(head, name.len + value.len + 4);
    if (status != AK_OK) {
        return status;
    }
    const struct ak_str parts[] = {name, AK_STR(": "), value, AK_STR("\r\n")};
    for (size_t i = 0; i < 4 && status == AK_OK; i++) {
        status = ak_buf_append(head, parts[i]);
    }
    return status;
}

enum ak_status
ak_http1_append_chunk_size(struct ak_buf *out, size_t size)
{
    char line[sizeof(size) * 2 + 2];
    size_t start = sizeof(line);
    line[--start] = '\n';
    line[--start] = '\r';
    do {
        line[--start] = "0123456789abcdef"[size & 0xF];
        size >>= 4;
    } while (size > 0);
    return ak_buf_append(out, ak_str_of(line + start, sizeof(line) - start));
}

/* Four codes were renamed by RFC 9110: 413, 414, 416 and 422. */
static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {418, "I'm a Teapot"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

const char *
ak_http1_phrase(int status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return NULL;
}
