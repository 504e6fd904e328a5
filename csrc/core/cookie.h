/* A cookie jar by RFC 6265.  No lock of its own: the caller serialises. */
#ifndef AK_COOKIE_H
#define AK_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/url.h"

enum {
    AK_COOKIE_MAX_SIZE = 16 * 1024, /* one Set-Cookie's name and value */
    AK_COOKIE_MAX_PER_DOMAIN = 200,
    AK_COOKIE_MAX_TOTAL = 3000
};

struct ak_cookie {
    char *name, *value, *domain, *path; /* owned; domain without leading dot */
    size_t value_len;
    int64_t expires; /* seconds since the epoch; AK_COOKIE_SESSION: until the end */
    uint64_t created; /* order of creation: ties are sent oldest first (5.4) */
    bool host_only, secure, http_only;
    bool path_given; /* a Path attribute was there */
};

#define AK_COOKIE_SESSION INT64_MAX

struct ak_cookie_jar {
    struct ak_cookie *cookies;
    size_t count, capacity;
    uint64_t generation; /* grows with every change */
    uint64_t created;    /* the next cookie's number */
};

void ak_cookie_jar_init(struct ak_cookie_jar *jar);
void ak_cookie_jar_free(struct ak_cookie_jar *jar); /* wipes the values */
void ak_cookie_jar_clear(struct ak_cookie_jar *jar);
/* TO must be empty; untouched on failure. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_copy(struct ak_cookie_jar *to,
                                                const struct ak_cookie_jar *from);

/* Take one Set-Cookie value that came from URL at time NOW (seconds, wall
 * clock).  What RFC 6265 ignores is ignored: AK_OK and no change.  "localhost"
 * and IP addresses are their own hosts.  A cookie whose date is past removes
 * the stored one.  Secure cookies may be set over http on loopback. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_take(struct ak_cookie_jar *jar, struct ak_str set_cookie,
                                                const struct ak_url *url, int64_t now);

/* Append the value of the Cookie header for a request to URL: nothing if no
 * cookie matches.  Longer paths first, then older first.  Secure cookies are
 * sent over https, and over http to loopback (as browsers do). */
AK_MUST_CHECK enum ak_status ak_cookie_jar_write(const struct ak_cookie_jar *jar,
                                                 const struct ak_url *url, int64_t now,
                                                 struct ak_buf *out);

/* Set or replace by (domain, path, name); the strings are copied.  A domain of
 * "" matches every host, as in requests' jar for cookies set by hand. */
AK_MUST_CHECK enum ak_status ak_cookie_jar_set(struct ak_cookie_jar *jar,
                                               const struct ak_cookie *cookie);

/* Remove what matches; a NULL matches all.  How many were removed. */
size_t ak_cookie_jar_remove(struct ak_cookie_jar *jar, const char *domain, const char *path,
                            const char *name);

/* Remove cookies that are past at NOW. */
void ak_cookie_jar_expire(struct ak_cookie_jar *jar, int64_t now);

/* An HTTP date (RFC 6265, 5.1.1) as seconds since the epoch; false if none. */
bool ak_cookie_parse_date(struct ak_str text, int64_t *seconds);

#endif
