/* A URL as a value: building its text, owning it, comparing, showing. */
#include "core/url_parts.h"

#include <string.h>

#include "core/alloc.h"

enum { PORT_DIGITS = 5 };

/* The components of a URL, measured. */
struct measured {
    struct ak_url_piece userinfo, path, query, more_query, fragment;
};

void
ak_url_init(struct ak_url *url)
{
    *url = (struct ak_url){.text = ak_buf_make(AK_URL_MAX_SIZE)};
}

void
ak_url_free(struct ak_url *url)
{
    ak_buf_free_secret(&url->text);
    ak_url_init(url);
}

void
ak_url_move(struct ak_url *to, struct ak_url *from)
{
    *to = *from;
    ak_url_init(from);
}

/* SLICE of the block FROM as the same slice of its copy TO. */
static struct ak_str
rebase(struct ak_str slice, const char *from, const char *to)
{
    return slice.ptr == NULL ? slice : ak_str_of(to + (slice.ptr - from), slice.len);
}

enum ak_status
ak_url_copy(struct ak_url *to, const struct ak_url *from)
{
    struct ak_url copy = *from;
    if (from->text.data != NULL) {
        char *block = ak_malloc(from->stored);
        if (block == NULL) {
            return AK_NO_MEMORY;
        }
        memcpy(block, from->text.data, from->stored);
        copy.text.data = block;
        copy.text.capacity = from->stored;
        struct ak_str *const slices[] = {&copy.userinfo, &copy.host,  &copy.host_port, &copy.target,
                                         &copy.path,     &copy.query, &copy.fragment};
        for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
            *slices[i] = rebase(*slices[i], from->text.data, block);
        }
    }
    ak_url_free(to);
    *to = copy;
    return AK_OK;
}

/* Drop "." and ".." segments of the path from START to END in place
 * (RFC 3986, 5.2.4); the new end. */
static char *
remove_dot_segments(char *start, char *end)
{
    char *out = start;
    for (const char *in = start; in < end;) {
        const char *segment = in + 1;
        const char *stop = memchr(segment, '/', (size_t)(end - segment));
        stop = stop == NULL ? end : stop;
        struct ak_str name = {segment, (size_t)(stop - segment)};
        bool up = ak_str_equal(name, AK_STR(".."));
        if (!up && !ak_str_equal(name, AK_STR("."))) {
            memmove(out, in, (size_t)(stop - in));
            out += stop - in;
        } else {
            while (up && out > start && *--out != '/') {
            }
            if (stop == end) {
                *out++ = '/';
            }
        }
        in = stop;
    }
    return out;
}

/* Whether some segment from START to END begins with a dot. */
static bool
has_dot_segment(const char *start, const char *end)
{
    for (const char *dot = start; (dot = memchr(dot, '.', (size_t)(end - dot))) != NULL; dot++) {
        if (dot > start && dot[-1] == '/') {
            return true;
        }
    }
    return false;
}

static char *
write_str(char *out, struct ak_str text)
{
    memcpy(out, text.ptr, text.len);
    return out + text.len;
}

static int
default_port(enum ak_scheme scheme)
{
    return scheme == AK_HTTPS ? 443 : 80;
}

static char *
write_port(char *out, int port)
{
    char digits[PORT_DIGITS];
    size_t start = sizeof(digits);
    for (; port > 0; port /= 10) {
        digits[--start] = (char)('0' + port % 10);
    }
    *out++ = ':';
    return write_str(out, ak_str_of(digits + start, sizeof(digits) - start));
}

/* The host as it stands in a URL, without zone. */
static char *
write_host(char *out, const struct ak_url_parts *parts)
{
    for (size_t i = 0; i < parts->host.len; i++) {
        *out++ = ak_lower(parts->host.ptr[i]);
    }
    return out;
}

/* host[:port]; fills the slices and the port of URL. */
static char *
write_host_port(char *out, struct ak_url *url, const struct ak_url_parts *parts)
{
    char *host_port = out;
    if (parts->host_is_ipv6) {
        *out++ = '[';
    }
    char *host = out;
    out = write_host(out, parts);
    if (parts->zone.len > 0) {
        out = write_str(out, AK_STR("%25"));
        out = write_str(out, parts->zone);
    }
    url->host = ak_str_of(host, (size_t)(out - host));
    if (parts->host_is_ipv6) {
        *out++ = ']';
    }
    char *shown_end = out;
    url->host_is_ipv6 = parts->host_is_ipv6;
    url->port = parts->port > 0 ? parts->port : default_port(parts->scheme);
    if (parts->port > 0) {
        out = write_port(out, parts->port);
        shown_end = parts->port == default_port(parts->scheme) ? shown_end : out;
    }
    url->host_port = ak_str_of(host_port, (size_t)(shown_end - host_port));
    return out;
}

/* A zone means something on this machine only and must not be sent (RFC 6874,
 * 4), so the Host header's value is kept behind the text. */
static char *
write_host_port_without_zone(char *out, struct ak_url *url, const struct ak_url_parts *parts)
{
    char *start = out;
    *out++ = '[';
    out = write_host(out, parts);
    *out++ = ']';
    if (url->port != default_port(url->scheme)) {
        out = write_port(out, url->port);
    }
    url->host_port = ak_str_of(start, (size_t)(out - start));
    return out;
}

static char *
write_path(char *out, struct ak_url *url, const struct measured *parts)
{
    char *start = out;
    if (parts->path.raw.len == 0 || parts->path.raw.ptr[0] != '/') {
        *out++ = '/';
    }
    out = ak_url_write(out, &parts->path, AK_CLASS_PATH);
    if (has_dot_segment(start, out)) {
        out = remove_dot_segments(start, out);
    }
    url->path = ak_str_of(start, (size_t)(out - start));
    return out;
}

static char *
write_query(char *out, struct ak_url *url, const struct measured *parts)
{
    char *start = out + 1;
    if (parts->query.raw.len + parts->more_query.raw.len == 0) {
        return out;
    }
    *out++ = '?';
    out = ak_url_write(out, &parts->query, AK_CLASS_QUERY);
    if (parts->query.raw.len > 0 && parts->more_query.raw.len > 0) {
        *out++ = '&';
    }
    out = ak_url_write(out, &parts->more_query, AK_CLASS_QUERY);
    url->query = ak_str_of(start, (size_t)(out - start));
    return out;
}

/* How PARTS must be coded; false if one holds a line break or NUL. */
static bool
measure(struct measured *measured, const struct ak_url_parts *parts)
{
    *measured = (struct measured){
        .userinfo = ak_url_measure(parts->userinfo, AK_CLASS_USERINFO),
        .path = ak_url_measure(parts->path, AK_CLASS_PATH),
        .query = ak_url_measure(parts->query, AK_CLASS_QUERY),
        .more_query = ak_url_measure(parts->more_query, AK_CLASS_QUERY),
        .fragment = ak_url_measure(parts->fragment, AK_CLASS_QUERY),
    };
    return measured->userinfo.coding != AK_CODING_REFUSED &&
           measured->path.coding != AK_CODING_REFUSED &&
           measured->query.coding != AK_CODING_REFUSED &&
           measured->more_query.coding != AK_CODING_REFUSED &&
           measured->fragment.coding != AK_CODING_REFUSED;
}

/* The most bytes that the text and what is kept behind it can take. */
static size_t
size_of_text(const struct measured *measured, const struct ak_url_parts *parts)
{
    size_t authority = sizeof("[]:") + PORT_DIGITS + parts->host.len;
    size_t size = sizeof("https://@/?&#") + authority;
    if (parts->zone.len > 0) {
        size += sizeof("%25") + parts->zone.len + authority;
    }
    return size + measured->userinfo.size + measured->path.size + measured->query.size +
           measured->more_query.size + measured->fragment.size;
}

/* Write all of PARTS to the block URL->text, which is large enough. */
static void
fill(struct ak_url *url, const struct ak_url_parts *parts, const struct measured *measured)
{
    char *out = url->text.data;
    url->scheme = parts->scheme;
    out = write_str(out, parts->scheme == AK_HTTPS ? AK_STR("https://") : AK_STR("http://"));
    if (parts->userinfo.len > 0) {
        char *start = out;
        out = ak_url_write(out, &measured->userinfo, AK_CLASS_USERINFO);
        url->userinfo = ak_str_of(start, (size_t)(out - start));
        url->has_userinfo = true;
        *out++ = '@';
    }
    out = write_host_port(out, url, parts);
    out = write_path(out, url, measured);
    out = write_query(out, url, measured);
    url->target = ak_str_of(url->path.ptr, (size_t)(out - url->path.ptr));
    if (parts->fragment.len > 0) {
        char *start = ++out;
        start[-1] = '#';
        out = ak_url_write(out, &measured->fragment, AK_CLASS_QUERY);
        url->fragment = ak_str_of(start, (size_t)(out - start));
        url->has_fragment = true;
    }
    url->text.len = (size_t)(out - url->text.data);
    if (parts->zone.len > 0) {
        out = write_host_port_without_zone(out, url, parts);
    }
    url->stored = (size_t)(out - url->text.data);
}

enum ak_status
ak_url_build(struct ak_url *url, const struct ak_url_parts *parts, struct ak_err *err)
{
    struct measured measured;
    if (!measure(&measured, parts)) {
        return ak_url_fail(err, AK_BAD_URL, parts->host, "it holds a line break or a NUL");
    }
    size_t size = size_of_text(&measured, parts);
    if (size > AK_URL_MAX_SIZE) {
        return ak_url_fail(err, AK_BAD_URL, parts->host, AK_URL_TOO_LONG);
    }
    struct ak_url built;
    ak_url_init(&built);
    built.text.data = ak_malloc(size);
    if (built.text.data == NULL) {
        return ak_fail_no_memory(err);
    }
    built.text.capacity = size;
    fill(&built, parts, &measured);
    ak_url_free(url);
    *url = built;
    return AK_OK;
}

bool
ak_url_same_origin(const struct ak_url *a, const struct ak_url *b)
{
    return a->scheme == b->scheme && a->port == b->port && a->host_is_ipv6 == b->host_is_ipv6 &&
           ak_str_equal(a->host, b->host);
}

enum ak_status
ak_url_append_masked(struct ak_buf *out, const struct ak_url *url)
{
    struct ak_str text = ak_buf_str(&url->text);
    if (url->has_fragment) {
        text.len = (size_t)(url->fragment.ptr - 1 - text.ptr);
    }
    enum ak_status status = AK_OK;
    if (url->has_userinfo) {
        size_t start = (size_t)(url->userinfo.ptr - text.ptr);
        status = ak_buf_append(out, ak_str_slice(text, 0, start));
        status = status == AK_OK ? ak_buf_append(out, AK_STR("***")) : status;
        text = ak_str_slice(text, start + url->userinfo.len, text.len);
    }
    return status == AK_OK ? ak_buf_append(out, text) : status;
}
