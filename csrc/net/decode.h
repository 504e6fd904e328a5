/* Content-Encoding undone piece by piece, with bounds on memory. */
#ifndef AK_NET_DECODE_H
#define AK_NET_DECODE_H

#include "net/coding.h"

enum {
    AK_DECODE_MAX_CODINGS = 5,
    AK_DECODE_MAX_WORK = 4 * 1024 * 1024 /* bytes in and out of all codings in one call */
};

struct ak_decoder;

/* A decoder for the joined value of Content-Encoding; *decoder is NULL when
 * there is nothing to undo.  Labels that are no registered coding are passed
 * over.  AK_BAD_CODING for too many codings or one that cannot be undone. */
AK_MUST_CHECK enum ak_status ak_decoder_new(struct ak_decoder **decoder,
                                            struct ak_str content_encoding, struct ak_err *err);
void ak_decoder_free(struct ak_decoder *decoder);

/* Decode from *INPUT (advanced) and append to OUT, until the input is used up
 * and nothing is left inside, or OUT holds WANT bytes, or AK_DECODE_MAX_WORK was
 * done: a few bytes can stand for hours of work that gives nothing.
 * AK_TOO_LARGE when more comes than OUT may hold, AK_BAD_CODING for broken data. */
AK_MUST_CHECK enum ak_status ak_decoder_feed(struct ak_decoder *decoder, struct ak_str *input,
                                             struct ak_buf *out, size_t want, struct ak_err *err);

/* Whether ak_decoder_feed stopped with bytes left inside: it must be called again,
 * also with no input. */
bool ak_decoder_has_more(const struct ak_decoder *decoder);

/* After the body's last byte: AK_BAD_CODING if a coding is not complete.  An
 * empty body is complete. */
AK_MUST_CHECK enum ak_status ak_decoder_finish(struct ak_decoder *decoder, struct ak_err *err);

#endif
