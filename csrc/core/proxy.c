#include "core/proxy.h"

#include <stdint.h>

enum { ADDRESS_BYTES = 16 };

/* An IPv4 or IPv6 address; LENGTH 0 when the text is none. */
struct address {
    uint8_t bytes[ADDRESS_BYTES];
    size_t length;
};

/* ---- addresses ---- */

static bool
parse_ipv4(struct ak_str text, uint8_t bytes[4])
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t digits = 0;
        while (at < text.len && ak_is_digit(text.ptr[at]) && digits < 3) {
            value = value * 10 + (unsigned)(text.ptr[at++] - '0');
            digits++;
        }
        if (digits == 0 || value > 255) {
            return false;
        }
        bytes[part] = (uint8_t)value;
        if (part < 3 && (at >= text.len || text.ptr[at++] != '.')) {
            return false;
        }
    }
    return at == text.len;
}

/* One group of an IPv6 address at *AT: up to four hexadecimal digits. */
static bool
parse_group(struct ak_str text, size_t *at, uint8_t pair[2])
{
    unsigned value = 0;
    size_t start = *at;
    while (*at < text.len && *at - start < 4 && ak_hex_value(text.ptr[*at]) >= 0) {
        value = value << 4 | (unsigned)ak_hex_value(text.ptr[(*at)++]);
    }
    pair[0] = (uint8_t)(value >> 8);
    pair[1] = (uint8_t)value;
    return *at > start;
}

/* RFC 4291, 2.2: groups, with one "::" for as many zeros as are missing. */
static bool
parse_ipv6(struct ak_str text, uint8_t bytes[ADDRESS_BYTES])
{
    uint8_t groups[ADDRESS_BYTES];
    size_t count = 0, gap = SIZE_MAX, at = 0;
    memset(bytes, 0, ADDRESS_BYTES);
    while (at < text.len) {
        if (text.ptr[at] == ':' && at + 1 < text.len && text.ptr[at + 1] == ':') {
            if (gap != SIZE_MAX) {
                return false;
            }
            gap = count;
            at += 2;
            continue;
        }
        bool separated = at == 0 || gap == count; /* nothing or "::" stands in front */
        if ((text.ptr[at] == ':') == separated) {
            return false;
        }
        at += separated ? 0 : 1;
        struct ak_str rest = ak_str_slice(text, at, text.len);
        if (count <= 12 && ak_str_find(rest, ':', 0) == rest.len &&
            parse_ipv4(rest, groups + count)) {
            count += 4;
            break;
        }
        if (count == ADDRESS_BYTES || !parse_group(text, &at, groups + count)) {
            return false;
        }
        count += 2;
    }
    if (gap == SIZE_MAX ? count != ADDRESS_BYTES : count >= ADDRESS_BYTES) {
        return false;
    }
    size_t before = gap == SIZE_MAX ? count : gap;
    memcpy(bytes, groups, before);
    memcpy(bytes + ADDRESS_BYTES - (count - before), groups + before, count - before);
    return true;
}

static struct address
parse_address(struct ak_str text)
{
    struct address address = {.length = 0};
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        text = ak_str_slice(text, 1, text.len - 1);
    }
    if (parse_ipv4(text, address.bytes)) {
        address.length = 4;
    } else if (parse_ipv6(text, address.bytes)) {
        address.length = ADDRESS_BYTES;
    }
    return address;
}

static bool
same_prefix(const struct address *a, const struct address *b, size_t bits)
{
    if (a->length == 0 || a->length != b->length || bits > a->length * 8) {
        return false;
    }
    size_t whole = bits / 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0) {
        return false;
    }
    size_t rest = bits % 8;
    uint8_t mask = (uint8_t)(0xFF << (8 - rest));
    return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

/* ---- entries of the list ---- */

/* A decimal number of at most 65535; -1 for anything else. */
static int
parse_number(struct ak_str text)
{
    int value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ak_is_digit(text.ptr[i]) || value > 65535) {
            return -1;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    return text.len == 0 || value > 65535 ? -1 : value;
}

/* Cut ":port" off ENTRY: the port, or 0 without one. */
static int
cut_port(struct ak_str *entry)
{
    size_t colon = entry->len;
    while (colon > 0 && entry->ptr[colon - 1] != ':') {
        colon--;
    }
    bool bare_ipv6 = ak_str_find(*entry, ':', 0) + 1 != colon && entry->ptr[0] != '[';
    if (colon == 0 || bare_ipv6) {
        return 0;
    }
    int port = parse_number(ak_str_slice(*entry, colon, entry->len));
    if (port <= 0) {
        return 0;
    }
    entry->len = colon - 1;
    return port;
}

/* Whether HOST is DOMAIN or below it, by whole labels. */
static bool
covers(struct ak_str domain, struct ak_str host)
{
    while (domain.len > 0 && domain.ptr[0] == '.') {
        domain = ak_str_slice(domain, 1, domain.len);
    }
    if (domain.len == 0 || domain.len > host.len) {
        return false;
    }
    struct ak_str tail = ak_str_slice(host, host.len - domain.len, host.len);
    return ak_str_iequal(tail, domain) &&
           (tail.len == host.len || host.ptr[host.len - domain.len - 1] == '.');
}

static bool
entry_matches(struct ak_str entry, const struct ak_url *url)
{
    if (ak_str_equal(entry, AK_STR("*"))) {
        return true;
    }
    struct address host = parse_address(url->host);
    size_t slash = ak_str_find(entry, '/', 0);
    if (slash < entry.len) {
        struct address network = parse_address(ak_str_slice(entry, 0, slash));
        int bits = parse_number(ak_str_slice(entry, slash + 1, entry.len));
        return bits >= 0 && same_prefix(&host, &network, (size_t)bits);
    }
    int port = cut_port(&entry);
    if (port != 0 && port != url->port) {
        return false;
    }
    struct address address = parse_address(entry);
    if (host.length > 0 || address.length > 0) {
        return same_prefix(&host, &address, host.length * 8);
    }
    return covers(entry, url->host);
}

static bool
separates(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
ak_no_proxy_matches(struct ak_str no_proxy, const struct ak_url *url)
{
    size_t start = 0;
    while (start < no_proxy.len) {
        size_t end = start;
        while (end < no_proxy.len && !separates(no_proxy.ptr[end])) {
            end++;
        }
        if (end > start && entry_matches(ak_str_slice(no_proxy, start, end), url)) {
            return true;
        }
        start = end + 1;
    }
    return false;
}

/* ---- kinds ---- */

enum ak_status
ak_proxy_find_kind(struct ak_str proxy, enum ak_proxy_kind *kind, struct ak_err *err)
{
    static const struct {
        struct ak_str scheme;
        enum ak_proxy_kind kind;
    } kinds[] = {
        {{"http://", 7}, AK_PROXY_HTTP},    {{"https://", 8}, AK_PROXY_HTTPS},
        {{"socks4://", 9}, AK_PROXY_SOCKS}, {{"socks4a://", 10}, AK_PROXY_SOCKS},
        {{"socks5://", 9}, AK_PROXY_SOCKS}, {{"socks5h://", 10}, AK_PROXY_SOCKS},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (ak_str_istarts_with(proxy, kinds[i].scheme)) {
            *kind = kinds[i].kind;
            return AK_OK;
        }
    }
    size_t end = ak_str_find(proxy, ':', 0);
    if (!ak_str_starts_with(ak_str_slice(proxy, end, proxy.len), AK_STR("://"))) {
        *kind = AK_PROXY_HTTP;
        return AK_OK;
    }
    return ak_fail(err, AK_PROXY_FAILED,
                   "a proxy's URL begins with http, https, socks4, socks4a, socks5 or socks5h, not "
                   "with %.*s",
                   (int)(end < 20 ? end : 20), proxy.ptr);
}
