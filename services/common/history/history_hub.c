/* Classes of which not all records are near: what the rows of before say of them. Invariant: rows
   are what the facts before say (docs/correlation.md §6), and nothing is written before all of them
   is read. */
#include "services/common/base/limits.h"
#include "services/common/history/history_near.h"

static const char CLASSES[] =
    "select w.place, t.kind, t.key_id, t.mac from unnest($2, $3, $4) with ordinality "
    "as w (kind, key_id, mac, place) cross join lateral (select class from kasumori.token_class "
    "where tenant = $1 and mac = w.mac and kind = w.kind and key_id = w.key_id offset 0) as c "
    "cross join lateral (select kind, key_id, mac from kasumori.token_class "
    "where tenant = $1 and class = c.class offset 0) as t "
    "order by w.place, t.kind, t.key_id, t.mac";

enum { TOLD_PLACE, TOLD_TOKEN };

static const char HUB[] =
    "select c.class, r.is_switchboard, r.is_by_neighbours, t.kind, t.key_id, t.mac "
    "from unnest($2, $3, $4) as w (kind, key_id, mac) "
    "cross join lateral (select class from kasumori.token_class where tenant = $1 "
    "and mac = w.mac and kind = w.kind and key_id = w.key_id offset 0) as c "
    "cross join lateral (select bool_and(is_shared) and count(*) = 1 as is_hub, "
    "bool_or(is_switchboard) as is_switchboard, bool_or(shared_by = 'cap') as is_by_neighbours "
    "from kasumori.class_run where tenant = $1 and class = c.class) as r "
    "cross join lateral (select kind, key_id, mac from kasumori.token_class "
    "where tenant = $1 and class = c.class offset 0) as t "
    "where r.is_hub order by t.kind, t.key_id, t.mac";

enum { HUB_CLASS, HUB_IS_SWITCHBOARD, HUB_IS_BY_NEIGHBOURS, HUB_TOKEN };

/* Its first sighting, then each time the last that the one before reaches ($3: microseconds). */
static const char CHAIN[] =
    "with recursive chain (start_at, record_id) as ("
    "(select start_at, record_id from kasumori.shared_sighting where tenant = $1 and class = $2 "
    "order by start_at, record_id limit 1) union all "
    "select x.start_at, x.record_id from chain cross join lateral (select start_at, record_id "
    "from kasumori.shared_sighting where tenant = $1 and class = $2 "
    "and start_at > chain.start_at and start_at <= chain.start_at + $3 * interval '1 microsecond' "
    "order by start_at desc, record_id desc limit 1) as x) select record_id from chain";

/* A record of each of some neighbours, six of a kind: more than any cap but a pinned one. Of one
   side neighbour for neighbour; of the other, which has no such index, among the first records. */
static const char WITNESSES[] =
    "with recursive above (class, kind, record_id, n) as ("
    "(select class_b, kind_b, record_id, 1 from kasumori.edge where tenant = $1 and class_a = $2 "
    "and record_id <> '00000000-0000-0000-0000-000000000000' "
    "order by class_b limit 1) union all "
    "select x.class_b, x.kind_b, x.record_id, n + 1 from above cross join lateral ("
    "select class_b, kind_b, record_id from kasumori.edge where tenant = $1 and class_a = $2 "
    "and class_b > above.class and record_id <> '00000000-0000-0000-0000-000000000000' "
    "order by class_b limit 1) as x where n < 64), "
    "below as (select distinct on (class_a) class_a, kind_a, record_id from ("
    "select class_a, kind_a, record_id from kasumori.edge where tenant = $1 and class_b = $2 "
    "and record_id <> '00000000-0000-0000-0000-000000000000' order by at_b limit 1000) as first "
    "order by class_a, record_id), "
    "ranked as (select record_id, row_number() over (partition by kind) as place from ("
    "select kind, record_id from above union all select kind_a, record_id from below) as beside) "
    "select record_id from ranked where place <= 6";

static const char WINDOWS[] =
    "select s.record_id from unnest($2, $3, $4, $5, $6) as w (class, site, ref, from_at, to_at) "
    "cross join lateral (select record_id from kasumori.shared_sighting where tenant = $1 "
    "and class = w.class and start_at >= w.from_at - interval '24 hours' "
    "and start_at <= w.to_at and end_at >= w.from_at and site = w.site "
    "and (w.ref = '' or happening_ref is null or happening_ref = w.ref) offset 0) as s";

static const char SIDES[] =
    "select s.record_id from unnest($2, $3, $4) as w (class, start_at, record_id) "
    "cross join lateral ((select record_id from kasumori.shared_sighting as t "
    "where t.tenant = $1 and t.class = w.class "
    "and (t.start_at, t.record_id) < (w.start_at, w.record_id) "
    "order by t.start_at desc, t.record_id desc limit 1) union all "
    "(select record_id from kasumori.shared_sighting as t where t.tenant = $1 "
    "and t.class = w.class and (t.start_at, t.record_id) > (w.start_at, w.record_id) "
    "order by t.start_at, t.record_id limit 1)) as s";

static const char CALLS[] =
    "select record_id, start_at, end_at, happening_ref from kasumori.shared_sighting "
    "where tenant = $1 and class = $2 and site = $3 and is_anchor and happening_ref is not null "
    "order by start_at, record_id limit $4";

enum { CALL_RECORD, CALL_START, CALL_END, CALL_REF };

enum { TENANT, FIRST };

/* Parameters with the tenant put. */
static struct db_params *make_params(struct near *near, size_t count, const enum db_type *types,
                                     const int *is_array)
{
    struct db_params *params = db_params_new(count, types, is_array, NEAR_COLUMN_BYTES_MAX);
    if (params == NULL)
        (void)err_set(near->load.err, RC_RETRY, "out of memory");
    else
        db_put_text(params, TENANT, slice_str(near->load.tenant));
    return params;
}

static enum rc run(struct near *near, const char *name, const char *sql, struct db_params *params,
                   struct db_result **ret_rows)
{
    enum rc rc = db_run(near->load.db, name, sql, params, ret_rows, near->load.err);
    db_params_free(params);
    return rc;
}

/* A statement that gives ids. */
static enum rc put_ids(struct near *near, const char *name, const char *sql,
                       struct db_params *params)
{
    struct db_result *rows;
    enum rc rc = run(near, name, sql, params, &rows);
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0; row < db_result_rows(rows); row++) {
        struct uuid id = db_result_uuid(rows, row, 0);
        history_near_put_id(near, &id);
    }
    if (db_result_rows(rows) > LIMIT_NEAR_IDS)
        rc = err_set(near->load.err, RC_FULL, "more than %d records are near", LIMIT_NEAR_IDS);
    db_result_free(rows);
    return rc;
}

/* ---- classes ---- */

static struct db_params *token_params(struct near *near, const struct fact_token *tokens,
                                      size_t count)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT2, DB_TYPE_INT8, DB_TYPE_UUID};
    static const int IS_ARRAY[] = {0, 1, 1, 1};
    struct db_params *params = make_params(near, 4, TYPES, IS_ARRAY);
    for (size_t i = 0; params != NULL && i < count; i++)
        history_near_put_token(params, FIRST, &tokens[i]);
    return params;
}

/* Of rows [first, end); NULL: the arena is full. */
static struct fact_token *take_tokens(struct near *near, const struct db_result *rows, size_t first,
                                      size_t end, size_t column)
{
    struct fact_token *tokens = history_take(&near->load, end - first, sizeof(*tokens));
    for (size_t row = first; tokens != NULL && row < end; row++)
        tokens[row - first] = history_near_token(rows, row, column);
    return tokens;
}

static size_t end_of_class(const struct db_result *rows, size_t first)
{
    size_t end = first;
    while (end < db_result_rows(rows) &&
           db_result_int(rows, end, TOLD_PLACE) == db_result_int(rows, first, TOLD_PLACE))
        end++;
    return end;
}

enum rc history_near_tell_classes(struct near *near, const struct neighbourhood_wanted *wanted)
{
    struct db_result *rows;
    if (wanted->classes_count == 0)
        return RC_OK;
    struct db_params *params = token_params(near, wanted->classes, wanted->classes_count);
    if (params == NULL)
        return near->load.err->rc;
    enum rc rc = run(near, "history_near_classes", CLASSES, params, &rows);
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0, end; rc == RC_OK && row < db_result_rows(rows); row = end) {
        end = end_of_class(rows, row);
        const struct fact_token *tokens = take_tokens(near, rows, row, end, TOLD_TOKEN);
        if (tokens != NULL)
            neighbourhood_tell(near->neighbourhood, tokens, end - row);
        else
            rc = near->load.err->rc;
    }
    db_result_free(rows);
    return rc;
}

static enum rc put_sightings(struct near *near, int64_t class, int64_t expiry_us,
                             int is_by_neighbours)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0};
    struct db_params *chain = make_params(near, 3, TYPES, IS_ARRAY);
    if (chain == NULL)
        return near->load.err->rc;
    db_put_int(chain, FIRST, class);
    db_put_int(chain, FIRST + 1, expiry_us);
    enum rc rc = put_ids(near, "history_hub_chain", CHAIN, chain);
    if (rc != RC_OK || !is_by_neighbours)
        return rc;
    struct db_params *witnesses = make_params(near, 2, TYPES, IS_ARRAY);
    if (witnesses == NULL)
        return near->load.err->rc;
    db_put_int(witnesses, FIRST, class);
    return put_ids(near, "history_hub_witnesses", WITNESSES, witnesses);
}

enum rc history_near_tell_hub(struct near *near, const struct fact_token *token, int *ret_is_hub)
{
    struct db_result *rows;
    *ret_is_hub = 0;
    if (near->from->linking == NULL || token->kind == FACT_KIND_HANDLE)
        return RC_OK; /* decisions give handles to records: no sighting tells of it */
    struct db_params *params = token_params(near, token, 1);
    if (params == NULL)
        return near->load.err->rc;
    enum rc rc = run(near, "history_hub", HUB, params, &rows);
    if (rc != RC_OK)
        return rc;
    size_t count = db_result_rows(rows);
    if (count > 0) {
        int64_t class = db_result_int(rows, 0, HUB_CLASS);
        int is_switchboard = db_result_int(rows, 0, HUB_IS_SWITCHBOARD) != 0;
        const struct fact_token *tokens = take_tokens(near, rows, 0, count, HUB_TOKEN);
        rc = tokens == NULL
                 ? near->load.err->rc
                 : put_sightings(near, class,
                                 near->from->linking->expiry_us[token->kind % FACT_KINDS],
                                 db_result_int(rows, 0, HUB_IS_BY_NEIGHBOURS) != 0);
        if (rc == RC_OK)
            neighbourhood_tell_shared(near->neighbourhood, tokens, count, class, is_switchboard);
        *ret_is_hub = rc == RC_OK;
    }
    db_result_free(rows);
    return rc;
}

/* ---- what is wanted of them ---- */

static enum rc find_windows(struct near *near, const struct neighbourhood_wanted *wanted)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8,        DB_TYPE_TEXT,
                                         DB_TYPE_TEXT, DB_TYPE_TIMESTAMPTZ, DB_TYPE_TIMESTAMPTZ};
    static const int IS_ARRAY[] = {0, 1, 1, 1, 1, 1};
    if (wanted->windows_count == 0)
        return RC_OK;
    struct db_params *params = make_params(near, 6, TYPES, IS_ARRAY);
    if (params == NULL)
        return near->load.err->rc;
    for (size_t i = 0; i < wanted->windows_count; i++) {
        const struct neighbourhood_window *window = &wanted->windows[i];
        db_put_int(params, FIRST, window->class);
        db_put_text(params, FIRST + 1, window->site);
        db_put_text(params, FIRST + 2, window->ref);
        db_put_time(params, FIRST + 3, window->from_us);
        db_put_time(params, FIRST + 4, window->to_us);
    }
    return put_ids(near, "history_hub_windows", WINDOWS, params);
}

static enum rc find_sides(struct near *near, const struct neighbourhood_wanted *wanted)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8, DB_TYPE_TIMESTAMPTZ,
                                         DB_TYPE_UUID};
    static const int IS_ARRAY[] = {0, 1, 1, 1};
    if (wanted->sides_count == 0)
        return RC_OK;
    struct db_params *params = make_params(near, 4, TYPES, IS_ARRAY);
    if (params == NULL)
        return near->load.err->rc;
    for (size_t i = 0; i < wanted->sides_count; i++) {
        db_put_int(params, FIRST, wanted->sides[i].class);
        db_put_time(params, FIRST + 1, wanted->sides[i].start_us);
        db_put_uuid(params, FIRST + 2, &wanted->sides[i].record);
    }
    return put_ids(near, "history_hub_sides", SIDES, params);
}

static enum rc give_calls(struct near *near, const struct neighbourhood_calls *wanted)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8, DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0, 0};
    struct db_result *rows;
    struct db_params *params = make_params(near, 4, TYPES, IS_ARRAY);
    if (params == NULL)
        return near->load.err->rc;
    db_put_int(params, FIRST, wanted->class);
    db_put_text(params, FIRST + 1, wanted->site);
    db_put_int(params, FIRST + 2, (int64_t)wanted->most + 1);
    enum rc rc = run(near, "history_hub_calls", CALLS, params, &rows);
    if (rc != RC_OK)
        return rc;
    size_t count = db_result_rows(rows), most = wanted->most;
    struct neighbourhood_call *calls = history_take(&near->load, count, sizeof(*calls));
    int is_well = calls != NULL;
    for (size_t row = 0; is_well && row < count; row++) {
        calls[row] = (struct neighbourhood_call){.record = db_result_uuid(rows, row, CALL_RECORD),
                                                 .start_us = db_result_time(rows, row, CALL_START),
                                                 .end_us = db_result_time(rows, row, CALL_END)};
        is_well = history_keep(&near->load, db_result_bytes(rows, row, CALL_REF), &calls[row].ref);
    }
    db_result_free(rows);
    if (!is_well)
        return near->load.err->rc;
    neighbourhood_give_calls(near->neighbourhood, wanted, calls, count < most ? count : most,
                             count <= most);
    return RC_OK;
}

enum rc history_near_find_of_hubs(struct near *near, const struct neighbourhood_wanted *wanted)
{
    enum rc rc = find_windows(near, wanted);
    if (rc == RC_OK)
        rc = find_sides(near, wanted);
    for (size_t i = 0; rc == RC_OK && i < wanted->calls_count; i++)
        rc = give_calls(near, &wanted->calls[i]);
    return rc;
}
