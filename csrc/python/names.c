#include "python/names.h"

static const char *const texts[AK_NAME_COUNT] = {
    [AK_NAME_COMPACT] = "compact",
    [AK_NAME_CONTENT] = "content",
    [AK_NAME_ENSURE_ASCII] = "ensure_ascii",
    [AK_NAME_REASON] = "reason",
    [AK_NAME_SORT_KEYS] = "sort_keys",
    [AK_NAME_STATUS_CODE] = "status_code",
    [AK_NAME_TEXT] = "text",
    [AK_NAME_HOST] = "host",
    [AK_NAME_REQUEST] = "request",
    [AK_NAME_METHOD] = "method",
    [AK_NAME_URL] = "url",
    [AK_NAME_PARAMS] = "params",
    [AK_NAME_DATA] = "data",
    [AK_NAME_HEADERS] = "headers",
    [AK_NAME_COOKIES] = "cookies",
    [AK_NAME_FILES] = "files",
    [AK_NAME_AUTH] = "auth",
    [AK_NAME_TIMEOUT] = "timeout",
    [AK_NAME_ALLOW_REDIRECTS] = "allow_redirects",
    [AK_NAME_PROXIES] = "proxies",
    [AK_NAME_HOOKS] = "hooks",
    [AK_NAME_STREAM] = "stream",
    [AK_NAME_VERIFY] = "verify",
    [AK_NAME_CERT] = "cert",
    [AK_NAME_JSON] = "json",
    [AK_NAME_DEADLINE] = "deadline",
    [AK_NAME_VERB_GET] = "GET",
    [AK_NAME_VERB_HEAD] = "HEAD",
    [AK_NAME_VERB_POST] = "POST",
    [AK_NAME_VERB_PUT] = "PUT",
    [AK_NAME_VERB_PATCH] = "PATCH",
    [AK_NAME_VERB_DELETE] = "DELETE",
    [AK_NAME_VERB_OPTIONS] = "OPTIONS",
    [AK_NAME_REQUEST_METHOD] = "REQUEST_METHOD",
    [AK_NAME_PATH_INFO] = "PATH_INFO",
    [AK_NAME_SCRIPT_NAME] = "SCRIPT_NAME",
    [AK_NAME_QUERY_STRING] = "QUERY_STRING",
    [AK_NAME_HTTP_HOST] = "HTTP_HOST",
    [AK_NAME_URL_SCHEME] = "wsgi.url_scheme",
    [AK_NAME_WERKZEUG_REQUEST] = "werkzeug.request",
    [AK_NAME_CALL] = "__call__",
};

int
ak_intern_names(PyObject *names[AK_NAME_COUNT])
{
    for (size_t i = 0; i < AK_NAME_COUNT; i++) {
        names[i] = PyUnicode_InternFromString(texts[i]);
        if (names[i] == NULL) {
            return -1;
        }
    }
    return 0;
}
