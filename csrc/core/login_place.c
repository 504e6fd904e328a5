#include "core/login_place.h"

static bool
has_escaped_slash(struct ak_str path)
{
    for (size_t i = ak_str_find(path, '%', 0); i + 2 < path.len;
         i = ak_str_find(path, '%', i + 1)) {
        struct ak_str escape = ak_str_slice(path, i + 1, i + 3);
        if (ak_str_iequal(escape, AK_STR("2f")) || ak_str_iequal(escape, AK_STR("5c"))) {
            return true;
        }
    }
    return false;
}

static bool
is_below(struct ak_str path, struct ak_str top)
{
    if (top.len > 0 && top.ptr[top.len - 1] == '/') {
        top.len--;
    }
    if (top.len == 0) {
        return true;
    }
    return ak_str_starts_with(path, top) && (path.len == top.len || path.ptr[top.len] == '/') &&
           !has_escaped_slash(path);
}

bool
ak_login_place_holds(const struct ak_url *configured, enum ak_place_rule rule,
                     const struct ak_url *url)
{
    return ak_url_same_origin(configured, url) &&
           (rule == AK_PLACE_ORIGIN || is_below(url->path, configured->path));
}

bool
ak_login_place_is_private(const struct ak_url *url)
{
    return url->scheme == AK_HTTPS || ak_url_is_loopback(url);
}

/* PATH up to its last slash, which it has. */
static struct ak_str
folder_of(struct ak_str path)
{
    while (path.len > 0 && path.ptr[path.len - 1] != '/') {
        path.len--;
    }
    return path;
}

static bool
is_beginning(struct ak_str base, struct ak_str path)
{
    struct ak_str folder = folder_of(base);
    return ak_str_equal(path, base) ||
           (ak_str_starts_with(path, folder) &&
            ak_str_equal(ak_str_slice(path, folder.len, path.len), AK_STR("sign_in")));
}

bool
ak_login_place_may_follow(const struct ak_url *base, const struct ak_url *from,
                          const struct ak_url *to)
{
    return !ak_url_same_origin(from, base) || ak_url_same_origin(to, base) ||
           is_beginning(base->path, from->path);
}
