/* What a redirect makes of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/redirect.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void
parse_well(struct ak_url *url, const char *text)
{
    struct ak_err err;
    ak_url_init(url);
    assert_int_equal(ak_url_parse(url, ak_str_from(text), &err), AK_OK);
}

static void
test_only_five_statuses_redirect(void **state)
{
    (void)state;
    for (int status = 0; status < 1000; status++) {
        bool expected =
            status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        assert_int_equal(ak_is_redirect_status(status), expected);
    }
}

static void
test_method_and_body_follow_the_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *method, *next;
        bool drop_body;
    } CASES[] = {
        {301, "GET", "GET", true},    {301, "HEAD", "HEAD", true},     {301, "POST", "GET", true},
        {301, "PUT", "PUT", true},    {301, "DELETE", "DELETE", true}, {302, "GET", "GET", true},
        {302, "HEAD", "HEAD", true},  {302, "POST", "GET", true},      {302, "PUT", "GET", true},
        {302, "DELETE", "GET", true}, {303, "HEAD", "HEAD", true},     {303, "POST", "GET", true},
        {303, "PUT", "GET", true},    {303, "PATCH", "GET", true},     {307, "POST", "POST", false},
        {307, "GET", "GET", false},   {308, "PUT", "PUT", false},      {308, "POST", "POST", false},
    };
    struct ak_url from;
    parse_well(&from, "http://h/a");
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_redirect next;
        struct ak_err err;
        assert_int_equal(ak_redirect_next(&next, &from, ak_str_from(CASES[i].method),
                                          CASES[i].status, AK_STR("/b"), &err),
                         AK_OK);
        assert_true(ak_str_equal(next.method, ak_str_from(CASES[i].next)));
        assert_int_equal(next.drop_body, CASES[i].drop_body);
        assert_true(ak_str_equal(ak_buf_str(&next.url.text), AK_STR("http://h/b")));
        ak_url_free(&next.url);
    }
    ak_url_free(&from);
}

static void
test_another_scheme_host_or_port_is_another_origin(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        bool other;
    } CASES[] = {
        {"/b", false},         {"http://H:80/b", false}, {"//h/b", false},
        {"https://h/b", true}, {"http://h:81/b", true},  {"//g/b", true},
        {"//h.g/b", true},     {"http://h@g/b", true},   {"http://h:443/", true},
    };
    struct ak_url from;
    parse_well(&from, "http://u:p@h/a");
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_redirect next;
        struct ak_err err;
        assert_int_equal(ak_redirect_next(&next, &from, AK_STR("GET"), 302,
                                          ak_str_from(CASES[i].location), &err),
                         AK_OK);
        assert_int_equal(next.other_origin, CASES[i].other);
        ak_url_free(&next.url);
    }
    ak_url_free(&from);
}

static void
test_a_location_that_cannot_be_followed_is_an_error(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *location;
        enum ak_status status;
    } CASES[] = {
        {302, "file:///etc/passwd", AK_BAD_SCHEMA},
        {302, "javascript:alert(1)", AK_BAD_SCHEMA},
        {302, "http://", AK_BAD_URL},
        {302, "//h\xc3\xa9/", AK_BAD_URL},
        {302, "http://h:x/", AK_BAD_URL},
        {302, "/a\nb", AK_BAD_URL},
        {200, "/b", AK_BAD_VALUE},
    };
    struct ak_url from;
    parse_well(&from, "http://u:p@h/a");
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_redirect next;
        struct ak_err err = {AK_OK, ""};
        assert_int_equal(ak_redirect_next(&next, &from, AK_STR("GET"), CASES[i].code,
                                          ak_str_from(CASES[i].location), &err),
                         CASES[i].status);
        assert_int_equal(err.status, CASES[i].status);
        assert_null(next.url.text.data);
    }
    ak_url_free(&from);
}

static void
test_bytes_beyond_ascii_are_coded_as_they_are(void **state)
{
    (void)state;
    struct ak_url from;
    struct ak_redirect next;
    struct ak_err err;
    parse_well(&from, "http://h/a#f");
    assert_int_equal(
        ak_redirect_next(&next, &from, AK_STR("GET"), 302, AK_STR("/\xe9/\xc3\xa9?\xe9"), &err),
        AK_OK);
    assert_true(ak_str_equal(ak_buf_str(&next.url.text), AK_STR("http://h/%E9/%C3%A9?%E9#f")));
    ak_url_free(&next.url);
    ak_url_free(&from);
}

static void
test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char *const LOCATIONS[] = {"x", "/x", "//x", "http://x"};
    struct ak_url from;
    parse_well(&from, "http://h/a");
    for (size_t i = 0; i < LENGTH(LOCATIONS); i++) {
        unsigned long tried = 0;
        for (unsigned long at = 0; at <= tried; at++) {
            struct ak_redirect next;
            struct ak_err err = {AK_OK, ""};
            ak_alloc_fail_at(at);
            enum ak_status status =
                ak_redirect_next(&next, &from, AK_STR("GET"), 301, ak_str_from(LOCATIONS[i]), &err);
            tried = at == 0 ? ak_alloc_count() : tried;
            ak_alloc_fail_at(0);
            assert_int_equal(status, at == 0 ? AK_OK : AK_NO_MEMORY);
            assert_int_equal(err.status, status);
            ak_url_free(&next.url);
        }
        assert_true(tried > 0);
    }
    ak_url_free(&from);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_five_statuses_redirect),
        cmocka_unit_test(test_method_and_body_follow_the_status),
        cmocka_unit_test(test_another_scheme_host_or_port_is_another_origin),
        cmocka_unit_test(test_a_location_that_cannot_be_followed_is_an_error),
        cmocka_unit_test(test_bytes_beyond_ascii_are_coded_as_they_are),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
