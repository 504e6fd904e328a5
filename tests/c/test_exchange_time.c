/* tsan */
/* The exchange's bounds on time in each of its phases, connections that cannot be
 * had, and giving up anywhere without a trace. */
#include "exchange_client.h"

#include <fcntl.h>

#include "net/exchange.h"

enum { SHORT = 50 * MILLISECOND, BODY_SIZE = 64 * 1024 * 1024 };

static struct ask
within(int64_t read)
{
    return (struct ask){.bounds.read = read};
}

/* ---- scripts that stop somewhere ---- */

static const char *last_words;

static void
fall_silent(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, last_words);
        sem_post(&server->reached);
        await_close(fd);
    }
}

/* Reads nothing, not even the request. */
static void
ignore(struct loopback *server, int fd, int number)
{
    (void)fd;
    (void)number;
    sem_post(&server->reached);
    wait_for(&server->go);
}

static void
read_for_ever(struct loopback *server, int fd, int number)
{
    (void)server;
    (void)number;
    await_close(fd);
}

static void
write_for_ever(struct loopback *server, int fd, int number)
{
    (void)number;
    static const char zeros[64 * 1024];
    if (read_request(server, fd) && write_text(fd, "HTTP/1.1 200 OK\r\n\r\n")) {
        while (write_bytes(fd, zeros, sizeof(zeros))) {
        }
    }
}

/* A little at a time, as long as it is taken. */
static struct drip {
    const char *first, *then;
    int count, every_ms;
    const char *last;
} drip;

static void
drip_answer(struct loopback *server, int fd, int number)
{
    (void)number;
    if (!read_request(server, fd) || !write_text(fd, drip.first)) {
        return;
    }
    for (int i = 0; i < drip.count; i++) {
        pause_script(drip.every_ms);
        if (!write_text(fd, drip.then)) {
            return;
        }
    }
    write_text(fd, drip.last);
    await_close(fd);
}

/* ---- silence and slowness ---- */

static void
test_silence_in_the_head_or_the_body_is_a_read_timeout(void **state)
{
    (void)state;
    static const char *const words[] = {
        "",
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf",
    };
    for (size_t i = 0; i < LENGTH(words); i++) {
        struct world world;
        last_words = words[i];
        make_world(&world, fall_silent, 4);
        struct ask ask = within(SHORT);
        assert_fails(&world, ask, AK_READ_TIMEOUT, "read timeout 0.05 s");
        ask.sink = AK_SINK_OFFERED;
        ask.resend = AK_RESEND_IF_STALE;
        assert_fails(&world, ask, AK_READ_TIMEOUT, "raise timeout=");
        ask.delivery = AK_DELIVER_PIECES;
        assert_fails(&world, ask, AK_READ_TIMEOUT, "127.0.0.1:");
        for (int sent = 0; sent < 3; sent++) {
            wait_for(&world.server.reached);
        }
        assert_int_equal(atomic_load(&world.server.requests), 3);
        end_world(&world);
    }
}

static void
test_a_server_that_takes_no_more_of_the_request_is_a_read_timeout(void **state)
{
    (void)state;
    struct world world;
    struct ak_str body = make_noise(BODY_SIZE);
    make_world(&world, ignore, 4);
    struct ask ask = within(SHORT);
    ask.body = body;
    assert_fails(&world, ask, AK_READ_TIMEOUT, "took no more of the request");
    ask.kind = AK_BODY_CHUNKED;
    ask.piece = 100000;
    assert_fails(&world, ask, AK_READ_TIMEOUT, "took no more of the request");
    sem_post(&world.server.go);
    sem_post(&world.server.go);
    end_world(&world);
    free((char *)body.ptr);
}

static void
check_drip(struct drip how, struct ask ask, enum ak_status status)
{
    struct world world;
    drip = how;
    make_world(&world, drip_answer, 4);
    if (status != AK_OK) {
        assert_fails(&world, ask, status, "in time");
    } else {
        struct answer answer;
        perform(&world, &ask, &answer);
        assert_int_equal(answer.last, AK_STEP_DONE);
        assert_int_equal(answer.body.len, how.count * strlen(how.then));
        free_answer(&answer);
    }
    end_world(&world);
}

static void
test_a_head_that_drips_is_bounded_as_a_whole(void **state)
{
    (void)state;
    struct drip how = {"HTTP/1.1 200 OK\r\nX: ", "x", 1000, 10, "\r\n\r\n"};
    check_drip(how, within(SHORT), AK_READ_TIMEOUT);
}

static void
test_a_body_that_drips_is_too_slow_unless_taken_in_pieces(void **state)
{
    (void)state;
    const char length[] = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n";
    struct drip slow = {length, "x", 40, 30, ""};
    struct ask ask = within(600 * MILLISECOND);
    check_drip(slow, ask, AK_READ_TIMEOUT);
    ask.delivery = AK_DELIVER_PIECES;
    check_drip(slow, ask, AK_OK);
}

static void
test_a_body_that_comes_steadily_may_take_longer_than_the_read_timeout(void **state)
{
    (void)state;
    const char length[] = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n";
    struct drip steady = {length,
                          "0123456789012345678901234567890123456789"
                          "0123456789012345678901234567890123456789"
                          "01234567890123456789",
                          20, 50, ""};
    check_drip(steady, within(600 * MILLISECOND), AK_OK);
}

/* ---- the deadline ---- */

/* Step until PHASE. */
static void
step_to(struct ak_exchange *exchange, enum ak_phase phase)
{
    struct ak_err err;
    do {
        assert_int_equal(ak_exchange_step(exchange, ak_now() + MILLISECOND, &err), AK_STEP_WAIT);
    } while (exchange->phase != phase);
}

/* The deadline comes in PHASE, which is reached before it is set. */
static void
check_deadline(loopback_script script, struct ask ask, enum ak_phase phase, const char *says)
{
    struct world world;
    struct ak_exchange exchange;
    struct answer answer;
    make_world(&world, script, 4);
    begin(&world, &ask, &exchange);
    step_to(&exchange, phase);
    exchange.bounds.deadline = ak_now() + SHORT;
    finish(&exchange, &ask, &answer);
    assert_int_equal(answer.last, AK_STEP_FAILED);
    assert_int_equal(answer.err.status, AK_DEADLINE);
    assert_non_null(strstr(answer.err.message, says));
    free_answer(&answer);
    sem_post(&world.server.go);
    end_world(&world);
}

static void
test_the_deadline_ends_sending_waiting_and_reading(void **state)
{
    (void)state;
    struct ak_str body = make_noise(BODY_SIZE);
    check_deadline(ignore, (struct ask){.body = body}, AK_PHASE_SEND, "while sending to");
    last_words = "HTTP/1.1 200 OK\r\n";
    check_deadline(fall_silent, (struct ask){0}, AK_PHASE_HEAD, "while waiting for the answer of");
    last_words = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    check_deadline(fall_silent, (struct ask){0}, AK_PHASE_BODY, "while reading the answer of");
    free((char *)body.ptr);
}

/* Neither does a stream that never pauses hide it. */
static void
test_the_deadline_ends_a_flood_in_either_direction(void **state)
{
    (void)state;
    struct ask ask = {.bounds.max_body = SIZE_MAX / 4};
    check_deadline(write_for_ever, ask, AK_PHASE_BODY, "while reading the answer of");
    ask.delivery = AK_DELIVER_PIECES;
    struct world world;
    struct ak_exchange exchange;
    struct ak_err err;
    enum ak_step step;
    make_world(&world, write_for_ever, 4);
    ask.deadline_in = SHORT;
    begin(&world, &ask, &exchange);
    do {
        step = ak_exchange_step(&exchange, ak_now() + 100 * MILLISECOND, &err);
        ak_buf_clear(&exchange.body);
    } while (step != AK_STEP_FAILED);
    assert_int_equal(err.status, AK_DEADLINE);
    ak_exchange_free(&exchange);
    end_world(&world);
    static const char zeros[64 * 1024];
    struct ask upload = {.head = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                         .body = ak_str_of(zeros, sizeof(zeros)),
                         .kind = AK_BODY_CHUNKED};
    make_world(&world, read_for_ever, 4);
    upload.deadline_in = SHORT;
    begin(&world, &upload, &exchange);
    do {
        step = ak_exchange_step(&exchange, ak_now() + 100 * MILLISECOND, &err);
        if (step == AK_STEP_WANT_BODY) {
            assert_int_equal(ak_exchange_push_body(&exchange, upload.body, &err), AK_OK);
        }
    } while (step == AK_STEP_WANT_BODY || step == AK_STEP_WAIT);
    assert_int_equal(step, AK_STEP_FAILED);
    assert_int_equal(err.status, AK_DEADLINE);
    ak_exchange_free(&exchange);
    end_world(&world);
}

/* A caller can look at signals however fast the peer is. */
static void
test_a_step_ends_at_its_time_in_a_flood(void **state)
{
    (void)state;
    struct world world;
    struct ak_exchange exchange;
    struct ak_err err;
    enum ak_step step = AK_STEP_WAIT;
    struct ask ask = {.bounds.max_body = SIZE_MAX / 4};
    make_world(&world, write_for_ever, 4);
    begin(&world, &ask, &exchange);
    for (int i = 0; i < 10 && step == AK_STEP_WAIT; i++) {
        step = ak_exchange_step(&exchange, ak_now() + 5 * MILLISECOND, &err);
    }
    assert_int_equal(step, AK_STEP_WAIT);
    ak_exchange_free(&exchange);
    end_world(&world);
    struct ak_str body = make_noise(BODY_SIZE);
    ask.body = body;
    make_world(&world, read_for_ever, 4);
    begin(&world, &ask, &exchange);
    while (exchange.phase != AK_PHASE_SEND) {
        assert_int_equal(ak_exchange_step(&exchange, 0, &err), AK_STEP_WAIT);
    }
    assert_int_equal(ak_exchange_step(&exchange, 0, &err), AK_STEP_WAIT);
    assert_int_equal(exchange.phase, AK_PHASE_SEND);
    ak_exchange_free(&exchange);
    end_world(&world);
    free((char *)body.ptr);
}

/* ---- no connection ---- */

/* A listener that answers no more connections: its queue is full. */
struct full_listener {
    int listener, port, waiting[4];
};

static void
make_full_listener(struct full_listener *full)
{
    full->listener = listen_on_loopback(0, &full->port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)full->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < LENGTH(full->waiting); i++) {
        full->waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (i > 0) {
            fcntl(full->waiting[i], F_SETFL, O_NONBLOCK);
        }
        (void)!connect(full->waiting[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void
free_full_listener(struct full_listener *full)
{
    for (size_t i = 0; i < LENGTH(full->waiting); i++) {
        close(full->waiting[i]);
    }
    close(full->listener);
}

static void
test_a_connection_that_does_not_come_is_bounded(void **state)
{
    (void)state;
    struct world world;
    struct full_listener full;
    make_full_listener(&full);
    make_world(&world, read_for_ever, 4);
    world.endpoint.port = full.port;
    assert_fails(&world, (struct ask){.bounds.connect_ms = 50}, AK_CONNECT_TIMEOUT, "127.0.0.1");
    assert_fails(&world, (struct ask){.deadline_in = SHORT}, AK_DEADLINE, "while connecting to");
    free_full_listener(&full);
    end_world(&world);
}

static void
test_a_refused_connection_and_an_unknown_name_say_where(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, fall_silent, 4);
    last_words = OK_2;
    int port = world.endpoint.port;
    close(listen_on_loopback(1, &world.endpoint.port));
    assert_fails(&world, (struct ask){.resend = AK_RESEND_IF_STALE}, AK_NOT_CONNECTED, "127.0.0.1");
    world.endpoint.peer = AK_PEER_PROXY;
    assert_fails(&world, (struct ask){0}, AK_PROXY_FAILED, "127.0.0.1");
    world.endpoint.peer = AK_PEER_SERVER;
    /* A label of 64 letters: no resolver needs to ask anyone. */
    world.endpoint.host =
        AK_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid");
    assert_fails(&world, (struct ask){0}, AK_NOT_CONNECTED, "aaaa.invalid");
    /* The slot that failed serves the next. */
    world.endpoint.host = AK_STR("127.0.0.1");
    world.endpoint.port = port;
    assert_answers(&world, (struct ask){0}, 200, AK_STR("ok"));
    assert_int_equal(ak_pool_count(world.pool), 1);
    end_world(&world);
}

static void
test_a_busy_and_a_closed_pool_are_told_apart(void **state)
{
    (void)state;
    struct world world;
    struct ak_exchange holder;
    struct ak_err err;
    struct ask ask = {0};
    make_world(&world, fall_silent, 1);
    last_words = "";
    begin(&world, &ask, &holder);
    assert_int_equal(ak_exchange_step(&holder, ak_now() + SHORT, &err), AK_STEP_WAIT);
    assert_fails(&world, (struct ask){.bounds.pool_wait = SHORT}, AK_POOL_BUSY, "pool_timeout=");
    assert_fails(&world, (struct ask){.deadline_in = SHORT}, AK_DEADLINE,
                 "while waiting for a free connection");
    ak_pool_close(world.pool);
    assert_fails(&world, ask, AK_CLOSED, "closed");
    ak_exchange_free(&holder);
    assert_int_equal(ak_pool_count(world.pool), 0);
    end_world(&world);
}

/* ---- giving up ---- */

static void
test_giving_up_in_any_phase_leaves_no_descriptor(void **state)
{
    (void)state;
    static const struct {
        enum ak_phase phase;
        loopback_script script;
        const char *words;
    } cases[] = {
        {AK_PHASE_TAKE, ignore, ""},
        {AK_PHASE_CONNECT, ignore, ""},
        {AK_PHASE_SEND, ignore, ""},
        {AK_PHASE_HEAD, fall_silent, "HTTP/1.1 200"},
        {AK_PHASE_BODY, fall_silent, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b"},
    };
    struct ak_str body = make_noise(BODY_SIZE);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int before = count_descriptors();
        struct world world;
        struct full_listener full;
        struct ak_exchange holder, exchange;
        struct ask first = {0}, ask = {0};
        last_words = cases[i].words;
        make_full_listener(&full);
        make_world(&world, cases[i].script, 1);
        int port = world.endpoint.port;
        if (cases[i].phase == AK_PHASE_TAKE) {
            begin(&world, &first, &holder);
            step_to(&holder, AK_PHASE_HEAD);
        }
        if (cases[i].phase == AK_PHASE_CONNECT) {
            world.endpoint.port = full.port;
        }
        if (cases[i].phase == AK_PHASE_SEND) {
            ask.body = body;
        }
        begin(&world, &ask, &exchange);
        step_to(&exchange, cases[i].phase);
        ak_exchange_free(&exchange);
        ak_exchange_free(&exchange);
        if (cases[i].phase == AK_PHASE_TAKE) {
            ak_exchange_free(&holder);
        }
        assert_int_equal(ak_pool_count(world.pool), 1);
        world.endpoint.port = port;
        sem_post(&world.server.go);
        sem_post(&world.server.go);
        end_world(&world);
        free_full_listener(&full);
        assert_int_equal(count_descriptors(), before);
    }
    free((char *)body.ptr);
}

static void
test_an_exchange_that_never_began_takes_nothing(void **state)
{
    (void)state;
    struct world world;
    struct ak_exchange exchange;
    struct ask ask = {0};
    make_world(&world, ignore, 1);
    begin(&world, &ask, &exchange);
    ak_exchange_free(&exchange);
    assert_int_equal(ak_pool_count(world.pool), 0);
    assert_int_equal(atomic_load(&world.server.accepted), 0);
    end_world(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_in_the_head_or_the_body_is_a_read_timeout),
        cmocka_unit_test(test_a_server_that_takes_no_more_of_the_request_is_a_read_timeout),
        cmocka_unit_test(test_a_head_that_drips_is_bounded_as_a_whole),
        cmocka_unit_test(test_a_body_that_drips_is_too_slow_unless_taken_in_pieces),
        cmocka_unit_test(test_a_body_that_comes_steadily_may_take_longer_than_the_read_timeout),
        cmocka_unit_test(test_the_deadline_ends_sending_waiting_and_reading),
        cmocka_unit_test(test_the_deadline_ends_a_flood_in_either_direction),
        cmocka_unit_test(test_a_step_ends_at_its_time_in_a_flood),
        cmocka_unit_test(test_a_connection_that_does_not_come_is_bounded),
        cmocka_unit_test(test_a_refused_connection_and_an_unknown_name_say_where),
        cmocka_unit_test(test_a_busy_and_a_closed_pool_are_told_apart),
        cmocka_unit_test(test_giving_up_in_any_phase_leaves_no_descriptor),
        cmocka_unit_test(test_an_exchange_that_never_began_takes_nothing),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
