/* A cookie jar by RFC 6265, with the rules of its revision that keep Secure
 * cookies from being overwritten and that give the "__Host-" and "__Secure-"
 * prefixes a meaning.  No lock of its own: the caller serialises. */
#ifndef AK_COOKIE_H
#define AK_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/url.h"

enum {
    AK_COOKIE_MAX_SIZE = 16 * 1024, /* one Set-Cookie's name and value */
    AK_COOKIE_MAX_ATTRIBUTE = 1024, /* longer ones are ignored */
    AK_COOKIE_MAX_PER_DOMAIN = 200,
    AK_COOKIE_MAX_TOTAL = 3000
};

struct ak_cookie {
    /* Terminated; in a jar all four live in one block that begins at name.  The
     * domain has no leading dot and is lower case. */
    char *name, *value, *domain, *path;
    size_t value_len;
    int64_t expires;  /* seconds since the epoch; AK_COOKIE_SESSION: until the end */
    uint64_t created; /* order of creation: ties are sent oldest first (5.4) */
    bool host_only, secure, http_only;
    bool path_given; /* a Path attribute was there */
};

#define AK_COOKIE_SESSION INT64_MAX

struct ak_cookie_jar {
    struct ak_cookie *cookies; /* oldest first */
    size_t count, capacity;
    uint64_t generation; /* grows with every cookie stored or removed */
    uint64_t created;    /* the next cookie's number */
    /* May be NULL.  Whether DOMAIN (lower case, no leading dot) is a public
     * suffix, for which no cookie is taken but from the host of that very
     * name.  A domain without a dot is always one. */
    int (*is_public_suffix)(const char *domain);
};

void ak_cookie_jar_init(struct ak_cookie_jar *jar);
void ak_cookie_jar_free(struct ak_cookie_jar *jar); /* wipes the values */
void ak_cookie_jar_clear(struct ak_cookie_jar *jar);
/* TO must be empty; untouched on failure. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_copy(struct ak_cookie_jar *to,
                                                const struct ak_cookie_jar *from);

/* Take one Set-Cookie value that came from URL at time NOW (seconds, wall
 * clock).  What RFC 6265 ignores is ignored: AK_OK and no change; so is a value
 * with control characters, one without a name, one over AK_COOKIE_MAX_SIZE.
 * "localhost" and IP addresses are their own hosts.  A cookie whose date is past
 * removes the stored one.  Secure cookies may be set over http on loopback.
 * Over a cap the oldest cookie goes.  The only error is AK_NO_MEMORY, which
 * leaves the jar as it was. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_take(struct ak_cookie_jar *jar, struct ak_str set_cookie,
                                                const struct ak_url *url, int64_t now);

/* Append the value of the Cookie header for a request to URL: nothing if no
 * cookie matches.  Longer paths first, then older first.  Secure cookies are
 * sent over https, and over http to loopback (as browsers do).  OUT grows once,
 * and is untouched on failure. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_write(const struct ak_cookie_jar *jar,
                                                 const struct ak_url *url, int64_t now,
                                                 struct ak_buf *out);

/* Set or replace by (domain, path, name); the strings are copied.  A leading dot
 * of the domain is dropped.  A domain of "" matches every host, as in requests'
 * jar for cookies set by hand.  AK_BAD_HEADER, and no change, for an empty name
 * and for control characters and ";" in name or value: these must never be sent,
 * and that would begin another cookie. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_set(struct ak_cookie_jar *jar,
                                               const struct ak_cookie *cookie);

/* Remove what matches; a NULL matches all, a leading dot of DOMAIN counts
 * nothing.  How many were removed. */
size_t ak_cookie_jar_remove(struct ak_cookie_jar *jar, const char *domain, const char *path,
                            const char *name);

/* Remove cookies that are past at NOW. */
void ak_cookie_jar_expire(struct ak_cookie_jar *jar, int64_t now);

/* An HTTP date (RFC 6265, 5.1.1) as seconds since the epoch; false if none. */
bool ak_cookie_parse_date(struct ak_str text, int64_t *seconds);

#endif
