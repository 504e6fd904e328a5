/* The reader of HTTP/1.1 responses: takes lines and body pieces from the input
 * and moves from phase to phase.  A line inside one input is used where it
 * stands; only a line that was split is copied into reader->line. */
#include "core/http1_parts.h"

#include <inttypes.h>

enum {
    FIRST_HEAD_SIZE = 1024, /* reserved at once when the input is as long */
    MAX_EMPTY_LINES = 4     /* tolerated in front of a status line */
};

void
ak_http1_reader_init(struct ak_http1_reader *reader, enum ak_http1_method method)
{
    *reader = (struct ak_http1_reader){.method = method};
    reader->head = ak_buf_make_secret(AK_HTTP1_MAX_HEAD);     /* it may set cookies */
    reader->line = ak_buf_make_secret(AK_HTTP1_MAX_LINE + 1); /* and the LF */
}

void
ak_http1_reader_free(struct ak_http1_reader *reader)
{
    ak_buf_free_secret(&reader->head);
    ak_buf_free_secret(&reader->line);
}

int
ak_http1_give_up(struct ak_http1_reader *reader, enum ak_status status)
{
    reader->phase = BROKEN;
    reader->failure = status;
    return AK_HTTP1_FAILED;
}

static int
refuse_long_line(struct ak_http1_reader *reader, struct feed *feed, size_t cap)
{
    bool in_head = reader->phase == IN_STATUS_LINE || reader->phase == IN_FIELDS;
    return ak_http1_give_up(reader,
                            ak_fail(feed->err, in_head ? AK_CONNECT_FAILED : AK_BAD_CHUNK,
                                    "the server sent a line of more than %zu bytes in its %s", cap,
                                    in_head ? "head" : "chunked body"));
}

int
ak_http1_keep_for_later(struct ak_http1_reader *reader, struct feed *feed, struct ak_str piece)
{
    if (ak_buf_append(&reader->line, piece) != AK_OK) {
        return ak_http1_give_up(reader, ak_fail_no_memory(feed->err));
    }
    return AK_HTTP1_NEED_DATA;
}

int
ak_http1_take_line(struct ak_http1_reader *reader, struct feed *feed, size_t cap, struct line *line)
{
    struct ak_str rest = ak_str_slice(feed->input, feed->used, feed->input.len);
    size_t len = ak_str_find(rest, '\n', 0);
    if (len > cap - reader->line.len) {
        return refuse_long_line(reader, feed, cap);
    }
    struct ak_str text = ak_str_of(rest.ptr, len);
    if (len == rest.len) {
        feed->used = feed->input.len;
        return ak_http1_keep_for_later(reader, feed, text);
    }
    feed->used += len + 1;
    if (reader->line.len > 0) {
        /* The LF goes along: end_len promises it behind the text. */
        text.len++;
        if (ak_http1_keep_for_later(reader, feed, text) == AK_HTTP1_FAILED) {
            return AK_HTTP1_FAILED;
        }
        text = ak_str_of(reader->line.data, reader->line.len - 1);
        ak_buf_clear(&reader->line);
    }
    bool has_cr = text.len > 0 && text.ptr[text.len - 1] == '\r';
    line->text = has_cr ? ak_str_slice(text, 0, text.len - 1) : text;
    line->end_len = has_cr ? 2 : 1;
    reader->section_lines++;
    return GO_ON;
}

bool
ak_http1_is_over_cap(struct ak_http1_reader *reader, struct line line, size_t cap)
{
    reader->section_size += line.text.len + 2;
    return reader->section_size > cap;
}

void
ak_http1_begin_section(struct ak_http1_reader *reader, enum phase phase)
{
    reader->phase = phase;
    reader->section_size = 0;
    reader->section_lines = 0;
    reader->section_fields = 0;
}

/* A beginning that cannot become a status line is refused at once, since such
 * a server may wait for us and never end its line. */
static int
refuse_other_protocol(struct ak_http1_reader *reader, struct feed *feed)
{
    struct ak_str start = ak_buf_str(&reader->line);
    if (start.len < 5 || ak_str_starts_with(start, AK_STR("HTTP/"))) {
        return AK_HTTP1_NEED_DATA;
    }
    struct line line = {start, 0};
    return ak_http1_give_up(reader, ak_http1_take_status_line(reader, line, feed->err));
}

static int
step_status_line(struct ak_http1_reader *reader, struct feed *feed)
{
    size_t left = feed->input.len - feed->used;
    struct line line;
    int event = ak_http1_take_line(reader, feed, AK_HTTP1_MAX_LINE, &line);
    if (event != GO_ON) {
        return event == AK_HTTP1_NEED_DATA ? refuse_other_protocol(reader, feed) : event;
    }
    if (line.text.len == 0 && reader->empty_lines < MAX_EMPTY_LINES) {
        reader->empty_lines++;
        reader->section_lines = 0;
        return GO_ON;
    }
    (void)ak_http1_is_over_cap(reader, line, AK_HTTP1_MAX_HEAD);
    /* Most answers come at once: one allocation for their head. */
    if (ak_buf_reserve(&reader->head, left < FIRST_HEAD_SIZE ? left : FIRST_HEAD_SIZE) != AK_OK) {
        return ak_http1_give_up(reader, ak_fail_no_memory(feed->err));
    }
    enum ak_status status = ak_http1_take_status_line(reader, line, feed->err);
    if (status != AK_OK) {
        return ak_http1_give_up(reader, status);
    }
    reader->phase = IN_FIELDS;
    return GO_ON;
}

/* A 1xx head is complete: the final one follows (RFC 9110, 15.2). */
static int
pass_interim(struct ak_http1_reader *reader, struct feed *feed)
{
    if (reader->line_status == 101) {
        return ak_http1_give_up(reader, ak_fail(feed->err, AK_CONNECT_FAILED,
                                                "the server switched protocols (101) unasked"));
    }
    if (++reader->interim_heads > AK_HTTP1_MAX_INTERIM) {
        return ak_http1_give_up(reader,
                                ak_fail(feed->err, AK_CONNECT_FAILED,
                                        "the server sent more than %d interim (1xx) answers",
                                        AK_HTTP1_MAX_INTERIM));
    }
    ak_buf_clear(&reader->head);
    ak_http1_begin_section(reader, IN_STATUS_LINE);
    return GO_ON;
}

static int
end_head(struct ak_http1_reader *reader, struct feed *feed)
{
    static const enum phase body_phases[] = {
        [AK_HTTP1_NO_BODY] = AT_END,
        [AK_HTTP1_LENGTH] = IN_LENGTH_BODY,
        [AK_HTTP1_CHUNKED] = IN_CHUNK_SIZE,
        [AK_HTTP1_UNTIL_EOF] = IN_EOF_BODY,
    };
    enum ak_status status = ak_http1_finish_head(reader, feed->err);
    if (status != AK_OK) {
        return ak_http1_give_up(reader, status);
    }
    if (reader->line_status < 200) {
        return pass_interim(reader, feed);
    }
    reader->phase = body_phases[reader->framing];
    return AK_HTTP1_HEAD_DONE;
}

static int
step_fields(struct ak_http1_reader *reader, struct feed *feed)
{
    struct line line;
    int event = ak_http1_take_line(reader, feed, AK_HTTP1_MAX_LINE, &line);
    if (event != GO_ON) {
        return event;
    }
    if (ak_http1_is_over_cap(reader, line, AK_HTTP1_MAX_HEAD)) {
        return ak_http1_give_up(reader, ak_fail(feed->err, AK_CONNECT_FAILED,
                                                "the server sent a head of more than %d bytes",
                                                AK_HTTP1_MAX_HEAD));
    }
    if (line.text.len == 0) {
        return end_head(reader, feed);
    }
    enum ak_status status = ak_http1_take_field_line(reader, line, feed->err);
    return status == AK_OK ? GO_ON : ak_http1_give_up(reader, status);
}

int
ak_http1_take_body(struct feed *feed, uint64_t limit)
{
    size_t left = feed->input.len - feed->used;
    if (left == 0) {
        return AK_HTTP1_NEED_DATA;
    }
    size_t len = left < limit ? left : (size_t)limit;
    feed->body = ak_str_of(feed->input.ptr + feed->used, len);
    feed->used += len;
    return AK_HTTP1_BODY;
}

static int
step_length_body(struct ak_http1_reader *reader, struct feed *feed)
{
    if (reader->remaining == 0) {
        reader->phase = AT_END;
        return AK_HTTP1_END;
    }
    int event = ak_http1_take_body(feed, reader->remaining);
    reader->remaining -= feed->body.len;
    return event;
}

static int
step_eof_body(struct ak_http1_reader *reader, struct feed *feed)
{
    (void)reader;
    return ak_http1_take_body(feed, UINT64_MAX);
}

static int
step_end(struct ak_http1_reader *reader, struct feed *feed)
{
    (void)reader;
    (void)feed;
    return AK_HTTP1_END;
}

static int
step_broken(struct ak_http1_reader *reader, struct feed *feed)
{
    ak_fail(feed->err, reader->failure, "the server's answer was refused before");
    return AK_HTTP1_FAILED;
}

static int (*const steps[PHASE_COUNT])(struct ak_http1_reader *, struct feed *) = {
    [IN_STATUS_LINE] = step_status_line,
    [IN_FIELDS] = step_fields,
    [IN_LENGTH_BODY] = step_length_body,
    [IN_EOF_BODY] = step_eof_body,
    [IN_CHUNK_SIZE] = ak_http1_step_chunk_size,
    [IN_CHUNK_DATA] = ak_http1_step_chunk_data,
    [IN_CHUNK_END] = ak_http1_step_chunk_end,
    [IN_TRAILERS] = ak_http1_step_trailers,
    [AT_END] = step_end,
    [BROKEN] = step_broken,
};

enum ak_http1_event
ak_http1_read(struct ak_http1_reader *reader, struct ak_str input, size_t *used,
              struct ak_str *body, struct ak_err *err)
{
    struct feed feed = {.input = input.len > 0 ? input : AK_STR(""), .err = err};
    int event;
    do {
        event = steps[reader->phase](reader, &feed);
    } while (event == GO_ON);
    *used = feed.used;
    *body = feed.body;
    return (enum ak_http1_event)event;
}

static enum ak_status
report_early_end(const struct ak_http1_reader *reader, struct ak_err *err)
{
    if (reader->phase == IN_STATUS_LINE && reader->line.len == 0 && reader->interim_heads == 0) {
        return ak_fail(err, AK_CONNECT_FAILED,
                       "the server closed the connection without an answer");
    }
    if (reader->phase == IN_STATUS_LINE || reader->phase == IN_FIELDS) {
        return ak_fail(err, AK_CONNECT_FAILED,
                       "the server closed the connection inside the head of its answer");
    }
    if (reader->phase == IN_LENGTH_BODY) {
        return ak_fail(err, AK_BAD_CHUNK,
                       "the server closed the connection after %" PRIu64 " of the %" PRIu64
                       " bytes of the body that it promised",
                       reader->content_length - reader->remaining, reader->content_length);
    }
    return ak_fail(err, AK_BAD_CHUNK,
                   "the server closed the connection after %" PRIu64 " bytes of a chunked body, "
                   "with %" PRIu64 " of the current chunk and the last chunk still to come",
                   reader->chunked_bytes, reader->remaining);
}

enum ak_http1_event
ak_http1_read_eof(struct ak_http1_reader *reader, struct ak_err *err)
{
    struct feed feed = {.err = err};
    bool complete = reader->phase == IN_EOF_BODY || reader->phase == AT_END ||
                    (reader->phase == IN_LENGTH_BODY && reader->remaining == 0);
    if (complete) {
        reader->phase = AT_END;
        return AK_HTTP1_END;
    }
    if (reader->phase == BROKEN) {
        return (enum ak_http1_event)step_broken(reader, &feed);
    }
    return (enum ak_http1_event)ak_http1_give_up(reader, report_early_end(reader, err));
}

void
ak_http1_skip_body(struct ak_http1_reader *reader, size_t count)
{
    reader->remaining -= count;
}
