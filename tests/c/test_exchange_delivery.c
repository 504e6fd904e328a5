/* tsan */
/* How the body of an answer is handed over: into lent memory, in pieces, decoded,
 * and never beyond the cap. */
#include "exchange_client.h"

#include <zlib.h>

#include "net/exchange.h"

enum { LARGE = 4 * 1024 * 1024, BOMB = 8 * 1024 * 1024 };

static struct ak_str large;   /* what the scripts send */
static const char *framing;   /* the fields that go before it */
static size_t chunk_of_large; /* 0: not in chunks */

static void
write_large(int fd)
{
    char size[32];
    for (size_t at = 0; chunk_of_large != 0 && at < large.len;) {
        size_t left = large.len - at, len = left < chunk_of_large ? left : chunk_of_large;
        snprintf(size, sizeof(size), "%zx\r\n", len);
        if (!write_text(fd, size) || !write_bytes(fd, large.ptr + at, len) ||
            !write_text(fd, "\r\n")) {
            return;
        }
        at += len;
    }
    if (chunk_of_large != 0) {
        write_text(fd, "0\r\n\r\n");
    } else {
        write_bytes(fd, large.ptr, large.len);
    }
}

static void
answer_large(struct loopback *server, int fd, int number)
{
    (void)number;
    while (read_request(server, fd)) {
        char head[200];
        int len = chunk_of_large != 0 ? snprintf(head, sizeof(head),
                                                 "HTTP/1.1 200 OK\r\n%s"
                                                 "Transfer-Encoding: chunked\r\n\r\n",
                                                 framing)
                                      : snprintf(head, sizeof(head),
                                                 "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
                                                 framing, large.len);
        write_bytes(fd, head, (size_t)len);
        write_large(fd);
    }
}

static void
make_large_world(struct world *world, struct ak_str body, const char *fields, size_t chunk)
{
    large = body;
    framing = fields;
    chunk_of_large = chunk;
    make_world(world, answer_large, 4);
}

static void
end_large_world(struct world *world)
{
    end_world(world);
    free((char *)large.ptr);
}

static struct ak_str
pack_gzip(struct ak_str plain)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    size_t room = deflateBound(&stream, plain.len);
    char *out = malloc(room);
    assert_non_null(out);
    stream.next_in = (z_const Bytef *)plain.ptr;
    stream.avail_in = (uInt)plain.len;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t len = stream.total_out;
    deflateEnd(&stream);
    return ak_str_of(out, len);
}

/* ---- lent memory ---- */

static void
test_a_large_body_of_known_length_goes_to_lent_memory(void **state)
{
    (void)state;
    struct world world;
    make_large_world(&world, make_noise(LARGE), "", 0);
    for (int i = 0; i < 3; i++) {
        struct answer answer;
        perform(&world, &(struct ask){.sink = AK_SINK_OFFERED}, &answer);
        assert_int_equal(answer.sinks, 1);
        assert_answer(&answer, 200, large);
    }
    assert_int_equal(atomic_load(&world.server.accepted), 1);
    end_large_world(&world);
}

static void
test_without_memory_to_lend_the_body_is_kept_in_the_exchange(void **state)
{
    (void)state;
    struct world world;
    struct ak_exchange exchange;
    struct ask ask = {.sink = AK_SINK_OFFERED};
    struct answer answer;
    struct ak_err err;
    enum ak_step step;
    make_large_world(&world, make_noise(LARGE), "", 0);
    begin(&world, &ask, &exchange);
    do {
        step = ak_exchange_step(&exchange, ak_now() + 100 * MILLISECOND, &err);
    } while (step == AK_STEP_WAIT);
    assert_int_equal(step, AK_STEP_WANT_SINK);
    finish(&exchange, &ask, &answer);
    assert_int_equal(answer.sinks, 0);
    assert_answer(&answer, 200, large);
    end_large_world(&world);
}

static void
test_memory_is_asked_for_only_when_it_serves(void **state)
{
    (void)state;
    static const struct {
        size_t len, chunk;
        enum ak_delivery delivery;
        int sinks;
    } cases[] = {
        {64 * 1024, 0, AK_DELIVER_WHOLE, 1},  {64 * 1024 - 1, 0, AK_DELIVER_WHOLE, 0},
        {LARGE, 100000, AK_DELIVER_WHOLE, 0}, {LARGE, 0, AK_DELIVER_PIECES, 0},
        {LARGE, 1000, AK_DELIVER_PIECES, 0},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct world world;
        struct answer answer;
        make_large_world(&world, make_noise(cases[i].len), "", cases[i].chunk);
        perform(&world, &(struct ask){.delivery = cases[i].delivery, .sink = AK_SINK_OFFERED},
                &answer);
        assert_int_equal(answer.sinks, cases[i].sinks);
        assert_answer(&answer, 200, large);
        end_large_world(&world);
    }
}

/* ---- pieces ---- */

static void
test_pieces_are_bounded_and_come_after_the_head(void **state)
{
    (void)state;
    static const size_t chunks[] = {0, 1000, 100000, LARGE};
    for (size_t i = 0; i < LENGTH(chunks); i++) {
        struct world world;
        struct answer answer;
        make_large_world(&world, make_noise(LARGE), "", chunks[i]);
        for (int round = 0; round < 2; round++) {
            perform(&world, &(struct ask){.delivery = AK_DELIVER_PIECES}, &answer);
            assert_int_equal(answer.heads, 1);
            assert_true(answer.pieces >= LARGE / (64 * 1024));
            assert_true(answer.largest_piece <= 64 * 1024);
            assert_answer(&answer, 200, large);
        }
        assert_int_equal(atomic_load(&world.server.accepted), 1);
        end_large_world(&world);
    }
}

static void
test_a_bomb_in_pieces_comes_in_bounded_pieces(void **state)
{
    (void)state;
    struct world world;
    struct answer answer;
    char *zeros = calloc(1, BOMB);
    assert_non_null(zeros);
    make_large_world(&world, pack_gzip(ak_str_of(zeros, BOMB)), "Content-Encoding: gzip\r\n", 500);
    struct ask ask = {.delivery = AK_DELIVER_PIECES, .bounds.max_body = 1000};
    perform(&world, &ask, &answer);
    assert_true(answer.pieces >= BOMB / (64 * 1024));
    assert_true(answer.largest_piece <= 64 * 1024);
    assert_answer(&answer, 200, ak_str_of(zeros, BOMB));
    end_large_world(&world);
    free(zeros);
}

/* Sends for ever, and says when the client takes no more. */
static void
flood(struct loopback *server, int fd, int number)
{
    (void)number;
    static const char zeros[64 * 1024];
    bool told = false;
    if (!read_request(server, fd) || !write_text(fd, "HTTP/1.1 200 OK\r\n\r\n")) {
        return;
    }
    for (;;) {
        ssize_t put = send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno != EAGAIN) {
            return;
        }
        if (put < 0) {
            struct pollfd poller = {.fd = fd, .events = POLLOUT};
            if (!told) {
                sem_post(&server->reached);
            }
            told = true;
            poll(&poller, 1, -1);
        }
    }
}

static void
test_a_server_is_held_back_by_a_body_that_nobody_reads(void **state)
{
    (void)state;
    struct world world;
    struct ak_exchange exchange;
    struct ask ask = {.delivery = AK_DELIVER_PIECES};
    struct ak_err err;
    enum ak_step step;
    make_world(&world, flood, 4);
    begin(&world, &ask, &exchange);
    do {
        step = ak_exchange_step(&exchange, ak_now() + 100 * MILLISECOND, &err);
    } while (step == AK_STEP_WAIT);
    assert_int_equal(step, AK_STEP_HEAD);
    wait_for(&world.server.reached);
    /* A piece that nobody took is not added to. */
    for (int i = 0; i < 3; i++) {
        do {
            step = ak_exchange_step(&exchange, ak_now() + 100 * MILLISECOND, &err);
        } while (step == AK_STEP_WAIT);
        assert_int_equal(step, AK_STEP_DATA);
        assert_true(exchange.body.len <= 64 * 1024);
    }
    ak_exchange_free(&exchange);
    wait_for(&world.server.closed);
    end_world(&world);
}

static void
check_rest_whole(struct world *world, struct ask ask, enum ak_status status)
{
    struct ak_exchange exchange;
    struct answer answer;
    struct ak_err err;
    enum ak_step step;
    ask.delivery = AK_DELIVER_PIECES;
    begin(world, &ask, &exchange);
    do {
        step = ak_exchange_step(&exchange, ak_now() + 100 * MILLISECOND, &err);
    } while (step == AK_STEP_WAIT);
    assert_int_equal(step, AK_STEP_HEAD);
    assert_int_equal(exchange.reader.status, 200);
    ak_exchange_deliver_whole(&exchange);
    finish(&exchange, &ask, &answer);
    assert_int_equal(answer.pieces, 0);
    if (status == AK_OK) {
        assert_answer(&answer, 200, large);
        return;
    }
    assert_int_equal(answer.last, AK_STEP_FAILED);
    assert_int_equal(answer.err.status, status);
    free_answer(&answer);
}

static void
test_the_rest_can_be_taken_whole_after_the_head(void **state)
{
    (void)state;
    static const size_t chunks[] = {0, 1000};
    for (size_t i = 0; i < LENGTH(chunks); i++) {
        struct world world;
        make_large_world(&world, make_noise(LARGE), "", chunks[i]);
        check_rest_whole(&world, (struct ask){0}, AK_OK);
        check_rest_whole(&world, (struct ask){.bounds.max_body = LARGE}, AK_OK);
        assert_int_equal(atomic_load(&world.server.accepted), 1);
        check_rest_whole(&world, (struct ask){.bounds.max_body = LARGE - 1}, AK_TOO_LARGE);
        check_rest_whole(&world, (struct ask){.bounds.max_body = 1}, AK_TOO_LARGE);
        end_large_world(&world);
    }
}

/* ---- the cap ---- */

static void
test_a_body_over_the_cap_is_refused_in_every_framing(void **state)
{
    (void)state;
    static const size_t chunks[] = {0, 1000};
    for (size_t i = 0; i < LENGTH(chunks); i++) {
        struct world world;
        make_large_world(&world, make_noise(LARGE), "", chunks[i]);
        assert_answers(&world, (struct ask){.bounds.max_body = LARGE}, 200, large);
        struct ask over = {.bounds.max_body = LARGE - 1};
        assert_fails(&world, over, AK_TOO_LARGE, "max_body (4194303 bytes)");
        over.sink = AK_SINK_OFFERED;
        assert_fails(&world, over, AK_TOO_LARGE, "max_body (4194303 bytes)");
        /* The connection with the rest on it was dropped. */
        assert_answers(&world, (struct ask){0}, 200, large);
        assert_int_equal(atomic_load(&world.server.accepted), 3);
        end_large_world(&world);
    }
}

static void
test_what_is_decoded_counts_against_the_cap(void **state)
{
    (void)state;
    struct world world;
    char *zeros = calloc(1, BOMB);
    assert_non_null(zeros);
    make_large_world(&world, pack_gzip(ak_str_of(zeros, BOMB)), "Content-Encoding: gzip\r\n", 0);
    assert_answers(&world, (struct ask){.bounds.max_body = BOMB}, 200, ak_str_of(zeros, BOMB));
    assert_fails(&world, (struct ask){.bounds.max_body = BOMB - 1}, AK_TOO_LARGE, "decoded");
    end_large_world(&world);
    free(zeros);
}

/* Two fields of that name are one list (RFC 9110, 5.3). */
static void
test_codings_of_several_fields_are_joined(void **state)
{
    (void)state;
    struct world world;
    struct ak_str once = pack_gzip(AK_STR("body"));
    make_large_world(&world, pack_gzip(once),
                     "Content-Encoding: gzip\r\nX: y\r\ncontent-encoding: GZIP\r\n", 3);
    assert_answers(&world, (struct ask){0}, 200, AK_STR("body"));
    assert_answers(&world, (struct ask){.delivery = AK_DELIVER_PIECES}, 200, AK_STR("body"));
    end_large_world(&world);
    free((char *)once.ptr);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_body_of_known_length_goes_to_lent_memory),
        cmocka_unit_test(test_without_memory_to_lend_the_body_is_kept_in_the_exchange),
        cmocka_unit_test(test_memory_is_asked_for_only_when_it_serves),
        cmocka_unit_test(test_pieces_are_bounded_and_come_after_the_head),
        cmocka_unit_test(test_a_bomb_in_pieces_comes_in_bounded_pieces),
        cmocka_unit_test(test_a_server_is_held_back_by_a_body_that_nobody_reads),
        cmocka_unit_test(test_the_rest_can_be_taken_whole_after_the_head),
        cmocka_unit_test(test_a_body_over_the_cap_is_refused_in_every_framing),
        cmocka_unit_test(test_what_is_decoded_counts_against_the_cap),
        cmocka_unit_test(test_codings_of_several_fields_are_joined),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
