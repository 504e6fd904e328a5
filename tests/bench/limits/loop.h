/* What a limit is: a way to fetch one URL again and again on one connection.
 * main.c repeats and times it, in the row's number of threads. */
#ifndef LIMITS_LOOP_H
#define LIMITS_LOOP_H

#include <stddef.h>

struct target {
    const char *url;  /* scheme://host:port/path */
    const char *host; /* the parts of it */
    const char *port;
    const char *path;
    const char *ca; /* a file of certificate authorities, or "" */
};

/* Connect.  New: one connection's state, for one thread at a time. */
void *open_loop(const struct target *target);

/* Fetch once; return the length of the body. */
size_t fetch(void *loop);

/* Say what is wrong and end the process. */
_Noreturn void fail(const char *what);

#endif
