/* The exchange's way in: head and body of the answer. */
#include "net/exchange_parts.h"

#include "net/global.h"

/* Take COUNT bytes more into account for the bounds on silence and slowness. */
static void
note_progress(struct ak_exchange *x, size_t count)
{
    x->answered = true;
    x->window_bytes += count;
    x->waiting_since = ak_now();
}

/* After a plain read that did not fill its room the socket is empty; a TLS
 * layer may hold decrypted bytes, and only AGAIN tells that it does not. */
static bool
is_drained(const struct ak_exchange *x, size_t count, size_t room)
{
    return x->endpoint.scheme == AK_HTTP && count < room;
}

/* The peer has ended the stream. */
static enum ak_step
take_end(struct ak_exchange *x, enum ak_io io, struct ak_err *err)
{
    if (io == AK_IO_CUT && x->reader.framing == AK_HTTP1_UNTIL_EOF && x->phase == AK_PHASE_BODY) {
        ak_fail(err, AK_CONNECT_FAILED,
                "%.*s ended the TLS stream without close_notify: the body may be cut short",
                (int)x->endpoint.host.len, x->endpoint.host.ptr);
        return AK_STEP_FAILED;
    }
    return ak_http1_read_eof(&x->reader, err) == AK_HTTP1_END ? AK_STEP_DONE : AK_STEP_FAILED;
}

/* Read once into ROOM; ONWARD with *count above 0, DONE at an end that the
 * framing allows. */
static enum ak_step
read_into(struct ak_exchange *x, char *into, size_t room, size_t *count, int64_t until,
          struct ak_err *err)
{
    for (;;) {
        if (x->drained) {
            enum ak_step step = ak_exchange_wait(x, AK_WAIT_READ, until, err);
            if (step != AK_STEP_ONWARD) {
                return step;
            }
        }
        enum ak_io io = ak_slot_recv(x->slot, into, room, count, err);
        if (io == AK_IO_DONE) {
            x->drained = is_drained(x, *count, room);
            note_progress(x, *count);
            return AK_STEP_ONWARD;
        }
        if (io != AK_IO_AGAIN) {
            return io == AK_IO_FAILED ? AK_STEP_FAILED : take_end(x, io, err);
        }
        x->drained = true;
    }
}

static enum ak_step
fill_input(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    size_t count;
    enum ak_step step = read_into(x, x->slot->input, AK_SLOT_INPUT_SIZE, &count, until, err);
    if (step == AK_STEP_ONWARD) {
        x->pending = ak_str_of(x->slot->input, count);
    }
    return step;
}

static enum ak_http1_event
parse(struct ak_exchange *x, struct ak_str *body, struct ak_err *err)
{
    size_t used = 0;
    enum ak_http1_event event = ak_http1_read(&x->reader, x->pending, &used, body, err);
    x->pending = ak_str_slice(x->pending, used, x->pending.len);
    return event;
}

static enum ak_step
fail_too_large(const struct ak_exchange *x, struct ak_err *err)
{
    ak_fail(err, AK_TOO_LARGE,
            "the body is over max_body (%zu bytes): raise max_body or use stream=True",
            x->bounds.max_body);
    return AK_STEP_FAILED;
}

/* ---- the head ---- */

/* The joined values of the answer's Content-Encoding. */
static enum ak_status
find_codings(struct ak_str head, struct ak_buf *codings)
{
    size_t offset = 0;
    struct ak_str name, value;
    while (ak_http1_next_field(head, &offset, &name, &value)) {
        if (!ak_str_iequal(name, AK_STR("content-encoding"))) {
            continue;
        }
        enum ak_status status = codings->len > 0 ? ak_buf_append_char(codings, ',') : AK_OK;
        if (status == AK_OK) {
            status = ak_buf_append(codings, value);
        }
        if (status != AK_OK) {
            return status;
        }
    }
    return AK_OK;
}

static enum ak_step
prepare_decoder(struct ak_exchange *x, struct ak_err *err)
{
    struct ak_buf codings = ak_buf_make(AK_HTTP1_MAX_HEAD);
    enum ak_status status = find_codings(ak_buf_str(&x->reader.head), &codings);
    if (status != AK_OK) {
        status = ak_fail_no_memory(err);
    } else if (codings.len > 0) {
        status = ak_decoder_new(&x->decoder, ak_buf_str(&codings), err);
    }
    ak_buf_free(&codings);
    return status == AK_OK ? AK_STEP_ONWARD : AK_STEP_FAILED;
}

/* Memory for a body whose length is known. */
static enum ak_step
prepare_body(struct ak_exchange *x, struct ak_err *err)
{
    if (x->reader.framing != AK_HTTP1_LENGTH || x->delivery != AK_DELIVER_WHOLE ||
        x->decoder != NULL) {
        return AK_STEP_ONWARD;
    }
    uint64_t length = x->reader.content_length;
    if (length > x->bounds.max_body) {
        return fail_too_large(x, err);
    }
    if (length >= SINK_LEAST && x->sink_offer == AK_SINK_OFFERED && !x->sink_asked) {
        x->sink_asked = true;
        return AK_STEP_WANT_SINK;
    }
    size_t ahead = length < RESERVE_AHEAD ? (size_t)length : RESERVE_AHEAD;
    if (ak_buf_reserve(&x->body, ahead) != AK_OK) {
        ak_fail_no_memory(err);
        return AK_STEP_FAILED;
    }
    return AK_STEP_ONWARD;
}

static enum ak_step
begin_body(struct ak_exchange *x, struct ak_err *err)
{
    x->head_at = ak_now();
    x->phase = AK_PHASE_BODY;
    x->window_start = x->waiting_since = x->head_at;
    x->window_bytes = 0;
    enum ak_step step = AK_STEP_ONWARD;
    if (x->reader.framing != AK_HTTP1_NO_BODY && x->reader.has_coding) {
        step = prepare_decoder(x, err);
    }
    if (step == AK_STEP_ONWARD) {
        step = prepare_body(x, err);
    }
    return step == AK_STEP_ONWARD && x->delivery == AK_DELIVER_PIECES ? AK_STEP_HEAD : step;
}

/* Parse PENDING as part of a head: ONWARD when more bytes are needed. */
static enum ak_step
parse_head(struct ak_exchange *x, struct ak_err *err)
{
    struct ak_str body;
    switch (parse(x, &body, err)) {
    case AK_HTTP1_HEAD_DONE:
        return begin_body(x, err);
    case AK_HTTP1_NEED_DATA:
        return AK_STEP_ONWARD;
    default:
        return AK_STEP_FAILED;
    }
}

enum ak_step
ak_exchange_read_head(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    while (x->phase == AK_PHASE_HEAD) {
        enum ak_step step = AK_STEP_ONWARD;
        if (x->pending.len == 0) {
            step = fill_input(x, until, err);
        }
        if (step == AK_STEP_ONWARD) {
            step = parse_head(x, err);
        }
        if (step != AK_STEP_ONWARD) {
            return step;
        }
    }
    return AK_STEP_ONWARD;
}

enum ak_step
ak_exchange_read_early(struct ak_exchange *x, struct ak_err *err)
{
    size_t count;
    switch (ak_slot_recv(x->slot, x->slot->input, AK_SLOT_INPUT_SIZE, &count, err)) {
    case AK_IO_DONE:
        break;
    case AK_IO_AGAIN:
        return AK_STEP_ONWARD;
    case AK_IO_FAILED:
        return AK_STEP_FAILED;
    default:
        return take_end(x, AK_IO_EOF, err);
    }
    x->drained = false;
    note_progress(x, count);
    x->pending = ak_str_of(x->slot->input, count);
    return parse_head(x, err);
}

/* ---- the body ---- */

/* The answer is complete: check the codings and let the connection go. */
static enum ak_step
finish(struct ak_exchange *x, struct ak_err *err)
{
    if (x->decoder != NULL && ak_decoder_finish(x->decoder, err) != AK_OK) {
        return AK_STEP_FAILED;
    }
    bool clean = x->reader.keep_alive && x->pending.len == 0 && x->outgoing == AK_OUT_NOTHING;
    ak_exchange_give_back(x, clean ? AK_KEEP : AK_CLOSE);
    x->phase = AK_PHASE_ENDED;
    return AK_STEP_ONWARD;
}

static enum ak_step
decode(struct ak_exchange *x, struct ak_err *err)
{
    size_t want = x->delivery == AK_DELIVER_PIECES ? PIECE_TARGET : SIZE_MAX;
    enum ak_status status = ak_decoder_feed(x->decoder, &x->undecoded, &x->body, want, err);
    x->decoder_full = ak_decoder_has_more(x->decoder);
    if (x->decoder_full) {
        x->waiting_since = ak_now(); /* for the look at the clock that follows */
    }
    return status == AK_OK ? AK_STEP_ONWARD : AK_STEP_FAILED;
}

static enum ak_step
take_body(struct ak_exchange *x, struct ak_str piece, struct ak_err *err)
{
    if (x->decoder != NULL) {
        x->undecoded = piece;
        return decode(x, err);
    }
    if (x->sink != NULL) {
        memcpy(x->sink + x->sink_filled, piece.ptr, piece.len);
        x->sink_filled += piece.len;
        return AK_STEP_ONWARD;
    }
    switch (ak_buf_append(&x->body, piece)) {
    case AK_OK:
        return AK_STEP_ONWARD;
    case AK_TOO_LARGE:
        return fail_too_large(x, err);
    default:
        ak_fail_no_memory(err);
        return AK_STEP_FAILED;
    }
}

/* Bytes of a known length go straight to where they stay. */
static enum ak_step
read_into_sink(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    size_t count;
    enum ak_step step =
        read_into(x, x->sink + x->sink_filled, (size_t)x->reader.remaining, &count, until, err);
    if (step == AK_STEP_ONWARD) {
        x->sink_filled += count;
        ak_http1_skip_body(&x->reader, count);
    }
    return step;
}

/* One piece of work on the body: parse what was read, else read. */
static enum ak_step
advance_body(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    struct ak_str piece;
    switch (parse(x, &piece, err)) {
    case AK_HTTP1_BODY:
        return take_body(x, piece, err);
    case AK_HTTP1_END:
        return finish(x, err);
    case AK_HTTP1_NEED_DATA:
        break;
    default:
        return AK_STEP_FAILED;
    }
    enum ak_step step = x->sink != NULL ? read_into_sink(x, until, err) : fill_input(x, until, err);
    return step == AK_STEP_DONE ? finish(x, err) : step;
}

enum ak_step
ak_exchange_read_body(struct ak_exchange *x, int64_t until, struct ak_err *err)
{
    if (x->sink_asked && x->sink == NULL && x->delivery == AK_DELIVER_WHOLE &&
        prepare_body(x, err) != AK_STEP_ONWARD) {
        return AK_STEP_FAILED;
    }
    while (x->phase == AK_PHASE_BODY) {
        if (x->delivery == AK_DELIVER_PIECES && x->body.len > 0) {
            return AK_STEP_DATA;
        }
        enum ak_step step;
        if (x->undecoded.len > 0 || x->decoder_full) {
            step = decode(x, err);
        } else {
            step = advance_body(x, until, err);
        }
        if (step == AK_STEP_ONWARD && x->phase == AK_PHASE_BODY) {
            step = ak_exchange_check_clock(x, until, err);
        }
        if (step != AK_STEP_ONWARD) {
            return step;
        }
    }
    return AK_STEP_ONWARD;
}
