/* Decisions, whose bodies PostgreSQL takes apart into rows.
   Invariant: a key that a body lacks is empty, so that a decision that says too little is inert; a
   key of a wrong type stops the load, because no program of ours writes one. */
#include <inttypes.h>
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_load.h"
#include "services/common/history/history_names.h"

#define RANGE "where tenant = $1 and decision_no > $2 and decision_no <= $3 "

static const char DECISIONS[] =
    "select decision_no, kind, coalesce(body ->> 'value', ''), "
    "(body ->> 'no_revoked')::bigint, (body ->> 'ordinal')::bigint, "
    "decode(body ->> 'handle', 'hex'), coalesce(body ->> 'name', body ->> 'rule'), "
    "(body ->> 'until')::bigint, made_by, second_by, made_at from kasumori.decision "
    "where tenant = $1 and decision_no > $2 order by decision_no limit $3";

enum {
    DECISION_NO,
    DECISION_KIND,
    DECISION_VALUE,
    DECISION_REVOKED,
    DECISION_ORDINAL,
    DECISION_HANDLE,
    DECISION_NAME,
    DECISION_UNTIL,
    DECISION_MADE_BY,
    DECISION_SECOND_BY,
    DECISION_MADE_AT,
};

static const char RECORDS[] =
    "select decision_no, named::uuid from kasumori.decision cross join lateral ("
    "select named, place from jsonb_array_elements_text(coalesce(body -> 'records', '[]')) "
    "with ordinality as list (named, place) "
    "union all select body ->> 'record', 0 where body ? 'record') as names " RANGE
    "order by decision_no, place";

static const char CLASSES[] =
    "select decision_no, (class -> 'token' ->> 0)::bigint, (class -> 'token' ->> 1)::bigint, "
    "(class -> 'token' ->> 2)::uuid, (class ->> 'at')::bigint "
    "from kasumori.decision cross join lateral ("
    "select class, place from jsonb_array_elements(coalesce(body -> 'classes', '[]')) "
    "with ordinality as list (class, place) "
    "union all select body -> 'a', 1 where body ? 'a' "
    "union all select body -> 'b', 2 where body ? 'b' "
    "union all select body -> 'class', 1 where body ? 'class') as names " RANGE
    "order by decision_no, place";

enum { CLASS_KIND = 1, CLASS_KEY_ID, CLASS_MAC, CLASS_AT };

static const char SCOPES[] =
    "select decision_no, site from kasumori.decision cross join lateral "
    "jsonb_array_elements_text(coalesce(body -> 'scope', '[]')) "
    "with ordinality as list (site, place) " RANGE "order by decision_no, place";

struct rows {
    struct db_result *result;
    size_t at;
};

/* $3: a count, or the last number of the page. */
static enum rc query(struct history_load *load, const char *name, const char *sql,
                     const int64_t bounds[2], struct db_result **ret_rows)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0, 0, 0};
    struct db_params *params = db_params_new(3, TYPES, IS_ARRAY, LIMIT_STRING_BYTES);
    if (params == NULL)
        return err_set(load->err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(load->tenant));
    db_put_int(params, 1, bounds[0]);
    db_put_int(params, 2, bounds[1]);
    enum rc rc = db_run(load->db, name, sql, params, ret_rows, load->err);
    db_params_free(params);
    if (rc == RC_REJECT)
        rc =
            err_set(load->err, RC_CORRUPT,
                    "a decision after number %" PRId64 " holds a value of a wrong type", bounds[0]);
    return rc;
}

/* ---- lists of a decision ---- */

/* How many of the rows from rows->at on are about the decision. */
static size_t count_of(const struct rows *rows, int64_t no)
{
    size_t end = rows->at;
    while (end < db_result_rows(rows->result) && db_result_int(rows->result, end, 0) == no)
        end++;
    return end - rows->at;
}

static int add_records(struct history_load *load, struct rows *rows, size_t count,
                       struct fact_decision *decision)
{
    struct uuid *records = history_take(load, count, sizeof(*records));
    if (records == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        records[i] = db_result_uuid(rows->result, rows->at + i, 1);
    decision->records = records;
    decision->records_count = count;
    return 1;
}

static int add_classes(struct history_load *load, struct rows *rows, size_t count,
                       struct fact_decision *decision)
{
    struct fact_class *classes = history_take(load, count, sizeof(*classes));
    if (classes == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows->at + i;
        struct uuid mac = db_result_uuid(rows->result, row, CLASS_MAC);
        classes[i].token.kind = (uint32_t)db_result_int(rows->result, row, CLASS_KIND);
        classes[i].token.key_id = (uint32_t)db_result_int(rows->result, row, CLASS_KEY_ID);
        classes[i].at_us = db_result_int(rows->result, row, CLASS_AT);
        memcpy(classes[i].token.mac, mac.bytes, FACT_MAC_BYTES);
    }
    decision->classes = classes;
    decision->classes_count = count;
    return 1;
}

static int add_scope(struct history_load *load, struct rows *rows, size_t count,
                     struct fact_decision *decision)
{
    struct slice *scope = history_take(load, count, sizeof(*scope));
    if (scope == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!history_keep(load, db_result_bytes(rows->result, rows->at + i, 1), &scope[i]))
            return 0;
    decision->scope = scope;
    decision->scope_count = count;
    return 1;
}

struct list_query {
    const char *name;
    const char *sql;
    int (*add)(struct history_load *load, struct rows *rows, size_t count,
               struct fact_decision *decision);
};

static const struct list_query LISTS[] = {
    {"history_decision_records", RECORDS, add_records},
    {"history_decision_classes", CLASSES, add_classes},
    {"history_decision_scopes", SCOPES, add_scope},
};

static enum rc add_list(struct history_load *load, const struct list_query *list, int64_t after,
                        struct history_page *page)
{
    struct rows rows = {0};
    struct fact_decision *decisions = page->items;
    const int64_t bounds[2] = {after, decisions[page->count - 1].no};
    enum rc rc = query(load, list->name, list->sql, bounds, &rows.result);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; rc == RC_OK && i < page->count; i++) {
        size_t count = count_of(&rows, decisions[i].no);
        if (count > 0 && !list->add(load, &rows, count, &decisions[i]))
            rc = load->err->rc;
        rows.at += count;
    }
    db_result_free(rows.result);
    return rc;
}

/* ---- pages ---- */

static enum rc set_value(struct history_load *load, struct slice value,
                         struct fact_decision *decision)
{
    if (decision->kind == FACT_DECISION_VERDICT && !history_verdict_find(value, &decision->verdict))
        return err_set(load->err, RC_CORRUPT, "decision %" PRId64 ": unknown verdict",
                       decision->no);
    if (decision->kind == FACT_DECISION_PIN_SHARED) {
        decision->is_yes = slice_is_equal(value, slice_str("true"));
        if (!decision->is_yes && !slice_is_equal(value, slice_str("false")))
            return err_set(load->err, RC_CORRUPT, "decision %" PRId64 ": value is no boolean",
                           decision->no);
    }
    return RC_OK;
}

static enum rc fill_decision(struct history_load *load, const struct db_result *rows, size_t row,
                             struct fact_decision *decision)
{
    struct slice handle = db_result_bytes(rows, row, DECISION_HANDLE);
    *decision = (struct fact_decision){
        .no = db_result_int(rows, row, DECISION_NO),
        .revoked_no = db_result_int(rows, row, DECISION_REVOKED),
        .ordinal = (uint32_t)db_result_int(rows, row, DECISION_ORDINAL),
        .until_us = db_result_int(rows, row, DECISION_UNTIL),
        .made_us = db_result_time(rows, row, DECISION_MADE_AT),
    };
    if (!history_decision_find(db_result_bytes(rows, row, DECISION_KIND), &decision->kind))
        return err_set(load->err, RC_CORRUPT, "decision %" PRId64 ": unknown kind", decision->no);
    if (handle.size != 0 && handle.size != FACT_MAC_BYTES)
        return err_set(load->err, RC_CORRUPT, "decision %" PRId64 ": want a handle of %d bytes",
                       decision->no, FACT_MAC_BYTES);
    if (handle.size > 0)
        memcpy(decision->handle, handle.data, handle.size);
    if (!history_keep(load, db_result_bytes(rows, row, DECISION_NAME), &decision->name) ||
        !history_keep(load, db_result_bytes(rows, row, DECISION_MADE_BY), &decision->made_by) ||
        !history_keep(load, db_result_bytes(rows, row, DECISION_SECOND_BY), &decision->second_by))
        return load->err->rc;
    return set_value(load, db_result_bytes(rows, row, DECISION_VALUE), decision);
}

static enum rc fill_page(struct history_load *load, const struct db_result *rows,
                         struct history_page *page)
{
    enum rc rc = RC_OK;
    struct fact_decision *decisions = history_take(load, db_result_rows(rows), sizeof(*decisions));
    if (decisions == NULL)
        return load->err->rc;
    page->items = decisions;
    page->count = db_result_rows(rows);
    for (size_t i = 0; rc == RC_OK && i < page->count; i++)
        rc = fill_decision(load, rows, i, &decisions[i]);
    return rc;
}

static enum rc load_page(struct history_load *load, const struct history_page *before,
                         struct history_page *page)
{
    struct db_result *rows;
    int64_t after = load->decisions_after;
    if (before != NULL)
        after = ((const struct fact_decision *)before->items)[before->count - 1].no;
    const int64_t bounds[2] = {after, LIMIT_HISTORY_PAGE};
    enum rc rc = query(load, "history_decisions", DECISIONS, bounds, &rows);
    if (rc != RC_OK)
        return rc;
    rc = fill_page(load, rows, page);
    db_result_free(rows);
    for (size_t i = 0; rc == RC_OK && page->count > 0 && i < sizeof(LISTS) / sizeof(LISTS[0]); i++)
        rc = add_list(load, &LISTS[i], after, page);
    return rc;
}

enum rc history_load_decisions(struct history_load *load, int64_t after_no)
{
    void *decisions;
    load->decisions_after = after_no;
    enum rc rc = history_load_pages(load, load_page, sizeof(struct fact_decision), &decisions,
                                    &load->facts.decisions_count);
    if (rc == RC_OK)
        load->facts.decisions = decisions;
    return rc;
}
