/* tsan */
/* The exchange with a scripted server: which connection is kept, what is sent
 * again, and where a body ends. */
#include "exchange_client.h"
#include "net/exchange.h"

/* ---- keeping connections ---- */

static void
answer_ok(struct loopback *server, int fd, int number)
{
    (void)number;
    while (read_request(server, fd) && write_text(fd, OK_2)) {
    }
}

static void
test_one_connection_serves_one_exchange_after_the_other(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, answer_ok, 4);
    for (int i = 0; i < 5; i++) {
        assert_answers(&world, (struct ask){0}, 200, AK_STR("ok"));
    }
    assert_int_equal(atomic_load(&world.server.accepted), 1);
    assert_int_equal(atomic_load(&world.server.requests), 5);
    end_world(&world);
}

static void
close_after_first(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, OK_2);
    }
}

static void
test_a_connection_closed_while_idle_is_not_used(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, close_after_first, 4);
    for (int i = 1; i <= 3; i++) {
        assert_answers(&world, (struct ask){.resend = AK_RESEND_NEVER}, 200, AK_STR("ok"));
        wait_for(&world.server.closed);
        assert_int_equal(atomic_load(&world.server.requests), i);
    }
    end_world(&world);
}

static void
drop_second(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd) && write_text(fd, OK_2)) {
        (void)read_request(server, fd);
    }
}

static void
reset_second(struct loopback *server, int fd, int number)
{
    drop_second(server, fd, number);
    reset_at_close(fd);
}

/* The connection dies with the second request read and nothing answered. */
static void
check_stale(loopback_script script)
{
    struct world world;
    make_world(&world, script, 4);
    struct ask again = {.resend = AK_RESEND_IF_STALE}, never = {.resend = AK_RESEND_NEVER};
    assert_answers(&world, again, 200, AK_STR("ok"));
    assert_answers(&world, again, 200, AK_STR("ok"));
    assert_int_equal(atomic_load(&world.server.requests), 3);
    assert_int_equal(atomic_load(&world.server.accepted), 2);
    assert_fails(&world, never, AK_CONNECT_FAILED, "");
    assert_int_equal(atomic_load(&world.server.requests), 4);
    assert_int_equal(atomic_load(&world.server.accepted), 2);
    end_world(&world);
}

static void
test_only_what_is_idempotent_is_sent_again_over_a_stale_connection(void **state)
{
    (void)state;
    check_stale(drop_second);
    check_stale(reset_second);
}

static void
drop_all_but_first(struct loopback *server, int fd, int number)
{
    if (number == 0) {
        drop_second(server, fd, number);
    } else {
        (void)read_request(server, fd);
    }
}

static void
test_it_is_sent_again_once_and_never_over_a_new_connection(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, drop_all_but_first, 4);
    struct ask again = {.resend = AK_RESEND_IF_STALE};
    assert_answers(&world, again, 200, AK_STR("ok"));
    assert_fails(&world, again, AK_CONNECT_FAILED, "");
    assert_int_equal(atomic_load(&world.server.requests), 3);
    assert_fails(&world, again, AK_CONNECT_FAILED, "");
    assert_int_equal(atomic_load(&world.server.requests), 4);
    end_world(&world);
}

static void
cut_second_in_its_head(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd) && write_text(fd, OK_2) && read_request(server, fd)) {
        write_text(fd, "HTTP/1.1 2");
    }
}

static void
test_one_byte_of_an_answer_forbids_to_send_again(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, cut_second_in_its_head, 4);
    struct ask again = {.resend = AK_RESEND_IF_STALE};
    assert_answers(&world, again, 200, AK_STR("ok"));
    assert_fails(&world, again, AK_CONNECT_FAILED, "");
    assert_int_equal(atomic_load(&world.server.requests), 2);
    end_world(&world);
}

static void
test_pieces_that_were_taken_forbid_to_send_again(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, drop_second, 4);
    struct ask put = {.head = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                      .body = AK_STR("body"),
                      .kind = AK_BODY_CHUNKED,
                      .resend = AK_RESEND_IF_STALE};
    assert_answers(&world, (struct ask){0}, 200, AK_STR("ok"));
    assert_fails(&world, put, AK_CONNECT_FAILED, "");
    assert_int_equal(atomic_load(&world.server.requests), 2);
    end_world(&world);
}

static void
say_too_much(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
        await_close(fd);
    }
}

static void
say_more_when_told(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd) && write_text(fd, OK_2)) {
        wait_for(&server->go);
        write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
        sem_post(&server->reached);
        await_close(fd);
    }
}

static void
test_bytes_beyond_an_answer_never_become_the_next_one(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, say_too_much, 4);
    for (int i = 1; i <= 3; i++) {
        assert_answers(&world, (struct ask){0}, 200, AK_STR("ok"));
        wait_for(&world.server.closed);
        assert_int_equal(atomic_load(&world.server.accepted), i);
    }
    end_world(&world);
    make_world(&world, say_more_when_told, 4);
    for (int i = 1; i <= 3; i++) {
        assert_answers(&world, (struct ask){0}, 200, AK_STR("ok"));
        sem_post(&world.server.go);
        wait_for(&world.server.reached);
        assert_int_equal(atomic_load(&world.server.accepted), i);
    }
    end_world(&world);
}

/* ---- answers without a body, and of every framing ---- */

struct row {
    const char *answer;
    enum ak_http1_method method;
    int status;
    const char *body;
    bool kept;
};

static const struct row rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", AK_HTTP1_HEAD, 200, "", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", AK_HTTP1_HEAD, 200, "", true},
    {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n", AK_HTTP1_HEAD, 200,
     "", true},
    {"HTTP/1.1 204 No Content\r\n\r\n", AK_HTTP1_OTHER, 204, "", true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", AK_HTTP1_OTHER, 304, "", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", AK_HTTP1_OTHER, 200, "", true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Encoding: gzip\r\n\r\n", AK_HTTP1_OTHER, 200,
     "", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", AK_HTTP1_OTHER,
     200, "ok", true},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK_2, AK_HTTP1_OTHER, 200, "ok", true},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", AK_HTTP1_OTHER, 200,
     "ok", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", AK_HTTP1_OTHER, 200, "ok", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", AK_HTTP1_HEAD, 200, "", false},
    {"HTTP/1.1 204 No Content\r\n\r\nbody", AK_HTTP1_OTHER, 204, "", false},
};

static const struct row *current_row;

static void
answer_row(struct loopback *server, int fd, int number)
{
    (void)number;
    while (read_request(server, fd) && write_text(fd, current_row->answer)) {
    }
}

static void
test_each_framing_gives_its_body_and_says_what_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world;
        current_row = &rows[i];
        make_world(&world, answer_row, 4);
        struct ask ask = {.method = rows[i].method};
        assert_answers(&world, ask, rows[i].status, ak_str_from(rows[i].body));
        ask.delivery = AK_DELIVER_PIECES;
        assert_answers(&world, ask, rows[i].status, ak_str_from(rows[i].body));
        assert_int_equal(atomic_load(&world.server.accepted), rows[i].kept ? 1 : 2);
        end_world(&world);
    }
}

static void
answer_until_close(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    }
}

static void
test_the_end_of_the_connection_may_end_a_body(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, answer_until_close, 4);
    assert_answers(&world, (struct ask){0}, 200, AK_STR("until the end"));
    assert_answers(&world, (struct ask){.delivery = AK_DELIVER_PIECES}, 200,
                   AK_STR("until the end"));
    assert_int_equal(atomic_load(&world.server.accepted), 2);
    end_world(&world);
}

static const char *cut_answer;

static void
answer_cut(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, cut_answer);
    }
}

static void
test_the_end_of_the_connection_ends_no_other_body(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum ak_status status;
    } cuts[] = {
        {"", AK_CONNECT_FAILED},
        {"HTTP/1.1 200 OK\r\n", AK_CONNECT_FAILED},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", AK_BAD_CHUNK},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", AK_BAD_CHUNK},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", AK_BAD_CHUNK},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b", AK_BAD_CODING},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: exi\r\n\r\n", AK_BAD_CODING},
    };
    for (size_t i = 0; i < LENGTH(cuts); i++) {
        struct world world;
        cut_answer = cuts[i].answer;
        make_world(&world, answer_cut, 4);
        assert_fails(&world, (struct ask){0}, cuts[i].status, "");
        assert_fails(&world, (struct ask){.delivery = AK_DELIVER_PIECES}, cuts[i].status, "");
        end_world(&world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_serves_one_exchange_after_the_other),
        cmocka_unit_test(test_a_connection_closed_while_idle_is_not_used),
        cmocka_unit_test(test_only_what_is_idempotent_is_sent_again_over_a_stale_connection),
        cmocka_unit_test(test_it_is_sent_again_once_and_never_over_a_new_connection),
        cmocka_unit_test(test_one_byte_of_an_answer_forbids_to_send_again),
        cmocka_unit_test(test_pieces_that_were_taken_forbid_to_send_again),
        cmocka_unit_test(test_bytes_beyond_an_answer_never_become_the_next_one),
        cmocka_unit_test(test_each_framing_gives_its_body_and_says_what_is_kept),
        cmocka_unit_test(test_the_end_of_the_connection_may_end_a_body),
        cmocka_unit_test(test_the_end_of_the_connection_ends_no_other_body),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
