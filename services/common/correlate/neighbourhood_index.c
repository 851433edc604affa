/* Where decisions are found by what they name. Invariant: the entries are sorted by name, so all of
   one name stand together. */
#include "services/common/correlate/neighbourhood_index.h"

#include <stdlib.h>

int neighbourhood_compare_names(const struct name *a, const struct name *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case NAME_KIND_RECORD:
        return uuid_compare(&a->record, &b->record);
    case NAME_KIND_TOKEN:
        return fact_token_compare(&a->token, &b->token);
    case NAME_KIND_DECISION:
    case NAME_KIND_REVOKES:
        break;
    }
    return a->no < b->no ? -1 : a->no > b->no;
}

static int compare_entries(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = neighbourhood_compare_names(x, y);
    return order != 0 ? order : (x->decision > y->decision) - (x->decision < y->decision);
}

struct fact_token neighbourhood_handle(const struct fact_decision *decision)
{
    struct fact_token token = {.kind = FACT_KIND_HANDLE};
    memcpy(token.mac, decision->handle, FACT_MAC_BYTES);
    return token;
}

enum { NAMES_EXTRA = 3 }; /* its number, what it revokes, its handle */

static size_t put_names(const struct fact_decision *decision, size_t place, struct name *names)
{
    size_t count = 0;
    names[count++] =
        (struct name){.kind = NAME_KIND_DECISION, .no = decision->no, .decision = place};
    if (decision->kind == FACT_DECISION_REVOKE)
        names[count++] =
            (struct name){.kind = NAME_KIND_REVOKES, .no = decision->revoked_no, .decision = place};
    if (decision->kind == FACT_DECISION_ATTACH)
        names[count++] = (struct name){
            .kind = NAME_KIND_TOKEN, .token = neighbourhood_handle(decision), .decision = place};
    for (size_t i = 0; i < decision->records_count; i++)
        names[count++] = (struct name){
            .kind = NAME_KIND_RECORD, .record = decision->records[i], .decision = place};
    for (size_t i = 0; i < decision->classes_count; i++)
        names[count++] = (struct name){
            .kind = NAME_KIND_TOKEN, .token = decision->classes[i].token, .decision = place};
    return count;
}

enum rc neighbourhood_index_new(const struct fact_decision *const *decisions, size_t count,
                                struct arena *arena, const struct neighbourhood_index **ret_index,
                                struct err *err)
{
    struct neighbourhood_index *index = arena_zalloc(arena, sizeof(*index));
    size_t most = 1;
    for (size_t i = 0; i < count; i++)
        most += NAMES_EXTRA + decisions[i]->records_count + decisions[i]->classes_count;
    if (index != NULL)
        index->names = arena_alloc(arena, most * sizeof(*index->names));
    if (index == NULL || index->names == NULL)
        return err_set(err, RC_FULL, "the decisions need more memory than may be taken");
    index->decisions = decisions;
    index->decisions_count = count;
    for (size_t i = 0; i < count; i++)
        index->names_count += put_names(decisions[i], i, index->names + index->names_count);
    qsort(index->names, index->names_count, sizeof(*index->names), compare_entries);
    *ret_index = index;
    return RC_OK;
}

size_t neighbourhood_find_name(const struct neighbourhood_index *index, const struct name *name)
{
    size_t low = 0, high = index->names_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (neighbourhood_compare_names(&index->names[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
