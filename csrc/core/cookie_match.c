/* Which cookies belong to which URL, and the header that sends them (RFC 6265,
 * 5.1.3, 5.1.4 and 5.4). */
#include "core/cookie_rules.h"

struct ak_str
ak_cookie_default_path(struct ak_str url_path)
{
    size_t end = url_path.len;
    while (end > 0 && url_path.ptr[end - 1] != '/') {
        end--;
    }
    return end <= 1 ? AK_STR("/") : ak_str_slice(url_path, 0, end - 1);
}

bool
ak_cookie_is_within(struct ak_str name, struct ak_str domain)
{
    if (name.len <= domain.len) {
        return ak_str_equal(name, domain);
    }
    return ak_str_ends_with(name, domain) && name.ptr[name.len - domain.len - 1] == '.';
}

bool
ak_cookie_domain_match(const struct ak_url *url, struct ak_str domain)
{
    return ak_str_equal(url->host, domain) ||
           (ak_cookie_is_within(url->host, domain) && !ak_url_host_is_address(url));
}

bool
ak_cookie_path_match(struct ak_str path, struct ak_str cookie_path)
{
    if (!ak_str_starts_with(path, cookie_path)) {
        return false;
    }
    return path.len == cookie_path.len || ak_str_ends_with(cookie_path, AK_STR("/")) ||
           path.ptr[cookie_path.len] == '/';
}

bool
ak_cookie_is_safe_channel(const struct ak_url *url)
{
    return url->scheme == AK_HTTPS || ak_url_is_loopback(url);
}

bool
ak_cookie_prefix_holds(const struct ak_set_cookie *cookie)
{
    if (ak_str_istarts_with(cookie->name, AK_STR("__Host-"))) {
        return cookie->secure && cookie->domain.len == 0 && ak_str_equal(cookie->path, AK_STR("/"));
    }
    return cookie->secure || !ak_str_istarts_with(cookie->name, AK_STR("__Secure-"));
}

bool
ak_cookie_matches(const struct ak_cookie *cookie, const struct ak_url *url, int64_t now)
{
    struct ak_str domain = ak_str_from(cookie->domain);
    if (cookie->expires <= now || (cookie->secure && !ak_cookie_is_safe_channel(url)) ||
        !ak_cookie_path_match(url->path, ak_str_from(cookie->path))) {
        return false;
    }
    if (domain.len == 0) {
        return true;
    }
    return cookie->host_only ? ak_str_equal(url->host, domain)
                             : ak_cookie_domain_match(url, domain);
}

/* What a request to URL sends: how many cookies, how many bytes of "name=value". */
static size_t
count_matches(const struct ak_cookie_jar *jar, const struct ak_url *url, int64_t now, size_t *bytes)
{
    size_t count = 0;
    *bytes = 0;
    for (size_t i = 0; i < jar->count; i++) {
        const struct ak_cookie *cookie = &jar->cookies[i];
        if (ak_cookie_matches(cookie, url, now)) {
            count++;
            *bytes += strlen(cookie->name) + 1 + cookie->value_len;
        }
    }
    return count;
}

/* The length of the longest matching path below LIMIT. */
static size_t
longest_path(const struct ak_cookie_jar *jar, const struct ak_url *url, int64_t now, size_t limit)
{
    size_t longest = 0;
    for (size_t i = 0; i < jar->count; i++) {
        size_t len = strlen(jar->cookies[i].path);
        if (len > longest && len < limit && ak_cookie_matches(&jar->cookies[i], url, now)) {
            longest = len;
        }
    }
    return longest;
}

static char *
write_bytes(char *out, const char *from, size_t len)
{
    if (len > 0) {
        memcpy(out, from, len);
    }
    return out + len;
}

enum ak_status
ak_cookie_jar_write(const struct ak_cookie_jar *jar, const struct ak_url *url, int64_t now,
                    struct ak_buf *out)
{
    size_t bytes;
    size_t left = count_matches(jar, url, now, &bytes);
    if (left == 0) {
        return AK_OK;
    }
    enum ak_status status = ak_buf_reserve(out, bytes + 2 * (left - 1));
    if (status != AK_OK) {
        return status;
    }
    char *at = out->data + out->len;
    for (size_t limit = SIZE_MAX; left > 0;) {
        limit = longest_path(jar, url, now, limit);
        for (size_t i = 0; i < jar->count; i++) {
            const struct ak_cookie *cookie = &jar->cookies[i];
            if (strlen(cookie->path) == limit && ak_cookie_matches(cookie, url, now)) {
                at = write_bytes(at, cookie->name, strlen(cookie->name));
                *at++ = '=';
                at = write_bytes(at, cookie->value, cookie->value_len);
                at = write_bytes(at, "; ", --left > 0 ? 2 : 0);
            }
        }
    }
    out->len = (size_t)(at - out->data);
    return AK_OK;
}
