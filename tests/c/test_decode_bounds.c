/* Content-Encoding and memory: bombs, caps, windows, failing allocations. */
#include "packed_bodies.h"

#include "net/decode.h"

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

/* Members without content, a million of them in a few bytes: the caller must get
 * to look at the clock meanwhile. */
static void
test_work_that_gives_nothing_is_done_in_parts(void **state)
{
    (void)state;
    enum { MEMBERS = 1024 * 1024 };
    struct ak_buf member = ak_buf_make(PLENTY), members = ak_buf_make(SIZE_MAX / 2);
    struct ak_buf body = ak_buf_make(SIZE_MAX / 2), out = ak_buf_make(CAP);
    pack_gzip(&member, AK_STR(""));
    for (size_t i = 0; i < MEMBERS; i++) {
        append(&members, member.data, member.len);
    }
    pack_gzip(&body, ak_buf_str(&members));
    assert_true(body.len < members.len / 100);
    struct ak_decoder *decoder;
    assert_int_equal(ak_decoder_new(&decoder, AK_STR("gzip, gzip"), NULL), AK_OK);
    struct ak_str left = ak_buf_str(&body);
    size_t calls = 0;
    do {
        assert_int_equal(ak_decoder_feed(decoder, &left, &out, SIZE_MAX, NULL), AK_OK);
        calls++;
    } while (ak_decoder_has_more(decoder));
    assert_int_equal(out.len, 0);
    assert_int_equal(left.len, 0);
    assert_true(calls >= members.len / AK_DECODE_MAX_WORK);
    assert_int_equal(ak_decoder_finish(decoder, NULL), AK_OK);
    ak_decoder_free(decoder);
    ak_buf_free(&member);
    ak_buf_free(&members);
    ak_buf_free(&body);
    ak_buf_free(&out);
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
        cmocka_unit_test(test_a_bomb_stops_at_the_cap_with_its_memory_bounded),
        cmocka_unit_test(test_a_stacked_bomb_stops_at_the_cap),
        cmocka_unit_test(test_work_that_gives_nothing_is_done_in_parts),
        cmocka_unit_test(test_the_cap_holds_to_the_byte),
#ifdef AK_HAVE_ZSTD
        cmocka_unit_test(test_a_zstd_window_over_8_mib_is_refused),
#endif
        cmocka_unit_test(test_no_memory_is_told_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
