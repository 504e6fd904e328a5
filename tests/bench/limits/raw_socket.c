/* The limit of the system: send and recv on a blocking socket. */
#define _GNU_SOURCE /* getaddrinfo */
#include "answer.h"

#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

struct loop {
    struct answer answer;
    int socket;
};

void *
open_loop(const struct target *target)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL || getaddrinfo(target->host, target->port, &hints, &found) != 0) {
        fail("no such address");
    }
    loop->socket = socket(found->ai_family, SOCK_STREAM, 0);
    if (loop->socket < 0 || connect(loop->socket, found->ai_addr, found->ai_addrlen) != 0) {
        fail("cannot connect");
    }
    freeaddrinfo(found);
    write_request(&loop->answer, target);
    return loop;
}

static size_t
read_socket(void *source, char *memory, size_t size)
{
    struct loop *loop = source;
    ssize_t count = recv(loop->socket, memory, size, 0);
    if (count <= 0) {
        fail("the connection has ended");
    }
    return (size_t)count;
}

size_t
fetch(void *state)
{
    struct loop *loop = state;
    ssize_t sent = send(loop->socket, loop->answer.request, loop->answer.request_length, 0);
    if (sent != (ssize_t)loop->answer.request_length) {
        fail("cannot send");
    }
    return read_answer(&loop->answer, read_socket, loop);
}
