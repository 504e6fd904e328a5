/* A Set-Cookie value -> its name, value and attributes (RFC 6265, 5.2). */
#include "core/cookie_rules.h"

/* What the attributes say, before Max-Age is weighed against Expires. */
struct lifetime {
    int64_t expires, max_age;
    bool has_expires, has_max_age;
};

bool
ak_cookie_has_control(struct ak_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The part of *TEXT before the next C, which is cut off with it. */
static struct ak_str
take_until(struct ak_str *text, char c)
{
    size_t end = ak_str_find(*text, c, 0);
    struct ak_str part = ak_str_slice(*text, 0, end);
    *text = ak_str_slice(*text, end + (end < text->len), text->len);
    return part;
}

/* NOW plus the seconds in TEXT (5.2.2), kept within what a date can be. */
static bool
parse_max_age(struct ak_str text, int64_t now, int64_t *expires)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len == (size_t)negative) {
        return false;
    }
    const int64_t most = AK_COOKIE_SESSION - 1;
    int64_t seconds = 0;
    for (size_t i = negative; i < text.len; i++) {
        if (!ak_is_digit(text.ptr[i])) {
            return false;
        }
        int digit = text.ptr[i] - '0';
        seconds = seconds > (most - digit) / 10 ? most : seconds * 10 + digit;
    }
    if (negative || seconds == 0) {
        *expires = INT64_MIN;
    } else {
        *expires = now > 0 && seconds > most - now ? most : now + seconds;
    }
    return true;
}

static void
take_attribute(struct ak_set_cookie *cookie, struct lifetime *lifetime, struct ak_str name,
               struct ak_str value, int64_t now)
{
    int64_t seconds;
    if (ak_str_iequal(name, AK_STR("expires"))) {
        if (ak_cookie_parse_date(value, &seconds)) {
            lifetime->expires = seconds;
            lifetime->has_expires = true;
        }
    } else if (ak_str_iequal(name, AK_STR("max-age"))) {
        if (parse_max_age(value, now, &seconds)) {
            lifetime->max_age = seconds;
            lifetime->has_max_age = true;
        }
    } else if (ak_str_iequal(name, AK_STR("domain"))) {
        bool dot = ak_str_starts_with(value, AK_STR("."));
        cookie->domain = ak_str_slice(value, dot, value.len);
    } else if (ak_str_iequal(name, AK_STR("path"))) {
        cookie->path = ak_str_starts_with(value, AK_STR("/")) ? value : AK_STR("");
    } else if (ak_str_iequal(name, AK_STR("secure"))) {
        cookie->secure = true;
    } else if (ak_str_iequal(name, AK_STR("httponly"))) {
        cookie->http_only = true;
    }
}

bool
ak_cookie_parse(struct ak_set_cookie *cookie, struct ak_str text, int64_t now)
{
    *cookie = (struct ak_set_cookie){.expires = AK_COOKIE_SESSION};
    if (text.len == 0 || ak_cookie_has_control(text)) {
        return false;
    }
    struct ak_str pair = take_until(&text, ';');
    if (ak_str_find(pair, '=', 0) == pair.len) {
        return false;
    }
    cookie->name = ak_str_trim(take_until(&pair, '='));
    cookie->value = ak_str_trim(pair);
    if (cookie->name.len == 0 || cookie->name.len + cookie->value.len > AK_COOKIE_MAX_SIZE) {
        return false;
    }
    struct lifetime lifetime = {0};
    while (text.len > 0) {
        struct ak_str attribute = take_until(&text, ';');
        struct ak_str name = ak_str_trim(take_until(&attribute, '='));
        struct ak_str value = ak_str_trim(attribute);
        if (value.len <= AK_COOKIE_MAX_ATTRIBUTE) {
            take_attribute(cookie, &lifetime, name, value, now);
        }
    }
    if (lifetime.has_max_age) {
        cookie->expires = lifetime.max_age;
    } else if (lifetime.has_expires) {
        cookie->expires = lifetime.expires;
    }
    return true;
}
