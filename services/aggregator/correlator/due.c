/* Looking for work. Invariant: a shard's cursor is saved only up to where every tenant marked
   before has been brought up to date or is marked by its own row (form). */
#include "services/aggregator/correlator/due.h"

#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/tables/tables.h"

#define SAVE_EVERY_US (10 * CLOCK_US_PER_S)

struct position {
    int32_t stream_no;
    int64_t next_offset;
};

struct tenant {
    char name[LIMIT_NAME_BYTES + 1];
    int shard;
    int is_due;
    int is_put_off;
    int64_t look; /* that found it due */
    int64_t not_before_mono_us;
};

struct positions {
    struct position items[LIMIT_STREAMS];
    size_t count;
};

struct due {
    struct tenant *tenants; /* by name */
    size_t count, capacity;
    struct positions at;   /* read up to here */
    struct positions safe; /* to be saved once every tenant of look safe_look is done */
    int64_t look, safe_look;
    int64_t save_mono_us;
    int is_placed;
};

static const char STREAMS_SQL[] =
    "select o.stream_no, o.next_offset, coalesce(min(coalesce(c.next_offset, 0)), 0) "
    "from kasumori.kafka_offset as o cross join unnest($1) as held (shard) "
    "left join kasumori.correlator_cursor as c on c.shard = held.shard "
    "and c.stream_no = o.stream_no group by o.stream_no order by o.stream_no";

static const char ROWS_SQL[] =
    "with rows as materialized (select tenant, kafka_offset from kasumori.ingest_log "
    "where stream_no = $1 and kafka_offset >= $2 and kafka_offset < $3 "
    "order by kafka_offset limit $4) "
    "select r.tenant, max(r.kafka_offset) >= coalesce(c.next_offset, 0), "
    "(select count(*) from rows), (select max(kafka_offset) from rows) "
    "from rows as r left join kasumori.correlated_stream as c "
    "on c.tenant = r.tenant and c.stream_no = $1 group by r.tenant, c.next_offset";

static const char OTHERS_SQL[] =
    "select c.tenant from kasumori.decision_counter as c left join kasumori.correlated as t "
    "using (tenant) cross join lateral (select max(as_of) as as_of from kasumori.tick "
    "where tick.tenant = c.tenant) as k "
    "where c.last_no > coalesce(t.decision_no, 0) or k.as_of > coalesce(t.as_of, '-infinity') "
    "union select p.tenant from kasumori.policy_version as p left join kasumori.correlated as t "
    "using (tenant) where p.version > coalesce(t.policy_version, 0) "
    "union select t.tenant from kasumori.correlated as t where t.linking_version <> coalesce("
    "(select version from kasumori.linking_adopted as a where a.tenant = t.tenant "
    "order by adoption_no desc limit 1), 0) "
    "union select tenant from kasumori.correlated where form <> $1";

static const char SAVE_SQL[] =
    "insert into kasumori.correlator_cursor as c (shard, stream_no, next_offset) "
    "select shard, stream_no, next_offset from unnest($1) as held (shard) "
    "cross join unnest($2, $3) as place (stream_no, next_offset) "
    "where exists (select from kasumori.correlator as lease where lease.shard = held.shard "
    "and lease.owner = $4) "
    "on conflict (shard, stream_no) do update set next_offset = excluded.next_offset "
    "where c.next_offset < excluded.next_offset";

struct due *due_new(void)
{
    return mem_zalloc(sizeof(struct due));
}

void due_free(struct due *due)
{
    if (due == NULL)
        return;
    mem_free(due->tenants);
    mem_free(due);
}

void due_rewind(struct due *due)
{
    due->is_placed = 0;
}

/* ---- tenants ---- */

static int compare(struct slice name, const struct tenant *tenant)
{
    size_t size = strlen(tenant->name);
    int order = memcmp(name.data, tenant->name, name.size < size ? name.size : size);
    return order != 0 ? order : (name.size > size) - (name.size < size);
}

/* Where it is, or would be. */
static size_t place_of(const struct due *due, struct slice name, int *ret_is_there)
{
    size_t low = 0, high = due->count;
    *ret_is_there = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, &due->tenants[middle]);
        if (order == 0) {
            *ret_is_there = 1;
            return middle;
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum rc make_room(struct due *due, struct err *err)
{
    if (due->count < due->capacity)
        return RC_OK;
    if (due->count == LIMIT_TENANTS)
        return err_set(err, RC_FULL, "there are more than %d tenants", LIMIT_TENANTS);
    size_t capacity = due->capacity == 0 ? 64 : 2 * due->capacity;
    struct tenant *tenants = mem_realloc(due->tenants, capacity * sizeof(*tenants));
    if (tenants == NULL)
        return err_set(err, RC_RETRY, "out of memory for tenants");
    due->tenants = tenants;
    due->capacity = capacity;
    return RC_OK;
}

static enum rc mark(struct due *due, const struct lease *lease, struct slice name, struct err *err)
{
    int is_there;
    int shard = lease_shard(name);
    if (!lease->is_held[shard] || name.size == 0 || name.size > LIMIT_NAME_BYTES)
        return RC_OK;
    size_t at = place_of(due, name, &is_there);
    if (!is_there) {
        enum rc rc = make_room(due, err);
        if (rc != RC_OK)
            return rc;
        memmove(&due->tenants[at + 1], &due->tenants[at],
                (due->count++ - at) * sizeof(*due->tenants));
        due->tenants[at] = (struct tenant){.shard = shard};
        memcpy(due->tenants[at].name, name.data, name.size);
    }
    struct tenant *tenant = &due->tenants[at];
    if (!tenant->is_due)
        tenant->look = due->look;
    tenant->is_due = 1;
    return RC_OK;
}

const char *due_next(const struct due *due, const struct lease *lease, int64_t now_mono_us)
{
    const struct tenant *best = NULL;
    for (size_t i = 0; i < due->count; i++) {
        const struct tenant *tenant = &due->tenants[i];
        if (tenant->is_due && lease->is_held[tenant->shard] &&
            tenant->not_before_mono_us <= now_mono_us &&
            (best == NULL || tenant->look < best->look))
            best = tenant;
    }
    return best == NULL ? NULL : best->name;
}

size_t due_waiting(const struct due *due)
{
    size_t count = 0;
    for (size_t i = 0; i < due->count; i++)
        count += due->tenants[i].is_due != 0;
    return count;
}

static struct tenant *find(struct due *due, const char *name)
{
    int is_there;
    size_t at = place_of(due, slice_str(name), &is_there);
    return is_there ? &due->tenants[at] : NULL;
}

void due_done(struct due *due, const char *name, int64_t not_before_mono_us)
{
    struct tenant *tenant = find(due, name);
    if (tenant == NULL)
        return;
    tenant->is_due = tenant->is_put_off = 0;
    tenant->not_before_mono_us = not_before_mono_us;
}

void due_put_off(struct due *due, const char *name, int64_t not_before_mono_us)
{
    struct tenant *tenant = find(due, name);
    if (tenant == NULL)
        return;
    tenant->is_put_off = 1;
    tenant->not_before_mono_us = not_before_mono_us;
}

/* ---- looking ---- */

static struct db_params *held_params(const struct lease *lease, size_t count,
                                     const enum db_type *types, const int *is_array)
{
    struct db_params *params = db_params_new(count, types, is_array, 64 * 1024);
    for (int shard = 0; params != NULL && shard < LEASE_SHARDS; shard++)
        if (lease->is_held[shard])
            db_put_int(params, 0, shard);
    return params;
}

static struct position *position_of(struct positions *positions, int32_t stream_no)
{
    for (size_t i = 0; i < positions->count; i++)
        if (positions->items[i].stream_no == stream_no)
            return &positions->items[i];
    return NULL;
}

struct range {
    int32_t stream_no;
    int64_t from, to;
};

/* Ends of the streams, as T1 has committed them, beside where we are. */
static enum rc read_streams(struct due *due, struct db *db, const struct lease *lease,
                            struct range *ranges, size_t *ret_count, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT2};
    static const int IS_ARRAY[] = {1};
    struct db_result *result;
    struct db_params *params = held_params(lease, 1, TYPES, IS_ARRAY);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = db_run(db, "due_streams", STREAMS_SQL, params, &result, err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    if (!due->is_placed)
        due->at.count = 0;
    if (db_result_rows(result) + due->at.count > LIMIT_STREAMS) /* some of both are the same */
        rc = err_set(err, RC_FATAL, "there are %zu streams, more than %d", db_result_rows(result),
                     LIMIT_STREAMS / 2);
    *ret_count = 0;
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(result); row++) {
        int32_t stream_no = (int32_t)db_result_int(result, row, 0);
        struct position *position = position_of(&due->at, stream_no);
        if (position == NULL) {
            position = &due->at.items[due->at.count++];
            *position = (struct position){stream_no, db_result_int(result, row, 2)};
        }
        if (position->next_offset < db_result_int(result, row, 1))
            ranges[(*ret_count)++] =
                (struct range){stream_no, position->next_offset, db_result_int(result, row, 1)};
    }
    due->is_placed = rc == RC_OK;
    db_result_free(result);
    return rc;
}

static enum rc mark_rows(struct due *due, const struct lease *lease, const struct db_result *rows,
                         struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++)
        if (db_result_int(rows, row, 1))
            rc = mark(due, lease, db_result_bytes(rows, row, 0), err);
    return rc;
}

static enum rc look_at(struct due *due, struct db *db, const struct lease *lease,
                       const struct range *range, int *ret_is_more, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_INT8, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0, 0};
    struct db_result *rows;
    struct db_params *params = db_params_new(4, TYPES, IS_ARRAY, 64);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, 0, range->stream_no);
    db_put_int(params, 1, range->from);
    db_put_int(params, 2, range->to);
    db_put_int(params, 3, LIMIT_DUE_ROWS);
    enum rc rc = db_run(db, "due_rows", ROWS_SQL, params, &rows, err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    rc = mark_rows(due, lease, rows, err);
    if (rc == RC_OK) {
        int is_more = db_result_rows(rows) > 0 && db_result_int(rows, 0, 2) == LIMIT_DUE_ROWS;
        position_of(&due->at, range->stream_no)->next_offset =
            is_more ? db_result_int(rows, 0, 3) + 1 : range->to;
        *ret_is_more |= is_more;
    }
    db_result_free(rows);
    return rc;
}

static enum rc look_at_others(struct due *due, struct db *db, const struct lease *lease,
                              struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT4};
    static const int IS_ARRAY[] = {0};
    struct db_result *rows;
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, 64);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, 0, TABLES_FORM);
    enum rc rc = db_run(db, "due_others", OTHERS_SQL, params, &rows, err);
    db_params_free(params);
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++)
        rc = mark(due, lease, db_result_bytes(rows, row, 0), err);
    if (rc == RC_OK || rc == RC_FULL)
        db_result_free(rows);
    return rc;
}

/* ---- saving ---- */

static int is_safe(const struct due *due, const struct lease *lease)
{
    for (size_t i = 0; i < due->count; i++)
        if (due->tenants[i].is_due && !due->tenants[i].is_put_off &&
            lease->is_held[due->tenants[i].shard] && due->tenants[i].look <= due->safe_look)
            return 0;
    return 1;
}

static enum rc save(struct due *due, struct db *db, const struct lease *lease, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT2, DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_UUID};
    static const int IS_ARRAY[] = {1, 1, 1, 0};
    struct db_params *params = held_params(lease, 4, TYPES, IS_ARRAY);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t i = 0; i < due->safe.count; i++) {
        db_put_int(params, 1, due->safe.items[i].stream_no);
        db_put_int(params, 2, due->safe.items[i].next_offset);
    }
    db_put_uuid(params, 3, &lease->owner);
    enum rc rc = db_run(db, "due_save", SAVE_SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}

static enum rc save_sometimes(struct due *due, struct db *db, const struct lease *lease,
                              struct err *err)
{
    int64_t now_us = clock_mono_us(clock_real());
    if (now_us < due->save_mono_us || !is_safe(due, lease))
        return RC_OK;
    enum rc rc = due->safe.count == 0 ? RC_OK : save(due, db, lease, err);
    if (rc != RC_OK)
        return rc;
    due->safe = due->at;
    due->safe_look = due->look;
    due->save_mono_us = now_us + SAVE_EVERY_US;
    return RC_OK;
}

enum rc due_look(struct due *due, struct db *db, const struct lease *lease, int *ret_is_more,
                 struct err *err)
{
    struct range ranges[LIMIT_STREAMS];
    size_t count;
    *ret_is_more = 0;
    if (!due->is_placed)
        due->safe.count = 0;
    due->look++;
    enum rc rc = read_streams(due, db, lease, ranges, &count, err);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = look_at(due, db, lease, &ranges[i], ret_is_more, err);
    if (rc == RC_OK)
        rc = look_at_others(due, db, lease, err);
    return rc == RC_OK ? save_sometimes(due, db, lease, err) : rc;
}
