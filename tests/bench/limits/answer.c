#define _GNU_SOURCE /* memmem */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
write_request(struct answer *answer, const struct target *target)
{
    int length = snprintf(answer->request, sizeof(answer->request),
                          "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: limit\r\n"
                          "Accept-Encoding: identity\r\nAccept: */*\r\n"
                          "Connection: keep-alive\r\n\r\n",
                          target->path, target->host, target->port);
    if (length < 0 || (size_t)length >= sizeof(answer->request)) {
        fail("the URL is too long");
    }
    answer->request_length = (size_t)length;
}

size_t
read_answer(struct answer *answer, reader read, void *source)
{
    static const char field[] = "\r\nContent-Length: ";
    size_t have = 0;
    const char *end;
    do {
        if (have == INPUT_SIZE) {
            fail("the head is too long");
        }
        have += read(source, answer->input + have, INPUT_SIZE - have);
        end = memmem(answer->input, have, "\r\n\r\n", 4);
    } while (end == NULL);
    const char *found =
        memmem(answer->input, (size_t)(end - answer->input), field, sizeof(field) - 1);
    if (found == NULL) {
        fail("the answer has no Content-Length");
    }
    size_t length = strtoul(found + sizeof(field) - 1, NULL, 10);
    size_t got = have - (size_t)(end + 4 - answer->input);
    while (got < length) {
        got += read(source, answer->input, INPUT_SIZE);
    }
    return got;
}
