/* The one malloc family of core and net.  Test builds (AK_TEST_ALLOC) can make
 * the Nth allocation fail. */
#ifndef AK_ALLOC_H
#define AK_ALLOC_H

#include <stddef.h>

/* As malloc, realloc and free; a size of 0 gives a unique pointer. */
void *ak_malloc(size_t size);
void *ak_calloc(size_t count, size_t size);
void *ak_realloc(void *block, size_t size);
void ak_free(void *block);

/* Overwrite SIZE bytes in a way that the compiler may not leave out. */
void ak_wipe(void *block, size_t size);

#ifdef AK_TEST_ALLOC
/* From now on the COUNTDOWNth allocation fails, and all that follow it succeed;
 * 0 turns the hook off. */
void ak_alloc_fail_at(unsigned long countdown);
/* Allocations tried since the last call of ak_alloc_fail_at. */
unsigned long ak_alloc_count(void);
#endif

#endif
