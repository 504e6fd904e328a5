/* A server on loopback for the tests of csrc/net: each connection is served by a
 * thread of its own, which runs the test's script over a plain socket.  Nothing
 * here allocates by ak_malloc, so that a test may let those fail. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct loopback;

/* What a connection says and hears, from its accept to its close.  NUMBER counts
 * the server's connections from 0. */
typedef void (*loopback_script)(struct loopback *server, int fd, int number);

struct loopback_peer {
    struct loopback *server;
    struct loopback_peer *next;
    pthread_t thread;
    int fd, number; /* fd is -1 once closed; under the server's mutex */
};

struct loopback {
    int listener, port;
    loopback_script script;
    pthread_t thread;
    pthread_mutex_t mutex;
    struct loopback_peer *peers;
    atomic_int accepted, requests; /* connections; heads that were read */
    sem_t closed;                  /* once for each connection that was closed */
    sem_t reached, go;             /* between a script and its test */
    char received[1024];           /* the last head or body that a script kept */
};

static inline void
loopback_require(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

static inline void *
serve_peer(void *argument)
{
    struct loopback_peer *peer = argument;
    struct loopback *server = peer->server;
    server->script(server, peer->fd, peer->number);
    pthread_mutex_lock(&server->mutex);
    close(peer->fd);
    peer->fd = -1;
    pthread_mutex_unlock(&server->mutex);
    sem_post(&server->closed);
    return NULL;
}

static inline void *
accept_peers(void *argument)
{
    struct loopback *server = argument;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 && errno == EINTR) {
            continue;
        }
        if (fd < 0) {
            return NULL; /* stop_loopback has shut the listener down */
        }
        struct loopback_peer *peer = calloc(1, sizeof(*peer));
        loopback_require(peer != NULL, "calloc");
        peer->server = server;
        peer->fd = fd;
        peer->number = atomic_fetch_add(&server->accepted, 1);
        peer->next = server->peers;
        server->peers = peer;
        loopback_require(pthread_create(&peer->thread, NULL, serve_peer, peer) == 0, "thread");
    }
}

/* A socket that listens on a free port, with room for BACKLOG waiting ones. */
static inline int
listen_on_loopback(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    loopback_require(fd >= 0, "socket");
    loopback_require(bind(fd, (struct sockaddr *)&address, len) == 0, "bind");
    loopback_require(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    loopback_require(listen(fd, backlog) == 0, "listen");
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void
start_loopback(struct loopback *server, loopback_script script)
{
    *server = (struct loopback){.script = script};
    pthread_mutex_init(&server->mutex, NULL);
    sem_init(&server->closed, 0, 0);
    sem_init(&server->reached, 0, 0);
    sem_init(&server->go, 0, 0);
    server->listener = listen_on_loopback(128, &server->port);
    loopback_require(pthread_create(&server->thread, NULL, accept_peers, server) == 0, "thread");
}

/* End all scripts (their reads and writes fail) and close all. */
static inline void
stop_loopback(struct loopback *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    while (server->peers != NULL) {
        struct loopback_peer *peer = server->peers;
        server->peers = peer->next;
        pthread_mutex_lock(&server->mutex);
        if (peer->fd >= 0) {
            shutdown(peer->fd, SHUT_RDWR);
        }
        pthread_mutex_unlock(&server->mutex);
        pthread_join(peer->thread, NULL);
        free(peer);
    }
    pthread_mutex_destroy(&server->mutex);
    sem_destroy(&server->closed);
    sem_destroy(&server->reached);
    sem_destroy(&server->go);
}

static inline void
wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0 && errno == EINTR) {
    }
}

/* ---- for scripts ---- */

/* Read LEN bytes to INTO; false at an end. */
static inline bool
read_bytes(int fd, char *into, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = recv(fd, into + at, len - at, 0);
        if (got <= 0) {
            return false;
        }
        at += (size_t)got;
    }
    return true;
}

/* Read up to and with ENDING, and not a byte more, into server->received; false
 * at an end. */
static inline bool
read_until(struct loopback *server, int fd, const char *ending)
{
    size_t len = 0, tail = strlen(ending);
    while (len < sizeof(server->received) - 1 && read_bytes(fd, server->received + len, 1)) {
        len++;
        if (len >= tail && memcmp(server->received + len - tail, ending, tail) == 0) {
            server->received[len] = '\0';
            return true;
        }
    }
    return false;
}

/* Read a request's head and count it; false at an end. */
static inline bool
read_request(struct loopback *server, int fd)
{
    char byte;
    unsigned last = 0; /* four bytes */
    while (last != 0x0d0a0d0a) {
        if (!read_bytes(fd, &byte, 1)) {
            return false;
        }
        last = last << 8 | (unsigned char)byte;
    }
    atomic_fetch_add(&server->requests, 1);
    return true;
}

static inline bool
write_bytes(int fd, const char *from, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t put = send(fd, from + at, len - at, MSG_NOSIGNAL);
        if (put <= 0) {
            return false;
        }
        at += (size_t)put;
    }
    return true;
}

static inline bool
write_text(int fd, const char *text)
{
    return write_bytes(fd, text, strlen(text));
}

/* Read and forget until the client closes. */
static inline void
await_close(int fd)
{
    char rest[4096];
    while (recv(fd, rest, sizeof(rest), 0) > 0) {
    }
}

/* Let the close that follows reset the connection. */
static inline void
reset_at_close(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* The pace of a slow peer: the one wait in these tests that is no event. */
static inline void
pause_script(int milliseconds)
{
    poll(NULL, 0, milliseconds);
}

/* ---- descriptors ---- */

/* How many descriptors this process has open. */
static inline int
count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    loopback_require(folder != NULL, "/proc/self/fd");
    int count = -1; /* the folder's own */
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

#endif
