#define _GNU_SOURCE /* clock_gettime */

#include "net/global.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <time.h>

enum { OLDEST_CURL = 0x075700 }; /* 7.87.0 */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum ak_status init_status;
static struct ak_err init_err;

static atomic_uint fork_generation;
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct ak_lock registry = {.next = &registry, .previous = &registry};

static void
before_fork(void)
{
    pthread_mutex_lock(&registry_mutex);
    for (struct ak_lock *lock = registry.next; lock != &registry; lock = lock->next) {
        pthread_mutex_lock(&lock->mutex);
    }
}

static void
release_all(void)
{
    for (struct ak_lock *lock = registry.previous; lock != &registry; lock = lock->previous) {
        pthread_mutex_unlock(&lock->mutex);
    }
    pthread_mutex_unlock(&registry_mutex);
}

static void
after_fork_in_child(void)
{
    atomic_fetch_add(&fork_generation, 1);
    for (struct ak_lock *lock = registry.next; lock != &registry; lock = lock->next) {
        if (lock->after_fork != NULL) {
            lock->after_fork(lock->owner);
        }
    }
    release_all();
}

static void
init_process(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        init_status = ak_fail(&init_err, AK_NO_MEMORY, "libcurl could not be initialised: %s",
                              curl_easy_strerror(code));
        return;
    }
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->version_num < OLDEST_CURL) {
        init_status = ak_fail(&init_err, AK_BAD_VALUE,
                              "libcurl 7.87 or newer is needed, %s was loaded: upgrade libcurl",
                              info->version);
        return;
    }
    if (pthread_atfork(before_fork, release_all, after_fork_in_child) != 0) {
        init_status = ak_fail_no_memory(&init_err);
    }
}

enum ak_status
ak_net_init(struct ak_err *err)
{
    pthread_once(&once, init_process);
    if (init_status != AK_OK) {
        return ak_fail(err, init_status, "%s", init_err.message);
    }
    return AK_OK;
}

struct ak_curl_versions
ak_net_curl_versions(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return (struct ak_curl_versions){
        .compiled = LIBCURL_VERSION,
        .running = info->version,
        .tls = info->ssl_version == NULL ? "none" : info->ssl_version,
    };
}

int64_t
ak_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

unsigned
ak_fork_generation(void)
{
    return atomic_load_explicit(&fork_generation, memory_order_relaxed);
}

enum ak_status
ak_lock_init(struct ak_lock *lock, void (*after_fork)(void *), void *owner)
{
    if (pthread_mutex_init(&lock->mutex, NULL) != 0) {
        return AK_NO_MEMORY;
    }
    lock->after_fork = after_fork;
    lock->owner = owner;
    pthread_mutex_lock(&registry_mutex);
    lock->next = registry.next;
    lock->previous = &registry;
    registry.next->previous = lock;
    registry.next = lock;
    pthread_mutex_unlock(&registry_mutex);
    return AK_OK;
}

void
ak_lock_destroy(struct ak_lock *lock)
{
    pthread_mutex_lock(&registry_mutex);
    lock->next->previous = lock->previous;
    lock->previous->next = lock->next;
    pthread_mutex_unlock(&registry_mutex);
    pthread_mutex_destroy(&lock->mutex);
}

void
ak_lock_acquire(struct ak_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void
ak_lock_release(struct ak_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}
