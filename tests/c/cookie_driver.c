/* One cookie jar, for tests/test_cookie_oracles.py.
 *
 *   new NOW               -> ok (the jar is empty, the time is NOW)
 *   take URL SET_COOKIE   -> ok
 *   send URL              -> ok COOKIE_HEADER
 *   date TEXT             -> ok SECONDS, or none
 */
#include <inttypes.h>

#include "core/cookie.h"
#include "hex_lines.h"

static struct ak_cookie_jar jar;
static int64_t now;

static void
answer_for_url(const struct hex_request *request)
{
    struct ak_buf header = ak_buf_make(1 << 22);
    struct ak_url url;
    ak_url_init(&url);
    enum ak_status status = ak_url_parse(&url, request->fields[0], NULL);
    if (status == AK_OK && strcmp(request->command, "take") == 0) {
        status = ak_cookie_jar_take(&jar, request->fields[1], &url, now);
    } else if (status == AK_OK) {
        status = ak_cookie_jar_write(&jar, &url, now, &header);
    }
    printf(status == AK_OK ? "ok" : "error");
    hex_print(ak_buf_str(&header));
    ak_buf_free(&header);
    ak_url_free(&url);
}

static void
answer_date(struct ak_str text)
{
    int64_t seconds;
    if (ak_cookie_parse_date(text, &seconds)) {
        char digits[32];
        snprintf(digits, sizeof(digits), "%" PRId64, seconds);
        printf("ok");
        hex_print(ak_str_from(digits));
    } else {
        printf("none");
    }
}

static void
start_anew(struct ak_str time)
{
    now = 0;
    for (size_t i = 0; i < time.len; i++) {
        now = now * 10 + (time.ptr[i] - '0');
    }
    ak_cookie_jar_free(&jar);
    printf("ok");
}

static void
answer(const struct hex_request *request)
{
    if (strcmp(request->command, "new") == 0) {
        start_anew(request->fields[0]);
    } else if (strcmp(request->command, "date") == 0) {
        answer_date(request->fields[0]);
    } else {
        answer_for_url(request);
    }
}

int
main(void)
{
    ak_cookie_jar_init(&jar);
    int status = hex_answer_all(answer);
    ak_cookie_jar_free(&jar);
    return status;
}
