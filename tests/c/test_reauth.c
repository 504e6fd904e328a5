/* Who answered, the service or the proxy: each row of the table, by the answers
 * that deployments give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/reauth.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum {
    HTML = AK_REAUTH_HTML,
    GAP = AK_REAUTH_GAP_AUTH,
    PROVIDER = AK_REAUTH_AT_PROVIDER,
    SIGN_IN = AK_REAUTH_AT_SIGN_IN,
    FORM = AK_REAUTH_FORM,
    OWN = AK_REAUTH_CREDENTIAL,
    ALL = HTML | GAP | PROVIDER | SIGN_IN | FORM | OWN
};

/* The verdict before the question and, where that is "ask", after each answer to it. */
static const struct answer {
    const char *name;
    int status;
    unsigned marks;
    enum ak_reauth_verdict first, signed_in, signed_out, turned_away, unknown;
} ANSWERS[] = {
#define FINAL(verdict) verdict, verdict, verdict, verdict, verdict
    {"the service's, by GAP-Auth: good", 200, HTML | GAP | FORM, FINAL(AK_REAUTH_SERVICE)},
    {"the service's, by GAP-Auth: 401", 401, GAP, FINAL(AK_REAUTH_SERVICE)},
    {"the service's, by GAP-Auth: 403 page", 403, HTML | GAP | FORM, FINAL(AK_REAUTH_SERVICE)},
    {"the service's redirect to the provider", 200, HTML | GAP | PROVIDER,
     FINAL(AK_REAUTH_SERVICE)},
    {"sign-in page", 403, HTML | FORM, FINAL(AK_REAUTH_LOG_IN)},
    {"sign-in page that nginx gives with 401", 401, HTML | FORM, FINAL(AK_REAUTH_LOG_IN)},
    {"redirected to the sign-in page", 200, HTML | SIGN_IN, FINAL(AK_REAUTH_LOG_IN)},
    {"redirected to the sign-in page, 403", 403, HTML | SIGN_IN, FINAL(AK_REAUTH_LOG_IN)},
    {"redirected to the sign-in, which wants JSON", 401, SIGN_IN, FINAL(AK_REAUTH_LOG_IN)},
    {"by way of the sign-in to the provider", 200, HTML | SIGN_IN | PROVIDER,
     FINAL(AK_REAUTH_LOG_IN)},
    {"403 with a Location", 403, HTML | SIGN_IN, FINAL(AK_REAUTH_LOG_IN)},
    {"redirect that was not followed", 302, SIGN_IN, FINAL(AK_REAUTH_LOG_IN)},
    {"the sign-in itself fails", 502, HTML | SIGN_IN, FINAL(AK_REAUTH_SERVICE)},
#undef FINAL
#define ASKED(out, unknown) AK_REAUTH_ASK, AK_REAUTH_SERVICE, out, unknown, unknown
    {"at the provider", 200, HTML | PROVIDER, ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_LOG_IN)},
    {"at the provider, which takes no more", 429, PROVIDER,
     ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_LOG_IN)},
    {"redirect to the provider, not followed", 302, PROVIDER,
     ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_LOG_IN)},
    {"sign-in page that nginx gives with 200", 200, HTML | FORM,
     ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_LOG_IN)},
    {"401 of JSON", 401, 0, ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_SERVICE)},
    {"401 page of nginx", 401, HTML, ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_SERVICE)},
    {"403 page without a mark", 403, HTML, ASKED(AK_REAUTH_LOG_IN, AK_REAUTH_SERVICE)},
#undef ASKED
#define REFUSED AK_REAUTH_ASK, AK_REAUTH_SERVICE, AK_REAUTH_LOG_IN, AK_REAUTH_LOG_IN
    {"403 of text to the login's own Authorization", 403, OWN, REFUSED, AK_REAUTH_SERVICE},
    {"403 page of nginx to it", 403, HTML | OWN, REFUSED, AK_REAUTH_SERVICE},
    {"401 of JSON to it", 401, OWN, REFUSED, AK_REAUTH_SERVICE},
    {"redirect to the provider after it", 302, PROVIDER | OWN, REFUSED, AK_REAUTH_LOG_IN},
#undef REFUSED
#define FINAL                                                                                      \
    AK_REAUTH_SERVICE, AK_REAUTH_SERVICE, AK_REAUTH_SERVICE, AK_REAUTH_SERVICE, AK_REAUTH_SERVICE
    {"403 of text, as for a bad Authorization", 403, 0, FINAL},
    {"good", 200, 0, FINAL},
    {"good page", 200, HTML, FINAL},
    {"redirect to elsewhere, not followed", 302, HTML, FINAL},
    {"not found", 404, HTML | FORM, FINAL},
    {"failed", 500, HTML, FINAL},
    {"no status that there is", 999, 0, FINAL},
#undef FINAL
};

static void
test_each_answer_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(ANSWERS); i++) {
        const struct answer *answer = &ANSWERS[i];
        const enum ak_reauth_verdict expected[] = {
            [AK_REAUTH_NOT_ASKED] = answer->first,
            [AK_REAUTH_SIGNED_IN] = answer->signed_in,
            [AK_REAUTH_SIGNED_OUT] = answer->signed_out,
            [AK_REAUTH_TURNED_AWAY] = answer->turned_away,
            [AK_REAUTH_UNKNOWN] = answer->unknown,
        };
        for (size_t auth = 0; auth < LENGTH(expected); auth++) {
            struct ak_reauth_facts facts = {answer->status, answer->marks,
                                            (enum ak_reauth_auth)auth};
            if (ak_reauth_decide(&facts) != expected[auth]) {
                fail_msg("%s, auth %zu: verdict %d", answer->name, auth, ak_reauth_decide(&facts));
            }
        }
    }
}

static void
test_nothing_is_asked_twice_and_gap_auth_ends_it(void **state)
{
    (void)state;
    for (int status = 0; status < 1000; status++) {
        for (unsigned marks = 0; marks <= ALL; marks++) {
            for (int auth = AK_REAUTH_NOT_ASKED; auth <= AK_REAUTH_UNKNOWN; auth++) {
                struct ak_reauth_facts facts = {status, marks, (enum ak_reauth_auth)auth};
                enum ak_reauth_verdict verdict = ak_reauth_decide(&facts);
                assert_true(verdict != AK_REAUTH_ASK || auth == AK_REAUTH_NOT_ASKED);
                assert_true(verdict == AK_REAUTH_SERVICE || (marks & GAP) == 0);
            }
        }
    }
}

static void
test_only_2xx_401_and_403_answer_the_question(void **state)
{
    (void)state;
    for (int status = -1; status < 1000; status++) {
        enum ak_reauth_auth expected = AK_REAUTH_UNKNOWN;
        if (status >= 200 && status < 300) {
            expected = AK_REAUTH_SIGNED_IN;
        } else if (status == 401) {
            expected = AK_REAUTH_SIGNED_OUT;
        } else if (status == 403) {
            expected = AK_REAUTH_TURNED_AWAY;
        }
        assert_int_equal(ak_reauth_auth_of(status), expected);
    }
}

static void
test_only_pages_with_form_and_path_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *page;
        bool may;
    } CASES[] = {
        {"<form action=/oauth2/start>", true},
        {"<a href=/oauth2/start><FoRm>", true},
        {"</oauth2//oauth2/start<<form", true},
        {"<form action=/oauth2/star", false},
        {"<form action=/OAUTH2/START>", false},
        {"<a href=/oauth2/start>", false},
        {"/oauth2/start<for", false},
        {"/", false},
        {"", false},
    };
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        struct ak_str page = ak_str_from(CASES[i].page);
        assert_int_equal(ak_reauth_may_have_form(page, AK_STR("/oauth2/start")), CASES[i].may);
    }
    assert_false(ak_reauth_may_have_form(AK_STR("<form>"), AK_STR("")));
}

static void
test_a_large_page_is_looked_at_in_part(void **state)
{
    (void)state;
    enum { SIZE = 1024 * 1024 + 5 };
    char *text = ak_calloc(1, SIZE);
    assert_non_null(text);
    text[0] = '/';
    memcpy(text + SIZE - 5, "<form", 5);
    assert_false(ak_reauth_may_have_form(ak_str_of(text, SIZE), AK_STR("/")));
    memcpy(text + SIZE - 10, "<form", 5);
    assert_true(ak_reauth_may_have_form(ak_str_of(text, SIZE), AK_STR("/")));
    ak_free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_answer_has_its_verdict),
        cmocka_unit_test(test_nothing_is_asked_twice_and_gap_auth_ends_it),
        cmocka_unit_test(test_only_2xx_401_and_403_answer_the_question),
        cmocka_unit_test(test_only_pages_with_form_and_path_are_parsed),
        cmocka_unit_test(test_a_large_page_is_looked_at_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
