/* A batch from the log to the database: the steps in their order, and what happens when one fails.
   Invariant: messages[0..first) are committed, the others are not; a transaction stores
   messages[first..first+n) and moves the offsets of exactly these. A range that the database
   refuses is halved until one message is left, which becomes a bad record; the rest goes on. */
#include "services/aggregator/ingest/batch.h"

#include <stdio.h>
#include <string.h>

#include "services/aggregator/ingest/commit.h"
#include "services/aggregator/ingest/decode.h"
#include "services/aggregator/ingest/months.h"
#include "services/aggregator/ingest/registry.h"
#include "services/aggregator/ingest/restamp.h"
#include "services/aggregator/ingest/rows.h"
#include "services/aggregator/ingest/stored.h"
#include "services/aggregator/ingest/verify.h"
#include "services/aggregator/ingest/writes.h"
#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

enum {
    RAW_BYTES = 4 * 1024 * 1024, /* a batch closes at this size */
    HELD_BYTES_MAX =
        2 * 1024 * 1024, /* a larger value is not kept; brokers refuse it long before */
    WORK_BYTES_MAX = 16 * 1024 * 1024,
    DECODE_BYTES = WORK_BYTES_MAX - 6 * 1024 * 1024, /* the other steps need the rest */
    SCRATCH_BYTES_MAX = 4 * 1024 * 1024,
};

static_assert(DECODE_BYTES >= 2 * LIMIT_DECODE_ARENA_BYTES, "one value always has room");

/* What a transaction stores. */
struct range {
    size_t from; /* in messages */
    size_t count;
    struct item *items;
    struct advance advances[LIMIT_PARTITIONS];
    size_t advances_count;
    struct batch_counts counts; /* if it commits */
    int64_t missing_at_us;      /* an instant of a month without partition; 0: none */
    int is_fenced;              /* the offsets are not where, or not whose, we believe */
    int is_rewound;             /* they are ours, the database went back */
    int is_in_doubt;            /* COMMIT was sent and not answered */
};

struct batch {
    struct arena *raw;
    struct arena *work;
    struct registry *registry;
    struct months *months;
    struct stored *stored;
    struct writes *writes;
    struct commit *commit;
    struct buf scratch;
    struct message *messages;
    size_t messages_max;
    size_t count;
    size_t first;
    size_t try_max;    /* messages to try in one transaction */
    int is_second_try; /* of the same range, after a refusal */
    int is_open;       /* a transaction that could not be rolled back */
    struct range range;
};

struct batch *batch_new(const struct batch_config *config)
{
    CHECK(config->messages_max >= 1 && config->messages_max <= LIMIT_LANE_BATCH);
    struct batch *batch = mem_zalloc(sizeof(*batch));
    if (batch == NULL)
        return NULL;
    batch->messages_max = config->messages_max;
    batch->try_max = config->messages_max;
    buf_init(&batch->scratch, SCRATCH_BYTES_MAX);
    batch->raw = arena_new(RAW_BYTES + 2 * HELD_BYTES_MAX);
    batch->work = arena_new(WORK_BYTES_MAX);
    batch->registry = registry_new(config->mac_master);
    batch->months = months_new(config->conninfo);
    batch->stored = stored_new();
    batch->writes = writes_new();
    batch->commit = commit_new();
    batch->messages = mem_zalloc_array(config->messages_max, sizeof(*batch->messages));
    if (batch->raw == NULL || batch->work == NULL || batch->registry == NULL ||
        batch->months == NULL || batch->stored == NULL || batch->writes == NULL ||
        batch->commit == NULL || batch->messages == NULL) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    mem_free(batch->messages);
    commit_free(batch->commit);
    writes_free(batch->writes);
    stored_free(batch->stored);
    months_free(batch->months);
    registry_free(batch->registry);
    arena_free(batch->work);
    arena_free(batch->raw);
    buf_done(&batch->scratch);
    mem_free(batch);
}

/* Every query of T1 is a look-up by key or an append, whatever the statistics of a young table say:
   a plan made once must stay right when the history has grown. */
enum rc batch_open_session(struct db *db, struct err *err)
{
    return db_exec(db,
                   "set plan_cache_mode = force_generic_plan; set enable_hashjoin = off; "
                   "set enable_mergejoin = off; set enable_seqscan = off; set jit = off",
                   err);
}

/* ---- collecting ---- */

enum rc batch_add(struct batch *batch, const struct kafka_event *event, struct stream *stream,
                  struct err *err)
{
    if (batch_is_full(batch))
        return RC_FULL;
    struct message message;
    if (message_copy(batch->raw, event, HELD_BYTES_MAX, &message) != RC_OK)
        return err_set(err, RC_RETRY, "out of memory for a message");
    message.stream = stream;
    batch->messages[batch->count++] = message;
    return RC_OK;
}

size_t batch_count(const struct batch *batch)
{
    return batch->count - batch->first;
}

int batch_is_rewound(const struct batch *batch)
{
    return batch->range.is_rewound;
}

int batch_is_full(const struct batch *batch)
{
    return batch->count == batch->messages_max || arena_used_bytes(batch->raw) >= RAW_BYTES;
}

void batch_drop(struct batch *batch)
{
    batch->count = 0;
    batch->first = 0;
    batch->try_max = batch->messages_max;
    batch->is_second_try = 0;
    batch->range = (struct range){0};
    arena_reset(batch->raw);
    arena_reset(batch->work);
}

/* ---- the steps of one transaction ---- */

static enum rc step_begin(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    arena_reset(batch->work);
    writes_reset(batch->writes);
    range->items = arena_zalloc(batch->work, range->count * sizeof(*range->items));
    if (range->items == NULL)
        return err_set(err, RC_RETRY, "out of memory for a batch");
    if (batch->is_open) {
        enum rc rc = db_exec(db, "rollback", err);
        if (rc != RC_OK)
            return rc;
        batch->is_open = 0;
    }
    return db_exec(db, "begin; set local synchronous_commit = off", err);
}

static enum rc step_verify(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    enum rc rc = registry_refresh(batch->registry, db, err);
    for (size_t i = 0; i < range->count && rc == RC_OK; i++) {
        struct item *item = &range->items[i];
        struct err why;
        item->message = &batch->messages[range->from + i];
        enum bad_class class =
            verify_sender(batch->registry, item->message, 1, &item->sender, &why);
        if (class != BAD_CLASS_NONE)
            rc = decode_refuse(item, class, why.text, batch->work);
    }
    return rc;
}

static enum rc decode_one(struct batch *batch, struct db *db, struct item *item, struct err *err)
{
    char reason[sizeof(err->text) + 32];
    if (item->message->refused == NULL) {
        enum rc rc = restamp_find(db, item->message, &item->restamped_at_us, err);
        if (rc != RC_OK)
            return rc;
    }
    if (item->message->refused == NULL)
        return decode_item(item, registry_horizon_us(batch->registry), batch->work, err);
    snprintf(reason, sizeof(reason), "the database refused it: %s", item->message->refused);
    return decode_refuse(item, BAD_CLASS_MALFORMED, reason, batch->work);
}

/* Stops early, and so shortens the range, when the memory for decoded records is used up. */
static enum rc step_decode(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    for (size_t i = 0; i < range->count; i++) {
        size_t room = DECODE_BYTES - LIMIT_DECODE_ARENA_BYTES;
        if (i > 0 && arena_used_bytes(batch->work) > room) {
            range->count = i;
            break;
        }
        if (range->items[i].class != BAD_CLASS_NONE)
            continue;
        enum rc rc = decode_one(batch, db, &range->items[i], err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc step_months(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    (void)db;
    for (size_t i = 0; i < range->count; i++) {
        const struct item *item = &range->items[i];
        if (item->class != BAD_CLASS_NONE)
            continue;
        int64_t at_us = uuid_v7_at_us(&item->id);
        if (months_has(batch->months, at_us))
            continue;
        range->missing_at_us = at_us;
        return err_set(err, RC_RETRY, "a monthly partition is not known to exist");
    }
    return RC_OK;
}

static enum rc count_item(struct batch *batch, struct batch_counts *counts, struct item *item)
{
    switch (item->outcome.verdict) {
    case DEDUP_VERDICT_NEW:
        counts->records++;
        return RC_OK;
    case DEDUP_VERDICT_REVISION:
        counts->revisions++;
        return RC_OK;
    case DEDUP_VERDICT_DUPLICATE:
        counts->duplicates++;
        return RC_OK;
    case DEDUP_VERDICT_CONFLICT:
        return decode_refuse(item, BAD_CLASS_CONFLICT, item->outcome.reason, batch->work);
    case DEDUP_VERDICT_ARCHIVED:
        return decode_refuse(item, BAD_CLASS_ARCHIVED, item->outcome.reason, batch->work);
    }
    return RC_FATAL;
}

static enum rc step_dedup(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    enum rc rc = stored_judge(batch->stored, db, range->items, range->count, batch->work, err);
    for (size_t i = 0; i < range->count && rc == RC_OK; i++) {
        struct item *item = &range->items[i];
        if (item->class == BAD_CLASS_NONE)
            rc = count_item(batch, &range->counts, item);
        if (item->class != BAD_CLASS_NONE)
            range->counts.bad[item->class]++;
    }
    return rc;
}

static enum rc step_rows(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    (void)db;
    return rows_fill(batch->writes, range->items, range->count, batch->work, &batch->scratch, err);
}

static enum rc step_write(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    (void)range;
    return writes_run(batch->writes, db, err);
}

/* Messages of one stream stand in the order of their offsets, so its last one counts. */
static void add_advance(struct range *range, const struct message *message)
{
    size_t i = 0;
    while (i < range->advances_count && range->advances[i].stream != message->stream)
        i++;
    CHECK(i < LIMIT_PARTITIONS);
    range->advances[i] = (struct advance){message->stream, message->offset + 1};
    if (i == range->advances_count)
        range->advances_count++;
}

static enum rc fence(struct range *range, enum commit_found found, struct err *err)
{
    range->is_fenced = 1;
    range->is_rewound = found == COMMIT_FOUND_REWOUND;
    return err_set(err, RC_REJECT, "%s",
                   range->is_rewound ? "the database has gone back behind what it had committed"
                                     : "an offset row has another owner");
}

static enum rc step_commit(struct batch *batch, struct db *db, struct range *range, struct err *err)
{
    enum commit_found found;
    for (size_t i = 0; i < range->count; i++)
        add_advance(range, range->items[i].message);
    enum rc rc =
        commit_advance(batch->commit, db, range->advances, range->advances_count, &found, err);
    if (rc == RC_OK && found != COMMIT_FOUND_DONE)
        rc = fence(range, found, err);
    if (rc != RC_OK)
        return rc;
    rc = db_exec(db, "commit", err);
    range->is_in_doubt = rc == RC_RETRY;
    return rc;
}

typedef enum rc batch_step(struct batch *batch, struct db *db, struct range *range,
                           struct err *err);

static batch_step *const STEPS[] = {
    step_begin, step_verify, step_decode, step_months,
    step_dedup, step_rows,   step_write,  step_commit,
};

static enum rc run_steps(struct batch *batch, struct db *db, struct err *err)
{
    for (size_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++) {
        enum rc rc = STEPS[i](batch, db, &batch->range, err);
        if (rc == RC_OK)
            continue;
        batch->is_open = db_is_alive(db) && db_exec(db, "rollback", NULL) != RC_OK;
        return rc;
    }
    return RC_OK;
}

/* ---- one range after the other ---- */

static void add_counts(struct batch_counts *to, const struct batch_counts *from)
{
    to->records += from->records;
    to->revisions += from->revisions;
    to->duplicates += from->duplicates;
    for (size_t i = 0; i < BAD_CLASS_COUNT; i++)
        to->bad[i] += from->bad[i];
    to->transactions++;
}

static void finish_range(struct batch *batch, struct batch_counts *counts)
{
    struct range *range = &batch->range;
    for (size_t i = 0; i < range->advances_count; i++)
        range->advances[i].stream->next_offset = range->advances[i].to;
    add_counts(counts, &range->counts);
    batch->first += range->count;
    batch->try_max = batch->messages_max;
    batch->is_second_try = 0;
    range->is_in_doubt = 0;
}

static void start_range(struct batch *batch)
{
    size_t left = batch_count(batch);
    batch->range = (struct range){
        .from = batch->first,
        .count = left < batch->try_max ? left : batch->try_max,
    };
}

static enum rc resolve_doubt(struct batch *batch, struct db *db, struct batch_counts *counts,
                             struct err *err)
{
    struct range *range = &batch->range;
    enum commit_found found;
    if (!range->is_in_doubt)
        return RC_OK;
    enum rc rc =
        commit_find_out(batch->commit, db, range->advances, range->advances_count, &found, err);
    if (rc != RC_OK)
        return rc;
    range->is_in_doubt = 0;
    switch (found) {
    case COMMIT_FOUND_DONE:
        finish_range(batch, counts);
        return RC_OK;
    case COMMIT_FOUND_UNDONE:
        return RC_OK;
    case COMMIT_FOUND_REWOUND:
    case COMMIT_FOUND_TAKEN:
        break;
    }
    return fence(range, found, err);
}

static enum rc make_month(struct batch *batch, struct err *err)
{
    enum rc rc = months_make(batch->months, batch->range.missing_at_us, err);
    if (rc == RC_REJECT)
        err->rc = rc = RC_FATAL; /* a fence is the only REJECT our caller knows */
    return rc;
}

/* The memory for one transaction was not enough for so many. One message always fits the arena, so
   then it is the machine's that is out. */
static enum rc handle_full(struct batch *batch, struct err *err)
{
    if (batch->range.count == 1)
        return err_set(err, RC_RETRY, "out of memory for a message");
    batch->try_max = batch->range.count / 2;
    return RC_OK;
}

/* The database does not take the range. The first time others may be the reason: somebody stored
   the same meanwhile, or dropped a partition. Then it is a row of ours. */
static enum rc handle_refusal(struct batch *batch, struct err *err)
{
    struct range *range = &batch->range;
    if (!batch->is_second_try) {
        batch->is_second_try = 1;
        months_forget(batch->months);
        return RC_OK;
    }
    batch->is_second_try = 0;
    if (range->count > 1) {
        batch->try_max = range->count / 2;
        return RC_OK;
    }
    struct message *message = &batch->messages[range->from];
    if (message->refused != NULL)
        return err_set(err, RC_FATAL, "cannot store a message even as a bad record");
    message->refused = arena_copy(batch->raw, err->text, strlen(err->text));
    return message->refused == NULL ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

enum rc batch_store(struct batch *batch, struct db *db, struct batch_counts *counts,
                    struct err *err)
{
    enum rc rc = resolve_doubt(batch, db, counts, err);
    while (rc == RC_OK && batch_count(batch) > 0) {
        start_range(batch);
        rc = run_steps(batch, db, err);
        if (rc == RC_OK) {
            finish_range(batch, counts);
        } else if (batch->range.missing_at_us != 0) {
            rc = make_month(batch, err);
        } else if (rc == RC_REJECT && !batch->range.is_fenced) {
            counts->refused++;
            rc = handle_refusal(batch, err);
        } else if (rc == RC_FULL) {
            rc = handle_full(batch, err);
        }
    }
    if (rc == RC_OK)
        batch_drop(batch);
    return rc;
}
