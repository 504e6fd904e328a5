/* tsan */
/* Connections that cannot be had, and exchanges that are given up anywhere without
 * a trace. */
#include "net/exchange.h"
#include "stalling_servers.h"

/* ---- no connection ---- */

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
        cmocka_unit_test(test_a_connection_that_does_not_come_is_bounded),
        cmocka_unit_test(test_a_refused_connection_and_an_unknown_name_say_where),
        cmocka_unit_test(test_a_busy_and_a_closed_pool_are_told_apart),
        cmocka_unit_test(test_giving_up_in_any_phase_leaves_no_descriptor),
        cmocka_unit_test(test_an_exchange_that_never_began_takes_nothing),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
