/* The arguments of one call of Session.request and its short forms, by name or
 * by place as requests takes them. */
#ifndef AK_PYTHON_ARGUMENTS_H
#define AK_PYTHON_ARGUMENTS_H

#include "python/state.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order in which Session.request takes them by place. */
enum ak_argument {
    AK_ARG_METHOD,
    AK_ARG_URL,
    AK_ARG_PARAMS,
    AK_ARG_DATA,
    AK_ARG_HEADERS,
    AK_ARG_COOKIES,
    AK_ARG_FILES,
    AK_ARG_AUTH,
    AK_ARG_TIMEOUT,
    AK_ARG_ALLOW_REDIRECTS,
    AK_ARG_PROXIES,
    AK_ARG_HOOKS,
    AK_ARG_STREAM,
    AK_ARG_VERIFY,
    AK_ARG_CERT,
    AK_ARG_JSON,
    AK_ARG_DEADLINE,
    AK_ARG_COUNT
};

/* Whether headers and auth= of the session that are credentials go along, and
 * its parameters. */
enum ak_credentials { AK_CREDENTIALS_SENT, AK_CREDENTIALS_WITHHELD };

/* What a request is for.  A log-in's may not be led anywhere, and is nobody's. */
enum ak_purpose { AK_FOR_SERVICE, AK_FOR_LOGIN };

/* What a call is made from. */
enum ak_source {
    AK_FROM_SESSION, /* the arguments, on the session's headers, parameters and auth */
    AK_FROM_REQUEST  /* a request that is sent as it is, and that no hook sees */
};

struct ak_arguments {
    PyObject *values[AK_ARG_COUNT]; /* borrowed from the caller; NULL where nothing was given */
    int64_t deadline_at;            /* monotonic end of the call with all its tries; 0: none */
    PyObject *jar;                  /* borrowed; of a login, NULL for the session's */
    PyObject *call_jar;             /* borrowed; that jar and the call's cookies, or NULL */
    PyObject *content_type;         /* borrowed; of data that is encoded already, or NULL */
    PyObject *watch;                /* borrowed; who is told of the call as a whole, or NULL */
    enum ak_credentials credentials;
    enum ak_purpose purpose;
    enum ak_source source;
    unsigned long identity_epoch; /* of AK_FROM_REQUEST: when the call whose hook it is began */
};

/* Whether there is an argument other than None. */
static inline bool
ak_is_given(PyObject *value)
{
    return value != NULL && value != Py_None;
}

/* A function's signature: its name and what it takes by place. */
struct ak_signature {
    const char *function;
    Py_ssize_t places;
    enum ak_argument order[AK_ARG_COUNT];
};

/* Fill ARGUMENTS, whose values may hold some already: 0, or -1 with a
 * TypeError that names the function and the argument. */
int ak_parse_arguments(struct module_state *state, const struct ak_signature *signature,
                       PyObject *const *args, Py_ssize_t count, PyObject *keyword_names,
                       struct ak_arguments *arguments);

#endif
