#include "net/coding.h"

#include <zlib.h>
#ifdef AK_HAVE_BROTLI
#include <brotli/decode.h>
#endif
#ifdef AK_HAVE_ZSTD
#include <zstd.h>
#endif

#include "core/alloc.h"

/* ---- gzip and deflate, by zlib ---- */

enum { GZIP_WINDOW = 16 + MAX_WBITS, ZLIB_WINDOW = MAX_WBITS, RAW_WINDOW = -MAX_WBITS };

struct inflater {
    z_stream stream;
    bool member_done; /* gzip: another member may follow */
    bool undecided;   /* deflate: zlib's format or raw, not yet known */
    bool has_first;   /* deflate, undecided: the first byte has come */
    char first;
};

static struct inflater *
open_inflater(int window)
{
    struct inflater *inflater = ak_calloc(1, sizeof(*inflater));
    if (inflater != NULL && inflateInit2(&inflater->stream, window) != Z_OK) {
        ak_free(inflater);
        inflater = NULL;
    }
    return inflater;
}

static void *
open_gzip(void)
{
    return open_inflater(GZIP_WINDOW);
}

static void *
open_deflate(void)
{
    struct inflater *inflater = open_inflater(ZLIB_WINDOW);
    if (inflater != NULL) {
        inflater->undecided = true;
    }
    return inflater;
}

static void
close_inflater(void *state)
{
    struct inflater *inflater = state;
    inflateEnd(&inflater->stream);
    ak_free(inflater);
}

static enum ak_coding_state
inflate_some(struct inflater *inflater, struct ak_str *input, char *out, size_t size, size_t *made)
{
    const uInt most = (uInt)-1;
    z_stream *stream = &inflater->stream;
    stream->next_in = (z_const Bytef *)input->ptr;
    stream->avail_in = input->len < most ? (uInt)input->len : most;
    stream->next_out = (Bytef *)out;
    stream->avail_out = size < most ? (uInt)size : most;
    uInt room = stream->avail_out;
    int code = inflate(stream, Z_NO_FLUSH);
    size_t used = (size_t)((const char *)stream->next_in - input->ptr);
    *input = ak_str_slice(*input, used, input->len);
    *made = room - stream->avail_out;
    switch (code) {
    case Z_STREAM_END:
        return AK_CODING_ENDED;
    case Z_OK:
    case Z_BUF_ERROR: /* no progress was possible: not an error */
        return AK_CODING_OPEN;
    case Z_MEM_ERROR:
        return AK_CODING_NO_MEMORY;
    default:
        return AK_CODING_BROKEN;
    }
}

/* A gzip body may have several members (RFC 1952, 2.2). */
static enum ak_coding_state
run_gzip(void *state, struct ak_str *input, char *out, size_t size, size_t *made)
{
    struct inflater *inflater = state;
    *made = 0;
    if (inflater->member_done) {
        if (inflateReset(&inflater->stream) != Z_OK) {
            return AK_CODING_BROKEN;
        }
        inflater->member_done = false;
    }
    enum ak_coding_state result = inflate_some(inflater, input, out, size, made);
    inflater->member_done = result == AK_CODING_ENDED;
    return result;
}

/* zlib's first byte has 8 in its low half and at most 7 in its high one, and the
 * first two are a multiple of 31 (RFC 1950, 2.2). */
static bool
begins_as_zlib(char first, char second)
{
    unsigned pair = (unsigned)(unsigned char)first << 8 | (unsigned char)second;
    return (pair & 0x8F00) == 0x0800 && pair % 31 == 0;
}

/* RFC 9110 says zlib's format (RFC 1950), and many servers send raw deflate
 * (RFC 1951): the second byte tells. */
static enum ak_coding_state
decide_format(struct inflater *inflater, struct ak_str *input)
{
    if (!inflater->has_first && input->len > 0) {
        inflater->first = input->ptr[0];
        inflater->has_first = true;
        *input = ak_str_slice(*input, 1, input->len);
    }
    if (input->len == 0) {
        return AK_CODING_OPEN;
    }
    inflater->undecided = false;
    if (!begins_as_zlib(inflater->first, input->ptr[0]) &&
        inflateReset2(&inflater->stream, RAW_WINDOW) != Z_OK) {
        return AK_CODING_NO_MEMORY;
    }
    /* One byte makes no output in either format. */
    struct ak_str first = ak_str_of(&inflater->first, 1);
    char nothing;
    size_t made;
    return inflate_some(inflater, &first, &nothing, sizeof(nothing), &made);
}

static enum ak_coding_state
run_deflate(void *state, struct ak_str *input, char *out, size_t size, size_t *made)
{
    struct inflater *inflater = state;
    *made = 0;
    if (inflater->undecided) {
        enum ak_coding_state result = decide_format(inflater, input);
        if (inflater->undecided || result != AK_CODING_OPEN) {
            return result;
        }
    }
    return inflate_some(inflater, input, out, size, made);
}

/* ---- br ---- */

#ifdef AK_HAVE_BROTLI
static void *
open_brotli(void)
{
    return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}

static void
close_brotli(void *state)
{
    BrotliDecoderDestroyInstance(state);
}

static enum ak_coding_state
run_brotli(void *state, struct ak_str *input, char *out, size_t size, size_t *made)
{
    const uint8_t *next_in = (const uint8_t *)input->ptr;
    uint8_t *next_out = (uint8_t *)out;
    size_t left = size;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &input->len, &next_in, &left, &next_out, NULL);
    input->ptr = (const char *)next_in;
    *made = size - left;
    if (result == BROTLI_DECODER_RESULT_ERROR) {
        return AK_CODING_BROKEN;
    }
    return result == BROTLI_DECODER_RESULT_SUCCESS ? AK_CODING_ENDED : AK_CODING_OPEN;
}
#endif

/* ---- zstd ---- */

#ifdef AK_HAVE_ZSTD
enum { ZSTD_WINDOW_LOG = 23 }; /* 8 MiB: RFC 9659, 3 */

struct unpacker {
    ZSTD_DStream *stream;
    bool in_frame;
};

static void
close_zstd(void *state)
{
    struct unpacker *unpacker = state;
    ZSTD_freeDStream(unpacker->stream);
    ak_free(unpacker);
}

static void *
open_zstd(void)
{
    struct unpacker *unpacker = ak_calloc(1, sizeof(*unpacker));
    if (unpacker == NULL) {
        return NULL;
    }
    unpacker->stream = ZSTD_createDStream();
    if (unpacker->stream == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                        unpacker->stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
        close_zstd(unpacker);
        unpacker = NULL;
    }
    return unpacker;
}

/* The first byte of a frame or of a skippable one (RFC 8878, 3.1): libzstd may
 * know formats from before the standard too, which keep to none of our bounds. */
static bool
begins_frame(char first)
{
    return (unsigned char)first == 0x28 || (first & 0xF0) == 0x50;
}

static enum ak_coding_state
run_zstd(void *state, struct ak_str *input, char *out, size_t size, size_t *made)
{
    struct unpacker *unpacker = state;
    *made = 0;
    if (!unpacker->in_frame && input->len > 0 && !begins_frame(input->ptr[0])) {
        return AK_CODING_BROKEN;
    }
    ZSTD_inBuffer in = {input->ptr, input->len, 0};
    ZSTD_outBuffer result = {out, size, 0};
    size_t code = ZSTD_decompressStream(unpacker->stream, &result, &in);
    *input = ak_str_slice(*input, in.pos, input->len);
    *made = result.pos;
    if (ZSTD_isError(code)) {
        return AK_CODING_BROKEN;
    }
    unpacker->in_frame = code != 0;
    return code == 0 ? AK_CODING_ENDED : AK_CODING_OPEN;
}
#endif

/* ---- the table ---- */

static const struct ak_coding codings[] = {
    {"gzip", AK_CODING_REPEATS, open_gzip, run_gzip, close_inflater},
    {"x-gzip", AK_CODING_REPEATS, open_gzip, run_gzip, close_inflater},
    {"deflate", AK_CODING_ONCE, open_deflate, run_deflate, close_inflater},
#ifdef AK_HAVE_BROTLI
    {"br", AK_CODING_ONCE, open_brotli, run_brotli, close_brotli},
#endif
#ifdef AK_HAVE_ZSTD
    {"zstd", AK_CODING_REPEATS, open_zstd, run_zstd, close_zstd},
#endif
};

/* IANA's HTTP content coding registry, November 2026. */
static const char *const registered[] = {
    "aes128gcm", "br",   "compress",     "dcb",        "dcz",    "deflate",
    "exi",       "gzip", "pack200-gzip", "x-compress", "x-gzip", "zstd",
};

const struct ak_coding *
ak_coding_find(struct ak_str name)
{
    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
        if (ak_str_iequal(name, ak_str_from(codings[i].name))) {
            return &codings[i];
        }
    }
    return NULL;
}

bool
ak_coding_is_registered(struct ak_str name)
{
    for (size_t i = 0; i < sizeof(registered) / sizeof(registered[0]); i++) {
        if (ak_str_iequal(name, ak_str_from(registered[i]))) {
            return true;
        }
    }
    return false;
}

const char *
ak_coding_accepted(void)
{
    return "gzip, deflate"
#ifdef AK_HAVE_BROTLI
           ", br"
#endif
#ifdef AK_HAVE_ZSTD
           ", zstd"
#endif
        ;
}
