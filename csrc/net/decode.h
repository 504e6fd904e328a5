/* Content-Encoding undone piece by piece, with bounds on memory. */
#ifndef AK_NET_DECODE_H
#define AK_NET_DECODE_H

#include "net/coding.h"

enum { AK_DECODE_MAX_CODINGS = 5 };

struct ak_decoder;

/* A decoder for the joined value of Content-Encoding; *decoder is NULL when
 * there is nothing to undo.  Labels that are no registered coding are passed
 * over.  AK_BAD_CODING for too many codings or one that cannot be undone. */
AK_MUST_CHECK enum ak_status ak_decoder_new(struct ak_decoder **decoder,
                                            struct ak_str content_encoding, struct ak_err *err);
void ak_decoder_free(struct ak_decoder *decoder);

/* Decode from *INPUT (advanced) and append to OUT, until the input is used up
 * and nothing is left inside, or OUT holds WANT bytes.  AK_TOO_LARGE when more
 * comes than OUT may hold, AK_BAD_CODING for broken data. */
AK_MUST_CHECK enum ak_status ak_decoder_feed(struct ak_decoder *decoder, struct ak_str *input,
                                             struct ak_buf *out, size_t want, struct ak_err *err);

/* After the body's last byte: AK_BAD_CODING if a coding is not complete.  An
 * empty body is complete. */
AK_MUST_CHECK enum ak_status ak_decoder_finish(struct ak_decoder *decoder, struct ak_err *err);

#endif
