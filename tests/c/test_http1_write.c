/* What a request's head is made of: the checks, the lines, and the phrases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/http1.h"

static void
assert_bytes(struct ak_str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

static void
test_methods_are_tokens(void **state)
{
    (void)state;
    struct ak_err err;
    assert_int_equal(ak_http1_check_method(AK_STR("GET"), &err), AK_OK);
    assert_int_equal(ak_http1_check_method(AK_STR("x-!#$%&'*+.^_`|~9"), &err), AK_OK);
    static const char *const refused[] = {"", "GET ", "G\r\nET", "G:", "\xc3\xa9", "a/b"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(ak_http1_check_method(ak_str_from(refused[i]), &err), AK_BAD_VALUE);
        assert_non_null(strstr(err.message, "the method"));
    }
}

static void
test_fields_to_send_are_checked(void **state)
{
    (void)state;
    struct ak_err err;
    assert_int_equal(ak_http1_check_field(AK_STR("X-A"), AK_STR("b \xc3\xa9\t"), &err), AK_OK);
    assert_int_equal(ak_http1_check_field(AK_STR("X-A"), AK_STR(""), &err), AK_OK);
    static const struct {
        struct ak_str name, value;
        const char *says;
    } refused[] = {
        {{"", 0}, {"secret", 6}, "name is empty"},
        {{"X A", 3}, {"secret", 6}, "begins with 'X'"},
        {{"X\r\nA", 4}, {"secret", 6}, "begins with 'X'"},
        {{"X:", 2}, {"secret", 6}, "begins with 'X:'"},
        {{"X-A", 3}, {"secret\r", 7}, "header X-A holds a CR"},
        {{"X-A", 3}, {"secret\nB: c", 11}, "header X-A holds a CR"},
        {{"X-A", 3}, {"secret\0", 7}, "header X-A holds a CR"},
        {{"X-A", 3}, {" secret", 7}, "header X-A begins with a space"},
        {{"X-A", 3}, {"\tsecret", 7}, "header X-A begins with a space"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(ak_http1_check_field(refused[i].name, refused[i].value, &err),
                         AK_BAD_HEADER);
        assert_non_null(strstr(err.message, refused[i].says));
        assert_null(strstr(err.message, "secret"));
    }
}

static void
test_requests_are_written(void **state)
{
    (void)state;
    struct ak_buf out = ak_buf_make(40);
    assert_int_equal(ak_http1_append_field(&out, AK_STR("A"), AK_STR("b c")), AK_OK);
    assert_int_equal(ak_http1_append_field(&out, AK_STR("D"), AK_STR("")), AK_OK);
    assert_int_equal(ak_http1_append_chunk_size(&out, 0), AK_OK);
    assert_int_equal(ak_http1_append_chunk_size(&out, 0x1f), AK_OK);
    assert_bytes(ak_buf_str(&out), "A: b c\r\nD: \r\n0\r\n1f\r\n");
    assert_int_equal(ak_http1_append_field(&out, AK_STR("Abcdefg"), AK_STR("1234567890")),
                     AK_TOO_LARGE);
    assert_bytes(ak_buf_str(&out), "A: b c\r\nD: \r\n0\r\n1f\r\n");
    ak_buf_clear(&out);
    assert_int_equal(ak_http1_append_chunk_size(&out, SIZE_MAX), AK_OK);
    assert_int_equal(out.len, sizeof(size_t) * 2 + 2);
    ak_buf_free(&out);
    ak_alloc_fail_at(1);
    assert_int_equal(ak_http1_append_field(&out, AK_STR("A"), AK_STR("b")), AK_NO_MEMORY);
    ak_alloc_fail_at(0);
}

static void
test_codes_have_their_phrases(void **state)
{
    (void)state;
    assert_string_equal(ak_http1_phrase(100), "Continue");
    assert_string_equal(ak_http1_phrase(200), "OK");
    assert_string_equal(ak_http1_phrase(404), "Not Found");
    assert_string_equal(ak_http1_phrase(502), "Bad Gateway");
    assert_string_equal(ak_http1_phrase(511), "Network Authentication Required");
    assert_null(ak_http1_phrase(0));
    assert_null(ak_http1_phrase(499));
    assert_null(ak_http1_phrase(-1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_are_tokens),
        cmocka_unit_test(test_fields_to_send_are_checked),
        cmocka_unit_test(test_requests_are_written),
        cmocka_unit_test(test_codes_have_their_phrases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
