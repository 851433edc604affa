/* One tenant's facts as one snapshot.
   Invariant: whatever happens, the transaction is over when history_load returns. */
#include "services/common/history/history.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_load.h"

void *history_take(struct history_load *load, size_t count, size_t size)
{
    size_t bytes;
    void *p = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes))
        p = arena_zalloc(load->arena, bytes == 0 ? 1 : bytes);
    if (p == NULL)
        err_set(load->err, RC_FULL, "the tenant's history needs more memory than may be taken");
    return p;
}

int history_keep(struct history_load *load, struct slice text, struct slice *ret_text)
{
    if (text.size == 0) {
        *ret_text = slice_of(NULL, 0);
        return 1;
    }
    uint8_t *copy = history_take(load, text.size, 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, text.data, text.size);
    *ret_text = slice_of(copy, text.size);
    return 1;
}

static enum rc load_tick(struct history_load *load)
{
    static const char SQL[] = "select max(as_of) from kasumori.tick where tenant = $1";
    static const enum db_type TYPES[] = {DB_TYPE_TEXT};
    static const int IS_ARRAY[] = {0};
    struct db_result *result;
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, LIMIT_STRING_BYTES);
    if (params == NULL)
        return err_set(load->err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(load->tenant));
    enum rc rc = db_run(load->db, "history_tick", SQL, params, &result, load->err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    load->facts.has_tick = !db_result_is_null(result, 0, 0);
    load->facts.as_of_us = db_result_time(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}

static enum rc load_all(struct history_load *load)
{
    enum rc rc = history_load_records(load);
    if (rc == RC_OK)
        rc = history_load_decisions(load);
    if (rc == RC_OK)
        rc = history_load_policies(load);
    if (rc == RC_OK)
        rc = load_tick(load);
    return rc;
}

enum rc history_load(struct db *db, const char *tenant, struct arena *arena,
                     struct facts *ret_facts, struct err *err)
{
    struct err local;
    struct history_load load = {
        .db = db, .tenant = tenant, .arena = arena, .err = err == NULL ? &local : err};
    enum rc rc = db_exec(db, "begin transaction isolation level repeatable read read only", err);
    if (rc != RC_OK)
        return rc;
    rc = load_all(&load);
    enum rc end = db_exec(db, rc == RC_OK ? "commit" : "rollback", rc == RC_OK ? err : NULL);
    if (rc == RC_OK)
        rc = end;
    if (rc == RC_OK)
        *ret_facts = load.facts;
    return rc;
}
