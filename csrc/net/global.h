/* What is one per process: libcurl's initialisation, the clock, and the
 * registry of mutexes that makes fork safe.
 *
 * A mutex that another thread holds when a process forks stays locked in the
 * child for ever.  Every mutex of this library is therefore a struct ak_lock:
 * a fork takes all of them first (none is ever held across a wait) and lets them
 * go on both sides.  Those of the TLS library are not ours, so whoever calls into
 * it holds one of ours meanwhile (ak_slot_enter). */
#ifndef AK_NET_GLOBAL_H
#define AK_NET_GLOBAL_H

#include <pthread.h>
#include <stdint.h>

#include "core/status.h"

/* Initialise libcurl once per process and check its version at run time. */
AK_MUST_CHECK enum ak_status ak_net_init(struct ak_err *err);

/* The libcurl whose headers were compiled in, the one that is loaded, and its TLS back end ("none"
 * without one).  Static strings. */
struct ak_curl_versions {
    const char *compiled, *running, *tls;
};
struct ak_curl_versions ak_net_curl_versions(void);

/* Monotonic nanoseconds. */
int64_t ak_now(void);

/* Grows by one in each child of a fork: what was made under another number
 * belongs to the parent. */
unsigned ak_fork_generation(void);

struct ak_lock {
    pthread_mutex_t mutex;
    struct ak_lock *next, *previous;
    void (*after_fork)(void *owner); /* in the child, all locks free; may be NULL */
    void *owner;
};

/* AFTER_FORK may only do what is async-signal-safe. */
AK_MUST_CHECK enum ak_status ak_lock_init(struct ak_lock *lock, void (*after_fork)(void *),
                                          void *owner);
void ak_lock_destroy(struct ak_lock *lock);
void ak_lock_acquire(struct ak_lock *lock);
void ak_lock_release(struct ak_lock *lock);

#endif
