/* tsan */
/* Many threads on one pool, and every allocation of an exchange failing once. */
#include "exchange_client.h"

#include "net/exchange.h"

enum { THREADS = 8, EXCHANGES = 300, SLOTS = 5 };

/* ---- threads ---- */

/* Says back what the request's head says, in chunks for an odd number; drops the
 * connection before one request in 29 and behind one answer in 17. */
static void
echo_token(struct loopback *server, int fd, int number)
{
    for (int i = 1;; i++) {
        char head[128], token[17], answer[256];
        size_t len = 0;
        while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
            if (len == sizeof(head) - 1 || !read_bytes(fd, head + len, 1)) {
                return;
            }
            len++;
        }
        head[len] = '\0';
        if (sscanf(head, "GET /%16s", token) != 1 || (i + number) % 29 == 0) {
            return;
        }
        atomic_fetch_add(&server->requests, 1);
        const char *chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "%zx\r\n%s\r\n0\r\n\r\n";
        const char *sized = "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s";
        snprintf(answer, sizeof(answer), i % 2 == 0 ? sized : chunked, strlen(token), token);
        if (!write_text(fd, answer) || (i + number) % 17 == 0) {
            return;
        }
    }
}

struct worker {
    struct world *world;
    pthread_t thread;
    int number;
    int right, wrong, failed; /* answers */
};

static void *
ask_and_compare(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < EXCHANGES; i++) {
        char head[128], token[17];
        struct answer answer;
        snprintf(token, sizeof(token), "w%di%d", worker->number, i);
        snprintf(head, sizeof(head), "GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", token);
        struct ask ask = {.head = head,
                          .resend = AK_RESEND_IF_STALE,
                          .delivery = i % 3 == 0 ? AK_DELIVER_PIECES : AK_DELIVER_WHOLE};
        perform(worker->world, &ask, &answer);
        if (answer.last == AK_STEP_FAILED) {
            worker->failed++;
        } else if (answer.status == 200 &&
                   ak_str_equal(ak_buf_str(&answer.body), ak_str_from(token))) {
            worker->right++;
        } else {
            worker->wrong++;
        }
        free_answer(&answer);
    }
    return NULL;
}

/* A request fails only if its fresh connection, too, is dropped: of those the
 * first request is one in 29 at most. */
static void
test_no_answer_crosses_between_threads(void **state)
{
    (void)state;
    int before = count_descriptors();
    struct world world;
    struct worker workers[THREADS];
    int failed = 0;
    make_world(&world, echo_token, SLOTS);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.world = &world, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, ask_and_compare, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].right + workers[i].failed, EXCHANGES);
        failed += workers[i].failed;
    }
    int accepted = atomic_load(&world.server.accepted);
    assert_true(failed <= accepted / 29 + 1);
    assert_true(accepted > SLOTS && accepted < THREADS * EXCHANGES / 4);
    assert_true(ak_pool_count(world.pool) <= SLOTS);
    end_world(&world);
    assert_int_equal(count_descriptors(), before);
}

/* ---- no memory ---- */

/* "body" by zlib in raw deflate: a stored block. */
#define PACKED                                                                                     \
    "\x01\x04\x00\xfb\xff"                                                                         \
    "body"

static void
answer_packed(struct loopback *server, int fd, int number)
{
    (void)number;
    static const char answer[] = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Encoding: deflate\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n9\r\n" PACKED "\r\n0\r\n\r\n";
    while (read_request(server, fd) && read_until(server, fd, "0\r\n\r\n") &&
           write_bytes(fd, answer, sizeof(answer) - 1)) {
    }
}

static void
answer_plain(struct loopback *server, int fd, int number)
{
    (void)number;
    while (read_request(server, fd)) {
        write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        pause_script(1); /* so that the body is read by itself */
        write_text(fd, "body");
    }
}

/* Let the COUNTDOWNth allocation of an exchange on a new pool fail: false when
 * there are not so many. */
static bool
fail_once(struct world *world, const struct ask *ask, unsigned long countdown)
{
    struct answer answer;
    struct ak_pool *kept = world->pool;
    ak_alloc_fail_at(countdown);
    world->pool = ak_pool_new(2);
    bool has_pool = world->pool != NULL;
    if (has_pool) {
        perform(world, ask, &answer);
    }
    bool failed = ak_alloc_count() >= countdown;
    ak_alloc_fail_at(0);
    if (has_pool && failed) {
        assert_int_equal(answer.last, AK_STEP_FAILED);
        assert_int_equal(answer.err.status, AK_NO_MEMORY);
        free_answer(&answer);
        assert_true(ak_pool_count(world->pool) <= 1);
        perform(world, ask, &answer); /* the pool serves the next */
    }
    if (has_pool) {
        assert_answer(&answer, 200, AK_STR("body"));
        ak_pool_unref(world->pool);
    }
    world->pool = kept;
    return failed;
}

static void
check_no_memory(loopback_script script, struct ask ask, unsigned long least)
{
    int before = count_descriptors();
    struct world world;
    unsigned long countdown = 1;
    make_world(&world, script, 2);
    while (fail_once(&world, &ask, countdown)) {
        countdown++;
    }
    assert_true(countdown > least);
    end_world(&world);
    assert_int_equal(count_descriptors(), before);
}

static void
test_each_allocation_that_fails_is_told_and_leaves_the_pool_usable(void **state)
{
    (void)state;
    struct ask upload = {.head = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                         .body = AK_STR("some pieces"),
                         .piece = 4,
                         .kind = AK_BODY_CHUNKED,
                         .resend = AK_RESEND_IF_STALE};
    /* Pool, slot, its input, endpoint, URL, piece, head, codings, decoder, its
     * state, body. */
    check_no_memory(answer_packed, upload, 10);
    upload.delivery = AK_DELIVER_PIECES;
    check_no_memory(answer_packed, upload, 10);
    check_no_memory(answer_plain, (struct ask){.resend = AK_RESEND_IF_STALE}, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_answer_crosses_between_threads),
        cmocka_unit_test(test_each_allocation_that_fails_is_told_and_leaves_the_pool_usable),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
