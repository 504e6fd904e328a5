/* tsan */
/* The body of a request: at once and in pieces, against an early answer, and while
 * a large answer comes back. */
#include "exchange_client.h"
#include "net/exchange.h"

enum { LARGE = 4 * 1024 * 1024 };

/* ---- bodies of requests ---- */

static void
echo_sized(struct loopback *server, int fd, int number)
{
    (void)number;
    while (read_request(server, fd) && read_bytes(fd, server->received, 11)) {
        write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
        write_bytes(fd, server->received, 11);
    }
}

static void
test_a_body_of_known_length_goes_out_as_it_is(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, echo_sized, 4);
    struct ask ask = {.head = "PUT / HTTP/1.1\r\nContent-Length: 11\r\n\r\n",
                      .body = AK_STR("hello world")};
    assert_answers(&world, ask, 200, ask.body);
    ask.kind = AK_BODY_SIZED;
    for (size_t piece = 0; piece <= 11; piece++) {
        ask.piece = piece;
        assert_answers(&world, ask, 200, ask.body);
    }
    assert_int_equal(atomic_load(&world.server.accepted), 1);
    end_world(&world);
}

static void
keep_chunks(struct loopback *server, int fd, int number)
{
    (void)number;
    while (read_request(server, fd) && read_until(server, fd, "0\r\n\r\n")) {
        write_text(fd, OK_2);
    }
}

static void
test_a_body_of_unknown_length_goes_out_in_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t piece;
        const char *wire;
    } cases[] = {
        {"hello world", 5, "5\r\nhello\r\n5\r\n worl\r\n1\r\nd\r\n0\r\n\r\n"},
        {"hello world", 0, "b\r\nhello world\r\n0\r\n\r\n"},
        {"", 0, "0\r\n\r\n"},
    };
    struct world world;
    make_world(&world, keep_chunks, 4);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct ask ask = {.head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                          .body = ak_str_from(cases[i].body),
                          .piece = cases[i].piece,
                          .kind = AK_BODY_CHUNKED};
        assert_answers(&world, ask, 200, AK_STR("ok"));
        assert_string_equal(world.server.received, cases[i].wire);
    }
    assert_int_equal(atomic_load(&world.server.accepted), 1);
    end_world(&world);
}

/* ---- answers that come early ---- */

#define TOO_LARGE_413 "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"

static void
refuse_and_stay(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd) && write_text(fd, TOO_LARGE_413)) {
        wait_for(&server->go);
    }
}

static void
refuse_and_close(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, TOO_LARGE_413);
    }
}

static void
test_an_early_answer_ends_the_sending(void **state)
{
    (void)state;
    struct ak_str noise = make_noise(8 * LARGE);
    static const enum ak_body_kind kinds[] = {AK_BODY_READY, AK_BODY_SIZED, AK_BODY_CHUNKED};
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        struct world world;
        struct ask ask = {.body = noise, .piece = 100 * 1000, .kind = kinds[i]};
        make_world(&world, refuse_and_stay, 4);
        assert_answers(&world, ask, 413, AK_STR("big"));
        sem_post(&world.server.go);
        wait_for(&world.server.closed);
        /* With the body half sent nothing else can follow on it. */
        sem_post(&world.server.go);
        assert_answers(&world, ask, 413, AK_STR("big"));
        assert_int_equal(atomic_load(&world.server.accepted), 2);
        end_world(&world);
        make_world(&world, refuse_and_close, 4);
        assert_answers(&world, ask, 413, AK_STR("big"));
        end_world(&world);
    }
    free((char *)noise.ptr);
}

static struct ak_str large;

/* Writes all of its answer before it reads any of the request's body. */
static void
answer_large_first(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
        write_bytes(fd, large.ptr, large.len);
        await_close(fd);
    }
}

static void
test_two_full_buffers_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct world world;
    large = make_noise(LARGE);
    make_world(&world, answer_large_first, 4);
    struct ak_str body = make_noise(8 * LARGE);
    assert_answers(&world, (struct ask){.body = body}, 200, large);
    assert_answers(&world, (struct ask){.body = body, .sink = AK_SINK_OFFERED}, 200, large);
    end_world(&world);
    free((char *)body.ptr);
    free((char *)large.ptr);
}

static void
read_all_then_echo(struct loopback *server, int fd, int number)
{
    (void)number;
    char *body = malloc(LARGE);
    while (read_request(server, fd) && read_bytes(fd, body, LARGE)) {
        write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
        write_bytes(fd, body, LARGE);
    }
    free(body);
}

static void
test_large_bodies_go_both_ways_on_one_connection(void **state)
{
    (void)state;
    struct world world;
    struct ak_str body = make_noise(LARGE);
    make_world(&world, read_all_then_echo, 4);
    for (int i = 0; i < 3; i++) {
        assert_answers(&world, (struct ask){.body = body}, 200, body);
        struct ask pieces = {.body = body, .kind = AK_BODY_SIZED, .piece = 70001};
        assert_answers(&world, pieces, 200, body);
    }
    assert_int_equal(atomic_load(&world.server.accepted), 1);
    end_world(&world);
    free((char *)body.ptr);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_of_known_length_goes_out_as_it_is),
        cmocka_unit_test(test_a_body_of_unknown_length_goes_out_in_chunks),
        cmocka_unit_test(test_an_early_answer_ends_the_sending),
        cmocka_unit_test(test_two_full_buffers_do_not_wait_for_each_other),
        cmocka_unit_test(test_large_bodies_go_both_ways_on_one_connection),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
