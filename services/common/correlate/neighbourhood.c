/* The closed set around a change. Invariant: whatever enters, record or decision, has all its names
   wanted at once, and a name is wanted once; so when nothing is wanted any more the set is closed.
 */
#include "services/common/correlate/neighbourhood_hub.h"
#include "services/common/correlate/neighbourhood_index.h"

#include <stdlib.h>

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
    struct set new_records, records, ids, targets, tokens, followed, whole, places, windows, sides;
    LIST(struct uuid) wanted_ids, wanted_targets;
    LIST(struct fact_token) wanted_tokens, wanted_whole, wanted_classes;
    LIST(struct neighbourhood_place) wanted_places;
    LIST(struct neighbourhood_window) wanted_windows;
    LIST(struct neighbourhood_side) wanted_sides;
    LIST(struct neighbourhood_calls) wanted_calls;
    LIST(const struct fact_record *) members;
    LIST(struct neighbourhood_hub) hubs;
    size_t linking_count;    /* of them */
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
    for (size_t i = neighbourhood_find_name(index, name);
         i < index->names_count && neighbourhood_compare_names(&index->names[i], name) == 0; i++)
        enter_decision(n, index->names[i].decision);
}

static void want_handle(struct neighbourhood *n, const struct fact_decision *decision)
{
    struct fact_token *handle = arena_alloc(n->config.arena, sizeof(*handle));
    if (handle == NULL) {
        n->is_full = 1;
        return;
    }
    *handle = neighbourhood_handle(decision);
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
        if (fact_token_compare(&n->hubs.items[i].told.tokens[0], token) == 0)
            return 1;
    return 0;
}

static void add_hub(struct neighbourhood *n, struct neighbourhood_hub hub)
{
    const struct fact_hub *told = &hub.told;
    if (is_hub(n, &told->tokens[0]))
        return;
    for (size_t i = 0; i < told->tokens_count; i++)
        enter_token(n, &told->tokens[i]);
    LIST_PUSH(n, &n->hubs, hub);
    n->linking_count += told->is_linking != 0;
}

void neighbourhood_tell(struct neighbourhood *n, const struct fact_token *tokens, size_t count)
{
    add_hub(n, (struct neighbourhood_hub){.told = {tokens, count, 0, 0}});
}

void neighbourhood_tell_shared(struct neighbourhood *n, const struct fact_token *tokens,
                               size_t count, int64_t class, int is_switchboard)
{
    add_hub(n, (struct neighbourhood_hub){.told = {tokens, count, 1, is_switchboard},
                                          .was_switchboard = is_switchboard,
                                          .class = class});
}

size_t neighbourhood_hubs(const struct neighbourhood *n, size_t *ret_linking)
{
    *ret_linking = n->linking_count;
    return n->hubs.count;
}

struct neighbourhood_hub *neighbourhood_hub_list(struct neighbourhood *n, size_t *ret_count)
{
    *ret_count = n->hubs.count;
    return n->hubs.items;
}

const struct fact_linking *neighbourhood_linking(const struct neighbourhood *n)
{
    return n->config.linking;
}

void neighbourhood_follow(struct neighbourhood *n, size_t hub)
{
    const struct fact_hub followed = n->hubs.items[hub].told;
    n->hubs.items[hub] = n->hubs.items[--n->hubs.count];
    n->linking_count -= followed.is_linking != 0;
    for (size_t i = 0; i < followed.tokens_count; i++)
        if (enter(n, &n->whole, bytes_of(&followed.tokens[i], sizeof(followed.tokens[i]))))
            LIST_PUSH(n, &n->wanted_whole, followed.tokens[i]);
}

static int enter_hub_key(struct neighbourhood *n, struct set *set, int64_t class, int64_t start_us,
                         const struct uuid *record)
{
    size_t size = sizeof(class) + sizeof(start_us) + UUID_BYTES;
    uint8_t *key = arena_alloc(n->config.arena, size);
    if (key == NULL) {
        n->is_full = 1;
        return 0;
    }
    memcpy(key, &class, sizeof(class));
    memcpy(key + sizeof(class), &start_us, sizeof(start_us));
    memcpy(key + sizeof(class) + sizeof(start_us), record->bytes, UUID_BYTES);
    return enter(n, set, bytes_of(key, size));
}

int neighbourhood_want_side(struct neighbourhood *n, const struct neighbourhood_hub *hub,
                            int64_t start_us, const struct uuid *record)
{
    const struct neighbourhood_side side = {hub->class, start_us, *record};
    if (!enter_hub_key(n, &n->sides, hub->class, start_us, record))
        return 0;
    LIST_PUSH(n, &n->wanted_sides, side);
    return 1;
}

static struct hub_calls *find_calls(struct hub_calls *calls, struct slice site)
{
    while (calls != NULL && !slice_is_equal(calls->wanted.site, site))
        calls = calls->next;
    return calls;
}

int neighbourhood_want_calls(struct neighbourhood *n, struct neighbourhood_hub *hub,
                             struct slice site, size_t most)
{
    struct hub_calls *calls = find_calls(hub->calls, site);
    if (calls != NULL && calls->wanted.most >= most)
        return 0;
    if (calls == NULL) {
        calls = arena_zalloc(n->config.arena, sizeof(*calls));
        if (calls == NULL) {
            n->is_full = 1;
            return 0;
        }
        calls->next = hub->calls;
        hub->calls = calls;
    }
    calls->wanted = (struct neighbourhood_calls){hub->class, site, most};
    LIST_PUSH(n, &n->wanted_calls, calls->wanted);
    return 1;
}

void neighbourhood_give_calls(struct neighbourhood *n, const struct neighbourhood_calls *wanted,
                              const struct neighbourhood_call *calls, size_t count, int is_all)
{
    for (size_t i = 0; i < n->hubs.count; i++) {
        struct neighbourhood_hub *hub = &n->hubs.items[i];
        struct hub_calls *given =
            hub->told.is_linking && hub->class == wanted->class ? find_calls(hub->calls,
                                                                             wanted->site)
                                                                : NULL;
        if (given == NULL)
            continue;
        given->items = calls;
        given->count = count;
        given->is_given = 1;
        given->is_all = is_all;
    }
}

/* ---- who is close to a member by a told class ---- */

/* A member, and the original that it is, corrects or supplements. */
struct version {
    struct uuid root;
    const struct fact_record *record;
};

static int compare_members(const void *a, const void *b)
{
    return uuid_compare(&(*(const struct fact_record *const *)a)->id,
                        &(*(const struct fact_record *const *)b)->id);
}

static int compare_versions(const void *a, const void *b)
{
    return uuid_compare(&((const struct version *)a)->root, &((const struct version *)b)->root);
}

/* A supplement's correction names the supplement, which names the original. */
static struct uuid root_of(const struct fact_record *const *members, size_t count,
                           const struct fact_record *record)
{
    const struct fact_record key = {.id = record->target};
    const struct fact_record *sought = &key;
    if (record->kind != FACT_BODY_SUPPLEMENT && record->kind != FACT_BODY_CORRECTION)
        return record->id;
    const struct fact_record *const *target =
        bsearch(&sought, members, count, sizeof(*members), compare_members);
    return target != NULL && (*target)->kind == FACT_BODY_SUPPLEMENT ? (*target)->target
                                                                     : record->target;
}

static int carries_hub(const struct fact_record *record, const struct fact_hub *hub)
{
    for (size_t p = 0; p < record->persons_count; p++)
        for (size_t i = 0; i < record->persons[p].identifiers_count; i++) {
            const struct fact_identifier *identifier = &record->persons[p].identifiers[i];
            for (size_t t = 0; t < identifier->tokens_count; t++)
                for (size_t h = 0; h < hub->tokens_count; h++)
                    if (fact_token_compare(&identifier->tokens[t], &hub->tokens[h]) == 0)
                        return 1;
        }
    return 0;
}

static void want_window(struct neighbourhood *n, const struct neighbourhood_hub *hub,
                        const struct fact_record *record)
{
    const struct fact_linking *linking = n->config.linking;
    int64_t gap_us =
        linking->gap_us > linking->gap_attempt_us ? linking->gap_us : linking->gap_attempt_us;
    enum fact_body body = record->kind == FACT_BODY_CORRECTION ? record->replaces : record->kind;
    if ((body != FACT_BODY_CONTACT && body != FACT_BODY_INCIDENT) ||
        !enter_hub_key(n, &n->windows, hub->class, 0, &record->id))
        return;
    const struct neighbourhood_window window = {hub->class, record->site, record->ref,
                                                record->start_us - gap_us, record->end_us + gap_us};
    LIST_PUSH(n, &n->wanted_windows, window);
}

/* The versions of one original, if one of them carries the class. */
static void want_windows_of(struct neighbourhood *n, const struct neighbourhood_hub *hub,
                            const struct version *versions, size_t count)
{
    int is_carried = 0;
    for (size_t i = 0; i < count; i++)
        is_carried |= carries_hub(versions[i].record, &hub->told);
    for (size_t i = 0; is_carried && i < count; i++)
        want_window(n, hub, versions[i].record);
}

static void want_windows(struct neighbourhood *n)
{
    size_t count = n->members.count;
    const struct fact_record **members =
        arena_alloc(n->config.arena, (count + 1) * sizeof(*members));
    struct version *versions = arena_alloc(n->config.arena, (count + 1) * sizeof(*versions));
    if (members == NULL || versions == NULL) {
        n->is_full = 1;
        return;
    }
    for (size_t i = 0; i < count; i++)
        members[i] = n->members.items[i];
    qsort(members, count, sizeof(*members), compare_members);
    for (size_t i = 0; i < count; i++)
        versions[i] = (struct version){root_of(members, count, members[i]), members[i]};
    qsort(versions, count, sizeof(*versions), compare_versions);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && compare_versions(&versions[i], &versions[end]) == 0;)
            end++;
        for (size_t h = 0; h < n->hubs.count; h++)
            if (n->hubs.items[h].told.is_linking)
                want_windows_of(n, &n->hubs.items[h], versions + i, end - i);
    }
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

#define WANTED(list) .list = n->wanted_##list.items, .list##_count = n->wanted_##list.count
#define RENEW(list) memset(&n->wanted_##list, 0, sizeof(n->wanted_##list))

int neighbourhood_next(struct neighbourhood *n, struct neighbourhood_wanted *ret_wanted)
{
    while (n->done_count < n->entered_count && !n->is_full)
        want_named(n, n->config.decisions->decisions[n->entered[n->done_count++]]);
    if (n->linking_count > 0 && !n->is_full)
        want_windows(n);
    const struct neighbourhood_wanted wanted = {
        WANTED(ids),    WANTED(targets), WANTED(tokens), WANTED(whole), WANTED(classes),
        WANTED(places), WANTED(windows), WANTED(sides),  WANTED(calls),
    };
    *ret_wanted = wanted;
    /* new lists: the given ones stay with the caller */
    RENEW(ids);
    RENEW(targets);
    RENEW(tokens);
    RENEW(whole);
    RENEW(classes);
    RENEW(places);
    RENEW(windows);
    RENEW(sides);
    RENEW(calls);
    return !n->is_full && wanted.ids_count + wanted.targets_count + wanted.tokens_count +
                                  wanted.whole_count + wanted.classes_count + wanted.places_count +
                                  wanted.windows_count + wanted.sides_count + wanted.calls_count >
                              0;
}

/* What is told, as it was or as it is. */
static const struct fact_hub *copy_hubs(const struct neighbourhood *n, int is_before)
{
    struct fact_hub *hubs = arena_alloc(n->config.arena, (n->hubs.count + 1) * sizeof(*hubs));
    for (size_t i = 0; hubs != NULL && i < n->hubs.count; i++) {
        hubs[i] = n->hubs.items[i].told;
        if (is_before)
            hubs[i].is_switchboard = n->hubs.items[i].was_switchboard;
    }
    return hubs;
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
    before.hubs = copy_hubs(n, 1);
    after.hubs = copy_hubs(n, 0);
    before.hubs_count = after.hubs_count = n->hubs.count;
    if (n->is_full || records == NULL || decisions == NULL || before.hubs == NULL ||
        after.hubs == NULL)
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
    *ret_before = before;
    *ret_after = after;
    return RC_OK;
}
