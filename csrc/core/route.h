/* The URL rules under which a service's metadata is found: four for each route
 * prefix (SQR-023 and the behaviour of sqre-apikit 0.1.3). */
#ifndef AK_ROUTE_H
#define AK_ROUTE_H

#include "core/buf.h"

enum {
    AK_ROUTE_RULES = 4,             /* rules for each prefix */
    AK_ROUTE_MAX_TEXT = 1024 * 1024 /* bytes of a prefix or of an API version */
};

/* The rules one after the other, without anything between them; rule i ends
 * at ends[i]. */
struct ak_route_rules {
    struct ak_buf text;
    size_t ends[AK_ROUTE_RULES];
};

/* No rules; takes no memory yet. */
void ak_route_rules_init(struct ak_route_rules *rules);
void ak_route_rules_free(struct ak_route_rules *rules);

/* Replace what RULES holds by the rules of PREFIX and API_VERSION (both UTF-8):
 * P/metadata, P/metadata.json, P/vV/metadata, P/vV/metadata.json, P being the
 * prefix without the slashes at its ends and with one in front, or nothing for
 * the root.  AK_TOO_LARGE over AK_ROUTE_MAX_TEXT, AK_NO_MEMORY; RULES must not
 * be read then. */
AK_MUST_CHECK enum ak_status ak_route_rules_write(struct ak_route_rules *rules,
                                                  struct ak_str prefix, struct ak_str api_version);

/* Rule number I, borrowed from RULES. */
struct ak_str ak_route_rule(const struct ak_route_rules *rules, size_t i);

#endif
