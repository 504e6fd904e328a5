#define _GNU_SOURCE /* O_CLOEXEC */
#include "net/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/alloc.h"
#include "net/global.h"
#include "net/tls.h"

enum {
    MAX_ENDPOINT_TEXT = 64 * 1024,
    LONGEST_CONNECT_MS = 7 * 24 * 3600 * 1000,
    MOST_AT_ONCE = 256 * 1024
};

static bool
tls_equal(const struct ak_tls *a, const struct ak_tls *b)
{
    return a->verify == b->verify && ak_str_equal(a->ca_file, b->ca_file) &&
           ak_str_equal(a->ca_path, b->ca_path) && ak_str_equal(a->cert, b->cert) &&
           ak_str_equal(a->key, b->key);
}

bool
ak_endpoint_equal(const struct ak_endpoint *a, const struct ak_endpoint *b)
{
    return a->port == b->port && a->scheme == b->scheme && a->peer == b->peer &&
           ak_str_equal(a->host, b->host) && ak_str_equal(a->proxy, b->proxy) &&
           tls_equal(&a->tls, &b->tls);
}

struct ak_slot *
ak_slot_new(void)
{
    struct ak_slot *slot = ak_calloc(1, sizeof(*slot));
    if (slot == NULL) {
        return NULL;
    }
    if (ak_lock_init(&slot->lock, NULL, NULL) != AK_OK) {
        ak_free(slot);
        return NULL;
    }
    slot->fd = CURL_SOCKET_BAD;
    slot->generation = ak_fork_generation();
    slot->text = ak_buf_make(MAX_ENDPOINT_TEXT);
    slot->input = ak_malloc(AK_SLOT_INPUT_SIZE);
    ak_lock_acquire(&slot->lock);
    slot->easy = curl_easy_init();
    ak_lock_release(&slot->lock);
    if (slot->input == NULL || slot->easy == NULL) {
        ak_slot_free(slot);
        return NULL;
    }
    /* The most that one curl_easy_recv gives; cannot be set again once the handle
     * was used.  Without it, reading is only slower. */
    (void)curl_easy_setopt(slot->easy, CURLOPT_BUFFERSIZE, (long)MOST_AT_ONCE);
    return slot;
}

void
ak_slot_free(struct ak_slot *slot)
{
    if (slot == NULL) {
        return;
    }
    if (slot->generation == ak_fork_generation()) {
        ak_slot_close(slot);
        ak_lock_acquire(&slot->lock);
        curl_easy_cleanup(slot->easy);
        ak_lock_release(&slot->lock);
        ak_multi_release(slot->multi);
    }
    ak_lock_destroy(&slot->lock);
    if (slot->input != NULL) {
        ak_wipe(slot->input, AK_SLOT_INPUT_SIZE);
    }
    ak_free(slot->input);
    ak_buf_free_secret(&slot->text);
    ak_free(slot);
}

void
ak_slot_enter(struct ak_slot *slot)
{
    if (!ak_slot_is_plain(slot)) {
        ak_lock_acquire(&slot->lock);
    }
}

void
ak_slot_leave(struct ak_slot *slot)
{
    if (!ak_slot_is_plain(slot)) {
        ak_lock_release(&slot->lock);
    }
}

void
ak_slot_close(struct ak_slot *slot)
{
    /* Forgotten first: a child of a fork closes what it finds here, and the
     * number may by then belong to another file. */
    slot->fd = CURL_SOCKET_BAD;
    if (slot->attached && slot->generation == ak_fork_generation()) {
        /* The only call that closes a CONNECT_ONLY connection. */
        ak_slot_enter(slot);
        curl_multi_remove_handle(slot->multi->handle, slot->easy);
        ak_slot_leave(slot);
    }
    slot->attached = false;
    slot->requests = 0;
}

/* Append TEXT and a NUL to the slot's text; the copy replaces *TEXT. */
static enum ak_status
keep_text(struct ak_buf *buf, struct ak_str *text)
{
    size_t start = buf->len;
    enum ak_status status = ak_buf_append(buf, *text);
    if (status == AK_OK) {
        status = ak_buf_append_char(buf, '\0');
    }
    if (status == AK_OK) {
        *text = ak_str_of(buf->data + start, text->len);
    }
    return status;
}

/* The slot's own copy of ENDPOINT, each part terminated. */
static enum ak_status
keep_endpoint(struct ak_slot *slot, const struct ak_endpoint *endpoint)
{
    ak_buf_free_secret(&slot->text);
    slot->endpoint = *endpoint;
    struct ak_str *parts[] = {
        &slot->endpoint.host,        &slot->endpoint.proxy,    &slot->endpoint.tls.ca_file,
        &slot->endpoint.tls.ca_path, &slot->endpoint.tls.cert, &slot->endpoint.tls.key,
    };
    size_t total = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        total += parts[i]->len + 1;
    }
    /* Reserved at once: the slices must not move. */
    enum ak_status status = ak_buf_reserve(&slot->text, total);
    for (size_t i = 0; status == AK_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        status = keep_text(&slot->text, parts[i]);
    }
    return status;
}

/* Every socket is closed on exec and sends small writes at once. */
static curl_socket_t
open_socket(void *unused, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)unused;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0 && address->socktype == SOCK_STREAM) {
        int on = 1;
        /* A socket without it works, only slower. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}

static const char *
text_or_null(struct ak_str text)
{
    return text.len > 0 ? text.ptr : NULL;
}

static CURLcode
set_tls(CURL *easy, const struct ak_tls *tls, long keep_tickets)
{
    long verify = tls->verify == AK_VERIFY_PEER;
    CURLcode code = CURLE_OK;
#define SET(option, value) (code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value))
    SET(CURLOPT_SSL_VERIFYPEER, verify);
    SET(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, verify);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, verify ? 2L : 0L);
    SET(CURLOPT_CAINFO, text_or_null(tls->ca_file));
    SET(CURLOPT_PROXY_CAINFO, text_or_null(tls->ca_file));
    /* libcurl caches the X509 store only without a CApath, and distributions
     * compile one in. */
    SET(CURLOPT_CAPATH, text_or_null(tls->ca_path));
    SET(CURLOPT_PROXY_CAPATH, text_or_null(tls->ca_path));
    SET(CURLOPT_SSLCERT, text_or_null(tls->cert));
    SET(CURLOPT_SSLKEY, text_or_null(tls->key));
    /* Without one OpenSSL would ask for it on the terminal. */
    SET(CURLOPT_KEYPASSWD, "");
    SET(CURLOPT_SSL_SESSIONID_CACHE, keep_tickets);
    return code;
}

static CURLcode
set_options(struct ak_slot *slot, const char *url, long connect_ms)
{
    CURL *easy = slot->easy;
    long keep_tickets = !ak_multi_leaks_tickets(slot->multi);
    CURLcode code = set_tls(easy, &slot->endpoint.tls, keep_tickets);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROXY, slot->endpoint.proxy.len > 0 ? slot->endpoint.proxy.ptr : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? connect_ms : (long)LONGEST_CONNECT_MS);
    SET(CURLOPT_ERRORBUFFER, slot->error);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_PRIVATE, slot);
    /* Without it the end of a transfer joins the resolver's thread. */
    SET(CURLOPT_QUICK_EXIT, 1L);
#undef SET
    return code;
}

/* Whether the process or the system has none left: libcurl does not say so, and
 * a name that could not be resolved may have the same cause. */
static bool
lacks_descriptors(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return false;
    }
    return errno == EMFILE || errno == ENFILE;
}

static enum ak_status
fail_without_descriptors(const struct ak_slot *slot, struct ak_err *err)
{
    return ak_fail(err, AK_POOL_BUSY,
                   "no file descriptor is left for a connection to %.*s: raise the limit "
                   "(ulimit -n) or close what is open",
                   (int)slot->endpoint.host.len, slot->endpoint.host.ptr);
}

/* libcurl could not begin.  It wants a descriptor to wake up by, and newer releases have no
 * other word for the want of one than that of memory. */
static enum ak_status
fail_to_begin(const struct ak_slot *slot, struct ak_err *err)
{
    return lacks_descriptors() ? fail_without_descriptors(slot, err) : ak_fail_no_memory(err);
}

enum ak_status
ak_slot_connect(struct ak_slot *slot, const struct ak_endpoint *endpoint, long connect_ms,
                struct ak_err *err)
{
    ak_slot_close(slot);
    if (keep_endpoint(slot, endpoint) != AK_OK) {
        return ak_fail_no_memory(err);
    }
    if (ak_multi_prepare(&slot->multi, &slot->endpoint) != AK_OK) {
        return fail_to_begin(slot, err);
    }
    struct ak_buf url = ak_buf_make(MAX_ENDPOINT_TEXT);
    bool ipv6 = ak_str_find(endpoint->host, ':', 0) < endpoint->host.len;
    enum ak_status status = AK_NO_MEMORY;
    if (ak_buf_append(&url, endpoint->scheme == AK_HTTPS ? AK_STR("https://")
                                                         : AK_STR("http://")) != AK_OK ||
        ak_buf_append(&url, ipv6 ? AK_STR("[") : AK_STR("")) != AK_OK ||
        ak_buf_append(&url, endpoint->host) != AK_OK ||
        ak_buf_append(&url, ipv6 ? AK_STR("]:") : AK_STR(":")) != AK_OK ||
        ak_buf_append_number(&url, (unsigned)endpoint->port) != AK_OK ||
        ak_buf_append(&url, ak_str_of("/", 2)) != AK_OK) {
        ak_fail_no_memory(err);
        goto done;
    }
    slot->error[0] = '\0';
    CURLcode code = set_options(slot, url.data, connect_ms);
    if (code != CURLE_OK) {
        status = ak_fail(err, AK_CONNECT_FAILED, "libcurl refused a setting for %.*s: %s",
                         (int)endpoint->host.len, endpoint->host.ptr, curl_easy_strerror(code));
        goto done;
    }
    if (curl_multi_add_handle(slot->multi->handle, slot->easy) != CURLM_OK) {
        status = fail_to_begin(slot, err);
        goto done;
    }
    slot->attached = true;
    status = AK_OK;
done:
    ak_buf_free(&url);
    return status;
}

/* The code of the connect, if it has ended. */
static bool
connect_ended(struct ak_slot *slot, CURLcode *code)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(slot->multi->handle, &left)) != NULL;) {
        if (message->msg == CURLMSG_DONE && message->easy_handle == slot->easy) {
            *code = message->data.result;
            return true;
        }
    }
    return false;
}

static enum ak_io
finish_connect(struct ak_slot *slot, CURLcode code, struct ak_err *err)
{
    if (code == CURLE_OK) {
        code = curl_easy_getinfo(slot->easy, CURLINFO_ACTIVESOCKET, &slot->fd);
    }
    if (code == CURLE_OK && slot->fd != CURL_SOCKET_BAD) {
        return AK_IO_DONE;
    }
    if (lacks_descriptors()) {
        fail_without_descriptors(slot, err);
    } else {
        ak_tls_explain(slot, code, err);
    }
    ak_slot_close(slot);
    return AK_IO_FAILED;
}

enum ak_io
ak_slot_connect_step(struct ak_slot *slot, int64_t until, struct ak_err *err)
{
    for (;;) {
        int running;
        ak_slot_enter(slot);
        CURLMcode multi_code = curl_multi_perform(slot->multi->handle, &running);
        ak_slot_leave(slot);
        CURLcode code;
        if (multi_code != CURLM_OK) {
            ak_fail(err, AK_CONNECT_FAILED, "libcurl: %s", curl_multi_strerror(multi_code));
            ak_slot_close(slot);
            return AK_IO_FAILED;
        }
        if (connect_ended(slot, &code)) {
            return finish_connect(slot, code, err);
        }
        int64_t left = (until - ak_now()) / 1000000;
        if (left <= 0) {
            return AK_IO_AGAIN;
        }
        multi_code = curl_multi_poll(slot->multi->handle, NULL, 0, (int)left, NULL);
        if (multi_code != CURLM_OK) {
            ak_fail(err, AK_CONNECT_FAILED, "libcurl: %s", curl_multi_strerror(multi_code));
            ak_slot_close(slot);
            return AK_IO_FAILED;
        }
    }
}
