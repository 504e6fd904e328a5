/* What the files of the HTTP/1.1 reader share; nobody else includes it.
 *
 * http1_read.c takes lines and bodies from the input and moves from phase to
 * phase, http1_chunked.c has the phases of the chunked coding, http1_head.c
 * says what the lines of a head mean, http1_fields.c what a field looks like.
 * A line enters reader->head only whole and normalised. */
#ifndef AK_HTTP1_PARTS_H
#define AK_HTTP1_PARTS_H

#include "core/http1.h"

enum phase {
    IN_STATUS_LINE,
    IN_FIELDS,
    IN_LENGTH_BODY,
    IN_EOF_BODY,
    IN_CHUNK_SIZE,
    IN_CHUNK_DATA,
    IN_CHUNK_END, /* the CRLF behind a chunk's data */
    IN_TRAILERS,
    AT_END,
    BROKEN,
    PHASE_COUNT
};

/* A line without its end: either inside the input or in reader->line, so it
 * lives only until the next line is taken. */
struct line {
    struct ak_str text;
    size_t end_len; /* 2 for CRLF, 1 for a bare LF; stands behind text */
};

/* What a step says beside the events: it made progress, the next may follow. */
enum { GO_ON = AK_HTTP1_FAILED + 1 };

/* One call's input and results. */
struct feed {
    struct ak_str input; /* its ptr is never NULL */
    size_t used;
    struct ak_str body;
    struct ak_err *err;
};

/* The functions that return int return GO_ON or an enum ak_http1_event. */

/* The answer is refused with STATUS, ak_fail's result: FAILED. */
int ak_http1_give_up(struct ak_http1_reader *reader, enum ak_status status);

/* Start to count lines, fields and bytes for the caps anew. */
void ak_http1_begin_section(struct ak_http1_reader *reader, enum phase phase);

/* Count LINE against the cap of the head or of the trailers. */
bool ak_http1_is_over_cap(struct ak_http1_reader *reader, struct line line, size_t cap);

/* PIECE, the beginning of a line, into reader->line: NEED_DATA, or FAILED
 * without memory. */
int ak_http1_keep_for_later(struct ak_http1_reader *reader, struct feed *feed, struct ak_str piece);

/* The next line of at most CAP bytes before its LF: GO_ON with *line, else
 * NEED_DATA or FAILED. */
int ak_http1_take_line(struct ak_http1_reader *reader, struct feed *feed, size_t cap,
                       struct line *line);

/* As much of the input as LIMIT allows is body: BODY, or NEED_DATA if none. */
int ak_http1_take_body(struct feed *feed, uint64_t limit);

/* The steps of the chunked coding, one per phase. */
int ak_http1_step_chunk_size(struct ak_http1_reader *reader, struct feed *feed);
int ak_http1_step_chunk_data(struct ak_http1_reader *reader, struct feed *feed);
int ak_http1_step_chunk_end(struct ak_http1_reader *reader, struct feed *feed);
int ak_http1_step_trailers(struct ak_http1_reader *reader, struct feed *feed);

/* RFC 9110, 5.6.2. */
bool ak_http1_is_token(struct ak_str text);

/* The functions below take a line without its end, or a head, and return AK_OK
 * or what they filled ERR with. */

/* "HTTP/1.1 200 OK" (RFC 9112, 4).  Starts reader->head anew. */
AK_MUST_CHECK enum ak_status ak_http1_take_status_line(struct ak_http1_reader *reader,
                                                       struct line line, struct ak_err *err);

/* One line of the fields, possibly a folded one. */
AK_MUST_CHECK enum ak_status ak_http1_take_field_line(struct ak_http1_reader *reader,
                                                      struct line line, struct ak_err *err);

/* The empty line came: judge the last field and the head as a whole, and set
 * all that the reader publishes, unless the head is an interim one. */
AK_MUST_CHECK enum ak_status ak_http1_finish_head(struct ak_http1_reader *reader,
                                                  struct ak_err *err);

/* The syntax of a line that is no folded one (RFC 9112, 5); *name_len is where
 * its colon stands.  FAILURE is the status of the error. */
AK_MUST_CHECK enum ak_status ak_http1_check_field_line(struct ak_http1_reader *reader,
                                                       struct ak_str text, enum ak_status failure,
                                                       size_t *name_len, struct ak_err *err);

/* No NUL, and no CR but in the line's end (RFC 9112, 2.2). */
AK_MUST_CHECK enum ak_status ak_http1_check_line_bytes(const struct ak_http1_reader *reader,
                                                       struct ak_str text, enum ak_status failure,
                                                       struct ak_err *err);

/* Whether a line of the fields goes on with the one before (obs-fold). */
static inline bool
is_folded(struct ak_str text)
{
    return text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t');
}

#endif
