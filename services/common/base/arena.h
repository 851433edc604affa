#ifndef KASUMORI_BASE_ARENA_H
#define KASUMORI_BASE_ARENA_H

#include <stddef.h>

#include "services/common/base/rc.h"

/* Bounded bump allocation for one batch: everything is freed at once by arena_reset. */
struct arena;

/* bytes_max: hard limit on what the arena ever holds. Returns NULL when memory is out. */
struct arena *arena_new(size_t bytes_max) MUST_CHECK;
void arena_free(struct arena *arena);

/* Aligned for any type, not cleared. NULL when the limit is reached or memory is out. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;
void *arena_zalloc(struct arena *arena, size_t size) MUST_CHECK;
/* NUL-terminated copy of size bytes. */
char *arena_copy(struct arena *arena, const void *data, size_t size) MUST_CHECK;

/* Forgets all allocations, keeps one block for reuse. */
void arena_reset(struct arena *arena);
size_t arena_used_bytes(const struct arena *arena);

#endif
