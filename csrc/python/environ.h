/* The environment variables that a call obeys, by one walk over C's environ:
 * a pod of Kubernetes has a thousand of them, and os.environ is slow.
 *
 * The GIL keeps os.environ from changing C's meanwhile.  Where there is none, another
 * thread may have it moved to a larger place during the walk: there os.environ is asked. */
#ifndef AK_PYTHON_ENVIRON_H
#define AK_PYTHON_ENVIRON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Values, NULL where unset or empty.  Lower-case names win.
 * HTTP_PROXY in capitals counts only without REQUEST_METHOD (httpoxy: in a CGI
 * program a client's header Proxy would set it). */
struct ak_environ {
    const char *http_proxy, *https_proxy, *all_proxy, *no_proxy;
    const char *requests_ca_bundle, *curl_ca_bundle;
    PyObject *owner; /* of the texts where they are Python's, or NULL */
};

/* Read it: 0, or -1 with an exception set; to be let go by ak_environ_free. */
int ak_environ_read(struct ak_environ *environment);

static inline void
ak_environ_free(struct ak_environ *environment)
{
    Py_CLEAR(environment->owner);
}

#endif
