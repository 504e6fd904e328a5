/* Growable bytes with a hard cap.  A buffer that fails keeps what it had. */
#ifndef AK_BUF_H
#define AK_BUF_H

#include <stddef.h>

#include "core/status.h"
#include "core/str.h"

struct ak_buf {
    char *data; /* NULL while nothing was appended */
    size_t len;
    size_t capacity;
    size_t max;  /* len never passes it */
    bool secret; /* growing leaves no copy behind */
};

/* An empty buffer that may hold MAX bytes; takes no memory yet. */
static inline struct ak_buf
ak_buf_make(size_t max)
{
    return (struct ak_buf){NULL, 0, 0, max, false};
}

/* One for secrets: pair with ak_buf_free_secret. */
static inline struct ak_buf
ak_buf_make_secret(size_t max)
{
    return (struct ak_buf){NULL, 0, 0, max, true};
}

static inline struct ak_str
ak_buf_str(const struct ak_buf *buf)
{
    return (struct ak_str){buf->data, buf->len};
}

/* Room for EXTRA more bytes.  AK_TOO_LARGE over the cap, AK_NO_MEMORY without
 * memory; the content is untouched either way. */
AK_MUST_CHECK enum ak_status ak_buf_reserve(struct ak_buf *buf, size_t extra);

AK_MUST_CHECK enum ak_status ak_buf_append(struct ak_buf *buf, struct ak_str text);
AK_MUST_CHECK enum ak_status ak_buf_append_char(struct ak_buf *buf, char c);

/* VALUE in decimal digits. */
AK_MUST_CHECK enum ak_status ak_buf_append_number(struct ak_buf *buf, unsigned long long value);

/* Drop the first COUNT bytes, COUNT at most buf->len. */
void ak_buf_consume(struct ak_buf *buf, size_t count);

/* Forget the content, keep the memory. */
void ak_buf_clear(struct ak_buf *buf);

/* Give the memory back; the buffer can be used again.  The second form
 * overwrites it first: for secrets.  A buffer for secrets is made by
 * ak_buf_make_secret or reserved at its full size. */
void ak_buf_free(struct ak_buf *buf);
void ak_buf_free_secret(struct ak_buf *buf);

#endif
