/* One call of Session.request: what it sends, hop by hop, until its final
 * answer.  Made by prepare.c, carried out by call.c; with stream=True it lives
 * on in its Response. */
#ifndef AK_PYTHON_CALL_H
#define AK_PYTHON_CALL_H

#include "python/session.h" /* Python.h comes first */

#include "core/redirect.h"
#include "net/exchange.h"
#include "python/arguments.h"

/* Fields that redirects and framing treat apart: bits of a mask. */
enum ak_field_class {
    AK_FIELD_HOST = 1 << 0,
    AK_FIELD_LENGTH = 1 << 1,   /* Content-Length */
    AK_FIELD_TRANSFER = 1 << 2, /* Transfer-Encoding */
    AK_FIELD_TYPE = 1 << 3,     /* Content-Type */
    AK_FIELD_COOKIE = 1 << 4,
    AK_FIELD_AUTHORIZATION = 1 << 5,
    AK_FIELD_PROXY_AUTHORIZATION = 1 << 6
};

enum {
    AK_FIELDS_FRAMING = AK_FIELD_LENGTH | AK_FIELD_TRANSFER, /* always ours */
    AK_FIELDS_BODY = AK_FIELD_LENGTH | AK_FIELD_TRANSFER | AK_FIELD_TYPE,
    AK_FIELDS_CREDENTIALS = AK_FIELD_COOKIE | AK_FIELD_AUTHORIZATION |
        AK_FIELD_PROXY_AUTHORIZATION | AK_FIELD_HOST
};

/* Where the Host field of a head is from. */
enum ak_host_source { AK_HOST_OF_URL, AK_HOST_OF_CALLER };

/* Whether MAPPING gives nothing: NULL, None or an empty dict. */
static inline bool
ak_has_no_entries(PyObject *mapping)
{
    return mapping == NULL || mapping == Py_None ||
           (PyDict_CheckExact(mapping) && PyDict_GET_SIZE(mapping) == 0);
}

struct ak_call {
    atomic_uint references; /* the loop's, and a streaming Response's */
    /* That Response while the loop runs, strong: whoever has it may read the exchange in
     * another thread, one at a time by ResponseObject.busy. */
    PyObject *lent_to;
    SessionObject *session; /* strong */
    struct module_state *state;
    PyObject *method; /* str in capitals; owns what method_text points to */
    struct ak_str method_text;
    struct ak_url url;
    PyObject *headers;           /* a Headers of this call, or NULL: the session's alone */
    PyObject *headers_elsewhere; /* what it was before a callable auth, or NULL */
    bool asked_auth;             /* there was one: headers stay at the call's origin */
    unsigned withheld;           /* field classes that are no longer sent */

    PyObject *body;      /* bytes, a file, an iterator, or NULL */
    PyObject *body_text; /* the str that body was made from, or NULL */
    enum ak_body_kind body_kind;
    long long body_length; /* of AK_BODY_SIZED; counts down while it goes out */
    long long body_total;
    PyObject *body_start;    /* where a file stood; NULL if it cannot be known */
    PyObject *body_iterator; /* of the present hop */
    PyObject *content_type;  /* str or NULL */

    struct ak_buf secret_body;   /* of a login: sent in place of body, shown to nobody */
    struct ak_buf authorization; /* the header's value; a secret */
    enum ak_purpose purpose;
    /* How the session's way shows in this call. */
    bool is_cookieless; /* no cookie goes out or is kept */
    bool bears_login;   /* authorization is the session's log-in */
    bool bears_other;   /* the present hop bears an Authorization that is not */
    unsigned long identity_epoch;
    /* The session's jar when the call began, or one of this call alone: what comes
     * late must not reach the cookies of a login that has ended meanwhile. */
    PyObject *jar;
    PyObject *call_jar; /* that jar and cookies= of the call; may be NULL */

    /* Settings, resolved. */
    PyObject *proxies, *hooks; /* of the call, or NULL */
    PyObject *auth_hooks;      /* list of those that a callable auth has registered, or NULL */
    enum ak_source source;
    PyObject *cert, *verify; /* never NULL */
    struct ak_bounds bounds;
    enum ak_delivery delivery;
    bool allow_redirects;

    /* The present hop. */
    struct ak_buf head;
    size_t head_length; /* of head without a small body that follows it */
    enum ak_host_source host_source;
    struct ak_buf proxy; /* URL of the proxy; a secret */
    struct ak_buf proxy_authorization;
    struct ak_buf texts; /* the proxy's host, for the endpoint */
    PyObject *kept;      /* list of bytes: the endpoint's paths */
    struct ak_endpoint endpoint;
    enum ak_request_form { AK_ORIGIN_FORM, AK_ABSOLUTE_FORM } form;
    struct ak_exchange exchange;
    bool exchanging;          /* exchange is initialised */
    PyObject *sink;           /* bytes that the exchange fills, or NULL */
    PyObject *history;        /* list of Response, or NULL while empty */
    size_t history_bytes;     /* of their bodies */
    PyObject *watch;          /* who is told of the call and its hops, or NULL */
    PyObject *observer;       /* of the present hop: that, or the session's, or None */
    PyObject *announced;      /* the request as the observer was shown it, or NULL */
    PyObject *headers_of_hop; /* a Headers with what the observer added, or NULL */
};

/* ---- prepare.c ---- */

/* Fix the end of the call, by its deadline= or the session's: 0 or -1. */
int ak_find_deadline(SessionObject *session, struct ak_arguments *arguments);

/* A call from ARGUMENTS; NULL with an exception, nothing sent. */
struct ak_call *ak_call_new(SessionObject *session, const struct ak_arguments *arguments);
/* Let one reference go; the last one frees all and closes what is open. */
void ak_call_free(struct ak_call *call);

/* Call a function of apikit._prepare: new, or NULL.  Steals ARGS, which may be
 * NULL with an exception set. */
PyObject *ak_prepare_call(const char *name, PyObject *args);

/* What a caller is shown as the body: a str where one was given; borrowed, may be NULL. */
static inline PyObject *
ak_call_shown_body(const struct ak_call *call)
{
    return call->body_text != NULL ? call->body_text : call->body;
}

/* The request of the present hop as a PreparedRequest: new, or NULL. */
PyObject *ak_call_prepared_request(struct ak_call *call);
/* Raise what ERR stands for, with that request.  Always -1. */
int ak_call_raise(struct ak_call *call, const struct ak_err *err);

/* ---- address.c ---- */

/* Parse a URL, its host by IDNA where it is not ASCII: 0 or -1. */
int ak_parse_url(struct ak_url *url, struct ak_str text);
/* TEXT, a URL or reference, with its host in ASCII: a new str; NULL without an
 * exception when it is ASCII already. */
PyObject *ak_encode_host(struct ak_str text);
int ak_parse_url_object(struct ak_url *url, PyObject *object);

/* Add the query that PARAMS (borrowed, may be NULL) and the session's make. */
int ak_call_take_params(struct ak_call *call, PyObject *params);

/* ---- body.c ---- */

/* The body of the arguments and its content type, a tuple: new, or NULL. */
PyObject *ak_encode_body(const struct ak_arguments *arguments);
/* The body of the arguments: 0 or -1. */
int ak_call_take_body(struct ak_call *call, const struct ak_arguments *arguments);
/* Take BODY (bytes, file, iterator, None) as it is: 0 or -1. */
int ak_call_set_body(struct ak_call *call, PyObject *body);
/* Before a second sending: 0 or -1 with UnrewindableBodyError. */
int ak_call_rewind_body(struct ak_call *call);
/* Give the exchange the next piece: 0 or -1. */
int ak_call_push_body(struct ak_call *call);

/* ---- fields.c ---- */

/* The headers of CALL but for what an observer adds to a hop: new. */
PyObject *ak_call_headers(struct ak_call *call);

/* Append the fields of HEADERS (a Headers) but those in SKIP; *seen gets the
 * classes that were written.  AK_BAD_HEADER for what must not be sent. */
int ak_write_fields(PyObject *headers, unsigned skip, unsigned *seen, struct ak_buf *out);
/* The head of the present hop, in call->head: 0 or -1. */
int ak_call_write_head(struct ak_call *call);

/* ---- destination.c ---- */

/* The proxy, TLS settings and endpoint of the present hop: 0 or -1. */
int ak_call_find_route(struct ak_call *call);

/* ---- hooks.c ---- */

/* Show RESPONSE (stolen) to requests' hooks["response"]: what they give, new, or NULL. */
PyObject *ak_call_run_hooks(struct ak_call *call, PyObject *response);

/* ---- transport.c ---- */

/* What answers the present hop in place of a server: the session's own
 * transport, else that of all sessions.  New, or NULL for a connection. */
PyObject *ak_call_find_transport(struct ak_call *call);
/* The present hop by TRANSPORT: the exchange is then DONE or, for
 * AK_DELIVER_PIECES, at HEAD.  0 or -1. */
int ak_call_ask_transport(struct ak_call *call, PyObject *transport, enum ak_step *step);

/* ---- observer.c ---- */

/* Let the session's observer, if it has one, watch a call: *watch, new, or NULL for
 * nobody.  0 or -1. */
int ak_begin_watch(SessionObject *session, PyObject **watch);
/* Tell WATCH of the end of its call, RESPONSE, or with NULL the exception that is set:
 * RESPONSE, or NULL with an exception. */
PyObject *ak_end_watch(PyObject *watch, PyObject *response);

/* Show the watch of the call or, without one, the session's observer the request of
 * the present hop, and add the headers that it gives to this hop: 0 or -1. */
int ak_call_announce(struct ak_call *call);
/* Tell it of RESPONSE, or with NULL of the exception that is set: RESPONSE, or
 * NULL with an exception.  Only after a hop that was announced. */
PyObject *ak_call_report(struct ak_call *call, PyObject *response);

/* ---- session_way.c ---- */

/* Last of all: where the session's way is a header, no cookie goes along, and what
 * goes to the origin of the base URL bears the log-in.  0, or -1 with ValueError
 * if somebody could listen. */
int ak_call_take_way(struct ak_call *call);

/* ---- identity.c ---- */

/* Whether the answer of the present hop is the session's: 0, or -1 with
 * IdentityChanged if the proxy took it for another user's. */
int ak_call_check_identity(struct ak_call *call);

/* ---- redirects.c ---- */

/* Turn CALL to where RESPONSE redirects: 1, 0 when it is final, or -1. */
int ak_call_follow(struct ak_call *call, PyObject *response);

/* ---- call.c ---- */

/* For the garbage collector, by the one that holds the only reference to CALL. */
int ak_call_traverse(struct ak_call *call, visitproc visit, void *arg);

/* Carry CALL out: the final Response, or NULL.  Steals a reference to CALL. */
PyObject *ak_call_run(struct ak_call *call);
/* Go on with the exchange until it tells something other than WAIT; serves the
 * request's body.  -1 with an exception; the exchange is then ended. */
int ak_call_step(struct ak_call *call, enum ak_step *step);

#endif
