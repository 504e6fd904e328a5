#include "core/json.h"

enum { MAX_CODE_POINT = 0x10FFFF };

struct punctuation {
    struct ak_str open, comma, colon, close;
};

static const struct punctuation punctuations[] = {
    [AK_JSON_COMPACT] = {{"{", 1}, {",", 1}, {":", 1}, {"}", 1}},
    [AK_JSON_INDENTED] = {{"{\n  ", 4}, {",\n  ", 4}, {": ", 2}, {"\n}", 2}},
};

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
unit_at(struct ak_json_text text, size_t i)
{
    switch (text.width) {
    case AK_JSON_WIDTH_1:
        return ((const uint8_t *)text.units)[i];
    case AK_JSON_WIDTH_2:
        return ((const uint16_t *)text.units)[i];
    default:
        return ((const uint32_t *)text.units)[i];
    }
}

/* Whether one of the eight bytes of WORD is no printable ASCII, or a quote, or
 * a backslash.  DEL counts, though UTF-8 output keeps it: a false alarm costs
 * time only. */
static inline bool
word_wants_care(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = ones * 0x80;
    uint64_t quote = word ^ (ones * '"');
    uint64_t backslash = word ^ (ones * '\\');
    uint64_t del = word ^ (ones * 0x7F);
    uint64_t hit = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
                   ((backslash - ones) & ~backslash) | ((del - ones) & ~del) | word;
    return (hit & highs) != 0;
}

static inline bool
byte_wants_care(uint8_t c)
{
    return c < 0x20 || c >= 0x7F || c == '"' || c == '\\';
}

/* How many units of TEXT from START on are written as they are.  0 for wide
 * units, which are looked at one by one. */
static size_t
plain_run(struct ak_json_text text, size_t start)
{
    if (text.width != AK_JSON_WIDTH_1) {
        return 0;
    }
    const uint8_t *units = text.units;
    size_t i = start;
    for (; text.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, units + i, sizeof(word));
        if (word_wants_care(word)) {
            break;
        }
    }
    while (i < text.len && !byte_wants_care(units[i])) {
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
measure_text(struct ak_json_text text, enum ak_json_charset charset, size_t *size)
{
    if (text.len > AK_JSON_MAX_TEXT) {
        return AK_TOO_LARGE;
    }
    size_t total = plain_run(text, 0);
    for (size_t i = total; i < text.len; i++) {
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
write_run(char *out, struct ak_json_text text, size_t start, size_t count)
{
    if (count > 0) {
        memcpy(out, (const char *)text.units + start, count);
    }
    return out + count;
}

/* TEXT without its quotes; SIZE is what measure_text said. */
static char *
write_text(char *out, struct ak_json_text text, enum ak_json_charset charset, size_t size)
{
    if (text.width == AK_JSON_WIDTH_1 && size == text.len) {
        return write_run(out, text, 0, text.len);
    }
    size_t run = plain_run(text, 0);
    out = write_run(out, text, 0, run);
    for (size_t i = run; i < text.len; i++) {
        out = write_unit(out, unit_at(text, i), charset);
        run = plain_run(text, i + 1);
        out = write_run(out, text, i + 1, run);
        i += run;
    }
    return out;
}

static inline char *
write_str(char *out, struct ak_str text)
{
    memcpy(out, text.ptr, text.len);
    return out + text.len;
}

enum ak_status
ak_json_measure_object(struct ak_json_member *members, size_t count, enum ak_json_charset charset,
                       enum ak_json_layout layout, size_t *size)
{
    *size = 0;
    if (count == 0 || count > AK_JSON_MAX_MEMBERS) {
        return AK_TOO_LARGE;
    }
    const struct punctuation *marks = &punctuations[layout];
    size_t total = marks->open.len + (count - 1) * marks->comma.len +
                   count * (marks->colon.len + 2) + marks->close.len;
    for (size_t i = 0; i < count; i++) {
        enum ak_status status = measure_text(members[i].value, charset, &members[i].value_size);
        if (status != AK_OK) {
            *size = i;
            return status;
        }
        total += members[i].key.len + members[i].value_size;
    }
    *size = total;
    return AK_OK;
}

char *
ak_json_write_object(char *out, const struct ak_json_member *members, size_t count,
                     enum ak_json_charset charset, enum ak_json_layout layout)
{
    const struct punctuation *marks = &punctuations[layout];
    for (size_t i = 0; i < count; i++) {
        out = write_str(out, i == 0 ? marks->open : marks->comma);
        out = write_str(out, members[i].key);
        out = write_str(out, marks->colon);
        *out++ = '"';
        out = write_text(out, members[i].value, charset, members[i].value_size);
        *out++ = '"';
    }
    return write_str(out, marks->close);
}
