#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

#ifdef AK_TEST_ALLOC
#include <stdatomic.h>

static atomic_ulong alloc_count;
static atomic_ulong alloc_fail_at;

void
ak_alloc_fail_at(unsigned long countdown)
{
    atomic_store(&alloc_count, 0);
    atomic_store(&alloc_fail_at, countdown);
}

unsigned long
ak_alloc_count(void)
{
    return atomic_load(&alloc_count);
}

static int
must_fail(void)
{
    return atomic_fetch_add(&alloc_count, 1) + 1 == atomic_load(&alloc_fail_at);
}
#else
static inline int
must_fail(void)
{
    return 0;
}
#endif

void *
ak_malloc(size_t size)
{
    return must_fail() ? NULL : malloc(size == 0 ? 1 : size);
}

void *
ak_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
}

void *
ak_realloc(void *block, size_t size)
{
    return must_fail() ? NULL : realloc(block, size == 0 ? 1 : size);
}

void
ak_free(void *block)
{
    free(block);
}

void
ak_wipe(void *block, size_t size)
{
    if (size == 0) {
        return;
    }
    memset(block, 0, size);
    __asm__ __volatile__("" : : "r"(block) : "memory");
}
