/* Buffers: growth, caps and secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"

enum { MANY = 10000 };

static struct ak_buf
make(int secret, size_t max)
{
    return secret ? ak_buf_make_secret(max) : ak_buf_make(max);
}

static void
test_what_was_appended_outlives_growth(void **state)
{
    (void)state;
    for (int secret = 0; secret < 2; secret++) {
        struct ak_buf buf = make(secret, MANY);
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(ak_buf_append_char(&buf, (char)i), AK_OK);
        }
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(buf.data[i], (char)i);
        }
        assert_int_equal(ak_buf_append_char(&buf, 'x'), AK_TOO_LARGE);
        assert_int_equal(buf.len, MANY);
        ak_buf_free_secret(&buf);
        assert_null(buf.data);
    }
}

static void
test_a_failed_growth_leaves_what_was_there(void **state)
{
    (void)state;
    for (int secret = 0; secret < 2; secret++) {
        struct ak_buf buf = make(secret, SIZE_MAX / 2);
        assert_int_equal(ak_buf_append(&buf, AK_STR("kept")), AK_OK);
        ak_alloc_fail_at(1);
        assert_int_equal(ak_buf_reserve(&buf, MANY), AK_NO_MEMORY);
        ak_alloc_fail_at(0);
        assert_true(ak_str_equal(ak_buf_str(&buf), AK_STR("kept")));
        assert_int_equal(ak_buf_reserve(&buf, MANY), AK_OK);
        assert_true(ak_str_equal(ak_buf_str(&buf), AK_STR("kept")));
        ak_buf_free_secret(&buf);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_appended_outlives_growth),
        cmocka_unit_test(test_a_failed_growth_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
