/* usage: PROGRAM URL CA THREADS LENGTH
 *
 * Repeats a limit's fetch when told to, as worker.py does: one line of JSON
 * when it is ready, then one for each number of fetches on standard input. */
#define _GNU_SOURCE
#include "loop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAX_THREADS = 256 };

struct share {
    pthread_t thread;
    void *loop;
    long count;
    size_t length; /* that each body must have */
};

_Noreturn void
fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void
split_url(struct target *target)
{
    char *host = strdup(target->url);
    host = host == NULL ? NULL : strstr(host, "://");
    char *port = host == NULL ? NULL : strchr(host + 3, ':');
    char *path = port == NULL ? NULL : strchr(port, '/');
    if (path == NULL) {
        fail("the URL is not scheme://host:port/path");
    }
    target->path = strdup(path);
    target->host = host + 3;
    target->port = port + 1;
    *port = *path = '\0';
}

static double
seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
used_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void *
run_share(void *argument)
{
    struct share *share = argument;
    for (long done = 0; done < share->count; done++) {
        if (fetch(share->loop) != share->length) {
            fail("a body of another length");
        }
    }
    return NULL;
}

static void
run_threads(struct share *shares, int threads, long count)
{
    for (int i = 0; i < threads; i++) {
        shares[i].count = count / threads > 0 ? count / threads : 1;
        if (pthread_create(&shares[i].thread, NULL, run_share, &shares[i]) != 0) {
            fail("no thread");
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(shares[i].thread, NULL);
    }
}

static void
run(struct share *shares, int threads, long count)
{
    if (threads > 1) {
        run_threads(shares, threads, count);
    } else {
        shares[0].count = count;
        run_share(&shares[0]);
    }
}

int
main(int count, char **arguments)
{
    static struct share shares[MAX_THREADS];
    if (count != 5) {
        fail("usage: URL CA THREADS LENGTH");
    }
    struct target target = {.url = arguments[1], .ca = arguments[2]};
    int threads = atoi(arguments[3]);
    if (threads < 1 || threads > MAX_THREADS) {
        fail("too many threads");
    }
    split_url(&target);
    for (int i = 0; i < threads; i++) {
        shares[i].loop = open_loop(&target);
        shares[i].length = strtoul(arguments[4], NULL, 10);
    }
    run(shares, threads, threads);
    puts("{\"memory\": 0}");
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        long rounds = atol(line);
        double cpu = used_cpu(), started = seconds();
        run(shares, threads, rounds);
        double wall = seconds() - started;
        cpu = used_cpu() - cpu;
        printf("{\"total\": %.9f, \"wall\": %.9g, \"cpu\": %.9g}\n", wall, wall / (double)rounds,
               cpu / (double)rounds);
        fflush(stdout);
    }
    return 0;
}
