/* The limit of a client whose libcurl only connects: curl_easy_send and curl_easy_recv. */
#include "answer.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

struct loop {
    struct answer answer;
    CURL *curl;
    curl_socket_t socket;
};

void *
open_loop(const struct target *target)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    CURL *curl = curl_easy_init();
    if (loop == NULL || curl == NULL) {
        fail("no memory");
    }
    curl_easy_setopt(curl, CURLOPT_URL, target->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    /* curl_easy_recv reads no more than this at once. */
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)INPUT_SIZE);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (target->ca[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca);
    }
    if (curl_easy_perform(curl) != CURLE_OK ||
        curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &loop->socket) != CURLE_OK) {
        fail("cannot connect");
    }
    loop->curl = curl;
    write_request(&loop->answer, target);
    return loop;
}

static void
wait_for(curl_socket_t socket, short events)
{
    struct pollfd waiting = {.fd = socket, .events = events};
    if (poll(&waiting, 1, 30000) != 1) {
        fail("nothing came");
    }
}

static size_t
read_curl(void *source, char *memory, size_t size)
{
    struct loop *loop = source;
    size_t count = 0;
    CURLcode code;
    while ((code = curl_easy_recv(loop->curl, memory, size, &count)) == CURLE_AGAIN) {
        wait_for(loop->socket, POLLIN);
    }
    if (code != CURLE_OK || count == 0) {
        fail("the connection has ended");
    }
    return count;
}

size_t
fetch(void *state)
{
    struct loop *loop = state;
    size_t sent = 0;
    if (curl_easy_send(loop->curl, loop->answer.request, loop->answer.request_length, &sent) !=
            CURLE_OK ||
        sent != loop->answer.request_length) {
        fail("cannot send");
    }
    wait_for(loop->socket, POLLIN);
    return read_answer(&loop->answer, read_curl, loop);
}
