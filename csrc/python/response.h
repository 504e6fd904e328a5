/* The type _core.Response: an answer, and with stream=True the call that still
 * brings it. */
#ifndef AK_PYTHON_RESPONSE_H
#define AK_PYTHON_RESPONSE_H

#include "python/call.h"

/* A Response of the registered class for the present hop of CALL, whose
 * exchange has told HEAD or DONE.  CONTENT is stolen; NULL when the body is
 * still to come, and then the Response shares CALL.  NULL with an exception. */
PyObject *ak_response_new(struct ak_call *call, PyObject *content);

/* Whether OBJECT is a Response, for which alone the functions below may be called. */
bool ak_is_response(struct module_state *state, PyObject *object);

/* Read what is left of the body, so that the connection can serve another
 * request, and let the call go: 0 or -1. */
int ak_response_drain(PyObject *response);

/* The answer's Location, false if there is none; points into the Response. */
bool ak_response_location(PyObject *response, struct ak_str *location);
int ak_response_status(PyObject *response);

/* Set the history attribute to a copy of HISTORY, a list: 0 or -1. */
int ak_response_set_history(PyObject *response, PyObject *history);

/* A PreparedRequest from a head that was or would be sent: new, or NULL. */
PyObject *ak_prepared_from_head(struct module_state *state, PyObject *method, PyObject *url,
                                struct ak_str head, PyObject *body);

#endif
