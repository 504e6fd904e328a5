/* The exchange's way out: head and body of the request. */
#include "net/exchange_parts.h"

#include "net/global.h"

/* The text that goes out now. */
static struct ak_str
outgoing_text(const struct ak_exchange *x)
{
    switch (x->outgoing) {
    case AK_OUT_HEAD:
        return x->request.head;
    case AK_OUT_BODY:
        return x->request.body;
    case AK_OUT_PIECE:
    case AK_OUT_LAST_PIECE:
        return ak_buf_str(&x->piece);
    default:
        return ak_str_of(NULL, 0);
    }
}

/* What follows when all of the present text is out. */
static enum ak_step
next_text(struct ak_exchange *x)
{
    x->sent = 0;
    if (x->outgoing == AK_OUT_HEAD && x->request.body_kind == AK_BODY_READY) {
        x->outgoing = x->request.body.len > 0 ? AK_OUT_BODY : AK_OUT_NOTHING;
        return AK_STEP_ONWARD;
    }
    if (x->outgoing == AK_OUT_HEAD || x->outgoing == AK_OUT_PIECE) {
        ak_buf_clear(&x->piece);
        x->outgoing = AK_OUT_PIECE;
        return AK_STEP_WANT_BODY;
    }
    x->outgoing = AK_OUT_NOTHING;
    return AK_STEP_ONWARD;
}

static void
await_answer(struct ak_exchange *x)
{
    x->phase = AK_PHASE_HEAD;
    x->window_start = x->waiting_since = ak_now();
    x->window_bytes = 0;
    x->drained = true;
}

/* The socket takes no more: wait, and listen meanwhile, since a server may
 * answer before it has read all (RFC 9112, 9.5), and two full buffers must not
 * wait for each other. */
static enum ak_step
wait_to_send(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    enum ak_step step = ak_exchange_wait(x, AK_WAIT_BOTH, until, err);
    return step == AK_STEP_ONWARD ? ak_exchange_read_early(x, err) : step;
}

enum ak_step
ak_exchange_send(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    if (x->sent_at == 0) {
        x->sent_at = x->waiting_since = ak_now();
    }
    while (x->phase == AK_PHASE_SEND && x->outgoing != AK_OUT_NOTHING) {
        struct ak_str text = outgoing_text(x);
        enum ak_step step = AK_STEP_ONWARD;
        if (x->sent == text.len) {
            step = next_text(x);
        } else {
            size_t count;
            switch (ak_slot_send(x->slot, ak_str_slice(text, x->sent, text.len), &count, err)) {
            case AK_IO_DONE:
                x->sent += count;
                x->waiting_since = ak_now();
                step = ak_exchange_check_clock(x, until, err);
                break;
            case AK_IO_AGAIN:
                step = wait_to_send(x, until, err);
                break;
            default:
                /* The peer has gone; it may have said why before. */
                await_answer(x);
                x->drained = false;
                return AK_STEP_ONWARD;
            }
        }
        if (step != AK_STEP_ONWARD) {
            return step;
        }
    }
    if (x->phase == AK_PHASE_SEND) {
        await_answer(x);
    }
    return AK_STEP_ONWARD;
}

enum ak_status
ak_exchange_push_body(struct ak_exchange *exchange, struct ak_str piece, struct ak_err *err)
{
    struct ak_buf *out = &exchange->piece;
    enum ak_status status = AK_OK;
    ak_buf_clear(out);
    exchange->sent = 0;
    exchange->body_pushed = true;
    exchange->outgoing = piece.len == 0 ? AK_OUT_LAST_PIECE : AK_OUT_PIECE;
    bool chunked = exchange->request.body_kind == AK_BODY_CHUNKED;
    if (chunked) {
        status = ak_http1_append_chunk_size(out, piece.len);
    }
    if (status == AK_OK) {
        status = ak_buf_append(out, piece);
    }
    if (status == AK_OK && chunked) {
        status = ak_buf_append(out, AK_STR("\r\n"));
    }
    return status == AK_OK ? AK_OK : ak_fail_no_memory(err);
}
