/* What the two drivers of tests/test_http1_oracles.py have in common: the cases
 * that they read and the way they print bytes.
 *
 * A case is a line "METHOD LEN CUT..." and LEN bytes; METHOD is GET or HEAD, the
 * cuts rise and do not pass LEN. */
#ifndef HTTP1_BATCH_H
#define HTTP1_BATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

enum { MAX_CUTS = 16, MAX_CASE_LINE = 1024 };

struct batch_case {
    int is_head;
    struct ak_str message; /* owned */
    size_t cuts[MAX_CUTS];
    size_t cut_count;
};

/* The next case of stdin; 0 at the end. */
static inline int
read_case(struct batch_case *item)
{
    char line[MAX_CASE_LINE];
    if (fgets(line, sizeof(line), stdin) == NULL) {
        return 0;
    }
    char *word = strtok(line, " \n");
    item->is_head = word != NULL && strcmp(word, "HEAD") == 0;
    word = strtok(NULL, " \n");
    size_t len = word == NULL ? 0 : strtoul(word, NULL, 10);
    item->cut_count = 0;
    while (item->cut_count < MAX_CUTS && (word = strtok(NULL, " \n")) != NULL) {
        item->cuts[item->cut_count++] = strtoul(word, NULL, 10);
    }
    char *bytes = malloc(len + 1);
    if (bytes == NULL || fread(bytes, 1, len, stdin) != len) {
        fprintf(stderr, "a case is not whole\n");
        exit(2);
    }
    item->message = ak_str_of(bytes, len);
    return 1;
}

static inline void
free_case(struct batch_case *item)
{
    free((char *)item->message.ptr);
}

/* "NAME": "BYTES in hexadecimal" */
static inline void
print_bytes(const char *name, struct ak_str bytes)
{
    printf("\"%s\": \"", name);
    for (size_t i = 0; i < bytes.len; i++) {
        printf("%02x", (unsigned char)bytes.ptr[i]);
    }
    putchar('"');
}

#endif
