#define _GNU_SOURCE /* RTLD_DEFAULT */

#include "net/tls.h"

#include <dlfcn.h>
#include <string.h>

/* OpenSSL's SSL_RECEIVED_SHUTDOWN, part of its stable interface. */
enum { SSL_RECEIVED_SHUTDOWN_BIT = 2 };

struct code_status {
    CURLcode code;
    enum ak_status status;
};

static const struct code_status code_table[] = {
    {CURLE_OPERATION_TIMEDOUT, AK_CONNECT_TIMEOUT},
    {CURLE_COULDNT_RESOLVE_PROXY, AK_PROXY_FAILED},
    {CURLE_PROXY, AK_PROXY_FAILED},
    {CURLE_SSL_CONNECT_ERROR, AK_TLS_FAILED},
    {CURLE_SSL_CERTPROBLEM, AK_TLS_FAILED},
    {CURLE_SSL_CIPHER, AK_TLS_FAILED},
    {CURLE_PEER_FAILED_VERIFICATION, AK_TLS_FAILED},
    {CURLE_SSL_CACERT_BADFILE, AK_TLS_FAILED},
    {CURLE_SSL_ISSUER_ERROR, AK_TLS_FAILED},
    {CURLE_SSL_ENGINE_INITFAILED, AK_TLS_FAILED},
    {CURLE_SSL_INVALIDCERTSTATUS, AK_TLS_FAILED},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, AK_TLS_FAILED},
    {CURLE_USE_SSL_FAILED, AK_TLS_FAILED},
    {CURLE_OUT_OF_MEMORY, AK_NO_MEMORY},
};

static enum ak_status
status_of_code(const struct ak_slot *slot, CURLcode code)
{
    if (code == CURLE_BAD_FUNCTION_ARGUMENT && slot->endpoint.tls.cert.len > 0) {
        return AK_TLS_FAILED; /* libcurl 8.22, of a key that is not of the certificate */
    }
    for (size_t i = 0; i < sizeof(code_table) / sizeof(code_table[0]); i++) {
        if (code_table[i].code == code) {
            return code_table[i].status;
        }
    }
    /* With a tunnel, what is refused or cut before TLS is the proxy's doing. */
    bool proxied = slot->endpoint.peer == AK_PEER_PROXY || slot->endpoint.proxy.len > 0;
    return proxied ? AK_PROXY_FAILED : AK_NOT_CONNECTED;
}

/* libcurl's words, but for those that quote a proxy's URL with its credentials. */
static const char *
reason_of(const struct ak_slot *slot, CURLcode code)
{
    static const char quoting[] = "Unsupported proxy";
    if (strncmp(slot->error, quoting, sizeof(quoting) - 1) == 0) {
        return "the proxy's URL cannot be understood: it must be like "
               "http://user:password@host:port";
    }
    return slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code);
}

void
ak_tls_explain(struct ak_slot *slot, CURLcode code, struct ak_err *err)
{
    const struct ak_endpoint *endpoint = &slot->endpoint;
    const char *reason = reason_of(slot, code);
    int host = (int)(endpoint->host.len < 100 ? endpoint->host.len : 100);
    enum ak_status status = status_of_code(slot, code);
    if (status == AK_NO_MEMORY) {
        ak_fail_no_memory(err);
    } else if (status == AK_TLS_FAILED && endpoint->tls.verify == AK_VERIFY_PEER) {
        ak_fail(err, status, "TLS with %.*s:%d failed: %s (trusted certificates: %s)", host,
                endpoint->host.ptr, endpoint->port, reason,
                endpoint->tls.ca_file.len > 0   ? endpoint->tls.ca_file.ptr
                : endpoint->tls.ca_path.len > 0 ? endpoint->tls.ca_path.ptr
                                                : "none");
    } else {
        ak_fail(err, status, "%s %.*s:%d: %s",
                status == AK_CONNECT_TIMEOUT ? "no connection in time to"
                : status == AK_TLS_FAILED    ? "TLS failed with"
                : status == AK_PROXY_FAILED  ? "the proxy failed on the way to"
                                             : "cannot connect to",
                host, endpoint->host.ptr, endpoint->port, reason);
    }
}

#ifdef AK_TLS_WITHIN /* OpenSSL is linked in, and hidden from the dynamic linker */

int SSL_get_shutdown(const void *ssl); /* as its header declares it, which is not needed here */

static int
openssl_shutdown_state(void *ssl)
{
    return SSL_get_shutdown(ssl);
}

#else

/* Whether the OpenSSL that this process shows is of libcurl's version: another one,
 * as an interpreter may have within, must not be asked about libcurl's SSL. */
static bool
is_libcurls_openssl(void)
{
    static const char ours[] = "OpenSSL ", theirs[] = "OpenSSL/";
    union {
        void *symbol;
        const char *(*function)(int);
    } version = {dlsym(RTLD_DEFAULT, "OpenSSL_version")};
    const char *curls = strstr(curl_version_info(CURLVERSION_NOW)->ssl_version, theirs);
    const char *found = version.symbol == NULL ? "" : version.function(0);
    if (curls == NULL || strncmp(found, ours, sizeof(ours) - 1) != 0) {
        return false;
    }
    curls += sizeof(theirs) - 1;
    found += sizeof(ours) - 1;
    size_t length = strcspn(curls, " ");
    return length == strcspn(found, " ") && strncmp(curls, found, length) == 0;
}

static int
openssl_shutdown_state(void *ssl)
{
    union {
        void *symbol;
        int (*function)(const void *);
    } get_shutdown = {dlsym(RTLD_DEFAULT, "SSL_get_shutdown")};
    bool can_ask = get_shutdown.symbol != NULL && is_libcurls_openssl();
    return can_ask ? get_shutdown.function(ssl) : 0;
}

#endif

bool
ak_tls_ended_cleanly(struct ak_slot *slot)
{
    if (slot->endpoint.scheme != AK_HTTPS) {
        return true;
    }
    struct curl_tlssessioninfo *info = NULL;
    if (curl_easy_getinfo(slot->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->internals == NULL || info->backend != CURLSSLBACKEND_OPENSSL) {
        return false;
    }
    return (openssl_shutdown_state(info->internals) & SSL_RECEIVED_SHUTDOWN_BIT) != 0;
}
