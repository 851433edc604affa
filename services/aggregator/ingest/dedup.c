/* Third step: what is new. No clock, no database, no order but the log's.
   Invariant: after a judgement the maps hold what the database will hold after its commit, so that
   judging a batch in one piece or in two gives the same outcomes. */
#include "services/aggregator/ingest/dedup.h"

#include <string.h>

#include "services/aggregator/ingest/keymap.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/record/record.h"

enum { KEY_BYTES_MAX = 3 * (LIMIT_NAME_BYTES + 1) + DEDUP_HASH_BYTES };

struct dedup {
    struct arena *arena;
    struct keymap *externals; /* → struct uuid */
    struct keymap *records;   /* → struct dedup_stored */
};

struct key {
    uint8_t bytes[KEY_BYTES_MAX];
    size_t size;
};

struct dedup *dedup_new(struct arena *arena, size_t count_max)
{
    struct dedup *dedup = arena_zalloc(arena, sizeof(*dedup));
    if (dedup == NULL)
        return NULL;
    dedup->arena = arena;
    dedup->externals = keymap_new(arena, count_max);
    dedup->records = keymap_new(arena, 3 * count_max); /* record, corrections asked and added */
    return dedup->externals == NULL || dedup->records == NULL ? NULL : dedup;
}

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

static const struct uuid *find_external(const struct dedup *dedup,
                                        const struct dedup_delivery *delivery)
{
    if (!delivery->has_external)
        return NULL;
    struct key key = external_key(delivery);
    return keymap_find(dedup->externals, slice_of(key.bytes, key.size));
}

static const struct dedup_stored *find_record(const struct dedup *dedup, const char *tenant,
                                              const struct uuid *id)
{
    struct key key = record_key(tenant, id);
    return keymap_find(dedup->records, slice_of(key.bytes, key.size));
}

enum rc dedup_tell_external(struct dedup *dedup, const struct dedup_delivery *delivery,
                            const struct uuid *id)
{
    struct key key = external_key(delivery);
    void *copy = arena_copy(dedup->arena, id, sizeof(*id));
    if (copy == NULL)
        return RC_FULL;
    return keymap_put(dedup->externals, slice_of(key.bytes, key.size), copy);
}

enum rc dedup_tell_record(struct dedup *dedup, const struct dedup_stored *stored)
{
    struct key key = record_key(stored->tenant, &stored->id);
    void *copy = arena_copy(dedup->arena, stored, sizeof(*stored));
    if (copy == NULL)
        return RC_FULL;
    return keymap_put(dedup->records, slice_of(key.bytes, key.size), copy);
}

struct uuid dedup_asks_record(const struct dedup *dedup, const struct dedup_delivery *delivery)
{
    const struct uuid *named = find_external(dedup, delivery);
    return named != NULL ? *named : delivery->id;
}

int dedup_asks_correction(const struct dedup *dedup, const struct dedup_delivery *delivery,
                          struct uuid *ret_id)
{
    struct uuid original = dedup_asks_record(dedup, delivery);
    const struct dedup_stored *stored = find_record(dedup, delivery->tenant, &original);
    if (stored == NULL || stored->revision == delivery->revision)
        return 0;
    record_correction_id(&original, (uint32_t)delivery->revision, ret_id);
    return 1;
}

static enum rc add_external(struct dedup *dedup, const struct dedup_delivery *delivery,
                            struct dedup_outcome *outcome)
{
    if (!delivery->has_external || find_external(dedup, delivery) != NULL)
        return RC_OK;
    outcome->adds_external = 1;
    return dedup_tell_external(dedup, delivery, &outcome->original);
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
    return dedup_tell_record(dedup, &stored);
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
    const struct dedup_stored *known = find_record(dedup, delivery->tenant, &row.id);
    if (known != NULL) {
        judge_same_name(known, delivery, outcome);
        return RC_OK;
    }
    outcome->verdict = DEDUP_VERDICT_REVISION;
    outcome->row_id = row.id;
    outcome->target = row.target;
    return dedup_tell_record(dedup, &row);
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
    const struct dedup_stored *original = find_record(dedup, delivery->tenant, &outcome.original);
    enum rc rc = RC_OK;
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
