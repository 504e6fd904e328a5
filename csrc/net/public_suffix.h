/* Public suffixes, the names under which anybody can have a domain: "com",
 * "co.uk", "github.io".  The list is libpsl's own; it reads no file. */
#ifndef AK_NET_PUBLIC_SUFFIX_H
#define AK_NET_PUBLIC_SUFFIX_H

/* Whether DOMAIN (lower case, no leading dot) is a public suffix: what a jar's
 * is_public_suffix takes.  Without libpsl no domain is.  Any thread may ask. */
int ak_is_public_suffix(const char *domain);

#endif
