/* Where the secrets of a log-in may go, and where its redirects may lead: pure
 * rules.  What is configured decides, never what a page or a redirect says. */
#ifndef AK_LOGIN_PLACE_H
#define AK_LOGIN_PLACE_H

#include <stdbool.h>

#include "core/url.h"

/* How much of a configured URL binds. */
enum ak_place_rule {
    AK_PLACE_ORIGIN,    /* scheme, host and port */
    AK_PLACE_BELOW_PATH /* its path too, if that is more than "/" */
};

/* Whether URL belongs to what is CONFIGURED.  A path holds what is at it and
 * below it: "/realms/lab" holds "/realms/lab/auth", and not "/realms/laboratory"
 * nor a path with an escaped slash or backslash, which servers read in two ways. */
bool ak_login_place_holds(const struct ak_url *configured, enum ak_place_rule rule,
                          const struct ak_url *url);

/* Whether nobody can listen on the way to URL: https, or a loopback address. */
bool ak_login_place_is_private(const struct ak_url *url);

/* Whether a redirect of a log-in that begins at BASE may be followed: not from
 * the proxy to another origin, except from where a log-in begins (BASE itself, or
 * "sign_in" beside it).  So what the proxy's callback leads to stays there, or is
 * never asked for. */
bool ak_login_place_may_follow(const struct ak_url *base, const struct ak_url *from,
                               const struct ak_url *to);

#endif
