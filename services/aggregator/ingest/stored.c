/* What the database already holds of a batch, looked up by key before anything is written: external
   keys first, then records, then, for the few that are redelivered with another revision, these.
   Invariant: asked in the transaction that writes. Somebody who stores the same in between makes
   our insert fail on its key, and the range is read and judged again. */
#include "services/aggregator/ingest/stored.h"

#include <string.h>

#include "services/common/base/mem.h"

enum { COLUMN_BYTES_MAX = 1024 * 1024 };

enum {
    EXTERNAL_NO,
    EXTERNAL_TENANT,
    EXTERNAL_SITE,
    EXTERNAL_SOURCE,
    EXTERNAL_HASH,
    EXTERNAL_COLUMNS
};
static const enum db_type EXTERNAL_TYPES[] = {DB_TYPE_INT4, DB_TYPE_TEXT, DB_TYPE_TEXT,
                                              DB_TYPE_TEXT, DB_TYPE_BYTEA};
static const int EXTERNAL_IS_ARRAY[] = {1, 1, 1, 1, 1};
/* The limit keeps PostgreSQL from turning the join round: a plan made while the tables are empty
   would else walk the table for each batch, for as long as the connection lives. */
static const char EXTERNAL_SQL[] =
    "select asked.no, found.record_id "
    "from (select unnest($1) as no, unnest($2) as tenant, unnest($3) as site, "
    "unnest($4) as source, unnest($5) as external_hash) as asked "
    "cross join lateral (select key.record_id from kasumori.external_key as key "
    "where key.tenant = asked.tenant and key.site = asked.site and key.source = asked.source "
    "and key.external_hash = asked.external_hash limit 1) as found";

/* The bounds let PostgreSQL leave out the months that cannot hold an id before it looks. */
enum { RECORD_NO, RECORD_OF_TENANT, RECORD_ID, RECORD_LEAST, RECORD_GREATEST, RECORD_COLUMNS };
static const enum db_type RECORD_TYPES[] = {DB_TYPE_INT4, DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_UUID,
                                            DB_TYPE_UUID};
static const int RECORD_IS_ARRAY[] = {1, 1, 1, 0, 0};
static const char RECORD_SQL[] =
    "select asked.no, found.record_id, found.site, found.kind, found.revision, found.target_id, "
    "found.body_hash "
    "from (select unnest($1) as no, unnest($2) as tenant, unnest($3) as record_id) as asked "
    "cross join lateral (select record.* from kasumori.record "
    "where record.tenant = asked.tenant and record.record_id = asked.record_id "
    "and record.record_id between $4 and $5 limit 1) as found";

struct stored {
    struct db_params *externals;
    struct db_params *records;
};

struct stored *stored_new(void)
{
    struct stored *stored = mem_zalloc(sizeof(*stored));
    if (stored == NULL)
        return NULL;
    stored->externals =
        db_params_new(EXTERNAL_COLUMNS, EXTERNAL_TYPES, EXTERNAL_IS_ARRAY, COLUMN_BYTES_MAX);
    stored->records =
        db_params_new(RECORD_COLUMNS, RECORD_TYPES, RECORD_IS_ARRAY, COLUMN_BYTES_MAX);
    if (stored->externals == NULL || stored->records == NULL) {
        stored_free(stored);
        return NULL;
    }
    return stored;
}

void stored_free(struct stored *stored)
{
    if (stored == NULL)
        return;
    db_params_free(stored->externals);
    db_params_free(stored->records);
    mem_free(stored);
}

static void ask_external(struct db_params *to, size_t no, const struct dedup_delivery *delivery)
{
    db_put_int(to, EXTERNAL_NO, (int64_t)no);
    db_put_text(to, EXTERNAL_TENANT, slice_str(delivery->tenant));
    db_put_text(to, EXTERNAL_SITE, slice_str(delivery->site));
    db_put_text(to, EXTERNAL_SOURCE, slice_str(delivery->source));
    db_put_bytes(to, EXTERNAL_HASH, slice_of(delivery->external_hash, DEDUP_HASH_BYTES));
}

static enum rc read_externals(struct stored *stored, struct db *db, const struct item *items,
                              size_t count, struct dedup *dedup, struct err *err)
{
    struct db_result *result;
    db_params_reset(stored->externals);
    for (size_t i = 0; i < count; i++)
        if (items[i].class == BAD_CLASS_NONE && items[i].delivery.has_external)
            ask_external(stored->externals, i, &items[i].delivery);
    if (db_params_rows(stored->externals, EXTERNAL_NO) == 0)
        return RC_OK;
    enum rc rc = db_run(db, "stored_externals", EXTERNAL_SQL, stored->externals, &result, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < db_result_rows(result) && rc == RC_OK; i++) {
        struct uuid id = db_result_uuid(result, i, 1);
        rc = dedup_tell_external(dedup, &items[db_result_int(result, i, 0)].delivery, &id);
    }
    db_result_free(result);
    return rc == RC_FULL ? err_set(err, rc, "the batch's arena is full") : rc;
}

static void ask_records(struct db_params *to, const struct dedup_need *needs, size_t count)
{
    struct uuid least = needs[0].id;
    struct uuid greatest = needs[0].id;
    db_params_reset(to);
    for (size_t i = 0; i < count; i++) {
        if (uuid_compare(&needs[i].id, &least) < 0)
            least = needs[i].id;
        if (uuid_compare(&needs[i].id, &greatest) > 0)
            greatest = needs[i].id;
        db_put_int(to, RECORD_NO, (int64_t)i);
        db_put_text(to, RECORD_OF_TENANT, slice_str(needs[i].tenant));
        db_put_uuid(to, RECORD_ID, &needs[i].id);
    }
    db_put_uuid(to, RECORD_LEAST, &least);
    db_put_uuid(to, RECORD_GREATEST, &greatest);
}

static enum rc tell_record(const struct db_result *result, size_t row,
                           const struct dedup_need *needs, struct dedup *dedup, struct arena *arena)
{
    struct slice site = db_result_bytes(result, row, 2);
    struct slice hash = db_result_bytes(result, row, 6);
    struct dedup_stored stored = {
        .tenant = needs[db_result_int(result, row, 0)].tenant,
        .site = arena_copy(arena, site.data, site.size),
        .id = db_result_uuid(result, row, 1),
        .kind = (int)db_result_int(result, row, 3),
        .revision = db_result_int(result, row, 4),
        .target = db_result_uuid(result, row, 5),
    };
    if (stored.site == NULL)
        return RC_FULL;
    if (hash.size == DEDUP_HASH_BYTES)
        memcpy(stored.body_hash, hash.data, DEDUP_HASH_BYTES);
    return dedup_tell_record(dedup, &stored);
}

static enum rc read_records(struct stored *stored, struct db *db, struct dedup *dedup,
                            struct arena *arena, struct err *err)
{
    size_t count;
    struct db_result *result;
    const struct dedup_need *needs = dedup_needs(dedup, &count);
    if (count == 0)
        return RC_OK;
    ask_records(stored->records, needs, count);
    enum rc rc = db_run(db, "stored_records", RECORD_SQL, stored->records, &result, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < db_result_rows(result) && rc == RC_OK; i++)
        rc = tell_record(result, i, needs, dedup, arena);
    db_result_free(result);
    return rc == RC_FULL ? err_set(err, rc, "the batch's arena is full") : rc;
}

static enum rc expect_all(struct dedup *dedup, const struct item *items, size_t count)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        if (items[i].class == BAD_CLASS_NONE)
            rc = dedup_expect(dedup, &items[i].delivery);
    return rc;
}

static enum rc judge_all(struct dedup *dedup, struct item *items, size_t count)
{
    enum rc rc = RC_OK;
    dedup_begin(dedup);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        if (items[i].class == BAD_CLASS_NONE)
            rc = dedup_judge(dedup, &items[i].delivery, &items[i].outcome);
    return rc;
}

enum rc stored_judge(struct stored *stored, struct db *db, struct item *items, size_t count,
                     struct arena *arena, struct err *err)
{
    size_t needs;
    struct dedup *dedup = dedup_new(arena, count);
    if (dedup == NULL)
        return err_set(err, RC_FULL, "the batch's arena is full");
    enum rc rc = read_externals(stored, db, items, count, dedup, err);
    if (rc != RC_OK)
        return rc;
    rc = expect_all(dedup, items, count);
    do {
        if (rc == RC_OK)
            rc = read_records(stored, db, dedup, arena, err);
        if (rc != RC_OK)
            break;
        rc = judge_all(dedup, items, count);
        dedup_needs(dedup, &needs);
    } while (rc == RC_OK && needs > 0);
    return rc == RC_FULL ? err_set(err, rc, "the batch's arena is full") : rc;
}
