/* Borrowed slices of bytes, and what HTTP and URLs need of them.  A slice owns
 * nothing and is not terminated. */
#ifndef AK_STR_H
#define AK_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ak_str {
    const char *ptr;
    size_t len;
};

#define AK_STR(literal) ((struct ak_str){(literal), sizeof(literal) - 1})

static inline struct ak_str
ak_str_of(const char *ptr, size_t len)
{
    return (struct ak_str){ptr, len};
}

static inline struct ak_str
ak_str_from(const char *text)
{
    return (struct ak_str){text, strlen(text)};
}

static inline bool
ak_str_equal(struct ak_str a, struct ak_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII only, never the locale's. */
static inline char
ak_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
ak_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, or -1. */
int ak_hex_value(char c);

/* Equality without regard to ASCII case. */
bool ak_str_iequal(struct ak_str a, struct ak_str b);
bool ak_str_starts_with(struct ak_str text, struct ak_str prefix);
bool ak_str_istarts_with(struct ak_str text, struct ak_str prefix);
bool ak_str_ends_with(struct ak_str text, struct ak_str suffix);

/* TEXT without the spaces and tabs at its ends (RFC 9110, OWS). */
struct ak_str ak_str_trim(struct ak_str text);

/* TEXT without every C at its two ends. */
struct ak_str ak_str_strip(struct ak_str text, char c);

/* The position of the first C in TEXT at or after FROM; TEXT.len if none. */
size_t ak_str_find(struct ak_str text, char c, size_t from);

/* The part from START (included) to END (not included). */
static inline struct ak_str
ak_str_slice(struct ak_str text, size_t start, size_t end)
{
    return (struct ak_str){text.ptr + start, end - start};
}

/* Whether TEXT holds CR, LF or NUL, which must never reach the wire. */
bool ak_str_has_line_break(struct ak_str text);

#endif
