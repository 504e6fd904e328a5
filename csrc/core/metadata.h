/* What a service says about itself: the rules that its metadata must obey, and
 * the order in which it is written.  Works on plain facts, so that whoever
 * holds the values says what they are and this file what they should be. */
#ifndef AK_METADATA_H
#define AK_METADATA_H

#include "core/json.h"

/* The six fields in the order in which they are put into the answer. */
enum ak_metadata_field {
    AK_METADATA_AUTH,
    AK_METADATA_NAME,
    AK_METADATA_REPOSITORY,
    AK_METADATA_VERSION,
    AK_METADATA_DESCRIPTION,
    AK_METADATA_API_VERSION,
    AK_METADATA_FIELDS
};

enum ak_metadata_order {
    AK_METADATA_AS_INSERTED, /* sort_keys=False */
    AK_METADATA_SORTED       /* sort_keys=True */
};

enum ak_metadata_layout {
    AK_METADATA_COMPACT, /* separators=(",", ":") */
    AK_METADATA_INDENTED /* indent=2 */
};

enum ak_text_kind {
    AK_TEXT_FULL,  /* a string that is not empty */
    AK_TEXT_EMPTY, /* an empty string */
    AK_TEXT_OTHER  /* no string */
};

struct ak_text_fact {
    enum ak_text_kind kind;
    const char *type_name; /* of the value, UTF-8 */
};

enum ak_auth_kind {
    AK_AUTH_ABSENT, /* None, "" or "none" */
    AK_AUTH_DICT,
    AK_AUTH_OTHER
};

enum ak_auth_type {
    AK_AUTH_NO_TYPE,
    AK_AUTH_NONE,
    AK_AUTH_BASIC,
    AK_AUTH_BITLY_PROXY,
    AK_AUTH_UNKNOWN
};

enum ak_auth_data { AK_AUTH_NO_DATA, AK_AUTH_HAS_DATA };

/* What is known of the auth argument.  A fact is only looked at if the ones
 * before it are in order, so that gathering may stop at the first that is not. */
struct ak_auth_facts {
    enum ak_auth_kind kind;
    const char *type_name; /* of auth itself, UTF-8 */
    enum ak_auth_type type;
    const char *type_shown; /* auth["type"] as a message may show it, UTF-8 */
    enum ak_auth_data data;
};

/* The five texts (TEXTS is indexed by field; that of AUTH is not looked at):
 * all must be strings (AK_BAD_TYPE), then none may be empty (AK_BAD_VALUE).
 * Looked at in the order name, description, repository, version, api_version. */
AK_MUST_CHECK enum ak_status
ak_metadata_check_texts(const struct ak_text_fact texts[AK_METADATA_FIELDS], struct ak_err *err);

/* The first rule that AUTH breaks: AK_BAD_TYPE, or AK_BAD_VALUE.  The message
 * never shows a value of auth["data"]. */
AK_MUST_CHECK enum ak_status ak_metadata_check_auth(const struct ak_auth_facts *auth,
                                                    struct ak_err *err);

/* The answer as flask.jsonify writes it, its line end included, but for the six
 * strings, which are indexed by field. */
const struct ak_json_template *ak_metadata_template(enum ak_metadata_order order,
                                                    enum ak_metadata_layout layout);

#endif
