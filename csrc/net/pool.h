/* The slots of one session: handed out last in, first out, so that the warm
 * ones stay warm; at most so many at once; forgotten by the child of a fork. */
#ifndef AK_NET_POOL_H
#define AK_NET_POOL_H

#include "net/connect.h"
#include "net/global.h"

struct ak_pool;

/* A pool of at most MAX_SLOTS connections; NULL without memory.  The caller
 * holds the one reference. */
struct ak_pool *ak_pool_new(size_t max_slots);
struct ak_pool *ak_pool_ref(struct ak_pool *pool);
/* The last one closes what is idle and frees. */
void ak_pool_unref(struct ak_pool *pool);

/* Close the idle connections; those in use are closed at their check-in, and
 * nothing more is handed out (AK_CLOSED). */
void ak_pool_close(struct ak_pool *pool);

/* Close the idle connections; the pool goes on. */
void ak_pool_close_idle(struct ak_pool *pool);

/* A slot for ENDPOINT: an idle one that is connected to it, else one that must
 * connect (slot->fd is CURL_SOCKET_BAD), at need by closing the idle
 * connection that waited longest.  With every slot in use waits until the
 * monotonic time UNTIL; AK_IO_AGAIN then.  The idle one may have died:
 * ak_slot_is_alive tells. */
AK_MUST_CHECK enum ak_io ak_pool_take(struct ak_pool *pool, const struct ak_endpoint *endpoint,
                                      int64_t until, struct ak_slot **slot, struct ak_err *err);

/* Give a slot back.  A connected one is kept; one that was closed keeps only
 * its handles. */
void ak_pool_give(struct ak_pool *pool, struct ak_slot *slot);

/* Slots that hold a connection or are in use. */
size_t ak_pool_count(struct ak_pool *pool);

#endif
