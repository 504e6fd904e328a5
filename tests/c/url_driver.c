/* What the URL functions make of a line, for tests/test_url_oracles.py.
 *
 *   parse TEXT | resolve BASE REFERENCE | query URL QUERY
 *       -> ok TEXT HOST HOST_PORT TARGET, or error STATUS MESSAGE
 *   form TEXT | unquote TEXT | base64 BYTES
 *       -> ok BYTES
 */
#include "core/url.h"
#include "hex_lines.h"

static const char *
status_name(enum ak_status status)
{
    return status == AK_MISSING_SCHEMA ? "missing-schema"
           : status == AK_BAD_SCHEMA   ? "bad-schema"
           : status == AK_BAD_URL      ? "bad-url"
                                       : "other";
}

static void
answer_url(const struct hex_request *request)
{
    struct ak_err err = {AK_OK, ""};
    struct ak_url url;
    ak_url_init(&url);
    enum ak_status status = ak_url_parse(&url, request->fields[0], &err);
    if (status == AK_OK && strcmp(request->command, "resolve") == 0) {
        status = ak_url_resolve(&url, &url, request->fields[1], &err);
    } else if (status == AK_OK && strcmp(request->command, "query") == 0) {
        status = ak_url_add_query(&url, request->fields[1], &err);
    }
    if (status == AK_OK) {
        printf("ok");
        hex_print(ak_buf_str(&url.text));
        hex_print(url.host);
        hex_print(url.host_port);
        hex_print(url.target);
    } else {
        printf("error %s", status_name(status));
        hex_print(ak_str_from(err.message));
    }
    ak_url_free(&url);
}

static void
answer(const struct hex_request *request)
{
    static const struct {
        const char *command;
        enum ak_status (*append)(struct ak_buf *out, struct ak_str text);
    } CODINGS[] = {
        {"form", ak_url_append_form_coded},
        {"unquote", ak_url_append_unquoted},
        {"base64", ak_append_base64},
    };
    for (size_t i = 0; i < sizeof(CODINGS) / sizeof(CODINGS[0]); i++) {
        if (strcmp(request->command, CODINGS[i].command) == 0) {
            struct ak_buf out = ak_buf_make(1 << 22);
            printf(CODINGS[i].append(&out, request->fields[0]) == AK_OK ? "ok" : "error");
            hex_print(ak_buf_str(&out));
            ak_buf_free(&out);
            return;
        }
    }
    answer_url(request);
}

int
main(void)
{
    return hex_answer_all(answer);
}
