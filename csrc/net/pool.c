#define _GNU_SOURCE /* pthread_condattr_setclock */

#include "net/pool.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"

struct ak_pool {
    struct ak_lock lock; /* guards all below; never held across I/O */
    pthread_cond_t slot_freed;
    struct ak_slot *idle; /* by next_idle, the warmest first */
    struct ak_slot *all;  /* by next */
    size_t count, max;
    bool closed;
    atomic_size_t references;
};

static void
link_slot(struct ak_pool *pool, struct ak_slot *slot)
{
    slot->previous = NULL;
    slot->next = pool->all;
    if (pool->all != NULL) {
        pool->all->previous = slot;
    }
    pool->all = slot;
    pool->count++;
}

static void
unlink_slot(struct ak_pool *pool, struct ak_slot *slot)
{
    if (slot->next != NULL) {
        slot->next->previous = slot->previous;
    }
    if (slot->previous != NULL) {
        slot->previous->next = slot->next;
    } else {
        pool->all = slot->next;
    }
    slot->next = slot->previous = NULL;
    pool->count--;
}

static int
init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return -1;
    }
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
                 pthread_cond_init(condition, &attributes) != 0;
    pthread_condattr_destroy(&attributes);
    return failed ? -1 : 0;
}

/* In the child of a fork: the parent's connections are closed without a word
 * to the peer, and the slots abandoned with their libcurl handles, since
 * cleaning those up would talk. */
static void
forget_parent(void *owner)
{
    struct ak_pool *pool = owner;
    for (struct ak_slot *slot = pool->all; slot != NULL; slot = slot->next) {
        if (slot->fd != CURL_SOCKET_BAD) {
            close(slot->fd);
        }
    }
    pool->all = pool->idle = NULL;
    pool->count = 0;
    (void)init_condition(&pool->slot_freed);
}

struct ak_pool *
ak_pool_new(size_t max_slots)
{
    struct ak_pool *pool = ak_calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return NULL;
    }
    if (init_condition(&pool->slot_freed) < 0) {
        ak_free(pool);
        return NULL;
    }
    if (ak_lock_init(&pool->lock, forget_parent, pool) != AK_OK) {
        pthread_cond_destroy(&pool->slot_freed);
        ak_free(pool);
        return NULL;
    }
    pool->max = max_slots;
    atomic_init(&pool->references, 1);
    return pool;
}

struct ak_pool *
ak_pool_ref(struct ak_pool *pool)
{
    atomic_fetch_add(&pool->references, 1);
    return pool;
}

/* Take every idle slot out of the pool, linked by next_idle. */
static struct ak_slot *
detach_idle_locked(struct ak_pool *pool)
{
    struct ak_slot *idle = pool->idle;
    for (struct ak_slot *slot = idle; slot != NULL; slot = slot->next_idle) {
        unlink_slot(pool, slot);
    }
    pool->idle = NULL;
    return idle;
}

static void
free_chain(struct ak_slot *slot)
{
    while (slot != NULL) {
        struct ak_slot *next = slot->next_idle;
        ak_slot_free(slot);
        slot = next;
    }
}

void
ak_pool_close_idle(struct ak_pool *pool)
{
    ak_lock_acquire(&pool->lock);
    struct ak_slot *idle = detach_idle_locked(pool);
    pthread_cond_broadcast(&pool->slot_freed); /* those who wait look at all of it again */
    ak_lock_release(&pool->lock);
    free_chain(idle);
}

void
ak_pool_close(struct ak_pool *pool)
{
    ak_lock_acquire(&pool->lock);
    pool->closed = true;
    ak_lock_release(&pool->lock);
    ak_pool_close_idle(pool);
}

void
ak_pool_unref(struct ak_pool *pool)
{
    if (pool == NULL || atomic_fetch_sub(&pool->references, 1) != 1) {
        return;
    }
    ak_pool_close(pool);
    ak_lock_destroy(&pool->lock);
    pthread_cond_destroy(&pool->slot_freed);
    ak_free(pool);
}

/* The warmest idle slot that is connected to ENDPOINT, taken off the list. */
static struct ak_slot *
pop_match_locked(struct ak_pool *pool, const struct ak_endpoint *endpoint)
{
    for (struct ak_slot **link = &pool->idle; *link != NULL; link = &(*link)->next_idle) {
        struct ak_slot *slot = *link;
        if (slot->fd != CURL_SOCKET_BAD && ak_endpoint_equal(&slot->endpoint, endpoint)) {
            *link = slot->next_idle;
            return slot;
        }
    }
    return NULL;
}

/* An idle slot to connect anew: one without a connection, else the coldest. */
static struct ak_slot *
pop_spare_locked(struct ak_pool *pool, bool may_close)
{
    struct ak_slot **chosen = NULL;
    for (struct ak_slot **link = &pool->idle; *link != NULL; link = &(*link)->next_idle) {
        if ((*link)->fd == CURL_SOCKET_BAD) {
            chosen = link;
            break;
        }
        if (may_close) {
            chosen = link;
        }
    }
    if (chosen == NULL) {
        return NULL;
    }
    struct ak_slot *slot = *chosen;
    *chosen = slot->next_idle;
    return slot;
}

/* What can be had without waiting: a slot, NULL with *must_make when the caller
 * may make one (its place is taken already), or NULL. */
static struct ak_slot *
take_locked(struct ak_pool *pool, const struct ak_endpoint *endpoint, bool *must_make)
{
    *must_make = false;
    struct ak_slot *slot = pop_match_locked(pool, endpoint);
    if (slot == NULL) {
        slot = pop_spare_locked(pool, pool->count >= pool->max);
    }
    if (slot == NULL && pool->count < pool->max) {
        pool->count++;
        *must_make = true;
    }
    return slot;
}

/* Wait for a slot to be given back; false when UNTIL has come. */
static bool
wait_locked(struct ak_pool *pool, int64_t until)
{
    if (ak_now() >= until) {
        return false;
    }
    struct timespec when = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    pthread_cond_timedwait(&pool->slot_freed, &pool->lock.mutex, &when);
    return true;
}

static enum ak_io
make_slot(struct ak_pool *pool, struct ak_slot **slot, struct ak_err *err)
{
    *slot = ak_slot_new();
    ak_lock_acquire(&pool->lock);
    pool->count--;
    if (*slot != NULL) {
        link_slot(pool, *slot);
    } else {
        pthread_cond_signal(&pool->slot_freed); /* the place is free again */
    }
    ak_lock_release(&pool->lock);
    if (*slot == NULL) {
        ak_fail_no_memory(err);
        return AK_IO_FAILED;
    }
    return AK_IO_DONE;
}

enum ak_io
ak_pool_take(struct ak_pool *pool, const struct ak_endpoint *endpoint, int64_t until,
             struct ak_slot **slot, struct ak_err *err)
{
    bool must_make = false;
    bool closed;
    *slot = NULL;
    ak_lock_acquire(&pool->lock);
    do {
        closed = pool->closed;
        if (!closed) {
            *slot = take_locked(pool, endpoint, &must_make);
        }
    } while (!closed && *slot == NULL && !must_make && wait_locked(pool, until));
    ak_lock_release(&pool->lock);
    if (closed) {
        ak_fail(err, AK_CLOSED, "the session is closed: make a new one");
        return AK_IO_FAILED;
    }
    if (must_make) {
        return make_slot(pool, slot, err);
    }
    if (*slot == NULL) {
        return AK_IO_AGAIN;
    }
    if ((*slot)->fd != CURL_SOCKET_BAD && !ak_endpoint_equal(&(*slot)->endpoint, endpoint)) {
        ak_slot_close(*slot);
    }
    return AK_IO_DONE;
}

void
ak_pool_give(struct ak_pool *pool, struct ak_slot *slot)
{
    if (slot->generation != ak_fork_generation()) {
        ak_slot_free(slot); /* the parent's; this pool has forgotten it */
        return;
    }
    ak_lock_acquire(&pool->lock);
    bool keep = !pool->closed;
    if (keep) {
        slot->next_idle = pool->idle;
        pool->idle = slot;
    } else {
        unlink_slot(pool, slot);
    }
    pthread_cond_signal(&pool->slot_freed);
    ak_lock_release(&pool->lock);
    if (!keep) {
        ak_slot_free(slot);
    }
}

size_t
ak_pool_count(struct ak_pool *pool)
{
    ak_lock_acquire(&pool->lock);
    size_t count = pool->count;
    ak_lock_release(&pool->lock);
    return count;
}
