/* A reference against a base, and a query joined to a URL: new URLs made of
 * old ones. */
#include "core/url_parts.h"

/* A base's path and a reference of which every byte is coded both fit, so that
 * ak_url_build is the one to say what is too long. */
enum { SCRATCH_MAX = 4 * AK_URL_MAX_SIZE + 16 };

/* The parts of URL, which are slices of its text. */
static struct ak_url_parts
parts_of(const struct ak_url *url)
{
    struct ak_url_parts parts = {
        .scheme = url->scheme,
        .userinfo = url->userinfo,
        .host = url->host,
        .host_is_ipv6 = url->host_is_ipv6,
        .path = url->path,
        .query = url->query,
        .fragment = url->fragment,
    };
    size_t percent = ak_str_find(url->host, '%', 0);
    if (percent < url->host.len) {
        parts.host = ak_str_slice(url->host, 0, percent);
        parts.zone = ak_str_slice(url->host, percent + 3, url->host.len);
    }
    const char *host_end = url->host.ptr + url->host.len + (url->host_is_ipv6 ? 1 : 0);
    parts.port = *host_end == ':' ? url->port : 0;
    return parts;
}

enum ak_status
ak_url_add_query(struct ak_url *url, struct ak_str query, struct ak_err *err)
{
    if (query.len == 0) {
        return AK_OK;
    }
    if (query.len > AK_URL_MAX_SIZE) {
        return ak_url_fail(err, AK_BAD_URL, url->host, AK_URL_TOO_LONG);
    }
    struct ak_url_parts parts = parts_of(url);
    parts.more_query = query;
    return ak_url_build(url, &parts, err);
}

/* Whether REFERENCE has a scheme that makes it absolute; "http:path" against an
 * http URL is cut to "path". */
static bool
take_absolute(struct ak_str *reference, enum ak_scheme base)
{
    size_t len;
    if (!ak_url_find_scheme(*reference, &len)) {
        return false;
    }
    struct ak_str scheme = ak_str_slice(*reference, 0, len);
    struct ak_str rest = ak_str_slice(*reference, len + 1, reference->len);
    if (!ak_str_iequal(scheme, base == AK_HTTPS ? AK_STR("https") : AK_STR("http")) ||
        ak_str_starts_with(rest, AK_STR("//"))) {
        return true;
    }
    *reference = rest;
    return false;
}

/* PATH behind the folder of the path in PARTS, joined in SCRATCH.  PATH is coded
 * first: a "%" in it that starts no escape says nothing about the base's. */
static enum ak_status
join_path(struct ak_url_parts *parts, struct ak_str path, struct ak_buf *scratch)
{
    struct ak_url_piece piece = ak_url_measure(path, AK_CLASS_PATH);
    if (piece.coding == AK_CODING_REFUSED) {
        parts->path = path; /* ak_url_build says why */
        return AK_OK;
    }
    struct ak_str folder = parts->path;
    while (folder.ptr[folder.len - 1] != '/') {
        folder.len--;
    }
    enum ak_status status = ak_buf_reserve(scratch, folder.len + piece.size);
    status = status == AK_OK ? ak_buf_append(scratch, folder) : status;
    if (status == AK_OK) {
        char *end = ak_url_write(scratch->data + scratch->len, &piece, AK_CLASS_PATH);
        parts->path = ak_str_of(scratch->data, (size_t)(end - scratch->data));
    }
    return status;
}

/* Split REFERENCE, which has no scheme and no host, into path, query and
 * fragment over those of the base in PARTS (RFC 3986, 5.2.2). */
static enum ak_status
split_relative(struct ak_url_parts *parts, struct ak_str reference, struct ak_buf *scratch)
{
    size_t hash = ak_str_find(reference, '#', 0);
    if (hash + 1 < reference.len) {
        parts->fragment = ak_str_slice(reference, hash + 1, reference.len);
    }
    reference.len = hash;
    size_t mark = ak_str_find(reference, '?', 0);
    if (reference.len > 0) {
        parts->query = ak_str_slice(reference, mark + (mark < reference.len), reference.len);
    }
    struct ak_str path = ak_str_slice(reference, 0, mark);
    if (path.len > 0 && path.ptr[0] != '/') {
        return join_path(parts, path, scratch);
    }
    parts->path = path.len > 0 ? path : parts->path;
    return AK_OK;
}

/* REFERENCE with a scheme or a host of its own. */
static enum ak_status
split_absolute(struct ak_url_parts *parts, const struct ak_url *base, struct ak_str reference,
               struct ak_buf *scratch, struct ak_err *err)
{
    if (ak_str_starts_with(reference, AK_STR("//"))) {
        struct ak_str scheme = base->scheme == AK_HTTPS ? AK_STR("https:") : AK_STR("http:");
        enum ak_status status = ak_buf_reserve(scratch, scheme.len + reference.len);
        status = status == AK_OK ? ak_buf_append(scratch, scheme) : status;
        status = status == AK_OK ? ak_buf_append(scratch, reference) : status;
        if (status != AK_OK) {
            return ak_fail_no_memory(err);
        }
        reference = ak_buf_str(scratch);
    }
    enum ak_status status = ak_url_split(parts, reference, err);
    if (status == AK_OK && parts->fragment.len == 0) {
        parts->fragment = base->fragment;
    }
    return status;
}

enum ak_status
ak_url_resolve(struct ak_url *url, const struct ak_url *base, struct ak_str reference,
               struct ak_err *err)
{
    if (reference.len > AK_URL_MAX_SIZE) {
        return ak_url_fail(err, AK_BAD_URL, base->host, AK_URL_TOO_LONG);
    }
    reference = ak_url_skip_space(reference);
    struct ak_url_parts parts = parts_of(base);
    struct ak_buf scratch = ak_buf_make(SCRATCH_MAX);
    enum ak_status status;
    if (take_absolute(&reference, base->scheme) || ak_str_starts_with(reference, AK_STR("//"))) {
        status = split_absolute(&parts, base, reference, &scratch, err);
    } else {
        status = split_relative(&parts, reference, &scratch);
        if (status != AK_OK) {
            ak_fail_no_memory(err);
        }
    }
    if (status == AK_OK) {
        status = ak_url_build(url, &parts, err);
    }
    ak_buf_free_secret(&scratch);
    return status;
}
