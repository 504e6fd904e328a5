/* Who answered a request that a login guards: the service, or the proxy before
 * it, which wants a login.  Pure rules, no I/O: the facts come in, one table
 * decides.  The proxy is oauth2-proxy or bitly's oauth2_proxy, by itself or as
 * what nginx asks by auth_request. */
#ifndef AK_REAUTH_H
#define AK_REAUTH_H

#include <stdbool.h>

#include "core/str.h"

/* What an answer shows.  "Sign-in" is a place of the proxy where a login
 * begins: the base URL, and the page that leads there. */
enum ak_reauth_mark {
    AK_REAUTH_HTML = 1,        /* the answer is text/html */
    AK_REAUTH_GAP_AUTH = 2,    /* it has GAP-Auth: the proxy knew who asked */
    AK_REAUTH_AT_PROVIDER = 4, /* it came from the provider, or its Location leads there */
    AK_REAUTH_AT_SIGN_IN = 8,  /* it came by way of a sign-in, or its Location leads there */
    AK_REAUTH_FORM = 16,       /* its page holds a form that leads to a sign-in */
    AK_REAUTH_CREDENTIAL = 32  /* the request bore the login itself, in its Authorization */
};

/* What the proxy says of what the request bore ({prefix}/auth). */
enum ak_reauth_auth {
    AK_REAUTH_NOT_ASKED,
    AK_REAUTH_SIGNED_IN,
    AK_REAUTH_SIGNED_OUT,
    AK_REAUTH_TURNED_AWAY, /* 403: it refuses an Authorization, and offers no login */
    AK_REAUTH_UNKNOWN      /* it was asked, or cannot be, and gave neither answer */
};

struct ak_reauth_facts {
    int status;
    unsigned marks; /* of enum ak_reauth_mark */
    enum ak_reauth_auth auth;
};

enum ak_reauth_verdict {
    AK_REAUTH_SERVICE, /* the service answered: pass it through */
    AK_REAUTH_ASK,     /* ask {prefix}/auth once, and decide again */
    AK_REAUTH_LOG_IN   /* the proxy answered: the login is lost, or was refused */
};

/* The first row of the table that fits; AK_REAUTH_ASK only for facts with
 * AK_REAUTH_NOT_ASKED. */
enum ak_reauth_verdict ak_reauth_decide(const struct ak_reauth_facts *facts);

/* What the status of {prefix}/auth says. */
enum ak_reauth_auth ak_reauth_auth_of(int status);

/* Whether PAGE is worth the parsing: it holds "<form", in any case of letters,
 * and PATH as it is; of a large page only the first megabyte is looked at. */
bool ak_reauth_may_have_form(struct ak_str page, struct ak_str path);

#endif
