/* Any bytes as an answer: no crash, the same result however they are cut, and
 * what the reader publishes keeps its own promises.
 *
 * The first byte of an input chooses: its lowest bit is HEAD, the others seed
 * the cuts.  The rest is the answer. */
#include <stdint.h>

#include "http1_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_CUTS = 64 };

static void
demand(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "broken promise: %s\n", what);
        abort();
    }
}

/* Rising cuts of a message of LEN bytes, from a linear congruence. */
static size_t
choose_cuts(uint32_t seed, size_t len, size_t cuts[static MAX_CUTS])
{
    size_t count = 0;
    size_t at = 0;
    while (count < MAX_CUTS) {
        seed = seed * 1664525u + 1013904223u;
        at += seed >> 16 & (len > 256 ? 63 : 15);
        if (at >= len) {
            break;
        }
        cuts[count++] = at;
    }
    return count;
}

static void
check_same_when_cut(const struct record *whole, struct ak_str message, enum ak_http1_method method,
                    const size_t *cuts, size_t count, enum record_body mode)
{
    struct record cut = record_answer(message, method, cuts, count, mode);
    const char *difference = find_difference(whole, &cut);
    demand(difference == NULL, difference);
    free_record(&cut);
}

/* What is in a head can be walked, and could be sent as it is. */
static void
check_head(struct ak_str head)
{
    demand(head.len > 2 && head.ptr[head.len - 2] == '\r' && head.ptr[head.len - 1] == '\n',
           "a head ends in CRLF");
    demand(memchr(head.ptr, '\0', head.len) == NULL, "a head has no NUL");
    size_t offset = 0;
    struct ak_str name;
    struct ak_str value;
    struct ak_str found;
    struct ak_buf line = ak_buf_make(AK_HTTP1_MAX_HEAD);
    while (ak_http1_next_field(head, &offset, &name, &value)) {
        demand(ak_http1_check_field(name, value, NULL) == AK_OK, "a field that came can be sent");
        demand(ak_http1_find_field(head, name, &found), "a field that came is found");
        ak_buf_clear(&line);
        demand(ak_http1_append_field(&line, name, value) == AK_OK &&
                   line.len == name.len + value.len + 4,
               "a field is written whole");
    }
    demand(offset == head.len, "the walk ends at the head's end");
    ak_buf_free(&line);
}

static void
check_record(const struct record *record, struct ak_str message)
{
    demand(record->last == AK_HTTP1_END || record->last == AK_HTTP1_FAILED, "it ends or fails");
    demand(record->used <= message.len, "no more is used than came");
    if (record->last == AK_HTTP1_FAILED) {
        demand(record->err.status == (record->heads > 0 ? AK_BAD_CHUNK : AK_CONNECT_FAILED),
               "the status of a failure says where it was");
        demand(record->err.message[0] != '\0', "a failure has a message");
    }
    if (record->heads == 0) {
        demand(record->last == AK_HTTP1_FAILED, "no answer without a head");
        return;
    }
    demand(record->heads == 1, "one head");
    demand(record->status >= 200 && record->status <= 999, "a final status");
    demand(!record->keep_alive || record->framing != AK_HTTP1_UNTIL_EOF,
           "a body that the connection's end ends leaves no connection");
    demand(record->framing != AK_HTTP1_NO_BODY || record->body.len == 0, "no body is no body");
    demand(record->framing != AK_HTTP1_LENGTH || record->last != AK_HTTP1_END ||
               record->body.len == record->content_length,
           "a body has its length");
    check_head(record->head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    enum ak_http1_method method = data[0] & 1 ? AK_HTTP1_HEAD : AK_HTTP1_OTHER;
    struct ak_str message = ak_str_of((const char *)data + 1, size - 1);
    struct record whole = record_answer(message, method, NULL, 0, READ_BODY);
    check_record(&whole, message);

    size_t chosen[MAX_CUTS];
    size_t count = choose_cuts(data[0], message.len, chosen);
    check_same_when_cut(&whole, message, method, chosen, count, READ_BODY);
    check_same_when_cut(&whole, message, method, chosen, count, SKIP_BODY);
    size_t *everywhere = cut_everywhere(message.len);
    check_same_when_cut(&whole, message, method, everywhere, message.len, READ_BODY);
    free(everywhere);
    free_record(&whole);
    return 0;
}
