/* The JSON writer: the first byte says how wide the units are and which charset
 * is wanted, the rest is the text.  What was written takes as many bytes as were
 * measured, and reads back, by a reader of this file's own, as what went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

static void
require(int condition)
{
    if (!condition) {
        abort();
    }
}

static const struct ak_json_slot slots[] = {{{"\"", 1}, 0}};
static const struct ak_json_template template = {slots, 1, {"\"", 1}};

static uint32_t
unit_of(const struct ak_json_text *text, size_t i)
{
    uint8_t narrow;
    uint16_t wide;
    uint32_t unit;
    const char *from = (const char *)text->units + i * text->width;
    if (text->width == AK_JSON_WIDTH_1) {
        memcpy(&narrow, from, sizeof(narrow));
        return narrow;
    }
    if (text->width == AK_JSON_WIDTH_2) {
        memcpy(&wide, from, sizeof(wide));
        return wide;
    }
    memcpy(&unit, from, sizeof(unit));
    return unit;
}

static bool
can_be_written(const struct ak_json_text *text, enum ak_json_charset charset)
{
    for (size_t i = 0; i < text->len; i++) {
        uint32_t unit = unit_of(text, i);
        if (unit > 0x10FFFF || (charset == AK_JSON_UTF8 && unit >= 0xD800 && unit <= 0xDFFF)) {
            return false;
        }
    }
    return true;
}

/* What stands at *at, one character or one escape; UTF-16 units for escapes. */
static uint32_t
read_next(const char **at)
{
    static const char letters[] = "\"\\bfnrt", meant[] = "\"\\\b\f\n\r\t";
    const unsigned char *bytes = (const unsigned char *)*at;
    if (bytes[0] == '\\' && bytes[1] == 'u') {
        char digits[5] = {(char)bytes[2], (char)bytes[3], (char)bytes[4], (char)bytes[5], '\0'};
        *at += 6;
        return (uint32_t)strtoul(digits, NULL, 16);
    }
    if (bytes[0] == '\\') {
        const char *letter = memchr(letters, bytes[1], sizeof(letters) - 1);
        require(letter != NULL);
        *at += 2;
        return (unsigned char)meant[letter - letters];
    }
    require(bytes[0] >= ' ' && bytes[0] != '"');
    size_t more = bytes[0] >= 0xF0 ? 3 : bytes[0] >= 0xE0 ? 2 : bytes[0] >= 0xC0 ? 1 : 0;
    uint32_t point = more == 0 ? bytes[0] : bytes[0] & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++) {
        require((bytes[i] & 0xC0) == 0x80);
        point = point << 6 | (bytes[i] & 0x3F);
    }
    *at += more + 1;
    return point;
}

static void
check_output(const char *out, const char *end, const struct ak_json_text *text,
             enum ak_json_charset charset)
{
    require(*out == '"' && end[-1] == '"');
    const char *at = out + 1;
    for (size_t i = 0; i < text->len; i++) {
        uint32_t unit = unit_of(text, i);
        uint32_t first = read_next(&at);
        if (charset == AK_JSON_ASCII && unit >= 0x10000) {
            uint32_t second = read_next(&at);
            first = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        }
        require(first == unit);
    }
    require(at == end - 1);
    for (const char *c = out; charset == AK_JSON_ASCII && c < end; c++) {
        require(*c >= ' ' && *c <= '~');
    }
}

/* The short way says what EXPECTED is, or that it cannot. */
static void
check_short_way(const struct ak_json_text *text, struct ak_str expected)
{
    size_t size;
    bool plain = text->width == AK_JSON_WIDTH_1;
    for (size_t i = 0; i < text->len; i++) {
        uint32_t unit = unit_of(text, i);
        plain = plain && unit >= ' ' && unit <= '~' && unit != '"' && unit != '\\';
    }
    if (ak_json_measure_plain(&template, text, &size) != AK_OK) {
        require(!plain);
        return;
    }
    char *out = malloc(size);
    require(out != NULL);
    require((ak_json_write_plain(out, &template, text) != NULL) == plain);
    require(!plain || ak_str_equal(ak_str_of(out, size), expected));
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum ak_json_width widths[] = {AK_JSON_WIDTH_1, AK_JSON_WIDTH_2, AK_JSON_WIDTH_4,
                                                AK_JSON_WIDTH_1};
    if (size == 0) {
        return 0;
    }
    enum ak_json_charset charset = (data[0] & 4) != 0 ? AK_JSON_UTF8 : AK_JSON_ASCII;
    enum ak_json_width width = widths[data[0] & 3];
    size_t len = (size - 1) / width, measured;
    void *units = malloc(len * width + (len == 0));
    require(units != NULL);
    memcpy(units, data + 1, len * width);
    struct ak_json_text text = {units, len, width};
    enum ak_status status = ak_json_measure(&template, &text, charset, &measured);
    require((status == AK_OK) == can_be_written(&text, charset));
    if (status == AK_OK) {
        char *out = malloc(measured);
        require(out != NULL);
        char *end = ak_json_write(out, &template, &text, charset);
        require(end == out + measured);
        check_output(out, end, &text, charset);
        check_short_way(&text, ak_str_of(out, measured));
        free(out);
    }
    free(units);
    return 0;
}
