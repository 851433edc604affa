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

static void *join(struct history_load *load, const struct history_page *page, size_t count,
                  size_t size)
{
    char *items = history_take(load, count, size);
    char *at = items;
    for (; items != NULL && page != NULL && page->count > 0; page = page->next) {
        memcpy(at, page->items, page->count * size);
        at += page->count * size;
    }
    return items;
}

enum rc history_load_pages(struct history_load *load, history_load_page *load_page, size_t size,
                           void **ret_items, size_t *ret_count)
{
    struct history_page *first = NULL, *before = NULL, *page;
    size_t count = 0;
    do {
        page = history_take(load, 1, sizeof(*page));
        if (page == NULL)
            return load->err->rc;
        enum rc rc = load_page(load, before, page);
        if (rc != RC_OK)
            return rc;
        *(before == NULL ? &first : &before->next) = page;
        before = page;
        count += page->count;
    } while (page->count == LIMIT_HISTORY_PAGE);
    void *items = join(load, first, count, size);
    if (items == NULL)
        return load->err->rc;
    *ret_items = items;
    *ret_count = count;
    return RC_OK;
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

static enum rc load_others(struct history_load *load, int64_t after_no)
{
    enum rc rc = history_load_decisions(load, after_no);
    if (rc == RC_OK)
        rc = history_load_policies(load);
    if (rc == RC_OK)
        rc = load_tick(load);
    return rc;
}

enum rc history_load_here(struct db *db, const char *tenant, struct arena *arena,
                          struct facts *ret_facts, struct err *err)
{
    struct err local;
    struct history_load load = {
        .db = db, .tenant = tenant, .arena = arena, .err = err == NULL ? &local : err};
    enum rc rc = history_load_records(&load);
    if (rc == RC_OK)
        rc = load_others(&load, 0);
    if (rc == RC_OK)
        *ret_facts = load.facts;
    return rc;
}

enum rc history_load_others(struct db *db, const char *tenant, int64_t after_no,
                            struct arena *arena, struct facts *ret_facts, struct err *err)
{
    struct err local;
    struct history_load load = {
        .db = db, .tenant = tenant, .arena = arena, .err = err == NULL ? &local : err};
    enum rc rc = load_others(&load, after_no);
    if (rc == RC_OK)
        *ret_facts = load.facts;
    return rc;
}

enum rc history_load(struct db *db, const char *tenant, struct arena *arena,
                     struct facts *ret_facts, struct err *err)
{
    struct facts facts;
    enum rc rc = db_exec(db, HISTORY_BEGIN, err);
    if (rc != RC_OK)
        return rc;
    rc = history_load_here(db, tenant, arena, &facts, err);
    enum rc end = db_exec(db, rc == RC_OK ? "commit" : "rollback", rc == RC_OK ? err : NULL);
    if (rc == RC_OK)
        rc = end;
    if (rc == RC_OK)
        *ret_facts = facts;
    return rc;
}
