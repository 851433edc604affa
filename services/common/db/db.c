/* One connection and its prepared statements.
   Invariant: once anything says that the connection is gone, is_gone stays set and no statement is
   sent any more; the caller must open another one, so a transaction never goes on half-way. */
#include "services/common/db/db.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/db/db_internal.h"
#include "services/common/db/db_sqlstate.h"

struct prepared {
    char *name;
    const char *sql; /* the caller's: statements are string literals or live as long */
};

struct db {
    PGconn *conn;
    int is_gone;
    char sqlstate[6];
    size_t prepared_count;
    struct prepared prepared[LIMIT_DB_STATEMENTS];
};

/* Of db_fail_nth; shared by all connections. */
static atomic_long fail_countdown;
static atomic_int fail_after_running;

enum fault { FAULT_NONE, FAULT_BEFORE, FAULT_AFTER };

void db_fail_nth(long n)
{
    atomic_store(&fail_after_running, n < 0);
    atomic_store(&fail_countdown, n < 0 ? -n : n);
}

static enum fault take_fault(void)
{
    if (atomic_load(&fail_countdown) == 0)
        return FAULT_NONE;
    if (atomic_fetch_sub(&fail_countdown, 1) != 1)
        return FAULT_NONE;
    return atomic_load(&fail_after_running) ? FAULT_AFTER : FAULT_BEFORE;
}

/* What an unplugged cable would do: libpq finds out by itself, on its own road. */
static void cut_cable(struct db *db)
{
    shutdown(PQsocket(db->conn), SHUT_RDWR);
}

enum rc db_open(const char *conninfo, const char *application_name, struct db **ret_db,
                struct err *err)
{
    struct db *db = mem_zalloc(sizeof(*db));
    if (db == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = db_connect(conninfo, application_name, &db->conn, err);
    if (rc != RC_OK) {
        mem_free(db);
        return rc;
    }
    *ret_db = db;
    return RC_OK;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->prepared_count; i++)
        mem_free(db->prepared[i].name);
    PQfinish(db->conn);
    mem_free(db);
}

int db_is_idle(const struct db *db)
{
    return PQtransactionStatus(db->conn) == PQTRANS_IDLE;
}

int db_is_alive(const struct db *db)
{
    /* An idle connection learns only by reading that the server has gone. */
    return !db->is_gone && PQstatus(db->conn) == CONNECTION_OK && PQconsumeInput(db->conn) &&
           PQstatus(db->conn) == CONNECTION_OK;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

static enum rc report_private(const char *place, const PGresult *result, enum rc rc,
                              struct err *err)
{
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (constraint != NULL && table != NULL)
        return err_set(err, rc, "%s: a row of %s violates %s", place, table, constraint);
    return err_set(err, rc, "%s: the database refuses a value (SQLSTATE %s)", place, code);
}

/* result: of the failed command, borrowed; NULL when there is not even that. */
static enum rc report(struct db *db, const char *place, const PGresult *result, struct err *err)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const struct db_sqlstate *state = db_sqlstate_find(code);
    snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", code == NULL ? "" : code);
    if (code == NULL && PQstatus(db->conn) == CONNECTION_OK)
        return err_set(err, RC_RETRY, "%s: out of memory", place); /* libpq's own, line intact */
    if (state->is_gone)
        db->is_gone = 1;
    if (code == NULL)
        return err_set(err, state->rc, "%s: lost the connection to the database", place);
    if (state->is_private)
        return report_private(place, result, state->rc, err);
    return err_set(err, state->rc, "%s: %s", place,
                   PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static int is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* A commit of a transaction that has failed succeeds, as a rollback. */
static int is_false_commit(const char *sql, const PGresult *result)
{
    return strncasecmp(sql, "commit", strlen("commit")) == 0 &&
           strcmp(PQcmdStatus((PGresult *)result), "ROLLBACK") == 0;
}

static enum rc lose(struct db *db, const char *place, struct err *err)
{
    db->is_gone = 1;
    db->sqlstate[0] = '\0';
    return err_set(err, RC_RETRY, "%s: lost the connection to the database", place);
}

enum rc db_exec(struct db *db, const char *sql, struct err *err)
{
    if (!db_is_alive(db))
        return lose(db, "database", err);
    enum fault fault = take_fault();
    if (fault == FAULT_BEFORE)
        cut_cable(db);
    PGresult *result = PQexec(db->conn, sql);
    enum rc rc = RC_OK;
    if (fault == FAULT_AFTER) {
        cut_cable(db);
        rc = lose(db, "database", err);
    } else if (!is_success(result)) {
        rc = report(db, "database", result, err);
    } else if (is_false_commit(sql, result)) {
        rc = err_set(err, RC_RETRY, "database: the transaction had failed and was rolled back");
    }
    PQclear(result);
    return rc;
}

static const struct prepared *find_prepared(const struct db *db, const char *name, const char *sql)
{
    for (size_t i = 0; i < db->prepared_count; i++) {
        const struct prepared *prepared = &db->prepared[i];
        if (strcmp(prepared->name, name) == 0) {
            CHECK(prepared->sql == sql || strcmp(prepared->sql, sql) == 0);
            return prepared;
        }
    }
    return NULL;
}

static enum rc prepare(struct db *db, const char *name, const char *sql,
                       const struct db_bound *bound, struct err *err)
{
    if (find_prepared(db, name, sql) != NULL)
        return RC_OK;
    CHECK(db->prepared_count < LIMIT_DB_STATEMENTS);
    char *copy = mem_strdup(name);
    if (copy == NULL)
        return err_set(err, RC_RETRY, "%s: out of memory", name);
    PGresult *result = PQprepare(db->conn, name, sql, bound->count, bound->oids);
    if (!is_success(result)) {
        enum rc rc = report(db, name, result, err);
        PQclear(result);
        mem_free(copy);
        return rc;
    }
    PQclear(result);
    db->prepared[db->prepared_count++] = (struct prepared){copy, sql};
    return RC_OK;
}

static enum rc execute(struct db *db, const char *name, const struct db_bound *bound,
                       struct db_result **ret_result, struct err *err)
{
    enum { BINARY = 1 };
    PGresult *result = PQexecPrepared(db->conn, name, bound->count, bound->values, bound->lengths,
                                      bound->formats, BINARY);
    if (!is_success(result)) {
        enum rc rc = report(db, name, result, err);
        PQclear(result);
        return rc;
    }
    if (ret_result != NULL)
        return db_result_new(result, ret_result, err);
    PQclear(result);
    return RC_OK;
}

enum rc db_run(struct db *db, const char *name, const char *sql, const struct db_params *params,
               struct db_result **ret_result, struct err *err)
{
    struct db_bound bound;
    struct err why;
    enum rc rc = db_params_bind(params, &bound, &why);
    if (rc != RC_OK)
        return err_set(err, rc, "%s: %s", name, why.text);
    if (!db_is_alive(db))
        return lose(db, name, err);
    enum fault fault = take_fault();
    if (fault == FAULT_BEFORE)
        cut_cable(db);
    rc = prepare(db, name, sql, &bound, err);
    if (rc != RC_OK)
        return rc;
    if (fault != FAULT_AFTER)
        return execute(db, name, &bound, ret_result, err);
    rc = execute(db, name, &bound, NULL, err);
    cut_cable(db);
    return rc != RC_OK ? rc : lose(db, name, err);
}

/* ---- several statements in one round trip ---- */

/* Sends every step, each of which is prepared, and the end of them. */
static int send_steps(struct db *db, const struct db_step *steps, size_t count)
{
    enum { BINARY = 1 };
    for (size_t i = 0; i < count; i++) {
        struct db_bound bound;
        struct err ignored; /* they were bound before */
        if (db_params_bind(steps[i].params, &bound, &ignored) != RC_OK ||
            !PQsendQueryPrepared(db->conn, steps[i].name, bound.count, bound.values, bound.lengths,
                                 bound.formats, BINARY))
            return 0;
    }
    return PQpipelineSync(db->conn);
}

static enum rc take_result(struct db *db, struct db_step *step, PGresult *result, struct err *err)
{
    enum rc rc = RC_OK;
    if (!is_success(result))
        rc = report(db, step->name, result, err);
    else if (is_false_commit(step->sql, result))
        rc = err_set(err, RC_RETRY, "%s: the transaction had failed and was rolled back",
                     step->name);
    else if (step->has_answer)
        return db_result_new(result, &step->result, err);
    PQclear(result);
    return rc;
}

/* Reads what belongs to one step, to its end, and keeps it unless a step before has failed. */
static enum rc receive_step(struct db *db, struct db_step *step, enum rc before, struct err *err)
{
    enum rc rc = before;
    PGresult *result = PQgetResult(db->conn);
    if (result == NULL && rc == RC_OK)
        rc = lose(db, step->name, err);
    for (; result != NULL; result = PQgetResult(db->conn)) {
        if (rc == RC_OK && step->result == NULL)
            rc = take_result(db, step, result, err);
        else
            PQclear(result);
    }
    return rc;
}

/* The server's word that all were dealt with; without it the connection is of no use. */
static enum rc receive_end(struct db *db, enum rc before, struct err *err)
{
    PGresult *result = PQgetResult(db->conn);
    int is_end = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    if (is_end && PQexitPipelineMode(db->conn))
        return before;
    db->is_gone = 1;
    return before != RC_OK ? before : lose(db, "database", err);
}

static enum rc prepare_steps(struct db *db, const struct db_step *steps, size_t count,
                             struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        struct db_bound bound;
        struct err why;
        rc = db_params_bind(steps[i].params, &bound, &why);
        if (rc != RC_OK)
            return err_set(err, rc, "%s: %s", steps[i].name, why.text);
        rc = prepare(db, steps[i].name, steps[i].sql, &bound, err);
    }
    return rc;
}

static enum rc run_steps(struct db *db, struct db_step *steps, size_t count, struct err *err)
{
    if (!PQenterPipelineMode(db->conn) || !send_steps(db, steps, count))
        return lose(db, "database", err);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < count && !db->is_gone; i++)
        rc = receive_step(db, &steps[i], rc, err);
    return receive_end(db, rc, err);
}

enum rc db_run_steps(struct db *db, struct db_step *steps, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        steps[i].result = NULL;
    if (!db_is_alive(db))
        return lose(db, "database", err);
    enum fault fault = take_fault();
    if (fault == FAULT_BEFORE)
        cut_cable(db);
    enum rc rc = prepare_steps(db, steps, count, err);
    if (rc == RC_OK)
        rc = run_steps(db, steps, count, err);
    if (fault == FAULT_AFTER) {
        cut_cable(db);
        rc = rc != RC_OK ? rc : lose(db, "database", err);
    }
    for (size_t i = 0; rc != RC_OK && i < count; i++) {
        db_result_free(steps[i].result);
        steps[i].result = NULL;
    }
    return rc;
}
