/* A route prefix and the four rules that come of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/route.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const endings[AK_ROUTE_RULES] = {"/metadata", "/metadata.json", "/v1.0/metadata",
                                                    "/v1.0/metadata.json"};

static void
assert_rules(struct ak_route_rules *rules, const char *prefix, const char *canonical)
{
    assert_int_equal(ak_route_rules_write(rules, ak_str_from(prefix), AK_STR("1.0")), AK_OK);
    for (size_t i = 0; i < AK_ROUTE_RULES; i++) {
        char expected[200];
        strcat(strcpy(expected, canonical), endings[i]);
        assert_true(ak_str_equal(ak_route_rule(rules, i), ak_str_from(expected)));
    }
}

static void
test_slashes_at_the_ends_do_not_count(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *canonical;
    } cases[] = {
        {"", ""},
        {"/", ""},
        {"///", ""},
        {"a", "/a"},
        {"/a", "/a"},
        {"a/", "/a"},
        {"//a//", "/a"},
        {"a//b", "/a//b"},
        {"/a/b/", "/a/b"},
        {" ", "/ "},
        {"/ a /", "/ a "},
        {"<x>", "/<x>"},
        {"\xC3\xA9/\xF0\x9F\x98\x80", "/\xC3\xA9/\xF0\x9F\x98\x80"},
        {"\\", "/\\"},
    };
    struct ak_route_rules rules; /* one for all: each replaces the ones before */
    ak_route_rules_init(&rules);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_rules(&rules, cases[i].prefix, cases[i].canonical);
    }
    ak_route_rules_free(&rules);
}

static void
test_the_version_stands_as_it_is(void **state)
{
    (void)state;
    struct ak_route_rules rules;
    ak_route_rules_init(&rules);
    assert_int_equal(ak_route_rules_write(&rules, AK_STR("p"), AK_STR("/2 b/")), AK_OK);
    assert_true(ak_str_equal(ak_route_rule(&rules, 2), AK_STR("/p/v/2 b//metadata")));
    assert_int_equal(ak_route_rules_write(&rules, AK_STR(""), AK_STR("")), AK_OK);
    assert_true(ak_str_equal(ak_route_rule(&rules, 3), AK_STR("/v/metadata.json")));
    ak_route_rules_free(&rules);
}

static void
test_caps(void **state)
{
    (void)state;
    struct ak_route_rules rules;
    ak_route_rules_init(&rules);
    char *text = malloc(AK_ROUTE_MAX_TEXT + 1);
    assert_non_null(text);
    memset(text, 'a', AK_ROUTE_MAX_TEXT + 1);
    struct ak_str longest = ak_str_of(text, AK_ROUTE_MAX_TEXT);
    struct ak_str longer = ak_str_of(text, AK_ROUTE_MAX_TEXT + 1);
    assert_int_equal(ak_route_rules_write(&rules, longest, longest), AK_OK);
    assert_int_equal(ak_route_rule(&rules, 3).len, 2 * (size_t)AK_ROUTE_MAX_TEXT + 17);
    assert_int_equal(ak_route_rules_write(&rules, longer, AK_STR("1")), AK_TOO_LARGE);
    assert_int_equal(ak_route_rules_write(&rules, AK_STR("a"), longer), AK_TOO_LARGE);
    free(text);
    ak_route_rules_free(&rules);
}

static void
test_each_allocation_may_fail(void **state)
{
    (void)state;
    /* Longer than the first piece of memory, so that it has to grow. */
    static const char prefix[] = "/a-prefix-of-a-service-that-takes-more-than-one-allocation/";
    unsigned long failures = 0;
    enum ak_status status = AK_NO_MEMORY;
    while (status != AK_OK) {
        struct ak_route_rules rules;
        ak_route_rules_init(&rules);
        ak_alloc_fail_at(failures + 1);
        status = ak_route_rules_write(&rules, ak_str_from(prefix), AK_STR("1.0"));
        ak_alloc_fail_at(0);
        if (status != AK_OK) {
            assert_int_equal(status, AK_NO_MEMORY);
            assert_rules(&rules, "/again/", "/again");
            failures++;
        }
        ak_route_rules_free(&rules);
    }
    assert_true(failures >= 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slashes_at_the_ends_do_not_count),
        cmocka_unit_test(test_the_version_stands_as_it_is),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
