/* The cookie jar: what is replaced, evicted, set by hand, removed and copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cookie_trips.h"
#include "core/alloc.h"

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
        {"", "b"},     {"a\n", "b"}, {"a", "b\r\nX: y"}, {"a\x7f", "b"},
        {"a", "\x1f"}, {"a;c", "b"}, {"a", "b; c=d"},
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
        cmocka_unit_test(test_an_expired_cookie_removes_the_one_of_its_key),
        cmocka_unit_test(test_longer_paths_come_first_then_older_cookies),
        cmocka_unit_test(test_a_cookie_is_replaced_by_domain_path_and_name),
        cmocka_unit_test(test_size_caps),
        cmocka_unit_test(test_the_oldest_of_a_domain_goes_over_its_cap),
        cmocka_unit_test(test_the_oldest_of_all_goes_over_the_cap),
        cmocka_unit_test(test_past_cookies_go_before_living_ones),
        cmocka_unit_test(test_cookies_set_by_hand),
        cmocka_unit_test(test_a_cookie_by_hand_may_not_break_the_header),
        cmocka_unit_test(test_remove_takes_what_matches),
        cmocka_unit_test(test_a_copy_stands_by_itself),
        cmocka_unit_test(test_the_header_is_appended_and_its_cap_holds),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
        cmocka_unit_test(test_a_failed_take_leaves_the_jar_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
