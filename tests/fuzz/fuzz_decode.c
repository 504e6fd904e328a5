/* Content-Encoding: the first byte picks the codings, the second the pieces, the
 * rest is the body.  Pieces of input and of output change nothing: it decodes to
 * the same, or it fails. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/decode.h"

enum { CAP = 128 * 1024 };

static const char *const codings[] = {
    "gzip", "deflate", "br", "zstd", "deflate, gzip", "gzip, br", "zstd, zstd, gzip", "br, deflate",
};

static void
require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* Feed one piece, whose memory ends where it ends, taking WANT bytes at once. */
static enum ak_status
feed_piece(struct ak_decoder *decoder, struct ak_str piece, size_t want, struct ak_buf *out)
{
    char *copy = malloc(piece.len);
    require(copy != NULL);
    memcpy(copy, piece.ptr, piece.len);
    struct ak_str left = ak_str_of(copy, piece.len);
    enum ak_status status;
    size_t stop;
    do {
        size_t room = SIZE_MAX - out->len;
        stop = out->len + (want < room ? want : room);
        status = ak_decoder_feed(decoder, &left, out, stop, NULL);
        require(out->len <= stop && out->len <= CAP && out->capacity <= CAP);
    } while (status == AK_OK && ak_decoder_has_more(decoder));
    require(status != AK_OK || left.len == 0);
    free(copy);
    return status;
}

static enum ak_status
decode(const char *coding, struct ak_str body, size_t size, size_t want, struct ak_buf *out)
{
    struct ak_decoder *decoder;
    *out = ak_buf_make(CAP);
    require(ak_decoder_new(&decoder, ak_str_from(coding), NULL) == AK_OK && decoder != NULL);
    enum ak_status status = AK_OK;
    for (size_t at = 0; status == AK_OK && at < body.len;) {
        size_t end = body.len - at < size ? body.len : at + size;
        status = feed_piece(decoder, ak_str_slice(body, at, end), want, out);
        at = end;
    }
    if (status == AK_OK) {
        status = ak_decoder_finish(decoder, NULL);
    }
    ak_decoder_free(decoder);
    require(status == AK_OK || status == AK_BAD_CODING || status == AK_TOO_LARGE);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const char *coding = codings[data[0] % (sizeof(codings) / sizeof(codings[0]))];
    size_t piece = 1 + (data[1] & 15), want = 1 + (size_t)(data[1] >> 4) * 1000;
    struct ak_str body = ak_str_of((const char *)data + 2, size - 2);
    struct ak_buf whole, pieces;
    enum ak_status expected = decode(coding, body, SIZE_MAX, SIZE_MAX, &whole);
    enum ak_status status = decode(coding, body, piece, want, &pieces);
    require((status == AK_OK) == (expected == AK_OK));
    if (status == AK_OK) {
        require(ak_str_equal(ak_buf_str(&whole), ak_buf_str(&pieces)));
    }
    ak_buf_free(&whole);
    ak_buf_free(&pieces);
    return 0;
}
