/* What the files of the exchange share; nobody else includes it. */
#ifndef AK_NET_EXCHANGE_PARTS_H
#define AK_NET_EXCHANGE_PARTS_H

#include "net/exchange.h"

enum {
    HEAD_TIMEOUTS = 4, /* a head must be complete within so many read timeouts */
    WINDOW_LEAST = 64, /* bytes of a body within one read timeout */
    SINK_LEAST = 64 * 1024,
    PIECE_TARGET = 64 * 1024,
    RESERVE_AHEAD = 1024 * 1024 /* what a Content-Length alone is believed */
};

/* Each phase's work until it must wait for longer than UNTIL. */
enum ak_step ak_exchange_send(struct ak_exchange *x, int64_t until, struct ak_err *err);
enum ak_step ak_exchange_read_head(struct ak_exchange *x, int64_t until, struct ak_err *err);
enum ak_step ak_exchange_read_body(struct ak_exchange *x, int64_t until, struct ak_err *err);

/* Read into slot->input what has come, without waiting, and parse it as far as
 * the head's end: while a request is still going out. */
enum ak_step ak_exchange_read_early(struct ak_exchange *x, struct ak_err *err);

/* Wait for the socket until UNTIL or until a bound is reached.  ONWARD when it
 * is ready, WAIT when the step's time is over, FAILED over a bound. */
enum ak_step ak_exchange_wait(struct ak_exchange *x, enum ak_wait what, int64_t until,
                              struct ak_err *err);

/* The deadline and UNTIL after work that did not have to wait: a peer that is
 * always ready must not hide the clock.  Reads the time of its last sign of life. */
enum ak_step ak_exchange_check_clock(struct ak_exchange *x, int64_t until, struct ak_err *err);

/* Give the slot back, its connection kept or closed. */
enum ak_fate { AK_KEEP, AK_CLOSE };
void ak_exchange_give_back(struct ak_exchange *x, enum ak_fate fate);

#endif
