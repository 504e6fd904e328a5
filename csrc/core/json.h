/* Strings inside a JSON text of fixed shape, byte for byte as Python's json
 * writes them.  Measured first and then written into memory of exactly that
 * size, so that nothing is allocated here. */
#ifndef AK_JSON_H
#define AK_JSON_H

#include <stdint.h>

#include "core/status.h"
#include "core/str.h"

/* The longest string and the most strings that are measured: with them no size
 * can overflow (at most 12 bytes are written for one code point). */
#define AK_JSON_MAX_TEXT (SIZE_MAX / 1024)
enum { AK_JSON_MAX_SLOTS = 64 };

enum ak_json_charset {
    AK_JSON_ASCII, /* ensure_ascii=True: \uXXXX for all but printable ASCII */
    AK_JSON_UTF8   /* ensure_ascii=False: UTF-8 for all but quotes and controls */
};

enum ak_json_width { AK_JSON_WIDTH_1 = 1, AK_JSON_WIDTH_2 = 2, AK_JSON_WIDTH_4 = 4 };

/* Code points, each in one unit of WIDTH bytes: what CPython calls the kind of
 * a str.  Surrogates are code points of their own. */
struct ak_json_text {
    const void *units;
    size_t len; /* in units */
    enum ak_json_width width;
};

/* What stands before a string, its opening quote included, and which of the
 * strings it is. */
struct ak_json_slot {
    struct ak_str lead;
    size_t text;
};

/* A JSON text but for its strings: keys, punctuation and blanks. */
struct ak_json_template {
    const struct ak_json_slot *slots;
    size_t count;
    struct ak_str end; /* after the last string, its closing quote included */
};

/* How many bytes TEMPLATE takes with TEXTS in its slots.  AK_BAD_VALUE if one of
 * them cannot be written (a lone surrogate in UTF-8, a unit over 0x10FFFF), and
 * then *size is its index in TEXTS; AK_TOO_LARGE over the caps above. */
AK_MUST_CHECK enum ak_status ak_json_measure(const struct ak_json_template *template,
                                             const struct ak_json_text *texts,
                                             enum ak_json_charset charset, size_t *size);

/* Write TEMPLATE with TEXTS, which must have been measured with the same
 * CHARSET.  Returns the end of what was written at OUT. */
char *ak_json_write(char *out, const struct ak_json_template *template,
                    const struct ak_json_text *texts, enum ak_json_charset charset);

/* The short way, for texts that are printable ASCII without quotes and
 * backslashes and therefore the same in both charsets.  The size is that of
 * ak_json_measure if they are; AK_BAD_VALUE if their width says that they are
 * not, AK_TOO_LARGE over the caps. */
AK_MUST_CHECK enum ak_status ak_json_measure_plain(const struct ak_json_template *template,
                                                   const struct ak_json_text *texts, size_t *size);

/* Write into OUT, which has the size that ak_json_measure_plain said.  Returns
 * the end, or NULL if a text is not so after all: then OUT is of no use. */
AK_MUST_CHECK char *ak_json_write_plain(char *out, const struct ak_json_template *template,
                                        const struct ak_json_text *texts);

#endif
