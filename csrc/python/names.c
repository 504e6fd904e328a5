#include "python/names.h"

static const char *const texts[AK_NAME_COUNT] = {
    [AK_NAME_COMPACT] = "compact",
    [AK_NAME_CONTENT] = "content",
    [AK_NAME_ENSURE_ASCII] = "ensure_ascii",
    [AK_NAME_REASON] = "reason",
    [AK_NAME_SORT_KEYS] = "sort_keys",
    [AK_NAME_STATUS_CODE] = "status_code",
    [AK_NAME_TEXT] = "text",
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
