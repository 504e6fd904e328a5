/* Where the secrets of a log-in may go, and where its redirects may lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/login_place.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void
parse(struct ak_url *url, const char *text)
{
    struct ak_err err;
    ak_url_init(url);
    assert_int_equal(ak_url_parse(url, ak_str_from(text), &err), AK_OK);
}

static void
test_a_place_is_an_origin_and_a_path_on_a_segment_border(void **state)
{
    (void)state;
    static const struct {
        const char *configured, *url;
        bool by_origin, by_path;
    } CASES[] = {
        {"https://p/", "https://p/any", true, true},
        {"https://p", "https://p:443/any", true, true},
        {"https://p/realms/lab", "https://p/realms/lab", true, true},
        {"https://p/realms/lab/", "https://p/realms/lab", true, true},
        {"https://p/realms/lab", "https://p/realms/lab/auth?x=1", true, true},
        {"https://p/realms/lab?x=1", "https://p/realms/lab/auth", true, true},
        {"https://p/realms/lab", "https://p/realms/laboratory", true, false},
        {"https://p/realms/lab", "https://p/realms/other", true, false},
        {"https://p/realms/lab", "https://p/", true, false},
        {"https://p/realms/lab", "https://p/realms/lab/../other", true, false},
        {"https://p/realms/lab", "https://p/realms/lab/%2e%2e/other", true, false},
        {"https://p/realms/lab", "https://p/realms/lab/..%2Fother", true, false},
        {"https://p/realms/lab", "https://p/realms/lab/..%5cother", true, false},
        {"https://p/realms/lab", "https://p/realms/lab/100%25", true, true},
        {"https://p/realms/lab", "https://q/realms/lab", false, false},
        {"https://p/", "http://p/", false, false},
        {"https://p/", "https://p:8443/", false, false},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url configured, url;
        parse(&configured, CASES[i].configured);
        parse(&url, CASES[i].url);
        if (ak_login_place_holds(&configured, AK_PLACE_ORIGIN, &url) != CASES[i].by_origin ||
            ak_login_place_holds(&configured, AK_PLACE_BELOW_PATH, &url) != CASES[i].by_path) {
            fail_msg("%s, %s", CASES[i].configured, CASES[i].url);
        }
        ak_url_free(&configured);
        ak_url_free(&url);
    }
}

static void
test_a_way_is_private_by_https_or_on_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_private;
    } CASES[] = {
        {"https://p/", true},           {"http://127.0.0.1:8000/", true},
        {"http://[::1]/", true},        {"http://localhost/", true},
        {"http://p/", false},           {"http://10.0.0.1/", false},
        {"http://localhost.p/", false},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url url;
        parse(&url, CASES[i].url);
        assert_int_equal(ak_login_place_is_private(&url), CASES[i].is_private);
        ak_url_free(&url);
    }
}

static void
test_only_the_beginning_of_a_log_in_leads_away_from_the_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *base, *from, *to;
        bool may;
    } CASES[] = {
        {"https://p/oauth2/start", "https://p/oauth2/start?rd=/", "https://id/login", true},
        {"https://p/oauth2/start", "https://p/oauth2/sign_in", "https://id/login", true},
        {"https://p/oauth2/start", "https://p/oauth2/callback", "https://p/api", true},
        {"https://p/oauth2/start", "https://p/oauth2/callback", "https://evil/", false},
        {"https://p/oauth2/start", "https://p/oauth2/callback", "http://p/api", false},
        {"https://p/oauth2/start", "https://p/oauth2/sign_inside", "https://evil/", false},
        {"https://p/oauth2/start", "https://p/api", "https://evil/", false},
        {"https://p/oauth2/start", "https://id/session", "https://other/", true},
        {"https://p/oauth2/start", "https://id/authorize", "https://p/oauth2/callback", true},
        {"https://p/", "https://p/", "https://id/login", true},
        {"https://p/", "https://p/api", "https://evil/", false},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url base, from, to;
        parse(&base, CASES[i].base);
        parse(&from, CASES[i].from);
        parse(&to, CASES[i].to);
        if (ak_login_place_may_follow(&base, &from, &to) != CASES[i].may) {
            fail_msg("%s -> %s", CASES[i].from, CASES[i].to);
        }
        ak_url_free(&base);
        ak_url_free(&from);
        ak_url_free(&to);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_is_an_origin_and_a_path_on_a_segment_border),
        cmocka_unit_test(test_a_way_is_private_by_https_or_on_loopback),
        cmocka_unit_test(test_only_the_beginning_of_a_log_in_leads_away_from_the_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
