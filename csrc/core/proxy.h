/* Which proxy serves a URL: the pure rules.  Where the settings come from is
 * the caller's business. */
#ifndef AK_PROXY_H
#define AK_PROXY_H

#include "core/url.h"

/* Whether NO_PROXY (a list as in the variable no_proxy) exempts URL's host: by
 * whole labels ("example.org" and ".example.org" cover a.example.org but not
 * myexample.org; a leading dot is optional), "host:port", an address, an
 * address with port ("127.0.0.1:80", "[::1]:80"), a network in CIDR notation
 * (IPv4 and IPv6), or "*".  Any case; commas and white space separate. */
bool ak_no_proxy_matches(struct ak_str no_proxy, const struct ak_url *url);

enum ak_proxy_kind { AK_PROXY_HTTP, AK_PROXY_HTTPS, AK_PROXY_SOCKS };

/* The kind of a proxy by its URL's scheme (none means http): http, https,
 * socks4, socks4a, socks5, socks5h.  AK_PROXY_FAILED for any other; the message
 * never shows the credentials. */
AK_MUST_CHECK enum ak_status ak_proxy_find_kind(struct ak_str proxy, enum ak_proxy_kind *kind,
                                                struct ak_err *err);

#endif
