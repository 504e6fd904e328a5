/* The connected slot as a stream of bytes. */
#define _GNU_SOURCE /* MSG_NOSIGNAL */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/connect.h"
#include "net/global.h"
#include "net/tls.h"

/* A slot that was made before a fork belongs to the parent: not a byte of it
 * may be touched. */
static bool
is_foreign(const struct ak_slot *slot)
{
    return slot->generation != ak_fork_generation();
}

static enum ak_io
fail_foreign(struct ak_err *err)
{
    ak_fail(err, AK_CONNECT_FAILED,
            "this connection was opened before a fork and belongs to the parent process: "
            "send the request again in this process");
    return AK_IO_FAILED;
}

/* Whether libcurl's message tells of broken TLS, and not of a connection that
 * ended or was reset below it. */
static bool
is_tls_error(const struct ak_slot *slot)
{
    return slot->endpoint.scheme == AK_HTTPS && strstr(slot->error, "error:") != NULL &&
           strstr(slot->error, "unexpected eof") == NULL;
}

static enum ak_io
fail_io(struct ak_slot *slot, const char *what, CURLcode code, struct ak_err *err)
{
    /* libcurl's number of the system's error may be that of an address which
     * failed before this one was connected: its text comes first. */
    const char *reason = slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code);
    if (code == CURLE_OUT_OF_MEMORY) {
        ak_fail_no_memory(err);
    } else {
        ak_fail(err, is_tls_error(slot) ? AK_TLS_FAILED : AK_CONNECT_FAILED, "%s %.*s failed: %s",
                what, (int)slot->endpoint.host.len, slot->endpoint.host.ptr, reason);
    }
    return AK_IO_FAILED;
}

/* ---- plain sockets ---- */

/* What a call to the system gave: a number of bytes, 0 or -1 with errno. */
static enum ak_io
judge_socket(struct ak_slot *slot, ssize_t result, const char *what, const char *name,
             struct ak_err *err)
{
    if (result > 0) {
        return AK_IO_DONE;
    }
    if (result == 0) {
        return AK_IO_EOF;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return AK_IO_AGAIN;
    }
    /* In libcurl's words; the C library's for such numbers are constants. */
    (void)snprintf(slot->error, sizeof(slot->error), "%s failure: %s", name, strerror(errno));
    return fail_io(slot, what, CURLE_RECV_ERROR, err);
}

static enum ak_io
send_plain(struct ak_slot *slot, struct ak_str bytes, size_t *count, struct ak_err *err)
{
    ssize_t result = send(slot->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    *count = result > 0 ? (size_t)result : 0;
    enum ak_io io = judge_socket(slot, result, "sending to", "Send", err);
    return io == AK_IO_EOF ? AK_IO_AGAIN : io;
}

static enum ak_io
recv_plain(struct ak_slot *slot, char *into, size_t size, size_t *count, struct ak_err *err)
{
    ssize_t result = recv(slot->fd, into, size, 0);
    *count = result > 0 ? (size_t)result : 0;
    return judge_socket(slot, result, "reading from", "Recv", err);
}

/* ---- any ---- */

enum ak_io
ak_slot_send(struct ak_slot *slot, struct ak_str bytes, size_t *count, struct ak_err *err)
{
    if (is_foreign(slot)) {
        return fail_foreign(err);
    }
    if (ak_slot_is_plain(slot)) {
        return send_plain(slot, bytes, count, err);
    }
    slot->error[0] = '\0';
    ak_slot_enter(slot);
    CURLcode code = curl_easy_send(slot->easy, bytes.ptr, bytes.len, count);
    ak_slot_leave(slot);
    if (code == CURLE_AGAIN || (code == CURLE_OK && *count == 0)) {
        return AK_IO_AGAIN;
    }
    return code == CURLE_OK ? AK_IO_DONE : fail_io(slot, "sending to", code, err);
}

enum ak_io
ak_slot_recv(struct ak_slot *slot, char *into, size_t size, size_t *count, struct ak_err *err)
{
    if (is_foreign(slot)) {
        return fail_foreign(err);
    }
    if (ak_slot_is_plain(slot)) {
        return recv_plain(slot, into, size, count, err);
    }
    slot->error[0] = '\0';
    ak_slot_enter(slot);
    CURLcode code = curl_easy_recv(slot->easy, into, size, count);
    ak_slot_leave(slot);
    if (code == CURLE_AGAIN) {
        return AK_IO_AGAIN;
    }
    if (code != CURLE_OK) {
        return fail_io(slot, "reading from", code, err);
    }
    if (*count > 0) {
        return AK_IO_DONE;
    }
    ak_slot_enter(slot);
    bool clean = ak_tls_ended_cleanly(slot);
    ak_slot_leave(slot);
    return clean ? AK_IO_EOF : AK_IO_CUT;
}

int
ak_slot_wait(struct ak_slot *slot, enum ak_wait what, int64_t until)
{
    struct pollfd poller = {.fd = slot->fd};
    poller.events =
        (short)((what & AK_WAIT_READ ? POLLIN : 0) | (what & AK_WAIT_WRITE ? POLLOUT : 0));
    int64_t left = until - ak_now();
    int milliseconds = left <= 0 ? 0 : (int)((left + 999999) / 1000000);
    int ready = poll(&poller, 1, milliseconds);
    if (ready <= 0) {
        return 0; /* time, or a signal: the caller looks at both */
    }
    /* An error or a hang-up is found by whichever call comes next. */
    int both = poller.revents & (POLLERR | POLLHUP | POLLNVAL) ? (int)what : 0;
    return both | (poller.revents & POLLIN ? AK_WAIT_READ : 0) |
           (poller.revents & POLLOUT ? AK_WAIT_WRITE : 0);
}

bool
ak_slot_is_alive(struct ak_slot *slot)
{
    size_t count;
    struct ak_err err;
    return slot->fd != CURL_SOCKET_BAD &&
           ak_slot_recv(slot, slot->input, AK_SLOT_INPUT_SIZE, &count, &err) == AK_IO_AGAIN;
}
