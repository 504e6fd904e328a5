/* What is done with a URL: references to it, its origin, what is shown of it, the codings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "url_checks.h"

static void
test_references_resolve_by_rfc_3986(void **state)
{
    (void)state;
    static const struct {
        const char *reference, *resolved;
    } CASES[] = {
        /* RFC 3986, 5.4.1 and 5.4.2, with the base's fragment inherited */
        {"g", "http://a/b/c/g#f"},
        {"./g", "http://a/b/c/g#f"},
        {"g/", "http://a/b/c/g/#f"},
        {"/g", "http://a/g#f"},
        {"//g", "http://g/#f"},
        {"?y", "http://a/b/c/d;p?y#f"},
        {"g?y", "http://a/b/c/g?y#f"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"#", "http://a/b/c/d;p?q#f"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x#f"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q#f"},
        {".", "http://a/b/c/#f"},
        {"..", "http://a/b/#f"},
        {"../g", "http://a/b/g#f"},
        {"../..", "http://a/#f"},
        {"../../../g", "http://a/g#f"},
        {"/./g", "http://a/g#f"},
        {"g.", "http://a/b/c/g.#f"},
        {"..g", "http://a/b/c/..g#f"},
        {"./g/.", "http://a/b/c/g/#f"},
        {"g/../h", "http://a/b/c/h#f"},
        {"g;x=1/../y", "http://a/b/c/y#f"},
        {"g?y/../x", "http://a/b/c/g?y/../x#f"},
        {"http:g", "http://a/b/c/g#f"},
        /* and what Locations look like */
        {"https://B:443/x", "https://b:443/x#f"},
        {"HTTP://u:p@b/#s", "http://u:p@b/#s"},
        {"http://b/#", "http://b/#f"},
        {"//u:p@b:8/x?y#z", "http://u:p@b:8/x?y#z"},
        {"?", "http://a/b/c/d;p#f"},
        {"  /g", "http://a/g#f"},
        {"/\xc3\xa9\xe9 x", "http://a/%C3%A9%E9%20x#f"},
        {"%zz/%41", "http://a/b/c/%25zz/%2541#f"},
        {"/callback?a=http://x/", "http://a/callback?a=http://x/#f"},
        {"x:y/../z", NULL},
        {"file:///etc/passwd", NULL},
        {"https:x", NULL},
        {"//", NULL},
        {"http://", NULL},
        {"//h\xc3\xa9/", NULL},
        {"/x\ny", NULL},
        {"x\ry", NULL},
        {"//x\ny", NULL},
        {"\n", NULL},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_err err = {AK_OK, ""};
        struct ak_url base, url;
        parse_well(&base, "http://a/b/c/d;p?q#f");
        ak_url_init(&url);
        enum ak_status status = ak_url_resolve(&url, &base, ak_str_from(CASES[i].reference), &err);
        if (CASES[i].resolved == NULL) {
            assert_true(status == AK_BAD_URL || status == AK_BAD_SCHEMA);
            assert_int_equal(err.status, status);
            assert_null(url.text.data);
        } else if (status != AK_OK) {
            fail_msg("'%s': %s", CASES[i].reference, err.message);
        } else {
            assert_str(ak_buf_str(&url.text), CASES[i].resolved);
        }
        ak_url_free(&url);
        ak_url_free(&base);
    }
}

static void
test_a_relative_reference_keeps_the_authority(void **state)
{
    (void)state;
    static const struct {
        const char *base, *resolved;
    } CASES[] = {
        {"http://u:p%40@h:80/a?q", "http://u:p%40@h:80/x"},
        {"https://[fe80::1%25eth0]:8/a", "https://[fe80::1%25eth0]:8/x"},
        {"https://[::1]/a#f", "https://[::1]/x#f"},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_err err;
        struct ak_url url;
        parse_well(&url, CASES[i].base);
        assert_int_equal(ak_url_resolve(&url, &url, AK_STR("x"), &err), AK_OK);
        assert_str(ak_buf_str(&url.text), CASES[i].resolved);
        ak_url_free(&url);
    }
}

static void
test_a_bad_scheme_shows_nothing_but_the_scheme(void **state)
{
    (void)state;
    struct ak_err err;
    struct ak_url base, url;
    parse_well(&base, "http://u:secret@h/secret");
    ak_url_init(&url);
    assert_int_equal(ak_url_resolve(&url, &base, AK_STR("gopher://secret@h/"), &err),
                     AK_BAD_SCHEMA);
    assert_non_null(strstr(err.message, "'gopher'"));
    assert_null(strstr(err.message, "secret"));
    ak_url_free(&base);
}

static void
test_a_query_is_joined_before_the_fragment(void **state)
{
    (void)state;
    static const struct {
        const char *url, *query, *joined;
    } CASES[] = {
        {"http://h", "a=b", "http://h/?a=b"},
        {"http://h/?x#f", "a=b", "http://h/?x&a=b#f"},
        {"http://h/#f", "a#b c", "http://h/?a%23b%20c#f"},
        {"http://h/?%41", "%41%", "http://h/?A&%2541%25"},
        {"http://u:p@[fe80::1%25e]:8/", "a", "http://u:p@[fe80::1%25e]:8/?a"},
        {"http://h/?x", "", "http://h/?x"},
    };
    struct ak_err err;
    struct ak_url url;
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        parse_well(&url, CASES[i].url);
        assert_int_equal(ak_url_add_query(&url, ak_str_from(CASES[i].query), &err), AK_OK);
        assert_str(ak_buf_str(&url.text), CASES[i].joined);
        ak_url_free(&url);
    }
    parse_well(&url, "http://h/");
    assert_int_equal(ak_url_add_query(&url, AK_STR("a\nb"), &err), AK_BAD_URL);
    assert_str(ak_buf_str(&url.text), "http://h/");
    ak_url_free(&url);
}

static void
test_an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } CASES[] = {
        {"http://h/a", "http://u:p@H:80/b?c", true}, {"http://h/", "https://h/", false},
        {"https://h/", "https://h:443/", true},      {"http://h/", "http://h:81/", false},
        {"http://h/", "http://g.h/", false},         {"http://h:443/", "https://h/", false},
        {"http://[::1]/", "http://[::1]:80/", true}, {"http://h/", "http://h./", false},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url a, b;
        parse_well(&a, CASES[i].a);
        parse_well(&b, CASES[i].b);
        assert_int_equal(ak_url_same_origin(&a, &b), CASES[i].same);
        assert_int_equal(ak_url_same_origin(&b, &a), CASES[i].same);
        ak_url_free(&a);
        ak_url_free(&b);
    }
}

static void
test_loopback_and_address(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool loopback, address;
    } CASES[] = {
        {"http://127.0.0.1/", true, true},
        {"http://127.255.0.9:1/", true, true},
        {"http://[::1]/", true, true},
        {"http://[0:0::0:1]/", true, true},
        {"http://LOCALHOST/", true, false},
        {"http://localhost.evil.com/", false, false},
        {"http://127.0.0.1.evil.com/", false, false},
        {"http://128.0.0.1/", false, true},
        {"http://[::2]/", false, true},
        {"http://[1::]/", false, true},
        {"http://[::1%25lo]/", true, true},
        {"http://127.0.0.256/", false, false},
        {"http://127.1/", false, false},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url url;
        parse_well(&url, CASES[i].url);
        if (ak_url_is_loopback(&url) != CASES[i].loopback ||
            ak_url_host_is_address(&url) != CASES[i].address) {
            fail_msg("%s", CASES[i].url);
        }
        ak_url_free(&url);
    }
}

static void
test_masked_text_hides_userinfo_and_fragment(void **state)
{
    (void)state;
    static const struct {
        const char *url, *masked;
    } CASES[] = {
        {"http://u:p@h:8/x?y#z", "http://***@h:8/x?y"},
        {"https://h/x#z", "https://h/x"},
        {"https://h/x", "https://h/x"},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_url url;
        struct ak_buf out = ak_buf_make(100);
        parse_well(&url, CASES[i].url);
        assert_int_equal(ak_url_append_masked(&out, &url), AK_OK);
        assert_str(ak_buf_str(&out), CASES[i].masked);
        ak_buf_free(&out);
        ak_url_free(&url);
    }
}

static void
test_codings(void **state)
{
    (void)state;
    static const struct {
        enum ak_status (*append)(struct ak_buf *out, struct ak_str text);
        const char *text, *coded;
    } CASES[] = {
        {ak_url_append_form_coded, "", ""},
        {ak_url_append_form_coded, "aZ0_.-~ +&=\xc3\xa9/", "aZ0_.-~+%2B%26%3D%C3%A9%2F"},
        {ak_url_append_unquoted, "", ""},
        {ak_url_append_unquoted, "a%20+%c3%A9%%4%zz%", "a +\xc3\xa9%%4%zz%"},
        {ak_append_base64, "", ""},
        {ak_append_base64, "f", "Zg=="},
        {ak_append_base64, "fo", "Zm8="},
        {ak_append_base64, "foo", "Zm9v"},
        {ak_append_base64, "\xff\xfe\xfd\xfc", "//79/A=="},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_buf out = ak_buf_make(100);
        assert_int_equal(CASES[i].append(&out, AK_STR(">")), AK_OK);
        ak_buf_clear(&out);
        assert_int_equal(CASES[i].append(&out, ak_str_from(CASES[i].text)), AK_OK);
        assert_str(ak_buf_str(&out), CASES[i].coded);
        ak_buf_free(&out);
        struct ak_buf small = ak_buf_make(1);
        if (strlen(CASES[i].text) > 1) {
            assert_int_equal(CASES[i].append(&small, ak_str_from(CASES[i].text)), AK_TOO_LARGE);
        }
        ak_buf_free(&small);
    }
}

static void
test_pairs_of_a_form_are_coded_and_joined(void **state)
{
    (void)state;
    struct ak_buf out = ak_buf_make(100);
    assert_int_equal(ak_url_append_form_pair(&out, AK_STR("a b"), AK_STR("")), AK_OK);
    assert_int_equal(ak_url_append_form_pair(&out, AK_STR("c&"), AK_STR("d=")), AK_OK);
    assert_str(ak_buf_str(&out), "a+b=&c%26=d%3D");
    ak_buf_free(&out);
    struct ak_buf small = ak_buf_make(3);
    assert_int_equal(ak_url_append_form_pair(&small, AK_STR("ab"), AK_STR("c")), AK_TOO_LARGE);
    ak_buf_free(&small);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_resolve_by_rfc_3986),
        cmocka_unit_test(test_a_relative_reference_keeps_the_authority),
        cmocka_unit_test(test_a_bad_scheme_shows_nothing_but_the_scheme),
        cmocka_unit_test(test_a_query_is_joined_before_the_fragment),
        cmocka_unit_test(test_an_origin_is_scheme_host_and_port),
        cmocka_unit_test(test_loopback_and_address),
        cmocka_unit_test(test_masked_text_hides_userinfo_and_fragment),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_pairs_of_a_form_are_coded_and_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
