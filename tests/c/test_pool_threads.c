/* tsan */
/* The pool among many threads, and what a fork leaves of it. */
#include "pool_world.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "net/pool.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sixteen_threads_share_five_slots),
        cmocka_unit_test(test_close_ends_threads_that_take_and_the_last_reference_frees),
        cmocka_unit_test(test_a_child_forgets_the_parents_connections_and_the_parent_keeps_them),
        cmocka_unit_test(test_a_fork_among_busy_threads_leaves_the_child_no_locked_lock),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
