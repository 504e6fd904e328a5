/* tsan */
/* The exchange's bounds on time, in each of its phases. */
#include "net/exchange.h"
#include "stalling_servers.h"

static struct ask
within(int64_t read)
{
    return (struct ask){.bounds.read = read};
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
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
