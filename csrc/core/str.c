#include "core/str.h"

int
ak_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = ak_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool
ak_str_istarts_with(struct ak_str text, struct ak_str prefix)
{
    if (text.len < prefix.len) {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        if (ak_lower(text.ptr[i]) != ak_lower(prefix.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool
ak_str_iequal(struct ak_str a, struct ak_str b)
{
    return a.len == b.len && ak_str_istarts_with(a, b);
}

bool
ak_str_starts_with(struct ak_str text, struct ak_str prefix)
{
    return text.len >= prefix.len && ak_str_equal(ak_str_slice(text, 0, prefix.len), prefix);
}

bool
ak_str_ends_with(struct ak_str text, struct ak_str suffix)
{
    return text.len >= suffix.len &&
           ak_str_equal(ak_str_slice(text, text.len - suffix.len, text.len), suffix);
}

struct ak_str
ak_str_trim(struct ak_str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = ak_str_slice(text, 1, text.len);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

struct ak_str
ak_str_strip(struct ak_str text, char c)
{
    while (text.len > 0 && text.ptr[0] == c) {
        text = ak_str_slice(text, 1, text.len);
    }
    while (text.len > 0 && text.ptr[text.len - 1] == c) {
        text.len--;
    }
    return text;
}

size_t
ak_str_find(struct ak_str text, char c, size_t from)
{
    if (from >= text.len) {
        return text.len;
    }
    const char *hit = memchr(text.ptr + from, c, text.len - from);
    return hit == NULL ? text.len : (size_t)(hit - text.ptr);
}

bool
ak_str_has_line_break(struct ak_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0') {
            return true;
        }
    }
    return false;
}
