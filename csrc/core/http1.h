/* HTTP/1.1 without I/O (RFC 9112): a strict reader of responses that is fed
 * bytes, and the checks and pieces from which a request's head is written.
 *
 * The reader never says that an answer is whole unless the answer's own
 * framing says so, and refuses what RFC 9112 calls an error.  The same bytes
 * give the same events however they are split. */
#ifndef AK_HTTP1_H
#define AK_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

/* The caps on what a peer may send; over them it is an error of the peer, never
 * of memory. */
enum {
    AK_HTTP1_MAX_HEAD = 256 * 1024, /* status line and fields together */
    AK_HTTP1_MAX_LINE = 100 * 1024, /* one line of the head */
    AK_HTTP1_MAX_FIELDS = 1000,     /* fields in a head or in the trailers */
    AK_HTTP1_MAX_INTERIM = 32,      /* 1xx answers before the final one */
    AK_HTTP1_MAX_CHUNK_LINE = 4096, /* a chunk's size line with extensions */
    AK_HTTP1_MAX_TRAILERS = 32 * 1024
};

enum ak_http1_method {
    AK_HTTP1_OTHER, /* the answer may have a body */
    AK_HTTP1_HEAD   /* the answer has none, whatever its fields say */
};

enum ak_http1_framing {
    AK_HTTP1_NO_BODY,  /* HEAD, 204, 304 */
    AK_HTTP1_LENGTH,   /* Content-Length */
    AK_HTTP1_CHUNKED,  /* Transfer-Encoding: chunked */
    AK_HTTP1_UNTIL_EOF /* neither: the end of the connection ends it */
};

enum ak_http1_event {
    AK_HTTP1_NEED_DATA, /* all of the input is used; feed more */
    AK_HTTP1_HEAD_DONE, /* the final answer's head is complete */
    AK_HTTP1_BODY,      /* *body is a piece of the body, inside the input */
    AK_HTTP1_END,       /* the answer is complete */
    AK_HTTP1_FAILED     /* *err says why; the connection must be dropped */
};

struct ak_http1_reader {
    /* The final answer's head as it came, from the first byte of its status
     * line to the last CRLF of its fields, the empty line left out.  Folded
     * lines (obs-fold) are joined by one space, bare LF line ends are as CRLF. */
    struct ak_buf head;
    int status;           /* 200 to 999; 0 before HEAD_DONE */
    int minor_version;    /* 0 or 1 */
    struct ak_str reason; /* inside head, verbatim; may be empty */
    enum ak_http1_framing framing;
    uint64_t content_length; /* valid for AK_HTTP1_LENGTH */
    uint64_t remaining;      /* body bytes still to come of this length or chunk */
    bool keep_alive;         /* the connection may carry another request after END */
    bool has_coding;         /* head has a Content-Encoding, */
    bool sets_cookies;       /* a Set-Cookie: else nobody need look for them */

    /* Private: what the reader knows between two inputs (http1_parts.h). */
    struct ak_buf line; /* the beginning of a line that was split */
    enum ak_http1_method method;
    enum ak_status failure; /* why the answer was refused; AK_OK until then */
    int phase;              /* enum phase of http1_parts.h */
    int line_status;        /* of the head being read, interim ones too */
    unsigned interim_heads;
    unsigned empty_lines; /* in front of the status line */
    size_t section_size;  /* bytes of this head or of the trailers so far */
    size_t section_lines; /* their lines; the first of a head is its status line */
    size_t section_fields;
    size_t field_start;     /* the last field in head, not judged yet: */
    size_t field_name_len;  /* it may go on in a folded line; 0 if none */
    unsigned field_flags;   /* which framing fields this head has */
    uint64_t chunked_bytes; /* body bytes of finished and current chunks */
};

/* A reader for one answer.  Owns memory: pair with ak_http1_reader_free. */
void ak_http1_reader_init(struct ak_http1_reader *reader, enum ak_http1_method method);
void ak_http1_reader_free(struct ak_http1_reader *reader);

/* Take bytes from INPUT.  *used is how many were taken, also with FAILED and
 * END (the rest is beyond this answer).  After HEAD_DONE or BODY call again
 * with the rest, also when nothing is left of it: an answer without a body, or
 * whose last byte came, gives its END then.  END and FAILED repeat.  *body is
 * empty unless the event is BODY. */
AK_MUST_CHECK enum ak_http1_event ak_http1_read(struct ak_http1_reader *reader, struct ak_str input,
                                                size_t *used, struct ak_str *body,
                                                struct ak_err *err);

/* The connection ended: END if the framing allows it here, FAILED otherwise.
 * In the head: AK_CONNECT_FAILED; in the body: AK_BAD_CHUNK.
 * Statuses of FAILED, here and above: AK_CONNECT_FAILED for a head that must be
 * refused, its framing fields included; AK_BAD_CHUNK for what follows the head;
 * AK_NO_MEMORY. */
AK_MUST_CHECK enum ak_http1_event ak_http1_read_eof(struct ak_http1_reader *reader,
                                                    struct ak_err *err);

/* COUNT body bytes of an answer with AK_HTTP1_LENGTH went elsewhere (straight
 * into their final memory); COUNT is at most reader->remaining. */
void ak_http1_skip_body(struct ak_http1_reader *reader, size_t count);

/* The next field of HEAD, which is as in ak_http1_reader.head: its first line,
 * the status line, is passed over.  *offset starts at 0.  False at the end.
 * NAME and VALUE point into HEAD; VALUE is trimmed. */
bool ak_http1_next_field(struct ak_str head, size_t *offset, struct ak_str *name,
                         struct ak_str *value);

/* The first field of that name, without regard to case; VALUE is empty if there
 * is none. */
bool ak_http1_find_field(struct ak_str head, struct ak_str name, struct ak_str *value);

/* Checks of what a caller wants to send: method and name are RFC 9110 tokens,
 * a value has no CR, LF or NUL and no space or tab in front.
 * AK_BAD_VALUE for a method, AK_BAD_HEADER for the others; the message names
 * the header but never quotes a value. */
AK_MUST_CHECK enum ak_status ak_http1_check_method(struct ak_str method, struct ak_err *err);
AK_MUST_CHECK enum ak_status ak_http1_check_field(struct ak_str name, struct ak_str value,
                                                  struct ak_err *err);

/* "NAME: VALUE\r\n"; the field must have been checked. */
AK_MUST_CHECK enum ak_status ak_http1_append_field(struct ak_buf *head, struct ak_str name,
                                                   struct ak_str value);

/* One chunk's size line for a chunk of SIZE bytes ("1f\r\n"). */
AK_MUST_CHECK enum ak_status ak_http1_append_chunk_size(struct ak_buf *out, size_t size);

/* The standard phrase of a status code (RFC 9110 and the IANA registry), as
 * http.HTTPStatus has it since Python 3.13; NULL for a code without one. */
const char *ak_http1_phrase(int status);

#endif
