#include "core/json.h"

enum { MAX_CODE_POINT = 0x10FFFF };

/* The letter after the backslash (RFC 8259, 7); 0 for a character that has no
 * such escape. */
static const char short_escapes[128] = {
    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
};

static inline bool
is_surrogate(uint32_t c)
{
    return c >= 0xD800 && c <= 0xDFFF;
}

static inline uint32_t
unit_at(const struct ak_json_text *text, size_t i)
{
    switch (text->width) {
    case AK_JSON_WIDTH_1:
        return ((const uint8_t *)text->units)[i];
    case AK_JSON_WIDTH_2:
        return ((const uint16_t *)text->units)[i];
    default:
        return ((const uint32_t *)text->units)[i];
    }
}

/* DEL does not count, though UTF-8 keeps it: measured one by one, it is right. */
static inline bool
is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* How many units of TEXT from START on are written as they are.  0 for wide
 * units, which are looked at one by one. */
static size_t
plain_run(const struct ak_json_text *text, size_t start)
{
    if (text->width != AK_JSON_WIDTH_1) {
        return 0;
    }
    const uint8_t *units = text->units;
    size_t i = start;
    while (i < text->len && is_plain(units[i])) {
        i++;
    }
    return i - start;
}

/* How many bytes C takes inside a JSON string; 0 if it cannot be written. */
static size_t
size_of(uint32_t c, enum ak_json_charset charset)
{
    if (c < 0x80) {
        if (short_escapes[c] != 0) {
            return 2;
        }
        return c < 0x20 || (c == 0x7F && charset == AK_JSON_ASCII) ? 6 : 1;
    }
    if (c > MAX_CODE_POINT) {
        return 0;
    }
    if (charset == AK_JSON_ASCII) {
        return c < 0x10000 ? 6 : 12;
    }
    if (c < 0x800) {
        return 2;
    }
    if (is_surrogate(c)) {
        return 0;
    }
    return c < 0x10000 ? 3 : 4;
}

static char *
write_hex(char *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = '\\';
    *out++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) {
        *out++ = digits[(unit >> shift) & 0xF];
    }
    return out;
}

/* C as UTF-8 (RFC 3629), for C from 0x80 on. */
static char *
write_utf8(char *out, uint32_t c)
{
    if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xE0 | c >> 12);
        } else {
            *out++ = (char)(0xF0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (c & 0x3F));
    return out;
}

/* C inside a JSON string: the bytes that size_of counted. */
static char *
write_unit(char *out, uint32_t c, enum ak_json_charset charset)
{
    if (c < 0x80 && short_escapes[c] != 0) {
        *out++ = '\\';
        *out++ = short_escapes[c];
        return out;
    }
    if (size_of(c, charset) == 1) {
        *out++ = (char)c;
        return out;
    }
    if (c >= 0x80 && charset == AK_JSON_UTF8) {
        return write_utf8(out, c);
    }
    if (c < 0x10000) {
        return write_hex(out, c);
    }
    out = write_hex(out, 0xD800 + ((c - 0x10000) >> 10));
    return write_hex(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
}

/* The size of TEXT without its quotes. */
static enum ak_status
measure_text(const struct ak_json_text *text, enum ak_json_charset charset, size_t *size)
{
    if (text->len > AK_JSON_MAX_TEXT) {
        return AK_TOO_LARGE;
    }
    size_t total = plain_run(text, 0);
    for (size_t i = total; i < text->len; i++) {
        size_t taken = size_of(unit_at(text, i), charset);
        if (taken == 0) {
            return AK_BAD_VALUE;
        }
        size_t run = plain_run(text, i + 1);
        total += taken + run;
        i += run;
    }
    *size = total;
    return AK_OK;
}

static char *
write_str(char *out, struct ak_str text)
{
    if (text.len > 0) {
        memcpy(out, text.ptr, text.len);
    }
    return out + text.len;
}

static char *
write_text(char *out, const struct ak_json_text *text, enum ak_json_charset charset)
{
    const char *bytes = text->units;
    size_t run = plain_run(text, 0);
    out = write_str(out, ak_str_of(bytes, run));
    for (size_t i = run; i < text->len; i++) {
        out = write_unit(out, unit_at(text, i), charset);
        run = plain_run(text, i + 1);
        if (run > 0) {
            out = write_str(out, ak_str_of(bytes + i + 1, run));
            i += run;
        }
    }
    return out;
}

enum ak_status
ak_json_measure(const struct ak_json_template *template, const struct ak_json_text *texts,
                enum ak_json_charset charset, size_t *size)
{
    size_t total = template->end.len;
    *size = 0;
    if (template->count > AK_JSON_MAX_SLOTS) {
        return AK_TOO_LARGE;
    }
    for (size_t i = 0; i < template->count; i++) {
        const struct ak_json_slot *slot = &template->slots[i];
        size_t taken;
        enum ak_status status = measure_text(&texts[slot->text], charset, &taken);
        if (status != AK_OK) {
            *size = slot->text;
            return status;
        }
        total += slot->lead.len + taken;
    }
    *size = total;
    return AK_OK;
}

char *
ak_json_write(char *out, const struct ak_json_template *template, const struct ak_json_text *texts,
              enum ak_json_charset charset)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct ak_json_slot *slot = &template->slots[i];
        out = write_str(out, slot->lead);
        out = write_text(out, &texts[slot->text], charset);
    }
    return write_str(out, template->end);
}
