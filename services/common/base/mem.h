#ifndef KASUMORI_BASE_MEM_H
#define KASUMORI_BASE_MEM_H

#include <stddef.h>

#include "services/common/base/rc.h"

/* The only door to the heap. All return NULL when memory is out (or a test made them fail); sizes
   in bytes; release with mem_free, which takes NULL. */
void *mem_alloc(size_t size) MUST_CHECK;
void *mem_zalloc(size_t size) MUST_CHECK;
void *mem_zalloc_array(size_t count, size_t size) MUST_CHECK; /* NULL on overflow */
void *mem_realloc(void *old, size_t size) MUST_CHECK;         /* old stays valid on failure */
char *mem_strdup(const char *text) MUST_CHECK;                /* NULL for NULL */
void mem_free(void *p);

/* Tests: the n-th allocation from now fails (1 = the next one), later ones succeed; 0 switches it
   off. mem_fail_pending() says whether it has not struck yet. Not thread-safe. */
void mem_fail_nth(long n);
int mem_fail_pending(void);

#endif
