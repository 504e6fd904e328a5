/* The cookie jar: what is taken, kept, replaced, evicted and sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/cookie.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { NOW = 1000000000 };

static void
take_at(struct ak_cookie_jar *jar, const char *url, const char *set_cookie, int64_t now)
{
    struct ak_url from;
    struct ak_err err;
    ak_url_init(&from);
    assert_int_equal(ak_url_parse(&from, ak_str_from(url), &err), AK_OK);
    assert_int_equal(ak_cookie_jar_take(jar, ak_str_from(set_cookie), &from, now), AK_OK);
    ak_url_free(&from);
}

static void
take(struct ak_cookie_jar *jar, const char *url, const char *set_cookie)
{
    take_at(jar, url, set_cookie, NOW);
}

static void
assert_sends_at(const struct ak_cookie_jar *jar, const char *url, const char *expected, int64_t now)
{
    struct ak_url to;
    struct ak_err err;
    struct ak_buf out = ak_buf_make(1 << 20);
    ak_url_init(&to);
    assert_int_equal(ak_url_parse(&to, ak_str_from(url), &err), AK_OK);
    assert_int_equal(ak_cookie_jar_write(jar, &to, now, &out), AK_OK);
    if (!ak_str_equal(ak_buf_str(&out), ak_str_from(expected))) {
        fail_msg("to %s: got '%.*s', expected '%s'", url, (int)out.len, out.data, expected);
    }
    ak_buf_free(&out);
    ak_url_free(&to);
}

static void
assert_sends(const struct ak_cookie_jar *jar, const char *url, const char *expected)
{
    assert_sends_at(jar, url, expected, NOW);
}

/* One Set-Cookie from one URL, and the Cookie header of a request to another. */
struct trip {
    const char *from, *set_cookie, *to, *sent;
};

static void
check_trips(const struct trip *trips, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ak_cookie_jar jar;
        ak_cookie_jar_init(&jar);
        take(&jar, trips[i].from, trips[i].set_cookie);
        assert_sends(&jar, trips[i].to, trips[i].sent);
        ak_cookie_jar_free(&jar);
    }
}

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

static void
test_an_expired_cookie_removes_the_one_of_its_key(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    take(&jar, "http://h/", "a=b; Path=/");
    take(&jar, "http://h/", "a=c; Path=/x");
    take(&jar, "http://h/", "a=; Path=/; Max-Age=0");
    assert_sends(&jar, "http://h/x", "a=c");
    uint64_t before = jar.generation;
    take(&jar, "http://h/", "a=; Path=/y; Max-Age=0");
    assert_true(jar.generation == before);
    ak_cookie_jar_free(&jar);
}

static void
test_longer_paths_come_first_then_older_cookies(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    take(&jar, "http://h/", "a=1; Path=/");
    take(&jar, "http://h/", "b=2; Path=/x/y");
    take(&jar, "http://h/", "c=3; Path=/x");
    take(&jar, "http://h/", "d=4; Path=/x");
    take(&jar, "http://h/", "e=5; Path=/");
    assert_sends(&jar, "http://h/x/y/z", "b=2; c=3; d=4; a=1; e=5");
    take(&jar, "http://h/", "a=6; Path=/");
    assert_sends(&jar, "http://h/x", "c=3; d=4; a=6; e=5");
    ak_cookie_jar_free(&jar);
}

static void
test_a_cookie_is_replaced_by_domain_path_and_name(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    take(&jar, "http://x.h.org/", "a=1; HttpOnly");
    take(&jar, "http://x.h.org/", "a=2; Path=/x");
    take(&jar, "http://x.h.org/", "a=3; Domain=h.org");
    assert_true(jar.cookies[0].http_only);
    assert_true(jar.cookies[0].host_only);
    assert_false(jar.cookies[0].path_given);
    assert_false(jar.cookies[2].host_only);
    assert_string_equal(jar.cookies[2].domain, "h.org");
    assert_int_equal(jar.count, 3);
    take(&jar, "http://x.h.org/", "a=4; Path=/");
    assert_int_equal(jar.count, 3);
    assert_true(jar.cookies[0].path_given);
    assert_false(jar.cookies[0].http_only);
    assert_sends(&jar, "http://x.h.org/", "a=4; a=3");
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
test_size_caps(void **state)
{
    (void)state;
    static char text[AK_COOKIE_MAX_SIZE + 2 * AK_COOKIE_MAX_ATTRIBUTE];
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    memset(text, 'x', AK_COOKIE_MAX_SIZE + 1);
    text[1] = '=';
    take(&jar, "http://h/", text);
    assert_int_equal(jar.count, 1);
    text[AK_COOKIE_MAX_SIZE + 1] = 'x';
    text[0] = 'y';
    take(&jar, "http://h/", text);
    assert_int_equal(jar.count, 1);
    snprintf(text, sizeof(text), "a=b; Path=/%0*d", AK_COOKIE_MAX_ATTRIBUTE, 0);
    take(&jar, "http://h/", text);
    assert_int_equal(jar.count, 2);
    assert_string_equal(jar.cookies[1].path, "/");
    ak_cookie_jar_free(&jar);
}

static void
fill(struct ak_cookie_jar *jar, int domains, int per_domain)
{
    for (int domain = 0; domain < domains; domain++) {
        for (int i = 0; i < per_domain; i++) {
            char url[40], cookie[40];
            snprintf(url, sizeof(url), "http://h%d.org/", domain);
            snprintf(cookie, sizeof(cookie), "c%d=%d", i, domain);
            take(jar, url, cookie);
        }
    }
}

static void
test_the_oldest_of_a_domain_goes_over_its_cap(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    take(&jar, "http://other.org/", "old=1");
    fill(&jar, 1, AK_COOKIE_MAX_PER_DOMAIN);
    assert_int_equal(jar.count, AK_COOKIE_MAX_PER_DOMAIN + 1);
    take(&jar, "http://h0.org/", "c0=replaced");
    assert_string_equal(jar.cookies[1].value, "replaced");
    take(&jar, "http://h0.org/", "new=1");
    assert_int_equal(jar.count, AK_COOKIE_MAX_PER_DOMAIN + 1);
    assert_string_equal(jar.cookies[0].name, "old");
    assert_string_equal(jar.cookies[1].name, "c1");
    ak_cookie_jar_free(&jar);
}

static void
test_the_oldest_of_all_goes_over_the_cap(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    fill(&jar, AK_COOKIE_MAX_TOTAL / 100, 100);
    assert_int_equal(jar.count, AK_COOKIE_MAX_TOTAL);
    take(&jar, "http://other.org/", "new=1");
    assert_int_equal(jar.count, AK_COOKIE_MAX_TOTAL);
    assert_string_equal(jar.cookies[0].name, "c1");
    assert_sends(&jar, "http://other.org/", "new=1");
    ak_cookie_jar_free(&jar);
}

static void
test_past_cookies_go_before_living_ones(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    fill(&jar, 1, AK_COOKIE_MAX_PER_DOMAIN - 1);
    take(&jar, "http://h0.org/", "short=1; Max-Age=1");
    take_at(&jar, "http://h0.org/", "new=1", NOW + 2);
    assert_int_equal(jar.count, AK_COOKIE_MAX_PER_DOMAIN);
    assert_string_equal(jar.cookies[0].name, "c0");
    assert_int_equal(ak_cookie_jar_remove(&jar, NULL, NULL, "short"), 0);
    ak_cookie_jar_free(&jar);
}

static struct ak_cookie
by_hand(const char *domain, const char *path, const char *name, const char *value)
{
    return (struct ak_cookie){
        .name = (char *)name,
        .value = (char *)value,
        .value_len = strlen(value),
        .domain = (char *)domain,
        .path = (char *)path,
        .expires = AK_COOKIE_SESSION,
    };
}

static void
test_cookies_set_by_hand(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    struct ak_cookie everywhere = by_hand("", "/", "a", "1");
    struct ak_cookie below = by_hand(".H.org", "/x", "b", "2");
    assert_int_equal(ak_cookie_jar_set(&jar, &everywhere), AK_OK);
    assert_int_equal(ak_cookie_jar_set(&jar, &below), AK_OK);
    assert_string_equal(jar.cookies[1].domain, "h.org");
    assert_sends(&jar, "http://any/", "a=1");
    assert_sends(&jar, "http://127.0.0.1/x", "a=1");
    assert_sends(&jar, "http://y.h.org/x", "b=2; a=1");
    struct ak_cookie parent = by_hand("0.0.1", "/", "c", "1");
    assert_int_equal(ak_cookie_jar_set(&jar, &parent), AK_OK);
    assert_sends(&jar, "http://127.0.0.1/x", "a=1");
    assert_int_equal(ak_cookie_jar_remove(&jar, "0.0.1", NULL, NULL), 1);
    everywhere.value = "3";
    assert_int_equal(ak_cookie_jar_set(&jar, &everywhere), AK_OK);
    assert_int_equal(jar.count, 2);
    assert_sends(&jar, "http://any/", "a=3");
    ak_cookie_jar_free(&jar);
}

static void
test_a_cookie_by_hand_may_not_break_the_header(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } CASES[] = {
        {"", "b"}, {"a\n", "b"}, {"a", "b\r\nX: y"}, {"a\x7f", "b"}, {"a", "\x1f"},
    };
    struct ak_cookie_jar jar;
    ak_cookie_jar_init(&jar);
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_cookie cookie = by_hand("", "/", CASES[i].name, CASES[i].value);
        assert_int_equal(ak_cookie_jar_set(&jar, &cookie), AK_BAD_HEADER);
    }
    struct ak_cookie nul = by_hand("", "/", "a", "b");
    nul.value = "b\0c";
    nul.value_len = 3;
    assert_int_equal(ak_cookie_jar_set(&jar, &nul), AK_BAD_HEADER);
    assert_int_equal(jar.count, 0);
    assert_true(jar.generation == 0);
    ak_cookie_jar_free(&jar);
}

static void
test_remove_takes_what_matches(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *path, *name;
        size_t removed;
    } CASES[] = {
        {NULL, NULL, NULL, 4},    {"h.org", NULL, NULL, 3}, {".H.org", NULL, NULL, 3},
        {"h.org", "/x", NULL, 1}, {NULL, NULL, "a", 3},     {"g.org", "/", "a", 1},
        {"g.org", "/", "b", 0},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_cookie_jar jar;
        ak_cookie_jar_init(&jar);
        take(&jar, "http://h.org/", "a=1");
        take(&jar, "http://h.org/", "a=2; Path=/x");
        take(&jar, "http://h.org/", "b=3");
        take(&jar, "http://g.org/", "a=4");
        uint64_t before = jar.generation;
        assert_int_equal(ak_cookie_jar_remove(&jar, CASES[i].domain, CASES[i].path, CASES[i].name),
                         CASES[i].removed);
        assert_int_equal(jar.count, 4 - CASES[i].removed);
        assert_true(jar.generation == before + CASES[i].removed);
        ak_cookie_jar_free(&jar);
    }
}

static void
test_a_copy_stands_by_itself(void **state)
{
    (void)state;
    struct ak_cookie_jar jar, copy;
    ak_cookie_jar_init(&jar);
    ak_cookie_jar_init(&copy);
    assert_int_equal(ak_cookie_jar_copy(&copy, &jar), AK_OK);
    assert_int_equal(copy.count, 0);
    take(&jar, "http://h/", "a=1");
    take(&jar, "http://h/", "b=2");
    assert_int_equal(ak_cookie_jar_copy(&copy, &jar), AK_OK);
    assert_true(copy.generation == jar.generation);
    take(&jar, "http://h/", "a=3");
    ak_cookie_jar_clear(&jar);
    assert_sends(&jar, "http://h/", "");
    assert_sends(&copy, "http://h/", "a=1; b=2");
    take(&copy, "http://h/", "c=3");
    assert_sends(&copy, "http://h/", "a=1; b=2; c=3");
    ak_cookie_jar_free(&jar);
    ak_cookie_jar_free(&copy);
}

static void
test_the_header_is_appended_and_its_cap_holds(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    struct ak_url url;
    struct ak_err err;
    ak_cookie_jar_init(&jar);
    ak_url_init(&url);
    assert_int_equal(ak_url_parse(&url, AK_STR("http://h/"), &err), AK_OK);
    take(&jar, "http://h/", "a=1");
    take(&jar, "http://h/", "b=2");
    struct ak_buf out = ak_buf_make(10);
    assert_int_equal(ak_buf_append(&out, AK_STR(">")), AK_OK);
    assert_int_equal(ak_cookie_jar_write(&jar, &url, NOW, &out), AK_OK);
    assert_true(ak_str_equal(ak_buf_str(&out), AK_STR(">a=1; b=2")));
    assert_int_equal(ak_cookie_jar_write(&jar, &url, NOW, &out), AK_TOO_LARGE);
    assert_int_equal(out.len, 9);
    ak_buf_free(&out);
    ak_url_free(&url);
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

/* A walk through everything that allocates; the first status that is not OK. */
static enum ak_status
use_everything(struct ak_cookie_jar *jar, struct ak_cookie_jar *copy, const struct ak_url *url,
               struct ak_buf *out)
{
    struct ak_cookie cookie = by_hand("", "/", "h", "1");
    enum ak_status status = AK_OK;
    for (int i = 0; i < 9 && status == AK_OK; i++) {
        char text[16];
        snprintf(text, sizeof(text), "c%d=1", i);
        status = ak_cookie_jar_take(jar, ak_str_from(text), url, NOW);
    }
    status = status == AK_OK ? ak_cookie_jar_take(jar, AK_STR("c0=2"), url, NOW) : status;
    status = status == AK_OK ? ak_cookie_jar_set(jar, &cookie) : status;
    status = status == AK_OK ? ak_cookie_jar_copy(copy, jar) : status;
    return status == AK_OK ? ak_cookie_jar_write(copy, url, NOW, out) : status;
}

static void
test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    unsigned long tried = 0;
    struct ak_url url;
    struct ak_err err;
    ak_url_init(&url);
    assert_int_equal(ak_url_parse(&url, AK_STR("http://h/"), &err), AK_OK);
    for (unsigned long at = 0; at <= tried; at++) {
        struct ak_cookie_jar jar, copy;
        struct ak_buf out = ak_buf_make(1000);
        ak_cookie_jar_init(&jar);
        ak_cookie_jar_init(&copy);
        ak_alloc_fail_at(at);
        enum ak_status status = use_everything(&jar, &copy, &url, &out);
        tried = at == 0 ? ak_alloc_count() : tried;
        ak_alloc_fail_at(0);
        assert_int_equal(status, at == 0 ? AK_OK : AK_NO_MEMORY);
        assert_true(copy.count == 0 || copy.count == jar.count);
        ak_cookie_jar_free(&jar);
        ak_cookie_jar_free(&copy);
        ak_buf_free(&out);
    }
    assert_true(tried >= 20);
    ak_url_free(&url);
}

static void
test_a_failed_take_leaves_the_jar_as_it_was(void **state)
{
    (void)state;
    struct ak_cookie_jar jar;
    struct ak_url url;
    struct ak_err err;
    ak_cookie_jar_init(&jar);
    ak_url_init(&url);
    assert_int_equal(ak_url_parse(&url, AK_STR("http://h0.org/"), &err), AK_OK);
    fill(&jar, 1, 8);
    for (unsigned long at = 1; at <= 2; at++) {
        uint64_t before = jar.generation;
        ak_alloc_fail_at(at);
        assert_int_equal(ak_cookie_jar_take(&jar, AK_STR("new=1"), &url, NOW), AK_NO_MEMORY);
        ak_alloc_fail_at(0);
        assert_int_equal(jar.count, 8);
        assert_true(jar.generation == before);
    }
    ak_url_free(&url);
    ak_cookie_jar_free(&jar);
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
        cmocka_unit_test(test_an_expired_cookie_removes_the_one_of_its_key),
        cmocka_unit_test(test_longer_paths_come_first_then_older_cookies),
        cmocka_unit_test(test_a_cookie_is_replaced_by_domain_path_and_name),
        cmocka_unit_test(test_a_public_suffix_takes_no_cookies),
        cmocka_unit_test(test_size_caps),
        cmocka_unit_test(test_the_oldest_of_a_domain_goes_over_its_cap),
        cmocka_unit_test(test_the_oldest_of_all_goes_over_the_cap),
        cmocka_unit_test(test_past_cookies_go_before_living_ones),
        cmocka_unit_test(test_cookies_set_by_hand),
        cmocka_unit_test(test_a_cookie_by_hand_may_not_break_the_header),
        cmocka_unit_test(test_remove_takes_what_matches),
        cmocka_unit_test(test_a_copy_stands_by_itself),
        cmocka_unit_test(test_the_header_is_appended_and_its_cap_holds),
        cmocka_unit_test(test_dates_are_read_by_rfc_6265),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
        cmocka_unit_test(test_a_failed_take_leaves_the_jar_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
