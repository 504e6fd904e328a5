/* Content-Encoding undone: every coding, whole and in pieces, cut, padded,
 * broken, stacked, and over the cap. */
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

static void
append(struct ak_buf *out, const void *data, size_t len)
{
    assert_int_equal(ak_buf_append(out, ak_str_of(data, len)), AK_OK);
}

static void
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

static void
pack_gzip(struct ak_buf *out, struct ak_str plain)
{
    pack_zlib(out, plain, GZIP);
}

static void
pack_deflate(struct ak_buf *out, struct ak_str plain)
{
    pack_zlib(out, plain, ZLIB);
}

static void
pack_raw(struct ak_buf *out, struct ak_str plain)
{
    pack_zlib(out, plain, RAW);
}

#ifdef AK_HAVE_ZSTD
static void
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

static void
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

static struct ak_buf
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
static enum ak_status
feed_piece(struct ak_decoder *decoder, struct ak_str piece, const struct feeding *how,
           struct ak_buf *out, struct ak_err *err)
{
    if (how->want == SIZE_MAX) {
        enum ak_status status = ak_decoder_feed(decoder, &piece, out, SIZE_MAX, err);
        assert_true(status != AK_OK || piece.len == 0);
        return status;
    }
    struct ak_buf some = ak_buf_make(SIZE_MAX / 2);
    enum ak_status status;
    bool full;
    do {
        status = ak_decoder_feed(decoder, &piece, &some, how->want, err);
        assert_true(some.len <= how->want);
        full = some.len == how->want;
        append(out, some.data, some.len);
        ak_buf_clear(&some);
        assert_true(status != AK_OK || full || piece.len == 0);
    } while (status == AK_OK && full);
    ak_buf_free(&some);
    return status;
}

/* Decode all of BODY; OUT is the caller's. */
static enum ak_status
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

static void
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

static void
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

static void
assert_decodes_in_all_pieces(const char *codings, struct ak_str body, struct ak_str plain)
{
    static const size_t wants[] = {1, 7, SIZE_MAX};
    for (size_t piece = 1; piece <= body.len; piece++) {
        for (size_t i = 0; i < LENGTH(wants); i++) {
            assert_decodes(codings, body, (struct feeding){piece, wants[i], PLENTY}, plain);
        }
    }
}

/* ---- tests ---- */

static void
test_every_coding_is_undone_in_pieces_of_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = packed(&packers[i]);
        assert_decodes_in_all_pieces(packers[i].coding, ak_buf_str(&body), AK_STR(TEXT));
        ak_buf_free(&body);
    }
}

static void
test_a_body_that_is_cut_anywhere_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = packed(&packers[i]);
        for (size_t len = 1; len < body.len; len++) {
            struct ak_str cut = ak_str_of(body.data, len);
            assert_refused(packers[i].coding, cut, at_once, "ends early");
            assert_refused(packers[i].coding, cut, (struct feeding){1, 5, PLENTY}, "ends early");
        }
        ak_buf_free(&body);
    }
}

static void
test_an_empty_body_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(packers); i++) {
        assert_decodes(packers[i].coding, AK_STR(""), at_once, AK_STR(""));
    }
    assert_decodes("gzip, deflate", AK_STR(""), at_once, AK_STR(""));
}

static void
test_a_packed_nothing_is_empty(void **state)
{
    (void)state;
    static const char nothing_brotli[] = "\x3b";
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = ak_buf_make(PLENTY);
        if (strcmp(packers[i].coding, "br") == 0) {
            append(&body, nothing_brotli, 1);
        } else {
            packers[i].pack(&body, AK_STR(""));
        }
        assert_decodes_in_all_pieces(packers[i].coding, ak_buf_str(&body), AK_STR(""));
        ak_buf_free(&body);
    }
}

/* RFC 1952, 2.2 and RFC 8878, 3.1. */
static void
test_gzip_members_and_zstd_frames_are_joined(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = packed(&packers[i]);
        packers[i].pack(&body, AK_STR(TEXT));
        const char *coding = packers[i].coding;
        if (strstr(coding, "gzip") != NULL || strcmp(coding, "zstd") == 0) {
            assert_decodes_in_all_pieces(coding, ak_buf_str(&body), AK_STR(TEXT TEXT));
            assert_refused(coding, ak_str_of(body.data, body.len - 1), at_once, "ends early");
        } else {
            assert_refused(coding, ak_buf_str(&body), at_once, "bytes behind its end");
            assert_refused(coding, ak_buf_str(&body), (struct feeding){1, 1, PLENTY},
                           "bytes behind its end");
        }
        ak_buf_free(&body);
    }
}

static void
test_zeros_behind_the_end_are_padding_and_anything_else_is_corrupt(void **state)
{
    (void)state;
    static const struct feeding ways[] = {{SIZE_MAX, SIZE_MAX, PLENTY}, {1, 1, PLENTY}};
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = packed(&packers[i]);
        for (size_t way = 0; way < LENGTH(ways); way++) {
            const char *coding = packers[i].coding;
            size_t len = body.len;
            append(&body, "\0\0\0\0\0", 5);
            assert_decodes(coding, ak_buf_str(&body), ways[way], AK_STR(TEXT));
            append(&body, "garbage", 7);
            assert_refused(coding, ak_buf_str(&body), ways[way], "the body has Content-Encoding");
            body.len = len;
            append(&body, "garbage", 7);
            assert_refused(coding, ak_buf_str(&body), ways[way], "the body has Content-Encoding");
            body.len = len;
        }
        ak_buf_free(&body);
    }
}

static void
test_zeros_between_gzip_members_are_padding(void **state)
{
    (void)state;
    struct ak_buf body = packed(&packers[0]);
    append(&body, "\0\0\0", 3);
    pack_gzip(&body, AK_STR(TEXT));
    assert_decodes_in_all_pieces("gzip", ak_buf_str(&body), AK_STR(TEXT TEXT));
    ak_buf_free(&body);
}

static void
test_a_flipped_checksum_is_corrupt(void **state)
{
    (void)state;
    static const size_t from_end[] = {8, 8, 4}; /* gzip, x-gzip, zlib */
    for (size_t i = 0; i < LENGTH(from_end); i++) {
        struct ak_buf body = packed(&packers[i]);
        body.data[body.len - from_end[i]] ^= 1;
        assert_refused(packers[i].coding, ak_buf_str(&body), at_once, "is corrupt");
        assert_refused(packers[i].coding, ak_buf_str(&body), (struct feeding){1, 1, PLENTY},
                       "is corrupt");
        ak_buf_free(&body);
    }
}

/* RFC 1951, 3.2.4 skips the bits behind the header of a stored block: this one
 * begins like zlib's format, and only the second byte tells. */
static void
test_raw_deflate_that_begins_like_zlib_is_known_by_its_second_byte(void **state)
{
    (void)state;
    static const char stored[] = "\x78\x03\x00\xfc\xff"
                                 "abc\x03\x00";
    assert_decodes_in_all_pieces("deflate", ak_str_of(stored, sizeof(stored) - 1), AK_STR("abc"));
    assert_refused("deflate", ak_str_of(stored, 1), at_once, "ends early");
}

static void
test_data_of_another_format_is_corrupt(void **state)
{
    (void)state;
    struct ak_str page = AK_STR("<!DOCTYPE html><p>not packed at all, whatever the label says</p>");
    for (size_t i = 0; i < LENGTH(packers); i++) {
        assert_refused(packers[i].coding, page, at_once, packers[i].coding);
        assert_refused(packers[i].coding, page, (struct feeding){1, 1, PLENTY}, packers[i].coding);
    }
}

/* ---- stacks and labels ---- */

/* TEXT packed by each of COUNT packers in turn; *codings is their list. */
static struct ak_buf
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

static void
test_any_two_codings_can_be_stacked(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(packers); i++) {
        for (size_t j = 0; j < LENGTH(packers); j++) {
            if (strcmp(packers[j].coding, "br") == 0) {
                continue; /* its packer knows TEXT alone */
            }
            const struct packer *stack[] = {&packers[i], &packers[j]};
            char codings[100];
            struct ak_buf body = pack_stack(stack, 2, codings);
            assert_decodes_in_all_pieces(codings, ak_buf_str(&body), AK_STR(TEXT));
            assert_refused(codings, ak_str_of(body.data, body.len - 1), at_once, "ends early");
            ak_buf_free(&body);
        }
    }
}

#ifdef AK_HAVE_ZSTD
/* libzstd takes many calls that bring it nothing for an error. */
static void
test_a_stage_may_wait_long_for_the_one_before(void **state)
{
    (void)state;
    struct ak_buf frame = ak_buf_make(PLENTY), body = ak_buf_make(PLENTY);
    pack_zstd(&frame, AK_STR(TEXT));
    pack_gzip(&body, ak_str_of(frame.data, frame.len / 2));
    for (int i = 0; i < 100; i++) {
        append(&body, "", 1); /* padding */
    }
    pack_gzip(&body, ak_str_of(frame.data + frame.len / 2, frame.len - frame.len / 2));
    assert_decodes_in_all_pieces("zstd, gzip", ak_buf_str(&body), AK_STR(TEXT));
    ak_buf_free(&frame);
    ak_buf_free(&body);
}
#endif

static void
test_five_codings_are_undone_and_six_refused(void **state)
{
    (void)state;
    const struct packer *gzip = find_packer("gzip"), *deflate = find_packer("deflate");
    const struct packer *stack[] = {gzip, deflate, gzip, deflate, gzip, gzip};
    char codings[100];
    struct ak_buf body = pack_stack(stack, 5, codings);
    assert_decodes_in_all_pieces(codings, ak_buf_str(&body), AK_STR(TEXT));
    ak_buf_free(&body);
    body = pack_stack(stack, 6, codings);
    assert_refused(codings, ak_buf_str(&body), at_once, "more than 5");
    ak_buf_free(&body);
}

static void
test_labels_that_are_no_coding_are_passed_over(void **state)
{
    (void)state;
    static const char *const nothing[] = {
        "", "identity", "UTF-8", "none", "Binary", " , ,", "utf-8, identity", "g zip", "gzi", "x",
    };
    for (size_t i = 0; i < LENGTH(nothing); i++) {
        struct ak_decoder *decoder = (struct ak_decoder *)1;
        assert_int_equal(ak_decoder_new(&decoder, ak_str_from(nothing[i]), NULL), AK_OK);
        assert_null(decoder);
    }
    static const char *const once[] = {
        "gzip", "GZip", " gzip\t", "identity, gzip", "gzip, utf-8", ",gzip,", "a,b,c,d,e,f,gzip",
    };
    struct ak_buf body = packed(&packers[0]);
    for (size_t i = 0; i < LENGTH(once); i++) {
        assert_decodes(once[i], ak_buf_str(&body), at_once, AK_STR(TEXT));
    }
    ak_buf_free(&body);
}

static void
test_a_registered_coding_that_cannot_be_undone_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const codings[] = {
        "compress", "x-compress", "COMPRESS", "exi", "pack200-gzip", "aes128gcm", "dcb", "dcz",
    };
    for (size_t i = 0; i < LENGTH(codings); i++) {
        char stacked[100];
        assert_refused(codings[i], AK_STR("x"), at_once, codings[i]);
        snprintf(stacked, sizeof(stacked), "gzip, %s", codings[i]);
        assert_refused(stacked, AK_STR("x"), at_once, "ask for gzip");
        snprintf(stacked, sizeof(stacked), "%s, gzip", codings[i]);
        assert_refused(stacked, AK_STR("x"), at_once, codings[i]);
    }
}

static void
test_what_is_asked_for_can_be_undone(void **state)
{
    (void)state;
    struct ak_str accepted = ak_str_from(ak_coding_accepted());
    for (size_t start = 0; start < accepted.len;) {
        size_t end = ak_str_find(accepted, ',', start);
        struct ak_str name = ak_str_trim(ak_str_slice(accepted, start, end));
        assert_non_null(ak_coding_find(name));
        assert_true(ak_coding_is_registered(name));
        start = end + 1;
    }
}

/* ---- bounds ---- */

static void
test_a_bomb_stops_at_the_cap_with_its_memory_bounded(void **state)
{
    (void)state;
    char *zeros = calloc(1, BOMB);
    assert_non_null(zeros);
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = ak_buf_make(PLENTY), out;
        packers[i].pack(&body, ak_str_of(zeros, BOMB));
        static const size_t pieces[] = {1, 100, SIZE_MAX};
        for (size_t j = 0; j < LENGTH(pieces); j++) {
            struct ak_err err;
            struct feeding how = {pieces[j], SIZE_MAX, CAP};
            assert_int_equal(decode(packers[i].coding, ak_buf_str(&body), how, &out, &err),
                             AK_TOO_LARGE);
            assert_int_equal(err.status, AK_TOO_LARGE);
            assert_non_null(strstr(err.message, "max_body (100000 bytes)"));
            assert_int_equal(out.len, CAP);
            assert_true(out.capacity <= CAP);
            ak_buf_free(&out);
        }
        /* Without the cap it is a body as any other. */
        assert_decodes(packers[i].coding, ak_buf_str(&body), (struct feeding){100, 65536, PLENTY},
                       ak_str_of(zeros, BOMB));
        ak_buf_free(&body);
    }
    free(zeros);
}

static void
test_a_stacked_bomb_stops_at_the_cap(void **state)
{
    (void)state;
    char *zeros = calloc(1, BOMB);
    assert_non_null(zeros);
    struct ak_buf inner = ak_buf_make(PLENTY), body = ak_buf_make(PLENTY), out;
    pack_gzip(&inner, ak_str_of(zeros, BOMB));
    pack_gzip(&body, ak_buf_str(&inner));
    struct ak_err err;
    struct feeding how = {SIZE_MAX, SIZE_MAX, CAP};
    assert_int_equal(decode("gzip, gzip", ak_buf_str(&body), how, &out, &err), AK_TOO_LARGE);
    assert_true(out.capacity <= CAP);
    ak_buf_free(&out);
    ak_buf_free(&inner);
    ak_buf_free(&body);
    free(zeros);
}

static void
test_the_cap_holds_to_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(packers); i++) {
        struct ak_buf body = packed(&packers[i]), out;
        for (size_t piece = 1; piece <= body.len; piece++) {
            struct feeding exact = {piece, SIZE_MAX, sizeof(text) - 1};
            struct feeding less = {piece, SIZE_MAX, sizeof(text) - 2};
            assert_decodes(packers[i].coding, ak_buf_str(&body), exact, AK_STR(TEXT));
            assert_int_equal(decode(packers[i].coding, ak_buf_str(&body), less, &out, NULL),
                             AK_TOO_LARGE);
            ak_buf_free(&out);
        }
        ak_buf_free(&body);
    }
    struct ak_buf nothing = ak_buf_make(PLENTY);
    pack_gzip(&nothing, AK_STR(""));
    assert_decodes("gzip", ak_buf_str(&nothing), (struct feeding){1, SIZE_MAX, 0}, AK_STR(""));
    ak_buf_free(&nothing);
}

#ifdef AK_HAVE_ZSTD
/* RFC 9659: a window of more than 8 MiB must not be asked for, and the decoder
 * must not take memory for one. */
static void
test_a_zstd_window_over_8_mib_is_refused(void **state)
{
    (void)state;
    for (int log = 10; log <= 27; log++) {
        /* The magic number, no flags, the window, one empty block. */
        char body[] = {0x28, (char)0xb5, 0x2f, (char)0xfd, 0, (char)((log - 10) << 3), 1, 0, 0};
        if (log <= 23) {
            assert_decodes("zstd", ak_str_of(body, sizeof(body)), at_once, AK_STR(""));
        } else {
            assert_refused("zstd", ak_str_of(body, sizeof(body)), at_once, "zstd");
        }
    }
}
#endif

static void
test_no_memory_is_told_at_every_allocation(void **state)
{
    (void)state;
    const struct packer *gzip = find_packer("gzip"), *deflate = find_packer("deflate");
    const struct packer *stack[] = {gzip, deflate, gzip};
    char codings[100];
    struct ak_buf body = pack_stack(stack, 3, codings);
    unsigned long failed = 0;
    for (;; failed++) {
        struct ak_buf out;
        struct ak_err err;
        ak_alloc_fail_at(failed + 1);
        enum ak_status status = decode(codings, ak_buf_str(&body), at_once, &out, &err);
        ak_alloc_fail_at(0);
        ak_buf_free(&out);
        if (status == AK_OK) {
            break;
        }
        assert_int_equal(status, AK_NO_MEMORY);
        assert_int_equal(err.status, AK_NO_MEMORY);
    }
    assert_true(failed >= 6); /* decoder, states, buffers, output */
    ak_buf_free(&body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_coding_is_undone_in_pieces_of_every_size),
        cmocka_unit_test(test_a_body_that_is_cut_anywhere_fails),
        cmocka_unit_test(test_an_empty_body_is_complete),
        cmocka_unit_test(test_a_packed_nothing_is_empty),
        cmocka_unit_test(test_gzip_members_and_zstd_frames_are_joined),
        cmocka_unit_test(test_zeros_behind_the_end_are_padding_and_anything_else_is_corrupt),
        cmocka_unit_test(test_zeros_between_gzip_members_are_padding),
        cmocka_unit_test(test_a_flipped_checksum_is_corrupt),
        cmocka_unit_test(test_raw_deflate_that_begins_like_zlib_is_known_by_its_second_byte),
        cmocka_unit_test(test_data_of_another_format_is_corrupt),
        cmocka_unit_test(test_any_two_codings_can_be_stacked),
#ifdef AK_HAVE_ZSTD
        cmocka_unit_test(test_a_stage_may_wait_long_for_the_one_before),
#endif
        cmocka_unit_test(test_five_codings_are_undone_and_six_refused),
        cmocka_unit_test(test_labels_that_are_no_coding_are_passed_over),
        cmocka_unit_test(test_a_registered_coding_that_cannot_be_undone_is_refused_by_name),
        cmocka_unit_test(test_what_is_asked_for_can_be_undone),
        cmocka_unit_test(test_a_bomb_stops_at_the_cap_with_its_memory_bounded),
        cmocka_unit_test(test_a_stacked_bomb_stops_at_the_cap),
        cmocka_unit_test(test_the_cap_holds_to_the_byte),
#ifdef AK_HAVE_ZSTD
        cmocka_unit_test(test_a_zstd_window_over_8_mib_is_refused),
#endif
        cmocka_unit_test(test_no_memory_is_told_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
