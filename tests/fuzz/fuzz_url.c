/* URLs: "TEXT 0xFF REFERENCE 0xFF QUERY".  Whatever is accepted must be fit for
 * a request line, and must stay as it is when it is parsed again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/redirect.h"

static void
require(int condition)
{
    if (!condition) {
        abort();
    }
}

static struct ak_str
take_field(struct ak_str *input)
{
    size_t end = ak_str_find(*input, '\xff', 0);
    struct ak_str field = ak_str_slice(*input, 0, end);
    *input = ak_str_slice(*input, end + (end < input->len), input->len);
    return field;
}

static void
check_slice(const struct ak_url *url, struct ak_str slice)
{
    require(slice.len == 0 ||
            (slice.ptr >= url->text.data && slice.ptr + slice.len <= url->text.data + url->stored));
}

static void
check_url(const struct ak_url *url)
{
    struct ak_str text = ak_buf_str(&url->text);
    for (size_t i = 0; i < text.len; i++) {
        require(text.ptr[i] > ' ' && text.ptr[i] <= '~');
    }
    require(url->stored >= text.len && url->stored <= url->text.capacity);
    require(url->target.len > 0 && url->target.ptr[0] == '/' && url->host.len > 0);
    require(url->port > 0 && url->port <= 65535);
    require(ak_str_find(url->target, '#', 0) == url->target.len);
    require(ak_str_find(url->host_port, '@', 0) == url->host_port.len);
    require(ak_str_find(url->host_port, '%', 0) == url->host_port.len);
    check_slice(url, url->userinfo);
    check_slice(url, url->host);
    check_slice(url, url->host_port);
    check_slice(url, url->target);
    check_slice(url, url->path);
    check_slice(url, url->query);
    check_slice(url, url->fragment);
}

/* Another parse changes nothing, and finds the same host. */
static void
check_stable(const struct ak_url *url)
{
    struct ak_url again;
    size_t start, end;
    ak_url_init(&again);
    require(ak_url_parse(&again, ak_buf_str(&url->text), NULL) == AK_OK);
    require(ak_str_equal(ak_buf_str(&again.text), ak_buf_str(&url->text)));
    require(ak_str_equal(again.host_port, url->host_port));
    require(ak_url_same_origin(&again, url));
    require(ak_url_find_host(ak_buf_str(&url->text), &start, &end));
    require(ak_str_equal(ak_str_slice(ak_buf_str(&url->text), start, end), url->host));
    ak_url_free(&again);
}

static void
check_message(enum ak_status status, const struct ak_err *err)
{
    require(status == err->status);
    require(memchr(err->message, '\0', sizeof(err->message)) != NULL);
    for (const char *c = err->message; *c != '\0'; c++) {
        require(*c >= ' ' && *c <= '~');
    }
}

static void
check_redirect(const struct ak_url *base, struct ak_str location)
{
    struct ak_redirect next;
    struct ak_err err = {AK_OK, ""};
    enum ak_status status = ak_redirect_next(&next, base, AK_STR("POST"), 307, location, &err);
    if (status == AK_OK) {
        check_url(&next.url);
        check_stable(&next.url);
        require(!base->has_fragment || next.url.has_fragment);
        require(next.other_origin == !ak_url_same_origin(base, &next.url));
    } else {
        check_message(status, &err);
    }
    ak_url_free(&next.url);
}

static void
check_masked(const struct ak_url *url)
{
    struct ak_buf out = ak_buf_make(2 * AK_URL_MAX_SIZE);
    require(ak_url_append_masked(&out, url) == AK_OK);
    require(ak_str_find(ak_buf_str(&out), '#', 0) == out.len);
    ak_buf_free(&out);
}

static void
check_codings(struct ak_str text)
{
    struct ak_buf coded = ak_buf_make(1 << 22), back = ak_buf_make(1 << 22);
    require(ak_url_append_form_coded(&coded, text) == AK_OK);
    for (size_t i = 0; i < coded.len; i++) {
        coded.data[i] = coded.data[i] == '+' ? ' ' : coded.data[i];
    }
    require(ak_url_append_unquoted(&back, ak_buf_str(&coded)) == AK_OK);
    require(ak_str_equal(ak_buf_str(&back), text));
    ak_buf_clear(&coded);
    require(ak_append_base64(&coded, text) == AK_OK);
    require(coded.len == (text.len + 2) / 3 * 4);
    ak_buf_free(&coded);
    ak_buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ak_str input = size > 0 ? ak_str_of((const char *)data, size) : AK_STR("");
    struct ak_str text = take_field(&input);
    struct ak_str reference = take_field(&input);
    size_t start, end;
    if (ak_url_find_host(text, &start, &end)) {
        require(start < end && end <= text.len);
    }
    check_codings(text);
    struct ak_url url;
    struct ak_err err = {AK_OK, ""};
    ak_url_init(&url);
    enum ak_status status = ak_url_parse(&url, text, &err);
    if (status != AK_OK) {
        check_message(status, &err);
        return 0;
    }
    require(!ak_str_has_line_break(text));
    check_url(&url);
    check_stable(&url);
    check_masked(&url);
    check_redirect(&url, reference);
    if (ak_url_add_query(&url, input, &err) == AK_OK) {
        check_url(&url);
        check_stable(&url);
    }
    ak_url_free(&url);
    return 0;
}
