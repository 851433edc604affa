#ifndef KASUMORI_INGEST_KEYMAP_H
#define KASUMORI_INGEST_KEYMAP_H

#include <stddef.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* Byte keys to pointers, for the life of an arena. */
struct keymap;

/* count_max: how many keys it will ever hold. NULL when the arena is full. */
struct keymap *keymap_new(struct arena *arena, size_t count_max) MUST_CHECK;
/* NULL when absent. */
void *keymap_find(const struct keymap *map, struct slice key);
/* The key is copied; an existing one keeps its place and gets the new value. RC_FULL when the arena
   or count_max is reached. */
enum rc keymap_put(struct keymap *map, struct slice key, void *value) MUST_CHECK;

/* Forgets all keys; their memory stays with the arena. */
void keymap_clear(struct keymap *map);

#endif
