/* Strings of which nothing wants an escape, which is nearly all of them: looked
 * at and copied in one pass, sixteen bytes at a time. */
#include "core/json.h"

/* Sixteen bytes as the compiler's own vector, on whatever the machine has. */
typedef int8_t vector __attribute__((vector_size(16)));
typedef uint64_t pair __attribute__((vector_size(16)));

#define SPACES 0x2020202020202020u

/* -1 in each byte that wants care; a byte from 0x80 on is negative.  DEL counts,
 * though UTF-8 keeps it: a false alarm costs time only. */
static inline vector
mark_care(vector bytes)
{
    return (bytes < 0x20) | (bytes == 0x7F) | (bytes == '"') | (bytes == '\\');
}

static inline bool
is_zero(vector care)
{
    pair halves = (pair)care;
    return (halves[0] | halves[1]) == 0;
}

/* Move sixteen bytes and give them back. */
static inline vector
move_vector(char *out, const char *from)
{
    vector bytes;
    memcpy(&bytes, from, sizeof(bytes));
    memcpy(out, &bytes, sizeof(bytes));
    return bytes;
}

static inline uint64_t
move_8(char *out, const char *from)
{
    uint64_t bytes;
    memcpy(&bytes, from, sizeof(bytes));
    memcpy(out, &bytes, sizeof(bytes));
    return bytes;
}

static inline uint32_t
move_4(char *out, const char *from)
{
    uint32_t bytes;
    memcpy(&bytes, from, sizeof(bytes));
    memcpy(out, &bytes, sizeof(bytes));
    return bytes;
}

static inline uint64_t
move_1(char *out, const char *from)
{
    *out = *from;
    return (uint8_t)*from;
}

/* Copy LEN bytes by moves of one size, of which the last overlaps the one before
 * it, and mark what wants care.  A short text is marked in registers: a vector
 * read from bytes that were just written piecemeal would wait for them. */
static inline vector
copy_and_mark(char *out, const char *from, size_t len)
{
    uint64_t first = SPACES, last = SPACES;
    if (len >= 16) {
        vector care = mark_care(move_vector(out + len - 16, from + len - 16));
        for (size_t i = 0; i + 16 < len; i += 16) {
            care |= mark_care(move_vector(out + i, from + i));
        }
        return care;
    }
    if (len >= 8) {
        first = move_8(out, from);
        last = move_8(out + len - 8, from + len - 8);
    } else if (len >= 4) {
        first = move_4(out, from) | (uint64_t)move_4(out + len - 4, from + len - 4) << 32;
    } else if (len > 0) {
        first = SPACES << 24 | move_1(out, from) | move_1(out + len / 2, from + len / 2) << 8 |
                move_1(out + len - 1, from + len - 1) << 16;
    }
    return mark_care((vector)(pair){first, last});
}

enum ak_status
ak_json_measure_plain(const struct ak_json_template *template, const struct ak_json_text *texts,
                      size_t *size)
{
    size_t total = template->end.len;
    *size = 0;
    if (template->count > AK_JSON_MAX_SLOTS) {
        return AK_TOO_LARGE;
    }
    for (size_t i = 0; i < template->count; i++) {
        const struct ak_json_slot *slot = &template->slots[i];
        const struct ak_json_text *text = &texts[slot->text];
        if (text->width != AK_JSON_WIDTH_1) {
            return AK_BAD_VALUE;
        }
        if (text->len > AK_JSON_MAX_TEXT) {
            return AK_TOO_LARGE;
        }
        total += slot->lead.len + text->len;
    }
    *size = total;
    return AK_OK;
}

char *
ak_json_write_plain(char *out, const struct ak_json_template *template,
                    const struct ak_json_text *texts)
{
    vector care = {0};
    for (size_t i = 0; i < template->count; i++) {
        const struct ak_json_slot *slot = &template->slots[i];
        const struct ak_json_text *text = &texts[slot->text];
        copy_and_mark(out, slot->lead.ptr, slot->lead.len);
        out += slot->lead.len;
        care |= copy_and_mark(out, text->units, text->len);
        out += text->len;
    }
    copy_and_mark(out, template->end.ptr, template->end.len);
    return is_zero(care) ? out + template->end.len : NULL;
}
