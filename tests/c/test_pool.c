/* tsan */
/* The pool: who gets which connection, and who waits for one. */
#include "pool_world.h"

#include "net/pool.h"

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

static void
test_idle_connections_can_be_closed_alone(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    struct ak_slot *used = take_connected(&world, &world.endpoint);
    ak_pool_give(world.pool, take_connected(&world, &world.endpoint));
    assert_int_equal(ak_pool_count(world.pool), 2);
    ak_pool_close_idle(world.pool);
    assert_int_equal(ak_pool_count(world.pool), 1);
    assert_true(ak_slot_is_alive(used));
    ak_pool_give(world.pool, take_connected(&world, &world.endpoint));
    ak_pool_give(world.pool, used);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_given_is_the_first_taken),
        cmocka_unit_test(test_idle_connections_can_be_closed_alone),
        cmocka_unit_test(test_endpoints_are_equal_only_in_everything),
        cmocka_unit_test(test_a_connection_is_used_again_only_by_an_equal_endpoint),
        cmocka_unit_test(test_the_coldest_of_the_others_makes_room_and_only_when_there_is_none),
        cmocka_unit_test(test_a_full_pool_waits_no_longer_than_told),
        cmocka_unit_test(test_each_slot_given_back_wakes_a_waiter),
        cmocka_unit_test(test_close_wakes_all_waiters_and_hands_out_nothing_more),
        cmocka_unit_test(test_no_memory_for_a_slot_takes_no_place),
    };
    return cmocka_run_group_tests(tests, start_net, NULL);
}
