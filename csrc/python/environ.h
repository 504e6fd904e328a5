/* The environment variables that a call obeys, by one walk over C's environ:
 * a pod of Kubernetes has a thousand of them, and os.environ is slow. */
#ifndef AK_PYTHON_ENVIRON_H
#define AK_PYTHON_ENVIRON_H

/* Values inside environ, NULL where unset or empty.  Lower-case names win.
 * HTTP_PROXY in capitals counts only without REQUEST_METHOD (httpoxy: in a CGI
 * program a client's header Proxy would set it). */
struct ak_environ {
    const char *http_proxy, *https_proxy, *all_proxy, *no_proxy;
    const char *requests_ca_bundle, *curl_ca_bundle;
};

/* Read while attached to the interpreter, so that os.environ cannot change
 * meanwhile. */
void ak_environ_read(struct ak_environ *environment);

#endif
