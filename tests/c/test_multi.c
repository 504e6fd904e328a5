/* net/multi: which multi handles wait for the next session, and for whom. */
#define _GNU_SOURCE /* mkstemp */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/connect.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char file[] = "/tmp/test_multi.XXXXXX";

static int
make_file(void **state)
{
    (void)state;
    int fd = ak_net_init(NULL) == AK_OK ? mkstemp(file) : -1;
    return fd < 0 ? -1 : close(fd);
}

static int
remove_file(void **state)
{
    (void)state;
    return unlink(file);
}

static struct ak_endpoint
endpoint_of(const char *path)
{
    return (struct ak_endpoint){
        .scheme = AK_HTTPS,
        .host = AK_STR("127.0.0.1"),
        .port = 443,
        .tls = {.verify = AK_VERIFY_PEER, .ca_file = ak_str_from(path)},
    };
}

static struct ak_multi *
prepare(const struct ak_endpoint *endpoint)
{
    struct ak_multi *multi = NULL;
    assert_int_equal(ak_multi_prepare(&multi, endpoint), AK_OK);
    assert_non_null(multi);
    return multi;
}

static void
write_file(const char *text)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void
test_the_next_one_gets_what_was_released(void **state)
{
    (void)state;
    struct ak_endpoint endpoint = endpoint_of(file);
    struct ak_multi *first = prepare(&endpoint), *second = prepare(&endpoint);
    assert_ptr_not_equal(first, second);
    ak_multi_release(first);
    assert_int_equal(ak_multi_waiting(), 1);
    struct ak_multi *third = prepare(&endpoint);
    assert_ptr_equal(third, first);
    assert_int_equal(ak_multi_waiting(), 0);
    ak_multi_release(second);
    ak_multi_release(third);
    assert_ptr_equal(prepare(&endpoint), third);
    ak_multi_release(third);
}

static void
test_it_is_kept_for_the_same_file_and_changed_for_another(void **state)
{
    (void)state;
    struct ak_endpoint endpoint = endpoint_of(file), other = endpoint_of("/dev/null");
    struct ak_multi *multi = prepare(&endpoint), *before = multi;
    assert_int_equal(ak_multi_prepare(&multi, &endpoint), AK_OK);
    assert_ptr_equal(multi, before);
    assert_int_equal(ak_multi_prepare(&multi, &other), AK_OK);
    assert_ptr_not_equal(multi, before);
    assert_int_equal(ak_multi_prepare(&multi, &endpoint), AK_OK);
    assert_ptr_equal(multi, before);
    ak_multi_release(multi);
}

static void
test_a_file_that_was_written_anew_is_another(void **state)
{
    (void)state;
    struct ak_endpoint endpoint = endpoint_of(file);
    struct ak_multi *multi = prepare(&endpoint), *stale = multi;
    write_file("other certificates\n");
    assert_int_equal(ak_multi_prepare(&multi, &endpoint), AK_OK);
    assert_ptr_not_equal(multi, stale);
    ak_multi_release(multi);
}

/* Settings that are one session's own, or no single file's. */
static void
test_settings_of_their_own_are_never_handed_on(void **state)
{
    (void)state;
    struct ak_endpoint own[7];
    for (size_t i = 0; i < LENGTH(own); i++) {
        own[i] = endpoint_of(file);
    }
    own[0].scheme = AK_HTTP;
    own[1].tls.verify = AK_VERIFY_NOTHING;
    own[2].tls.ca_path = AK_STR("/etc/ssl/certs");
    own[3].tls.cert = AK_STR("cert.pem");
    own[4].tls.key = AK_STR("key.pem");
    own[5].proxy = AK_STR("http://user:password@127.0.0.1:3128");
    own[6].peer = AK_PEER_PROXY;
    size_t waiting = ak_multi_waiting();
    for (size_t i = 0; i < LENGTH(own); i++) {
        struct ak_multi *multi = prepare(&own[i]);
        assert_false(ak_multi_leaks_tickets(multi));
        ak_multi_release(multi);
        assert_int_equal(ak_multi_waiting(), waiting);
    }
    struct ak_endpoint missing = endpoint_of("/nonexistent/ca.pem");
    ak_multi_release(prepare(&missing));
    assert_int_equal(ak_multi_waiting(), waiting);
}

static void
test_so_many_wait_and_the_coldest_goes_first(void **state)
{
    (void)state;
    struct ak_endpoint endpoint = endpoint_of(file);
    struct ak_multi *multis[AK_MULTI_MOST_WAITING + 3];
    for (size_t i = 0; i < LENGTH(multis); i++) {
        multis[i] = prepare(&endpoint);
    }
    for (size_t i = 0; i < LENGTH(multis); i++) {
        ak_multi_release(multis[i]);
    }
    assert_int_equal(ak_multi_waiting(), AK_MULTI_MOST_WAITING);
    for (size_t i = 0; i < AK_MULTI_MOST_WAITING; i++) {
        assert_ptr_equal(prepare(&endpoint), multis[LENGTH(multis) - 1 - i]);
    }
    assert_int_equal(ak_multi_waiting(), 0);
    for (size_t i = 3; i < LENGTH(multis); i++) {
        ak_multi_release(multis[i]);
    }
}

static void
test_the_child_of_a_fork_forgets_them(void **state)
{
    (void)state;
    struct ak_endpoint endpoint = endpoint_of(file);
    struct ak_multi *multi = prepare(&endpoint);
    ak_multi_release(multi);
    size_t waiting = ak_multi_waiting();
    assert_true(waiting > 0);
    pid_t child = fork();
    if (child == 0) {
        struct ak_multi *own = NULL;
        bool wrong =
            ak_multi_waiting() != 0 || ak_multi_prepare(&own, &endpoint) != AK_OK || own == multi;
        _exit(wrong);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(ak_multi_waiting(), waiting);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_one_gets_what_was_released),
        cmocka_unit_test(test_it_is_kept_for_the_same_file_and_changed_for_another),
        cmocka_unit_test(test_a_file_that_was_written_anew_is_another),
        cmocka_unit_test(test_settings_of_their_own_are_never_handed_on),
        cmocka_unit_test(test_so_many_wait_and_the_coldest_goes_first),
        cmocka_unit_test(test_the_child_of_a_fork_forgets_them),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
