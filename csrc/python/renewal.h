/* Whether an answer may mean that the login is lost. */
#ifndef AK_PYTHON_RENEWAL_H
#define AK_PYTHON_RENEWAL_H

#include "python/session.h"

#include <stdbool.h>

/* Whether RESPONSE may be the proxy's way to say that the login is lost: only a
 * look, since every answer passes here, and most without a byte of their body
 * being read; _renew() of the package gathers the facts.  Raises nothing. */
bool ak_may_be_refusal(struct module_state *state, SessionObject *session, PyObject *response);

/* _ask_proxy(url, headers, auth, jar, deadline): a GET that follows nothing and is
 * never renewed itself; JAR is an empty one, so that neither the session's cookies
 * go out nor what comes reaches them. */
PyObject *ak_session_ask_proxy(PyObject *self, PyObject *args);

#endif
