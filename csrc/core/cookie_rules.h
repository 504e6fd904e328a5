/* Inside the cookie code only: RFC 6265's algorithms that need no jar.  Nothing
 * but cookie_*.c may include this. */
#ifndef AK_COOKIE_RULES_H
#define AK_COOKIE_RULES_H

#include "core/cookie.h"

/* A Set-Cookie value taken apart (RFC 6265, 5.2); slices of the value. */
struct ak_set_cookie {
    struct ak_str name, value;
    struct ak_str domain; /* without leading dot, case as given; len 0: none */
    struct ak_str path;   /* len 0: none, or not one that begins with '/' */
    int64_t expires;
    bool secure, http_only;
};

/* Take TEXT apart at time NOW; false if it must be ignored altogether. */
bool ak_cookie_parse(struct ak_set_cookie *cookie, struct ak_str text, int64_t now);

/* Whether TEXT holds a control character other than a tab. */
bool ak_cookie_has_control(struct ak_str text);

/* The path of a cookie without one, from the path of its URL (5.1.4). */
struct ak_str ak_cookie_default_path(struct ak_str url_path);

/* Whether NAME is DOMAIN or a name below it. */
bool ak_cookie_is_within(struct ak_str name, struct ak_str domain);

/* Whether the host of URL domain-matches DOMAIN (5.1.3). */
bool ak_cookie_domain_match(const struct ak_url *url, struct ak_str domain);

/* Whether PATH path-matches COOKIE_PATH (5.1.4). */
bool ak_cookie_path_match(struct ak_str path, struct ak_str cookie_path);

/* Whether Secure cookies travel on URL: https, or http to loopback. */
bool ak_cookie_is_safe_channel(const struct ak_url *url);

/* Whether a "__Host-" or "__Secure-" in the name keeps its promise. */
bool ak_cookie_prefix_holds(const struct ak_set_cookie *cookie);

/* Whether COOKIE is to be sent to URL at time NOW (5.4, step 1). */
bool ak_cookie_matches(const struct ak_cookie *cookie, const struct ak_url *url, int64_t now);

#endif
