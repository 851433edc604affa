/* Third step: what is new. No clock, no database, no order but the log's.
   Invariant: after a judgement told and added together hold what the database will hold after its
   commit, so that judging a batch in one piece or in two gives the same outcomes. */
#include "services/aggregator/ingest/dedup.h"

#include <string.h>

#include "services/aggregator/ingest/keymap.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/record/record.h"

enum { KEY_BYTES_MAX = 3 * (LIMIT_NAME_BYTES + 1) + DEDUP_HASH_BYTES };

/* Rows by their keys: struct uuid by external key, struct dedup_stored by tenant and id. */
struct rows {
    struct keymap *externals;
    struct keymap *records;
};

struct dedup {
    struct arena *arena;
    size_t count_max;
    struct rows told;  /* by the database; ABSENT for an id that is not stored as far as we know */
    struct rows added; /* by deliveries judged in this round */
    struct dedup_need *needs;
    size_t needs_count;
    size_t needs_max;
};

static struct dedup_stored ABSENT;

struct key {
    uint8_t bytes[KEY_BYTES_MAX];
    size_t size;
};

static void key_add(struct key *key, const void *data, size_t size)
{
    CHECK(size <= sizeof(key->bytes) - key->size); /* names are validated before they get here */
    memcpy(key->bytes + key->size, data, size);
    key->size += size;
}

static struct key record_key(const char *tenant, const struct uuid *id)
{
    struct key key = {.size = 0};
    key_add(&key, tenant, strlen(tenant) + 1);
    key_add(&key, id->bytes, UUID_BYTES);
    return key;
}

static struct key external_key(const struct dedup_delivery *delivery)
{
    struct key key = {.size = 0};
    key_add(&key, delivery->tenant, strlen(delivery->tenant) + 1);
    key_add(&key, delivery->site, strlen(delivery->site) + 1);
    key_add(&key, delivery->source, strlen(delivery->source) + 1);
    key_add(&key, delivery->external_hash, DEDUP_HASH_BYTES);
    return key;
}

/* A delivery adds at most one of each; what is looked up is a record and a correction, and more
   only when external keys chain. */
struct dedup *dedup_new(struct arena *arena, size_t count_max)
{
    struct dedup *dedup = arena_zalloc(arena, sizeof(*dedup));
    if (dedup == NULL)
        return NULL;
    dedup->arena = arena;
    dedup->count_max = count_max;
    dedup->needs_max = 4 * count_max;
    dedup->told.externals = keymap_new(arena, count_max);
    dedup->told.records = keymap_new(arena, dedup->needs_max);
    dedup->added.externals = keymap_new(arena, count_max);
    dedup->added.records = keymap_new(arena, count_max);
    dedup->needs = arena_alloc(arena, dedup->needs_max * sizeof(*dedup->needs));
    if (dedup->told.externals == NULL || dedup->told.records == NULL ||
        dedup->added.externals == NULL || dedup->added.records == NULL || dedup->needs == NULL)
        return NULL;
    return dedup;
}

void dedup_begin(struct dedup *dedup)
{
    keymap_clear(dedup->added.externals);
    keymap_clear(dedup->added.records);
    dedup->needs_count = 0;
}

const struct dedup_need *dedup_needs(const struct dedup *dedup, size_t *ret_count)
{
    *ret_count = dedup->needs_count;
    return dedup->needs;
}

static const struct uuid *find_external(const struct dedup *dedup,
                                        const struct dedup_delivery *delivery)
{
    if (!delivery->has_external)
        return NULL;
    struct key key = external_key(delivery);
    struct slice bytes = slice_of(key.bytes, key.size);
    const struct uuid *added = keymap_find(dedup->added.externals, bytes);
    return added != NULL ? added : keymap_find(dedup->told.externals, bytes);
}

static enum rc put_external(struct dedup *dedup, struct keymap *map,
                            const struct dedup_delivery *delivery, const struct uuid *id)
{
    struct key key = external_key(delivery);
    void *copy = arena_copy(dedup->arena, id, sizeof(*id));
    if (copy == NULL)
        return RC_FULL;
    return keymap_put(map, slice_of(key.bytes, key.size), copy);
}

enum rc dedup_tell_external(struct dedup *dedup, const struct dedup_delivery *delivery,
                            const struct uuid *id)
{
    return put_external(dedup, dedup->told.externals, delivery, id);
}

static enum rc put_record(struct dedup *dedup, struct keymap *map,
                          const struct dedup_stored *stored)
{
    struct key key = record_key(stored->tenant, &stored->id);
    void *copy = arena_copy(dedup->arena, stored, sizeof(*stored));
    if (copy == NULL)
        return RC_FULL;
    return keymap_put(map, slice_of(key.bytes, key.size), copy);
}

enum rc dedup_tell_record(struct dedup *dedup, const struct dedup_stored *stored)
{
    return put_record(dedup, dedup->told.records, stored);
}

static enum rc note_need(struct dedup *dedup, struct slice key, const char *tenant,
                         const struct uuid *id)
{
    if (dedup->needs_count == dedup->needs_max)
        return RC_FULL;
    dedup->needs[dedup->needs_count++] = (struct dedup_need){tenant, *id};
    return keymap_put(dedup->told.records, key, &ABSENT);
}

/* *ret_stored NULL: not stored, or not known yet. */
static enum rc find_record(struct dedup *dedup, const char *tenant, const struct uuid *id,
                           const struct dedup_stored **ret_stored)
{
    struct key key = record_key(tenant, id);
    struct slice bytes = slice_of(key.bytes, key.size);
    const struct dedup_stored *found = keymap_find(dedup->added.records, bytes);
    if (found == NULL)
        found = keymap_find(dedup->told.records, bytes);
    *ret_stored = found == &ABSENT ? NULL : found;
    return found == NULL ? note_need(dedup, bytes, tenant, id) : RC_OK;
}

static struct uuid original_of(const struct dedup *dedup, const struct dedup_delivery *delivery)
{
    const struct uuid *named = find_external(dedup, delivery);
    return named != NULL ? *named : delivery->id;
}

enum rc dedup_expect(struct dedup *dedup, const struct dedup_delivery *delivery)
{
    const struct dedup_stored *stored;
    struct uuid original = original_of(dedup, delivery);
    return find_record(dedup, delivery->tenant, &original, &stored);
}

static enum rc add_external(struct dedup *dedup, const struct dedup_delivery *delivery,
                            struct dedup_outcome *outcome)
{
    if (!delivery->has_external || find_external(dedup, delivery) != NULL)
        return RC_OK;
    outcome->adds_external = 1;
    return put_external(dedup, dedup->added.externals, delivery, &outcome->original);
}

static enum rc judge_first(struct dedup *dedup, const struct dedup_delivery *delivery,
                           struct dedup_outcome *outcome)
{
    struct dedup_stored stored = {
        .tenant = delivery->tenant,
        .site = delivery->site,
        .id = delivery->id,
        .revision = delivery->revision,
        .kind = delivery->kind,
        .target = delivery->target,
    };
    memcpy(stored.body_hash, delivery->body_hash, DEDUP_HASH_BYTES);
    outcome->verdict = DEDUP_VERDICT_NEW;
    outcome->row_id = delivery->id;
    return put_record(dedup, dedup->added.records, &stored);
}

static void set_conflict(struct dedup_outcome *outcome, const char *reason)
{
    outcome->verdict = DEDUP_VERDICT_CONFLICT;
    outcome->reason = reason;
}

static int is_same_body(const struct dedup_stored *stored, const struct dedup_delivery *delivery)
{
    return memcmp(stored->body_hash, delivery->body_hash, DEDUP_HASH_BYTES) == 0;
}

static void judge_same_name(const struct dedup_stored *stored,
                            const struct dedup_delivery *delivery, struct dedup_outcome *outcome)
{
    if (is_same_body(stored, delivery))
        outcome->verdict = DEDUP_VERDICT_DUPLICATE;
    else
        set_conflict(outcome, "another content is stored under this record and revision");
}

/* A correction stays one: its further revisions name what it names itself. */
static enum rc judge_revision(struct dedup *dedup, const struct dedup_stored *original,
                              const struct dedup_delivery *delivery, struct dedup_outcome *outcome)
{
    int is_correction = delivery->kind == DEDUP_KIND_CORRECTION;
    if (is_correction && uuid_compare(&delivery->target, &original->target) != 0) {
        set_conflict(outcome, "a correction cannot change its target");
        return RC_OK;
    }
    struct dedup_stored row = {
        .tenant = delivery->tenant,
        .site = delivery->site,
        .revision = delivery->revision,
        .kind = DEDUP_KIND_CORRECTION,
        .target = is_correction ? original->target : original->id,
    };
    memcpy(row.body_hash, delivery->body_hash, DEDUP_HASH_BYTES);
    record_correction_id(&original->id, (uint32_t)delivery->revision, &row.id);
    const struct dedup_stored *known;
    enum rc rc = find_record(dedup, delivery->tenant, &row.id, &known);
    if (rc != RC_OK)
        return rc;
    if (known != NULL) {
        judge_same_name(known, delivery, outcome);
        return RC_OK;
    }
    outcome->verdict = DEDUP_VERDICT_REVISION;
    outcome->row_id = row.id;
    outcome->target = row.target;
    return put_record(dedup, dedup->added.records, &row);
}

static enum rc judge_again(struct dedup *dedup, const struct dedup_stored *original,
                           const struct dedup_delivery *delivery, struct dedup_outcome *outcome)
{
    int was_correction = original->kind == DEDUP_KIND_CORRECTION;
    if (strcmp(original->site, delivery->site) != 0)
        set_conflict(outcome, "another site has stored a record under this id");
    else if (was_correction != (delivery->kind == DEDUP_KIND_CORRECTION))
        set_conflict(outcome, "a correction and a record cannot share an id");
    else if (original->revision == delivery->revision)
        judge_same_name(original, delivery, outcome);
    else
        return judge_revision(dedup, original, delivery, outcome);
    return RC_OK;
}

enum rc dedup_judge(struct dedup *dedup, const struct dedup_delivery *delivery,
                    struct dedup_outcome *ret_outcome)
{
    const struct uuid *named = find_external(dedup, delivery);
    struct dedup_outcome outcome = {.original = named != NULL ? *named : delivery->id};
    const struct dedup_stored *original;
    enum rc rc = find_record(dedup, delivery->tenant, &outcome.original, &original);
    if (rc != RC_OK)
        return rc;
    if (original != NULL) {
        rc = judge_again(dedup, original, delivery, &outcome);
    } else if (named != NULL) {
        outcome.verdict = DEDUP_VERDICT_ARCHIVED;
        outcome.reason = "its external id names a record that is not stored any more";
    } else {
        rc = judge_first(dedup, delivery, &outcome);
    }
    int is_bad =
        outcome.verdict == DEDUP_VERDICT_CONFLICT || outcome.verdict == DEDUP_VERDICT_ARCHIVED;
    if (rc == RC_OK && !is_bad)
        rc = add_external(dedup, delivery, &outcome);
    if (rc == RC_OK)
        *ret_outcome = outcome;
    return rc;
}
