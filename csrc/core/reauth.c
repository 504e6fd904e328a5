#include "core/reauth.h"

enum { LONGEST_LOOK = 1024 * 1024 };

/* Kinds of status, as bits. */
enum {
    GOOD = 1,         /* 2xx */
    REDIRECT = 2,     /* 3xx */
    UNAUTHORIZED = 4, /* 401 */
    FORBIDDEN = 8,    /* 403 */
    OTHER = 16,
    ANY = GOOD | REDIRECT | UNAUTHORIZED | FORBIDDEN | OTHER
};

static int
kind_of(int status)
{
    if (status == 401) {
        return UNAUTHORIZED;
    }
    if (status == 403) {
        return FORBIDDEN;
    }
    return status / 100 == 2 ? GOOD : status / 100 == 3 ? REDIRECT : OTHER;
}

/* Answers of {prefix}/auth, as bits. */
#define WHEN(auth) (1 << (auth))
enum {
    NOT_ASKED = WHEN(AK_REAUTH_NOT_ASKED),
    SIGNED_IN = WHEN(AK_REAUTH_SIGNED_IN),
    SIGNED_OUT = WHEN(AK_REAUTH_SIGNED_OUT),
    TURNED_AWAY = WHEN(AK_REAUTH_TURNED_AWAY),
    UNKNOWN = WHEN(AK_REAUTH_UNKNOWN),
    NOT_SIGNED_IN = SIGNED_OUT | TURNED_AWAY | UNKNOWN,
    WHATEVER = NOT_ASKED | SIGNED_IN | NOT_SIGNED_IN
};
#undef WHEN

/* The first row that fits decides.  What may also be the service's own work is
 * asked about: its redirect to the provider, its page with a way to log in
 * anew, its own 401 and its own page with 403.  Where the proxy cannot tell,
 * a login page is a lost login, and a bare status the service's.  What is in no
 * row is the service's, the 403 text/plain too by which oauth2-proxy 7.15 refuses
 * an Authorization header, unless the header is the login: no other login would
 * change that. */
static const struct row {
    int kinds;
    unsigned marks; /* all of them */
    int auth;
    enum ak_reauth_verdict verdict;
} ROWS[] = {
    {ANY, AK_REAUTH_GAP_AUTH, WHATEVER, AK_REAUTH_SERVICE},
    {GOOD | REDIRECT | UNAUTHORIZED | FORBIDDEN, AK_REAUTH_AT_SIGN_IN, WHATEVER, AK_REAUTH_LOG_IN},
    {ANY, AK_REAUTH_AT_PROVIDER, NOT_ASKED, AK_REAUTH_ASK},
    {ANY, AK_REAUTH_AT_PROVIDER, NOT_SIGNED_IN, AK_REAUTH_LOG_IN},
    {UNAUTHORIZED | FORBIDDEN, AK_REAUTH_FORM, WHATEVER, AK_REAUTH_LOG_IN},
    {GOOD, AK_REAUTH_FORM, NOT_ASKED, AK_REAUTH_ASK},
    {GOOD, AK_REAUTH_FORM, NOT_SIGNED_IN, AK_REAUTH_LOG_IN},
    {UNAUTHORIZED, 0, NOT_ASKED, AK_REAUTH_ASK},
    {UNAUTHORIZED, 0, SIGNED_OUT, AK_REAUTH_LOG_IN},
    {FORBIDDEN, AK_REAUTH_HTML, NOT_ASKED, AK_REAUTH_ASK},
    {FORBIDDEN, AK_REAUTH_HTML, SIGNED_OUT, AK_REAUTH_LOG_IN},
    {FORBIDDEN, AK_REAUTH_CREDENTIAL, NOT_ASKED, AK_REAUTH_ASK},
    {UNAUTHORIZED | FORBIDDEN, AK_REAUTH_CREDENTIAL, SIGNED_OUT | TURNED_AWAY, AK_REAUTH_LOG_IN},
};

enum ak_reauth_verdict
ak_reauth_decide(const struct ak_reauth_facts *facts)
{
    int kind = kind_of(facts->status);
    int auth = 1 << facts->auth;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct row *row = &ROWS[i];
        if ((row->kinds & kind) != 0 && (row->marks & ~facts->marks) == 0 &&
            (row->auth & auth) != 0) {
            return row->verdict;
        }
    }
    return AK_REAUTH_SERVICE;
}

enum ak_reauth_auth
ak_reauth_auth_of(int status)
{
    static const struct {
        int kind;
        enum ak_reauth_auth auth;
    } MEANINGS[] = {
        {GOOD, AK_REAUTH_SIGNED_IN},
        {UNAUTHORIZED, AK_REAUTH_SIGNED_OUT},
        {FORBIDDEN, AK_REAUTH_TURNED_AWAY},
    };
    for (size_t i = 0; i < sizeof(MEANINGS) / sizeof(MEANINGS[0]); i++) {
        if (MEANINGS[i].kind == kind_of(status)) {
            return MEANINGS[i].auth;
        }
    }
    return AK_REAUTH_UNKNOWN;
}

/* ---- pages ---- */

typedef bool (*starts_with)(struct ak_str text, struct ak_str prefix);

static bool
holds(struct ak_str page, struct ak_str part, starts_with does_start)
{
    size_t at = ak_str_find(page, part.ptr[0], 0);
    while (at < page.len) {
        if (does_start(ak_str_slice(page, at, page.len), part)) {
            return true;
        }
        at = ak_str_find(page, part.ptr[0], at + 1);
    }
    return false;
}

bool
ak_reauth_may_have_form(struct ak_str page, struct ak_str path)
{
    if (page.len > LONGEST_LOOK) {
        page.len = LONGEST_LOOK;
    }
    return path.len > 0 && holds(page, path, ak_str_starts_with) &&
           holds(page, AK_STR("<form"), ak_str_istarts_with);
}
