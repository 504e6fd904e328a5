/* A URL's text -> its raw parts, and what to say when it has none. */
#include "core/url_parts.h"

#include <stdio.h>

enum { SHOWN_MAX = 100, SHOWN_SIZE = SHOWN_MAX + 24, SHOWN_SCHEME = 32 };

/* Copy what of TEXT may stand in a message: no query or fragment, nothing
 * before the last '@', ASCII only.  The text is not a URL, so '@' and '#' may
 * well be parts of a password. */
static void
copy_shown(char shown[SHOWN_SIZE], struct ak_str text)
{
    size_t scheme = ak_str_istarts_with(text, AK_STR("http://"))    ? 7
                    : ak_str_istarts_with(text, AK_STR("https://")) ? 8
                                                                    : 0;
    size_t cut = scheme, at = 0;
    while (cut < text.len && text.ptr[cut] != '?' && text.ptr[cut] != '#') {
        cut++;
    }
    for (size_t i = scheme; i < text.len; i++) {
        at = text.ptr[i] == '@' ? i + 1 : at;
    }
    size_t start = at > 0 ? at : scheme;
    size_t end = start > cut ? start : cut;
    end = end - start > SHOWN_MAX ? start + SHOWN_MAX : end;
    snprintf(shown, SHOWN_SIZE, "%.*s%s%.*s%s", (int)scheme, text.ptr, at > 0 ? "***@" : "",
             (int)(start > cut ? 0 : end - start), text.ptr + start, end < text.len ? "..." : "");
    for (char *c = shown; *c != '\0'; c++) {
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    }
}

enum ak_status
ak_url_fail(struct ak_err *err, enum ak_status status, struct ak_str text, const char *what)
{
    if (ak_str_has_line_break(text)) {
        status = AK_BAD_URL;
        what = "it holds a line break or a NUL";
    }
    char shown[SHOWN_SIZE];
    copy_shown(shown, text);
    return ak_fail(err, status, "invalid URL '%s': %s", shown, what);
}

struct ak_str
ak_url_skip_space(struct ak_str text)
{
    if (text.len == 0) {
        return AK_STR("");
    }
    size_t start = 0;
    while (start < text.len) {
        char c = text.ptr[start];
        if (c != ' ' && c != '\t' && c != '\v' && c != '\f' && (c < 0x1c || c > 0x1f)) {
            break;
        }
        start++;
    }
    return ak_str_slice(text, start, text.len);
}

bool
ak_url_find_scheme(struct ak_str text, size_t *len)
{
    if (text.len == 0 || ak_lower(text.ptr[0]) < 'a' || ak_lower(text.ptr[0]) > 'z') {
        return false;
    }
    size_t at = 1;
    while (at < text.len && ak_url_is(text.ptr[at], AK_CLASS_SCHEME)) {
        at++;
    }
    *len = at;
    return at < text.len && text.ptr[at] == ':';
}

/* TEXT begins neither with "http:" nor with "https:". */
static enum ak_status
fail_scheme(struct ak_err *err, struct ak_str text)
{
    size_t len;
    if (ak_str_has_line_break(text) || !ak_url_find_scheme(text, &len)) {
        return ak_url_fail(err, AK_MISSING_SCHEMA, text,
                           "no scheme; perhaps https:// is missing before it");
    }
    int shown = len > SHOWN_SCHEME ? SHOWN_SCHEME : (int)len;
    return ak_fail(err, AK_BAD_SCHEMA,
                   "the URL has the scheme '%.*s'; only http:// and https:// are supported", shown,
                   text.ptr);
}

/* The length of "http:" or "https:" at the start of TEXT, or 0. */
static size_t
take_scheme(struct ak_str text, enum ak_scheme *scheme)
{
    if (!ak_str_istarts_with(text, AK_STR("http"))) {
        return 0;
    }
    bool secure = text.len > 4 && ak_lower(text.ptr[4]) == 's';
    size_t colon = secure ? 5 : 4;
    *scheme = secure ? AK_HTTPS : AK_HTTP;
    return colon < text.len && text.ptr[colon] == ':' ? colon + 1 : 0;
}

/* Where the authority that starts at START ends. */
static size_t
authority_end(struct ak_str text, size_t start)
{
    while (start < text.len && !ak_url_is(text.ptr[start], AK_CLASS_AUTHORITY_END)) {
        start++;
    }
    return start;
}

/* The position after the last '@' of AUTHORITY, 0 if there is none. */
static size_t
userinfo_end(struct ak_str authority)
{
    size_t at = authority.len;
    while (at > 0 && authority.ptr[at - 1] != '@') {
        at--;
    }
    return at;
}

/* Where the host that starts at START ends: before the port. */
static size_t
host_end(struct ak_str authority, size_t start)
{
    if (start < authority.len && authority.ptr[start] == '[') {
        size_t bracket = ak_str_find(authority, ']', start);
        return bracket < authority.len ? bracket + 1 : authority.len;
    }
    return ak_str_find(authority, ':', start);
}

/* DIGITS as a port; leading zeros count nothing, no digits are no port. */
static const char *
parse_port(struct ak_str digits, int *port)
{
    static const char WRONG[] = "the port is not a number from 1 to 65535";
    int value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!ak_is_digit(digits.ptr[i])) {
            return WRONG;
        }
        value = value * 10 + (digits.ptr[i] - '0');
        if (value > 65535) {
            return WRONG;
        }
    }
    *port = value;
    return digits.len > 0 && value == 0 ? WRONG : NULL;
}

/* [userinfo@]host[:port] into PARTS; NULL, or what is wrong. */
static const char *
split_authority(struct ak_url_parts *parts, struct ak_str authority)
{
    size_t start = userinfo_end(authority);
    size_t end = host_end(authority, start);
    parts->userinfo = ak_str_slice(authority, 0, start > 0 ? start - 1 : 0);
    const char *wrong = ak_url_check_host(parts, ak_str_slice(authority, start, end));
    if (wrong != NULL || end == authority.len) {
        return wrong;
    }
    if (authority.ptr[end] != ':') {
        return "something stands between the IPv6 address and the port";
    }
    return parse_port(ak_str_slice(authority, end + 1, authority.len), &parts->port);
}

/* path[?query][#fragment] into PARTS. */
static void
split_rest(struct ak_url_parts *parts, struct ak_str rest)
{
    size_t hash = ak_str_find(rest, '#', 0);
    if (hash < rest.len) {
        parts->fragment = ak_str_slice(rest, hash + 1, rest.len);
    }
    rest.len = hash;
    size_t mark = ak_str_find(rest, '?', 0);
    if (mark < rest.len) {
        parts->query = ak_str_slice(rest, mark + 1, rest.len);
    }
    parts->path = ak_str_slice(rest, 0, mark);
}

enum ak_status
ak_url_split(struct ak_url_parts *parts, struct ak_str text, struct ak_err *err)
{
    *parts = (struct ak_url_parts){0};
    struct ak_str url = ak_url_skip_space(text);
    size_t start = take_scheme(url, &parts->scheme);
    if (start == 0) {
        return fail_scheme(err, url);
    }
    const char *wrong = "no host; expected http://host/path";
    if (url.len > AK_URL_MAX_SIZE) {
        wrong = AK_URL_TOO_LONG;
    } else if (ak_str_starts_with(ak_str_slice(url, start, url.len), AK_STR("//"))) {
        start += 2;
        size_t end = authority_end(url, start);
        split_rest(parts, ak_str_slice(url, end, url.len));
        wrong = split_authority(parts, ak_str_slice(url, start, end));
    }
    return wrong == NULL ? AK_OK : ak_url_fail(err, AK_BAD_URL, url, wrong);
}

enum ak_status
ak_url_parse(struct ak_url *url, struct ak_str text, struct ak_err *err)
{
    struct ak_url_parts parts;
    enum ak_status status = ak_url_split(&parts, text, err);
    return status == AK_OK ? ak_url_build(url, &parts, err) : status;
}

bool
ak_url_find_host(struct ak_str text, size_t *start, size_t *end)
{
    struct ak_str url = ak_url_skip_space(text);
    size_t skipped = text.len - url.len, scheme;
    size_t slashes = ak_url_find_scheme(url, &scheme) ? scheme + 1 : 0;
    if (!ak_str_starts_with(ak_str_slice(url, slashes, url.len), AK_STR("//"))) {
        return false;
    }
    size_t authority_start = slashes + 2;
    struct ak_str authority =
        ak_str_slice(url, authority_start, authority_end(url, authority_start));
    size_t from = userinfo_end(authority);
    size_t to = host_end(authority, from);
    if (from < to && authority.ptr[from] == '[') {
        from++;
        to -= to > from && authority.ptr[to - 1] == ']';
    }
    *start = skipped + authority_start + from;
    *end = skipped + authority_start + to;
    return from < to;
}
