#include "python/environ.h"

#include <stddef.h>

#include "core/str.h"

extern char **environ;

enum variable {
    HTTP_LOWER,
    HTTPS_LOWER,
    ALL_LOWER,
    NO_LOWER,
    HTTP_UPPER,
    HTTPS_UPPER,
    ALL_UPPER,
    NO_UPPER,
    REQUESTS_CA,
    CURL_CA,
    CGI_METHOD,
    VARIABLE_COUNT
};

static const struct ak_str names[VARIABLE_COUNT] = {
    [HTTP_LOWER] = {"http_proxy=", 11},
    [HTTPS_LOWER] = {"https_proxy=", 12},
    [ALL_LOWER] = {"all_proxy=", 10},
    [NO_LOWER] = {"no_proxy=", 9},
    [HTTP_UPPER] = {"HTTP_PROXY=", 11},
    [HTTPS_UPPER] = {"HTTPS_PROXY=", 12},
    [ALL_UPPER] = {"ALL_PROXY=", 10},
    [NO_UPPER] = {"NO_PROXY=", 9},
    [REQUESTS_CA] = {"REQUESTS_CA_BUNDLE=", 19},
    [CURL_CA] = {"CURL_CA_BUNDLE=", 15},
    [CGI_METHOD] = {"REQUEST_METHOD=", 15},
};

/* Whether a variable that begins with C may be one of ours. */
static inline bool
may_matter(char c)
{
    return c == 'h' || c == 'a' || c == 'n' || c == 'H' || c == 'A' || c == 'N' || c == 'R' ||
           c == 'C';
}

static void
note_variable(const char *entry, const char *values[VARIABLE_COUNT])
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (values[i] == NULL && strncmp(entry, names[i].ptr, names[i].len) == 0) {
            values[i] = entry + names[i].len;
            return;
        }
    }
}

/* The first value that is set and not empty. */
static const char *
either(const char *first, const char *second)
{
    if (first != NULL && first[0] != '\0') {
        return first;
    }
    return second != NULL && second[0] != '\0' ? second : NULL;
}

void
ak_environ_read(struct ak_environ *environment)
{
    const char *values[VARIABLE_COUNT] = {NULL};
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (may_matter((*entry)[0])) {
            note_variable(*entry, values);
        }
    }
    *environment = (struct ak_environ){
        .http_proxy = either(values[HTTP_LOWER], values[CGI_METHOD] ? NULL : values[HTTP_UPPER]),
        .https_proxy = either(values[HTTPS_LOWER], values[HTTPS_UPPER]),
        .all_proxy = either(values[ALL_LOWER], values[ALL_UPPER]),
        .no_proxy = either(values[NO_LOWER], values[NO_UPPER]),
        .requests_ca_bundle = either(values[REQUESTS_CA], NULL),
        .curl_ca_bundle = either(values[CURL_CA], NULL),
    };
}
