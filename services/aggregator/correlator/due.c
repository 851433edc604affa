/* Looking for work. Invariant: every row of the log from a saved cursor on is ahead to be read, or
   kept here, or in its tenant's derived rows, or its tenant is marked by its own row (form). */
#include "services/aggregator/correlator/due.h"

#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/tables/tables.h"

#define SAVE_EVERY_US CLOCK_US_PER_S
#define WHOLE_PATIENCE_US (60 * CLOCK_US_PER_S)

struct position {
    int32_t stream_no;
    int64_t next_offset;
};

struct tenant {
    char name[LIMIT_NAME_BYTES + 1];
    int shard;
    int is_due; /* for what is not in the log */
    int is_whole;
    int64_t look; /* that found it due */
    int64_t since_mono_us;
    int64_t not_before_mono_us; /* when a whole may be computed */
    struct due_row *rows;       /* new ones: [first, count) */
    size_t first, count, capacity;
    size_t step; /* how many are given at once; 0: all that may be */
};

struct positions {
    struct position items[LIMIT_STREAMS];
    size_t count;
};

struct due {
    struct tenant *tenants; /* by name */
    size_t count, capacity;
    size_t rows_count;        /* of all tenants */
    struct positions at;      /* read up to here */
    struct positions scratch; /* what is saved */
    int64_t look;
    int64_t save_mono_us;
    int is_placed;
};

static const char STREAMS_SQL[] =
    "select o.stream_no, o.next_offset, coalesce(min(coalesce(c.next_offset, 0)), 0) "
    "from kasumori.kafka_offset as o cross join unnest($1) as held (shard) "
    "left join kasumori.correlator_cursor as c on c.shard = held.shard "
    "and c.stream_no = o.stream_no group by o.stream_no order by o.stream_no";

static const char ROWS_SQL[] =
    "select tenant, kafka_offset, record_id from kasumori.ingest_log where stream_no = $1 "
    "and kafka_offset >= $2 and kafka_offset < $3 order by kafka_offset limit $4";

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
    for (size_t i = 0; i < due->count; i++)
        mem_free(due->tenants[i].rows);
    mem_free(due->tenants);
    mem_free(due);
}

static void forget_rows(struct due *due, struct tenant *tenant)
{
    due->rows_count -= tenant->count - tenant->first;
    tenant->first = tenant->count = 0;
}

void due_rewind(struct due *due)
{
    due->is_placed = 0;
    for (size_t i = 0; i < due->count; i++)
        forget_rows(due, &due->tenants[i]);
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

/* NULL with RC_OK: not ours. */
static enum rc mark(struct due *due, const struct lease *lease, struct slice name,
                    struct tenant **ret_tenant, struct err *err)
{
    int is_there;
    int shard = lease_shard(name);
    *ret_tenant = NULL;
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
    *ret_tenant = &due->tenants[at];
    return RC_OK;
}

static int has_work(const struct tenant *tenant)
{
    return tenant->is_due || tenant->first < tenant->count;
}

static void start_waiting(const struct due *due, struct tenant *tenant)
{
    if (has_work(tenant))
        return;
    tenant->look = due->look;
    tenant->since_mono_us = clock_mono_us(clock_real());
}

static enum rc keep_row(struct due *due, struct tenant *tenant, const struct due_row *row,
                        struct err *err)
{
    start_waiting(due, tenant);
    if (tenant->is_whole) { /* the whole has it */
        tenant->is_due = 1;
        return RC_OK;
    }
    if (tenant->count == tenant->capacity && tenant->first > tenant->count / 2) {
        memmove(tenant->rows, tenant->rows + tenant->first,
                (tenant->count - tenant->first) * sizeof(*tenant->rows));
        tenant->count -= tenant->first;
        tenant->first = 0;
    }
    if (tenant->count == tenant->capacity) {
        size_t capacity = tenant->capacity == 0 ? 64 : 2 * tenant->capacity;
        struct due_row *rows = mem_realloc(tenant->rows, capacity * sizeof(*rows));
        if (rows == NULL)
            return err_set(err, RC_RETRY, "out of memory for new rows");
        tenant->rows = rows;
        tenant->capacity = capacity;
    }
    tenant->rows[tenant->count++] = *row;
    due->rows_count++;
    return RC_OK;
}

/* ---- tasks ---- */

static int goes_before(const struct tenant *a, const struct tenant *b, int64_t now_mono_us)
{
    int is_urgent_a = !a->is_whole || now_mono_us - a->since_mono_us > WHOLE_PATIENCE_US;
    int is_urgent_b = !b->is_whole || now_mono_us - b->since_mono_us > WHOLE_PATIENCE_US;
    return is_urgent_a != is_urgent_b ? is_urgent_a : a->look < b->look;
}

int due_next(struct due *due, const struct lease *lease, int64_t now_mono_us,
             struct due_task *ret_task)
{
    const struct tenant *best = NULL;
    for (size_t i = 0; i < due->count; i++) {
        const struct tenant *tenant = &due->tenants[i];
        if (has_work(tenant) && lease->is_held[tenant->shard] &&
            (!tenant->is_whole || tenant->not_before_mono_us <= now_mono_us) &&
            (best == NULL || goes_before(tenant, best, now_mono_us)))
            best = tenant;
    }
    if (best == NULL)
        return 0;
    size_t count = best->count - best->first;
    size_t most = best->step == 0 ? LIMIT_STEP_RECORDS : best->step;
    *ret_task = (struct due_task){.tenant = best->name,
                                  .is_whole = best->is_whole,
                                  .rows = best->rows + best->first,
                                  .rows_count = count < most ? count : most};
    return 1;
}

size_t due_waiting(const struct due *due)
{
    size_t count = 0;
    for (size_t i = 0; i < due->count; i++)
        count += has_work(&due->tenants[i]) != 0;
    return count;
}

static struct tenant *find(struct due *due, const char *name)
{
    int is_there;
    size_t at = place_of(due, slice_str(name), &is_there);
    return is_there ? &due->tenants[at] : NULL;
}

void due_done(struct due *due, const struct due_task *task, int64_t not_before_mono_us)
{
    struct tenant *tenant = find(due, task->tenant);
    if (tenant == NULL)
        return;
    tenant->first += task->rows_count;
    due->rows_count -= task->rows_count;
    tenant->is_due = tenant->is_whole = 0;
    tenant->not_before_mono_us = not_before_mono_us;
    tenant->look = ++due->look; /* behind those that wait */
    tenant->step = 2 * tenant->step < LIMIT_STEP_RECORDS ? 2 * tenant->step : 0;
}

int due_narrow(struct due *due, const struct due_task *task)
{
    struct tenant *tenant = find(due, task->tenant);
    if (tenant == NULL || task->rows_count <= 1)
        return 0;
    tenant->step = task->rows_count / 4 + 1;
    return 1;
}

void due_whole(struct due *due, const char *name, int64_t not_before_mono_us)
{
    struct tenant *tenant = find(due, name);
    if (tenant == NULL)
        return;
    if (!tenant->is_whole)
        tenant->since_mono_us = clock_mono_us(clock_real());
    tenant->is_due = tenant->is_whole = 1;
    if (tenant->not_before_mono_us < not_before_mono_us)
        tenant->not_before_mono_us = not_before_mono_us;
    forget_rows(due, tenant);
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

static enum rc keep_rows(struct due *due, const struct lease *lease, int32_t stream_no,
                         const struct db_result *rows, struct err *err)
{
    enum rc rc = RC_OK;
    struct position *position = position_of(&due->at, stream_no);
    for (size_t i = 0; rc == RC_OK && i < db_result_rows(rows); i++) {
        struct tenant *tenant;
        const struct due_row row = {stream_no, db_result_int(rows, i, 1),
                                    db_result_uuid(rows, i, 2)};
        rc = mark(due, lease, db_result_bytes(rows, i, 0), &tenant, err);
        if (rc == RC_OK && tenant != NULL)
            rc = keep_row(due, tenant, &row, err);
        if (rc == RC_OK)
            position->next_offset = row.offset + 1;
    }
    return rc;
}

static int64_t room_of(const struct due *due)
{
    size_t room = LIMIT_DUE_PENDING - due->rows_count;
    return room < LIMIT_DUE_ROWS ? (int64_t)room : LIMIT_DUE_ROWS;
}

static enum rc look_at(struct due *due, struct db *db, const struct lease *lease,
                       const struct range *range, int *ret_is_more, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_INT8, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0, 0};
    struct db_result *rows;
    int64_t room = room_of(due);
    *ret_is_more |= room == 0;
    if (room == 0)
        return RC_OK;
    struct db_params *params = db_params_new(4, TYPES, IS_ARRAY, 64);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, 0, range->stream_no);
    db_put_int(params, 1, range->from);
    db_put_int(params, 2, range->to);
    db_put_int(params, 3, room);
    enum rc rc = db_run(db, "due_rows", ROWS_SQL, params, &rows, err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    rc = keep_rows(due, lease, range->stream_no, rows, err);
    if (rc == RC_OK && (int64_t)db_result_rows(rows) < room)
        position_of(&due->at, range->stream_no)->next_offset = range->to;
    else
        *ret_is_more = 1;
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
    if (rc != RC_OK)
        return rc;
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++) {
        struct tenant *tenant;
        rc = mark(due, lease, db_result_bytes(rows, row, 0), &tenant, err);
        if (rc != RC_OK || tenant == NULL)
            continue;
        start_waiting(due, tenant);
        tenant->is_due = 1;
    }
    db_result_free(rows);
    return rc;
}

/* ---- saving ---- */

/* Up to where all is in: what was read, less what is kept. */
static const struct positions *safe_positions(struct due *due)
{
    due->scratch = due->at;
    for (size_t i = 0; i < due->count; i++)
        for (size_t k = due->tenants[i].first; k < due->tenants[i].count; k++) {
            const struct due_row *row = &due->tenants[i].rows[k];
            struct position *position = position_of(&due->scratch, row->stream_no);
            if (position->next_offset > row->offset)
                position->next_offset = row->offset;
        }
    return &due->scratch;
}

static enum rc save(struct due *due, struct db *db, const struct lease *lease, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT2, DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_UUID};
    static const int IS_ARRAY[] = {1, 1, 1, 0};
    struct db_params *params = held_params(lease, 4, TYPES, IS_ARRAY);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    const struct positions *safe = safe_positions(due);
    for (size_t i = 0; i < safe->count; i++) {
        db_put_int(params, 1, safe->items[i].stream_no);
        db_put_int(params, 2, safe->items[i].next_offset);
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
    if (now_us < due->save_mono_us)
        return RC_OK;
    enum rc rc = save(due, db, lease, err);
    if (rc == RC_OK)
        due->save_mono_us = now_us + SAVE_EVERY_US;
    return rc;
}

enum rc due_look(struct due *due, struct db *db, const struct lease *lease, int *ret_is_more,
                 struct err *err)
{
    struct range ranges[LIMIT_STREAMS];
    size_t count;
    *ret_is_more = 0;
    due->look++;
    enum rc rc = read_streams(due, db, lease, ranges, &count, err);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = look_at(due, db, lease, &ranges[i], ret_is_more, err);
    if (rc == RC_OK)
        rc = look_at_others(due, db, lease, err);
    return rc == RC_OK ? save_sometimes(due, db, lease, err) : rc;
}
