/* Heap access in one place, so that tests can make the n-th allocation fail. */
#include "services/common/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long fail_countdown;

static int is_failing(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0)
        return 0;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

void *mem_alloc(size_t size)
{
    return is_failing() ? NULL : malloc(size ? size : 1);
}

void *mem_zalloc(size_t size)
{
    return is_failing() ? NULL : calloc(1, size ? size : 1);
}

void *mem_zalloc_array(size_t count, size_t size)
{
    return is_failing() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *mem_realloc(void *old, size_t size)
{
    return is_failing() ? NULL : realloc(old, size ? size : 1);
}

char *mem_strdup(const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_fail_nth(long n)
{
    atomic_store(&fail_countdown, n);
}

int mem_fail_pending(void)
{
    return atomic_load(&fail_countdown) > 0;
}
