/* The TLS settings of a hop. */
#ifndef AK_PYTHON_TRUST_H
#define AK_PYTHON_TRUST_H

#include "python/call.h"
#include "python/environ.h"

/* verify= of CALL, or where the system's certificates are, in its endpoint: 0 or -1. */
int ak_call_take_verify(struct ak_call *call, const struct ak_environ *environment);
/* cert= of CALL, likewise. */
int ak_call_take_cert(struct ak_call *call);

#endif
