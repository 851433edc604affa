/* The chain's state in numbers. Invariant: the gauges are those of one statement's snapshot, and
   database_up is 1 only while that snapshot is the last attempt's. */
#include "services/monitor/watch.h"

#include <pthread.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/base/queue.h"
#include "services/common/db/db.h"
#include "services/common/db/schema.h"
#include "services/common/log/log.h"

enum { PERIOD_MS = 2000, SCHEMA_LEAST = 8, SCHEMA_MOST = 28 };

#define GAUGE(name_, help_)                                     \
    {                                                           \
        .name = name_, .help = help_, .kind = METRIC_KIND_GAUGE \
    }

static const struct metric_desc DESC[WATCH_METRIC_COUNT] = {
    [WATCH_METRIC_DATABASE_UP] = GAUGE("kasumori_monitor_database_up", "1: the last read worked."),
    [WATCH_METRIC_READ_AT_MS] = GAUGE("kasumori_monitor_read_at_ms", "When it last worked."),
    [WATCH_METRIC_SITES] = GAUGE("kasumori_sites", "Sites open now."),
    [WATCH_METRIC_AGENTS] = GAUGE("kasumori_agents", "Agents registered and valid now."),
    [WATCH_METRIC_AGENTS_SILENT] =
        GAUGE("kasumori_agents_silent", "Of these, without a recent heartbeat."),
    [WATCH_METRIC_AGENTS_REFUSING] =
        GAUGE("kasumori_agents_refusing", "Of these, unable to store records."),
    [WATCH_METRIC_SEQUENCE_GAPS] =
        GAUGE("kasumori_sequence_gaps", "Epochs of agents with a hole in their sequences."),
    [WATCH_METRIC_BAD_OPEN] = GAUGE("kasumori_bad_records_open", "Bad records nobody cured yet."),
};

static const char SQL[] = "select * from kasumori.chain_state($1 * interval '1 microsecond')";

struct watch {
    const char *database;
    struct metrics *metrics;
    struct db_params *params;
    struct db *db;
    struct queue *stop; /* closed to stop; its wait is the pause */
    pthread_t thread;
    int64_t silent_after_us;
    int has_complained;
};

struct metrics *watch_metrics_new(void)
{
    return metrics_new(DESC, WATCH_METRIC_COUNT);
}

static enum rc connect_database(struct watch *watch, struct err *err)
{
    if (watch->db != NULL && db_is_alive(watch->db))
        return RC_OK;
    db_close(watch->db);
    watch->db = NULL;
    enum rc rc = db_open(watch->database, "kasumori-monitor", &watch->db, err);
    int version;
    if (rc == RC_OK)
        rc = schema_check(watch->db, SCHEMA_LEAST, SCHEMA_MOST, &version, err);
    return rc;
}

static enum rc read_state(struct watch *watch, struct err *err)
{
    struct db_result *result;
    enum rc rc = connect_database(watch, err);
    if (rc != RC_OK)
        return rc;
    db_params_reset(watch->params);
    db_put_int(watch->params, 0, watch->silent_after_us);
    rc = db_run(watch->db, "watch", SQL, watch->params, &result, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < WATCH_METRIC_COUNT - WATCH_METRIC_SITES; i++)
        metrics_set(watch->metrics, WATCH_METRIC_SITES + i, db_result_int(result, 0, i));
    metrics_set(watch->metrics, WATCH_METRIC_READ_AT_MS, clock_now_us(clock_real()) / 1000);
    db_result_free(result);
    return RC_OK;
}

static void *run(void *ctx)
{
    struct watch *watch = ctx;
    void *nothing;
    do {
        struct err err;
        int is_up = read_state(watch, &err) == RC_OK;
        metrics_set(watch->metrics, WATCH_METRIC_DATABASE_UP, is_up);
        if (!is_up && !watch->has_complained)
            log_warn("could not read the database, trying again: %s", err.text);
        if (is_up && watch->has_complained)
            log_info("the database is back");
        watch->has_complained = !is_up;
        (void)queue_wait(watch->stop, &nothing, 1, PERIOD_MS);
    } while (!queue_is_over(watch->stop));
    return NULL;
}

static void watch_free(struct watch *watch)
{
    db_close(watch->db);
    db_params_free(watch->params);
    queue_free(watch->stop);
    mem_free(watch);
}

enum rc watch_start(const char *database, int64_t silent_after_us, struct metrics *metrics,
                    struct watch **ret_watch, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0};
    struct watch *watch = mem_zalloc(sizeof(*watch));
    if (watch == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    watch->database = database;
    watch->silent_after_us = silent_after_us;
    watch->metrics = metrics;
    watch->params = db_params_new(1, TYPES, IS_ARRAY, 64);
    watch->stop = queue_new(1);
    if (watch->params == NULL || watch->stop == NULL ||
        pthread_create(&watch->thread, NULL, run, watch) != 0) {
        watch_free(watch);
        return err_set(err, RC_RETRY, "could not start the thread that reads the database");
    }
    *ret_watch = watch;
    return RC_OK;
}

void watch_stop(struct watch *watch)
{
    queue_close(watch->stop);
    pthread_join(watch->thread, NULL);
    watch_free(watch);
}
