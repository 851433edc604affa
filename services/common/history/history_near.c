/* The records around a change, in rounds of look-ups by set.
   Invariant: facts beyond the ends are as if not stored, whenever they are committed, so what is
   read in several statements is one state of the facts. */
#include <stdlib.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_load.h"

/* "offset 0" keeps each look-up a look-up: the planner may not turn the whole into a join and walk
   a table from its own end. Each token is first looked for among the tenant's known ones, and refs
   among effective records: one place, where sightings and records have one in each month. */
static const char IDS[] =
    "select r.record_id from unnest($2) as w (id) cross join lateral ("
    "select record_id from kasumori.record_target where tenant = $1 and target_id = w.id "
    "offset 0) as r "
    "union select s.record_id from unnest($3, $4, $5) as w (kind, key_id, mac) "
    "cross join lateral (select from kasumori.token_class where tenant = $1 and mac = w.mac "
    "and kind = w.kind and key_id = w.key_id offset 0) as known "
    "cross join lateral (select record_id from kasumori.sighting where tenant = $1 "
    "and mac = w.mac and kind = w.kind and key_id = w.key_id and person >= 0 offset 0) as s "
    "union select r.record_id from unnest($6, $7) as w (site, ref) cross join lateral ("
    "select record_id from kasumori.occurrence_record where tenant = $1 and site = w.site "
    "and happening_ref = w.ref offset 0) as r limit $8";

static const char CLASSES[] =
    "select w.place, t.kind, t.key_id, t.mac from unnest($2, $3, $4) with ordinality "
    "as w (kind, key_id, mac, place) cross join lateral (select class from kasumori.token_class "
    "where tenant = $1 and mac = w.mac and kind = w.kind and key_id = w.key_id offset 0) as c "
    "cross join lateral (select kind, key_id, mac from kasumori.token_class "
    "where tenant = $1 and class = c.class offset 0) as t "
    "order by w.place, t.kind, t.key_id, t.mac";

static const char RECORDS[] =
    "select " HISTORY_RECORD_COLUMNS ", stream_no, kafka_offset from unnest($2) as w (id) "
    "cross join lateral (select * from kasumori.record as r where r.tenant = $1 "
    "and r.record_id = w.id offset 0) as record order by record_id";

enum { NEAR_STREAM_NO = HISTORY_RECORD_COLUMNS_COUNT, NEAR_OFFSET };

enum { COLUMN_BYTES_MAX = 16 * 1024 * 1024 };
enum {
    TENANT,
    IDS_TARGET,
    IDS_KIND,
    IDS_KEY_ID,
    IDS_MAC,
    IDS_SITE,
    IDS_REF,
    IDS_LIMIT,
    IDS_COLUMNS
};

enum { CLASSES_KIND = 1, CLASSES_KEY_ID, CLASSES_MAC, CLASSES_COLUMNS };
enum { TOLD_PLACE, TOLD_KIND, TOLD_KEY_ID, TOLD_MAC };

struct near {
    struct history_load load;
    const struct history_near *from;
    struct neighbourhood *neighbourhood;
    struct db_params *names;   /* of IDS */
    struct db_params *classes; /* of CLASSES */
    struct db_params *ids;     /* tenant, ids */
};

static void put_token(struct db_params *params, size_t first, const struct fact_token *token)
{
    struct uuid mac;
    memcpy(mac.bytes, token->mac, UUID_BYTES);
    db_put_int(params, first, token->kind);
    db_put_int(params, first + 1, token->key_id);
    db_put_uuid(params, first + 2, &mac);
}

static void put_names(struct near *near, const struct neighbourhood_wanted *wanted)
{
    struct db_params *params = near->names;
    db_params_reset(params);
    db_put_text(params, TENANT, slice_str(near->load.tenant));
    db_put_int(params, IDS_LIMIT, LIMIT_NEAR_IDS + 1);
    for (size_t i = 0; i < wanted->targets_count; i++)
        db_put_uuid(params, IDS_TARGET, &wanted->targets[i]);
    for (size_t i = 0; i < wanted->tokens_count; i++)
        put_token(params, IDS_KIND, &wanted->tokens[i]);
    for (size_t i = 0; i < wanted->places_count; i++) {
        db_put_text(params, IDS_SITE, wanted->places[i].site);
        db_put_text(params, IDS_REF, wanted->places[i].ref);
    }
}

static void put_id(struct near *near, const struct uuid *id)
{
    if (!neighbourhood_has(near->neighbourhood, id))
        db_put_uuid(near->ids, 1, id);
}

static void start_ids(struct near *near)
{
    db_params_reset(near->ids);
    db_put_text(near->ids, TENANT, slice_str(near->load.tenant));
}

/* Which records have the names; those that are in already are left out. */
static enum rc find_ids(struct near *near, const struct neighbourhood_wanted *wanted)
{
    struct db_result *rows;
    start_ids(near);
    for (size_t i = 0; i < wanted->ids_count; i++)
        put_id(near, &wanted->ids[i]);
    if (wanted->targets_count + wanted->tokens_count + wanted->places_count == 0)
        return RC_OK;
    put_names(near, wanted);
    enum rc rc = db_run(near->load.db, "history_near_ids", IDS, near->names, &rows, near->load.err);
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0; row < db_result_rows(rows); row++) {
        struct uuid id = db_result_uuid(rows, row, 0);
        put_id(near, &id);
    }
    if (db_result_rows(rows) > LIMIT_NEAR_IDS)
        rc = err_set(near->load.err, RC_FULL, "more than %d records are near", LIMIT_NEAR_IDS);
    db_result_free(rows);
    return rc;
}

/* One class: rows [first, end). */
static enum rc tell_class(struct near *near, const struct db_result *rows, size_t first, size_t end)
{
    struct fact_token *tokens = history_take(&near->load, end - first, sizeof(*tokens));
    if (tokens == NULL)
        return near->load.err->rc;
    for (size_t row = first; row < end; row++) {
        struct fact_token *token = &tokens[row - first];
        struct uuid mac = db_result_uuid(rows, row, TOLD_MAC);
        token->kind = (uint32_t)db_result_int(rows, row, TOLD_KIND);
        token->key_id = (uint32_t)db_result_int(rows, row, TOLD_KEY_ID);
        memcpy(token->mac, mac.bytes, UUID_BYTES);
    }
    neighbourhood_tell(near->neighbourhood, tokens, end - first);
    return RC_OK;
}

static enum rc tell_classes(struct near *near, const struct neighbourhood_wanted *wanted)
{
    struct db_result *rows;
    if (wanted->classes_count == 0)
        return RC_OK;
    db_params_reset(near->classes);
    db_put_text(near->classes, TENANT, slice_str(near->load.tenant));
    for (size_t i = 0; i < wanted->classes_count; i++)
        put_token(near->classes, CLASSES_KIND, &wanted->classes[i]);
    enum rc rc = db_run(near->load.db, "history_near_classes", CLASSES, near->classes, &rows,
                        near->load.err);
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0, end; rc == RC_OK && row < db_result_rows(rows); row = end) {
        for (end = row; end < db_result_rows(rows) && db_result_int(rows, end, TOLD_PLACE) ==
                                                          db_result_int(rows, row, TOLD_PLACE);)
            end++;
        rc = tell_class(near, rows, row, end);
    }
    db_result_free(rows);
    return rc;
}

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
        rc = tell_classes(near, &wanted);
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
                                                    DB_TYPE_INT8, DB_TYPE_UUID, DB_TYPE_TEXT,
                                                    DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[IDS_COLUMNS] = {0, 1, 1, 1, 1, 1, 1, 0};
    static const enum db_type CLASSES_TYPES[CLASSES_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_INT2,
                                                                DB_TYPE_INT8, DB_TYPE_UUID};
    struct err local;
    struct near near = {
        .load = {.db = db,
                 .tenant = from->tenant,
                 .arena = from->arena,
                 .err = err == NULL ? &local : err},
        .from = from,
        .neighbourhood = neighbourhood,
        .names = db_params_new(IDS_COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX),
        .classes = db_params_new(CLASSES_COLUMNS, CLASSES_TYPES, IS_ARRAY, COLUMN_BYTES_MAX),
        .ids = db_params_new(2, TYPES, IS_ARRAY, COLUMN_BYTES_MAX),
    };
    enum rc rc = near.names == NULL || near.classes == NULL || near.ids == NULL
                     ? err_set(err, RC_RETRY, "out of memory")
                     : close_set(&near);
    db_params_free(near.names);
    db_params_free(near.classes);
    db_params_free(near.ids);
    return rc;
}
