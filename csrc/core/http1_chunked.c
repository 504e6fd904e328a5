/* The chunked coding and its trailers (RFC 9112, 7.1).  All that is wrong here
 * is AK_BAD_CHUNK: the head was handed out already. */
#include "core/http1_parts.h"

#include <inttypes.h>

/* chunk-size [ BWS chunk-ext ] (RFC 9112, 7.1).  NULL and *size, or what is
 * wrong.  Only fields may end in a bare LF (RFC 9112, 2.2). */
static const char *
parse_chunk_line(struct line line, uint64_t *size)
{
    size_t digits = 0;
    *size = 0;
    while (digits < line.text.len && ak_hex_value(line.text.ptr[digits]) >= 0) {
        if (*size > INT64_MAX >> 4 || digits == 16) {
            return "is larger than any body can be";
        }
        *size = *size << 4 | (uint64_t)ak_hex_value(line.text.ptr[digits]);
        digits++;
    }
    if (digits == 0) {
        return "is no hexadecimal number";
    }
    struct ak_str rest = ak_str_trim(ak_str_slice(line.text, digits, line.text.len));
    if (rest.len > 0 && rest.ptr[0] != ';') {
        return "has other bytes behind its digits";
    }
    if (line.end_len != 2 || ak_str_has_line_break(rest)) {
        return "does not end in CRLF";
    }
    return NULL;
}

int
ak_http1_step_chunk_size(struct ak_http1_reader *reader, struct feed *feed)
{
    struct line line;
    int event = ak_http1_take_line(reader, feed, AK_HTTP1_MAX_CHUNK_LINE, &line);
    if (event != GO_ON) {
        return event;
    }
    uint64_t size;
    const char *fault = parse_chunk_line(line, &size);
    if (fault != NULL) {
        return ak_http1_give_up(reader, ak_fail(feed->err, AK_BAD_CHUNK,
                                                "after %" PRIu64
                                                " bytes of the chunked body the server sent "
                                                "a chunk size that %s",
                                                reader->chunked_bytes, fault));
    }
    if (size == 0) {
        ak_http1_begin_section(reader, IN_TRAILERS);
        return GO_ON;
    }
    reader->remaining = size;
    reader->phase = IN_CHUNK_DATA;
    return GO_ON;
}

int
ak_http1_step_chunk_data(struct ak_http1_reader *reader, struct feed *feed)
{
    int event = ak_http1_take_body(feed, reader->remaining);
    reader->remaining -= feed->body.len;
    reader->chunked_bytes += feed->body.len;
    if (reader->remaining == 0) {
        reader->phase = IN_CHUNK_END;
    }
    return event;
}

int
ak_http1_step_chunk_end(struct ak_http1_reader *reader, struct feed *feed)
{
    struct ak_str rest = ak_str_slice(feed->input, feed->used, feed->input.len);
    size_t had = reader->line.len; /* 1 when the CR came at an input's end */
    if (rest.len == 0) {
        return AK_HTTP1_NEED_DATA;
    }
    size_t len = rest.len < 2 - had ? rest.len : 2 - had;
    if (memcmp(rest.ptr, &"\r\n"[had], len) != 0) {
        return ak_http1_give_up(reader,
                                ak_fail(feed->err, AK_BAD_CHUNK,
                                        "after %" PRIu64 " bytes of the chunked body the server "
                                        "sent a chunk that does not end where its size says",
                                        reader->chunked_bytes));
    }
    feed->used += len;
    if (had + len < 2) {
        return ak_http1_keep_for_later(reader, feed, ak_str_of(rest.ptr, len));
    }
    ak_buf_clear(&reader->line);
    reader->phase = IN_CHUNK_SIZE;
    return GO_ON;
}

static enum ak_status
check_trailer(struct ak_http1_reader *reader, struct ak_str text, struct ak_err *err)
{
    if (!is_folded(text)) {
        size_t name_len;
        return ak_http1_check_field_line(reader, text, AK_BAD_CHUNK, &name_len, err);
    }
    if (reader->section_fields == 0) {
        return ak_fail(err, AK_BAD_CHUNK, "the server's trailers begin with a folded line");
    }
    return ak_http1_check_line_bytes(reader, text, AK_BAD_CHUNK, err);
}

/* Trailers are checked and dropped: nothing in them may change the head, which
 * was handed out (RFC 9110, 6.5.1). */
int
ak_http1_step_trailers(struct ak_http1_reader *reader, struct feed *feed)
{
    struct line line;
    int event = ak_http1_take_line(reader, feed, AK_HTTP1_MAX_TRAILERS, &line);
    if (event != GO_ON) {
        return event;
    }
    if (line.text.len == 0) {
        reader->phase = AT_END;
        return AK_HTTP1_END;
    }
    if (ak_http1_is_over_cap(reader, line, AK_HTTP1_MAX_TRAILERS)) {
        return ak_http1_give_up(reader, ak_fail(feed->err, AK_BAD_CHUNK,
                                                "the server sent trailers of more than %d bytes",
                                                AK_HTTP1_MAX_TRAILERS));
    }
    enum ak_status status = check_trailer(reader, line.text, feed->err);
    return status == AK_OK ? GO_ON : ak_http1_give_up(reader, status);
}
