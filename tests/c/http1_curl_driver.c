/* Reads answers from stdin (http1_batch.h), has libcurl's own transfer read each
 * from a connection of its own that ends behind the answer, and prints a line of
 * JSON for each. */
#define _GNU_SOURCE

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http1_batch.h"

enum { MAX_RESULT = 1 << 20 };

struct result {
    char body[MAX_RESULT];
    size_t body_len;
    char head[MAX_RESULT];
    size_t head_len;
};

static size_t
append(char *to, size_t *len, const char *data, size_t size)
{
    if (size > MAX_RESULT - *len) {
        return 0;
    }
    memcpy(to + *len, data, size);
    *len += size;
    return size;
}

static size_t
take_body(char *data, size_t size, size_t count, void *context)
{
    struct result *result = context;
    return append(result->body, &result->body_len, data, size * count);
}

static size_t
take_head(char *data, size_t size, size_t count, void *context)
{
    struct result *result = context;
    return append(result->head, &result->head_len, data, size * count);
}

static void
stop(const char *what)
{
    perror(what);
    exit(2);
}

/* A socket on a free port of loopback that listens. */
static int
listen_on_loopback(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        stop("listen");
    }
    *port = ntohs(address.sin_port);
    return listener;
}

struct answerer {
    int listener;
    struct ak_str message;
};

/* The other end of one connection: all of the message, the end, and then
 * whatever the client sends until it closes. */
static void *
answer_once(void *context)
{
    const struct answerer *answerer = context;
    int connection = accept(answerer->listener, NULL, NULL);
    char ignored[4096];
    size_t sent = 0;
    while (sent < answerer->message.len) {
        ssize_t count = send(connection, answerer->message.ptr + sent, answerer->message.len - sent,
                             MSG_NOSIGNAL);
        if (count <= 0) {
            break;
        }
        sent += (size_t)count;
    }
    shutdown(connection, SHUT_WR);
    while (read(connection, ignored, sizeof(ignored)) > 0) {
    }
    close(connection);
    return NULL;
}

static CURLcode
transfer(CURL *easy, unsigned port, int is_head, struct result *result)
{
    curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/");
    curl_easy_setopt(easy, CURLOPT_PORT, (long)port);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOBODY, is_head ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, result);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, result);
    return curl_easy_perform(easy);
}

static void
run_case(struct answerer *answerer, unsigned port, const struct batch_case *item)
{
    static struct result result;
    pthread_t thread;
    long status = 0;
    answerer->message = item->message;
    result.body_len = result.head_len = 0;
    /* A handle of its own for each: libcurl 7.88 remembers a freed field of the
     * last answer and crashes when the next begins with a folded line. */
    CURL *easy = curl_easy_init();
    if (easy == NULL || pthread_create(&thread, NULL, answer_once, answerer) != 0) {
        stop("a new transfer");
    }
    CURLcode code = transfer(easy, port, item->is_head, &result);
    pthread_join(thread, NULL);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    printf("{\"ok\": %s, \"code\": %d, \"status\": %ld, ", code == CURLE_OK ? "true" : "false",
           (int)code, status);
    print_bytes("head", ak_str_of(result.head, result.head_len));
    printf(", ");
    print_bytes("body", ak_str_of(result.body, result.body_len));
    puts("}");
    fflush(stdout);
}

int
main(void)
{
    struct batch_case item;
    unsigned port;
    struct answerer answerer = {.listener = listen_on_loopback(&port)};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fprintf(stderr, "libcurl does not start\n");
        return 2;
    }
    while (read_case(&item)) {
        run_case(&answerer, port, &item);
        free_case(&item);
    }
    curl_global_cleanup();
    close(answerer.listener);
    return 0;
}
