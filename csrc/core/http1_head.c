/* What the lines of a response's head mean: the status line, and the fields by
 * which the body is framed (RFC 9112, 4 and 6).  It must not touch the input. */
#include "core/http1_parts.h"

#include <stdio.h>

enum {
    QUOTED_BYTES = 40,
    VERSION_LEN = 8,  /* "HTTP/1.1" */
    STATUS_END = 12,  /* "HTTP/1.1 200" */
    REASON_START = 13 /* "HTTP/1.1 200 " */
};

/* Bits of reader->field_flags. */
enum {
    HAS_LENGTH = 1,
    HAS_CHUNKED = 2,
    HAS_CLOSE = 4,
    HAS_KEEP_ALIVE = 8,
    HAS_CODING = 16,
    HAS_COOKIE = 32
};

/* BYTES as a reader of a message may see them: printable ASCII, the rest as
 * \xNN, at most QUOTED_BYTES of them. */
static const char *
quote_bytes(struct ak_str bytes, char quoted[static QUOTED_BYTES * 4 + 4])
{
    size_t shown = bytes.len < QUOTED_BYTES ? bytes.len : QUOTED_BYTES;
    char *to = quoted;
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        bool plain = c >= 0x20 && c < 0x7F && c != '\\' && c != '\'';
        to += plain ? snprintf(to, 2, "%c", c) : snprintf(to, 5, "\\x%02x", c);
    }
    snprintf(to, 4, "%s", shown < bytes.len ? "..." : "");
    return quoted;
}

/* The caps on a head were checked before, so only memory can be missing. */
static enum ak_status
report_append(enum ak_status status, struct ak_err *err)
{
    return status == AK_OK ? AK_OK : ak_fail_no_memory(err);
}

/* LINE with CRLF behind it to the end of reader->head, in one piece when that
 * is how it came. */
static enum ak_status
append_line(struct ak_http1_reader *reader, struct line line, struct ak_err *err)
{
    if (line.end_len == 2) {
        struct ak_str whole = ak_str_of(line.text.ptr, line.text.len + line.end_len);
        return report_append(ak_buf_append(&reader->head, whole), err);
    }
    enum ak_status status = ak_buf_append(&reader->head, line.text);
    if (status == AK_OK) {
        status = ak_buf_append(&reader->head, AK_STR("\r\n"));
    }
    return report_append(status, err);
}

static enum ak_status
refuse_status_line(struct ak_str text, const char *what, struct ak_err *err)
{
    char quoted[QUOTED_BYTES * 4 + 4];
    return ak_fail(err, AK_CONNECT_FAILED, "the server's answer begins with '%s': %s",
                   quote_bytes(text, quoted), what);
}

/* The version at the start of TEXT.  An unknown minor version is read as the
 * highest that we know (RFC 9110, 2.5). */
static enum ak_status
parse_version(struct ak_http1_reader *reader, struct ak_str text, struct ak_err *err)
{
    if (!ak_str_starts_with(text, AK_STR("HTTP/"))) {
        return refuse_status_line(text, "that is not HTTP", err);
    }
    if (text.len < VERSION_LEN || text.ptr[5] != '1' || text.ptr[6] != '.' ||
        !ak_is_digit(text.ptr[7]) || (text.len > VERSION_LEN && text.ptr[8] != ' ')) {
        return refuse_status_line(text, "HTTP/1.0 or HTTP/1.1 is needed", err);
    }
    reader->minor_version = text.ptr[7] == '0' ? 0 : 1;
    return AK_OK;
}

static enum ak_status
parse_status(struct ak_http1_reader *reader, struct ak_str text, struct ak_err *err)
{
    int status = 0;
    size_t i = VERSION_LEN + 1;
    while (i < text.len && i < STATUS_END && ak_is_digit(text.ptr[i])) {
        status = status * 10 + (text.ptr[i] - '0');
        i++;
    }
    if (i != STATUS_END || (text.len > STATUS_END && text.ptr[STATUS_END] != ' ')) {
        return refuse_status_line(text, "its status is not three digits", err);
    }
    if (status < 100) {
        return refuse_status_line(text, "a status below 100 means nothing", err);
    }
    reader->line_status = status;
    return AK_OK;
}

enum ak_status
ak_http1_take_status_line(struct ak_http1_reader *reader, struct line line, struct ak_err *err)
{
    enum ak_status status = parse_version(reader, line.text, err);
    if (status == AK_OK) {
        status = parse_status(reader, line.text, err);
    }
    if (status == AK_OK) {
        status = ak_http1_check_line_bytes(reader, line.text, AK_CONNECT_FAILED, err);
    }
    if (status != AK_OK) {
        return status;
    }
    reader->field_name_len = 0;
    reader->field_flags = 0;
    reader->reason.len = line.text.len > REASON_START ? line.text.len - REASON_START : 0;
    return append_line(reader, line, err);
}

/* Content-Length: digits, or the same number several times in a list or in
 * several fields (RFC 9110, 8.6). */
static enum ak_status
judge_length(struct ak_http1_reader *reader, struct ak_str value, struct ak_err *err)
{
    size_t start = 0;
    do {
        size_t end = ak_str_find(value, ',', start);
        struct ak_str item = ak_str_trim(ak_str_slice(value, start, end));
        uint64_t length = 0;
        bool valid = item.len > 0;
        for (size_t i = 0; valid && i < item.len; i++) {
            valid = ak_is_digit(item.ptr[i]) && length <= (INT64_MAX - 9) / 10;
            length = length * 10 + (uint64_t)(item.ptr[i] - '0');
        }
        if (!valid) {
            return ak_fail(err, AK_CONNECT_FAILED,
                           "the server sent a Content-Length that is not a number");
        }
        if ((reader->field_flags & HAS_LENGTH) && length != reader->content_length) {
            return ak_fail(err, AK_CONNECT_FAILED,
                           "the server sent different numbers as Content-Length");
        }
        reader->field_flags |= HAS_LENGTH;
        reader->content_length = length;
        start = end + 1;
    } while (start <= value.len);
    return AK_OK;
}

/* Transfer-Encoding: we ask for no coding (no TE is sent), so that only chunked
 * can come, and RFC 9112, 6.1 wants it once and last. */
static enum ak_status
judge_coding(struct ak_http1_reader *reader, struct ak_str value, struct ak_err *err)
{
    if (!ak_str_iequal(value, AK_STR("chunked")) || (reader->field_flags & HAS_CHUNKED)) {
        return ak_fail(err, AK_CONNECT_FAILED,
                       "the server sent a Transfer-Encoding that is not chunked, once");
    }
    reader->field_flags |= HAS_CHUNKED;
    return AK_OK;
}

static enum ak_status
judge_connection(struct ak_http1_reader *reader, struct ak_str value, struct ak_err *err)
{
    (void)err;
    size_t start = 0;
    do {
        size_t end = ak_str_find(value, ',', start);
        struct ak_str option = ak_str_trim(ak_str_slice(value, start, end));
        if (ak_str_iequal(option, AK_STR("close"))) {
            reader->field_flags |= HAS_CLOSE;
        } else if (ak_str_iequal(option, AK_STR("keep-alive"))) {
            reader->field_flags |= HAS_KEEP_ALIVE;
        }
        start = end + 1;
    } while (start <= value.len);
    return AK_OK;
}

static enum ak_status
note_coding(struct ak_http1_reader *reader, struct ak_str value, struct ak_err *err)
{
    (void)value;
    (void)err;
    reader->field_flags |= HAS_CODING;
    return AK_OK;
}

static enum ak_status
note_cookie(struct ak_http1_reader *reader, struct ak_str value, struct ak_err *err)
{
    (void)value;
    (void)err;
    reader->field_flags |= HAS_COOKIE;
    return AK_OK;
}

/* The fields that frame the body or keep the connection, and those that most
 * answers lack and others would look for. */
static const struct {
    struct ak_str name;
    enum ak_status (*judge)(struct ak_http1_reader *, struct ak_str value, struct ak_err *);
} known_fields[] = {
    {{"Connection", 10}, judge_connection},    {{"Content-Encoding", 16}, note_coding},
    {{"Content-Length", 14}, judge_length},    {{"Set-Cookie", 10}, note_cookie},
    {{"Transfer-Encoding", 17}, judge_coding},
};

/* The last field is complete: no folded line can follow any more. */
static enum ak_status
judge_last_field(struct ak_http1_reader *reader, struct ak_err *err)
{
    if (reader->field_name_len == 0) {
        return AK_OK;
    }
    struct ak_str field =
        ak_str_slice(ak_buf_str(&reader->head), reader->field_start, reader->head.len);
    struct ak_str name = ak_str_of(field.ptr, reader->field_name_len);
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
        if (ak_str_iequal(name, known_fields[i].name)) {
            struct ak_str value = ak_str_slice(field, name.len + 1, field.len - 2);
            return known_fields[i].judge(reader, ak_str_trim(value), err);
        }
    }
    return AK_OK;
}

/* A folded line joins the field before it: CRLF and its spaces become one
 * space (RFC 9112, 5.2). */
static enum ak_status
append_folded(struct ak_http1_reader *reader, struct line line, struct ak_err *err)
{
    if (reader->field_name_len == 0) {
        return ak_fail(err, AK_CONNECT_FAILED,
                       "the server sent a folded line behind its status line");
    }
    enum ak_status status = ak_http1_check_line_bytes(reader, line.text, AK_CONNECT_FAILED, err);
    if (status != AK_OK) {
        return status;
    }
    size_t indent = 0;
    while (indent < line.text.len &&
           (line.text.ptr[indent] == ' ' || line.text.ptr[indent] == '\t')) {
        indent++;
    }
    reader->head.len -= 2;
    status = ak_buf_append_char(&reader->head, ' ');
    if (status != AK_OK) {
        return report_append(status, err);
    }
    line.text = ak_str_slice(line.text, indent, line.text.len);
    return append_line(reader, line, err);
}

enum ak_status
ak_http1_take_field_line(struct ak_http1_reader *reader, struct line line, struct ak_err *err)
{
    if (is_folded(line.text)) {
        return append_folded(reader, line, err);
    }
    enum ak_status status = judge_last_field(reader, err);
    if (status != AK_OK) {
        return status;
    }
    size_t name_len;
    status = ak_http1_check_field_line(reader, line.text, AK_CONNECT_FAILED, &name_len, err);
    if (status != AK_OK) {
        return status;
    }
    reader->field_start = reader->head.len;
    reader->field_name_len = name_len;
    return append_line(reader, line, err);
}

/* RFC 9112, 6.1: either may hide a second answer in the first. */
static enum ak_status
check_framing(const struct ak_http1_reader *reader, struct ak_err *err)
{
    if (!(reader->field_flags & HAS_CHUNKED)) {
        return AK_OK;
    }
    if (reader->field_flags & HAS_LENGTH) {
        return ak_fail(err, AK_CONNECT_FAILED,
                       "the server sent Content-Length and Transfer-Encoding together");
    }
    if (reader->minor_version == 0) {
        return ak_fail(err, AK_CONNECT_FAILED,
                       "the server sent Transfer-Encoding in an HTTP/1.0 answer");
    }
    return AK_OK;
}

/* RFC 9112, 6.3. */
static enum ak_http1_framing
choose_framing(const struct ak_http1_reader *reader)
{
    if (reader->method == AK_HTTP1_HEAD || reader->line_status == 204 ||
        reader->line_status == 304) {
        return AK_HTTP1_NO_BODY;
    }
    if (reader->field_flags & HAS_CHUNKED) {
        return AK_HTTP1_CHUNKED;
    }
    return reader->field_flags & HAS_LENGTH ? AK_HTTP1_LENGTH : AK_HTTP1_UNTIL_EOF;
}

/* RFC 9112, 9.3. */
static bool
may_keep_alive(const struct ak_http1_reader *reader)
{
    if ((reader->field_flags & HAS_CLOSE) || reader->framing == AK_HTTP1_UNTIL_EOF) {
        return false;
    }
    return reader->minor_version > 0 || (reader->field_flags & HAS_KEEP_ALIVE);
}

enum ak_status
ak_http1_finish_head(struct ak_http1_reader *reader, struct ak_err *err)
{
    enum ak_status status = judge_last_field(reader, err);
    if (status == AK_OK) {
        status = check_framing(reader, err);
    }
    if (status != AK_OK || reader->line_status < 200) {
        return status;
    }
    size_t reason_start = reader->reason.len > 0 ? REASON_START : STATUS_END;
    reader->reason.ptr = reader->head.data + reason_start;
    reader->status = reader->line_status;
    reader->framing = choose_framing(reader);
    reader->remaining = reader->framing == AK_HTTP1_LENGTH ? reader->content_length : 0;
    reader->keep_alive = may_keep_alive(reader);
    reader->has_coding = (reader->field_flags & HAS_CODING) != 0;
    reader->sets_cookies = (reader->field_flags & HAS_COOKIE) != 0;
    return AK_OK;
}
