/* Open addressing over a table that is at most half full.
   Invariant: a slot without key ends every probe, so a search always ends. */
#include "services/aggregator/ingest/keymap.h"

#include <stdint.h>
#include <string.h>

struct slot {
    struct slice key; /* data NULL: free */
    uint64_t hash;
    void *value;
};

struct keymap {
    struct arena *arena;
    size_t count;
    size_t count_max;
    size_t mask; /* slots - 1 */
    struct slot slots[];
};

struct keymap *keymap_new(struct arena *arena, size_t count_max)
{
    size_t slots = 8;
    while (slots < 2 * count_max)
        slots *= 2;
    struct keymap *map = arena_zalloc(arena, sizeof(*map) + slots * sizeof(map->slots[0]));
    if (map == NULL)
        return NULL;
    map->arena = arena;
    map->count_max = count_max;
    map->mask = slots - 1;
    return map;
}

/* FNV-1a. The keys are of authenticated senders and few, so a worst case is slow, not harmful. */
static uint64_t hash_of(struct slice key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The slot that holds key, or the free one where it would stand. */
static size_t probe(const struct keymap *map, struct slice key, uint64_t hash)
{
    size_t at = (size_t)(hash ^ hash >> 32) & map->mask;
    while (map->slots[at].key.data != NULL &&
           (map->slots[at].hash != hash || !slice_is_equal(map->slots[at].key, key)))
        at = (at + 1) & map->mask;
    return at;
}

void *keymap_find(const struct keymap *map, struct slice key)
{
    return map->slots[probe(map, key, hash_of(key))].value;
}

enum rc keymap_put(struct keymap *map, struct slice key, void *value)
{
    uint64_t hash = hash_of(key);
    struct slot *slot = &map->slots[probe(map, key, hash)];
    if (slot->key.data != NULL) {
        slot->value = value;
        return RC_OK;
    }
    if (map->count == map->count_max)
        return RC_FULL;
    uint8_t *copy = (uint8_t *)arena_copy(map->arena, key.data, key.size);
    if (copy == NULL)
        return RC_FULL;
    *slot = (struct slot){.key = slice_of(copy, key.size), .hash = hash, .value = value};
    map->count++;
    return RC_OK;
}

void keymap_clear(struct keymap *map)
{
    memset(map->slots, 0, (map->mask + 1) * sizeof(map->slots[0]));
    map->count = 0;
}
