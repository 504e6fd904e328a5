#define _GNU_SOURCE /* st_mtim */

#include "net/multi.h"

#include <pthread.h>
#include <sys/stat.h>

#include "core/alloc.h"
#include "net/connect.h"
#include "net/global.h"

enum {
    MOST_PATH = 64 * 1024,
    TICKETS_IN_MULTI = 0x080c00, /* 8.12.0 */
    /* CURLMOPT_QUICK_EXIT of 8.20.0, which headers may not know that the library does. */
    QUICK_EXIT = CURLOPTTYPE_LONG + 21
};

/* Held inside libcurl too, whose TLS library's locks must be free at a fork. */
static struct ak_lock lock;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum ak_status lock_status;

/* Those that wait, the last used first; under the lock. */
static struct ak_multi *waiting;
static size_t waiting_count;

/* In the child of a fork: they are the parent's, as its slots are. */
static void
forget_parent(void *unused)
{
    (void)unused;
    waiting = NULL;
    waiting_count = 0;
}

static void
init_lock(void)
{
    lock_status = ak_lock_init(&lock, forget_parent, NULL);
}

/* The file that ENDPOINT's connections trust, its path empty if they do not trust
 * one file and nothing else. */
static enum ak_status
find_ca_file(const struct ak_endpoint *endpoint, struct ak_ca_file *file)
{
    const struct ak_tls *tls = &endpoint->tls;
    struct stat found;
    *file = (struct ak_ca_file){.path = ak_buf_make(MOST_PATH)};
    if (endpoint->scheme != AK_HTTPS || tls->verify != AK_VERIFY_PEER || tls->ca_file.len == 0 ||
        tls->ca_path.len > 0 || tls->cert.len > 0 || tls->key.len > 0 || endpoint->proxy.len > 0 ||
        endpoint->peer != AK_PEER_SERVER) {
        return AK_OK;
    }
    enum ak_status status = ak_buf_append(&file->path, tls->ca_file);
    if (status == AK_OK) {
        status = ak_buf_append_char(&file->path, '\0');
    }
    if (status != AK_OK) {
        ak_buf_free(&file->path);
        return status;
    }
    if (stat(file->path.data, &found) < 0) {
        ak_buf_free(&file->path); /* libcurl will say what is wrong with it */
        return AK_OK;
    }
    file->device = found.st_dev;
    file->inode = found.st_ino;
    file->size = found.st_size;
    file->modified = found.st_mtim;
    file->changed = found.st_ctim;
    return AK_OK;
}

static bool
is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
is_same_file(const struct ak_ca_file *a, const struct ak_ca_file *b)
{
    return ak_str_equal(ak_buf_str(&a->path), ak_buf_str(&b->path)) && a->device == b->device &&
           a->inode == b->inode && a->size == b->size && is_same_time(a->modified, b->modified) &&
           is_same_time(a->changed, b->changed);
}

/* A waiting one for FILE, or NULL. */
static struct ak_multi *
pop_match_locked(const struct ak_ca_file *file)
{
    if (file->path.len == 0) {
        return NULL;
    }
    for (struct ak_multi **link = &waiting; *link != NULL; link = &(*link)->next) {
        struct ak_multi *found = *link;
        if (is_same_file(&found->ca, file)) {
            *link = found->next;
            waiting_count--;
            return found;
        }
    }
    return NULL;
}

static struct ak_multi *
pop_coldest_locked(void)
{
    struct ak_multi **link = &waiting;
    while ((*link)->next != NULL) {
        link = &(*link)->next;
    }
    struct ak_multi *coldest = *link;
    *link = NULL;
    waiting_count--;
    return coldest;
}

static void
free_locked(struct ak_multi *multi)
{
    curl_multi_cleanup(multi->handle);
    ak_buf_free(&multi->ca.path);
    ak_free(multi);
}

/* A new one for FILE, whose path it takes. */
static struct ak_multi *
make_locked(struct ak_ca_file *file)
{
    struct ak_multi *multi = ak_calloc(1, sizeof(*multi));
    if (multi == NULL) {
        return NULL;
    }
    multi->handle = curl_multi_init();
    if (multi->handle == NULL) {
        ak_free(multi);
        return NULL;
    }
    /* Without it the end of the process joins the resolver's threads.  Older ones
     * refuse it: there the easy handle's own says the same (connect.c). */
    curl_multi_setopt(multi->handle, (CURLMoption)QUICK_EXIT, 1L);
    multi->ca = *file;
    file->path = ak_buf_make(MOST_PATH);
    return multi;
}

static void
release_locked(struct ak_multi *multi)
{
    if (multi->ca.path.len == 0) {
        free_locked(multi);
        return;
    }
    multi->next = waiting;
    waiting = multi;
    waiting_count++;
    if (waiting_count > AK_MULTI_MOST_WAITING) {
        free_locked(pop_coldest_locked());
    }
}

static bool
can_lock(void)
{
    pthread_once(&once, init_lock);
    return lock_status == AK_OK;
}

enum ak_status
ak_multi_prepare(struct ak_multi **multi, const struct ak_endpoint *endpoint)
{
    struct ak_ca_file file;
    /* Its state is taken before libcurl reads it: what is written in between is
     * read a second time, and never missed. */
    if (!can_lock() || find_ca_file(endpoint, &file) != AK_OK) {
        return AK_NO_MEMORY;
    }
    if (*multi == NULL || !is_same_file(&(*multi)->ca, &file)) {
        ak_lock_acquire(&lock);
        if (*multi != NULL) {
            release_locked(*multi);
        }
        *multi = pop_match_locked(&file);
        if (*multi == NULL) {
            *multi = make_locked(&file);
        }
        ak_lock_release(&lock);
    }
    ak_buf_free(&file.path);
    return *multi == NULL ? AK_NO_MEMORY : AK_OK;
}

void
ak_multi_release(struct ak_multi *multi)
{
    if (multi != NULL) {
        ak_lock_acquire(&lock);
        release_locked(multi);
        ak_lock_release(&lock);
    }
}

size_t
ak_multi_waiting(void)
{
    if (!can_lock()) {
        return 0;
    }
    ak_lock_acquire(&lock);
    size_t count = waiting_count;
    ak_lock_release(&lock);
    return count;
}

bool
ak_multi_leaks_tickets(const struct ak_multi *multi)
{
    return multi->ca.path.len > 0 &&
           curl_version_info(CURLVERSION_NOW)->version_num >= TICKETS_IN_MULTI;
}
