#include "net/exchange.h"

#include "core/alloc.h"
#include "net/exchange_parts.h"

void
ak_exchange_init(struct ak_exchange *exchange, struct ak_pool *pool,
                 const struct ak_endpoint *endpoint, const struct ak_request *request,
                 const struct ak_bounds *bounds, enum ak_delivery delivery, enum ak_sink sink_offer)
{
    *exchange = (struct ak_exchange){
        .phase = AK_PHASE_TAKE,
        .pool = ak_pool_ref(pool),
        .endpoint = *endpoint,
        .request = *request,
        .bounds = *bounds,
        .delivery = delivery,
        .sink_offer = sink_offer,
        .body = ak_buf_make(delivery == AK_DELIVER_WHOLE ? bounds->max_body : SIZE_MAX / 2),
        .piece = ak_buf_make(SIZE_MAX / 2),
    };
    ak_http1_reader_init(&exchange->reader, request->method);
}

void
ak_exchange_give_back(struct ak_exchange *x, enum ak_fate fate)
{
    struct ak_slot *slot = x->slot;
    x->slot = NULL;
    x->pending = x->undecoded = ak_str_of(NULL, 0);
    if (slot == NULL) {
        return;
    }
    if (fate == AK_CLOSE) {
        ak_slot_close(slot);
    } else {
        slot->requests++;
    }
    ak_pool_give(x->pool, slot);
}

void
ak_exchange_free(struct ak_exchange *exchange)
{
    ak_exchange_give_back(exchange, AK_CLOSE);
    ak_decoder_free(exchange->decoder);
    exchange->decoder = NULL;
    ak_http1_reader_free(&exchange->reader);
    ak_buf_free(&exchange->body);
    ak_buf_free_secret(&exchange->piece);
    ak_pool_unref(exchange->pool);
    exchange->pool = NULL;
    exchange->phase = AK_PHASE_ENDED;
}

void
ak_exchange_set_sink(struct ak_exchange *exchange, char *memory)
{
    exchange->sink = memory;
    exchange->sink_filled = 0;
}

void
ak_exchange_deliver_whole(struct ak_exchange *exchange)
{
    exchange->delivery = AK_DELIVER_WHOLE;
    exchange->body.max = exchange->bounds.max_body;
    exchange->window_start = exchange->waiting_since = ak_now();
    exchange->window_bytes = 0;
}

/* ---- time ---- */

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the present wait breaks a bound other than the deadline; INT64_MAX if
 * it never does. */
static int64_t
patience_ends(const struct ak_exchange *x)
{
    if (x->bounds.read == 0) {
        return INT64_MAX;
    }
    int64_t silence = x->waiting_since + x->bounds.read;
    switch (x->phase) {
    case AK_PHASE_HEAD:
        return earlier(silence, x->window_start + HEAD_TIMEOUTS * x->bounds.read);
    case AK_PHASE_BODY:
        return x->delivery == AK_DELIVER_WHOLE ? x->window_start + x->bounds.read : silence;
    default:
        return silence;
    }
}

static enum ak_step
fail_over_deadline(struct ak_exchange *x, struct ak_err *err)
{
    static const char *const doing[] = {
        "waiting for a free connection to", "connecting to",         "sending to",
        "waiting for the answer of",        "reading the answer of", "ending with"};
    ak_fail(err, AK_DEADLINE, "the deadline of the call passed while %s %.*s", doing[x->phase],
            (int)x->endpoint.host.len, x->endpoint.host.ptr);
    return AK_STEP_FAILED;
}

/* The wait is over its bound.  A body that came fast enough begins a new
 * window instead. */
static enum ak_step
judge_slowness(struct ak_exchange *x, int64_t now, struct ak_err *err)
{
    if (x->phase == AK_PHASE_BODY && x->delivery == AK_DELIVER_WHOLE &&
        x->window_bytes >= WINDOW_LEAST) {
        x->window_start = now;
        x->window_bytes = 0;
        return AK_STEP_ONWARD;
    }
    static const char *const what[] = {
        [AK_PHASE_SEND] = "took no more of the request",
        [AK_PHASE_HEAD] = "sent no complete head of an answer",
        [AK_PHASE_BODY] = "sent too little of the body",
    };
    ak_fail(err, AK_READ_TIMEOUT,
            "%.*s:%d %s in time (read timeout %.3g s): raise timeout=", (int)x->endpoint.host.len,
            x->endpoint.host.ptr, x->endpoint.port, what[x->phase], (double)x->bounds.read / 1e9);
    return AK_STEP_FAILED;
}

enum ak_step
ak_exchange_wait(struct ak_exchange *x, enum ak_wait what, int64_t until, struct ak_err *err)
{
    for (;;) {
        int64_t bound = patience_ends(x);
        int64_t deadline = x->bounds.deadline != 0 ? x->bounds.deadline : INT64_MAX;
        if (ak_slot_wait(x->slot, what, earlier(until, earlier(bound, deadline))) != 0) {
            return AK_STEP_ONWARD;
        }
        int64_t now = ak_now();
        if (now >= deadline) {
            return fail_over_deadline(x, err);
        }
        if (now >= bound && judge_slowness(x, now, err) == AK_STEP_FAILED) {
            return AK_STEP_FAILED;
        }
        if (now >= until) {
            return AK_STEP_WAIT;
        }
    }
}

enum ak_step
ak_exchange_check_clock(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    if (x->bounds.deadline != 0 && x->waiting_since >= x->bounds.deadline) {
        return fail_over_deadline(x, err);
    }
    return x->waiting_since >= until ? AK_STEP_WAIT : AK_STEP_ONWARD;
}

/* ---- the phases before sending ---- */

static enum ak_step
take_slot(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    if (x->taking_since == 0) {
        x->taking_since = ak_now();
    }
    int64_t patience = x->taking_since + x->bounds.pool_wait;
    int64_t deadline = x->bounds.deadline != 0 ? x->bounds.deadline : INT64_MAX;
    enum ak_io io = ak_pool_take(x->pool, &x->endpoint, earlier(until, earlier(patience, deadline)),
                                 &x->slot, err);
    if (io == AK_IO_AGAIN) {
        int64_t now = ak_now();
        if (now >= deadline) {
            return fail_over_deadline(x, err);
        }
        if (now >= patience) {
            ak_fail(err, AK_POOL_BUSY,
                    "every connection of the session is in use and none came free within %.3g s: "
                    "raise pool_maxsize= or pool_timeout=",
                    (double)x->bounds.pool_wait / 1e9);
            return AK_STEP_FAILED;
        }
        return AK_STEP_WAIT;
    }
    if (io != AK_IO_DONE) {
        return AK_STEP_FAILED;
    }
    if (x->slot->fd != CURL_SOCKET_BAD && !x->resent && ak_slot_is_alive(x->slot)) {
        x->reused = true;
        x->phase = AK_PHASE_SEND;
        return AK_STEP_ONWARD;
    }
    if (ak_slot_connect(x->slot, &x->endpoint, x->bounds.connect_ms, err) != AK_OK) {
        return AK_STEP_FAILED;
    }
    x->reused = false;
    x->phase = AK_PHASE_CONNECT;
    return AK_STEP_ONWARD;
}

static enum ak_step
connect_slot(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    int64_t deadline = x->bounds.deadline != 0 ? x->bounds.deadline : INT64_MAX;
    switch (ak_slot_connect_step(x->slot, earlier(until, deadline), err)) {
    case AK_IO_DONE:
        x->phase = AK_PHASE_SEND;
        return AK_STEP_ONWARD;
    case AK_IO_AGAIN:
        return ak_now() >= deadline ? fail_over_deadline(x, err) : AK_STEP_WAIT;
    default:
        return AK_STEP_FAILED;
    }
}

/* ---- the loop ---- */

/* A kept connection that died before the first byte of an answer: the server
 * had closed it, and an idempotent request goes out once more on a new one. */
static bool
may_resend(const struct ak_exchange *x, const struct ak_err *err)
{
    return x->reused && !x->resent && !x->answered && !x->body_pushed &&
           x->request.resend == AK_RESEND_IF_STALE && err->status == AK_CONNECT_FAILED;
}

static void
begin_again(struct ak_exchange *x)
{
    ak_exchange_give_back(x, AK_CLOSE);
    ak_http1_reader_free(&x->reader);
    ak_http1_reader_init(&x->reader, x->request.method);
    x->resent = true;
    x->sent = 0;
    x->outgoing = AK_OUT_HEAD;
    x->taking_since = x->sent_at = 0;
    x->phase = AK_PHASE_TAKE;
}

static enum ak_step
end_phase(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    (void)until;
    (void)err;
    return x->delivery == AK_DELIVER_PIECES && x->body.len > 0 ? AK_STEP_DATA : AK_STEP_DONE;
}

enum ak_step
ak_exchange_step(struct ak_exchange *exchange, int64_t until, struct ak_err *err)
{
    static enum ak_step (*const phases[])(struct ak_exchange *, int64_t, struct ak_err *) = {
        [AK_PHASE_TAKE] = take_slot,
        [AK_PHASE_CONNECT] = connect_slot,
        [AK_PHASE_SEND] = ak_exchange_send,
        [AK_PHASE_HEAD] = ak_exchange_read_head,
        [AK_PHASE_BODY] = ak_exchange_read_body,
        [AK_PHASE_ENDED] = end_phase,
    };
    for (;;) {
        enum ak_step step = phases[exchange->phase](exchange, until, err);
        if (step == AK_STEP_FAILED) {
            if (may_resend(exchange, err)) {
                begin_again(exchange);
                continue;
            }
            ak_exchange_give_back(exchange, AK_CLOSE);
            exchange->phase = AK_PHASE_ENDED;
        }
        if (step != AK_STEP_ONWARD) {
            return step;
        }
    }
}
