/* The host of a URL: names, IPv4 and IPv6 addresses, zones, loopback. */
#include "core/url_parts.h"

#include <string.h>

bool
ak_url_parse_ipv4(struct ak_str text, unsigned char address[4])
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (at >= text.len || text.ptr[at++] != '.')) {
            return false;
        }
        unsigned value = 0;
        size_t start = at;
        while (at < text.len && at - start < 3 && ak_is_digit(text.ptr[at])) {
            value = value * 10 + (unsigned)(text.ptr[at++] - '0');
        }
        if (at == start || value > 255) {
            return false;
        }
        address[i] = (unsigned char)value;
    }
    return at == text.len;
}

/* Up to four hexadecimal digits at *AT; false if there is none. */
static bool
parse_group(struct ak_str text, size_t *at, unsigned char out[2])
{
    unsigned value = 0;
    size_t start = *at;
    while (*at < text.len && *at - start < 4 && ak_hex_value(text.ptr[*at]) >= 0) {
        value = value << 4 | (unsigned)ak_hex_value(text.ptr[(*at)++]);
    }
    out[0] = (unsigned char)(value >> 8);
    out[1] = (unsigned char)(value & 255);
    return *at > start;
}

bool
ak_url_parse_ipv6(struct ak_str text, unsigned char address[16])
{
    enum { NO_GAP = 99 };
    size_t at = 0, filled = 0, gap = NO_GAP;
    memset(address, 0, 16);
    if (ak_str_starts_with(text, AK_STR("::"))) {
        gap = 0;
        at = 2;
    }
    while (at < text.len) {
        struct ak_str rest = ak_str_slice(text, at, text.len);
        if (filled <= 12 && ak_url_parse_ipv4(rest, address + filled)) {
            filled += 4;
            break;
        }
        if (filled > 14 || !parse_group(text, &at, address + filled)) {
            return false;
        }
        filled += 2;
        if (at == text.len) {
            break;
        }
        if (text.ptr[at++] != ':' || at == text.len) {
            return false;
        }
        if (text.ptr[at] == ':') {
            if (gap != NO_GAP) {
                return false;
            }
            gap = filled;
            at++;
        }
    }
    if (gap == NO_GAP) {
        return filled == 16;
    }
    if (filled == 16) {
        return false; /* a "::" that stands for nothing */
    }
    memmove(address + 16 - (filled - gap), address + gap, filled - gap);
    memset(address + gap, 0, 16 - filled);
    return true;
}

/* HOST between brackets: an address and perhaps a zone (RFC 6874, and the bare
 * "%" that urllib3 takes too). */
static const char *
check_ipv6(struct ak_url_parts *parts, struct ak_str host)
{
    unsigned char address[16];
    size_t percent = ak_str_find(host, '%', 0);
    struct ak_str zone = ak_str_slice(host, percent, host.len);
    parts->host = ak_str_slice(host, 0, percent);
    if (!ak_url_parse_ipv6(parts->host, address)) {
        return "the host is not an IPv6 address";
    }
    if (zone.len > 0) {
        size_t marker = zone.len > 3 && ak_str_starts_with(zone, AK_STR("%25")) ? 3 : 1;
        zone = ak_str_slice(zone, marker, zone.len);
        if (zone.len == 0) {
            return "the zone of the IPv6 address is empty";
        }
    }
    for (size_t i = 0; i < zone.len; i++) {
        if (!ak_url_is(zone.ptr[i], AK_CLASS_UNRESERVED)) {
            return "the zone of the IPv6 address has a forbidden character";
        }
    }
    parts->zone = zone;
    parts->host_is_ipv6 = true;
    return NULL;
}

/* Only what can be part of a name that resolves: RFC 3986 would let sub-delims
 * and escapes through, which no resolver takes. */
static const char *
check_name(struct ak_str host)
{
    if (host.ptr[0] == '.' || host.ptr[0] == '*') {
        return "the host begins with \".\" or \"*\"";
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!ak_url_is(host.ptr[i], AK_CLASS_UNRESERVED)) {
            return (unsigned char)host.ptr[i] >= 0x80 ? "the host is not ASCII; encode it with IDNA"
                                                      : "the host has a forbidden character";
        }
    }
    return NULL;
}

const char *
ak_url_check_host(struct ak_url_parts *parts, struct ak_str host)
{
    if (host.len == 0) {
        return "no host; expected http://host/path";
    }
    if (host.len > AK_URL_MAX_HOST) {
        return "the host is longer than any name can be";
    }
    if (host.ptr[0] != '[') {
        parts->host = host;
        return check_name(host);
    }
    if (host.ptr[host.len - 1] != ']') {
        return "the brackets of the IPv6 address are not closed";
    }
    return check_ipv6(parts, ak_str_slice(host, 1, host.len - 1));
}

/* The address without its zone. */
static bool
parse_host_ipv6(const struct ak_url *url, unsigned char address[16])
{
    size_t percent = ak_str_find(url->host, '%', 0);
    return url->host_is_ipv6 && ak_url_parse_ipv6(ak_str_slice(url->host, 0, percent), address);
}

bool
ak_url_host_is_address(const struct ak_url *url)
{
    unsigned char ipv4[4];
    return url->host_is_ipv6 || ak_url_parse_ipv4(url->host, ipv4);
}

bool
ak_url_is_loopback(const struct ak_url *url)
{
    static const unsigned char IPV6_LOOPBACK[16] = {[15] = 1};
    unsigned char ipv4[4], ipv6[16];
    if (ak_url_parse_ipv4(url->host, ipv4)) {
        return ipv4[0] == 127;
    }
    if (parse_host_ipv6(url, ipv6)) {
        return memcmp(ipv6, IPV6_LOOPBACK, sizeof(ipv6)) == 0;
    }
    return ak_str_equal(url->host, AK_STR("localhost"));
}
