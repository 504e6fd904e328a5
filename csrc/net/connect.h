/* One connection, made by libcurl and then used as a plain byte stream.
 *
 * libcurl resolves names, races addresses, talks to proxies and does TLS
 * (CURLOPT_CONNECT_ONLY); it never sees an HTTP message of ours.  A slot
 * belongs to one thread from the pool's check-out to its check-in. */
#ifndef AK_NET_CONNECT_H
#define AK_NET_CONNECT_H

#include <stdint.h>

#include <curl/curl.h>

#include "core/url.h"
#include "net/global.h"
#include "net/multi.h"

enum ak_verify { AK_VERIFY_NOTHING, AK_VERIFY_PEER };

/* TLS settings.  Empty slices mean "not given". */
struct ak_tls {
    enum ak_verify verify;
    struct ak_str ca_file, ca_path; /* where trusted certificates are */
    struct ak_str cert, key;        /* the client's own, PEM files */
};

enum ak_peer { AK_PEER_SERVER, AK_PEER_PROXY };

/* What a connection is for; two requests share a connection only if all of it
 * is equal.  A plain http request through an HTTP proxy connects to the proxy:
 * its endpoint is the proxy's. */
struct ak_endpoint {
    enum ak_scheme scheme;
    enum ak_peer peer;  /* whose errors these are */
    struct ak_str host; /* ASCII; IPv6 without brackets */
    int port;
    struct ak_str proxy; /* URL of a tunnelling proxy with its credentials, or empty */
    struct ak_tls tls;   /* ignored for plain http without an https proxy */
};

bool ak_endpoint_equal(const struct ak_endpoint *a, const struct ak_endpoint *b);

enum ak_io {
    AK_IO_DONE,
    AK_IO_AGAIN, /* nothing now: wait, then call again */
    AK_IO_EOF,   /* the peer ended the stream properly */
    AK_IO_CUT,   /* the peer ended a TLS stream without close_notify */
    AK_IO_FAILED /* *err says why */
};

enum { AK_SLOT_INPUT_SIZE = 64 * 1024 };

struct ak_slot {
    struct ak_multi *multi;      /* NULL until it first connects */
    CURL *easy;                  /* made for this slot: what it learns is one session's */
    curl_socket_t fd;            /* CURL_SOCKET_BAD unless connected */
    bool attached;               /* easy is in multi: a connection may be open */
    struct ak_endpoint endpoint; /* slices into text */
    struct ak_buf text;
    struct ak_lock lock;    /* held inside libcurl, never while it waits: no fork meanwhile */
    unsigned generation;    /* ak_fork_generation() at its making */
    unsigned long requests; /* answers read over the present connection */
    char *input;            /* AK_SLOT_INPUT_SIZE bytes for the exchange */
    char error[CURL_ERROR_SIZE];
    struct ak_slot *next_idle, *next, *previous; /* the pool's */
};

/* A slot without a connection; NULL without memory. */
struct ak_slot *ak_slot_new(void);

/* Close the connection, if any, and free all.  A slot of another process (see
 * ak_fork_generation) is abandoned: libcurl is not asked to touch it. */
void ak_slot_free(struct ak_slot *slot);

/* Begin a connection to ENDPOINT (copied).  CONNECT_MS bounds resolving,
 * connecting, the proxy's answer and the TLS handshake; 0 for no bound. */
AK_MUST_CHECK enum ak_status ak_slot_connect(struct ak_slot *slot,
                                             const struct ak_endpoint *endpoint, long connect_ms,
                                             struct ak_err *err);

/* Go on connecting until it is done or the monotonic time UNTIL. */
AK_MUST_CHECK enum ak_io ak_slot_connect_step(struct ak_slot *slot, int64_t until,
                                              struct ak_err *err);

/* Close the connection; the slot can connect again. */
void ak_slot_close(struct ak_slot *slot);

/* Whether the idle connection may be used again: nothing came in the meantime,
 * neither bytes nor an end. */
bool ak_slot_is_alive(struct ak_slot *slot);

/* Send or receive what is possible now.  DONE sets *count above 0. */
AK_MUST_CHECK enum ak_io ak_slot_send(struct ak_slot *slot, struct ak_str bytes, size_t *count,
                                      struct ak_err *err);
AK_MUST_CHECK enum ak_io ak_slot_recv(struct ak_slot *slot, char *into, size_t size, size_t *count,
                                      struct ak_err *err);

enum ak_wait { AK_WAIT_READ = 1, AK_WAIT_WRITE = 2, AK_WAIT_BOTH = 3 };

/* Whether the slot's bytes pass as they are, without TLS on the way: libcurl has
 * nothing to do with them then, and its two calls only look the connection up. */
static inline bool
ak_slot_is_plain(const struct ak_slot *slot)
{
    return slot->endpoint.scheme == AK_HTTP && slot->endpoint.proxy.len == 0;
}

/* Around a call into libcurl that may take locks of a TLS library, which the child
 * of a fork would find locked for ever; nothing for plain connections. */
void ak_slot_enter(struct ak_slot *slot);
void ak_slot_leave(struct ak_slot *slot);

/* Wait until the socket is ready or the monotonic time UNTIL: the ready
 * directions, 0 if none is. */
int ak_slot_wait(struct ak_slot *slot, enum ak_wait what, int64_t until);

#endif
