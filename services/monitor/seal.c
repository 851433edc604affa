/* The audit log's sealer. Invariant: a head is told to the outside only after the transaction that
   sealed it has committed. */
#include "services/monitor/seal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/queue.h"
#include "services/common/base/timefmt.h"
#include "services/common/db/db.h"
#include "services/common/db/schema.h"
#include "services/common/log/log.h"
#include "services/monitor/metric.h"
#include "services/monitor/monitor.h"

#define TELL_EVERY_US (60 * CLOCK_US_PER_S)

enum { PERIOD_MS = 1000, HASH_BYTES = 32, LINE_BYTES = 256 };

struct seal {
    struct seal_config config;
    struct db *db;
    struct queue *stop; /* closed to stop; its wait is the pause */
    pthread_t thread;
    int64_t told_us; /* monotonic; 0: not yet */
    int64_t forgot_us;
    int has_news; /* sealed since heads were told */
    int has_complained;
};

static enum rc connect_database(struct seal *seal, struct err *err)
{
    int version;
    if (seal->db != NULL && db_is_alive(seal->db))
        return RC_OK;
    db_close(seal->db);
    seal->db = NULL;
    enum rc rc = db_open(seal->config.database, "kasumori-monitor seal", &seal->db, err);
    if (rc == RC_OK)
        rc = schema_check(seal->db, MONITOR_SCHEMA_LEAST, MONITOR_SCHEMA_MOST, &version, err);
    if (rc != RC_OK) {
        db_close(seal->db);
        seal->db = NULL;
    }
    return rc;
}

/* ---- telling the heads ---- */

static void append_line(const char *path, const char *line, size_t size)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, size) != (ssize_t)size || fdatasync(fd) != 0)
        log_error("could not write %s: %m", path);
    if (fd >= 0)
        close(fd);
}

static void tell(const struct seal *seal, struct slice tenant, int64_t chain_no,
                 struct slice chain_hash)
{
    char hash[2 * HASH_BYTES + 1];
    char at[TIMEFMT_TEXT_BYTES];
    char line[LINE_BYTES];
    if (chain_hash.size != HASH_BYTES)
        return; /* an empty chain */
    hex_format(chain_hash.data, chain_hash.size, hash);
    timefmt_format_utc(clock_now_us(clock_real()), at);
    log_info("audit chain of %.*s: %" PRId64 " %s", (int)tenant.size, (const char *)tenant.data,
             chain_no, hash);
    int size = snprintf(line, sizeof(line), "%s %.*s %" PRId64 " %s\n", at, (int)tenant.size,
                        (const char *)tenant.data, chain_no, hash);
    if (seal->config.heads_file != NULL)
        append_line(seal->config.heads_file, line, (size_t)size);
}

static enum rc tell_heads(struct seal *seal, struct err *err)
{
    int64_t now_us = clock_mono_us(clock_real());
    struct db_result *result;
    if (!seal->has_news || (seal->told_us != 0 && now_us - seal->told_us < TELL_EVERY_US))
        return RC_OK;
    enum rc rc = db_run(seal->db, "audit_heads",
                        "select tenant, chain_no, chain_hash from kasumori.audit_heads()", NULL,
                        &result, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < db_result_rows(result); i++)
        tell(seal, db_result_bytes(result, i, 0), db_result_int(result, i, 1),
             db_result_bytes(result, i, 2));
    db_result_free(result);
    seal->told_us = now_us;
    seal->has_news = 0;
    return RC_OK;
}

/* ---- sealing ---- */

static enum rc run_numbered(struct seal *seal, const char *name, const char *sql, int64_t number,
                            struct db_result **ret_result, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT4};
    static const int IS_ARRAY[] = {0};
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, 64);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, 0, number);
    enum rc rc = db_run(seal->db, name, sql, params, ret_result, err);
    db_params_free(params);
    return rc;
}

/* *ret_is_behind: a chain may have more to seal. */
static enum rc seal_rows(struct seal *seal, int *ret_is_behind, struct err *err)
{
    struct db_result *result;
    enum rc rc = run_numbered(seal, "seal_audit", "select sealed from kasumori.seal_audit($1)",
                              LIMIT_MONITOR_SEALED, &result, err);
    if (rc != RC_OK)
        return rc;
    *ret_is_behind = 0;
    for (size_t i = 0; i < db_result_rows(result); i++) {
        int64_t sealed = db_result_int(result, i, 0);
        metrics_add(seal->config.metrics, METRIC_AUDIT_SEALED, sealed);
        seal->has_news |= sealed > 0;
        *ret_is_behind |= sealed == LIMIT_MONITOR_SEALED;
    }
    db_result_free(result);
    if (!*ret_is_behind)
        metrics_set(seal->config.metrics, METRIC_AUDIT_SEALED_AT_MS,
                    clock_now_us(clock_real()) / CLOCK_US_PER_MS);
    return RC_OK;
}

static enum rc forget(struct seal *seal, struct err *err)
{
    int64_t now_us = clock_mono_us(clock_real());
    if (seal->forgot_us != 0 && now_us - seal->forgot_us < TELL_EVERY_US)
        return RC_OK;
    seal->forgot_us = now_us;
    return db_run(seal->db, "forget_old", "select kasumori.forget_old()", NULL, NULL, err);
}

static int run_once(struct seal *seal, struct err *err)
{
    int is_behind = 1;
    enum rc rc = connect_database(seal, err);
    while (rc == RC_OK && is_behind && !queue_is_over(seal->stop))
        rc = seal_rows(seal, &is_behind, err);
    if (rc == RC_OK)
        rc = tell_heads(seal, err);
    if (rc == RC_OK)
        rc = forget(seal, err);
    return rc == RC_OK;
}

static void *run(void *ctx)
{
    struct seal *seal = ctx;
    void *nothing;
    do {
        struct err err;
        int is_well = run_once(seal, &err);
        if (!is_well && !seal->has_complained)
            log_warn("could not seal the audit log, trying again: %s", err.text);
        seal->has_complained = !is_well;
        (void)queue_wait(seal->stop, &nothing, 1, PERIOD_MS);
    } while (!queue_is_over(seal->stop));
    return NULL;
}

static void seal_free(struct seal *seal)
{
    db_close(seal->db);
    queue_free(seal->stop);
    mem_free(seal);
}

enum rc seal_start(const struct seal_config *config, struct seal **ret_seal, struct err *err)
{
    struct seal *seal = mem_zalloc(sizeof(*seal));
    if (seal == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    seal->config = *config;
    seal->stop = queue_new(1);
    if (seal->stop == NULL || pthread_create(&seal->thread, NULL, run, seal) != 0) {
        seal_free(seal);
        return err_set(err, RC_RETRY, "could not start the thread that seals the audit log");
    }
    *ret_seal = seal;
    return RC_OK;
}

void seal_stop(struct seal *seal)
{
    queue_close(seal->stop);
    pthread_join(seal->thread, NULL);
    seal_free(seal);
}
