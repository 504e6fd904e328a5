#include "core/redirect.h"

/* What each status does to a request. */
static const struct rule {
    int status;
    bool keeps_body;
    bool makes_get; /* of all methods but HEAD */
    bool makes_get_of_post;
} RULES[] = {
    {301, false, false, true}, {302, false, true, true},  {303, false, true, true},
    {307, true, false, false}, {308, true, false, false},
};

static const struct rule *
find_rule(int status)
{
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        if (RULES[i].status == status) {
            return &RULES[i];
        }
    }
    return NULL;
}

bool
ak_is_redirect_status(int status)
{
    return find_rule(status) != NULL;
}

static struct ak_str
next_method(const struct rule *rule, struct ak_str method)
{
    if (rule->makes_get && !ak_str_equal(method, AK_STR("HEAD"))) {
        return AK_STR("GET");
    }
    if (rule->makes_get_of_post && ak_str_equal(method, AK_STR("POST"))) {
        return AK_STR("GET");
    }
    return method;
}

enum ak_status
ak_redirect_next(struct ak_redirect *redirect, const struct ak_url *from, struct ak_str method,
                 int status, struct ak_str location, struct ak_err *err)
{
    *redirect = (struct ak_redirect){.method = method};
    ak_url_init(&redirect->url);
    const struct rule *rule = find_rule(status);
    if (rule == NULL) {
        return ak_fail(err, AK_BAD_VALUE, "the status %d is no redirect", status);
    }
    enum ak_status result = ak_url_resolve(&redirect->url, from, location, err);
    if (result != AK_OK) {
        return result;
    }
    redirect->method = next_method(rule, method);
    redirect->drop_body = !rule->keeps_body;
    redirect->other_origin = !ak_url_same_origin(from, &redirect->url);
    return AK_OK;
}
