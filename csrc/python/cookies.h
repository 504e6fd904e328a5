/* The type _core.CookieJar, for the other files of the binding: core/cookie.h's
 * jar under a lock that survives a fork. */
#ifndef AK_PYTHON_COOKIES_H
#define AK_PYTHON_COOKIES_H

#include "python/state.h"

#include <stdbool.h>

#include "core/cookie.h"

/* An empty instance of the registered class; NULL with an exception set. */
PyObject *ak_cookies_new(struct module_state *state); /* new */

/* Whether OBJECT is a CookieJar, for which alone the functions below may be called. */
bool ak_is_cookies(struct module_state *state, PyObject *object);

/* The jar inside COOKIES, locked until ak_cookies_unlock.  Needs no interpreter
 * state; no Python and no I/O in between. */
struct ak_cookie_jar *ak_cookies_lock(PyObject *cookies);
void ak_cookies_unlock(PyObject *cookies);

/* Take each Set-Cookie of an answer's HEAD that came from URL. */
AK_MUST_CHECK enum ak_status ak_cookies_take(PyObject *cookies, const struct ak_url *url,
                                             struct ak_str head);

#endif
