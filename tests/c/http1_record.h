/* One answer read from bytes that come in pieces, and all that the reader said
 * of it, so that two ways of splitting can be compared.  Shared by the test, the
 * fuzzer and the driver of the oracles. */
#ifndef HTTP1_RECORD_H
#define HTTP1_RECORD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http1.h"

struct record {
    enum ak_http1_event last; /* END or FAILED */
    struct ak_err err;
    int heads; /* HEAD_DONE events */
    int status;
    int minor_version;
    enum ak_http1_framing framing;
    int keep_alive;
    unsigned long long content_length;
    struct ak_str head;   /* owned */
    struct ak_str reason; /* in head */
    struct ak_str body;   /* owned */
    size_t used;          /* bytes of the message that the reader took */
};

/* What of a body goes around the reader. */
enum record_body { READ_BODY, SKIP_BODY };

static inline void
free_record(struct record *record)
{
    free((char *)record->head.ptr);
    free((char *)record->body.ptr);
}

static inline char *
copy_bytes(struct ak_str bytes)
{
    char *copy = malloc(bytes.len + 1);
    if (copy == NULL) {
        abort();
    }
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return copy;
}

static inline void
record_head(struct record *record, const struct ak_http1_reader *reader)
{
    record->heads++;
    record->status = reader->status;
    record->minor_version = reader->minor_version;
    record->framing = reader->framing;
    record->keep_alive = reader->keep_alive;
    record->content_length = reader->content_length;
    record->head = ak_str_of(copy_bytes(ak_buf_str(&reader->head)), reader->head.len);
    record->reason =
        ak_str_of(record->head.ptr + (reader->reason.ptr - reader->head.data), reader->reason.len);
}

static inline void
record_body(struct record *record, struct ak_str piece)
{
    memcpy((char *)record->body.ptr + record->body.len, piece.ptr, piece.len);
    record->body.len += piece.len;
}

/* As a caller does that reads a long body straight into its final memory. */
static inline struct ak_str
skip_body(struct record *record, struct ak_http1_reader *reader, struct ak_str piece)
{
    size_t count = piece.len < reader->remaining ? piece.len : (size_t)reader->remaining;
    record_body(record, ak_str_of(piece.ptr, count));
    record->used += count;
    ak_http1_skip_body(reader, count);
    return ak_str_of(piece.ptr + count, piece.len - count);
}

/* Feed PIECE until the reader is done with it: false at END and FAILED. */
static inline int
record_piece(struct record *record, struct ak_http1_reader *reader, struct ak_str piece,
             enum record_body mode)
{
    for (;;) {
        size_t used;
        struct ak_str body;
        if (mode == SKIP_BODY && record->heads > 0 && reader->framing == AK_HTTP1_LENGTH) {
            piece = skip_body(record, reader, piece);
        }
        record->last = ak_http1_read(reader, piece, &used, &body, &record->err);
        record->used += used;
        piece = ak_str_of(piece.ptr + used, piece.len - used);
        if (record->last == AK_HTTP1_HEAD_DONE) {
            record_head(record, reader);
        } else if (record->last == AK_HTTP1_BODY) {
            record_body(record, body);
        } else {
            return record->last == AK_HTTP1_NEED_DATA;
        }
    }
}

/* Read MESSAGE, cut behind each of the COUNT rising offsets CUTS and followed
 * by the end of the connection.  Each piece is a block of its own, so that a
 * sanitizer sees a read beyond it. */
static inline struct record
record_answer(struct ak_str message, enum ak_http1_method method, const size_t *cuts, size_t count,
              enum record_body mode)
{
    struct ak_http1_reader reader;
    struct record record = {.last = AK_HTTP1_NEED_DATA};
    record.body = ak_str_of(copy_bytes(message), 0);
    ak_http1_reader_init(&reader, method);
    int go_on = 1;
    size_t start = 0;
    for (size_t i = 0; i <= count && go_on; i++) {
        size_t end = i < count ? cuts[i] : message.len;
        char *piece = copy_bytes(ak_str_slice(message, start, end));
        go_on = record_piece(&record, &reader, ak_str_of(piece, end - start), mode);
        free(piece);
        start = end;
    }
    if (go_on) {
        record.last = ak_http1_read_eof(&reader, &record.err);
    }
    ak_http1_reader_free(&reader);
    return record;
}

/* Cuts behind every byte of a message of LEN bytes, LEN > 0; the caller frees. */
static inline size_t *
cut_everywhere(size_t len)
{
    size_t *cuts = malloc(len * sizeof(*cuts));
    if (cuts == NULL) {
        abort();
    }
    for (size_t i = 0; i < len; i++) {
        cuts[i] = i + 1;
    }
    return cuts;
}

/* The first thing in which A and B differ; NULL if nothing.  Only a message
 * that quotes the beginning of the answer may depend on how much was there. */
static inline const char *
find_difference(const struct record *a, const struct record *b)
{
    if (a->last != b->last || a->err.status != b->err.status) {
        return "the end";
    }
    if (a->heads != b->heads || a->status != b->status || a->minor_version != b->minor_version ||
        !ak_str_equal(a->head, b->head) || !ak_str_equal(a->reason, b->reason)) {
        return "the head";
    }
    if (a->framing != b->framing || a->keep_alive != b->keep_alive ||
        a->content_length != b->content_length) {
        return "the framing";
    }
    if (!ak_str_equal(a->body, b->body)) {
        return "the body";
    }
    if (a->last == AK_HTTP1_END) {
        return a->used == b->used ? NULL : "the length";
    }
    int quotes = strstr(a->err.message, "begins with") || strstr(b->err.message, "begins with");
    return quotes || strcmp(a->err.message, b->err.message) == 0 ? NULL : "the message";
}

#endif
