/* URLs: what they are normalised to, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "url_checks.h"

static void
test_text_is_normalised_as_requests_does(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
    } CASES[] = {
        {"http://127.0.0.1:8080/path", "http://127.0.0.1:8080/path"},
        {" \t\v\f\x1fhttp://h/", "http://h/"},
        {"HTTP://Example.COM/Path", "http://example.com/Path"},
        {"hTTps://h", "https://h/"},
        {"http://h?q", "http://h/?q"},
        {"http://h#f", "http://h/#f"},
        {"http://h/?#", "http://h/"},
        {"http://h:/", "http://h/"},
        {"http://h:80/", "http://h:80/"},
        {"http://h:00080/", "http://h:80/"},
        {"http://h:65535/", "http://h:65535/"},
        {"http://h\\x\\y", "http://h/%5Cx%5Cy"},
        {"http://@h/", "http://h/"},
        {"http://:@h/", "http://:@h/"},
        {"http://u:p@w/@h/", "http://u:p@w/@h/"},
        {"http://u:p@w@h/", "http://u:p%40w@h/"},
        {"http://u\xc3\xa9:p[@h/", "http://u%C3%A9:p%5B@h/"},
        {"http://h/a b\xc3\xa9\"<>^`{|}", "http://h/a%20b%C3%A9%22%3C%3E%5E%60%7B%7C%7D"},
        {"http://h/[?]#[#", "http://h/%5B?%5D#%5B%23"},
        {"http://h/%41%7e%2f%2F%c3%a9", "http://h/A~%2F%2F%C3%A9"},
        {"http://h/%41%?%41#%zz%41", "http://h/%2541%25?A#%25zz%2541"},
        {"http://h/%4", "http://h/%254"},
        {"http://h/%2f%", "http://h/%252F%25"},
        {"http://h/a/./b/../c", "http://h/a/c"},
        {"http://h/..", "http://h/"},
        {"http://h/a/..", "http://h/"},
        {"http://h/a/.", "http://h/a/"},
        {"http://h/../../a", "http://h/a"},
        {"http://h/a//../b", "http://h/a/b"},
        {"http://h/..//b", "http://h//b"},
        {"http://h/a/%2e%2E/b", "http://h/b"},
        {"http://h/...;a=1/.b", "http://h/...;a=1/.b"},
        {"http://h/?a/../b", "http://h/?a/../b"},
        {"http://h//x", "http://h//x"},
        {"http://[::1]:8/", "http://[::1]:8/"},
        {"http://[FE80::A:1.2.3.4]/", "http://[fe80::a:1.2.3.4]/"},
        {"http://[fe80::1%25eTh0]:8/", "http://[fe80::1%25eTh0]:8/"},
        {"http://[fe80::1%eTh0]/", "http://[fe80::1%25eTh0]/"},
        {"http://[fe80::1%25]/", "http://[fe80::1%2525]/"},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url url, again;
        parse_well(&url, CASES[i].text);
        assert_str(ak_buf_str(&url.text), CASES[i].normal);
        parse_well(&again, CASES[i].normal);
        assert_str(ak_buf_str(&again.text), CASES[i].normal);
        ak_url_free(&url);
        ak_url_free(&again);
    }
}

static void
test_parts_are_slices_of_the_text(void **state)
{
    (void)state;
    struct ak_url url;
    parse_well(&url, "https://Us%3ar:pw@HOST:8443/p/q?a=b&c#frag");
    assert_int_equal(url.scheme, AK_HTTPS);
    assert_true(url.has_userinfo);
    assert_str(url.userinfo, "Us%3Ar:pw");
    assert_str(url.host, "host");
    assert_false(url.host_is_ipv6);
    assert_int_equal(url.port, 8443);
    assert_str(url.host_port, "host:8443");
    assert_str(url.target, "/p/q?a=b&c");
    assert_str(url.path, "/p/q");
    assert_str(url.query, "a=b&c");
    assert_true(url.has_fragment);
    assert_str(url.fragment, "frag");
    ak_url_free(&url);
}

static void
test_host_port_has_no_default_port_and_no_zone(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *host_port;
        int port;
    } CASES[] = {
        {"http://h/", "h", "h", 80},
        {"http://h:80/", "h", "h", 80},
        {"https://h:443/", "h", "h", 443},
        {"https://h:80/", "h", "h:80", 80},
        {"http://[::1]:80/", "::1", "[::1]", 80},
        {"http://[::1]:81/", "::1", "[::1]:81", 81},
        {"http://[fe80::A%25eth0]/x", "fe80::a%25eth0", "[fe80::a]", 80},
        {"https://[fe80::a%eth0]:1/x#f", "fe80::a%25eth0", "[fe80::a]:1", 1},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url url;
        parse_well(&url, CASES[i].text);
        assert_str(url.host, CASES[i].host);
        assert_str(url.host_port, CASES[i].host_port);
        assert_int_equal(url.port, CASES[i].port);
        ak_url_free(&url);
    }
}

static void
test_what_is_no_http_url_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ak_status status;
        const char *message;
    } CASES[] = {
        {"", AK_MISSING_SCHEMA, "https://"},
        {"/path", AK_MISSING_SCHEMA, "'/path'"},
        {"example.com", AK_MISSING_SCHEMA, "'example.com'"},
        {"//h/", AK_MISSING_SCHEMA, "https://"},
        {"1http://h/", AK_MISSING_SCHEMA, "https://"},
        {"ftp://h/", AK_BAD_SCHEMA, "'ftp'"},
        {"file:///etc/passwd", AK_BAD_SCHEMA, "'file'"},
        {"httpx://h/", AK_BAD_SCHEMA, "'httpx'"},
        {"localhost:8080/x", AK_BAD_SCHEMA, "'localhost'"},
        {"http:", AK_BAD_URL, "no host"},
        {"http:/x", AK_BAD_URL, "no host"},
        {"http://", AK_BAD_URL, "no host"},
        {"http:///x", AK_BAD_URL, "no host"},
        {"http://?q", AK_BAD_URL, "no host"},
        {"http://:80/", AK_BAD_URL, "no host"},
        {"http://*.h/", AK_BAD_URL, "begins with"},
        {"http://.h/", AK_BAD_URL, "begins with"},
        {"http://a b/", AK_BAD_URL, "forbidden character"},
        {"http://a%20b/", AK_BAD_URL, "forbidden character"},
        {"http://a<b/", AK_BAD_URL, "forbidden character"},
        {"http://h\xc3\xa9/", AK_BAD_URL, "not ASCII"},
        {"http://h:x/", AK_BAD_URL, "port"},
        {"http://h:65536/", AK_BAD_URL, "port"},
        {"http://h:99999999999999999999/", AK_BAD_URL, "port"},
        {"http://h:-1/", AK_BAD_URL, "port"},
        {"http://h:0/", AK_BAD_URL, "port"},
        {"http://h:1:2/", AK_BAD_URL, "port"},
        {"http://[::1/", AK_BAD_URL, "not closed"},
        {"http://[]/", AK_BAD_URL, "IPv6"},
        {"http://[::1]x/", AK_BAD_URL, "between"},
        {"http://[1::2::3]/", AK_BAD_URL, "IPv6"},
        {"http://[1:2:3:4:5:6:7]/", AK_BAD_URL, "IPv6"},
        {"http://[1:2:3:4:5:6:7:8:9]/", AK_BAD_URL, "IPv6"},
        {"http://[1:2:3:4::5:6:7:8]/", AK_BAD_URL, "IPv6"},
        {"http://[1:2:3:4:5:6:7:]/", AK_BAD_URL, "IPv6"},
        {"http://[:1:2:3:4:5:6:7]/", AK_BAD_URL, "IPv6"},
        {"http://[12345::]/", AK_BAD_URL, "IPv6"},
        {"http://[::1.2.3.256]/", AK_BAD_URL, "IPv6"},
        {"http://[::1.2.3]/", AK_BAD_URL, "IPv6"},
        {"http://[v1.x]/", AK_BAD_URL, "IPv6"},
        {"http://[::1%]/", AK_BAD_URL, "zone"},
        {"http://[::1%25a%20]/", AK_BAD_URL, "zone"},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_err err = {AK_OK, ""};
        struct ak_url url;
        ak_url_init(&url);
        if (ak_url_parse(&url, ak_str_from(CASES[i].text), &err) != CASES[i].status ||
            err.status != CASES[i].status || strstr(err.message, CASES[i].message) == NULL) {
            fail_msg("'%s': %d, %s", CASES[i].text, (int)err.status, err.message);
        }
        assert_null(url.text.data);
    }
}

static void
test_line_breaks_and_nul_are_refused_anywhere(void **state)
{
    (void)state;
    static const char TEXT[] = "http://u:p@h:1/p?q#f";
    for (size_t at = 0; at < sizeof(TEXT); at++) {
        for (const char *bad = "\r\n"; bad <= strchr("\r\n", '\0'); bad++) {
            char broken[sizeof(TEXT)];
            memcpy(broken, TEXT, at);
            broken[at] = *bad;
            memcpy(broken + at + 1, TEXT + at, sizeof(TEXT) - 1 - at);
            struct ak_err err;
            struct ak_url url;
            ak_url_init(&url);
            assert_int_equal(ak_url_parse(&url, ak_str_of(broken, sizeof(TEXT)), &err), AK_BAD_URL);
            assert_non_null(strstr(err.message, "line break"));
        }
    }
}

static void
test_a_url_over_the_cap_is_refused(void **state)
{
    (void)state;
    char *text = malloc(AK_URL_MAX_SIZE + 1);
    assert_non_null(text);
    memset(text, 'a', AK_URL_MAX_SIZE + 1);
    memcpy(text, "http://h/", 9);
    struct ak_err err;
    struct ak_url url;
    ak_url_init(&url);
    assert_int_equal(ak_url_parse(&url, ak_str_of(text, AK_URL_MAX_SIZE + 1), &err), AK_BAD_URL);
    memset(text + 9, ' ', AK_URL_MAX_SIZE / 2);
    assert_int_equal(ak_url_parse(&url, ak_str_of(text, AK_URL_MAX_SIZE / 2), &err), AK_BAD_URL);
    assert_non_null(strstr(err.message, "longer"));
    assert_int_equal(ak_url_parse(&url, ak_str_of(text, AK_URL_MAX_SIZE / 4), &err), AK_OK);
    ak_url_free(&url);
    free(text);
}

static void
test_no_message_shows_userinfo_or_query(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "http://me:secret@/x",        "http://me:secret@h:port/", "//me:secret@h/",
        "http://h:bad/?token=secret", "http://h:bad/#secret",     "http://me:se#secret@h:bad/",
        "http://me:se?secret@h:b/",   "http://me:secret/@b c/x",  "http://a@secret@b c/",
        "http://me:secret@h/\n",      "http://me:secret@h/?a\r",  "x y://me:secret@h/",
        "http://me:secret@[::1/",     "ftp://me:secret@h/",       "http://me:secret\n@h/",
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_err err = {AK_OK, ""};
        struct ak_url url;
        ak_url_init(&url);
        assert_int_not_equal(ak_url_parse(&url, ak_str_from(CASES[i]), &err), AK_OK);
        if (strstr(err.message, "secret") != NULL || strlen(err.message) < 10) {
            fail_msg("'%s' gives: %s", CASES[i], err.message);
        }
    }
}

static void
test_a_long_wrong_url_is_cut_in_the_message(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text));
    struct ak_err err;
    struct ak_url url;
    ak_url_init(&url);
    assert_int_equal(ak_url_parse(&url, ak_str_of(text, sizeof(text)), &err), AK_MISSING_SCHEMA);
    assert_non_null(strstr(err.message, "xxx...'"));
    assert_true(strlen(err.message) < 250);
}

static void
test_failure_leaves_the_old_url_and_success_replaces_it(void **state)
{
    (void)state;
    struct ak_err err;
    struct ak_url url;
    parse_well(&url, "http://h/a");
    assert_int_equal(ak_url_parse(&url, AK_STR("nonsense"), &err), AK_MISSING_SCHEMA);
    assert_str(ak_buf_str(&url.text), "http://h/a");
    assert_int_equal(ak_url_parse(&url, AK_STR("http://h/b"), &err), AK_OK);
    assert_str(ak_buf_str(&url.text), "http://h/b");
    assert_int_equal(ak_url_parse(&url, ak_buf_str(&url.text), &err), AK_OK);
    assert_str(ak_buf_str(&url.text), "http://h/b");
    ak_url_free(&url);
}

static void
test_copy_and_move_keep_every_slice(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"http://u:p@h:8/p?q#f", "http://[fe80::1%25e]:8/p?q#f",
                                        "http://h"};
    for (size_t i = 0; i < LENGTH(TEXTS); i++) {
        struct ak_url url, copy, moved;
        parse_well(&url, TEXTS[i]);
        ak_url_init(&copy);
        assert_int_equal(ak_url_copy(&copy, &url), AK_OK);
        assert_ptr_not_equal(copy.text.data, url.text.data);
        ak_url_move(&moved, &copy);
        assert_null(copy.text.data);
        assert_true(ak_str_equal(moved.userinfo, url.userinfo));
        assert_true(ak_str_equal(moved.host, url.host));
        assert_true(ak_str_equal(moved.host_port, url.host_port));
        assert_true(ak_str_equal(moved.target, url.target));
        assert_true(ak_str_equal(moved.path, url.path));
        assert_true(ak_str_equal(moved.query, url.query));
        assert_true(ak_str_equal(moved.fragment, url.fragment));
        assert_true(ak_str_equal(ak_buf_str(&moved.text), ak_buf_str(&url.text)));
        ak_url_free(&url);
        assert_int_equal(moved.path.ptr[0], '/');
        ak_url_free(&moved);
        ak_url_free(&copy);
    }
}

static void
test_find_host_gives_the_bytes_to_encode(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
    } CASES[] = {
        {"http://h\xc3\xa9:80/x", "h\xc3\xa9"},
        {"  HTTPS://u@x:p@h?q", "h"},
        {"http://user:pw@[::1]:80/..", "::1"},
        {"//host/..", "host"},
        {"//u:p@host", "host"},
        {"ftp://host\\x", "host"},
        {"http://[::1", "::1"},
        {"/path", NULL},
        {"path//h", NULL},
        {"http:path", NULL},
        {"http://", NULL},
        {"http://u:p@:80/", NULL},
        {"http://[]/", NULL},
        {"http://[", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        size_t start = 0, end = 0;
        struct ak_str text = ak_str_from(CASES[i].text);
        if (ak_url_find_host(text, &start, &end) != (CASES[i].host != NULL)) {
            fail_msg("'%s'", CASES[i].text);
        }
        if (CASES[i].host != NULL) {
            assert_str(ak_str_slice(text, start, end), CASES[i].host);
        }
    }
}

/* A walk through everything that allocates; the first status that is not OK. */
static enum ak_status
use_everything(struct ak_url *url, struct ak_url *copy, struct ak_buf *out)
{
    struct ak_err err = {AK_OK, ""};
    enum ak_status status = ak_url_parse(url, AK_STR("http://u:p@h/a?b#c"), &err);
    status = status == AK_OK ? ak_url_copy(copy, url) : status;
    status = status == AK_OK ? ak_url_resolve(copy, url, AK_STR("x"), &err) : status;
    status = status == AK_OK ? ak_url_resolve(copy, url, AK_STR("//x"), &err) : status;
    status = status == AK_OK ? ak_url_add_query(url, AK_STR("x"), &err) : status;
    status = status == AK_OK ? ak_url_append_masked(out, url) : status;
    ak_buf_free(out);
    status = status == AK_OK ? ak_url_append_form_coded(out, AK_STR("x")) : status;
    ak_buf_free(out);
    status = status == AK_OK ? ak_url_append_unquoted(out, AK_STR("x")) : status;
    ak_buf_free(out);
    return status == AK_OK ? ak_append_base64(out, AK_STR("x")) : status;
}

static void
test_a_host_is_as_long_as_a_name_can_be(void **state)
{
    (void)state;
    static const char *const ADDRESSES[] = {"http://%s/", "http://u:p@%s:80/",
                                            "http://[fe80::1%%25%s]/"};
    char host[AK_URL_MAX_HOST + 2], text[AK_URL_MAX_HOST + 50];
    memset(host, 'a', sizeof(host));
    for (size_t i = 0; i < LENGTH(ADDRESSES); i++) {
        struct ak_url url;
        struct ak_err err;
        bool has_zone = i == 2;
        host[AK_URL_MAX_HOST - (has_zone ? 12 : 0)] = '\0';
        snprintf(text, sizeof(text), ADDRESSES[i], host);
        parse_well(&url, text);
        host[strlen(host)] = 'a';
        host[AK_URL_MAX_HOST + 1 - (has_zone ? 12 : 0)] = '\0';
        snprintf(text, sizeof(text), ADDRESSES[i], host);
        assert_int_equal(ak_url_parse(&url, ak_str_from(text), &err), AK_BAD_URL);
        assert_non_null(strstr(err.message, "longer than any name"));
        host[strlen(host)] = 'a';
        ak_url_free(&url);
    }
}

static void
test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    unsigned long tried = 0;
    for (unsigned long at = 0; at <= tried; at++) {
        struct ak_url url, copy;
        struct ak_buf out = ak_buf_make(1000);
        ak_url_init(&url);
        ak_url_init(&copy);
        ak_alloc_fail_at(at);
        enum ak_status status = use_everything(&url, &copy, &out);
        tried = at == 0 ? ak_alloc_count() : tried;
        ak_alloc_fail_at(0);
        assert_int_equal(status, at == 0 ? AK_OK : AK_NO_MEMORY);
        ak_url_free(&url);
        ak_url_free(&copy);
        ak_buf_free(&out);
    }
    assert_true(tried >= 10);
}

static void
test_a_parse_allocates_once(void **state)
{
    (void)state;
    struct ak_url url;
    ak_alloc_fail_at(0);
    parse_well(&url, "http://127.0.0.1:8080/path");
    assert_int_equal(ak_alloc_count(), 1);
    ak_url_free(&url);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_normalised_as_requests_does),
        cmocka_unit_test(test_parts_are_slices_of_the_text),
        cmocka_unit_test(test_host_port_has_no_default_port_and_no_zone),
        cmocka_unit_test(test_what_is_no_http_url_is_refused),
        cmocka_unit_test(test_line_breaks_and_nul_are_refused_anywhere),
        cmocka_unit_test(test_a_url_over_the_cap_is_refused),
        cmocka_unit_test(test_no_message_shows_userinfo_or_query),
        cmocka_unit_test(test_a_long_wrong_url_is_cut_in_the_message),
        cmocka_unit_test(test_failure_leaves_the_old_url_and_success_replaces_it),
        cmocka_unit_test(test_copy_and_move_keep_every_slice),
        cmocka_unit_test(test_find_host_gives_the_bytes_to_encode),
        cmocka_unit_test(test_a_host_is_as_long_as_a_name_can_be),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
        cmocka_unit_test(test_a_parse_allocates_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
