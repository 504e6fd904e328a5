/* For the drivers: requests come on stdin, one a line, "COMMAND FIELD FIELD";
 * a field is 'x' and bytes in hexadecimal.  Answers go out the same way. */
#ifndef HEX_LINES_H
#define HEX_LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

struct hex_request {
    const char *command;
    struct ak_str fields[2]; /* len 0 if it did not come */
};

/* Decode FIELD in place. */
static inline struct ak_str
hex_decode(char *field)
{
    size_t len = (strlen(field) - 1) / 2;
    for (size_t i = 0; i < len; i++) {
        field[i] = (char)(ak_hex_value(field[2 * i + 1]) << 4 | ak_hex_value(field[2 * i + 2]));
    }
    return ak_str_of(field, len);
}

static inline void
hex_print(struct ak_str text)
{
    printf(" x");
    for (size_t i = 0; i < text.len; i++) {
        printf("%02x", (unsigned char)text.ptr[i]);
    }
}

/* Split LINE, let ANSWER print, and end the answer's line. */
static inline void
hex_answer_line(char *line, void (*answer)(const struct hex_request *request))
{
    struct hex_request request = {strtok(line, " \n"), {AK_STR(""), AK_STR("")}};
    for (size_t i = 0; i < 2; i++) {
        char *field = strtok(NULL, " \n");
        if (field != NULL) {
            request.fields[i] = hex_decode(field);
        }
    }
    answer(&request);
    putchar('\n');
    fflush(stdout);
}

/* Answer every line of stdin; what main returns. */
static inline int
hex_answer_all(void (*answer)(const struct hex_request *request))
{
    static char line[1 << 20];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        hex_answer_line(line, answer);
    }
    return ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
