/* Bodies packed by every coding, and decoders fed with them piece by piece: for
 * the tests of csrc/net/decode. */
#ifndef PACKED_BODIES_H
#define PACKED_BODIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>
#ifdef AK_HAVE_ZSTD
#include <zstd.h>
#endif

#include "core/alloc.h"
#include "net/decode.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { PLENTY = 16 * 1024 * 1024, BOMB = 8 * 1024 * 1024, CAP = 100 * 1000 };
enum { GZIP = 16 + MAX_WBITS, ZLIB = MAX_WBITS, RAW = -MAX_WBITS };

#define TEXT                                                                                       \
    "line 1 of a body that is worth packing\n"                                                     \
    "line 2 of a body that is worth packing\n"                                                     \
    "line 3 of a body that is worth packing\n"                                                     \
    "line 4 of a body that is worth packing\n"                                                     \
    "line 5 of a body that is worth packing\n"

static const char text[] = TEXT;

/* ---- packing ---- */

static inline void
append(struct ak_buf *out, const void *data, size_t len)
{
    assert_int_equal(ak_buf_append(out, ak_str_of(data, len)), AK_OK);
}

static inline void
pack_zlib(struct ak_buf *out, struct ak_str plain, int window)
{
    z_stream stream = {0};
    assert_int_equal(
        deflateInit2(&stream, 9, Z_DEFLATED, window, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, plain.len);
    assert_int_equal(ak_buf_reserve(out, room), AK_OK);
    stream.next_in = (z_const Bytef *)plain.ptr;
    stream.avail_in = (uInt)plain.len;
    stream.next_out = (Bytef *)out->data + out->len;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->len += stream.total_out;
    deflateEnd(&stream);
}

static inline void
pack_gzip(struct ak_buf *out, struct ak_str plain)
{
    pack_zlib(out, plain, GZIP);
}

static inline void
pack_deflate(struct ak_buf *out, struct ak_str plain)
{
    pack_zlib(out, plain, ZLIB);
}

static inline void
pack_raw(struct ak_buf *out, struct ak_str plain)
{
    pack_zlib(out, plain, RAW);
}

#ifdef AK_HAVE_ZSTD
static inline void
pack_zstd(struct ak_buf *out, struct ak_str plain)
{
    size_t room = ZSTD_compressBound(plain.len);
    assert_int_equal(ak_buf_reserve(out, room), AK_OK);
    size_t made = ZSTD_compress(out->data + out->len, room, plain.ptr, plain.len, 9);
    assert_false(ZSTD_isError(made));
    out->len += made;
}
#endif

#ifdef AK_HAVE_BROTLI
/* What brotli's own encoder made of TEXT, and of BOMB zeros: only the decoder
 * is linked. */
static const char brotli_text[] =
    "\x1b\xc2\x00\x50\x8c\xd4\x5e\xb3\x39\xd0\x8d\x11\x2a\x3d\x41\xcc\xde\x1c\x70\x0c\xb9\x43\x08"
    "\xb3\x60\x03\x0e\x80\x4e\xe1\x71\xdc\xec\x0a\x79\x4b\x91\xaf\x35\xe3\xc0\xa9\x09\xed\x92\xba"
    "\x77\x4b\xc7\x00\x01\x01\xd6\x02";
static const char brotli_bomb[] = "\xcb\xff\xff\x3f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x6f";

static inline void
pack_brotli(struct ak_buf *out, struct ak_str plain)
{
    if (plain.len == BOMB) {
        append(out, brotli_bomb, sizeof(brotli_bomb) - 1);
    } else {
        assert_memory_equal(plain.ptr, text, plain.len);
        append(out, brotli_text, sizeof(brotli_text) - 1);
    }
}
#endif

struct packer {
    const char *coding;
    void (*pack)(struct ak_buf *out, struct ak_str plain);
};

static const struct packer packers[] = {
    {"gzip", pack_gzip}, {"x-gzip", pack_gzip}, {"deflate", pack_deflate}, {"deflate", pack_raw},
#ifdef AK_HAVE_BROTLI
    {"br", pack_brotli},
#endif
#ifdef AK_HAVE_ZSTD
    {"zstd", pack_zstd},
#endif
};

static inline struct ak_buf
packed(const struct packer *packer)
{
    struct ak_buf out = ak_buf_make(PLENTY);
    packer->pack(&out, AK_STR(TEXT));
    return out;
}

/* ---- decoding ---- */

struct feeding {
    size_t piece; /* of the input */
    size_t want;  /* taken out of the decoder at once */
    size_t max;   /* of the decoded body */
};

static const struct feeding at_once = {SIZE_MAX, SIZE_MAX, PLENTY};

/* One piece of input, taken as the exchange does it: at most WANT at a time. */
static inline enum ak_status
feed_piece(struct ak_decoder *decoder, struct ak_str piece, const struct feeding *how,
           struct ak_buf *out, struct ak_err *err)
{
    enum ak_status status;
    if (how->want == SIZE_MAX) {
        do {
            status = ak_decoder_feed(decoder, &piece, out, SIZE_MAX, err);
        } while (status == AK_OK && ak_decoder_has_more(decoder));
        assert_true(status != AK_OK || piece.len == 0);
        return status;
    }
    struct ak_buf some = ak_buf_make(SIZE_MAX / 2);
    bool more;
    do {
        status = ak_decoder_feed(decoder, &piece, &some, how->want, err);
        assert_true(some.len <= how->want);
        more = ak_decoder_has_more(decoder);
        assert_true(status != AK_OK || more || some.len < how->want);
        append(out, some.data, some.len);
        ak_buf_clear(&some);
        assert_true(status != AK_OK || more || piece.len == 0);
    } while (status == AK_OK && more);
    ak_buf_free(&some);
    return status;
}

/* Decode all of BODY; OUT is the caller's. */
static inline enum ak_status
decode(const char *codings, struct ak_str body, struct feeding how, struct ak_buf *out,
       struct ak_err *err)
{
    struct ak_decoder *decoder;
    *out = ak_buf_make(how.max);
    enum ak_status status = ak_decoder_new(&decoder, ak_str_from(codings), err);
    if (status != AK_OK) {
        return status;
    }
    assert_non_null(decoder);
    for (size_t at = 0; status == AK_OK && at < body.len;) {
        size_t left = body.len - at;
        size_t len = left < how.piece ? left : how.piece;
        status = feed_piece(decoder, ak_str_slice(body, at, at + len), &how, out, err);
        at += len;
    }
    if (status == AK_OK) {
        status = ak_decoder_finish(decoder, err);
    }
    ak_decoder_free(decoder);
    return status;
}

static inline void
assert_decodes(const char *codings, struct ak_str body, struct feeding how, struct ak_str plain)
{
    struct ak_buf out;
    struct ak_err err;
    if (decode(codings, body, how, &out, &err) != AK_OK) {
        fail_msg("%s in pieces of %zu and %zu: %s", codings, how.piece, how.want, err.message);
    }
    assert_int_equal(out.len, plain.len);
    if (plain.len > 0) {
        assert_memory_equal(out.data, plain.ptr, plain.len);
    }
    ak_buf_free(&out);
}

static inline void
assert_refused(const char *codings, struct ak_str body, struct feeding how, const char *says)
{
    struct ak_buf out;
    struct ak_err err;
    assert_int_equal(decode(codings, body, how, &out, &err), AK_BAD_CODING);
    assert_int_equal(err.status, AK_BAD_CODING);
    if (strstr(err.message, says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    }
    ak_buf_free(&out);
}

static inline void
assert_decodes_in_all_pieces(const char *codings, struct ak_str body, struct ak_str plain)
{
    static const size_t wants[] = {1, 7, SIZE_MAX};
    for (size_t piece = 1; piece <= body.len; piece++) {
        for (size_t i = 0; i < LENGTH(wants); i++) {
            assert_decodes(codings, body, (struct feeding){piece, wants[i], PLENTY}, plain);
        }
    }
}

/* TEXT packed by each of COUNT packers in turn; *codings is their list. */
static inline struct ak_buf
pack_stack(const struct packer *const *stack, size_t count, char codings[100])
{
    struct ak_buf body = ak_buf_make(PLENTY);
    append(&body, text, sizeof(text) - 1);
    codings[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct ak_buf next = ak_buf_make(PLENTY);
        stack[i]->pack(&next, ak_buf_str(&body));
        ak_buf_free(&body);
        body = next;
        strcat(strcat(codings, i > 0 ? ", " : ""), stack[i]->coding);
    }
    return body;
}

static const struct packer *
find_packer(const char *coding)
{
    for (size_t i = 0; i < LENGTH(packers); i++) {
        if (strcmp(packers[i].coding, coding) == 0) {
            return &packers[i];
        }
    }
    return NULL;
}

#endif
