/* The health topic into its table. Invariant: agent_health moves forward in LogAppendTime only, so
   reading the topic again from its beginning, or twice at once, changes nothing. */
#include "services/aggregator/ingest/beats.h"

#include <string.h>

#include "services/aggregator/ingest/keymap.h"
#include "services/aggregator/ingest/registry.h"
#include "services/aggregator/ingest/verify.h"
#include "services/common/base/arena.h"
#include "services/common/base/mem.h"
#include "services/common/record/heartbeat.h"

enum {
    BEATS_MAX = 1000,
    RAW_BYTES = 1024 * 1024, /* closes a batch; heartbeats have a few hundred bytes */
    HELD_BYTES_MAX = 64 * 1024,
    WORK_BYTES_MAX = 4 * 1024 * 1024,
    COLUMN_BYTES_MAX = 1024 * 1024,
};

enum {
    TENANT,
    AGENT,
    SITE,
    AT,
    RECEIVED_AT,
    STARTED_AT,
    VERSION,
    EPOCH,
    SEQUENCE_LAST,
    SEQUENCE_DELIVERED,
    SPOOL_BYTES,
    OLDEST_UNDELIVERED_AT,
    CLOCK_STATE,
    ACCEPTED,
    REJECTED,
    IS_REFUSING,
    PLANNED_OFF_UNTIL,
    COLUMNS,
};

static const enum db_type TYPES[COLUMNS] = {
    [TENANT] = DB_TYPE_TEXT,
    [AGENT] = DB_TYPE_TEXT,
    [SITE] = DB_TYPE_TEXT,
    [AT] = DB_TYPE_TIMESTAMPTZ,
    [RECEIVED_AT] = DB_TYPE_TIMESTAMPTZ,
    [STARTED_AT] = DB_TYPE_TIMESTAMPTZ,
    [VERSION] = DB_TYPE_TEXT,
    [EPOCH] = DB_TYPE_INT8,
    [SEQUENCE_LAST] = DB_TYPE_INT8,
    [SEQUENCE_DELIVERED] = DB_TYPE_INT8,
    [SPOOL_BYTES] = DB_TYPE_INT8,
    [OLDEST_UNDELIVERED_AT] = DB_TYPE_TIMESTAMPTZ,
    [CLOCK_STATE] = DB_TYPE_INT2,
    [ACCEPTED] = DB_TYPE_INT8,
    [REJECTED] = DB_TYPE_INT8,
    [IS_REFUSING] = DB_TYPE_BOOL,
    [PLANNED_OFF_UNTIL] = DB_TYPE_TIMESTAMPTZ,
};

static const char STORE_SQL[] =
    "insert into kasumori.agent_health as stored (tenant, agent, site, at, received_at, "
    "started_at, version, epoch, sequence_last, sequence_delivered, spool_bytes, "
    "oldest_undelivered_at, clock_state, accepted, rejected, is_refusing, planned_off_until) "
    "select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), "
    "unnest($8), unnest($9), unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), "
    "unnest($15), unnest($16), unnest($17) "
    "on conflict (tenant, agent) do update set site = excluded.site, at = excluded.at, "
    "received_at = excluded.received_at, started_at = excluded.started_at, "
    "version = excluded.version, epoch = excluded.epoch, "
    "sequence_last = excluded.sequence_last, "
    "sequence_delivered = excluded.sequence_delivered, spool_bytes = excluded.spool_bytes, "
    "oldest_undelivered_at = excluded.oldest_undelivered_at, "
    "clock_state = excluded.clock_state, accepted = excluded.accepted, "
    "rejected = excluded.rejected, is_refusing = excluded.is_refusing, "
    "planned_off_until = excluded.planned_off_until "
    "where excluded.received_at > stored.received_at";

struct beat {
    const struct message *message;
    const Kasumori__V1__Heartbeat *heartbeat;
};

struct beats {
    struct arena *raw;
    struct arena *work;
    struct registry *registry;
    struct db_params *params;
    size_t count;
    struct message messages[BEATS_MAX];
};

struct beats *beats_new(const uint8_t mac_master[MAC_KEY_BYTES])
{
    int is_array[COLUMNS];
    struct beats *beats = mem_zalloc(sizeof(*beats));
    if (beats == NULL)
        return NULL;
    for (size_t i = 0; i < COLUMNS; i++)
        is_array[i] = 1;
    beats->raw = arena_new(RAW_BYTES + 4 * HELD_BYTES_MAX);
    beats->work = arena_new(WORK_BYTES_MAX);
    beats->registry = registry_new(mac_master);
    beats->params = db_params_new(COLUMNS, TYPES, is_array, COLUMN_BYTES_MAX);
    if (beats->raw == NULL || beats->work == NULL || beats->registry == NULL ||
        beats->params == NULL) {
        beats_free(beats);
        return NULL;
    }
    return beats;
}

void beats_free(struct beats *beats)
{
    if (beats == NULL)
        return;
    db_params_free(beats->params);
    registry_free(beats->registry);
    arena_free(beats->work);
    arena_free(beats->raw);
    mem_free(beats);
}

enum rc beats_add(struct beats *beats, const struct kafka_event *event, struct err *err)
{
    if (beats_is_full(beats))
        return RC_FULL;
    struct message *message = &beats->messages[beats->count];
    if (message_copy(beats->raw, event, HELD_BYTES_MAX, message) != RC_OK)
        return err_set(err, RC_RETRY, "out of memory for a heartbeat");
    beats->count++;
    return RC_OK;
}

int beats_is_full(const struct beats *beats)
{
    return beats->count == BEATS_MAX || arena_used_bytes(beats->raw) >= RAW_BYTES;
}

size_t beats_count(const struct beats *beats)
{
    return beats->count;
}

static int is_of_agent(const Kasumori__V1__Heartbeat *heartbeat, const struct registry_agent *agent)
{
    return strcmp(heartbeat->tenant, agent->tenant) == 0 &&
           strcmp(heartbeat->site, agent->site) == 0 && strcmp(heartbeat->agent, agent->agent) == 0;
}

/* NULL when it proves nothing, or is not what it says it is. */
static const Kasumori__V1__Heartbeat *read_beat(struct beats *beats, const struct message *message)
{
    struct sender sender;
    Kasumori__V1__Heartbeat *heartbeat;
    if (verify_sender(beats->registry, message, 0, &sender, NULL) != BAD_CLASS_NONE)
        return NULL;
    if (heartbeat_decode(message->value, beats->work, &heartbeat, NULL) != RC_OK)
        return NULL;
    if (!is_of_agent(heartbeat, sender.proven) || heartbeat->clock_state > INT16_MAX ||
        (int)heartbeat->clock_state < 0)
        return NULL;
    return heartbeat;
}

/* Later heartbeats of an agent take the place of earlier ones: the topic has one partition an
 * agent. */
static enum rc collect(struct beats *beats, struct beat *list, size_t *ret_count, int64_t *ret_bad)
{
    struct keymap *by_agent = keymap_new(beats->work, beats->count);
    size_t count = 0;
    int64_t bad = 0;
    if (by_agent == NULL)
        return RC_RETRY;
    for (size_t i = 0; i < beats->count; i++) {
        const struct message *message = &beats->messages[i];
        const Kasumori__V1__Heartbeat *heartbeat = read_beat(beats, message);
        if (heartbeat == NULL) {
            bad++;
            continue;
        }
        struct slice key = slice_str(heartbeat->agent);
        struct beat *beat = keymap_find(by_agent, key);
        if (beat == NULL) {
            beat = &list[count++];
            if (keymap_put(by_agent, key, beat) != RC_OK)
                return RC_RETRY;
        } else if (message->appended_at_us < beat->message->appended_at_us) {
            continue;
        }
        *beat = (struct beat){message, heartbeat};
    }
    *ret_count = count;
    *ret_bad = bad;
    return RC_OK;
}

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static void put_time_or_null(struct db_params *to, size_t column, int64_t at_us)
{
    if (at_us == 0)
        db_put_null(to, column);
    else
        db_put_time(to, column, at_us);
}

static void put_beat(struct db_params *to, const struct beat *beat)
{
    const Kasumori__V1__Heartbeat *heartbeat = beat->heartbeat;
    db_put_text(to, TENANT, slice_str(heartbeat->tenant));
    db_put_text(to, AGENT, slice_str(heartbeat->agent));
    db_put_text(to, SITE, slice_str(heartbeat->site));
    db_put_time(to, AT, heartbeat->at_us);
    db_put_time(to, RECEIVED_AT, beat->message->appended_at_us);
    db_put_time(to, STARTED_AT, heartbeat->started_at_us);
    db_put_text(to, VERSION, slice_str(heartbeat->version));
    db_put_int(to, EPOCH, clamp(heartbeat->epoch));
    db_put_int(to, SEQUENCE_LAST, clamp(heartbeat->sequence_last));
    db_put_int(to, SEQUENCE_DELIVERED, clamp(heartbeat->sequence_delivered));
    db_put_int(to, SPOOL_BYTES, clamp(heartbeat->spool_bytes));
    put_time_or_null(to, OLDEST_UNDELIVERED_AT, heartbeat->oldest_undelivered_at_us);
    db_put_int(to, CLOCK_STATE, heartbeat->clock_state);
    db_put_int(to, ACCEPTED, clamp(heartbeat->accepted));
    db_put_int(to, REJECTED, clamp(heartbeat->rejected));
    db_put_bool(to, IS_REFUSING, heartbeat->is_refusing);
    put_time_or_null(to, PLANNED_OFF_UNTIL, heartbeat->planned_off_until_us);
}

enum rc beats_store(struct beats *beats, struct db *db, struct beats_counts *counts,
                    struct err *err)
{
    size_t count;
    int64_t bad;
    arena_reset(beats->work);
    db_params_reset(beats->params);
    enum rc rc = registry_refresh(beats->registry, db, err);
    if (rc != RC_OK)
        return rc;
    struct beat *list = arena_alloc(beats->work, beats->count * sizeof(*list));
    if (list == NULL || collect(beats, list, &count, &bad) != RC_OK)
        return err_set(err, RC_RETRY, "out of memory for heartbeats");
    for (size_t i = 0; i < count; i++)
        put_beat(beats->params, &list[i]);
    if (count > 0)
        rc = db_run(db, "beats_store", STORE_SQL, beats->params, NULL, err);
    if (rc != RC_OK)
        return rc;
    counts->stored += (int64_t)count;
    counts->bad += bad;
    beats->count = 0;
    arena_reset(beats->raw);
    return RC_OK;
}
