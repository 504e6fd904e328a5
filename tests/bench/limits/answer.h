/* A request's text and the least reading of its answer: a head with a
 * Content-Length, then the body. */
#ifndef LIMITS_ANSWER_H
#define LIMITS_ANSWER_H

#include "loop.h"

enum { INPUT_SIZE = 256 * 1024 };

struct answer {
    char request[512];
    size_t request_length;
    char input[INPUT_SIZE];
};

/* Reads at least one byte into MEMORY; blocks. */
typedef size_t (*reader)(void *source, char *memory, size_t size);

void write_request(struct answer *answer, const struct target *target);

/* Return the length of the body that was read from SOURCE. */
size_t read_answer(struct answer *answer, reader read, void *source);

#endif
