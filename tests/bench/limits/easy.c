/* The limit of a client that leaves HTTP to libcurl: its easy interface, one handle. */
#include "loop.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

struct loop {
    CURL *curl;
    size_t length;
    char body[256];
};

/* The body is kept as far as it fits, as any client would copy it. */
static size_t
take_body(char *data, size_t one, size_t size, void *state)
{
    struct loop *loop = state;
    size_t kept = size < sizeof(loop->body) ? size : sizeof(loop->body);
    memcpy(loop->body, data, kept);
    loop->length += one * size;
    return one * size;
}

void *
open_loop(const struct target *target)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    CURL *curl = curl_easy_init();
    if (loop == NULL || curl == NULL) {
        fail("no memory");
    }
    loop->curl = curl;
    curl_easy_setopt(curl, CURLOPT_URL, target->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, loop);
    if (target->ca[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca);
    }
    return loop;
}

size_t
fetch(void *state)
{
    struct loop *loop = state;
    loop->length = 0;
    if (curl_easy_perform(loop->curl) != CURLE_OK) {
        fail("the request failed");
    }
    return loop->length;
}
