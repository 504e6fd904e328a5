/* Reads answers from stdin (http1_batch.h), has the HTTP/1.1 reader read each
 * in the pieces that the case wants, and prints a line of JSON for each. */
#include "http1_batch.h"
#include "http1_record.h"

static void
print_fields(struct ak_str head)
{
    size_t offset = 0;
    struct ak_str name;
    struct ak_str value;
    const char *comma = "";
    printf(", \"fields\": [");
    while (ak_http1_next_field(head, &offset, &name, &value)) {
        printf("%s{", comma);
        print_bytes("name", name);
        printf(", ");
        print_bytes("value", value);
        putchar('}');
        comma = ", ";
    }
    putchar(']');
}

static const char *
name_failure(enum ak_status status)
{
    switch (status) {
    case AK_OK:
        return "none";
    case AK_CONNECT_FAILED:
        return "head";
    case AK_BAD_CHUNK:
        return "body";
    default:
        return "other";
    }
}

static void
print_record(const struct record *record)
{
    static const char *const framings[] = {"none", "length", "chunked", "eof"};
    printf("{\"ok\": %s", record->last == AK_HTTP1_END ? "true" : "false");
    printf(", \"in_body\": %s", record->heads > 0 ? "true" : "false");
    printf(", \"failure\": \"%s\", ", name_failure(record->err.status));
    print_bytes("message", ak_str_from(record->err.message));
    if (record->heads > 0) {
        printf(", \"status\": %d, \"minor\": %d", record->status, record->minor_version);
        printf(", \"framing\": \"%s\"", framings[record->framing]);
        printf(", \"keep_alive\": %s, ", record->keep_alive ? "true" : "false");
        print_bytes("reason", record->reason);
        print_fields(record->head);
    }
    printf(", \"used\": %zu, ", record->used);
    print_bytes("body", record->body);
    puts("}");
    fflush(stdout);
}

int
main(void)
{
    struct batch_case item;
    while (read_case(&item)) {
        enum ak_http1_method method = item.is_head ? AK_HTTP1_HEAD : AK_HTTP1_OTHER;
        struct record record =
            record_answer(item.message, method, item.cuts, item.cut_count, READ_BODY);
        print_record(&record);
        free_record(&record);
        free_case(&item);
    }
    return 0;
}
