/* Cookies: lines "URL", "Set-Cookie", "Set-Cookie" ... of which each URL counts
 * for the lines that follow; a line is a URL if it begins with "http".  Whatever
 * is stored must be fit for a header and obey the caps. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cookie.h"

enum { NOW = 1000000000 };

static void
require(int condition)
{
    if (!condition) {
        abort();
    }
}

static struct ak_str
take_line(struct ak_str *input)
{
    size_t end = ak_str_find(*input, '\n', 0);
    struct ak_str line = ak_str_slice(*input, 0, end);
    *input = ak_str_slice(*input, end + (end < input->len), input->len);
    return line;
}

static void
check_jar(const struct ak_cookie_jar *jar)
{
    require(jar->count <= AK_COOKIE_MAX_TOTAL);
    for (size_t i = 0; i < jar->count; i++) {
        const struct ak_cookie *cookie = &jar->cookies[i];
        require(cookie->name[0] != '\0' && cookie->path[0] == '/');
        require(strlen(cookie->value) == cookie->value_len);
        require(cookie->domain[0] != '\0' && cookie->domain[0] != '.');
        require(cookie->host_only || strchr(cookie->domain, '.') != NULL);
        require(i == 0 || cookie->created > jar->cookies[i - 1].created);
        require(strlen(cookie->name) + cookie->value_len <= AK_COOKIE_MAX_SIZE);
    }
}

/* The header of a request to URL, without and with a copy of the jar. */
static void
check_header(const struct ak_cookie_jar *jar, const struct ak_url *url, int64_t now)
{
    struct ak_buf out = ak_buf_make(SIZE_MAX / 2), again = ak_buf_make(SIZE_MAX / 2);
    struct ak_cookie_jar copy;
    ak_cookie_jar_init(&copy);
    require(ak_cookie_jar_copy(&copy, jar) == AK_OK);
    require(ak_cookie_jar_write(jar, url, now, &out) == AK_OK);
    require(ak_cookie_jar_write(&copy, url, now, &again) == AK_OK);
    require(ak_str_equal(ak_buf_str(&out), ak_buf_str(&again)));
    for (size_t i = 0; i < out.len; i++) {
        unsigned char c = (unsigned char)out.data[i];
        require((c >= ' ' || c == '\t') && c != 0x7f);
    }
    ak_buf_free(&out);
    ak_buf_free(&again);
    ak_cookie_jar_free(&copy);
}

static void
check_date(struct ak_str text)
{
    int64_t seconds;
    if (ak_cookie_parse_date(text, &seconds)) {
        require(seconds >= -11644473600 && seconds <= 253402300799);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ak_str input = size > 0 ? ak_str_of((const char *)data, size) : AK_STR("");
    struct ak_cookie_jar jar;
    struct ak_url url;
    ak_cookie_jar_init(&jar);
    ak_url_init(&url);
    if (ak_url_parse(&url, AK_STR("https://a.h.org/x/y"), NULL) != AK_OK) {
        abort();
    }
    while (input.len > 0) {
        struct ak_str line = take_line(&input);
        check_date(line);
        if (ak_str_istarts_with(line, AK_STR("http"))) {
            enum ak_status status = ak_url_parse(&url, line, NULL);
            require(status != AK_NO_MEMORY);
            continue;
        }
        require(ak_cookie_jar_take(&jar, line, &url, NOW) == AK_OK);
        check_jar(&jar);
    }
    check_header(&jar, &url, NOW);
    check_header(&jar, &url, INT64_MAX - 1);
    ak_cookie_jar_expire(&jar, NOW + 100);
    check_jar(&jar);
    ak_cookie_jar_free(&jar);
    ak_url_free(&url);
    return 0;
}
