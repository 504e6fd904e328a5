#include "core/buf.h"

#include "core/alloc.h"

enum { SMALLEST_CAPACITY = 64 };

/* As ak_realloc, for secrets: the old block is overwritten. */
static char *
move_secret(const struct ak_buf *buf, size_t capacity)
{
    char *data = ak_malloc(capacity);
    if (data != NULL && buf->data != NULL) {
        memcpy(data, buf->data, buf->len);
        ak_wipe(buf->data, buf->capacity);
        ak_free(buf->data);
    }
    return data;
}

enum ak_status
ak_buf_reserve(struct ak_buf *buf, size_t extra)
{
    if (extra > buf->max || buf->len > buf->max - extra) {
        return AK_TOO_LARGE;
    }
    size_t needed = buf->len + extra;
    if (needed <= buf->capacity) {
        return AK_OK;
    }
    size_t capacity = buf->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buf->capacity;
    while (capacity < needed) {
        capacity = capacity > buf->max / 2 ? buf->max : capacity * 2;
    }
    char *data = buf->secret ? move_secret(buf, capacity) : ak_realloc(buf->data, capacity);
    if (data == NULL) {
        return AK_NO_MEMORY;
    }
    buf->data = data;
    buf->capacity = capacity;
    return AK_OK;
}

enum ak_status
ak_buf_append(struct ak_buf *buf, struct ak_str text)
{
    enum ak_status status = ak_buf_reserve(buf, text.len);
    if (status == AK_OK && text.len > 0) {
        memcpy(buf->data + buf->len, text.ptr, text.len);
        buf->len += text.len;
    }
    return status;
}

enum ak_status
ak_buf_append_char(struct ak_buf *buf, char c)
{
    return ak_buf_append(buf, ak_str_of(&c, 1));
}

enum ak_status
ak_buf_append_number(struct ak_buf *buf, unsigned long long value)
{
    char digits[20];
    size_t start = sizeof(digits);
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return ak_buf_append(buf, ak_str_of(digits + start, sizeof(digits) - start));
}

void
ak_buf_consume(struct ak_buf *buf, size_t count)
{
    if (count > 0) {
        memmove(buf->data, buf->data + count, buf->len - count);
        buf->len -= count;
    }
}

void
ak_buf_clear(struct ak_buf *buf)
{
    buf->len = 0;
}

void
ak_buf_free(struct ak_buf *buf)
{
    ak_free(buf->data);
    buf->data = NULL;
    buf->len = buf->capacity = 0;
}

void
ak_buf_free_secret(struct ak_buf *buf)
{
    if (buf->data != NULL) {
        ak_wipe(buf->data, buf->capacity);
    }
    ak_buf_free(buf);
}
