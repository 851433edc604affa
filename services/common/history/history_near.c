/* The records around a change, in rounds of look-ups by set.
   Invariant: facts beyond the ends are as if not stored, whenever they are committed, so what is
   read in several statements is one state of the facts. */
#include <stdlib.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_near.h"

/* "offset 0" keeps each look-up a look-up: the planner may not turn the whole into a join and walk
   a table from its own end. Each token is first looked for among the tenant's known ones, and refs
   among effective records: one place, where sightings and records have one in each month. */
static const char IDS[] =
    "select 0 as place, r.record_id from unnest($2) as w (id) cross join lateral ("
    "select record_id from kasumori.record_told where tenant = $1 and about = w.id "
    "and record_id <> w.id offset 0) as r "
    "union all select w.place, s.record_id from unnest($3, $4, $5, $6) with ordinality "
    "as w (kind, key_id, mac, most, place) "
    "cross join lateral (select from kasumori.token_class where tenant = $1 and mac = w.mac "
    "and kind = w.kind and key_id = w.key_id offset 0) as known "
    "cross join lateral (select record_id from kasumori.sighting where tenant = $1 "
    "and mac = w.mac and kind = w.kind and key_id = w.key_id and person >= 0 "
    "limit w.most) as s "
    "union all select 0, r.record_id from unnest($7, $8) as w (site, ref) cross join lateral ("
    "select record_id from kasumori.occurrence_record where tenant = $1 and site = w.site "
    "and happening_ref = w.ref offset 0) as r limit $9";

static const char RECORDS[] =
    "select " HISTORY_RECORD_COLUMNS ", stream_no, kafka_offset "
    "from (select distinct id from unnest($2) as given (id)) as w "
    "cross join lateral (select * from kasumori.record as r where r.tenant = $1 "
    "and r.record_id = w.id offset 0) as record order by record_id";

enum { NEAR_STREAM_NO = HISTORY_RECORD_COLUMNS_COUNT, NEAR_OFFSET };

enum {
    TENANT,
    IDS_TARGET,
    IDS_KIND,
    IDS_KEY_ID,
    IDS_MAC,
    IDS_MOST,
    IDS_SITE,
    IDS_REF,
    IDS_LIMIT,
    IDS_COLUMNS
};

void history_near_put_token(struct db_params *params, size_t first, const struct fact_token *token)
{
    struct uuid mac;
    memcpy(mac.bytes, token->mac, UUID_BYTES);
    db_put_int(params, first, token->kind);
    db_put_int(params, first + 1, token->key_id);
    db_put_uuid(params, first + 2, &mac);
}

struct fact_token history_near_token(const struct db_result *rows, size_t row, size_t first)
{
    struct uuid mac = db_result_uuid(rows, row, first + 2);
    struct fact_token token = {.kind = (uint32_t)db_result_int(rows, row, first),
                               .key_id = (uint32_t)db_result_int(rows, row, first + 1)};
    memcpy(token.mac, mac.bytes, UUID_BYTES);
    return token;
}

void history_near_put_id(struct near *near, const struct uuid *id)
{
    if (!neighbourhood_has(near->neighbourhood, id))
        db_put_uuid(near->ids, 1, id);
}

static void start_ids(struct near *near)
{
    db_params_reset(near->ids);
    db_put_text(near->ids, TENANT, slice_str(near->load.tenant));
}

/* ---- by names ---- */

static void start_names(struct near *near)
{
    db_params_reset(near->names);
    db_put_text(near->names, TENANT, slice_str(near->load.tenant));
    db_put_int(near->names, IDS_LIMIT, LIMIT_NEAR_IDS + 1);
}

/* Its records, all of them or one more than a token's that is no hub's. */
static void put_token(struct near *near, const struct fact_token *token, int is_whole)
{
    history_near_put_token(near->names, IDS_KIND, token);
    if (is_whole)
        db_put_null(near->names, IDS_MOST);
    else
        db_put_int(near->names, IDS_MOST, (int64_t)near->from->hub_records + 1);
}

static void put_names(struct near *near, const struct neighbourhood_wanted *wanted)
{
    for (size_t i = 0; i < wanted->targets_count; i++)
        db_put_uuid(near->names, IDS_TARGET, &wanted->targets[i]);
    for (size_t i = 0; i < wanted->tokens_count; i++)
        put_token(near, &wanted->tokens[i], 0);
    for (size_t i = 0; i < wanted->whole_count; i++)
        put_token(near, &wanted->whole[i], 1);
    for (size_t i = 0; i < wanted->places_count; i++) {
        db_put_text(near->names, IDS_SITE, wanted->places[i].site);
        db_put_text(near->names, IDS_REF, wanted->places[i].ref);
    }
}

static enum rc run_names(struct near *near, struct db_result **ret_rows)
{
    enum rc rc =
        db_run(near->load.db, "history_near_ids", IDS, near->names, ret_rows, near->load.err);
    if (rc == RC_OK && db_result_rows(*ret_rows) > LIMIT_NEAR_IDS) {
        db_result_free(*ret_rows);
        rc = err_set(near->load.err, RC_FULL, "more than %d records are near", LIMIT_NEAR_IDS);
    }
    return rc;
}

/* How many rows each token has, by place; those of the others at 0. */
static size_t *count_places(struct near *near, const struct db_result *rows, size_t places)
{
    size_t *counts = history_take(&near->load, places + 1, sizeof(*counts));
    for (size_t row = 0; counts != NULL && row < db_result_rows(rows); row++)
        counts[db_result_int(rows, row, 0)]++;
    return counts;
}

/* Tokens that more carry than are read at once are told, or read whole. */
static enum rc answer_many(struct near *near, const struct neighbourhood_wanted *wanted,
                           const size_t *counts)
{
    size_t whole = 0;
    enum rc rc = RC_OK;
    start_names(near);
    for (size_t i = 0; rc == RC_OK && i < wanted->tokens_count; i++) {
        int is_hub = 1;
        if (counts[i + 1] > near->from->hub_records)
            rc = history_near_tell_hub(near, &wanted->tokens[i], &is_hub);
        if (rc == RC_OK && !is_hub) {
            put_token(near, &wanted->tokens[i], 1);
            whole++;
        }
    }
    if (rc != RC_OK || whole == 0)
        return rc;
    struct db_result *rows;
    rc = run_names(near, &rows);
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0; row < db_result_rows(rows); row++) {
        struct uuid id = db_result_uuid(rows, row, 1);
        history_near_put_id(near, &id);
    }
    db_result_free(rows);
    return RC_OK;
}

static enum rc find_names(struct near *near, const struct neighbourhood_wanted *wanted)
{
    struct db_result *rows;
    size_t tokens = wanted->tokens_count + wanted->whole_count;
    if (tokens + wanted->targets_count + wanted->places_count == 0)
        return RC_OK;
    start_names(near);
    put_names(near, wanted);
    enum rc rc = run_names(near, &rows);
    if (rc != RC_OK)
        return rc;
    const size_t *counts = count_places(near, rows, tokens);
    for (size_t row = 0; counts != NULL && row < db_result_rows(rows); row++) {
        size_t place = (size_t)db_result_int(rows, row, 0);
        struct uuid id = db_result_uuid(rows, row, 1);
        int is_many =
            place > 0 && place <= wanted->tokens_count && counts[place] > near->from->hub_records;
        if (!is_many)
            history_near_put_id(near, &id);
    }
    db_result_free(rows);
    return counts == NULL ? near->load.err->rc : answer_many(near, wanted, counts);
}

/* Which records have what is wanted; those that are in already are left out. */
static enum rc find_ids(struct near *near, const struct neighbourhood_wanted *wanted)
{
    start_ids(near);
    for (size_t i = 0; i < wanted->ids_count; i++)
        history_near_put_id(near, &wanted->ids[i]);
    enum rc rc = find_names(near, wanted);
    return rc == RC_OK ? history_near_find_of_hubs(near, wanted) : rc;
}

/* ---- records ---- */

static int counts(const struct near *near, const struct db_result *rows, size_t row)
{
    if (db_result_is_null(rows, row, NEAR_OFFSET))
        return 1;
    for (size_t i = 0; i < near->from->ends_count; i++)
        if (near->from->ends[i].stream_no == db_result_int(rows, row, NEAR_STREAM_NO))
            return db_result_int(rows, row, NEAR_OFFSET) < near->from->ends[i].next_offset;
    return 0;
}

static enum rc fill_page(struct near *near, const struct db_result *rows, struct history_page *page)
{
    struct history_load *load = &near->load;
    struct fact_record *records = history_take(load, db_result_rows(rows), sizeof(*records));
    if (records == NULL)
        return load->err->rc;
    page->items = records;
    start_ids(near); /* from here on of those that count */
    for (size_t row = 0; row < db_result_rows(rows); row++) {
        if (!counts(near, rows, row))
            continue;
        if (!history_fill_record(load, rows, row, &records[page->count]))
            return load->err->rc;
        db_put_uuid(near->ids, 1, &records[page->count++].id);
    }
    return RC_OK;
}

static enum rc load_page(struct near *near, struct history_page *page)
{
    struct db_result *rows;
    if (db_params_rows(near->ids, 1) == 0)
        return RC_OK;
    enum rc rc =
        db_run(near->load.db, "history_near_records", RECORDS, near->ids, &rows, near->load.err);
    if (rc != RC_OK)
        return rc;
    rc = fill_page(near, rows, page);
    db_result_free(rows);
    if (rc == RC_OK && page->count > 0)
        rc = history_fill_lists(&near->load, 1, near->ids, page);
    return rc;
}

static enum rc close_set(struct near *near)
{
    struct neighbourhood_wanted wanted;
    enum rc rc = RC_OK;
    while (rc == RC_OK && neighbourhood_next(near->neighbourhood, &wanted)) {
        struct history_page page = {0};
        rc = history_near_tell_classes(near, &wanted);
        if (rc == RC_OK)
            rc = find_ids(near, &wanted);
        if (rc == RC_OK)
            rc = load_page(near, &page);
        const struct fact_record *records = page.items;
        for (size_t i = 0; rc == RC_OK && i < page.count; i++)
            rc = neighbourhood_add(near->neighbourhood, &records[i], near->load.err);
    }
    return rc;
}

enum rc history_load_near(struct db *db, const struct history_near *from,
                          struct neighbourhood *neighbourhood, struct err *err)
{
    static const enum db_type TYPES[IDS_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_INT2,
                                                    DB_TYPE_INT8, DB_TYPE_UUID, DB_TYPE_INT8,
                                                    DB_TYPE_TEXT, DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[IDS_COLUMNS] = {0, 1, 1, 1, 1, 1, 1, 1, 0};
    struct err local;
    struct near near = {
        .load = {.db = db,
                 .tenant = from->tenant,
                 .arena = from->arena,
                 .err = err == NULL ? &local : err},
        .from = from,
        .neighbourhood = neighbourhood,
        .names = db_params_new(IDS_COLUMNS, TYPES, IS_ARRAY, NEAR_COLUMN_BYTES_MAX),
        .ids = db_params_new(2, TYPES, IS_ARRAY, NEAR_COLUMN_BYTES_MAX),
    };
    enum rc rc = near.names == NULL || near.ids == NULL ? err_set(err, RC_RETRY, "out of memory")
                                                        : close_set(&near);
    db_params_free(near.names);
    db_params_free(near.ids);
    return rc;
}
