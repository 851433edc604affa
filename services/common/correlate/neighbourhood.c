/* The closed set around a change. Invariant: whatever enters, record or decision, has all its names
   wanted at once, and a name is wanted once; so when nothing is wanted any more the set is closed.
 */
#include "services/common/correlate/neighbourhood.h"

#include <stdlib.h>

/* ---- decisions by what they name ---- */

enum name_kind { NAME_KIND_RECORD, NAME_KIND_TOKEN, NAME_KIND_DECISION, NAME_KIND_REVOKES };

struct name {
    enum name_kind kind;
    union {
        struct uuid record;
        struct fact_token token;
        int64_t no; /* its own, or the one it revokes */
    };
    size_t decision;
};

struct neighbourhood_index {
    const struct fact_decision *const *decisions;
    size_t decisions_count;
    struct name *names; /* in the order of compare_names, then decision */
    size_t names_count;
};

static int compare_names(const struct name *a, const struct name *b)
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
    int order = compare_names(x, y);
    return order != 0 ? order : (x->decision > y->decision) - (x->decision < y->decision);
}

static struct fact_token handle_of(const struct fact_decision *decision)
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
        names[count++] =
            (struct name){.kind = NAME_KIND_TOKEN, .token = handle_of(decision), .decision = place};
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

/* First entry of that name. */
static size_t find_name(const struct neighbourhood_index *index, const struct name *name)
{
    size_t low = 0, high = index->names_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(&index->names[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- sets of byte strings ---- */

struct set {
    struct slice *slots; /* an empty one has no data */
    size_t count, capacity;
};

enum { SET_CAPACITY_MIN = 64 };

static size_t slot_of(const struct set *set, struct slice key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * UINT64_C(1099511628211);
    size_t slot = (size_t)(hash ^ hash >> 32) & (set->capacity - 1);
    while (set->slots[slot].data != NULL && !slice_is_equal(set->slots[slot], key))
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

static int set_has(const struct set *set, struct slice key)
{
    return set->capacity > 0 && set->slots[slot_of(set, key)].data != NULL;
}

static int set_grow(struct set *set, struct arena *arena)
{
    struct set larger = {.capacity = set->capacity == 0 ? SET_CAPACITY_MIN : 4 * set->capacity};
    larger.slots = arena_zalloc(arena, larger.capacity * sizeof(*larger.slots));
    if (larger.slots == NULL)
        return 0;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i].data != NULL)
            larger.slots[slot_of(&larger, set->slots[i])] = set->slots[i];
    larger.count = set->count;
    *set = larger;
    return 1;
}

/* ---- the set and what it wants ---- */

#define LIST(type)              \
    struct {                    \
        type *items;            \
        size_t count, capacity; \
    }

struct neighbourhood {
    struct neighbourhood_config config;
    int is_full; /* the arena is too small: nothing more is done */
    struct set new_records, records, ids, targets, tokens, followed, places;
    LIST(struct uuid) wanted_ids, wanted_targets;
    LIST(struct fact_token) wanted_tokens, wanted_classes;
    LIST(struct neighbourhood_place) wanted_places;
    LIST(const struct fact_record *) members;
    LIST(struct fact_hub) hubs;
    uint8_t *is_in, *is_new; /* per decision */
    size_t *entered;         /* decisions that are in, in their order of coming */
    size_t entered_count, done_count;
};

static struct slice bytes_of(const void *data, size_t size)
{
    return slice_of(data, size);
}

/* Whether the key is new. The key's bytes must stay. */
static int enter(struct neighbourhood *n, struct set *set, struct slice key)
{
    if (2 * set->count >= set->capacity && !set_grow(set, n->config.arena)) {
        n->is_full = 1;
        return 0;
    }
    size_t slot = slot_of(set, key);
    if (set->slots[slot].data != NULL)
        return 0;
    set->slots[slot] = key;
    set->count++;
    return 1;
}

static int make_room(struct neighbourhood *n, void *list, size_t size)
{
    LIST(void) *l = list;
    if (l->count < l->capacity)
        return 1;
    size_t capacity = l->capacity == 0 ? SET_CAPACITY_MIN : 2 * l->capacity;
    void *items = arena_alloc(n->config.arena, capacity * size);
    if (items == NULL) {
        n->is_full = 1;
        return 0;
    }
    if (l->count > 0)
        memcpy(items, l->items, l->count * size);
    l->items = items;
    l->capacity = capacity;
    return 1;
}

#define LIST_PUSH(n, list, item)                            \
    do {                                                    \
        if (make_room((n), (list), sizeof(*(list)->items))) \
            (list)->items[(list)->count++] = (item);        \
    } while (0)

static void want_id(struct neighbourhood *n, const struct uuid *id)
{
    if (enter(n, &n->ids, bytes_of(id->bytes, UUID_BYTES)) && !neighbourhood_has(n, id))
        LIST_PUSH(n, &n->wanted_ids, *id);
}

static void want_target(struct neighbourhood *n, const struct uuid *id)
{
    if (enter(n, &n->targets, bytes_of(id->bytes, UUID_BYTES)))
        LIST_PUSH(n, &n->wanted_targets, *id);
}

static void enter_decisions(struct neighbourhood *n, const struct name *name);

static void enter_token(struct neighbourhood *n, const struct fact_token *token)
{
    const struct name name = {.kind = NAME_KIND_TOKEN, .token = *token};
    if (enter(n, &n->tokens, bytes_of(token, sizeof(*token))))
        enter_decisions(n, &name);
}

static void follow_token(struct neighbourhood *n, const struct fact_token *token)
{
    enter_token(n, token);
    if (enter(n, &n->followed, bytes_of(token, sizeof(*token))))
        LIST_PUSH(n, &n->wanted_tokens, *token);
}

static int is_linking(const struct neighbourhood *n, const struct fact_token *token)
{
    return n->config.linking == NULL ||
           (token->kind < FACT_KINDS && n->config.linking->is_linking[token->kind]);
}

static void want_token(struct neighbourhood *n, const struct fact_token *token)
{
    if (is_linking(n, token)) {
        follow_token(n, token);
    } else if (!set_has(&n->tokens, bytes_of(token, sizeof(*token)))) {
        enter_token(n, token);
        LIST_PUSH(n, &n->wanted_classes, *token);
    }
}

static void want_place(struct neighbourhood *n, struct slice site, struct slice ref)
{
    struct neighbourhood_place place = {site, ref};
    size_t size = sizeof(site.size) + site.size + ref.size;
    if (ref.size == 0)
        return;
    uint8_t *key = arena_alloc(n->config.arena, size);
    if (key == NULL) {
        n->is_full = 1;
        return;
    }
    memcpy(key, &site.size, sizeof(site.size));
    if (site.size > 0)
        memcpy(key + sizeof(site.size), site.data, site.size);
    memcpy(key + sizeof(site.size) + site.size, ref.data, ref.size);
    if (enter(n, &n->places, bytes_of(key, size)))
        LIST_PUSH(n, &n->wanted_places, place);
}

/* ---- decisions ---- */

/* What it names is wanted later (neighbourhood_next): chains of decisions are long. */
static void enter_decision(struct neighbourhood *n, size_t place)
{
    if (n->is_in[place])
        return;
    n->is_in[place] = 1;
    n->entered[n->entered_count++] = place;
}

static void enter_decisions(struct neighbourhood *n, const struct name *name)
{
    const struct neighbourhood_index *index = n->config.decisions;
    for (size_t i = find_name(index, name);
         i < index->names_count && compare_names(&index->names[i], name) == 0; i++)
        enter_decision(n, index->names[i].decision);
}

static void want_handle(struct neighbourhood *n, const struct fact_decision *decision)
{
    struct fact_token *handle = arena_alloc(n->config.arena, sizeof(*handle));
    if (handle == NULL) {
        n->is_full = 1;
        return;
    }
    *handle = handle_of(decision);
    want_token(n, handle);
}

static void want_named(struct neighbourhood *n, const struct fact_decision *decision)
{
    const struct name revokers = {.kind = NAME_KIND_REVOKES, .no = decision->no};
    const struct name revoked = {.kind = NAME_KIND_DECISION, .no = decision->revoked_no};
    for (size_t i = 0; i < decision->records_count; i++)
        want_id(n, &decision->records[i]);
    for (size_t i = 0; i < decision->classes_count; i++)
        want_token(n, &decision->classes[i].token);
    if (decision->kind == FACT_DECISION_ATTACH)
        want_handle(n, decision);
    enter_decisions(n, &revokers);
    if (decision->kind == FACT_DECISION_REVOKE)
        enter_decisions(n, &revoked);
}

void neighbourhood_seed_decision(struct neighbourhood *n, size_t decision, int is_new)
{
    n->is_new[decision] |= is_new != 0;
    enter_decision(n, decision);
}

/* ---- records ---- */

void neighbourhood_seed_record(struct neighbourhood *n, const struct uuid *id)
{
    enter(n, &n->new_records, bytes_of(id->bytes, UUID_BYTES));
    want_id(n, id);
}

int neighbourhood_has(const struct neighbourhood *n, const struct uuid *id)
{
    return set_has(&n->records, bytes_of(id->bytes, UUID_BYTES));
}

static void want_tokens(struct neighbourhood *n, const struct fact_record *record)
{
    for (size_t p = 0; p < record->persons_count; p++)
        for (size_t i = 0; i < record->persons[p].identifiers_count; i++) {
            const struct fact_identifier *identifier = &record->persons[p].identifiers[i];
            for (size_t t = 0; t < identifier->tokens_count; t++)
                want_token(n, &identifier->tokens[t]);
        }
}

enum rc neighbourhood_add(struct neighbourhood *n, const struct fact_record *record,
                          struct err *err)
{
    const struct name name = {.kind = NAME_KIND_RECORD, .record = record->id};
    int has_target = record->kind == FACT_BODY_SUPPLEMENT || record->kind == FACT_BODY_CORRECTION;
    if (!enter(n, &n->records, bytes_of(record->id.bytes, UUID_BYTES)))
        return n->is_full ? err_set(err, RC_FULL, "what is near needs more memory than allowed")
                          : RC_OK;
    if (n->members.count == n->config.records_max)
        return err_set(err, RC_FULL, "more than %zu records are near", n->config.records_max);
    LIST_PUSH(n, &n->members, record);
    want_target(n, &record->id);
    if (has_target)
        want_id(n, &record->target);
    want_tokens(n, record);
    want_place(n, record->site, record->ref);
    enter_decisions(n, &name);
    return RC_OK;
}

/* ---- classes that are told ---- */

static int is_hub(const struct neighbourhood *n, const struct fact_token *token)
{
    for (size_t i = 0; i < n->hubs.count; i++)
        if (fact_token_compare(&n->hubs.items[i].tokens[0], token) == 0)
            return 1;
    return 0;
}

void neighbourhood_tell(struct neighbourhood *n, const struct fact_token *tokens, size_t count)
{
    if (is_hub(n, &tokens[0]))
        return;
    for (size_t i = 0; i < count; i++)
        enter_token(n, &tokens[i]);
    LIST_PUSH(n, &n->hubs, ((struct fact_hub){tokens, count}));
}

const struct fact_hub *neighbourhood_hubs(const struct neighbourhood *n, size_t *ret_count)
{
    *ret_count = n->hubs.count;
    return n->hubs.items;
}

void neighbourhood_follow(struct neighbourhood *n, size_t hub)
{
    const struct fact_hub followed = n->hubs.items[hub];
    n->hubs.items[hub] = n->hubs.items[--n->hubs.count];
    for (size_t i = 0; i < followed.tokens_count; i++)
        follow_token(n, &followed.tokens[i]);
}

/* ---- from outside ---- */

enum rc neighbourhood_new(const struct neighbourhood_config *config,
                          struct neighbourhood **ret_neighbourhood, struct err *err)
{
    struct neighbourhood *n = arena_zalloc(config->arena, sizeof(*n));
    size_t count = config->decisions->decisions_count;
    if (n != NULL) {
        n->config = *config;
        n->is_in = arena_zalloc(config->arena, count + 1);
        n->is_new = arena_zalloc(config->arena, count + 1);
        n->entered = arena_alloc(config->arena, (count + 1) * sizeof(*n->entered));
    }
    if (n == NULL || n->is_in == NULL || n->is_new == NULL || n->entered == NULL)
        return err_set(err, RC_FULL, "what is near needs more memory than allowed");
    *ret_neighbourhood = n;
    return RC_OK;
}

int neighbourhood_next(struct neighbourhood *n, struct neighbourhood_wanted *ret_wanted)
{
    while (n->done_count < n->entered_count && !n->is_full)
        want_named(n, n->config.decisions->decisions[n->entered[n->done_count++]]);
    *ret_wanted = (struct neighbourhood_wanted){
        .ids = n->wanted_ids.items,
        .targets = n->wanted_targets.items,
        .tokens = n->wanted_tokens.items,
        .classes = n->wanted_classes.items,
        .places = n->wanted_places.items,
        .ids_count = n->wanted_ids.count,
        .targets_count = n->wanted_targets.count,
        .tokens_count = n->wanted_tokens.count,
        .classes_count = n->wanted_classes.count,
        .places_count = n->wanted_places.count,
    };
    /* new lists: the given ones stay with the caller */
    memset(&n->wanted_ids, 0, sizeof(n->wanted_ids));
    memset(&n->wanted_targets, 0, sizeof(n->wanted_targets));
    memset(&n->wanted_tokens, 0, sizeof(n->wanted_tokens));
    memset(&n->wanted_classes, 0, sizeof(n->wanted_classes));
    memset(&n->wanted_places, 0, sizeof(n->wanted_places));
    return !n->is_full && ret_wanted->ids_count + ret_wanted->targets_count +
                                  ret_wanted->tokens_count + ret_wanted->classes_count +
                                  ret_wanted->places_count >
                              0;
}

enum rc neighbourhood_split(const struct neighbourhood *n, const struct facts *base,
                            struct facts *ret_before, struct facts *ret_after, struct err *err)
{
    const struct neighbourhood_index *index = n->config.decisions;
    size_t most = n->members.count + 1, at = 0;
    struct fact_record *records = arena_alloc(n->config.arena, most * sizeof(*records));
    struct fact_decision *decisions =
        arena_alloc(n->config.arena, (n->entered_count + 1) * sizeof(*decisions));
    struct facts before = *base, after = *base;
    if (n->is_full || records == NULL || decisions == NULL)
        return err_set(err, RC_FULL, "what is near needs more memory than allowed");
    /* the new ones stand behind the others, so that both are stretches of one array */
    for (int is_new = 0; is_new <= 1; is_new++) {
        for (size_t i = 0; i < n->members.count; i++) {
            const struct fact_record *member = n->members.items[i];
            if (set_has(&n->new_records, bytes_of(member->id.bytes, UUID_BYTES)) == is_new)
                records[at++] = *member;
        }
        *(is_new ? &after.records_count : &before.records_count) = at;
    }
    at = 0;
    for (int is_new = 0; is_new <= 1; is_new++) {
        for (size_t i = 0; i < index->decisions_count; i++)
            if (n->is_in[i] && n->is_new[i] == is_new)
                decisions[at++] = *index->decisions[i];
        *(is_new ? &after.decisions_count : &before.decisions_count) = at;
    }
    before.records = after.records = records;
    before.decisions = after.decisions = decisions;
    before.hubs = after.hubs = n->hubs.items;
    before.hubs_count = after.hubs_count = n->hubs.count;
    *ret_before = before;
    *ret_after = after;
    return RC_OK;
}
