/* Content-Encoding undone: every coding, whole and in pieces, cut, padded, broken,
 * stacked. */
#include "packed_bodies.h"

#include "net/decode.h"

/* ---- one coding ---- */

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
