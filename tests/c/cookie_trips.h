/* What a jar takes from an answer and sends with a request: for the tests of
 * csrc/core/cookie*.c. */
#ifndef COOKIE_TRIPS_H
#define COOKIE_TRIPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/cookie.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { NOW = 1000000000 };

static inline void
take_at(struct ak_cookie_jar *jar, const char *url, const char *set_cookie, int64_t now)
{
    struct ak_url from;
    struct ak_err err;
    ak_url_init(&from);
    assert_int_equal(ak_url_parse(&from, ak_str_from(url), &err), AK_OK);
    assert_int_equal(ak_cookie_jar_take(jar, ak_str_from(set_cookie), &from, now), AK_OK);
    ak_url_free(&from);
}

static inline void
take(struct ak_cookie_jar *jar, const char *url, const char *set_cookie)
{
    take_at(jar, url, set_cookie, NOW);
}

static inline void
assert_sends_at(const struct ak_cookie_jar *jar, const char *url, const char *expected, int64_t now)
{
    struct ak_url to;
    struct ak_err err;
    struct ak_buf out = ak_buf_make(1 << 20);
    ak_url_init(&to);
    assert_int_equal(ak_url_parse(&to, ak_str_from(url), &err), AK_OK);
    assert_int_equal(ak_cookie_jar_write(jar, &to, now, &out), AK_OK);
    if (!ak_str_equal(ak_buf_str(&out), ak_str_from(expected))) {
        fail_msg("to %s: got '%.*s', expected '%s'", url, (int)out.len, out.data, expected);
    }
    ak_buf_free(&out);
    ak_url_free(&to);
}

static inline void
assert_sends(const struct ak_cookie_jar *jar, const char *url, const char *expected)
{
    assert_sends_at(jar, url, expected, NOW);
}

/* One Set-Cookie from one URL, and the Cookie header of a request to another. */
struct trip {
    const char *from, *set_cookie, *to, *sent;
};

static inline void
check_trips(const struct trip *trips, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ak_cookie_jar jar;
        ak_cookie_jar_init(&jar);
        take(&jar, trips[i].from, trips[i].set_cookie);
        assert_sends(&jar, trips[i].to, trips[i].sent);
        ak_cookie_jar_free(&jar);
    }
}

#endif
