/* A writer of flat JSON objects whose values are strings, byte for byte as
 * Python's json.dumps writes them.  It measures first and then writes into
 * memory of exactly that size, so that it allocates nothing. */
#ifndef AK_JSON_H
#define AK_JSON_H

#include <stdint.h>

#include "core/status.h"
#include "core/str.h"

/* The longest text and the most members that are measured: with them no size
 * can overflow (at most 12 bytes are written for one code point). */
#define AK_JSON_MAX_TEXT (SIZE_MAX / 1024)
enum { AK_JSON_MAX_MEMBERS = 64 };

enum ak_json_charset {
    AK_JSON_ASCII, /* ensure_ascii=True: \uXXXX for all but printable ASCII */
    AK_JSON_UTF8   /* ensure_ascii=False: UTF-8 for all but quotes and controls */
};

enum ak_json_layout {
    AK_JSON_COMPACT, /* separators=(",", ":") */
    AK_JSON_INDENTED /* indent=2 */
};

enum ak_json_width { AK_JSON_WIDTH_1 = 1, AK_JSON_WIDTH_2 = 2, AK_JSON_WIDTH_4 = 4 };

/* Code points, each in one unit of WIDTH bytes: what CPython calls the kind of
 * a str.  Surrogates are code points of their own. */
struct ak_json_text {
    const void *units;
    size_t len; /* in units */
    enum ak_json_width width;
};

struct ak_json_member {
    struct ak_str key; /* quoted, with nothing in it that wants an escape */
    struct ak_json_text value;
    size_t value_size; /* filled by ak_json_measure_object */
};

/* How many bytes the object takes.  AK_BAD_VALUE for a value that cannot be
 * written (a lone surrogate in UTF-8, a unit over 0x10FFFF), whose index is put
 * into *size; AK_TOO_LARGE over the caps above. */
AK_MUST_CHECK enum ak_status ak_json_measure_object(struct ak_json_member *members, size_t count,
                                                    enum ak_json_charset charset,
                                                    enum ak_json_layout layout, size_t *size);

/* Write MEMBERS, which must have been measured with the same CHARSET and
 * LAYOUT, in their order.  Returns the end of what was written at OUT. */
char *ak_json_write_object(char *out, const struct ak_json_member *members, size_t count,
                           enum ak_json_charset charset, enum ak_json_layout layout);

#endif
