#include "core/metadata.h"

/* The most of a foreign name that goes into a message, in bytes. */
#define SHOWN "%.100s"

/* The texts in the order in which they are checked. */
static const struct {
    enum ak_metadata_field field;
    const char *argument;
    const char *example;
} texts_checked[] = {
    {AK_METADATA_NAME, "name", "uservice-example"},
    {AK_METADATA_DESCRIPTION, "description", "What the service does"},
    {AK_METADATA_REPOSITORY, "repository", "https://github.com/org/repository"},
    {AK_METADATA_VERSION, "version", "1.0.0"},
    {AK_METADATA_API_VERSION, "api_version", "1.0"},
};

enum { TEXT_COUNT = sizeof(texts_checked) / sizeof(texts_checked[0]) };

enum ak_status
ak_metadata_check_texts(const struct ak_text_fact texts[AK_METADATA_FIELDS], struct ak_err *err)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const struct ak_text_fact *text = &texts[texts_checked[i].field];
        if (text->kind == AK_TEXT_OTHER) {
            return ak_fail(err, AK_BAD_TYPE, "%s must be a str such as '%s', not " SHOWN,
                           texts_checked[i].argument, texts_checked[i].example, text->type_name);
        }
    }
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (texts[texts_checked[i].field].kind == AK_TEXT_EMPTY) {
            return ak_fail(err, AK_BAD_VALUE,
                           "%s must not be empty, got ''; pass a str such as '%s'",
                           texts_checked[i].argument, texts_checked[i].example);
        }
    }
    return AK_OK;
}

static bool
is_not_dict(const struct ak_auth_facts *auth)
{
    return auth->kind != AK_AUTH_DICT;
}

static bool
has_no_type(const struct ak_auth_facts *auth)
{
    return auth->type == AK_AUTH_NO_TYPE;
}

static bool
has_unknown_type(const struct ak_auth_facts *auth)
{
    return auth->type == AK_AUTH_UNKNOWN;
}

static bool
lacks_data(const struct ak_auth_facts *auth)
{
    return auth->type != AK_AUTH_NONE && auth->data == AK_AUTH_NO_DATA;
}

static const char *
name_of_auth(const struct ak_auth_facts *auth)
{
    return auth->type_name;
}

static const char *
shown_type(const struct ak_auth_facts *auth)
{
    return auth->type_shown;
}

/* In the order of the contract; the first that is broken is reported. */
static const struct {
    bool (*broken)(const struct ak_auth_facts *);
    enum ak_status status;
    const char *expected;
    const char *(*came)(const struct ak_auth_facts *);
    const char *remedy;
} auth_rules[] = {
    {is_not_dict, AK_BAD_TYPE, "auth must be None, '', 'none' or a dict with a 'type' key",
     name_of_auth, ""},
    {has_no_type, AK_BAD_VALUE, "auth must have the key 'type'", name_of_auth,
     " without it; use one of 'none', 'basic', 'bitly-proxy'"},
    {has_unknown_type, AK_BAD_VALUE,
     "auth['type'] must be 'none', 'basic' or 'bitly-proxy', in lower case", shown_type, ""},
    {lacks_data, AK_BAD_VALUE, "auth must have the key 'data' unless auth['type'] is 'none'",
     shown_type, " without it; add {'data': {...}}"},
};

enum ak_status
ak_metadata_check_auth(const struct ak_auth_facts *auth, struct ak_err *err)
{
    if (auth->kind == AK_AUTH_ABSENT) {
        return AK_OK;
    }
    for (size_t i = 0; i < sizeof(auth_rules) / sizeof(auth_rules[0]); i++) {
        if (auth_rules[i].broken(auth)) {
            return ak_fail(err, auth_rules[i].status, "%s, got " SHOWN "%s", auth_rules[i].expected,
                           auth_rules[i].came(auth), auth_rules[i].remedy);
        }
    }
    return AK_OK;
}

/* One member of the object: what stands before it (the end of the one before it,
 * a comma and blanks), its key, a colon, and the quote that opens its value. */
#define MEMBER(before, key, colon, field)                                                          \
    {{before "\"" key "\"" colon "\"", sizeof(before "\"" key "\"" colon "\"") - 1}, field}
#define FIRST(key, field) MEMBER("{", key, ":", field)
#define NEXT(key, field) MEMBER("\",", key, ":", field)
#define FIRST_LINE(key, field) MEMBER("{\n  ", key, ": ", field)
#define NEXT_LINE(key, field) MEMBER("\",\n  ", key, ": ", field)

static const struct ak_json_slot as_inserted_compact[AK_METADATA_FIELDS] = {
    FIRST("auth", AK_METADATA_AUTH),
    NEXT("name", AK_METADATA_NAME),
    NEXT("repository", AK_METADATA_REPOSITORY),
    NEXT("version", AK_METADATA_VERSION),
    NEXT("description", AK_METADATA_DESCRIPTION),
    NEXT("api_version", AK_METADATA_API_VERSION),
};

static const struct ak_json_slot as_inserted_indented[AK_METADATA_FIELDS] = {
    FIRST_LINE("auth", AK_METADATA_AUTH),
    NEXT_LINE("name", AK_METADATA_NAME),
    NEXT_LINE("repository", AK_METADATA_REPOSITORY),
    NEXT_LINE("version", AK_METADATA_VERSION),
    NEXT_LINE("description", AK_METADATA_DESCRIPTION),
    NEXT_LINE("api_version", AK_METADATA_API_VERSION),
};

static const struct ak_json_slot sorted_compact[AK_METADATA_FIELDS] = {
    FIRST("api_version", AK_METADATA_API_VERSION), NEXT("auth", AK_METADATA_AUTH),
    NEXT("description", AK_METADATA_DESCRIPTION),  NEXT("name", AK_METADATA_NAME),
    NEXT("repository", AK_METADATA_REPOSITORY),    NEXT("version", AK_METADATA_VERSION),
};

static const struct ak_json_slot sorted_indented[AK_METADATA_FIELDS] = {
    FIRST_LINE("api_version", AK_METADATA_API_VERSION), NEXT_LINE("auth", AK_METADATA_AUTH),
    NEXT_LINE("description", AK_METADATA_DESCRIPTION),  NEXT_LINE("name", AK_METADATA_NAME),
    NEXT_LINE("repository", AK_METADATA_REPOSITORY),    NEXT_LINE("version", AK_METADATA_VERSION),
};

#define COMPACT(slots) {slots, AK_METADATA_FIELDS, {"\"}\n", 3}}
#define INDENTED(slots) {slots, AK_METADATA_FIELDS, {"\"\n}\n", 4}}

static const struct ak_json_template templates[][2] = {
    [AK_METADATA_AS_INSERTED] = {[AK_METADATA_COMPACT] = COMPACT(as_inserted_compact),
                                 [AK_METADATA_INDENTED] = INDENTED(as_inserted_indented)},
    [AK_METADATA_SORTED] = {[AK_METADATA_COMPACT] = COMPACT(sorted_compact),
                            [AK_METADATA_INDENTED] = INDENTED(sorted_indented)},
};

const struct ak_json_template *
ak_metadata_template(enum ak_metadata_order order, enum ak_metadata_layout layout)
{
    return &templates[order][layout];
}
