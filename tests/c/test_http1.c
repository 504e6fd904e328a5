/* The HTTP/1.1 reader: which answers it takes, which it refuses and why, and
 * that neither a split nor a failed allocation changes what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "http1_answers.h"
#include "http1_record.h"

static struct record
record_whole(struct ak_str message, enum ak_http1_method method)
{
    return record_answer(message, method, NULL, 0, READ_BODY);
}

static void
assert_bytes(struct ak_str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

static void
test_good_answers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD_COUNT; i++) {
        const struct good *row = &good[i];
        print_message("  %s\n", row->what);
        struct record got = record_whole(ak_str_of(row->message, row->len), row->method);
        assert_int_equal(got.last, AK_HTTP1_END);
        assert_int_equal(got.heads, 1);
        assert_int_equal(got.status, row->status);
        assert_int_equal(got.framing, row->framing);
        assert_int_equal(got.keep_alive, row->keep_alive);
        assert_bytes(got.reason, row->reason);
        size_t line_end = ak_str_find(got.head, '\n', 0) + 1;
        assert_bytes(ak_str_slice(got.head, line_end, got.head.len), row->fields);
        assert_bytes(got.body, row->body);
        assert_int_equal(got.used, row->len - row->rest);
        free_record(&got);
    }
}

static void
test_bad_answers_are_refused_and_the_error_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < BAD_COUNT; i++) {
        const struct bad *row = &bad[i];
        print_message("  %s\n", row->what);
        struct record got = record_whole(ak_str_of(row->message, row->len), AK_HTTP1_OTHER);
        assert_int_equal(got.last, AK_HTTP1_FAILED);
        assert_int_equal(got.err.status, row->status);
        assert_non_null(strstr(got.err.message, row->says));
        assert_null(strstr(got.err.message, "ecret"));
        assert_int_equal(got.heads, row->status == BODY_ERROR ? 1 : 0);
        free_record(&got);
    }
}

/* MESSAGE, cut at COUNT offsets, says the same as in one piece. */
static void
assert_same_when_cut(struct ak_str message, enum ak_http1_method method, const size_t *cuts,
                     size_t count, enum record_body mode)
{
    struct record whole = record_whole(message, method);
    struct record split = record_answer(message, method, cuts, count, mode);
    const char *difference = find_difference(&whole, &split);
    if (difference != NULL) {
        fail_msg("%s depends on the split (%zu cuts, the first at %zu) of %.*s", difference, count,
                 count > 0 ? cuts[0] : 0, (int)message.len, message.ptr);
    }
    free_record(&whole);
    free_record(&split);
}

static void
assert_split_invariant(struct ak_str message, enum ak_http1_method method)
{
    for (size_t cut = 0; cut <= message.len; cut++) {
        assert_same_when_cut(message, method, &cut, 1, READ_BODY);
        assert_same_when_cut(message, method, &cut, 1, SKIP_BODY);
    }
    if (message.len > 0) {
        size_t *cuts = cut_everywhere(message.len);
        assert_same_when_cut(message, method, cuts, message.len, READ_BODY);
        free(cuts);
    }
}

static void
test_every_split_says_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD_COUNT; i++) {
        assert_split_invariant(ak_str_of(good[i].message, good[i].len), good[i].method);
    }
    for (size_t i = 0; i < BAD_COUNT; i++) {
        assert_split_invariant(ak_str_of(bad[i].message, bad[i].len), AK_HTTP1_OTHER);
    }
}

static void
test_a_cut_answer_is_never_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD_COUNT; i++) {
        const struct good *row = &good[i];
        size_t head_end = row->len - row->rest - strlen(row->body);
        size_t end = row->framing == AK_HTTP1_UNTIL_EOF ? head_end : row->len - row->rest;
        for (size_t len = 0; len < end; len++) {
            struct record got = record_whole(ak_str_of(row->message, len), row->method);
            assert_int_equal(got.last, AK_HTTP1_FAILED);
            assert_int_equal(got.err.status, got.heads > 0 ? BODY_ERROR : HEAD_ERROR);
            free_record(&got);
        }
    }
}

/* Let the Nth allocation fail, for every N there is. */
static void
assert_survives_no_memory(struct ak_str message, const size_t *cuts, size_t count)
{
    unsigned long n = 0;
    for (;;) {
        ak_alloc_fail_at(++n);
        struct record got = record_answer(message, AK_HTTP1_OTHER, cuts, count, READ_BODY);
        bool failed = ak_alloc_count() >= n;
        ak_alloc_fail_at(0);
        if (failed) {
            assert_int_equal(got.last, AK_HTTP1_FAILED);
            assert_int_equal(got.err.status, AK_NO_MEMORY);
        }
        free_record(&got);
        if (!failed) {
            break;
        }
    }
    assert_true(n > 1);
}

static void
test_no_memory_is_told_at_every_allocation(void **state)
{
    (void)state;
    static char value[3000];
    static char message[sizeof(value) + 200];
    memset(value, 'v', sizeof(value) - 1);
    int len = snprintf(message, sizeof(message), OK "A: %s\n b\n%s\r\n1\r\nx\r\n0\r\nT: u\r\n\r\n",
                       value, TE);
    struct ak_str text = ak_str_of(message, (size_t)len);
    size_t *cuts = cut_everywhere(text.len);
    assert_survives_no_memory(text, NULL, 0);
    assert_survives_no_memory(text, cuts, text.len);
    free(cuts);
}

static void
test_the_usual_answer_takes_one_allocation(void **state)
{
    (void)state;
    ak_alloc_fail_at(0);
    struct record got =
        record_whole(AK_STR(OK "Server: gunicorn\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
                               "Connection: keep-alive\r\nContent-Type: application/json\r\n"
                               "Content-Length: 30\r\n\r\n012345678901234567890123456789"),
                     AK_HTTP1_OTHER);
    assert_int_equal(ak_alloc_count(), 1);
    assert_int_equal(got.last, AK_HTTP1_END);
    free_record(&got);
}

/* COUNT times PIECE between BEFORE and AFTER; the caller frees it. */
static struct ak_str
repeat(const char *before, const char *piece, size_t count, const char *after)
{
    size_t size = strlen(piece);
    size_t len = strlen(before) + count * size + strlen(after);
    char *text = malloc(len + 1);
    assert_non_null(text);
    char *to = text + sprintf(text, "%s", before);
    for (size_t i = 0; i < count; i++) {
        memcpy(to, piece, size);
        to += size;
    }
    memcpy(to, after, strlen(after));
    return ak_str_of(text, len);
}

struct cap {
    const char *what;
    const char *before;
    const char *piece;
    size_t count; /* as many are allowed, and not one more */
    const char *after;
    enum ak_status status;
    const char *says;
};

static const struct cap caps[] = {
    {"a status line", "HTTP/1.1 200 ", "x", AK_HTTP1_MAX_LINE - 14, "\r\n\r\n", HEAD_ERROR,
     "line of more than 102400 bytes in its head"},
    {"a field's line", OK "A:", "x", AK_HTTP1_MAX_LINE - 3, "\r\n\r\n", HEAD_ERROR,
     "line of more than 102400"},
    {"a head", OK "A: b\r\n", " 234567890\n", (AK_HTTP1_MAX_HEAD - 17 - 6 - 2) / 12, "\r\n",
     HEAD_ERROR, "head of more than 262144"},
    {"a head of folded spaces", OK "A: b\r\n", "          \n",
     (AK_HTTP1_MAX_HEAD - 17 - 6 - 2) / 12, "\r\n", HEAD_ERROR, "head of more than 262144"},
    {"fields", OK, "A: b\r\n", AK_HTTP1_MAX_FIELDS, "\r\n", HEAD_ERROR, "more than 1000 fields"},
    {"interim answers", "", "HTTP/1.1 100 \r\n\r\n", AK_HTTP1_MAX_INTERIM, OK "\r\n", HEAD_ERROR,
     "more than 32 interim"},
    {"a chunk's line", OK_TE "0;", "x", AK_HTTP1_MAX_CHUNK_LINE - 3, "\r\n\r\n", BODY_ERROR,
     "line of more than 4096 bytes in its chunked body"},
    {"trailers", OK_TE "0\r\n", "A: 34567890123456789012345678901234567890123456\r\n",
     AK_HTTP1_MAX_TRAILERS / 49, "\r\n", BODY_ERROR, "trailers of more than 32768"},
    {"fields of the trailers", OK_TE "0\r\n", "A: b\r\n", AK_HTTP1_MAX_FIELDS, "\r\n", BODY_ERROR,
     "more than 1000 fields in its trailers"},
};

static void
test_every_cap_holds_to_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
        const struct cap *row = &caps[i];
        print_message("  %s\n", row->what);
        struct ak_str fits = repeat(row->before, row->piece, row->count, row->after);
        struct record got = record_whole(fits, AK_HTTP1_OTHER);
        assert_int_equal(got.last, AK_HTTP1_END);
        free_record(&got);
        free((char *)fits.ptr);
        struct ak_str over = repeat(row->before, row->piece, row->count + 1, row->after);
        got = record_whole(over, AK_HTTP1_OTHER);
        assert_int_equal(got.last, AK_HTTP1_FAILED);
        assert_int_equal(got.err.status, row->status);
        assert_non_null(strstr(got.err.message, row->says));
        size_t *cuts = cut_everywhere(over.len);
        assert_same_when_cut(over, AK_HTTP1_OTHER, cuts, over.len, READ_BODY);
        free(cuts);
        free_record(&got);
        free((char *)over.ptr);
    }
}

/* BEFORE, a field that fills SIZE bytes with folded lines, and an empty line;
 * the caller frees it. */
static struct ak_str
fill_section(const char *before, size_t size)
{
    static const char folded[] = " 234567890\r\n";
    const size_t line = sizeof(folded) - 1;
    const size_t field = strlen("A:\r\n");
    char last[2 * sizeof(folded) + 4] = " ";
    size_t count = (size - field) / line - 1;
    size_t left = size - field - count * line;
    memset(last + 1, 'x', left - 3);
    memcpy(last + left - 2, "\r\n\r\n", 4);
    char start[100];
    snprintf(start, sizeof(start), "%sA:\r\n", before);
    return repeat(start, folded, count, last);
}

static void
test_heads_and_trailers_may_fill_their_cap(void **state)
{
    (void)state;
    const struct {
        const char *before;
        size_t size;
    } sections[] = {
        {OK, AK_HTTP1_MAX_HEAD - strlen(OK) - strlen("\r\n")},
        {OK_TE "0\r\n", AK_HTTP1_MAX_TRAILERS},
    };
    for (size_t i = 0; i < 2; i++) {
        for (size_t extra = 0; extra < 2; extra++) {
            struct ak_str text = fill_section(sections[i].before, sections[i].size + extra);
            struct record got = record_whole(text, AK_HTTP1_OTHER);
            assert_int_equal(got.last, extra == 0 ? AK_HTTP1_END : AK_HTTP1_FAILED);
            free_record(&got);
            free((char *)text.ptr);
        }
    }
}

static void
test_endless_lines_are_refused_before_their_end(void **state)
{
    (void)state;
    static const char *const before[] = {"HTTP/1.1 200 ", OK "A: b", OK_TE "1;", OK_TE "0\r\nA: b"};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct ak_str text = repeat(before[i], "x", AK_HTTP1_MAX_LINE, "");
        struct record got = record_whole(text, AK_HTTP1_OTHER);
        assert_int_equal(got.last, AK_HTTP1_FAILED);
        assert_non_null(strstr(got.err.message, "line of more than"));
        free_record(&got);
        free((char *)text.ptr);
    }
}

static void
test_the_quoted_beginning_is_short_and_safe(void **state)
{
    (void)state;
    struct ak_str text = repeat("", "\x1b'\xff\\x", 30, "\r\n");
    struct record got = record_whole(text, AK_HTTP1_OTHER);
    assert_string_equal(got.err.message,
                        "the server's answer begins with '"
                        "\\x1b\\x27\\xff\\x5cx\\x1b\\x27\\xff\\x5cx\\x1b\\x27\\xff\\x5cx"
                        "\\x1b\\x27\\xff\\x5cx\\x1b\\x27\\xff\\x5cx\\x1b\\x27\\xff\\x5cx"
                        "\\x1b\\x27\\xff\\x5cx\\x1b\\x27\\xff\\x5cx...': that is not HTTP");
    free_record(&got);
    free((char *)text.ptr);
}

static void
test_end_and_failure_repeat_and_take_nothing(void **state)
{
    (void)state;
    struct ak_http1_reader reader;
    size_t used;
    struct ak_str body;
    struct ak_err err;
    ak_http1_reader_init(&reader, AK_HTTP1_HEAD);
    struct ak_str input = AK_STR(OK "\r\n");
    assert_int_equal(ak_http1_read(&reader, input, &used, &body, &err), AK_HTTP1_HEAD_DONE);
    assert_int_equal(used, input.len);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ak_http1_read(&reader, AK_STR("more"), &used, &body, &err), AK_HTTP1_END);
        assert_int_equal(used, 0);
        assert_int_equal(ak_http1_read_eof(&reader, &err), AK_HTTP1_END);
    }
    ak_http1_reader_free(&reader);

    ak_http1_reader_init(&reader, AK_HTTP1_OTHER);
    assert_int_equal(ak_http1_read(&reader, AK_STR("junk\n"), &used, &body, NULL), AK_HTTP1_FAILED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ak_http1_read(&reader, input, &used, &body, &err), AK_HTTP1_FAILED);
        assert_int_equal(used, 0);
        assert_int_equal(err.status, AK_CONNECT_FAILED);
        assert_int_equal(ak_http1_read_eof(&reader, &err), AK_HTTP1_FAILED);
        assert_int_equal(err.status, AK_CONNECT_FAILED);
    }
    ak_http1_reader_free(&reader);
}

static void
test_an_input_of_nothing_asks_for_more(void **state)
{
    (void)state;
    struct ak_http1_reader reader;
    size_t used = 1;
    struct ak_str body;
    struct ak_str nothing = {NULL, 0};
    ak_http1_reader_init(&reader, AK_HTTP1_OTHER);
    assert_int_equal(ak_http1_read(&reader, nothing, &used, &body, NULL), AK_HTTP1_NEED_DATA);
    assert_int_equal(used, 0);
    ak_http1_reader_free(&reader);
}

static void
test_fields_are_walked_and_found(void **state)
{
    (void)state;
    struct ak_str head = AK_STR("HTTP/1.1 200 a: b\r\nA:\t1 \r\nB:2:3\r\na: 4\r\nC:\r\n");
    static const char *const expected[][2] = {{"A", "1"}, {"B", "2:3"}, {"a", "4"}, {"C", ""}};
    size_t offset = 0;
    struct ak_str name;
    struct ak_str value;
    for (size_t i = 0; i < 4; i++) {
        assert_true(ak_http1_next_field(head, &offset, &name, &value));
        assert_bytes(name, expected[i][0]);
        assert_bytes(value, expected[i][1]);
    }
    assert_false(ak_http1_next_field(head, &offset, &name, &value));
    assert_true(ak_http1_find_field(head, AK_STR("a"), &value));
    assert_bytes(value, "1");
    assert_true(ak_http1_find_field(head, AK_STR("c"), &value));
    assert_bytes(value, "");
    assert_false(ak_http1_find_field(head, AK_STR("D"), &value));
    assert_int_equal(value.len, 0);
    assert_false(ak_http1_find_field(AK_STR("HTTP/1.1 200\r\n"), AK_STR("A"), &value));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_answers_are_read),
        cmocka_unit_test(test_bad_answers_are_refused_and_the_error_says_why),
        cmocka_unit_test(test_every_split_says_the_same),
        cmocka_unit_test(test_a_cut_answer_is_never_whole),
        cmocka_unit_test(test_no_memory_is_told_at_every_allocation),
        cmocka_unit_test(test_the_usual_answer_takes_one_allocation),
        cmocka_unit_test(test_every_cap_holds_to_the_byte),
        cmocka_unit_test(test_heads_and_trailers_may_fill_their_cap),
        cmocka_unit_test(test_endless_lines_are_refused_before_their_end),
        cmocka_unit_test(test_the_quoted_beginning_is_short_and_safe),
        cmocka_unit_test(test_end_and_failure_repeat_and_take_nothing),
        cmocka_unit_test(test_an_input_of_nothing_asks_for_more),
        cmocka_unit_test(test_fields_are_walked_and_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
