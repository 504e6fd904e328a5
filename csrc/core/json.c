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

/* DEL counts here, though UTF-8 keeps it: a false alarm costs time only. */
static inline bool
byte_wants_care(uint8_t c)
{
    return c < 0x20 || c >= 0x7F || c == '"' || c == '\\';
}

/* Sixteen bytes as the compiler's own vector, on whatever the machine has. */
typedef int8_t vector __attribute__((vector_size(16)));

typedef uint64_t pair __attribute__((vector_size(16)));

#define SPACES 0x2020202020202020u

static inline vector
load_vector(const char *bytes)
{
    vector loaded;
    memcpy(&loaded, bytes, sizeof(loaded));
    return loaded;
}

/* -1 in each byte that wants care; a byte from 0x80 on is negative. */
static inline vector
mark_care(vector bytes)
{
    return (bytes < 0x20) | (bytes == 0x7F) | (bytes == '"') | (bytes == '\\');
}

/* mark_care for all LEN bytes together; some are looked at twice. */
static inline vector
mark_long(const char *bytes, size_t len)
{
    vector care = mark_care(load_vector(bytes + len - sizeof(vector)));
    for (size_t i = 0; i + sizeof(vector) < len; i += sizeof(vector)) {
        care |= mark_care(load_vector(bytes + i));
    }
    return care;
}

/* The same for LEN up to 16, by way of registers: a vector read from bytes that
 * were just written piecemeal would wait for them. */
static inline vector
mark_short(const char *bytes, size_t len)
{
    uint64_t first = SPACES, last = SPACES;
    if (len >= 8) {
        memcpy(&first, bytes, 8);
        memcpy(&last, bytes + len - 8, 8);
    } else if (len >= 4) {
        uint32_t start, end;
        memcpy(&start, bytes, 4);
        memcpy(&end, bytes + len - 4, 4);
        first = start | (uint64_t)end << 32;
    } else if (len > 0) {
        const uint8_t *units = (const uint8_t *)bytes;
        uint64_t three = units[0] | (uint64_t)units[len / 2] << 8 | (uint64_t)units[len - 1] << 16;
        first = (SPACES << 24) | three;
    }
    return mark_care((vector)(pair){first, last});
}

static inline bool
is_zero(vector v)
{
    pair halves = (pair)v;
    return (halves[0] | halves[1]) == 0;
}

/* Whether all of TEXTS that TEMPLATE wants are written as they are: one answer
 * for all of them, since it is the rule. */
static bool
are_plain(const struct ak_json_template *template, const struct ak_json_text *texts)
{
    vector care = {0};
    for (size_t i = 0; i < template->count; i++) {
        const struct ak_json_text *text = &texts[template->slots[i].text];
        if (text->width != AK_JSON_WIDTH_1) {
            return false;
        }
        care |= text->len <= sizeof(vector) ? mark_short(text->units, text->len)
                                            : mark_long(text->units, text->len);
    }
    return is_zero(care);
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
    while (i < text->len && !byte_wants_care(units[i])) {
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

/* Fill in what TEXT takes. */
static enum ak_status
measure_text(struct ak_json_text *text, enum ak_json_charset charset)
{
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
    text->written = total;
    return AK_OK;
}

/* LEN bytes without a call for a short piece, by two moves that may overlap.  OUT
 * and FROM do not. */
static inline char *
copy_bytes(char *out, const char *from, size_t len)
{
    if (len > 2 * sizeof(vector)) {
        memcpy(out, from, len);
    } else if (len >= sizeof(vector)) {
        vector first = load_vector(from), last = load_vector(from + len - sizeof(last));
        memcpy(out, &first, sizeof(first));
        memcpy(out + len - sizeof(last), &last, sizeof(last));
    } else if (len >= sizeof(uint64_t)) {
        uint64_t first, last;
        memcpy(&first, from, sizeof(first));
        memcpy(&last, from + len - sizeof(last), sizeof(last));
        memcpy(out, &first, sizeof(first));
        memcpy(out + len - sizeof(last), &last, sizeof(last));
    } else {
        for (size_t i = 0; i < len; i++) {
            out[i] = from[i];
        }
    }
    return out + len;
}

static char *
write_text(char *out, const struct ak_json_text *text, enum ak_json_charset charset)
{
    const char *bytes = text->units;
    size_t run = plain_run(text, 0);
    out = copy_bytes(out, bytes, run);
    for (size_t i = run; i < text->len; i++) {
        out = write_unit(out, unit_at(text, i), charset);
        run = plain_run(text, i + 1);
        if (run > 0) {
            out = copy_bytes(out, bytes + i + 1, run);
            i += run;
        }
    }
    return out;
}

enum ak_status
ak_json_measure(const struct ak_json_template *template, struct ak_json_text *texts,
                enum ak_json_charset charset, size_t *size)
{
    *size = 0;
    if (template->count > AK_JSON_MAX_SLOTS) {
        return AK_TOO_LARGE;
    }
    size_t total = template->end.len;
    for (size_t i = 0; i < template->count; i++) {
        struct ak_json_text *text = &texts[template->slots[i].text];
        if (text->len > AK_JSON_MAX_TEXT) {
            return AK_TOO_LARGE;
        }
        text->written = text->len;
        total += template->slots[i].lead.len + text->len;
    }
    for (size_t i = are_plain(template, texts) ? template->count : 0; i < template->count; i++) {
        struct ak_json_text *text = &texts[template->slots[i].text];
        total -= text->len;
        if (measure_text(text, charset) != AK_OK) {
            *size = template->slots[i].text;
            return AK_BAD_VALUE;
        }
        total += text->written;
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
        const struct ak_json_text *text = &texts[slot->text];
        out = copy_bytes(out, slot->lead.ptr, slot->lead.len);
        if (text->width == AK_JSON_WIDTH_1 && text->written == text->len) {
            out = copy_bytes(out, text->units, text->len);
        } else {
            out = write_text(out, text, charset);
        }
    }
    return copy_bytes(out, template->end.ptr, template->end.len);
}
