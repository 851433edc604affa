/* A chain of blocks with a limit. Invariant: used never exceeds bytes_max, and the head block is
   the only one with room. */
#include "services/common/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "services/common/base/mem.h"

enum { BLOCK_BYTES = 64 * 1024 };

struct block {
    struct block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct block *head;
    size_t bytes_max;
    size_t used;
};

struct arena *arena_new(size_t bytes_max)
{
    struct arena *arena = mem_zalloc(sizeof(*arena));
    if (arena != NULL)
        arena->bytes_max = bytes_max;
    return arena;
}

static void blocks_free(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    blocks_free(arena->head);
    mem_free(arena);
}

static struct block *block_push(struct arena *arena, size_t size)
{
    size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct block *block = mem_alloc(sizeof(*block) + capacity);
    if (block == NULL)
        return NULL;
    *block = (struct block){.next = arena->head, .size = capacity};
    arena->head = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size_t rounded = (size + align - 1) & ~(align - 1);
    if (rounded > arena->bytes_max - arena->used)
        return NULL;
    struct block *block = arena->head;
    if (block == NULL || block->size - block->used < rounded) {
        block = block_push(arena, rounded);
        if (block == NULL)
            return NULL;
    }
    void *p = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return p;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *p = arena_alloc(arena, size);
    if (p != NULL)
        memset(p, 0, size);
    return p;
}

char *arena_copy(struct arena *arena, const void *data, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, size + 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

void arena_reset(struct arena *arena)
{
    struct block *keep = arena->head;
    arena->used = 0;
    if (keep == NULL)
        return;
    blocks_free(keep->next);
    keep->next = NULL;
    keep->used = 0;
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used;
}
