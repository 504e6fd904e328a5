/* The content codings that can be undone (RFC 9110, 8.4.1): gzip, deflate, and
 * br and zstd where their libraries were found at build time. */
#ifndef AK_NET_CODING_H
#define AK_NET_CODING_H

#include "core/buf.h"

enum ak_coding_state {
    AK_CODING_OPEN,  /* wants more input, or more room for output */
    AK_CODING_ENDED, /* complete; padding is all that may follow */
    AK_CODING_BROKEN,
    AK_CODING_NO_MEMORY
};

/* Whether another complete stream may follow the first. */
enum ak_coding_repeats { AK_CODING_ONCE, AK_CODING_REPEATS };

struct ak_coding {
    const char *name; /* as in Content-Encoding, lower case */
    enum ak_coding_repeats repeats;
    void *(*open)(void); /* NULL without memory */
    /* Decode from *INPUT (advanced) into OUT; *made is what was written. */
    enum ak_coding_state (*run)(void *state, struct ak_str *input, char *out, size_t size,
                                size_t *made);
    void (*close)(void *state);
};

/* The coding of that name, or NULL. */
const struct ak_coding *ak_coding_find(struct ak_str name);

/* A coding that IANA has registered, whether it can be undone here or not. */
bool ak_coding_is_registered(struct ak_str name);

/* The value of Accept-Encoding: what ak_coding_find knows. */
const char *ak_coding_accepted(void);

#endif
