/* URLs that parse, and slices of them: for the tests of csrc/core/url*.c. */
#ifndef URL_CHECKS_H
#define URL_CHECKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/url.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static inline void
assert_str(struct ak_str got, const char *expected)
{
    if (!ak_str_equal(got, ak_str_from(expected))) {
        fail_msg("got '%.*s', expected '%s'", (int)got.len, got.ptr, expected);
    }
}

static inline void
parse_well(struct ak_url *url, const char *text)
{
    struct ak_err err = {AK_OK, ""};
    ak_url_init(url);
    if (ak_url_parse(url, ak_str_from(text), &err) != AK_OK) {
        fail_msg("'%s': %s", text, err.message);
    }
}

#endif
