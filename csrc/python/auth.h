/* auth= of a call, of the session or of the URL. */
#ifndef AK_PYTHON_AUTH_H
#define AK_PYTHON_AUTH_H

#include "python/call.h"

/* The call's credentials: AUTH (borrowed, may be NULL), else the session's, else
 * the URL's.  A pair is Basic; a callable gets the PreparedRequest and may
 * change it.  Comes last, since it must see the whole request.  0 or -1. */
int ak_call_take_auth(struct ak_call *call, PyObject *auth);

/* Append "Basic ..." for USER and PASSWORD to OUT, which must hold it all
 * without growing twice.  AK_BAD_VALUE for what RFC 7617 rules out. */
enum ak_status ak_append_basic(struct ak_buf *out, struct ak_str user, struct ak_str password,
                               struct ak_err *err);

#endif
