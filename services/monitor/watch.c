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
#include "services/monitor/metric.h"
#include "services/monitor/monitor.h"

enum { PERIOD_MS = 2000 };

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

static enum rc connect_database(struct watch *watch, struct err *err)
{
    if (watch->db != NULL && db_is_alive(watch->db))
        return RC_OK;
    db_close(watch->db);
    watch->db = NULL;
    enum rc rc = db_open(watch->database, "kasumori-monitor", &watch->db, err);
    int version;
    if (rc == RC_OK)
        rc = schema_check(watch->db, MONITOR_SCHEMA_LEAST, MONITOR_SCHEMA_MOST, &version, err);
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
    for (size_t i = 0; i <= METRIC_BAD_OPEN - METRIC_SITES; i++)
        metrics_set(watch->metrics, METRIC_SITES + i, db_result_int(result, 0, i));
    metrics_set(watch->metrics, METRIC_READ_AT_MS, clock_now_us(clock_real()) / 1000);
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
        metrics_set(watch->metrics, METRIC_DATABASE_UP, is_up);
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
