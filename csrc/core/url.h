/* http and https URLs (RFC 3986), normalised as requests and urllib3 do it. */
#ifndef AK_URL_H
#define AK_URL_H

#include <stdbool.h>

#include "core/buf.h"

enum {
    AK_URL_MAX_SIZE = 1024 * 1024, /* of the normalised text */
    AK_URL_MAX_HOST = 255          /* RFC 1035, 2.3.4; of an IPv6 address with its zone too */
};

enum ak_scheme { AK_HTTP, AK_HTTPS };

struct ak_url {
    /* scheme://[userinfo@]host[:port]/path[?query][#fragment], as requests
     * shows it in PreparedRequest.url: userinfo stays in, so it is a secret */
    struct ak_buf text;
    enum ak_scheme scheme;
    struct ak_str userinfo; /* before '@', still percent-coded */
    bool has_userinfo;      /* userinfo.len > 0: an empty one is dropped */
    struct ak_str host;     /* lower case; an IPv6 address without brackets, with its "%25zone" */
    bool host_is_ipv6;
    int port;                /* the default of the scheme if none was given */
    struct ak_str host_port; /* for the Host header: brackets kept, no zone, no default port */
    struct ak_str target;    /* "/path?query": what a request line sends; never empty */
    struct ak_str path;
    struct ak_str query;    /* without '?'; an empty one is dropped */
    struct ak_str fragment; /* without '#'; an empty one is dropped */
    bool has_fragment;      /* fragment.len > 0 */
    size_t stored;          /* private: bytes in use at text.data, at least text.len */
};

/* The slices point into the block at url->text.data, which URL owns, so a
 * struct ak_url must not be copied by assignment; move it with ak_url_move. */
void ak_url_init(struct ak_url *url);
void ak_url_free(struct ak_url *url); /* wipes: userinfo is a secret */
void ak_url_move(struct ak_url *to, struct ak_url *from);
/* What TO held is freed; TO is untouched on failure. */
AK_MUST_CHECK enum ak_status ak_url_copy(struct ak_url *to, const struct ak_url *from);

/* Parse TEXT (UTF-8), as requests' prepare_url and urllib3's parse_url do:
 * leading white space is dropped; scheme and host become lower case; dot
 * segments are removed; an empty path becomes "/"; what may not stand in a URL
 * is percent-coded.  Existing escapes stay, their hex in upper case, except
 * that those of unreserved characters are undone (RFC 3986, 6.2.2); in a part
 * where some "%" starts no escape every "%" becomes %25.  A default port stays
 * in the text (requests shows it) but not in host_port.
 *
 * Errors: AK_MISSING_SCHEMA (no scheme; the message suggests https://),
 * AK_BAD_SCHEMA (any other scheme, named in the message), AK_BAD_URL (no host,
 * a bad port, a host with forbidden characters, CR, LF or NUL anywhere, over
 * AK_URL_MAX_SIZE).  Messages show neither userinfo nor query.  A host beyond
 * ASCII is AK_BAD_URL too: the caller must turn it into ASCII first, see
 * ak_url_find_host.  URL must be initialised; what it held is freed on
 * success and untouched on failure.  TEXT may be a slice of URL itself. */
AK_MUST_CHECK enum ak_status ak_url_parse(struct ak_url *url, struct ak_str text,
                                          struct ak_err *err);

/* Where the host stands in an unparsed absolute URL or a reference that begins
 * with "//" (without brackets, port or userinfo); false if there is none.  For
 * the IDNA step before ak_url_parse, ak_url_resolve and ak_redirect_next. */
bool ak_url_find_host(struct ak_str text, size_t *start, size_t *end);

/* REFERENCE (a Location; bytes that are not ASCII are percent-coded as they
 * are) against BASE (RFC 3986, 5.2).  "http:path" against an http URL is taken
 * as a relative path, as urljoin does it.  The fragment of BASE is inherited
 * when REFERENCE has none (RFC 9110, 10.2.2), its userinfo when REFERENCE has
 * no host.  Same errors as ak_url_parse; URL may be BASE. */
AK_MUST_CHECK enum ak_status ak_url_resolve(struct ak_url *url, const struct ak_url *base,
                                            struct ak_str reference, struct ak_err *err);

/* Append QUERY (without '?') to what the URL has; what may not stand in a query,
 * '#' too, is percent-coded as in ak_url_parse.  Untouched on failure. */
AK_MUST_CHECK enum ak_status ak_url_add_query(struct ak_url *url, struct ak_str query,
                                              struct ak_err *err);

/* Scheme, host and port are the same (RFC 6454). */
bool ak_url_same_origin(const struct ak_url *a, const struct ak_url *b);

/* The host is a loopback address (127.0.0.0/8, ::1) or the name localhost. */
bool ak_url_is_loopback(const struct ak_url *url);

/* The host is an IPv4 or IPv6 address, not a name. */
bool ak_url_host_is_address(const struct ak_url *url);

/* The URL as it may be shown in a message: user and password replaced by
 * "***", never the fragment. */
AK_MUST_CHECK enum ak_status ak_url_append_masked(struct ak_buf *out, const struct ak_url *url);

/* application/x-www-form-urlencoded, as urllib.parse.quote_plus does it: space
 * is '+', letters, digits and "_.-~" stay, all other bytes are %XX. */
AK_MUST_CHECK enum ak_status ak_url_append_form_coded(struct ak_buf *out, struct ak_str text);

/* NAME=VALUE, both coded so, after an "&" unless OUT is empty. */
AK_MUST_CHECK enum ak_status ak_url_append_form_pair(struct ak_buf *out, struct ak_str name,
                                                     struct ak_str value);

/* Undo percent coding (not '+'); a "%" that starts no escape stays. */
AK_MUST_CHECK enum ak_status ak_url_append_unquoted(struct ak_buf *out, struct ak_str text);

/* Base64 with padding (RFC 4648, 4): for Basic credentials. */
AK_MUST_CHECK enum ak_status ak_append_base64(struct ak_buf *out, struct ak_str bytes);

#endif
