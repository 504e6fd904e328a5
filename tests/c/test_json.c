/* The JSON writer: escapes as Python's json writes them, at every position and
 * width, and exactly the bytes that were measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/json.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A template of one slot: what comes out is the string in brackets. */
static const struct ak_json_slot one_slot[] = {{{"[\"", 2}, 0}};
static const struct ak_json_template one = {one_slot, 1, {"\"]", 2}};

/* COUNT code points as units of WIDTH in memory of just that size, so that a
 * sanitizer sees a read beyond it. */
static struct ak_json_text
make_text(const uint32_t *points, size_t count, enum ak_json_width width)
{
    char *units = malloc(count * width + (count == 0));
    assert_non_null(units);
    for (size_t i = 0; i < count; i++) {
        uint8_t narrow = (uint8_t)points[i];
        uint16_t wide = (uint16_t)points[i];
        const void *unit = width == AK_JSON_WIDTH_1   ? (const void *)&narrow
                           : width == AK_JSON_WIDTH_2 ? (const void *)&wide
                                                      : (const void *)&points[i];
        memcpy(units + i * width, unit, width);
    }
    return (struct ak_json_text){units, count, width};
}

enum plainness { PLAIN, NOT_PLAIN };

/* The short way gives EXPECTED in just its size if the texts are plain, and says
 * so if they are not. */
static void
assert_short_way(const struct ak_json_template *template, const struct ak_json_text *texts,
                 enum plainness plainness, const char *expected)
{
    size_t size;
    enum ak_status status = ak_json_measure_plain(template, texts, &size);
    if (status == AK_BAD_VALUE) {
        assert_int_equal(plainness, NOT_PLAIN);
        return;
    }
    assert_int_equal(status, AK_OK);
    char *out = malloc(size);
    assert_non_null(out);
    char *end = ak_json_write_plain(out, template, texts);
    if (plainness == PLAIN) {
        assert_int_equal(size, strlen(expected));
        assert_ptr_equal(end, out + size);
        assert_memory_equal(out, expected, size);
    } else {
        assert_null(end);
    }
    free(out);
}

/* TEXTS in TEMPLATE are EXPECTED, in just as many bytes as were measured. */
static void
assert_template(const struct ak_json_template *template, const struct ak_json_text *texts,
                enum ak_json_charset charset, enum plainness plainness, const char *expected)
{
    size_t size;
    ak_alloc_fail_at(1);
    assert_int_equal(ak_json_measure(template, texts, charset, &size), AK_OK);
    assert_int_equal(size, strlen(expected));
    char *out = malloc(size);
    assert_non_null(out);
    assert_ptr_equal(ak_json_write(out, template, texts, charset), out + size);
    assert_memory_equal(out, expected, size);
    free(out);
    assert_short_way(template, texts, plainness, expected);
    assert_int_equal(ak_alloc_count(), 0);
    ak_alloc_fail_at(0);
}

static bool
is_plain(uint32_t point)
{
    return point >= ' ' && point <= '~' && point != '"' && point != '\\';
}

static void
assert_written(const uint32_t *points, size_t count, enum ak_json_width width,
               enum ak_json_charset charset, const char *expected)
{
    struct ak_json_text text = make_text(points, count, width);
    enum plainness plainness = width == AK_JSON_WIDTH_1 ? PLAIN : NOT_PLAIN;
    for (size_t i = 0; i < count; i++) {
        plainness = is_plain(points[i]) ? plainness : NOT_PLAIN;
    }
    assert_template(&one, &text, charset, plainness, expected);
    free((void *)text.units);
}

static const struct {
    uint32_t point;
    const char *ascii;
    const char *utf8; /* NULL: cannot be written */
} points[] = {
    {0x00, "\\u0000", "\\u0000"},
    {0x07, "\\u0007", "\\u0007"},
    {'\b', "\\b", "\\b"},
    {'\t', "\\t", "\\t"},
    {'\n', "\\n", "\\n"},
    {0x0B, "\\u000b", "\\u000b"},
    {'\f', "\\f", "\\f"},
    {'\r', "\\r", "\\r"},
    {0x1F, "\\u001f", "\\u001f"},
    {' ', " ", " "},
    {'!', "!", "!"},
    {'"', "\\\"", "\\\""},
    {'#', "#", "#"},
    {'/', "/", "/"},
    {'[', "[", "["},
    {'\\', "\\\\", "\\\\"},
    {']', "]", "]"},
    {'~', "~", "~"},
    {0x7F, "\\u007f", "\x7F"},
    {0x80, "\\u0080", "\xC2\x80"},
    {0xE9, "\\u00e9", "\xC3\xA9"},
    {0xFF, "\\u00ff", "\xC3\xBF"},
    {0x100, "\\u0100", "\xC4\x80"},
    {0x7FF, "\\u07ff", "\xDF\xBF"},
    {0x800, "\\u0800", "\xE0\xA0\x80"},
    {0x2028, "\\u2028", "\xE2\x80\xA8"},
    {0xD7FF, "\\ud7ff", "\xED\x9F\xBF"},
    {0xD800, "\\ud800", NULL},
    {0xDBFF, "\\udbff", NULL},
    {0xDC00, "\\udc00", NULL},
    {0xDFFF, "\\udfff", NULL},
    {0xE000, "\\ue000", "\xEE\x80\x80"},
    {0xFFFF, "\\uffff", "\xEF\xBF\xBF"},
    {0x10000, "\\ud800\\udc00", "\xF0\x90\x80\x80"},
    {0x1F600, "\\ud83d\\ude00", "\xF0\x9F\x98\x80"},
    {0x10FFFF, "\\udbff\\udfff", "\xF4\x8F\xBF\xBF"},
};

static bool
fits(uint32_t point, enum ak_json_width width)
{
    return width == AK_JSON_WIDTH_4 || point < (uint32_t)1 << 8 * width;
}

static const enum ak_json_width widths[] = {AK_JSON_WIDTH_1, AK_JSON_WIDTH_2, AK_JSON_WIDTH_4};

static void
test_each_kind_of_character(void **state)
{
    (void)state;
    for (size_t w = 0; w < LENGTH(widths); w++) {
        for (size_t i = 0; i < LENGTH(points); i++) {
            if (!fits(points[i].point, widths[w])) {
                continue;
            }
            char expected[32] = "[\"";
            strcat(strcat(expected, points[i].ascii), "\"]");
            assert_written(&points[i].point, 1, widths[w], AK_JSON_ASCII, expected);
            if (points[i].utf8 != NULL) {
                char utf8[32] = "[\"";
                strcat(strcat(utf8, points[i].utf8), "\"]");
                assert_written(&points[i].point, 1, widths[w], AK_JSON_UTF8, utf8);
            }
        }
    }
}

/* Vectors and words meet a character at every place of every length. */
static void
test_a_quote_at_every_place(void **state)
{
    (void)state;
    enum { LONGEST = 70 };
    for (size_t len = 1; len <= LONGEST; len++) {
        for (size_t place = 0; place < len; place++) {
            uint32_t text[LONGEST];
            char expected[LONGEST + 8] = "[\"";
            size_t end = 2;
            for (size_t i = 0; i < len; i++) {
                text[i] = i == place ? '"' : 'a' + i % 26;
                if (i == place) {
                    expected[end++] = '\\';
                }
                expected[end++] = (char)text[i];
            }
            memcpy(expected + end, "\"]", 3);
            assert_written(text, len, AK_JSON_WIDTH_1, AK_JSON_ASCII, expected);
            assert_written(text, len, AK_JSON_WIDTH_2, AK_JSON_UTF8, expected);
        }
    }
}

static void
test_each_byte_at_every_place_of_the_short_way(void **state)
{
    (void)state;
    enum { LONGEST = 40 };
    for (size_t len = 1; len <= LONGEST; len++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            for (size_t place = 0; place < len; place++) {
                char text[LONGEST], expected[LONGEST + 8];
                memset(text, 'x', len);
                text[place] = (char)byte;
                memcpy(expected, "[\"", 2);
                memcpy(expected + 2, text, len);
                memcpy(expected + 2 + len, "\"]", 3);
                struct ak_json_text one_text = {text, len, AK_JSON_WIDTH_1};
                assert_short_way(&one, &one_text, is_plain(byte) ? PLAIN : NOT_PLAIN, expected);
            }
        }
    }
}

static void
test_plain_text_of_every_length(void **state)
{
    (void)state;
    uint32_t text[200];
    char expected[LENGTH(text) + 8];
    for (size_t len = 0; len <= LENGTH(text); len++) {
        memcpy(expected, "[\"", 2);
        for (size_t i = 0; i < len; i++) {
            text[i] = '#' + i % 50;
            expected[2 + i] = (char)text[i];
        }
        memcpy(expected + 2 + len, "\"]", 3);
        assert_written(text, len, AK_JSON_WIDTH_1, AK_JSON_UTF8, expected);
    }
}

static void
test_a_pair_of_surrogate_units_stays_two_code_points(void **state)
{
    (void)state;
    const uint32_t pair[] = {0xD83D, 0xDE00};
    assert_written(pair, 2, AK_JSON_WIDTH_2, AK_JSON_ASCII, "[\"\\ud83d\\ude00\"]");
}

static const struct ak_json_slot swapped_slots[] = {{{"{\"b\": \"", 7}, 1},
                                                    {{"\", \"a\": \"", 9}, 0}};
static const struct ak_json_template swapped = {swapped_slots, 2, {"\"}\n", 3}};

static void
test_slots_take_the_texts_that_they_name(void **state)
{
    (void)state;
    const uint32_t first[] = {'1'}, second[] = {'2', '"', 0xE9};
    struct ak_json_text texts[] = {make_text(first, 1, AK_JSON_WIDTH_1),
                                   make_text(second, 3, AK_JSON_WIDTH_1)};
    assert_template(&swapped, texts, AK_JSON_ASCII, NOT_PLAIN,
                    "{\"b\": \"2\\\"\\u00e9\", \"a\": \"1\"}\n");
    free((void *)texts[0].units);
    free((void *)texts[1].units);
}

static void
test_what_cannot_be_written_is_named(void **state)
{
    (void)state;
    const struct {
        uint32_t point;
        enum ak_json_charset charset;
    } bad[] = {{0xD800, AK_JSON_UTF8},
               {0xDFFF, AK_JSON_UTF8},
               {0x110000, AK_JSON_UTF8},
               {0x110000, AK_JSON_ASCII},
               {UINT32_MAX, AK_JSON_ASCII}};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        const uint32_t good = 'a';
        struct ak_json_text texts[] = {make_text(&good, 1, AK_JSON_WIDTH_1),
                                       make_text(&bad[i].point, 1, AK_JSON_WIDTH_4)};
        size_t size = 99;
        assert_int_equal(ak_json_measure(&swapped, texts, bad[i].charset, &size), AK_BAD_VALUE);
        assert_int_equal(size, 1);
        free((void *)texts[0].units);
        free((void *)texts[1].units);
    }
}

/* The length is looked at before any unit is. */
static void
test_caps(void **state)
{
    (void)state;
    struct ak_json_text huge = {"", AK_JSON_MAX_TEXT + 1, AK_JSON_WIDTH_1};
    size_t size;
    assert_int_equal(ak_json_measure(&one, &huge, AK_JSON_ASCII, &size), AK_TOO_LARGE);
    assert_int_equal(ak_json_measure_plain(&one, &huge, &size), AK_TOO_LARGE);

    struct ak_json_slot many[AK_JSON_MAX_SLOTS + 1];
    struct ak_json_text empty = {"", 0, AK_JSON_WIDTH_1};
    for (size_t i = 0; i < LENGTH(many); i++) {
        many[i] = (struct ak_json_slot){AK_STR("x"), 0};
    }
    struct ak_json_template wide = {many, AK_JSON_MAX_SLOTS, AK_STR("")};
    assert_int_equal(ak_json_measure(&wide, &empty, AK_JSON_ASCII, &size), AK_OK);
    assert_int_equal(size, AK_JSON_MAX_SLOTS);
    wide.count++;
    assert_int_equal(ak_json_measure(&wide, &empty, AK_JSON_ASCII, &size), AK_TOO_LARGE);
    assert_int_equal(ak_json_measure_plain(&wide, &empty, &size), AK_TOO_LARGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_character),
        cmocka_unit_test(test_a_quote_at_every_place),
        cmocka_unit_test(test_each_byte_at_every_place_of_the_short_way),
        cmocka_unit_test(test_plain_text_of_every_length),
        cmocka_unit_test(test_a_pair_of_surrogate_units_stays_two_code_points),
        cmocka_unit_test(test_slots_take_the_texts_that_they_name),
        cmocka_unit_test(test_what_cannot_be_written_is_named),
        cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
