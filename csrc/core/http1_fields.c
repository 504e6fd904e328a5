/* The syntax of fields (RFC 9112, 5), which heads and trailers share, and the
 * walk over the fields of a head that was read. */
#include "core/http1_parts.h"

static const unsigned char token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1, ['0'] = 1,
    ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,  ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,  ['F'] = 1, ['G'] = 1,
    ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1,  ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,  ['V'] = 1, ['W'] = 1,
    ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,  ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,  ['l'] = 1, ['m'] = 1,
    ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,  ['t'] = 1, ['u'] = 1,
    ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

bool
ak_http1_is_token(struct ak_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!token_chars[(unsigned char)text.ptr[i]]) {
            return false;
        }
    }
    return text.len > 0;
}

/* What is wrong with the part in front of the colon; NULL if nothing.  Not
 * quoted in messages: a broken line may be a piece of another field's value. */
static const char *
find_name_fault(struct ak_str name)
{
    if (name.len == 0) {
        return "has no name in front of its colon";
    }
    char last = name.ptr[name.len - 1];
    if (last == ' ' || last == '\t') {
        return "has a space in front of its colon";
    }
    return ak_http1_is_token(name) ? NULL : "has a name that is no token";
}

enum ak_status
ak_http1_check_line_bytes(const struct ak_http1_reader *reader, struct ak_str text,
                          enum ak_status failure, struct ak_err *err)
{
    if (text.len == 0) {
        return AK_OK;
    }
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return ak_fail(err, failure, "the server sent a NUL byte in line %zu of its %s",
                       reader->section_lines, failure == AK_BAD_CHUNK ? "trailers" : "head");
    }
    if (memchr(text.ptr, '\r', text.len) != NULL) {
        return ak_fail(err, failure, "the server sent a CR without LF in line %zu of its %s",
                       reader->section_lines, failure == AK_BAD_CHUNK ? "trailers" : "head");
    }
    return AK_OK;
}

enum ak_status
ak_http1_check_field_line(struct ak_http1_reader *reader, struct ak_str text,
                          enum ak_status failure, size_t *name_len, struct ak_err *err)
{
    const char *section = failure == AK_BAD_CHUNK ? "trailers" : "head";
    if (++reader->section_fields > AK_HTTP1_MAX_FIELDS) {
        return ak_fail(err, failure, "the server sent more than %d fields in its %s",
                       AK_HTTP1_MAX_FIELDS, section);
    }
    *name_len = ak_str_find(text, ':', 0);
    const char *fault =
        *name_len == text.len ? "has no colon" : find_name_fault(ak_str_of(text.ptr, *name_len));
    if (fault != NULL) {
        return ak_fail(err, failure, "line %zu of the server's %s %s", reader->section_lines,
                       section, fault);
    }
    return ak_http1_check_line_bytes(reader, text, failure, err);
}

bool
ak_http1_next_field(struct ak_str head, size_t *offset, struct ak_str *name, struct ak_str *value)
{
    if (*offset == 0) {
        *offset = ak_str_find(head, '\n', 0) + 1;
    }
    if (*offset >= head.len) {
        return false;
    }
    size_t end = ak_str_find(head, '\n', *offset);
    size_t colon = ak_str_find(head, ':', *offset);
    *name = ak_str_slice(head, *offset, colon);
    *value = ak_str_trim(ak_str_slice(head, colon + 1, end - 1));
    *offset = end + 1;
    return true;
}

bool
ak_http1_find_field(struct ak_str head, struct ak_str name, struct ak_str *value)
{
    size_t offset = 0;
    struct ak_str candidate;
    while (ak_http1_next_field(head, &offset, &candidate, value)) {
        if (ak_str_iequal(candidate, name)) {
            return true;
        }
    }
    *value = ak_str_of(NULL, 0);
    return false;
}
