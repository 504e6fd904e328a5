/* tsan */
/* The pool: who gets which connection, who waits, and what a fork leaves. */
#define _GNU_SOURCE /* open file descriptors of a child */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "loopback.h"
#include "net/pool.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const int64_t second = 1000000000;

static void
stay_connected(struct loopback *server, int fd, int number)
{
    (void)server;
    (void)number;
    await_close(fd);
}

static void
stay_connected_and_say_so(struct loopback *server, int fd, int number)
{
    sem_post(&server->reached);
    stay_connected(server, fd, number);
}

/* A server and a pool of at most SLOTS connections. */
struct world {
    struct loopback server;
    struct ak_pool *pool;
    struct ak_endpoint endpoint;
};

static void
make_world_of(struct world *world, loopback_script script, size_t slots)
{
    start_loopback(&world->server, script);
    world->pool = ak_pool_new(slots);
    assert_non_null(world->pool);
    world->endpoint = (struct ak_endpoint){.host = AK_STR("127.0.0.1"), .port = world->server.port};
}

static void
make_world(struct world *world, size_t slots)
{
    make_world_of(world, stay_connected, slots);
}

static void
end_world(struct world *world)
{
    ak_pool_unref(world->pool);
    stop_loopback(&world->server);
}

static struct ak_slot *
take(struct world *world, const struct ak_endpoint *endpoint)
{
    struct ak_slot *slot;
    assert_int_equal(ak_pool_take(world->pool, endpoint, 0, &slot, NULL), AK_IO_DONE);
    return slot;
}

/* Connect SLOT to ENDPOINT, if it is not. */
static enum ak_io
connect_slot(struct ak_slot *slot, const struct ak_endpoint *endpoint)
{
    if (slot->fd != CURL_SOCKET_BAD) {
        return AK_IO_DONE;
    }
    if (ak_slot_connect(slot, endpoint, 5000, NULL) != AK_OK) {
        return AK_IO_FAILED;
    }
    return ak_slot_connect_step(slot, ak_now() + 10 * second, NULL);
}

static struct ak_slot *
take_connected(struct world *world, const struct ak_endpoint *endpoint)
{
    struct ak_slot *slot = take(world, endpoint);
    assert_int_equal(connect_slot(slot, endpoint), AK_IO_DONE);
    return slot;
}

/* ---- who gets which ---- */

static void
test_the_last_given_is_the_first_taken(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 4);
    struct ak_slot *slots[3];
    for (size_t i = 0; i < LENGTH(slots); i++) {
        slots[i] = take_connected(&world, &world.endpoint);
    }
    ak_pool_give(world.pool, slots[1]);
    ak_pool_give(world.pool, slots[0]);
    ak_pool_give(world.pool, slots[2]);
    assert_ptr_equal(take(&world, &world.endpoint), slots[2]);
    assert_ptr_equal(take(&world, &world.endpoint), slots[0]);
    assert_ptr_equal(take(&world, &world.endpoint), slots[1]);
    assert_int_equal(ak_pool_count(world.pool), 3);
    for (size_t i = 0; i < LENGTH(slots); i++) {
        assert_true(ak_slot_is_alive(slots[i]));
        ak_pool_give(world.pool, slots[i]);
    }
    end_world(&world);
}

/* Endpoints that differ from the first in one thing each. */
static size_t
other_endpoints(const struct ak_endpoint *first, struct ak_endpoint others[10])
{
    size_t count = 0;
    for (; count < 10; count++) {
        others[count] = *first;
    }
    others[0].scheme = AK_HTTPS;
    others[1].peer = AK_PEER_PROXY;
    others[2].host = AK_STR("127.0.0.2");
    others[3].port++;
    others[4].proxy = AK_STR("http://user:one@127.0.0.1:3128");
    others[5].tls.verify = AK_VERIFY_PEER;
    others[6].tls.ca_file = AK_STR("a.pem");
    others[7].tls.ca_path = AK_STR("certs");
    others[8].tls.cert = AK_STR("cert.pem");
    others[9].tls.key = AK_STR("key.pem");
    return count;
}

static void
test_endpoints_are_equal_only_in_everything(void **state)
{
    (void)state;
    struct ak_endpoint first = {.host = AK_STR("127.0.0.1"), .port = 80}, others[10];
    size_t count = other_endpoints(&first, others);
    char host[] = "127.0.0.1";
    struct ak_endpoint copy = {.host = ak_str_of(host, strlen(host)), .port = 80};
    assert_true(ak_endpoint_equal(&first, &copy));
    for (size_t i = 0; i < count; i++) {
        assert_false(ak_endpoint_equal(&first, &others[i]));
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(ak_endpoint_equal(&others[i], &others[j]), i == j);
        }
    }
    struct ak_endpoint other_password = others[4];
    other_password.proxy = AK_STR("http://user:two@127.0.0.1:3128");
    assert_false(ak_endpoint_equal(&others[4], &other_password));
}

static void
test_a_connection_is_used_again_only_by_an_equal_endpoint(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    struct ak_endpoint others[10];
    size_t count = other_endpoints(&world.endpoint, others);
    for (size_t i = 0; i < count; i++) {
        struct ak_slot *slot = take_connected(&world, &world.endpoint);
        ak_pool_give(world.pool, slot);
        assert_ptr_equal(take(&world, &world.endpoint), slot);
        assert_true(slot->fd != CURL_SOCKET_BAD);
        ak_pool_give(world.pool, slot);
        /* The only slot there may be: its connection is closed. */
        assert_ptr_equal(take(&world, &others[i]), slot);
        assert_int_equal(slot->fd, CURL_SOCKET_BAD);
        wait_for(&world.server.closed);
        ak_pool_give(world.pool, slot);
    }
    assert_int_equal(atomic_load(&world.server.accepted), (int)count);
    end_world(&world);
}

static void
test_the_coldest_of_the_others_makes_room_and_only_when_there_is_none(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 4);
    struct ak_endpoint others[10];
    other_endpoints(&world.endpoint, others);
    struct ak_slot *slots[3];
    for (size_t i = 0; i < LENGTH(slots); i++) {
        slots[i] = take_connected(&world, &world.endpoint);
    }
    ak_pool_give(world.pool, slots[1]); /* the coldest */
    ak_pool_give(world.pool, slots[0]);
    ak_pool_give(world.pool, slots[2]);
    struct ak_slot *fourth = take(&world, &others[6]);
    for (size_t i = 0; i < LENGTH(slots); i++) {
        assert_ptr_not_equal(fourth, slots[i]);
        assert_true(slots[i]->fd != CURL_SOCKET_BAD);
    }
    assert_int_equal(ak_pool_count(world.pool), 4);
    assert_ptr_equal(take(&world, &others[7]), slots[1]);
    assert_ptr_equal(take(&world, &others[8]), slots[0]);
    assert_int_equal(slots[0]->fd, CURL_SOCKET_BAD);
    assert_int_equal(slots[1]->fd, CURL_SOCKET_BAD);
    assert_true(slots[2]->fd != CURL_SOCKET_BAD);
    assert_int_equal(ak_pool_count(world.pool), 4);
    ak_pool_give(world.pool, fourth);
    ak_pool_give(world.pool, slots[0]);
    ak_pool_give(world.pool, slots[1]);
    /* One without a connection is preferred to closing any. */
    struct ak_slot *spare = take(&world, &others[9]);
    assert_ptr_not_equal(spare, slots[2]);
    assert_true(slots[2]->fd != CURL_SOCKET_BAD);
    ak_pool_give(world.pool, spare);
    end_world(&world);
}

/* ---- who waits ---- */

static void
test_a_full_pool_waits_no_longer_than_told(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    struct ak_slot *first = take(&world, &world.endpoint), *second_slot, *none;
    second_slot = take(&world, &world.endpoint);
    int64_t until = ak_now() + second / 50;
    assert_int_equal(ak_pool_take(world.pool, &world.endpoint, until, &none, NULL), AK_IO_AGAIN);
    assert_null(none);
    assert_true(ak_now() >= until);
    assert_int_equal(ak_pool_count(world.pool), 2);
    ak_pool_give(world.pool, first);
    ak_pool_give(world.pool, second_slot);
    end_world(&world);
}

struct waiter {
    struct world *world;
    pthread_t thread;
    enum ak_io result;
    enum ak_status status;
    struct ak_slot *slot;
};

/* Waits for an hour: only a wake-up ends it. */
static void *
wait_for_slot(void *argument)
{
    struct waiter *waiter = argument;
    struct ak_err err = {.status = AK_OK};
    sem_post(&waiter->world->server.reached);
    waiter->result = ak_pool_take(waiter->world->pool, &waiter->world->endpoint,
                                  ak_now() + 3600 * second, &waiter->slot, &err);
    waiter->status = err.status;
    return NULL;
}

static void
start_waiters(struct world *world, struct waiter *waiters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (struct waiter){.world = world};
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_slot, &waiters[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        wait_for(&world->server.reached);
    }
}

static void
test_each_slot_given_back_wakes_a_waiter(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    struct ak_slot *slots[2] = {take(&world, &world.endpoint), take(&world, &world.endpoint)};
    struct waiter waiters[2];
    start_waiters(&world, waiters, 2);
    ak_pool_give(world.pool, slots[0]);
    ak_pool_give(world.pool, slots[1]);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].result, AK_IO_DONE);
        assert_true(waiters[i].slot == slots[0] || waiters[i].slot == slots[1]);
    }
    assert_ptr_not_equal(waiters[0].slot, waiters[1].slot);
    ak_pool_give(world.pool, slots[0]);
    ak_pool_give(world.pool, slots[1]);
    end_world(&world);
}

static void
test_close_wakes_all_waiters_and_hands_out_nothing_more(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    struct ak_slot *used = take_connected(&world, &world.endpoint), *none;
    struct ak_slot *idle = take_connected(&world, &world.endpoint);
    struct waiter waiters[3];
    start_waiters(&world, waiters, 3);
    ak_pool_close(world.pool);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].result, AK_IO_FAILED);
        assert_int_equal(waiters[i].status, AK_CLOSED);
        assert_null(waiters[i].slot);
    }
    /* What is in use lives until it is given back. */
    assert_true(ak_slot_is_alive(used) && ak_slot_is_alive(idle));
    ak_pool_give(world.pool, idle);
    wait_for(&world.server.closed);
    ak_pool_give(world.pool, used);
    wait_for(&world.server.closed);
    assert_int_equal(ak_pool_count(world.pool), 0);
    struct ak_err err;
    assert_int_equal(ak_pool_take(world.pool, &world.endpoint, 0, &none, &err), AK_IO_FAILED);
    assert_int_equal(err.status, AK_CLOSED);
    end_world(&world);
}

/* The place that a failed making had taken is free again, for one who waits
 * too. */
static void
test_no_memory_for_a_slot_takes_no_place(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    for (unsigned long countdown = 1;; countdown++) {
        struct ak_slot *slot;
        struct ak_err err;
        ak_alloc_fail_at(countdown);
        enum ak_io io = ak_pool_take(world.pool, &world.endpoint, 0, &slot, &err);
        bool failed = ak_alloc_count() >= countdown;
        ak_alloc_fail_at(0);
        if (!failed) {
            assert_int_equal(io, AK_IO_DONE);
            assert_true(countdown > 1);
            ak_pool_give(world.pool, slot);
            break;
        }
        assert_int_equal(io, AK_IO_FAILED);
        assert_int_equal(err.status, AK_NO_MEMORY);
        assert_null(slot);
        assert_int_equal(ak_pool_count(world.pool), 0);
    }
    end_world(&world);
    ak_alloc_fail_at(1);
    assert_null(ak_pool_new(1));
    ak_alloc_fail_at(0);
}

/* ---- many threads ---- */

enum { THREADS = 16, SLOTS = 5, ROUNDS = 300 };

struct worker {
    struct world *world;
    struct ak_endpoint endpoint;
    pthread_t thread;
    unsigned seed;
    int failures;
};

static atomic_int in_use;

/* Take, perhaps connect, look whether the slot is what was asked for, perhaps
 * close, give. */
static void *
take_and_give(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct ak_slot *slot;
        unsigned dice = worker->seed = worker->seed * 1103515245 + 12345;
        if (ak_pool_take(worker->world->pool, &worker->endpoint, ak_now() + 60 * second, &slot,
                         NULL) != AK_IO_DONE) {
            worker->failures++;
            continue;
        }
        worker->failures += atomic_fetch_add(&in_use, 1) >= SLOTS;
        if (slot->fd != CURL_SOCKET_BAD) {
            worker->failures += !ak_endpoint_equal(&slot->endpoint, &worker->endpoint);
            worker->failures += !ak_slot_is_alive(slot);
        } else if ((dice >> 16) % 8 == 0) {
            worker->failures += connect_slot(slot, &worker->endpoint) != AK_IO_DONE;
        }
        if ((dice >> 20) % 32 == 0) {
            ak_slot_close(slot);
        }
        atomic_fetch_sub(&in_use, 1);
        ak_pool_give(worker->world->pool, slot);
    }
    return NULL;
}

static void
test_sixteen_threads_share_five_slots(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, SLOTS);
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.world = &world, .endpoint = world.endpoint, .seed = i};
        workers[i].endpoint.tls.ca_file = i % 3 == 0 ? AK_STR("a.pem") : AK_STR("");
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_and_give, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    assert_true(ak_pool_count(world.pool) <= SLOTS);
    end_world(&world);
}

static void *
take_until_closed(void *argument)
{
    struct worker *worker = argument;
    struct ak_err err = {.status = AK_OK};
    for (;;) {
        struct ak_slot *slot;
        if (ak_pool_take(worker->world->pool, &worker->endpoint, ak_now() + 60 * second, &slot,
                         &err) != AK_IO_DONE) {
            worker->failures += err.status != AK_CLOSED;
            ak_pool_unref(worker->world->pool);
            return NULL;
        }
        sem_post(&worker->world->server.reached);
        ak_pool_give(worker->world->pool, slot);
    }
}

static void
test_close_ends_threads_that_take_and_the_last_reference_frees(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 3);
    struct worker workers[8];
    for (unsigned i = 0; i < LENGTH(workers); i++) {
        workers[i] = (struct worker){.world = &world, .endpoint = world.endpoint};
        ak_pool_ref(world.pool);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_until_closed, &workers[i]),
                         0);
    }
    for (int i = 0; i < 100; i++) {
        wait_for(&world.server.reached);
    }
    ak_pool_close(world.pool);
    for (unsigned i = 0; i < LENGTH(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    assert_int_equal(ak_pool_count(world.pool), 0);
    end_world(&world);
}

/* ---- fork ---- */

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

/* In the child: the number of the first thing that is wrong, or 0. */
static int
judge_child(struct world *world, struct ak_slot *used, int used_fd, int idle_fd)
{
    struct ak_slot *slot;
    size_t count;
    char byte;
    struct ak_err err = {.status = AK_OK};
    if (is_open(used_fd) || is_open(idle_fd)) {
        return 1;
    }
    if (ak_pool_count(world->pool) != 0) {
        return 2;
    }
    if (ak_slot_recv(used, &byte, 1, &count, &err) != AK_IO_FAILED ||
        err.status != AK_CONNECT_FAILED || strstr(err.message, "fork") == NULL) {
        return 3;
    }
    if (ak_slot_send(used, AK_STR("x"), &count, &err) != AK_IO_FAILED) {
        return 4;
    }
    ak_pool_give(world->pool, used);
    if (ak_pool_count(world->pool) != 0) {
        return 5;
    }
    /* Two slots again, neither of them the parent's. */
    for (int i = 0; i < 2; i++) {
        if (ak_pool_take(world->pool, &world->endpoint, 0, &slot, &err) != AK_IO_DONE ||
            slot->fd != CURL_SOCKET_BAD || connect_slot(slot, &world->endpoint) != AK_IO_DONE ||
            !ak_slot_is_alive(slot)) {
            return 6;
        }
    }
    if (ak_pool_take(world->pool, &world->endpoint, 0, &slot, &err) != AK_IO_AGAIN) {
        return 7;
    }
    return 0;
}

static void
test_a_child_forgets_the_parents_connections_and_the_parent_keeps_them(void **state)
{
    (void)state;
    struct world world;
    make_world_of(&world, stay_connected_and_say_so, 2);
    struct ak_slot *used = take_connected(&world, &world.endpoint);
    struct ak_slot *idle = take_connected(&world, &world.endpoint);
    /* No thread of the server may be inside an allocation at the fork. */
    wait_for(&world.server.reached);
    wait_for(&world.server.reached);
    int used_fd = used->fd, idle_fd = idle->fd;
    unsigned generation = ak_fork_generation();
    ak_pool_give(world.pool, idle);
    pid_t child = fork();
    if (child == 0) {
        int wrong = ak_fork_generation() != generation + 1
                        ? 8
                        : judge_child(&world, used, used_fd, idle_fd);
        _exit(wrong);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(ak_fork_generation(), generation);
    assert_true(ak_slot_is_alive(used));
    assert_ptr_equal(take(&world, &world.endpoint), idle);
    assert_true(ak_slot_is_alive(idle));
    assert_int_equal(ak_pool_count(world.pool), 2);
    ak_pool_give(world.pool, used);
    ak_pool_give(world.pool, idle);
    end_world(&world);
}

/* Forks while threads are inside the pool: the child's locks are free. */
static void
test_a_fork_among_busy_threads_leaves_the_child_no_locked_lock(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, SLOTS);
    struct worker workers[4];
    for (unsigned i = 0; i < LENGTH(workers); i++) {
        workers[i] = (struct worker){.world = &world, .endpoint = world.endpoint};
        ak_pool_ref(world.pool);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_until_closed, &workers[i]),
                         0);
    }
    for (int i = 0; i < 20; i++) {
        wait_for(&world.server.reached);
        pid_t child = fork();
        if (child == 0) {
            /* Without allocating: the sanitizers' allocators do not survive it. */
            struct ak_slot *slot;
            struct ak_err err = {.status = AK_OK};
            bool good = ak_pool_count(world.pool) == 0;
            ak_pool_close(world.pool);
            good &= ak_pool_take(world.pool, &world.endpoint, 0, &slot, &err) == AK_IO_FAILED &&
                    err.status == AK_CLOSED;
            _exit(good ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    ak_pool_close(world.pool);
    for (unsigned i = 0; i < LENGTH(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    end_world(&world);
}

static int
start_net(void **state)
{
    (void)state;
    return ak_net_init(NULL) == AK_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_given_is_the_first_taken),
        cmocka_unit_test(test_endpoints_are_equal_only_in_everything),
        cmocka_unit_test(test_a_connection_is_used_again_only_by_an_equal_endpoint),
        cmocka_unit_test(test_the_coldest_of_the_others_makes_room_and_only_when_there_is_none),
        cmocka_unit_test(test_a_full_pool_waits_no_longer_than_told),
        cmocka_unit_test(test_each_slot_given_back_wakes_a_waiter),
        cmocka_unit_test(test_close_wakes_all_waiters_and_hands_out_nothing_more),
        cmocka_unit_test(test_no_memory_for_a_slot_takes_no_place),
        cmocka_unit_test(test_sixteen_threads_share_five_slots),
        cmocka_unit_test(test_close_ends_threads_that_take_and_the_last_reference_frees),
        cmocka_unit_test(test_a_child_forgets_the_parents_connections_and_the_parent_keeps_them),
        cmocka_unit_test(test_a_fork_among_busy_threads_leaves_the_child_no_locked_lock),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
