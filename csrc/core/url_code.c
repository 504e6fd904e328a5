/* Classes of bytes, and the codings: percent coding of URL components and
 * forms, and base64. */
#include "core/url_parts.h"

#include <stdint.h>
#include <string.h>

static const char HEX[] = "0123456789ABCDEF";

/* Shorthands for the table: W letters, digits, '-', '.'; U the other unreserved;
 * D sub-delims and ':'; P '+'; A '@'; S '/'; Q '?'; E the other ends of an
 * authority; B breaks. */
enum {
    D = AK_CLASS_USERINFO | AK_CLASS_PATH | AK_CLASS_QUERY,
    U = AK_CLASS_UNRESERVED | D,
    W = AK_CLASS_SCHEME | U,
    P = AK_CLASS_SCHEME | D,
    A = AK_CLASS_PATH | AK_CLASS_QUERY,
    S = AK_CLASS_AUTHORITY_END | A,
    Q = AK_CLASS_AUTHORITY_END | AK_CLASS_QUERY,
    E = AK_CLASS_AUTHORITY_END,
    B = AK_CLASS_BREAK
};

/* clang-format off */
const unsigned char ak_url_class[256] = {
    B, 0, 0, 0, 0, 0, 0, 0, 0, 0, B, 0, 0, B, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* space ! " # $ % & ' ( ) * + , - . / */
    0, D, 0, E, D, 0, D, D, D, D, D, P, D, W, W, S,
    /* 0-9 : ; < = > ? */
    W, W, W, W, W, W, W, W, W, W, D, D, 0, D, 0, Q,
    /* @ A-Z [ \ ] ^ _ */
    A, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, 0, E, 0, 0, U,
    /* ` a-z { | } ~ DEL; the rest is 0 */
    0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, U, 0,
};
/* clang-format on */

/* The byte that the escape at TEXT stands for, or -1 if it is no escape. */
static int
escaped_byte(const char *text, size_t len)
{
    if (len < 3) {
        return -1;
    }
    int high = ak_hex_value(text[1]);
    int low = ak_hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

struct ak_url_piece
ak_url_measure(struct ak_str raw, unsigned allowed)
{
    size_t coded = 0, escapes = 0, strays = 0;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned class = ak_url_class[(unsigned char)raw.ptr[i]];
        if (class & allowed) {
            continue;
        }
        if (class & AK_CLASS_BREAK) {
            return (struct ak_url_piece){raw, AK_CODING_REFUSED, 0};
        }
        if (raw.ptr[i] != '%') {
            coded++;
        } else if (escaped_byte(raw.ptr + i, raw.len - i) >= 0) {
            escapes++;
        } else {
            strays++;
        }
    }
    if (strays > 0) {
        return (struct ak_url_piece){raw, AK_CODING_ALL, raw.len + 2 * (coded + escapes + strays)};
    }
    bool as_it_is = coded + escapes == 0;
    return (struct ak_url_piece){raw, as_it_is ? AK_CODING_NONE : AK_CODING_ESCAPES,
                                 raw.len + 2 * coded};
}

static char *
write_escape(char *out, unsigned char byte)
{
    *out++ = '%';
    *out++ = HEX[byte >> 4];
    *out++ = HEX[byte & 15];
    return out;
}

static char *
write_run(char *out, const char *from, size_t len)
{
    if (len > 0) {
        memcpy(out, from, len);
    }
    return out + len;
}

/* An escape that stood in the text already, for BYTE. */
static char *
write_existing(char *out, unsigned char byte, enum ak_url_coding coding)
{
    if (coding == AK_CODING_ALL) {
        out = write_escape(out, '%');
        *out++ = HEX[byte >> 4];
        *out++ = HEX[byte & 15];
        return out;
    }
    if (ak_url_is((char)byte, AK_CLASS_UNRESERVED)) {
        *out++ = (char)byte;
        return out;
    }
    return write_escape(out, byte);
}

char *
ak_url_write(char *out, const struct ak_url_piece *piece, unsigned allowed)
{
    const char *raw = piece->raw.ptr;
    size_t len = piece->raw.len;
    if (piece->coding == AK_CODING_NONE) {
        return write_run(out, raw, len);
    }
    for (size_t i = 0; i < len;) {
        size_t run = i;
        while (run < len && ak_url_is(raw[run], allowed)) {
            run++;
        }
        out = write_run(out, raw + i, run - i);
        i = run;
        if (i == len) {
            break;
        }
        int byte = raw[i] == '%' ? escaped_byte(raw + i, len - i) : -1;
        if (byte < 0) {
            out = write_escape(out, (unsigned char)raw[i++]);
        } else {
            out = write_existing(out, (unsigned char)byte, piece->coding);
            i += 3;
        }
    }
    return out;
}

enum ak_status
ak_url_append_form_coded(struct ak_buf *out, struct ak_str text)
{
    size_t coded = 0;
    for (size_t i = 0; i < text.len; i++) {
        coded += text.ptr[i] != ' ' && !ak_url_is(text.ptr[i], AK_CLASS_UNRESERVED);
    }
    if (coded > (SIZE_MAX - text.len) / 2) {
        return AK_TOO_LARGE;
    }
    enum ak_status status = ak_buf_reserve(out, text.len + 2 * coded);
    if (status != AK_OK || text.len == 0) {
        return status;
    }
    char *at = out->data + out->len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ') {
            *at++ = '+';
        } else if (ak_url_is(c, AK_CLASS_UNRESERVED)) {
            *at++ = c;
        } else {
            at = write_escape(at, (unsigned char)c);
        }
    }
    out->len = (size_t)(at - out->data);
    return AK_OK;
}

enum ak_status
ak_url_append_form_pair(struct ak_buf *out, struct ak_str name, struct ak_str value)
{
    enum ak_status status = out->len > 0 ? ak_buf_append_char(out, '&') : AK_OK;
    if (status == AK_OK) {
        status = ak_url_append_form_coded(out, name);
    }
    if (status == AK_OK) {
        status = ak_buf_append_char(out, '=');
    }
    return status == AK_OK ? ak_url_append_form_coded(out, value) : status;
}

enum ak_status
ak_url_append_unquoted(struct ak_buf *out, struct ak_str text)
{
    enum ak_status status = ak_buf_reserve(out, text.len);
    if (status != AK_OK || text.len == 0) {
        return status;
    }
    char *at = out->data + out->len;
    for (size_t i = 0; i < text.len; i++) {
        int byte = text.ptr[i] == '%' ? escaped_byte(text.ptr + i, text.len - i) : -1;
        *at++ = byte < 0 ? text.ptr[i] : (char)byte;
        i += byte < 0 ? 0 : 2;
    }
    out->len = (size_t)(at - out->data);
    return AK_OK;
}

enum ak_status
ak_append_base64(struct ak_buf *out, struct ak_str bytes)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (bytes.len > SIZE_MAX / 2) {
        return AK_TOO_LARGE;
    }
    enum ak_status status = ak_buf_reserve(out, (bytes.len + 2) / 3 * 4);
    if (status != AK_OK || bytes.len == 0) {
        return status;
    }
    char *at = out->data + out->len;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned group = (unsigned)(unsigned char)bytes.ptr[i] << 16;
        group |= left > 1 ? (unsigned)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)(unsigned char)bytes.ptr[i + 2] : 0;
        *at++ = DIGITS[group >> 18];
        *at++ = DIGITS[group >> 12 & 63];
        *at++ = left > 1 ? DIGITS[group >> 6 & 63] : '=';
        *at++ = left > 2 ? DIGITS[group & 63] : '=';
    }
    out->len = (size_t)(at - out->data);
    return AK_OK;
}
