/* Names that the binding looks up or compares again and again, interned once
 * for each module. */
#ifndef AK_PYTHON_NAMES_H
#define AK_PYTHON_NAMES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* See names.c. */
enum ak_name {
    AK_NAME_COMPACT,
    AK_NAME_CONTENT,
    AK_NAME_ENSURE_ASCII,
    AK_NAME_REASON,
    AK_NAME_SORT_KEYS,
    AK_NAME_STATUS_CODE,
    AK_NAME_TEXT,
    AK_NAME_HOST,
    AK_NAME_REQUEST,
    /* The arguments of Session.request, in the order of enum ak_argument. */
    AK_NAME_METHOD,
    AK_NAME_URL,
    AK_NAME_PARAMS,
    AK_NAME_DATA,
    AK_NAME_HEADERS,
    AK_NAME_COOKIES,
    AK_NAME_FILES,
    AK_NAME_AUTH,
    AK_NAME_TIMEOUT,
    AK_NAME_ALLOW_REDIRECTS,
    AK_NAME_PROXIES,
    AK_NAME_HOOKS,
    AK_NAME_STREAM,
    AK_NAME_VERIFY,
    AK_NAME_CERT,
    AK_NAME_JSON,
    AK_NAME_DEADLINE,
    /* Methods of HTTP, in capitals. */
    AK_NAME_VERB_GET,
    AK_NAME_VERB_HEAD,
    AK_NAME_VERB_POST,
    AK_NAME_VERB_PUT,
    AK_NAME_VERB_PATCH,
    AK_NAME_VERB_DELETE,
    AK_NAME_VERB_OPTIONS,
    /* Keys of a WSGI environ, and what Flask is called by. */
    AK_NAME_REQUEST_METHOD,
    AK_NAME_PATH_INFO,
    AK_NAME_SCRIPT_NAME,
    AK_NAME_QUERY_STRING,
    AK_NAME_HTTP_HOST,
    AK_NAME_URL_SCHEME,
    AK_NAME_WERKZEUG_REQUEST,
    AK_NAME_CALL,
    AK_NAME_COUNT
};

/* Fill NAMES with new references: 0, or -1 with an exception set and NAMES
 * partly filled. */
int ak_intern_names(PyObject *names[AK_NAME_COUNT]);

#endif
