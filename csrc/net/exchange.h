/* One request and its answer on a pool's connection: a state machine that works
 * in steps, so that its caller can look at signals between them.
 *
 * It takes a slot, connects it if need be, sends, reads, decodes, and gives the
 * slot back; a connection is kept only after an answer that its own framing
 * called complete.  It knows nothing of redirects, cookies or logins. */
#ifndef AK_NET_EXCHANGE_H
#define AK_NET_EXCHANGE_H

#include "core/http1.h"
#include "net/decode.h"
#include "net/pool.h"

enum ak_body_kind {
    AK_BODY_READY,  /* the body, maybe empty, is in memory */
    AK_BODY_SIZED,  /* asked for piece by piece; its length is in the head */
    AK_BODY_CHUNKED /* asked for piece by piece; sent in chunks */
};

/* Whether a request may be sent a second time when a kept connection proves
 * dead before the first byte of an answer (RFC 9110, 9.2.2). */
enum ak_resend { AK_RESEND_NEVER, AK_RESEND_IF_STALE };

/* How the body of the answer is handed over. */
enum ak_delivery {
    AK_DELIVER_WHOLE, /* at DONE */
    AK_DELIVER_PIECES /* stops at HEAD, then at each DATA */
};

enum ak_sink { AK_SINK_REFUSED, AK_SINK_OFFERED };

/* What to send.  All is borrowed until the exchange has ended. */
struct ak_request {
    struct ak_str head; /* with the empty line; a small body may follow it */
    struct ak_str body; /* of AK_BODY_READY */
    enum ak_body_kind body_kind;
    enum ak_http1_method method;
    enum ak_resend resend;
};

struct ak_bounds {
    long connect_ms;   /* 0: no bound */
    int64_t read;      /* nanoseconds of silence; 0: no bound */
    int64_t deadline;  /* monotonic time of the end of all; 0: none */
    int64_t pool_wait; /* nanoseconds */
    size_t max_body;   /* decoded bytes of AK_DELIVER_WHOLE */
};

enum ak_step {
    AK_STEP_WAIT,      /* the step's time is over: call again */
    AK_STEP_WANT_BODY, /* ak_exchange_push_body, then call again */
    AK_STEP_WANT_SINK, /* ak_exchange_set_sink, then call again */
    AK_STEP_HEAD,      /* AK_DELIVER_PIECES: the head is complete */
    AK_STEP_DATA,      /* AK_DELIVER_PIECES: exchange->body holds a piece */
    AK_STEP_DONE,      /* the answer is complete, the slot given back */
    AK_STEP_FAILED,    /* *err says why; the connection is closed */
    AK_STEP_ONWARD     /* private: the next phase can begin */
};

enum ak_phase {
    AK_PHASE_TAKE,
    AK_PHASE_CONNECT,
    AK_PHASE_SEND,
    AK_PHASE_HEAD,
    AK_PHASE_BODY,
    AK_PHASE_ENDED
};

/* Which text of the request is going out. */
enum ak_outgoing { AK_OUT_HEAD, AK_OUT_BODY, AK_OUT_PIECE, AK_OUT_LAST_PIECE, AK_OUT_NOTHING };

struct ak_exchange {
    struct ak_http1_reader reader; /* head, status, reason: valid from HEAD on */
    struct ak_buf body;            /* decoded; of WHOLE at DONE, of PIECES at DATA */
    int64_t sent_at, head_at;      /* monotonic; the answer's elapsed time */
    /* Private from here. */
    enum ak_phase phase;
    struct ak_pool *pool; /* a reference */
    struct ak_slot *slot; /* ours between take and give */
    struct ak_endpoint endpoint;
    struct ak_request request;
    struct ak_bounds bounds;
    enum ak_delivery delivery;
    enum ak_sink sink_offer;
    struct ak_decoder *decoder;
    struct ak_str pending;   /* read but not yet parsed, inside slot->input */
    struct ak_str undecoded; /* of the answer's body, inside slot->input */
    struct ak_buf piece;     /* of the request's body, as it goes out */
    size_t sent;             /* of the text that is going out */
    enum ak_outgoing outgoing;
    char *sink; /* lent memory for the whole body */
    size_t sink_filled;
    int64_t taking_since;
    int64_t waiting_since; /* the peer's last sign of life */
    int64_t window_start;  /* of the present measure of slowness */
    size_t window_bytes;
    bool drained;     /* nothing more can be read before a poll says so */
    bool answered;    /* a byte of an answer has come */
    bool reused;      /* the connection had carried a request before */
    bool resent;      /* this is the second try, on a new connection */
    bool body_pushed; /* a piece was taken from the caller: no second try */
    bool sink_asked;
    bool decoder_full; /* the decoder stopped with output left inside */
};

/* Begin: nothing is sent before the first step.  REQUEST and the texts of
 * ENDPOINT are borrowed until the end. */
void ak_exchange_init(struct ak_exchange *exchange, struct ak_pool *pool,
                      const struct ak_endpoint *endpoint, const struct ak_request *request,
                      const struct ak_bounds *bounds, enum ak_delivery delivery,
                      enum ak_sink sink_offer);

/* Go on until something is to be told or the monotonic time UNTIL. */
AK_MUST_CHECK enum ak_step ak_exchange_step(struct ak_exchange *exchange, int64_t until,
                                            struct ak_err *err);

/* A piece of the request's body after AK_STEP_WANT_BODY; an empty one ends it.
 * The bytes are copied. */
AK_MUST_CHECK enum ak_status ak_exchange_push_body(struct ak_exchange *exchange,
                                                   struct ak_str piece, struct ak_err *err);

/* The memory for a body of exactly reader.content_length bytes, after
 * AK_STEP_WANT_SINK; lent until DONE or FAILED. */
void ak_exchange_set_sink(struct ak_exchange *exchange, char *memory);

/* From AK_DELIVER_PIECES to WHOLE: the rest will be read at once. */
void ak_exchange_deliver_whole(struct ak_exchange *exchange);

/* Drop what is under way and free all.  Safe at any point and twice. */
void ak_exchange_free(struct ak_exchange *exchange);

#endif
