/* Servers that stop somewhere, and exchanges that are taken as far as that. */
#ifndef STALLING_SERVERS_H
#define STALLING_SERVERS_H

#include <fcntl.h>

#include "exchange_client.h"

enum { SHORT = 50 * MILLISECOND, BODY_SIZE = 64 * 1024 * 1024 };

/* What fall_silent says before. */
static const char *last_words;

static inline void
fall_silent(struct loopback *server, int fd, int number)
{
    (void)number;
    if (read_request(server, fd)) {
        write_text(fd, last_words);
        sem_post(&server->reached);
        await_close(fd);
    }
}

/* Reads nothing, not even the request. */
static inline void
ignore(struct loopback *server, int fd, int number)
{
    (void)fd;
    (void)number;
    sem_post(&server->reached);
    wait_for(&server->go);
}

static inline void
read_for_ever(struct loopback *server, int fd, int number)
{
    (void)server;
    (void)number;
    await_close(fd);
}

/* Step until PHASE. */
static inline void
step_to(struct ak_exchange *exchange, enum ak_phase phase)
{
    struct ak_err err;
    do {
        assert_int_equal(ak_exchange_step(exchange, ak_now() + MILLISECOND, &err), AK_STEP_WAIT);
    } while (exchange->phase != phase);
}

/* A listener that answers no more connections: its queue is full. */
struct full_listener {
    int listener, port, waiting[4];
};

static inline void
make_full_listener(struct full_listener *full)
{
    full->listener = listen_on_loopback(0, &full->port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)full->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < LENGTH(full->waiting); i++) {
        full->waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (i > 0) {
            fcntl(full->waiting[i], F_SETFL, O_NONBLOCK);
        }
        (void)!connect(full->waiting[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static inline void
free_full_listener(struct full_listener *full)
{
    for (size_t i = 0; i < LENGTH(full->waiting); i++) {
        close(full->waiting[i]);
    }
    close(full->listener);
}

#endif
