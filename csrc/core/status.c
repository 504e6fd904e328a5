#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cut an incomplete UTF-8 sequence off the end of TEXT, which was truncated. */
static void
cut_at_character(char *text)
{
    size_t end = strlen(text);
    size_t start = end;
    while (start > 0 && end - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (end - (start - 1) < need) {
        text[start - 1] = '\0';
    }
}

enum ak_status
ak_fail(struct ak_err *err, enum ak_status status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    err->status = status;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    if (length < 0) {
        err->message[0] = '\0';
    } else if ((size_t)length >= sizeof(err->message)) {
        cut_at_character(err->message);
    }
    return status;
}

enum ak_status
ak_fail_no_memory(struct ak_err *err)
{
    return ak_fail(err, AK_NO_MEMORY, "out of memory");
}
