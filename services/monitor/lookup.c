/* Look-ups, many at a time. Invariant: no answer leaves before the transaction that holds its audit
   row has committed, and a question is answered only in the tenant that its key opened in that same
   transaction; tokens go into neither row nor log. */
#include "services/monitor/lookup.h"

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/log/log.h"
#include "services/monitor/lookup_answer.h"
#include "services/monitor/lookup_policy.h"
#include "services/monitor/lookup_question.h"
#include "services/monitor/monitor.h"
#include "services/monitor/sql.h"

/* Two: while one batch commits, the other is computed. */
enum { WORKERS = 2 };

struct asked {
    struct serve_job *job;
    uint8_t key_hash[MAC_SHA256_BYTES];
    int64_t linking_version; /* of the key's tenant */
    struct lookup_question question;
    int is_open; /* neither refused nor answered */
};

/* What one worker keeps from batch to batch. */
struct bench {
    struct lookup_policies policies;
    struct db_params *keys, *enter, *questions;
    struct asked asked[BATCH_ITEMS_MAX];
    size_t count;
};

struct lookups {
    struct batch *batch;
    struct bench benches[WORKERS];
};

/* ---- who asks ---- */

static const char MACHINES[] =
    "select " CALLER_MACHINE_COLUMNS ", turn, linking_version from kasumori.machines($1)";

static const char ENTER[] = "select from kasumori.enter_machine($1)";

enum { COLUMN_TURN = CALLER_MACHINE_COLUMNS_COUNT, COLUMN_LINKING_VERSION };

static enum rc ask_keys(struct bench *bench, struct db *db, struct db_result **ret_rows,
                        struct err *err)
{
    struct db_step steps[] = {
        {.name = "begin", .sql = "begin"},
        {.name = "as_monitor", .sql = "set local role kasumori_monitor"},
        {.name = "lookup_machines", .sql = MACHINES, .params = bench->keys, .has_answer = 1},
    };
    db_params_reset(bench->keys);
    for (size_t i = 0; i < bench->count; i++)
        db_put_bytes(bench->keys, 0, slice_of(bench->asked[i].key_hash, MAC_SHA256_BYTES));
    enum rc rc = db_run_steps(db, steps, sizeof(steps) / sizeof(steps[0]), err);
    if (rc == RC_OK)
        *ret_rows = steps[2].result;
    return rc;
}

/* RC_REJECT: refused. */
static enum rc admit(struct asked *asked, struct err *err)
{
    enum rc rc = serve_check(asked->job);
    return rc == RC_OK ? lookup_question_read(&asked->job->call, &asked->question, err) : rc;
}

static enum rc admit_all(struct bench *bench, const struct db_result *rows, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t row = 0; rc == RC_OK && row < db_result_rows(rows); row++) {
        struct asked *asked = &bench->asked[db_result_int(rows, row, COLUMN_TURN) - 1];
        rc = caller_read_machine(&asked->job->call, rows, row, &asked->job->caller, err);
        asked->job->way = CALLER_MACHINE;
        asked->linking_version = db_result_int(rows, row, COLUMN_LINKING_VERSION);
    }
    for (size_t i = 0; rc == RC_OK && i < bench->count; i++) {
        rc = admit(&bench->asked[i], err);
        bench->asked[i].is_open = rc == RC_OK;
        if (rc == RC_REJECT)
            rc = RC_OK;
    }
    return rc;
}

/* ---- answers ---- */

enum {
    PARAM_TENANT,
    PARAM_ACTOR,
    PARAM_PURPOSE,
    PARAM_OBJECT,
    PARAM_TOKEN_TURN,
    PARAM_TOKEN_KIND,
    PARAM_TOKEN_KEY_ID,
    PARAM_TOKEN_MAC,
    PARAM_EXPIRY,
};

static int is_of(const struct asked *asked, struct slice tenant)
{
    return asked->is_open && slice_is_equal(asked->job->caller.tenant, tenant);
}

static void put_question(struct db_params *params, int64_t turn, const struct asked *asked)
{
    const struct lookup_question *question = &asked->question;
    db_put_text(params, PARAM_ACTOR, asked->job->caller.account);
    db_put_text(params, PARAM_PURPOSE, question->purpose);
    db_put_text(params, PARAM_OBJECT, question->object);
    for (size_t i = 0; i < question->tokens_count; i++) {
        db_put_int(params, PARAM_TOKEN_TURN, turn);
        db_put_int(params, PARAM_TOKEN_KIND, question->tokens[i].kind);
        db_put_int(params, PARAM_TOKEN_KEY_ID, question->tokens[i].key_id);
        db_put_uuid(params, PARAM_TOKEN_MAC, &question->tokens[i].mac);
    }
}

static void put_all(struct bench *bench, struct slice tenant, const struct lookup_expiry *expiry)
{
    struct db_params *params = bench->questions;
    db_params_reset(params);
    db_put_text(params, PARAM_TENANT, tenant);
    for (size_t i = 0; i < bench->count; i++)
        if (is_of(&bench->asked[i], tenant))
            put_question(params, (int64_t)i, &bench->asked[i]);
    for (size_t kind = 1; kind < FACT_KINDS; kind++) /* arrays count from 1 */
        db_put_int(params, PARAM_EXPIRY, expiry->us[kind]);
}

/* Rows come in the order of their turns. */
static enum rc put_answers(struct bench *bench, struct slice tenant, const struct db_result *result,
                           struct err *err)
{
    enum rc rc = RC_OK;
    struct lookup_rows rows = {.result = result};
    for (size_t i = 0; rc == RC_OK && i < bench->count; i++) {
        struct asked *asked = &bench->asked[i];
        if (!is_of(asked, tenant))
            continue;
        rc = lookup_answer_write(&asked->job->call, &rows, (int64_t)i, asked->question.site, err);
        asked->is_open = rc != RC_OK;
    }
    CHECK(rc != RC_OK || rows.at == db_result_rows(result));
    return rc;
}

/* The policy that holds for the tenant of asked, read when it was not before. */
static enum rc find_policy(struct bench *bench, struct db *db, const struct asked *asked,
                           const struct lookup_expiry **ret_expiry, struct err *err)
{
    struct slice tenant = asked->job->caller.tenant;
    struct db_step enter = {.name = "lookup_enter", .sql = ENTER, .params = bench->enter};
    const struct lookup_expiry *kept =
        lookup_policy_kept(&bench->policies, tenant, asked->linking_version);
    enum rc rc = RC_OK;
    if (kept == NULL)
        rc = db_run_steps(db, &enter, 1, err);
    if (rc == RC_OK && kept == NULL)
        rc = lookup_policy_read(&bench->policies, db, tenant, asked->linking_version, &kept, err);
    if (rc == RC_OK)
        *ret_expiry = kept;
    return rc;
}

/* Of all open questions of the tenant of first. */
static enum rc answer_tenant(struct bench *bench, struct db *db, const struct asked *first,
                             int is_last, struct err *err)
{
    struct db_step steps[] = {
        {.name = "lookup_enter", .sql = ENTER, .params = bench->enter},
        {.name = "lookup", .sql = sql_lookup, .params = bench->questions, .has_answer = 1},
        {.name = "commit", .sql = "commit"},
    };
    const struct lookup_expiry *expiry;
    db_params_reset(bench->enter);
    db_put_bytes(bench->enter, 0, slice_of(first->key_hash, MAC_SHA256_BYTES));
    enum rc rc = find_policy(bench, db, first, &expiry, err);
    if (rc != RC_OK)
        return rc;
    put_all(bench, first->job->caller.tenant, expiry);
    rc = db_run_steps(db, steps, is_last ? 3 : 2, err);
    if (rc != RC_OK)
        return rc;
    rc = put_answers(bench, first->job->caller.tenant, steps[1].result, err);
    db_result_free(steps[1].result);
    return rc;
}

/* The first open question from at on, of another tenant than but, if that is given. */
static struct asked *next_open(struct bench *bench, size_t at, const struct asked *but)
{
    for (; at < bench->count; at++) {
        struct asked *asked = &bench->asked[at];
        if (asked->is_open && (but == NULL || !is_of(asked, but->job->caller.tenant)))
            return asked;
    }
    return NULL;
}

static enum rc answer_open(struct bench *bench, struct db *db, struct err *err)
{
    enum rc rc = RC_OK;
    struct asked *first = next_open(bench, 0, NULL);
    if (first == NULL)
        return db_exec(db, "rollback", err); /* all were refused */
    while (rc == RC_OK && first != NULL) {
        int is_last = next_open(bench, 0, first) == NULL;
        rc = answer_tenant(bench, db, first, is_last, err);
        first = next_open(bench, 0, NULL);
    }
    return rc;
}

/* ---- batches ---- */

static void take(struct bench *bench, struct batch_item *const *items, size_t count)
{
    bench->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct asked *asked = &bench->asked[bench->count];
        *asked = (struct asked){.job = serve_job_of(items[i])};
        if (asked->job->call.status >= 400)
            continue; /* refused before, with others beside it */
        buf_reset(&asked->job->call.out);
        if (caller_key_hash(&asked->job->call, asked->key_hash))
            bench->count++;
        else
            CHECK(serve_check(asked->job) == RC_REJECT); /* without a key it is nobody's */
    }
}

static enum rc answer_together(struct bench *bench, struct db *db, struct err *err)
{
    struct db_result *rows;
    if (bench->count == 0)
        return RC_OK;
    enum rc rc = ask_keys(bench, db, &rows, err);
    if (rc != RC_OK)
        return rc;
    rc = admit_all(bench, rows, err);
    db_result_free(rows);
    return rc == RC_OK ? answer_open(bench, db, err) : rc;
}

static void fail_all(struct batch_item *const *items, size_t count, enum rc rc,
                     const struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (serve_job_of(items[i])->call.status < 400)
            serve_fail(serve_job_of(items[i]), rc, err);
}

/* Together, or each by itself when what went wrong may be the fault of one. */
static void answer(struct bench *bench, struct db *db, struct batch_item *const *items,
                   size_t count)
{
    struct err err, ignored;
    take(bench, items, count);
    enum rc rc = answer_together(bench, db, &err);
    if (rc == RC_OK)
        return;
    if (!db_is_idle(db) && db_exec(db, "rollback", &ignored) != RC_OK)
        log_debug("look-up: %s", ignored.text); /* a lost connection rolls back */
    if (rc == RC_RETRY || count == 1) {
        fail_all(items, count, rc, &err);
        return;
    }
    log_warn("look-ups are answered one by one: %s", err.text);
    for (size_t i = 0; i < count; i++)
        answer(bench, db, &items[i], 1);
}

static void on_run(void *ctx, const struct batch_work *work)
{
    struct lookups *lookups = ctx;
    if (work->db == NULL)
        fail_all(work->items, work->count, RC_RETRY, work->away);
    else
        answer(&lookups->benches[work->worker], work->db, work->items, work->count);
}

static void on_done(void *ctx, struct batch_item *item)
{
    (void)ctx;
    serve_finish(serve_job_of(item));
}

/* ---- start and stop ---- */

static void bench_done(struct bench *bench)
{
    db_params_free(bench->keys);
    db_params_free(bench->enter);
    db_params_free(bench->questions);
}

static int bench_init(struct bench *bench)
{
    static const enum db_type BYTES[] = {DB_TYPE_BYTEA};
    static const int ONE[] = {0}, MANY[] = {1};
    static const enum db_type TYPES[] = {
        [PARAM_TENANT] = DB_TYPE_TEXT,       [PARAM_ACTOR] = DB_TYPE_TEXT,
        [PARAM_PURPOSE] = DB_TYPE_TEXT,      [PARAM_OBJECT] = DB_TYPE_TEXT,
        [PARAM_TOKEN_TURN] = DB_TYPE_INT8,   [PARAM_TOKEN_KIND] = DB_TYPE_INT2,
        [PARAM_TOKEN_KEY_ID] = DB_TYPE_INT8, [PARAM_TOKEN_MAC] = DB_TYPE_UUID,
        [PARAM_EXPIRY] = DB_TYPE_INT8,
    };
    static const int IS_ARRAY[] = {0, 1, 1, 1, 1, 1, 1, 1, 1};
    bench->keys = db_params_new(1, BYTES, MANY, LIMIT_MONITOR_PARAM_BYTES);
    bench->enter = db_params_new(1, BYTES, ONE, LIMIT_STRING_BYTES);
    bench->questions =
        db_params_new(sizeof(TYPES) / sizeof(TYPES[0]), TYPES, IS_ARRAY, LIMIT_MONITOR_PARAM_BYTES);
    return bench->keys != NULL && bench->enter != NULL && bench->questions != NULL;
}

enum rc lookup_new(struct monitor_state *state, struct lookups **ret_lookups, struct err *err)
{
    struct lookups *lookups = mem_zalloc(sizeof(*lookups));
    if (lookups == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    const struct batch_config config = {
        .database = state->config->database,
        .schema_least = MONITOR_SCHEMA_LEAST,
        .schema_most = MONITOR_SCHEMA_MOST,
        .workers = WORKERS,
        .items_max = LIMIT_MONITOR_LOOKUPS,
        .waiting_max = LIMIT_MONITOR_WAITING,
        .run = on_run,
        .done = on_done,
        .ctx = lookups,
    };
    int is_ready = 1;
    for (size_t i = 0; i < WORKERS; i++)
        is_ready &= bench_init(&lookups->benches[i]);
    enum rc rc = is_ready ? batch_new(state->loop, &config, &lookups->batch, err)
                          : err_set(err, RC_RETRY, "out of memory");
    if (rc == RC_OK)
        *ret_lookups = lookups;
    else
        lookup_free(lookups);
    return rc;
}

void lookup_free(struct lookups *lookups)
{
    if (lookups->batch != NULL)
        batch_free(lookups->batch);
    for (size_t i = 0; i < WORKERS; i++)
        bench_done(&lookups->benches[i]);
    mem_free(lookups);
}

enum rc lookup_give(struct lookups *lookups, struct serve_job *job)
{
    return batch_give(lookups->batch, &job->item);
}

size_t lookup_under_way(const struct lookups *lookups)
{
    return batch_under_way(lookups->batch);
}
