/* A pool with a server that accepts its connections: for the tests of
 * csrc/net/pool. */
#ifndef POOL_WORLD_H
#define POOL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "loopback.h"
#include "net/pool.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const int64_t second = 1000000000;

static inline void
stay_connected(struct loopback *server, int fd, int number)
{
    (void)server;
    (void)number;
    await_close(fd);
}

static inline void
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

static inline void
make_world_of(struct world *world, loopback_script script, size_t slots)
{
    start_loopback(&world->server, script);
    world->pool = ak_pool_new(slots);
    assert_non_null(world->pool);
    world->endpoint = (struct ak_endpoint){.host = AK_STR("127.0.0.1"), .port = world->server.port};
}

static inline void
make_world(struct world *world, size_t slots)
{
    make_world_of(world, stay_connected, slots);
}

static inline void
end_world(struct world *world)
{
    ak_pool_unref(world->pool);
    stop_loopback(&world->server);
}

static inline struct ak_slot *
take(struct world *world, const struct ak_endpoint *endpoint)
{
    struct ak_slot *slot;
    assert_int_equal(ak_pool_take(world->pool, endpoint, 0, &slot, NULL), AK_IO_DONE);
    return slot;
}

/* Connect SLOT to ENDPOINT, if it is not. */
static inline enum ak_io
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

static inline struct ak_slot *
take_connected(struct world *world, const struct ak_endpoint *endpoint)
{
    struct ak_slot *slot = take(world, endpoint);
    assert_int_equal(connect_slot(slot, endpoint), AK_IO_DONE);
    return slot;
}

static inline int
start_net(void **state)
{
    (void)state;
    return ak_net_init(NULL) == AK_OK ? 0 : -1;
}

#endif
