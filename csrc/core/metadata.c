#include "core/metadata.h"

/* The most of a foreign name that goes into a message, in bytes. */
#define SHOWN "%.100s"

static const struct ak_str keys[AK_METADATA_FIELDS] = {
    [AK_METADATA_AUTH] = {"\"auth\"", 6},
    [AK_METADATA_NAME] = {"\"name\"", 6},
    [AK_METADATA_REPOSITORY] = {"\"repository\"", 12},
    [AK_METADATA_VERSION] = {"\"version\"", 9},
    [AK_METADATA_DESCRIPTION] = {"\"description\"", 13},
    [AK_METADATA_API_VERSION] = {"\"api_version\"", 13},
};

static const enum ak_metadata_field orders[][AK_METADATA_FIELDS] = {
    [AK_METADATA_AS_INSERTED] = {AK_METADATA_AUTH, AK_METADATA_NAME, AK_METADATA_REPOSITORY,
                                 AK_METADATA_VERSION, AK_METADATA_DESCRIPTION,
                                 AK_METADATA_API_VERSION},
    [AK_METADATA_SORTED] = {AK_METADATA_API_VERSION, AK_METADATA_AUTH, AK_METADATA_DESCRIPTION,
                            AK_METADATA_NAME, AK_METADATA_REPOSITORY, AK_METADATA_VERSION},
};

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

void
ak_metadata_arrange(struct ak_json_member members[AK_METADATA_FIELDS],
                    const struct ak_json_text values[AK_METADATA_FIELDS],
                    enum ak_metadata_order order)
{
    for (size_t i = 0; i < AK_METADATA_FIELDS; i++) {
        enum ak_metadata_field field = orders[order][i];
        members[i] = (struct ak_json_member){keys[field], values[field], 0};
    }
}
