/* The type _core.Response: an answer, and with stream=True the call that still
 * brings it. */
#ifndef AK_PYTHON_RESPONSE_H
#define AK_PYTHON_RESPONSE_H

#include "python/call.h"

/* Attributes that are made when first asked for, and that may be assigned. */
enum ak_response_attribute {
    AK_RESPONSE_STATUS_CODE,
    AK_RESPONSE_REASON,
    AK_RESPONSE_HEADERS,
    AK_RESPONSE_HISTORY,
    AK_RESPONSE_ELAPSED,
    AK_RESPONSE_REQUEST,
    AK_RESPONSE_COOKIES,
    AK_RESPONSE_URL,
    AK_RESPONSE_ATTRIBUTE_COUNT
};

typedef struct {
    PyObject_HEAD
    struct module_state *state; /* lives as long as the type does */
    struct ak_buf head;         /* of the answer */
    struct ak_buf request_head; /* as it was sent; holds credentials */
    struct ak_str reason;       /* inside head */
    int status;
    int64_t elapsed;   /* nanoseconds from the sending to the answer's head */
    PyObject *content; /* bytes, or NULL while it is still to come; set once */
    PyObject *method, *request_body;
    enum ak_host_source host_source;                   /* of the request */
    PyObject *attributes[AK_RESPONSE_ATTRIBUTE_COUNT]; /* NULL until asked for */
    PyObject *weak_references;
    atomic_bool busy; /* a thread is reading the body; what is below is that thread's */
    _Atomic(struct ak_call *) call; /* a reference while the body is still to come */
    atomic_bool consumed;           /* pieces were read: there is no whole body any more */
    size_t taken;                   /* of the exchange's present piece */
} ResponseObject;

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
/* As it is now: a hook may have assigned another. */
int ak_response_status(PyObject *response);
/* By how many redirects it came. */
Py_ssize_t ak_response_redirects(PyObject *response);
/* A field of the answer's head, false if there is none; points into the Response. */
bool ak_response_field(PyObject *response, struct ak_str name, struct ak_str *value);
/* The body as far as it is in memory: nothing of one that is still to come. */
struct ak_str ak_response_loaded(PyObject *response);

/* Set the history attribute to a copy of HISTORY, a list: 0 or -1. */
int ak_response_set_history(PyObject *response, PyObject *history);

/* ---- response_body.c ---- */

/* Drop a body that is still to come, and the connection that brings it. */
void ak_response_let_call_go(ResponseObject *self);
PyObject *ak_response_get_content(PyObject *self, void *closure);
PyObject *ak_response_read(PyObject *self, PyObject *amount);
PyObject *ak_response_close(PyObject *self, PyObject *unused);

/* ---- prepared_request.c ---- */

/* A PreparedRequest from a head that was or would be sent: new, or NULL.  Its
 * headers have no Host but the caller's. */
PyObject *ak_prepared_from_head(struct module_state *state, PyObject *method, PyObject *url,
                                struct ak_str head, enum ak_host_source host_source,
                                PyObject *body);

#endif
