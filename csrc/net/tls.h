/* What libcurl leaves open about TLS: which failure a code stands for, and
 * whether a stream ended by close_notify. */
#ifndef AK_NET_TLS_H
#define AK_NET_TLS_H

#include "net/connect.h"

/* Fill ERR for a connect that ended with CODE. */
void ak_tls_explain(struct ak_slot *slot, CURLcode code, struct ak_err *err);

/* Whether a stream at its end was ended by the peer on purpose: always for
 * plain TCP, by close_notify for TLS.  False when it cannot be known. */
bool ak_tls_ended_cleanly(struct ak_slot *slot);

#endif
