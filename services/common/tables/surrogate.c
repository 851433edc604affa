/* Numbers made from names. Invariant: after a round, every number that only one name has stays
   with the least name that has it, so the rounds end. */
#include "services/common/tables/surrogate.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/mac/mac.h"

enum { COUNTER_BYTES = 4 };

struct numbered {
    int64_t number;
    size_t name;
    uint32_t counter;
};

static int64_t number_of(struct slice name, uint32_t counter, int bits, uint8_t *room)
{
    uint8_t digest[MAC_SHA256_BYTES];
    uint64_t number = 0;
    size_t size = name.size;
    memcpy(room, name.data, name.size);
    for (int i = 0; counter > 0 && i < COUNTER_BYTES; i++)
        room[size++] = (uint8_t)(counter >> (24 - 8 * i));
    mac_sha256(slice_of(room, size), digest);
    for (int i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    return (int64_t)(number >> (64 - bits));
}

static int compare(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

enum rc surrogate_assign(const struct slice *names, size_t count, int bits, struct arena *arena,
                         int64_t *ret_numbers, struct err *err)
{
    size_t longest = 0, moved;
    struct numbered *items = arena_alloc(arena, count * sizeof(*items));
    for (size_t i = 0; i < count; i++)
        longest = names[i].size > longest ? names[i].size : longest;
    uint8_t *room = arena_alloc(arena, longest + COUNTER_BYTES);
    if (items == NULL || room == NULL)
        return err_set(err, RC_FULL, "numbering %zu names needs more memory than allowed", count);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct numbered){number_of(names[i], 0, bits, room), i, 0};
    do {
        moved = 0;
        qsort(items, count, sizeof(*items), compare);
        for (size_t i = 1, first = 0; i < count; i++) {
            if (items[i].number != items[first].number) {
                first = i;
                continue;
            }
            moved++;
            items[i].number = number_of(names[items[i].name], ++items[i].counter, bits, room);
            /* the rest of this run still compares with its first */
        }
    } while (moved > 0);
    for (size_t i = 0; i < count; i++)
        ret_numbers[items[i].name] = items[i].number;
    return RC_OK;
}
