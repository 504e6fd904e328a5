/* libcurl's multi handles, which outlive connections and sessions.
 *
 * libcurl keeps the certificates of a CA file, once parsed, in the multi handle
 * that read them, and parsing a distribution's takes ten times as long as a
 * handshake.  So a handle that has them waits, when its slot ends, for the next
 * slot that trusts the same file.
 *
 * What goes from one session to another is this alone.  Connections are closed
 * before, tickets of TLS sessions stay in the slot's own easy handle or are not
 * kept (ak_multi_leaks_tickets), cookies are not libcurl's; and whoever has a
 * client certificate, a proxy or certificates elsewhere than in one file takes
 * no part. */
#ifndef AK_NET_MULTI_H
#define AK_NET_MULTI_H

#include <sys/types.h>
#include <time.h>

#include <curl/curl.h>

#include "core/buf.h"

struct ak_endpoint;

enum { AK_MULTI_MOST_WAITING = 8 }; /* about a megabyte each */

/* A CA file as it is on the disk: one that was replaced is another. */
struct ak_ca_file {
    struct ak_buf path; /* empty: nothing that sessions may share */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct ak_multi {
    CURLM *handle;
    struct ak_ca_file ca;  /* whose certificates it may hold */
    struct ak_multi *next; /* among those that wait */
};

/* Make *MULTI (NULL at first, of the present process, without a connection) fit for
 * one to ENDPOINT: it is kept, or another takes its place.  No lock may be held.
 * AK_NO_MEMORY leaves NULL or what there was. */
AK_MUST_CHECK enum ak_status ak_multi_prepare(struct ak_multi **multi,
                                              const struct ak_endpoint *endpoint);

/* Let MULTI (may be NULL) wait for the next one, or free it.  No lock may be held. */
void ak_multi_release(struct ak_multi *multi);

/* How many wait. */
size_t ak_multi_waiting(void);

/* Whether MULTI goes on to other sessions and would take tickets of TLS sessions
 * along, as libcurl has it from 8.12 on: none may then be kept. */
bool ak_multi_leaks_tickets(const struct ak_multi *multi);

#endif
