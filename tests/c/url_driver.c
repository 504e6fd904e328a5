/* Reads commands from stdin, one a line, fields in hexadecimal and separated by
 * spaces; answers each with one line.  For tests/test_url_oracles.py.
 *
 *   parse TEXT          ->  ok TEXT HOST HOST_PORT TARGET PORT  |  error STATUS MESSAGE
 *   resolve BASE REF    ->  the same
 *   query URL QUERY     ->  the same
 *   form TEXT           ->  ok CODED
 *   unquote TEXT        ->  ok TEXT
 *   base64 BYTES        ->  ok CODED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/url.h"

enum { FIELDS = 3 };

static struct ak_str
decode_field(char *field)
{
    size_t len = strlen(field) / 2;
    for (size_t i = 0; i < len; i++) {
        int byte = ak_hex_value(field[2 * i]) << 4 | ak_hex_value(field[2 * i + 1]);
        field[i] = (char)byte;
    }
    return ak_str_of(field, len);
}

static void
print_hex(struct ak_str text)
{
    putchar(' ');
    putchar('x');
    for (size_t i = 0; i < text.len; i++) {
        printf("%02x", (unsigned char)text.ptr[i]);
    }
}

static const char *
status_name(enum ak_status status)
{
    switch (status) {
    case AK_MISSING_SCHEMA:
        return "missing-schema";
    case AK_BAD_SCHEMA:
        return "bad-schema";
    case AK_BAD_URL:
        return "bad-url";
    default:
        return "other";
    }
}

static void
print_url(enum ak_status status, const struct ak_url *url, const struct ak_err *err)
{
    if (status != AK_OK) {
        printf("error %s", status_name(status));
        print_hex(ak_str_from(err->message));
        return;
    }
    printf("ok");
    print_hex(ak_buf_str(&url->text));
    print_hex(url->host);
    print_hex(url->host_port);
    print_hex(url->target);
    printf(" %d", url->port);
}

/* The commands that end in a URL. */
static void
run_url(const char *command, struct ak_str first, struct ak_str second)
{
    struct ak_err err = {AK_OK, ""};
    struct ak_url url;
    ak_url_init(&url);
    enum ak_status status = ak_url_parse(&url, first, &err);
    if (status == AK_OK && strcmp(command, "resolve") == 0) {
        status = ak_url_resolve(&url, &url, second, &err);
    } else if (status == AK_OK && strcmp(command, "query") == 0) {
        status = ak_url_add_query(&url, second, &err);
    }
    print_url(status, &url, &err);
    ak_url_free(&url);
}

/* The commands that end in bytes. */
static void
run_coding(const char *command, struct ak_str text)
{
    struct ak_buf out = ak_buf_make(1 << 20);
    enum ak_status status = strcmp(command, "form") == 0      ? ak_url_append_form_coded(&out, text)
                            : strcmp(command, "unquote") == 0 ? ak_url_append_unquoted(&out, text)
                                                              : ak_append_base64(&out, text);
    printf(status == AK_OK ? "ok" : "error");
    print_hex(ak_buf_str(&out));
    ak_buf_free(&out);
}

static void
run_line(char *line)
{
    char *fields[FIELDS] = {"", "", ""};
    size_t count = 0;
    for (char *field = strtok(line, " \n"); field != NULL && count < FIELDS;
         field = strtok(NULL, " \n")) {
        fields[count++] = field;
    }
    struct ak_str first = decode_field(fields[1][0] == 'x' ? fields[1] + 1 : fields[1]);
    struct ak_str second = decode_field(fields[2][0] == 'x' ? fields[2] + 1 : fields[2]);
    static const char *const URL_COMMANDS[] = {"parse", "resolve", "query"};
    for (size_t i = 0; i < sizeof(URL_COMMANDS) / sizeof(URL_COMMANDS[0]); i++) {
        if (strcmp(fields[0], URL_COMMANDS[i]) == 0) {
            run_url(fields[0], first, second);
            putchar('\n');
            return;
        }
    }
    run_coding(fields[0], first);
    putchar('\n');
}

int
main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    size_t len = 0;
    for (int c; (c = getchar()) != EOF;) {
        if (len + 1 >= capacity) {
            capacity = capacity == 0 ? 256 : capacity * 2;
            char *grown = realloc(line, capacity);
            if (grown == NULL) {
                return 1;
            }
            line = grown;
        }
        line[len++] = (char)c;
        if (c == '\n') {
            line[len] = '\0';
            run_line(line);
            fflush(stdout);
            len = 0;
        }
    }
    free(line);
    return 0;
}
