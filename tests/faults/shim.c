/* Preloaded into a child of the tests: a resolver and a wall clock that do as told.
 *
 * Names under ".shim" resolve as their first label says: "six" to ::1 alone, "silent"
 * not at all before a minute has passed, anything else to EAI_NONAME at once.  A byte
 * goes to the descriptor in SHIM_RESOLVING when a silent one is asked for.
 * shim_jump() moves CLOCK_REALTIME; the monotonic clock is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *,
                          struct addrinfo **);
typedef int (*clock_fn)(clockid_t, struct timespec *);

static _Atomic long long jumped;

void shim_jump(long long seconds)
{
    atomic_fetch_add(&jumped, seconds);
}

static int ends_with_shim(const char *node)
{
    size_t n = node == NULL ? 0 : strlen(node);
    return n > 5 && strcmp(node + n - 5, ".shim") == 0;
}

static int answer_slowly(void)
{
    const char *fd = getenv("SHIM_RESOLVING");
    if (fd != NULL && write(atoi(fd), "r", 1) < 0) {
        return EAI_SYSTEM;
    }
    sleep(60);
    return EAI_AGAIN;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    resolve_fn real = (resolve_fn)dlsym(RTLD_NEXT, "getaddrinfo");
    if (!ends_with_shim(node)) {
        return real(node, service, hints, found);
    }
    if (strcmp(node, "silent.shim") == 0) {
        return answer_slowly();
    }
    if (strcmp(node, "six.shim") != 0 || (hints != NULL && hints->ai_family == AF_INET)) {
        return EAI_NONAME;
    }
    return real("::1", service, hints, found);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static _Atomic(clock_fn) cached;
    clock_fn real = atomic_load(&cached);
    if (real == NULL) {
        real = (clock_fn)dlsym(RTLD_NEXT, "clock_gettime");
        atomic_store(&cached, real);
    }
    int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += (time_t)atomic_load(&jumped);
    }
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    tv->tv_sec = now.tv_sec;
    tv->tv_usec = (suseconds_t)(now.tv_nsec / 1000);
    return 0;
}
