/* net/public_suffix: the list that the jars ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cookie.h"
#include "net/public_suffix.h"

#ifdef AK_HAVE_PSL
enum { LISTED = 1 };
#else
enum { LISTED = 0 };
#endif

static void
test_names_of_the_list(void **state)
{
    (void)state;
    const char *suffixes[] = {"com", "co.uk", "co.uk.", "github.io", "anything.ck"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        assert_int_equal(ak_is_public_suffix(suffixes[i]), LISTED);
    }
}

static void
test_names_under_them(void **state)
{
    (void)state;
    const char *names[] = {"example.com", "example.co.uk", "example.co.uk.", "me.github.io",
                           "www.ck",      "svc.internal",  "cluster.local"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(ak_is_public_suffix(names[i]), 0);
    }
}

static void
test_names_of_any_length(void **state)
{
    (void)state;
    char longest[256] = {0};
    for (size_t length = 240; length < sizeof(longest); length++) {
        memset(longest, 'a', length);
        longest[1] = longest[length - 1] = '.';
        assert_int_equal(ak_is_public_suffix(longest), 0);
    }
}

static void
test_a_jar_takes_no_cookie_for_one(void **state)
{
    (void)state;
    struct ak_err err;
    struct ak_url url;
    struct ak_cookie_jar jar;
    ak_url_init(&url);
    ak_cookie_jar_init(&jar);
    jar.is_public_suffix = ak_is_public_suffix;
    assert_int_equal(ak_url_parse(&url, AK_STR("https://a.co.uk/"), &err), AK_OK);
    assert_int_equal(ak_cookie_jar_take(&jar, AK_STR("a=b; Domain=co.uk"), &url, 0), AK_OK);
    assert_int_equal(jar.count, 1 - LISTED);
    ak_cookie_jar_free(&jar);
    ak_url_free(&url);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_the_list),
        cmocka_unit_test(test_names_under_them),
        cmocka_unit_test(test_names_of_any_length),
        cmocka_unit_test(test_a_jar_takes_no_cookie_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
