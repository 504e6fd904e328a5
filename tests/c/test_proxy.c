/* Which hosts no_proxy exempts, and what kind of proxy a URL names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/proxy.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct row {
    const char *no_proxy, *url;
    bool exempt;
};

static void
check_rows(const struct row *rows, size_t count)
{
    struct ak_url url;
    ak_url_init(&url);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        assert_int_equal(ak_url_parse(&url, ak_str_from(row->url), NULL), AK_OK);
        if (ak_no_proxy_matches(ak_str_from(row->no_proxy), &url) != row->exempt) {
            fail_msg("no_proxy=\"%s\" %s %s", row->no_proxy,
                     row->exempt ? "must exempt" : "must not exempt", row->url);
        }
    }
    ak_url_free(&url);
}

static void
test_a_name_covers_itself_and_what_is_below_it_by_whole_labels(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"example.org", "http://example.org/", true},
        {"example.org", "http://a.example.org/", true},
        {"example.org", "http://a.b.example.org/", true},
        {"example.org", "http://myexample.org/", false},
        {"example.org", "http://example.org.evil.test/", false},
        {"example.org", "http://org/", false},
        {"a.example.org", "http://example.org/", false},
        {".example.org", "http://example.org/", true},
        {".example.org", "http://a.example.org/", true},
        {".example.org", "http://myexample.org/", false},
        {"..example.org", "http://a.example.org/", true},
        {"org", "http://example.org/", true},
        {"localhost", "http://localhost/", true},
        {".", "http://example.org/", false},
        {"xample.org", "http://example.org/", false},
        {"example.or", "http://example.org/", false},
        {"http://example.org", "http://example.org/", false},
    };
    check_rows(rows, LENGTH(rows));
}

static void
test_a_port_must_be_the_one_of_the_url(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"example.org:80", "http://example.org/", true},
        {"example.org:443", "https://example.org/", true},
        {"example.org:80", "https://example.org/", false},
        {"example.org:8080", "http://example.org:8080/", true},
        {"example.org:8080", "http://a.example.org:8080/", true},
        {".example.org:8080", "http://a.example.org:8080/", true},
        {"example.org:8080", "http://example.org/", false},
        {"example.org:808", "http://example.org:8080/", false},
        {"example.org", "http://example.org:8080/", true},
        {"example.org:", "http://example.org/", false},
        {"example.org:0", "http://example.org/", false},
        {"example.org:http", "http://example.org/", false},
        {"example.org:-80", "http://example.org/", false},
        {"example.org:65616", "http://example.org/", false},
        {"example.org:4294967376", "http://example.org/", false},
        {":80", "http://example.org/", false},
        {"127.0.0.1:80", "http://127.0.0.1/", true},
        {"127.0.0.1:80", "http://127.0.0.1:81/", false},
        {"127.0.0.1:80", "http://127.0.0.2/", false},
        {"[::1]:80", "http://[::1]/", true},
        {"[::1]:80", "http://[::1]:81/", false},
        {"[::1]:80", "http://[::2]/", false},
        {"[0:0:0:0:0:0:0:1]:80", "http://[::1]/", true},
    };
    check_rows(rows, LENGTH(rows));
}

static void
test_an_address_is_compared_as_a_number_and_never_as_labels(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"127.0.0.1", "http://127.0.0.1/", true},
        {"127.0.0.1", "http://127.0.0.11/", false},
        {"0.0.1", "http://127.0.0.1/", false},
        {".0.0.1", "http://127.0.0.1/", false},
        {"127.0.0.1", "http://localhost/", false},
        {"::1", "http://[::1]/", true},
        {"[::1]", "http://[::1]/", true},
        {"::1", "http://[0:0:0:0:0:0:0:1]/", true},
        {"2001:DB8::A", "http://[2001:db8::a]/", true},
        {"2001:db8::a", "http://[2001:db8:0::b]/", false},
        {"2001:db8:0:0:1:2:3:4", "http://[2001:db8::1:2:3:4]/", true},
        {"::ffff:10.0.0.1", "http://[::ffff:a00:1]/", true},
        {"::", "http://[::]/", true},
        {"1::", "http://[1::]/", true},
        {"1.2.3.4", "http://[::1.2.3.4]/", false},
    };
    check_rows(rows, LENGTH(rows));
}

static void
test_a_network_covers_its_addresses_to_the_bit(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"10.0.0.0/8", "http://10.255.255.255/", true},
        {"10.0.0.0/8", "http://11.0.0.0/", false},
        {"10.1.2.3/8", "http://10.9.9.9/", true},
        {"172.16.0.0/12", "http://172.31.255.255/", true},
        {"172.16.0.0/12", "http://172.32.0.0/", false},
        {"192.168.1.128/25", "http://192.168.1.128/", true},
        {"192.168.1.128/25", "http://192.168.1.127/", false},
        {"192.168.1.1/32", "http://192.168.1.1/", true},
        {"192.168.1.1/32", "http://192.168.1.2/", false},
        {"192.168.1.1/33", "http://192.168.1.1/", false},
        {"0.0.0.0/0", "http://8.8.8.8/", true},
        {"0.0.0.0/0", "http://[::1]/", false},
        {"0.0.0.0/0", "http://example.org/", false},
        {"10.0.0.0/", "http://10.0.0.0/", false},
        {"10.0.0.0/x", "http://10.0.0.0/", false},
        {"10.0.0.0/-1", "http://10.0.0.0/", false},
        {"10.0.0/8", "http://10.0.0.1/", false},
        {"example.org/8", "http://example.org/", false},
        {"2001:db8::/32", "http://[2001:db8:ffff::1]/", true},
        {"2001:db8::/32", "http://[2001:db9::1]/", false},
        {"2001:db8::/33", "http://[2001:db8:7fff::]/", true},
        {"2001:db8::/33", "http://[2001:db8:8000::]/", false},
        {"::1/128", "http://[::1]/", true},
        {"::1/128", "http://[::2]/", false},
        {"::1/129", "http://[::1]/", false},
        {"::/0", "http://[2001:db8::1]/", true},
        {"::/0", "http://10.0.0.1/", false},
    };
    check_rows(rows, LENGTH(rows));
}

static void
test_case_and_white_space_do_not_count_and_a_star_is_everything(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"*", "http://example.org/", true},
        {"*", "http://10.0.0.1/", true},
        {"*", "https://[::1]:99/", true},
        {"a.test, * ", "http://example.org/", true},
        {"EXAMPLE.org", "http://example.ORG/", true},
        {"a.test,example.org", "http://example.org/", true},
        {"a.test , example.org", "http://example.org/", true},
        {"a.test example.org\tb.test", "http://example.org/", true},
        {"\texample.org\r\n", "http://example.org/", true},
        {",,example.org,,", "http://example.org/", true},
        {"a.test,b.test", "http://example.org/", false},
        {"", "http://example.org/", false},
        {" , ", "http://example.org/", false},
    };
    check_rows(rows, LENGTH(rows));
}

/* Hexadecimal digits without colons are a name; so is what breaks the rules of
 * RFC 4291 in any other way. */
static void
test_what_is_no_address_is_not_taken_for_one(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {".deadbeefdeadbeefdeadbeefdeadbeef", "http://deadbeefdeadbeefdeadbeefdeadbeef/", true},
        {"20010db8000000000000000000000001", "http://[2001:db8::1]/", false},
        {"20010db8::1", "http://[2001:db8::1]/", false},
        {"2001:::1", "http://[2001::1]/", false},
        {"2001::1:", "http://[2001::1]/", false},
        {":2001::1", "http://[2001::1]/", false},
        {"2001::1::", "http://[2001::1]/", false},
        {"1:2:3:4:5:6:7", "http://[1:2:3:4:5:6:0:7]/", false},
        {"1:2:3:4::5:6:7:8", "http://[1:2:3:4:5:6:7:8]/", false},
        {"1:2:3:4:5:6:7:8:9", "http://[1:2:3:4:5:6:7:8]/", false},
        {"::1.2.3", "http://[::1.2.3.0]/", false},
        {"::a1.2.3.4", "http://[::a:102:304]/", false},
        {"::1.2.3.4:5", "http://[::102:304:5]/", false},
        {"256.0.0.1", "http://0.0.0.1/", false},
        {"1.2.3.4.", "http://1.2.3.4/", false},
    };
    check_rows(rows, LENGTH(rows));
}

static void
test_the_kind_of_a_proxy_is_its_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *proxy;
        enum ak_proxy_kind kind;
    } rows[] = {
        {"http://p.test:3128", AK_PROXY_HTTP},
        {"HTTP://p.test", AK_PROXY_HTTP},
        {"p.test:3128", AK_PROXY_HTTP},
        {"p.test", AK_PROXY_HTTP},
        {"user:secret@p.test:3128", AK_PROXY_HTTP},
        {"user:/secret@p.test:3128", AK_PROXY_HTTP},
        {"https://p.test", AK_PROXY_HTTPS},
        {"socks4://p.test", AK_PROXY_SOCKS},
        {"socks4a://p.test", AK_PROXY_SOCKS},
        {"socks5://p.test", AK_PROXY_SOCKS},
        {"SOCKS5h://p.test", AK_PROXY_SOCKS},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        enum ak_proxy_kind kind;
        assert_int_equal(ak_proxy_find_kind(ak_str_from(rows[i].proxy), &kind, NULL), AK_OK);
        assert_int_equal(kind, rows[i].kind);
    }
}

static void
test_another_scheme_is_refused_without_its_credentials(void **state)
{
    (void)state;
    static const char *const proxies[] = {
        "ftp://user:secret@p.test:3128",
        "socks6://user:secret@p.test",
        "file:///secret",
        "averyveryverylongschemeindeed://user:secret@p.test",
    };
    for (size_t i = 0; i < LENGTH(proxies); i++) {
        struct ak_err err;
        enum ak_proxy_kind kind;
        enum ak_status status = ak_proxy_find_kind(ak_str_from(proxies[i]), &kind, &err);
        assert_int_equal(status, AK_PROXY_FAILED);
        assert_int_equal(err.status, AK_PROXY_FAILED);
        assert_non_null(strstr(err.message, "socks5h"));
        assert_null(strstr(err.message, "secret"));
        assert_null(strstr(err.message, "user"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_covers_itself_and_what_is_below_it_by_whole_labels),
        cmocka_unit_test(test_a_port_must_be_the_one_of_the_url),
        cmocka_unit_test(test_an_address_is_compared_as_a_number_and_never_as_labels),
        cmocka_unit_test(test_a_network_covers_its_addresses_to_the_bit),
        cmocka_unit_test(test_case_and_white_space_do_not_count_and_a_star_is_everything),
        cmocka_unit_test(test_what_is_no_address_is_not_taken_for_one),
        cmocka_unit_test(test_the_kind_of_a_proxy_is_its_scheme),
        cmocka_unit_test(test_another_scheme_is_refused_without_its_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
