/* The rules of the metadata: which is broken first, and what is said of it; the
 * shape of the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/metadata.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    enum ak_metadata_field field;
    const char *argument;
} checked[] = {
    {AK_METADATA_NAME, "name"},
    {AK_METADATA_DESCRIPTION, "description"},
    {AK_METADATA_REPOSITORY, "repository"},
    {AK_METADATA_VERSION, "version"},
    {AK_METADATA_API_VERSION, "api_version"},
};

static void
assert_mentions(const struct ak_err *err, const char *part)
{
    if (strstr(err->message, part) == NULL) {
        fail_msg("\"%s\" does not mention %s", err->message, part);
    }
}

static void
fill_texts(struct ak_text_fact texts[AK_METADATA_FIELDS], enum ak_text_kind kind)
{
    for (size_t i = 0; i < AK_METADATA_FIELDS; i++) {
        texts[i] = (struct ak_text_fact){kind, kind == AK_TEXT_OTHER ? "bytes" : "str"};
    }
}

static void
test_full_texts_pass(void **state)
{
    (void)state;
    struct ak_text_fact texts[AK_METADATA_FIELDS];
    struct ak_err err;
    fill_texts(texts, AK_TEXT_FULL);
    texts[AK_METADATA_AUTH] = (struct ak_text_fact){AK_TEXT_OTHER, "dict"};
    assert_int_equal(ak_metadata_check_texts(texts, &err), AK_OK);
    assert_int_equal(ak_metadata_check_texts(texts, NULL), AK_OK);
}

/* Of the texts that are wrong the first in the order of `checked` is named. */
static void
test_the_first_wrong_text_is_named(void **state)
{
    (void)state;
    for (size_t first = 0; first < LENGTH(checked); first++) {
        struct ak_text_fact texts[AK_METADATA_FIELDS];
        struct ak_err err;
        fill_texts(texts, AK_TEXT_FULL);
        for (size_t i = first; i < LENGTH(checked); i++) {
            texts[checked[i].field] = (struct ak_text_fact){AK_TEXT_OTHER, "bytes"};
        }
        assert_int_equal(ak_metadata_check_texts(texts, &err), AK_BAD_TYPE);
        assert_int_equal(err.status, AK_BAD_TYPE);
        assert_int_equal(
            strncmp(err.message, checked[first].argument, strlen(checked[first].argument)), 0);
        assert_mentions(&err, " must be a str");
        assert_mentions(&err, "not bytes");

        fill_texts(texts, AK_TEXT_FULL);
        for (size_t i = first; i < LENGTH(checked); i++) {
            texts[checked[i].field].kind = AK_TEXT_EMPTY;
        }
        assert_int_equal(ak_metadata_check_texts(texts, &err), AK_BAD_VALUE);
        assert_int_equal(
            strncmp(err.message, checked[first].argument, strlen(checked[first].argument)), 0);
        assert_mentions(&err, "empty");
    }
}

static void
test_a_wrong_type_outranks_an_empty_text(void **state)
{
    (void)state;
    for (size_t wrong = 0; wrong < LENGTH(checked); wrong++) {
        struct ak_text_fact texts[AK_METADATA_FIELDS];
        struct ak_err err;
        fill_texts(texts, AK_TEXT_EMPTY);
        texts[checked[wrong].field] = (struct ak_text_fact){AK_TEXT_OTHER, "int"};
        assert_int_equal(ak_metadata_check_texts(texts, &err), AK_BAD_TYPE);
        assert_mentions(&err, checked[wrong].argument);
    }
}

static void
test_auth_that_passes(void **state)
{
    (void)state;
    const struct ak_auth_facts good[] = {
        {.kind = AK_AUTH_ABSENT},
        {.kind = AK_AUTH_DICT, .type = AK_AUTH_NONE},
        {.kind = AK_AUTH_DICT, .type = AK_AUTH_NONE, .data = AK_AUTH_HAS_DATA},
        {.kind = AK_AUTH_DICT, .type = AK_AUTH_BASIC, .data = AK_AUTH_HAS_DATA},
        {.kind = AK_AUTH_DICT, .type = AK_AUTH_BITLY_PROXY, .data = AK_AUTH_HAS_DATA},
    };
    for (size_t i = 0; i < LENGTH(good); i++) {
        struct ak_err err;
        assert_int_equal(ak_metadata_check_auth(&good[i], &err), AK_OK);
    }
}

static void
test_auth_that_breaks_a_rule(void **state)
{
    (void)state;
    const struct {
        struct ak_auth_facts auth;
        enum ak_status status;
        const char *says[3];
    } bad[] = {
        {{.kind = AK_AUTH_OTHER, .type_name = "UserDict"},
         AK_BAD_TYPE,
         {"auth must be", "a dict", "got UserDict"}},
        {{.kind = AK_AUTH_DICT, .type_name = "dict"},
         AK_BAD_VALUE,
         {"'type'", "got dict without it", "'bitly-proxy'"}},
        {{.kind = AK_AUTH_DICT, .type = AK_AUTH_UNKNOWN, .type_shown = "'Basic'"},
         AK_BAD_VALUE,
         {"auth['type']", "lower case", "got 'Basic'"}},
        {{.kind = AK_AUTH_DICT,
          .type = AK_AUTH_UNKNOWN,
          .type_shown = "list",
          .data = AK_AUTH_HAS_DATA},
         AK_BAD_VALUE,
         {"auth['type']", "'none'", "got list"}},
        {{.kind = AK_AUTH_DICT, .type = AK_AUTH_BASIC, .type_shown = "'basic'"},
         AK_BAD_VALUE,
         {"'data'", "got 'basic' without it", "add"}},
        {{.kind = AK_AUTH_DICT, .type = AK_AUTH_BITLY_PROXY, .type_shown = "'bitly-proxy'"},
         AK_BAD_VALUE,
         {"'data'", "'bitly-proxy'", "add"}},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct ak_err err;
        assert_int_equal(ak_metadata_check_auth(&bad[i].auth, &err), bad[i].status);
        assert_int_equal(err.status, bad[i].status);
        for (size_t j = 0; j < LENGTH(bad[i].says); j++) {
            assert_mentions(&err, bad[i].says[j]);
        }
    }
}

/* The longest names leave room for what is expected and what to do. */
static void
test_long_names_are_cut(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'N', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    const struct ak_auth_facts auth = {.kind = AK_AUTH_DICT, .type_name = name};
    struct ak_err err;
    assert_int_equal(ak_metadata_check_auth(&auth, &err), AK_BAD_VALUE);
    assert_mentions(&err, "'bitly-proxy'");
    struct ak_text_fact texts[AK_METADATA_FIELDS];
    fill_texts(texts, AK_TEXT_FULL);
    texts[AK_METADATA_API_VERSION] = (struct ak_text_fact){AK_TEXT_OTHER, name};
    assert_int_equal(ak_metadata_check_texts(texts, &err), AK_BAD_TYPE);
    assert_true(strlen(err.message) < 250);
}

static const struct {
    enum ak_metadata_order order;
    enum ak_metadata_layout layout;
    const char *body;
} bodies[] = {
    {AK_METADATA_AS_INSERTED, AK_METADATA_COMPACT,
     "{\"auth\":\"0\",\"name\":\"1\",\"repository\":\"2\",\"version\":\"3\",\"description\":\"4\","
     "\"api_version\":\"5\"}\n"},
    {AK_METADATA_SORTED, AK_METADATA_COMPACT,
     "{\"api_version\":\"5\",\"auth\":\"0\",\"description\":\"4\",\"name\":\"1\","
     "\"repository\":\"2\",\"version\":\"3\"}\n"},
    {AK_METADATA_AS_INSERTED, AK_METADATA_INDENTED,
     "{\n  \"auth\": \"0\",\n  \"name\": \"1\",\n  \"repository\": \"2\",\n  \"version\": \"3\",\n"
     "  \"description\": \"4\",\n  \"api_version\": \"5\"\n}\n"},
    {AK_METADATA_SORTED, AK_METADATA_INDENTED,
     "{\n  \"api_version\": \"5\",\n  \"auth\": \"0\",\n  \"description\": \"4\",\n"
     "  \"name\": \"1\",\n  \"repository\": \"2\",\n  \"version\": \"3\"\n}\n"},
};

static void
test_the_shape_of_the_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        const struct ak_json_template *template =
            ak_metadata_template(bodies[i].order, bodies[i].layout);
        struct ak_json_text texts[AK_METADATA_FIELDS];
        for (size_t field = 0; field < AK_METADATA_FIELDS; field++) {
            texts[field] = (struct ak_json_text){&"012345"[field], 1, AK_JSON_WIDTH_1};
        }
        size_t size;
        assert_int_equal(ak_json_measure(template, texts, AK_JSON_ASCII, &size), AK_OK);
        assert_int_equal(size, strlen(bodies[i].body));
        char *out = malloc(size);
        assert_non_null(out);
        ak_json_write(out, template, texts, AK_JSON_ASCII);
        assert_memory_equal(out, bodies[i].body, size);
        free(out);
    }
}

static void
test_no_rule_takes_memory(void **state)
{
    (void)state;
    struct ak_text_fact texts[AK_METADATA_FIELDS];
    const struct ak_auth_facts auth = {.kind = AK_AUTH_OTHER, .type_name = "int"};
    struct ak_err err;
    fill_texts(texts, AK_TEXT_EMPTY);
    ak_alloc_fail_at(1);
    assert_int_equal(ak_metadata_check_texts(texts, &err), AK_BAD_VALUE);
    assert_int_equal(ak_metadata_check_auth(&auth, &err), AK_BAD_TYPE);
    assert_int_equal(ak_alloc_count(), 0);
    ak_alloc_fail_at(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_texts_pass),
        cmocka_unit_test(test_the_first_wrong_text_is_named),
        cmocka_unit_test(test_a_wrong_type_outranks_an_empty_text),
        cmocka_unit_test(test_auth_that_passes),
        cmocka_unit_test(test_auth_that_breaks_a_rule),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_the_shape_of_the_answer),
        cmocka_unit_test(test_no_rule_takes_memory),
    };
    return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
