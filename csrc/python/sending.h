/* From arguments to an answer, however often that takes. */
#ifndef AK_PYTHON_SENDING_H
#define AK_PYTHON_SENDING_H

#include "python/call.h"

/* What a second sending of a body needs; redirects let the call's own go. */
struct ak_body_record {
    PyObject *body, *start; /* strong, or NULL */
};

/* Send with redirects, and nothing beyond: new, or NULL.  RECORD may be NULL. */
PyObject *ak_send_once(SessionObject *session, const struct ak_arguments *arguments,
                       struct ak_body_record *record);

/* Send with all that the session stands for: renewal of the login, retries, one
 * deadline over all of it. */
PyObject *ak_send(struct module_state *state, SessionObject *session,
                  struct ak_arguments *arguments);

#endif
