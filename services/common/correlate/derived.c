/* Memory, order and look-ups for all definitions. Invariant: what is handed out lies in the arena,
   and running out of it ends correlate_full at once by d->full: nothing else has to be released. */
#include "services/common/correlate/steps.h"

#include <string.h>

void *derived_take(struct derived *d, size_t count, size_t size)
{
    size_t bytes;
    void *p = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes))
        p = arena_zalloc(d->arena, bytes);
    if (p == NULL)
        longjmp(d->full, 1);
    return p;
}

void derived_grow(struct derived *d, void *vector, size_t item_size)
{
    VECTOR(void) *v = vector;
    size_t capacity = v->capacity == 0 ? 8 : 2 * v->capacity;
    void *items = derived_take(d, capacity, item_size);
    if (v->count > 0)
        memcpy(items, v->items, v->count * item_size);
    v->items = items;
    v->capacity = capacity;
}

struct sorting {
    const struct derived *d;
    size_t size;
    derived_order *compare;
};

/* Merges the sorted halves [0, middle) and [middle, count) of from into to. */
static void merge(const struct sorting *s, const char *from, size_t middle, size_t count, char *to)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < count; i++) {
        int is_left =
            right == count ||
            (left < middle && s->compare(from + left * s->size, from + right * s->size, s->d) <= 0);
        const char *item = from + (is_left ? left++ : right++) * s->size;
        memcpy(to + i * s->size, item, s->size);
    }
}

void derived_sort(struct derived *d, void *items, size_t count, size_t size, derived_order *compare)
{
    const struct sorting sorting = {.d = d, .size = size, .compare = compare};
    if (count < 2)
        return;
    char *from = items;
    char *to = derived_take(d, count, size);
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t i = 0; i < count; i += 2 * width) {
            size_t n = count - i < 2 * width ? count - i : 2 * width;
            merge(&sorting, from + i * size, width < n ? width : n, n, to + i * size);
        }
        char *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * size);
}

int derived_slice_compare(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

static int compare_slices(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    return derived_slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

size_t derived_slice_set(struct derived *d, struct slice *items, size_t count)
{
    size_t kept = 0;
    derived_sort(d, items, count, sizeof(*items), compare_slices);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || derived_slice_compare(items[kept - 1], items[i]) != 0)
            items[kept++] = items[i];
    return kept;
}

static int compare_indices(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

size_t derived_index_set(struct derived *d, size_t *items, size_t count)
{
    size_t kept = 0;
    derived_sort(d, items, count, sizeof(*items), compare_indices);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || items[kept - 1] != items[i])
            items[kept++] = items[i];
    return kept;
}

size_t *derived_singletons(struct derived *d, size_t count)
{
    size_t *parents = derived_take(d, count, sizeof(*parents));
    for (size_t i = 0; i < count; i++)
        parents[i] = i;
    return parents;
}

size_t derived_find(size_t *parents, size_t index)
{
    while (parents[index] != index) {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    return index;
}

void derived_join(size_t *parents, size_t a, size_t b)
{
    a = derived_find(parents, a);
    b = derived_find(parents, b);
    if (a < b)
        parents[b] = a;
    else
        parents[a] = b;
}

size_t derived_find_effective(const struct derived *d, const struct uuid *id)
{
    size_t low = 0, high = d->effectives_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(derived_id(d, middle), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->effectives_count && uuid_compare(derived_id(d, low), id) == 0 ? low : NONE;
}

const struct fact_record *derived_find_record(const struct fact_record **records, size_t count,
                                              const struct uuid *id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(&records[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && uuid_compare(&records[low]->id, id) == 0 ? records[low] : NULL;
}

static const struct fact_record *find_original(const struct derived *d, const struct uuid *id)
{
    return derived_find_record(d->originals, d->originals_count, id);
}

const struct fact_record *derived_find_named(const struct derived *d, const struct uuid *id)
{
    const struct fact_record *record = find_original(d, id);
    if (record == NULL) {
        const struct fact_record *correction =
            derived_find_record(d->corrections, d->corrections_count, id);
        record = correction == NULL ? NULL : find_original(d, &correction->target);
    }
    if (record != NULL && record->kind == FACT_BODY_SUPPLEMENT) {
        record = find_original(d, &record->target);
        if (record != NULL && record->kind == FACT_BODY_SUPPLEMENT)
            return NULL;
    }
    return record;
}

size_t derived_find_token(const struct derived *d, const struct fact_token *token)
{
    size_t low = 0, high = d->tokens_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fact_token_compare(&d->tokens[middle], token) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->tokens_count && fact_token_compare(&d->tokens[low], token) == 0 ? low : NONE;
}

size_t derived_find_class(const struct derived *d, const struct fact_token *token)
{
    size_t index = derived_find_token(d, token);
    return index == NONE ? NONE : d->class_of[index];
}

size_t derived_class_of(const struct derived *d, const struct fact_identifier *identifier)
{
    size_t class = NONE;
    for (size_t t = 0; t < identifier->tokens_count; t++) {
        size_t found = derived_find_class(d, &identifier->tokens[t]);
        if (t > 0 && found != class)
            return NONE;
        class = found;
    }
    return class;
}

size_t derived_resolve(const struct derived *d, size_t class_index, int64_t at_us)
{
    if (class_index == NONE)
        return NONE;
    const struct class *class = &d->classes[class_index];
    int64_t expiry_us = d->facts->linking.expiry_us[class->kind % FACT_KINDS];
    size_t low = class->first_sighting, high = low + class->sightings_count;
    const size_t end = high;
    while (low < high) { /* the first sighting after at_us */
        size_t middle = low + (high - low) / 2;
        if (d->sightings[middle].start_us <= at_us)
            low = middle + 1;
        else
            high = middle;
    }
    size_t found = NONE;
    if (low > class->first_sighting && at_us - d->sightings[low - 1].start_us <= expiry_us)
        found = low - 1;
    else if (low < end && d->sightings[low].start_us - at_us <= expiry_us)
        found = low;
    if (found == NONE)
        return NONE;
    for (size_t n = class->first_node; n < class->first_node + class->nodes_count; n++)
        if (d->sightings[found].start_us <= d->nodes[n].last_us)
            return n;
    return NONE;
}

size_t derived_resolve_named(const struct derived *d, const struct fact_class *name)
{
    return derived_resolve(d, derived_find_class(d, &name->token), name->at_us);
}

const struct fact_policy *derived_policy_at(const struct derived *d, int64_t at_us)
{
    const struct fact_policy *best = NULL;
    for (size_t i = 0; i < d->facts->policies_count; i++) {
        const struct fact_policy *policy = &d->facts->policies[i];
        if (policy->effective_from_us > at_us)
            continue;
        int is_better = best == NULL || policy->effective_from_us > best->effective_from_us ||
                        (policy->effective_from_us == best->effective_from_us &&
                         policy->version > best->version);
        if (is_better)
            best = policy;
    }
    return best == NULL ? &facts_policy_standard : best;
}
