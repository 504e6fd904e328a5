/* What follows a redirect: pure rules, no I/O (RFC 9110, 15.4; requests'
 * behaviour; the contract's rules for credentials). */
#ifndef AK_REDIRECT_H
#define AK_REDIRECT_H

#include <stdbool.h>

#include "core/url.h"

struct ak_redirect {
    struct ak_url url;    /* where to go next */
    struct ak_str method; /* a literal, or METHOD as given */
    bool drop_body;       /* body, Content-Length, Content-Type and Transfer-Encoding go */
    bool other_origin;    /* credentials and a caller's Host stay behind */
};

/* Whether STATUS with a Location is a redirect: 301, 302, 303, 307, 308.  An
 * empty Location is none: requests hands such an answer to its caller. */
bool ak_is_redirect_status(int status);

/* The next hop of a METHOD request to FROM that was answered by STATUS and
 * LOCATION (raw bytes of the header).  303: all but HEAD become GET; 302: all
 * but HEAD become GET; 301: POST becomes GET; the body goes whenever the
 * status is not 307 or 308.  A LOCATION that is not ASCII is percent-coded,
 * except that its host must be ASCII: see ak_url_find_host.
 * Errors: those of ak_url_parse.  On success REDIRECT owns a URL, which
 * ak_url_free takes; it needs no initialisation and holds nothing on failure. */
AK_MUST_CHECK enum ak_status ak_redirect_next(struct ak_redirect *redirect,
                                              const struct ak_url *from, struct ak_str method,
                                              int status, struct ak_str location,
                                              struct ak_err *err);

#endif
