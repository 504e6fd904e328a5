#include "core/route.h"

enum route_version { WITHOUT_VERSION, WITH_VERSION };

static const struct {
    enum route_version version;
    struct ak_str ending;
} shapes[AK_ROUTE_RULES] = {
    {WITHOUT_VERSION, {"/metadata", 9}},
    {WITHOUT_VERSION, {"/metadata.json", 14}},
    {WITH_VERSION, {"/metadata", 9}},
    {WITH_VERSION, {"/metadata.json", 14}},
};

/* Enough for a rule of the longest prefix and version, four times. */
#define MAX_RULES_SIZE ((size_t)AK_ROUTE_RULES * (2 * (size_t)AK_ROUTE_MAX_TEXT + 64))

void
ak_route_rules_init(struct ak_route_rules *rules)
{
    *rules = (struct ak_route_rules){.text = ak_buf_make(MAX_RULES_SIZE)};
}

void
ak_route_rules_free(struct ak_route_rules *rules)
{
    ak_buf_free(&rules->text);
}

/* TEXT after LEAD. */
static enum ak_status
append_part(struct ak_buf *out, struct ak_str lead, struct ak_str text)
{
    enum ak_status status = ak_buf_append(out, lead);
    return status == AK_OK ? ak_buf_append(out, text) : status;
}

enum ak_status
ak_route_rules_write(struct ak_route_rules *rules, struct ak_str prefix, struct ak_str api_version)
{
    if (prefix.len > AK_ROUTE_MAX_TEXT || api_version.len > AK_ROUTE_MAX_TEXT) {
        return AK_TOO_LARGE;
    }
    struct ak_str inner = ak_str_strip(prefix, '/');
    enum ak_status status = AK_OK;
    ak_buf_clear(&rules->text);
    for (size_t i = 0; i < AK_ROUTE_RULES; i++) {
        if (inner.len > 0) {
            status = append_part(&rules->text, AK_STR("/"), inner);
        }
        if (status == AK_OK && shapes[i].version == WITH_VERSION) {
            status = append_part(&rules->text, AK_STR("/v"), api_version);
        }
        if (status == AK_OK) {
            status = ak_buf_append(&rules->text, shapes[i].ending);
        }
        if (status != AK_OK) {
            return status;
        }
        rules->ends[i] = rules->text.len;
    }
    return AK_OK;
}

struct ak_str
ak_route_rule(const struct ak_route_rules *rules, size_t i)
{
    return ak_str_slice(ak_buf_str(&rules->text), i == 0 ? 0 : rules->ends[i - 1], rules->ends[i]);
}
