/* One cookie: what is taken, how long it lives and where it is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cookie_trips.h"

static void
test_name_and_value_are_taken_verbatim(void **state)
{
    (void)state;
    static const struct trip TRIPS[] = {
        {"http://h/", "a=b", "http://h/", "a=b"},
        {"http://h/", " a = b ", "http://h/", "a=b"},
        {"http://h/", "a=\t\"b c\"\t;x", "http://h/", "a=\"b c\""},
        {"http://h/", "a=b=c==", "http://h/", "a=b=c=="},
        {"http://h/", "a=", "http://h/", "a="},
        {"http://h/", "a=b, c=d", "http://h/", "a=b, c=d"},
        {"http://h/", "a=\xc3\xa9", "http://h/", "a=\xc3\xa9"},
        {"http://h/", "$a=b", "http://h/", "$a=b"},
        {"http://h/", "a=b;;=;;", "http://h/", "a=b"},
        {"http://h/", "a", "http://h/", ""},
        {"http://h/", "=b", "http://h/", ""},
        {"http://h/", " =b", "http://h/", ""},
        {"http://h/", "; a=b", "http://h/", ""},
        {"http://h/", "", "http://h/", ""},
        {"http://h/", "a=b\x01", "http://h/", ""},
        {"http://h/", "a=b\x7f", "http://h/", ""},
        {"http://h/", "a=b\r\nX: y", "http://h/", ""},
        {"http://h/", "a=b; Path=/\x02", "http://h/", ""},
    };
    check_trips(TRIPS, LENGTH(TRIPS));
}

static void
test_a_nul_makes_a_cookie_ignored(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    struct ak_url url;
    struct ak_err err;
    ak_cookie_jar_init(&jar);
    ak_url_init(&url);
    assert_int_equal(ak_url_parse(&url, AK_STR("http://h/"), &err), AK_OK);
    assert_int_equal(ak_cookie_jar_take(&jar, AK_STR("a=b\0c"), &url, NOW), AK_OK);
    assert_int_equal(jar.count, 0);
    ak_url_free(&url);
    ak_cookie_jar_free(&jar);
}

static void
test_domains_match_by_rfc_6265(void **state)
{
    (void)state;
    static const struct trip TRIPS[] = {
        {"http://h.org/", "a=b", "http://h.org:81/", "a=b"},
        {"http://h.org/", "a=b", "http://x.h.org/", ""},
        {"http://h.org/", "a=b; Domain=h.org", "http://x.h.org/", "a=b"},
        {"http://h.org/", "a=b; domain=.H.Org", "http://X.h.org/", "a=b"},
        {"http://h.org/", "a=b; Domain=h.org", "http://xh.org/", ""},
        {"http://x.h.org/", "a=b; Domain=h.org", "http://h.org/", "a=b"},
        {"http://x.h.org/", "a=b; Domain=h.org", "http://y.h.org/", "a=b"},
        {"http://h.org/", "a=b; Domain=x.h.org", "http://x.h.org/", ""},
        {"http://h.org/", "a=b; Domain=evil.org", "http://h.org/", ""},
        {"http://xh.org/", "a=b; Domain=h.org", "http://h.org/", ""},
        {"http://h.org/", "a=b; Domain=org", "http://h.org/", ""},
        {"http://h.org./", "a=b; Domain=org.", "http://h.org./", ""},
        {"http://h.org/", "a=b; Domain=", "http://h.org/", "a=b"},
        {"http://h.org/", "a=b; Domain=", "http://x.h.org/", ""},
        {"http://h.org/", "a=b; Domain=..h.org", "http://h.org/", ""},
        {"http://h.org/", "a=b; Domain=x.org; Domain=h.org", "http://h.org/", "a=b"},
        {"http://com/", "a=b; Domain=com", "http://com/", "a=b"},
        {"http://com/", "a=b; Domain=com", "http://x.com/", ""},
        {"http://localhost/", "a=b; Domain=localhost", "http://localhost/", "a=b"},
        {"http://localhost/", "a=b; Domain=localhost", "http://x.localhost/", ""},
        {"http://x.localhost/", "a=b; Domain=localhost", "http://localhost/", ""},
        {"http://127.0.0.1/", "a=b", "http://127.0.0.1:81/", "a=b"},
        {"http://127.0.0.1/", "a=b; Domain=127.0.0.1", "http://127.0.0.1/", "a=b"},
        {"http://127.0.0.1/", "a=b; Domain=0.0.1", "http://127.0.0.1/", ""},
        {"http://[::1]/", "a=b", "http://[::1]/", "a=b"},
        {"http://[::1]/", "a=b; Domain=::1", "http://[::1]/", "a=b"},
        {"http://[::1]/", "a=b", "http://[::2]/", ""},
    };
    check_trips(TRIPS, LENGTH(TRIPS));
}

static void
test_paths_match_by_rfc_6265(void **state)
{
    (void)state;
    static const struct trip TRIPS[] = {
        {"http://h/a/b", "a=b", "http://h/a/c", "a=b"},
        {"http://h/a/b", "a=b", "http://h/a", "a=b"},
        {"http://h/a/b", "a=b", "http://h/ab", ""},
        {"http://h/a/b", "a=b", "http://h/", ""},
        {"http://h/a", "a=b", "http://h/", "a=b"},
        {"http://h", "a=b", "http://h/x/y", "a=b"},
        {"http://h/a/", "a=b", "http://h/a/b", "a=b"},
        {"http://h/a/?x/y/z", "a=b", "http://h/a/q", "a=b"},
        {"http://h/", "a=b; Path=/x", "http://h/x/y", "a=b"},
        {"http://h/", "a=b; Path=/x", "http://h/x?y", "a=b"},
        {"http://h/", "a=b; Path=/x", "http://h/xy", ""},
        {"http://h/", "a=b; Path=/x/", "http://h/x/y", "a=b"},
        {"http://h/", "a=b; Path=/x/", "http://h/x", ""},
        {"http://h/a/b", "a=b; Path=x", "http://h/a/c", "a=b"},
        {"http://h/a/b", "a=b; Path=", "http://h/a/c", "a=b"},
        {"http://h/a/b", "a=b; Path=/; Path=/z", "http://h/", ""},
    };
    check_trips(TRIPS, LENGTH(TRIPS));
}

static void
test_secure_cookies_travel_on_safe_channels_only(void **state)
{
    (void)state;
    static const struct trip TRIPS[] = {
        {"https://h/", "a=b; Secure", "https://h/", "a=b"},
        {"https://h/", "a=b; Secure", "http://h/", ""},
        {"https://h/", "a=b; secure=no", "http://h/", ""},
        {"http://h/", "a=b; Secure", "https://h/", ""},
        {"http://127.0.0.1/", "a=b; Secure", "http://127.0.0.1/", "a=b"},
        {"http://localhost/", "a=b; Secure", "http://localhost:1/", "a=b"},
        {"http://[::1]/", "a=b; Secure", "http://[::1]/", "a=b"},
        {"https://h/", "a=b", "http://h/", "a=b"},
    };
    check_trips(TRIPS, LENGTH(TRIPS));
}

static void
test_name_prefixes_keep_their_promise(void **state)
{
    (void)state;
    static const struct trip TRIPS[] = {
        {"https://h.org/", "__Secure-a=b; Secure", "https://h.org/", "__Secure-a=b"},
        {"https://h.org/", "__Secure-a=b", "https://h.org/", ""},
        {"https://h.org/", "__SECURE-a=b", "https://h.org/", ""},
        {"https://h.org/", "__Host-a=b; Secure; Path=/", "https://h.org/", "__Host-a=b"},
        {"https://h.org/", "__Host-a=b; Secure", "https://h.org/", ""},
        {"https://h.org/", "__Host-a=b; Path=/", "https://h.org/", ""},
        {"https://h.org/", "__Host-a=b; Secure; Path=/x", "https://h.org/x", ""},
        {"https://h.org/", "__host-a=b; Secure; Path=/; Domain=h.org", "https://h.org/", ""},
    };
    check_trips(TRIPS, LENGTH(TRIPS));
}

static void
test_an_unsafe_channel_leaves_secure_cookies_alone(void **state)
{
    (void)state;
    static const struct {
        const char *from, *set_cookie;
        const char *sent; /* to https://l.h.org/p/q */
    } CASES[] = {
        {"http://l.h.org/p/", "a=evil; Path=/p", "a=good"},
        {"http://l.h.org/p/q/r", "a=evil; Path=/p/q", "a=good"},
        {"http://h.org/", "a=evil; Path=/p; Domain=h.org", "a=good"},
        {"http://l.h.org/p/", "a=; Path=/p; Max-Age=0", "a=good"},
        {"http://l.h.org/", "a=other; Path=/", "a=good; a=other"},
        {"http://l.h.org/p/", "A=other; Path=/p", "a=good; A=other"},
        {"https://l.h.org/p/", "a=new; Path=/p", "a=new"},
        {"https://l.h.org/p/", "a=; Path=/p; Max-Age=0", ""},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_cookie_jar jar;
        ak_cookie_jar_init(&jar);
        take(&jar, "https://l.h.org/p/", "a=good; Path=/p; Secure");
        take(&jar, CASES[i].from, CASES[i].set_cookie);
        assert_sends(&jar, "https://l.h.org/p/q", CASES[i].sent);
        ak_cookie_jar_free(&jar);
    }
}

static void
test_max_age_and_expires_end_a_cookie(void **state)
{
    (void)state;
    static const struct {
        const char *set_cookie;
        int64_t expires; /* 0: not kept */
    } CASES[] = {
        {"a=b", AK_COOKIE_SESSION},
        {"a=b; Max-Age=5", NOW + 5},
        {"a=b; Max-Age=0", 0},
        {"a=b; Max-Age=-1", 0},
        {"a=b; Max-Age=", AK_COOKIE_SESSION},
        {"a=b; Max-Age=-", AK_COOKIE_SESSION},
        {"a=b; Max-Age=1x", AK_COOKIE_SESSION},
        {"a=b; Max-Age=+1", AK_COOKIE_SESSION},
        {"a=b; Max-Age=99999999999999999999999", AK_COOKIE_SESSION - 1},
        {"a=b; Max-Age=9223372036854775807", AK_COOKIE_SESSION - 1},
        {"a=b; Expires=Sun, 09 Sep 2001 01:46:41 GMT", NOW + 1},
        {"a=b; Expires=Sun, 09 Sep 2001 01:46:40 GMT", 0},
        {"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"a=b; Expires=0", AK_COOKIE_SESSION},
        {"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=7", NOW + 7},
        {"a=b; Max-Age=7; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW + 7},
        {"a=b; Max-Age=7; Max-Age=8", NOW + 8},
        {"a=b; Max-Age=7; Max-Age=x", NOW + 7},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_cookie_jar jar;
        ak_cookie_jar_init(&jar);
        take(&jar, "http://h/", CASES[i].set_cookie);
        assert_int_equal(jar.count, CASES[i].expires != 0);
        if (jar.count == 1 && jar.cookies[0].expires != CASES[i].expires) {
            fail_msg("%s: %lld", CASES[i].set_cookie, (long long)jar.cookies[0].expires);
        }
        ak_cookie_jar_free(&jar);
    }
}

static void
test_a_cookie_past_its_date_is_not_sent_and_can_be_removed(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    take(&jar, "http://h/", "a=b; Max-Age=5");
    take(&jar, "http://h/", "c=d");
    assert_sends_at(&jar, "http://h/", "a=b; c=d", NOW + 4);
    assert_sends_at(&jar, "http://h/", "c=d", NOW + 5);
    ak_cookie_jar_expire(&jar, NOW + 4);
    assert_int_equal(jar.count, 2);
    uint64_t before = jar.generation;
    ak_cookie_jar_expire(&jar, NOW + 5);
    assert_int_equal(jar.count, 1);
    assert_true(jar.generation > before);
    ak_cookie_jar_free(&jar);
}

static int
is_co_uk(const char *domain)
{
    return strcmp(domain, "co.uk") == 0;
}

static void
test_a_public_suffix_takes_no_cookies(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    jar.is_public_suffix = is_co_uk;
    take(&jar, "http://h.co.uk/", "a=b; Domain=CO.uk");
    assert_int_equal(jar.count, 0);
    take(&jar, "http://h.co.uk/", "a=b; Domain=h.co.uk");
    assert_sends(&jar, "http://x.h.co.uk/", "a=b");
    take(&jar, "http://co.uk/", "c=d; Domain=co.uk");
    assert_sends(&jar, "http://co.uk/", "c=d");
    assert_sends(&jar, "http://h.co.uk/", "a=b");
    ak_cookie_jar_free(&jar);
}

static void
test_dates_are_read_by_rfc_6265(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        int64_t seconds;
    } CASES[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777},
        {"Sun Nov  6 08:49:37 1994", true, 784111777},
        {"1994 november 6 8:49:37", true, 784111777},
        {"6/NOV/94,8:49:37", true, 784111777},
        {"06 Nov 1994 08:49:37.5 GMT", true, 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
        {"1 Jan 69 0:0:0", true, 3124224000},
        {"1 Jan 70 0:0:0", true, 0},
        {"31 Dec 9999 23:59:59", true, 253402300799},
        {"1 Jan 1601 0:0:0", true, -11644473600},
        {"29 Feb 2000 0:0:0", true, 951782400},
        {"29 Feb 2024 0:0:0", true, 1709164800},
        {"29 Feb 1900 0:0:0", false, 0},
        {"29 Feb 2023 0:0:0", false, 0},
        {"31 Apr 2023 0:0:0", false, 0},
        {"0 Jan 2023 0:0:0", false, 0},
        {"1 Jan 1600 0:0:0", false, 0},
        {"1 Jan 123 0:0:0", false, 0},
        {"1 Jan 12345 0:0:0", false, 0},
        {"1 Jan 2023 24:0:0", false, 0},
        {"1 Jan 2023 0:60:0", false, 0},
        {"1 Jan 2023 0:0:60", false, 0},
        {"1 Jan 2023 000:0:0", false, 0},
        {"1 Jan 2023 0:0", false, 0},
        {"1 Jan 2023", false, 0},
        {"Jan 2023 0:0:0", false, 0},
        {"1 2023 0:0:0", false, 0},
        {"1 Jan 0:0:0", false, 0},
        {"", false, 0},
        {"nonsense", false, 0},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        int64_t seconds = 0;
        bool valid = ak_cookie_parse_date(ak_str_from(CASES[i].text), &seconds);
        if (valid != CASES[i].valid || seconds != CASES[i].seconds) {
            fail_msg("'%s': %d, %lld", CASES[i].text, valid, (long long)seconds);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_and_value_are_taken_verbatim),
        cmocka_unit_test(test_a_nul_makes_a_cookie_ignored),
        cmocka_unit_test(test_domains_match_by_rfc_6265),
        cmocka_unit_test(test_paths_match_by_rfc_6265),
        cmocka_unit_test(test_secure_cookies_travel_on_safe_channels_only),
        cmocka_unit_test(test_name_prefixes_keep_their_promise),
        cmocka_unit_test(test_an_unsafe_channel_leaves_secure_cookies_alone),
        cmocka_unit_test(test_max_age_and_expires_end_a_cookie),
        cmocka_unit_test(test_a_cookie_past_its_date_is_not_sent_and_can_be_removed),
        cmocka_unit_test(test_a_public_suffix_takes_no_cookies),
        cmocka_unit_test(test_dates_are_read_by_rfc_6265),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
