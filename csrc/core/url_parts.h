/* Inside the URL code only: the raw parts of a URL, and how they become the
 * normalised text.  Nothing but url_*.c may include this. */
#ifndef AK_URL_PARTS_H
#define AK_URL_PARTS_H

#include "core/url.h"

#define AK_URL_TOO_LONG "it is longer than 1 MiB"

/* What a byte may be, by ak_url_class[byte] (RFC 3986, 2 and 3). */
enum {
    AK_CLASS_UNRESERVED = 1, /* also what a host may hold */
    AK_CLASS_USERINFO = 2,
    AK_CLASS_PATH = 4,
    AK_CLASS_QUERY = 8,          /* and fragment */
    AK_CLASS_SCHEME = 16,        /* after the first letter */
    AK_CLASS_AUTHORITY_END = 32, /* "/?#", and '\' as urllib3 has it */
    AK_CLASS_BREAK = 64          /* CR, LF, NUL */
};

extern const unsigned char ak_url_class[256];

static inline bool
ak_url_is(char c, unsigned mask)
{
    return (ak_url_class[(unsigned char)c] & mask) != 0;
}

enum ak_url_coding {
    AK_CODING_NONE,    /* the component can be copied as it is */
    AK_CODING_ESCAPES, /* every '%' starts an escape */
    AK_CODING_ALL,     /* some '%' does not: all of them become %25 */
    AK_CODING_REFUSED  /* CR, LF or NUL */
};

/* A component, how it must be coded, and the most bytes that takes. */
struct ak_url_piece {
    struct ak_str raw;
    enum ak_url_coding coding;
    size_t size;
};

/* Slices of somebody else's text. */
struct ak_url_parts {
    enum ak_scheme scheme;
    struct ak_str userinfo;
    struct ak_str host; /* checked, case as given; IPv6 without brackets and zone */
    struct ak_str zone; /* of an IPv6 address, without "%" */
    bool host_is_ipv6;
    int port; /* 0 if none was given */
    struct ak_str path;
    struct ak_str query;
    struct ak_str more_query; /* joined to query by '&' */
    struct ak_str fragment;
};

/* How RAW must be coded where bytes of the class ALLOWED may stand. */
struct ak_url_piece ak_url_measure(struct ak_str raw, unsigned allowed);

/* Write PIECE, at most piece->size bytes; the end of what was written. */
char *ak_url_write(char *out, const struct ak_url_piece *piece, unsigned allowed);

/* Take an absolute URL apart; errors as ak_url_parse. */
AK_MUST_CHECK enum ak_status ak_url_split(struct ak_url_parts *parts, struct ak_str text,
                                          struct ak_err *err);

/* Code and join PARTS, which may point into URL. */
AK_MUST_CHECK enum ak_status ak_url_build(struct ak_url *url, const struct ak_url_parts *parts,
                                          struct ak_err *err);

/* The host of an authority without userinfo and port into PARTS; NULL, or what
 * is wrong with it. */
AK_MUST_CHECK const char *ak_url_check_host(struct ak_url_parts *parts, struct ak_str host);

/* An IPv6 address (RFC 4291, 2.2) without zone; false if it is none. */
bool ak_url_parse_ipv6(struct ak_str text, unsigned char address[16]);

/* A dotted quad of decimal numbers; false if it is none. */
bool ak_url_parse_ipv4(struct ak_str text, unsigned char address[4]);

/* Whether TEXT begins with a scheme and ':'; *LEN is the scheme's length. */
bool ak_url_find_scheme(struct ak_str text, size_t *len);

/* TEXT without leading ASCII white space; CR and LF stay, to be refused. */
struct ak_str ak_url_skip_space(struct ak_str text);

/* Fill ERR for the URL TEXT, of which only what is no secret is shown. */
enum ak_status ak_url_fail(struct ak_err *err, enum ak_status status, struct ak_str text,
                           const char *what);

#endif
