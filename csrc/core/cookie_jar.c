/* The jar: storing, replacing, evicting (RFC 6265, 5.3). */
#include "core/cookie_rules.h"

#include "core/alloc.h"

enum { SMALLEST_CAPACITY = 8 };

/* What a cookie is stored under. */
struct key {
    struct ak_str domain, path, name;
};

void
ak_cookie_jar_init(struct ak_cookie_jar *jar)
{
    *jar = (struct ak_cookie_jar){0};
}

/* The block that holds the four strings, and their terminators. */
static size_t
size_of_block(const struct ak_cookie *cookie)
{
    return strlen(cookie->name) + cookie->value_len + strlen(cookie->domain) +
           strlen(cookie->path) + 4;
}

static void
free_strings(struct ak_cookie *cookie)
{
    ak_wipe(cookie->name, size_of_block(cookie));
    ak_free(cookie->name);
}

static char *
copy_string(char **out, const char *text, size_t len)
{
    char *copy = *out;
    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    *out = copy + len + 1;
    return copy;
}

/* Give COOKIE strings of its own, copies of KEY and VALUE. */
static enum ak_status
set_strings(struct ak_cookie *cookie, const struct key *key, struct ak_str value)
{
    char *out = ak_malloc(key->name.len + value.len + key->domain.len + key->path.len + 4);
    if (out == NULL) {
        return AK_NO_MEMORY;
    }
    cookie->name = copy_string(&out, key->name.ptr, key->name.len);
    cookie->value = copy_string(&out, value.ptr, value.len);
    cookie->value_len = value.len;
    cookie->domain = copy_string(&out, key->domain.ptr, key->domain.len);
    cookie->path = copy_string(&out, key->path.ptr, key->path.len);
    for (char *c = cookie->domain; *c != '\0'; c++) {
        *c = ak_lower(*c);
    }
    return AK_OK;
}

static void
remove_at(struct ak_cookie_jar *jar, size_t index)
{
    free_strings(&jar->cookies[index]);
    jar->count--;
    memmove(jar->cookies + index, jar->cookies + index + 1,
            (jar->count - index) * sizeof(*jar->cookies));
    jar->generation++;
}

void
ak_cookie_jar_clear(struct ak_cookie_jar *jar)
{
    while (jar->count > 0) {
        remove_at(jar, jar->count - 1);
    }
}

void
ak_cookie_jar_free(struct ak_cookie_jar *jar)
{
    ak_cookie_jar_clear(jar);
    ak_free(jar->cookies);
    ak_cookie_jar_init(jar);
}

enum ak_status
ak_cookie_jar_copy(struct ak_cookie_jar *to, const struct ak_cookie_jar *from)
{
    struct ak_cookie_jar copy = *from;
    copy.capacity = from->count;
    copy.count = 0;
    copy.cookies = NULL;
    if (from->count > 0) {
        copy.cookies = ak_malloc(from->count * sizeof(*copy.cookies));
        if (copy.cookies == NULL) {
            return AK_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < from->count; i++) {
        const struct ak_cookie *cookie = &from->cookies[i];
        struct key key = {ak_str_from(cookie->domain), ak_str_from(cookie->path),
                          ak_str_from(cookie->name)};
        copy.cookies[i] = *cookie;
        if (set_strings(&copy.cookies[i], &key, ak_str_of(cookie->value, cookie->value_len)) !=
            AK_OK) {
            ak_cookie_jar_free(&copy);
            return AK_NO_MEMORY;
        }
        copy.count++;
    }
    ak_cookie_jar_free(to);
    *to = copy;
    return AK_OK;
}

/* The index of the cookie with COOKIE's domain, path and name, or the count. */
static size_t
find_same(const struct ak_cookie_jar *jar, const struct ak_cookie *cookie)
{
    size_t i = 0;
    while (i < jar->count && (strcmp(jar->cookies[i].name, cookie->name) != 0 ||
                              strcmp(jar->cookies[i].domain, cookie->domain) != 0 ||
                              strcmp(jar->cookies[i].path, cookie->path) != 0)) {
        i++;
    }
    return i;
}

static enum ak_status
grow(struct ak_cookie_jar *jar)
{
    if (jar->count < jar->capacity) {
        return AK_OK;
    }
    size_t capacity = jar->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : jar->capacity * 2;
    struct ak_cookie *cookies = ak_realloc(jar->cookies, capacity * sizeof(*cookies));
    if (cookies == NULL) {
        return AK_NO_MEMORY;
    }
    jar->cookies = cookies;
    jar->capacity = capacity;
    return AK_OK;
}

/* Make room for one more cookie of DOMAIN under both caps; the cookies stand
 * oldest first. */
static void
evict_oldest(struct ak_cookie_jar *jar, const char *domain)
{
    size_t of_domain = 0, oldest = 0;
    for (size_t i = jar->count; i-- > 0;) {
        if (strcmp(jar->cookies[i].domain, domain) == 0) {
            of_domain++;
            oldest = i;
        }
    }
    if (of_domain >= AK_COOKIE_MAX_PER_DOMAIN) {
        remove_at(jar, oldest);
    } else if (jar->count >= AK_COOKIE_MAX_TOTAL) {
        remove_at(jar, 0);
    }
}

/* Put COOKIE, whose strings the jar takes over on success, in its place.  A
 * replaced cookie keeps its age (5.3, step 11). */
static enum ak_status
store(struct ak_cookie_jar *jar, struct ak_cookie *cookie)
{
    size_t place = find_same(jar, cookie);
    if (place < jar->count) {
        cookie->created = jar->cookies[place].created;
        free_strings(&jar->cookies[place]);
    } else {
        if (grow(jar) != AK_OK) {
            return AK_NO_MEMORY;
        }
        evict_oldest(jar, cookie->domain);
        place = jar->count++;
        cookie->created = jar->created++;
    }
    jar->cookies[place] = *cookie;
    jar->generation++;
    return AK_OK;
}

/* What a Cookie header carries as the name or the value of one cookie. */
static bool
is_sendable(struct ak_str text)
{
    return !ak_cookie_has_control(text) && ak_str_find(text, ';', 0) == text.len;
}

enum ak_status
ak_cookie_jar_set(struct ak_cookie_jar *jar, const struct ak_cookie *cookie)
{
    const char *domain = cookie->domain[0] == '.' ? cookie->domain + 1 : cookie->domain;
    struct key key = {ak_str_from(domain), ak_str_from(cookie->path), ak_str_from(cookie->name)};
    struct ak_str value = ak_str_of(cookie->value, cookie->value_len);
    if (key.name.len == 0 || !is_sendable(key.name) || !is_sendable(value)) {
        return AK_BAD_HEADER;
    }
    struct ak_cookie copy = *cookie;
    enum ak_status status = set_strings(&copy, &key, value);
    if (status != AK_OK) {
        return status;
    }
    status = store(jar, &copy);
    if (status != AK_OK) {
        free_strings(&copy);
    }
    return status;
}

/* Whether COOKIE's domain attribute may be set by URL (5.3, steps 5 and 6);
 * narrows it to the host where only that is allowed. */
static bool
settle_domain(const struct ak_cookie_jar *jar, struct ak_cookie *cookie, const struct ak_url *url)
{
    struct ak_str domain = ak_str_from(cookie->domain);
    if (!ak_cookie_domain_match(url, domain)) {
        return false;
    }
    /* A dot at the very end makes no domain of a public suffix: "com.". */
    bool is_suffix = ak_str_find(domain, '.', 0) + 1 >= domain.len ||
                     (jar->is_public_suffix != NULL && jar->is_public_suffix(cookie->domain));
    if (is_suffix && !ak_str_equal(url->host, domain)) {
        return false;
    }
    cookie->host_only = is_suffix || ak_url_host_is_address(url);
    return true;
}

/* Whether COOKIE, which came over a channel that is not safe, would shadow or
 * replace a Secure one (the revision of RFC 6265, "leave Secure cookies alone"). */
static bool
touches_secure(const struct ak_cookie_jar *jar, const struct ak_cookie *cookie)
{
    struct ak_str domain = ak_str_from(cookie->domain);
    for (size_t i = 0; i < jar->count; i++) {
        const struct ak_cookie *other = &jar->cookies[i];
        struct ak_str other_domain = ak_str_from(other->domain);
        if (other->secure && strcmp(other->name, cookie->name) == 0 &&
            (ak_cookie_is_within(domain, other_domain) ||
             ak_cookie_is_within(other_domain, domain)) &&
            ak_cookie_path_match(ak_str_from(cookie->path), ak_str_from(other->path))) {
            return true;
        }
    }
    return false;
}

/* What the jar does with a well-formed COOKIE from URL; takes its strings over
 * only if *KEPT. */
static enum ak_status
admit(struct ak_cookie_jar *jar, struct ak_cookie *cookie, const struct ak_url *url, int64_t now,
      bool *kept)
{
    if (!cookie->host_only && !settle_domain(jar, cookie, url)) {
        return AK_OK;
    }
    if (!ak_cookie_is_safe_channel(url) && touches_secure(jar, cookie)) {
        return AK_OK;
    }
    if (cookie->expires <= now) {
        size_t place = find_same(jar, cookie);
        if (place < jar->count) {
            remove_at(jar, place);
        }
        return AK_OK;
    }
    if (jar->count >= AK_COOKIE_MAX_PER_DOMAIN) {
        ak_cookie_jar_expire(jar, now);
    }
    enum ak_status status = store(jar, cookie);
    *kept = status == AK_OK;
    return status;
}

enum ak_status
ak_cookie_jar_take(struct ak_cookie_jar *jar, struct ak_str set_cookie, const struct ak_url *url,
                   int64_t now)
{
    struct ak_set_cookie parsed;
    if (!ak_cookie_parse(&parsed, set_cookie, now) || !ak_cookie_prefix_holds(&parsed) ||
        (parsed.secure && !ak_cookie_is_safe_channel(url))) {
        return AK_OK;
    }
    struct key key = {
        .domain = parsed.domain.len > 0 ? parsed.domain : url->host,
        .path = parsed.path.len > 0 ? parsed.path : ak_cookie_default_path(url->path),
        .name = parsed.name,
    };
    struct ak_cookie cookie = {
        .expires = parsed.expires,
        .host_only = parsed.domain.len == 0,
        .secure = parsed.secure,
        .http_only = parsed.http_only,
        .path_given = parsed.path.len > 0,
    };
    enum ak_status status = set_strings(&cookie, &key, parsed.value);
    if (status != AK_OK) {
        return status;
    }
    bool kept = false;
    status = admit(jar, &cookie, url, now, &kept);
    if (!kept) {
        free_strings(&cookie);
    }
    return status;
}

size_t
ak_cookie_jar_remove(struct ak_cookie_jar *jar, const char *domain, const char *path,
                     const char *name)
{
    size_t before = jar->count;
    const char *bare = domain != NULL && domain[0] == '.' ? domain + 1 : domain;
    for (size_t i = jar->count; i-- > 0;) {
        const struct ak_cookie *cookie = &jar->cookies[i];
        if ((bare == NULL || ak_str_iequal(ak_str_from(bare), ak_str_from(cookie->domain))) &&
            (path == NULL || strcmp(path, cookie->path) == 0) &&
            (name == NULL || strcmp(name, cookie->name) == 0)) {
            remove_at(jar, i);
        }
    }
    return before - jar->count;
}

void
ak_cookie_jar_expire(struct ak_cookie_jar *jar, int64_t now)
{
    for (size_t i = jar->count; i-- > 0;) {
        if (jar->cookies[i].expires <= now) {
            remove_at(jar, i);
        }
    }
}
