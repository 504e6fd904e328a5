/* One exchange driven to its end by the tests of csrc/net/exchange: what to ask,
 * and all that came of it. */
#ifndef EXCHANGE_CLIENT_H
#define EXCHANGE_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "loopback.h"
#include "net/exchange.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { MILLISECOND = 1000000, PATIENCE_MS = 30000 };

static const int64_t patience = (int64_t)PATIENCE_MS * MILLISECOND;

struct world {
    struct loopback server;
    struct ak_pool *pool;
    struct ak_endpoint endpoint;
};

/* Zero means: GET, the whole body, patience, a cap of 64 MiB. */
struct ask {
    const char *head;
    struct ak_str body; /* also cut into pieces for the other kinds */
    size_t piece;
    enum ak_body_kind kind;
    enum ak_http1_method method;
    enum ak_resend resend;
    enum ak_delivery delivery;
    enum ak_sink sink;
    struct ak_bounds bounds;
    int64_t deadline_in; /* nanoseconds from the beginning; 0: none */
};

struct answer {
    enum ak_step last; /* DONE or FAILED */
    struct ak_err err;
    int status;
    struct ak_buf body; /* the caller's to free */
    int heads, pieces, sinks, waits;
    size_t largest_piece;
};

static inline void
make_world(struct world *world, loopback_script script, size_t slots)
{
    start_loopback(&world->server, script);
    world->pool = ak_pool_new(slots);
    assert_non_null(world->pool);
    world->endpoint = (struct ak_endpoint){.host = AK_STR("127.0.0.1"), .port = world->server.port};
}

static inline void
end_world(struct world *world)
{
    ak_pool_unref(world->pool);
    stop_loopback(&world->server);
}

static inline void
begin(struct world *world, const struct ask *ask, struct ak_exchange *exchange)
{
    struct ak_bounds bounds = ask->bounds;
    bounds.connect_ms = bounds.connect_ms != 0 ? bounds.connect_ms : PATIENCE_MS;
    bounds.read = bounds.read != 0 ? bounds.read : patience;
    bounds.pool_wait = bounds.pool_wait != 0 ? bounds.pool_wait : patience;
    bounds.max_body = bounds.max_body != 0 ? bounds.max_body : 64 * 1024 * 1024;
    bounds.deadline = ask->deadline_in != 0 ? ak_now() + ask->deadline_in : 0;
    struct ak_request request = {
        .head = ak_str_from(ask->head != NULL ? ask->head : GET),
        .body = ask->kind == AK_BODY_READY ? ask->body : ak_str_of(NULL, 0),
        .body_kind = ask->kind,
        .method = ask->method,
        .resend = ask->resend,
    };
    ak_exchange_init(exchange, world->pool, &world->endpoint, &request, &bounds, ask->delivery,
                     ask->sink);
}

/* Not by ak_malloc, which a test may let fail. */
static inline void
keep_bytes(struct ak_buf *out, struct ak_str bytes)
{
    if (out->len + bytes.len > out->capacity) {
        out->capacity = 2 * (out->len + bytes.len);
        out->data = realloc(out->data, out->capacity);
        loopback_require(out->data != NULL, "realloc");
    }
    if (bytes.len > 0) {
        memcpy(out->data + out->len, bytes.ptr, bytes.len);
    }
    out->len += bytes.len;
}

static inline void
free_answer(struct answer *answer)
{
    free(answer->body.data);
    answer->body = (struct ak_buf){0};
}

/* The next piece of the request's body, or the empty one that ends it. */
static inline enum ak_status
push_piece(struct ak_exchange *exchange, const struct ask *ask, size_t *pushed, struct ak_err *err)
{
    size_t left = ask->body.len - *pushed;
    size_t len = ask->piece != 0 && ask->piece < left ? ask->piece : left;
    struct ak_str piece = len > 0 ? ak_str_slice(ask->body, *pushed, *pushed + len) : AK_STR("");
    *pushed += len;
    return ak_exchange_push_body(exchange, piece, err);
}

/* Step until the end; EXCHANGE is freed. */
static inline void
finish(struct ak_exchange *exchange, const struct ask *ask, struct answer *answer)
{
    size_t pushed = 0;
    char *sink = NULL;
    *answer = (struct answer){.last = AK_STEP_ONWARD};
    while (answer->last != AK_STEP_DONE && answer->last != AK_STEP_FAILED) {
        answer->last = ak_exchange_step(exchange, ak_now() + 100 * MILLISECOND, &answer->err);
        switch (answer->last) {
        case AK_STEP_WANT_BODY:
            if (push_piece(exchange, ask, &pushed, &answer->err) != AK_OK) {
                answer->last = AK_STEP_FAILED;
            }
            break;
        case AK_STEP_WANT_SINK:
            answer->sinks++;
            sink = malloc((size_t)exchange->reader.content_length);
            ak_exchange_set_sink(exchange, sink);
            break;
        case AK_STEP_HEAD:
            answer->heads++;
            break;
        case AK_STEP_DATA:
            answer->pieces++;
            if (exchange->body.len > answer->largest_piece) {
                answer->largest_piece = exchange->body.len;
            }
            keep_bytes(&answer->body, ak_buf_str(&exchange->body));
            ak_buf_clear(&exchange->body);
            break;
        default:
            answer->waits += answer->last == AK_STEP_WAIT;
        }
    }
    answer->status = exchange->reader.status;
    if (answer->last == AK_STEP_DONE && sink != NULL) {
        keep_bytes(&answer->body, ak_str_of(sink, (size_t)exchange->reader.content_length));
    } else if (answer->last == AK_STEP_DONE) {
        keep_bytes(&answer->body, ak_buf_str(&exchange->body));
    }
    ak_exchange_free(exchange);
    free(sink);
}

static inline void
perform(struct world *world, const struct ask *ask, struct answer *answer)
{
    struct ak_exchange exchange;
    begin(world, ask, &exchange);
    finish(&exchange, ask, answer);
}

static inline void
assert_answer(struct answer *answer, int status, struct ak_str body)
{
    if (answer->last != AK_STEP_DONE) {
        fail_msg("failed with %d: %s", answer->err.status, answer->err.message);
    }
    assert_int_equal(answer->status, status);
    assert_int_equal(answer->body.len, body.len);
    if (body.len > 0) {
        assert_memory_equal(answer->body.data, body.ptr, body.len);
    }
    free_answer(answer);
}

static inline void
assert_answers(struct world *world, struct ask ask, int status, struct ak_str body)
{
    struct answer answer;
    perform(world, &ask, &answer);
    assert_answer(&answer, status, body);
}

static inline void
assert_fails(struct world *world, struct ask ask, enum ak_status status, const char *says)
{
    struct answer answer;
    perform(world, &ask, &answer);
    assert_int_equal(answer.last, AK_STEP_FAILED);
    if (answer.err.status != status || strstr(answer.err.message, says) == NULL) {
        fail_msg("expected %d and \"%s\", came %d: %s", status, says, answer.err.status,
                 answer.err.message);
    }
    free_answer(&answer);
}

/* LEN bytes in which no stretch is like another. */
static inline struct ak_str
make_noise(size_t len)
{
    char *bytes = malloc(len);
    loopback_require(bytes != NULL, "malloc");
    unsigned seed = 1;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (char)(seed >> 24);
    }
    return ak_str_of(bytes, len);
}

static inline int
start_net(void **state)
{
    (void)state;
    return ak_net_init(NULL) == AK_OK ? 0 : -1;
}

#endif
