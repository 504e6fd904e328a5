/* The result of every core and net function that can fail, and the error it
 * fills in.  A status names the kind of failure, from which the binding picks
 * an exception class; the message says what was expected, what came and what
 * to do.  Messages never hold a password, a cookie or a header's value. */
#ifndef AK_STATUS_H
#define AK_STATUS_H

#if defined(__GNUC__)
#define AK_MUST_CHECK __attribute__((warn_unused_result))
#define AK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define AK_MUST_CHECK
#define AK_PRINTF(fmt, args)
#endif

enum ak_status {
    AK_OK = 0,
    AK_NO_MEMORY,       /* an allocation failed */
    AK_BAD_TYPE,        /* an argument has the wrong type */
    AK_BAD_VALUE,       /* an argument has the right type and a wrong value */
    AK_BAD_HEADER,      /* a header name or value that must not be sent */
    AK_BAD_URL,         /* the URL cannot be understood */
    AK_MISSING_SCHEMA,  /* the URL has no scheme */
    AK_BAD_SCHEMA,      /* the URL has a scheme that is not http or https */
    AK_NOT_CONNECTED,   /* no connection came about: name, refusal; nothing was sent */
    AK_CONNECT_FAILED,  /* the connection failed later: reset, end, broken HTTP */
    AK_CONNECT_TIMEOUT, /* no connection in time */
    AK_READ_TIMEOUT,    /* connected, but the answer did not come in time */
    AK_DEADLINE,        /* the caller's deadline for the whole call passed */
    AK_TLS_FAILED,      /* the TLS handshake or the certificate */
    AK_PROXY_FAILED,    /* the proxy could not be reached or said no */
    AK_BAD_CHUNK,       /* the body ended early or its framing is broken */
    AK_BAD_CODING,      /* Content-Encoding could not be undone */
    AK_TOO_LARGE,       /* the body is over the caller's cap */
    AK_TOO_MANY_REDIRECTS,
    AK_UNSAFE_REDIRECT, /* a body would follow a redirect to another origin */
    AK_NOT_REWINDABLE,  /* the body cannot be sent a second time */
    AK_CLOSED,          /* the session was closed */
    AK_POOL_BUSY        /* no slot became free in time, or no descriptor is left */
};

enum { AK_ERR_MESSAGE_SIZE = 400 };

struct ak_err {
    enum ak_status status;
    char message[AK_ERR_MESSAGE_SIZE]; /* UTF-8, always terminated */
};

/* Fill ERR and return STATUS, so that a caller can write
 * `return ak_fail(err, AK_BAD_VALUE, "...")`.  A message that is too long is
 * cut at a character's border.  ERR may be NULL. */
enum ak_status ak_fail(struct ak_err *err, enum ak_status status, const char *format, ...)
    AK_PRINTF(3, 4);

/* The one out-of-memory error; needs no memory itself. */
enum ak_status ak_fail_no_memory(struct ak_err *err);

#endif
