/* All records of a tenant, page by page. */
#include "services/common/base/limits.h"
#include "services/common/history/history_load.h"

static const char RECORDS[] = "select " HISTORY_RECORD_COLUMNS " from kasumori.record "
                              "where tenant = $1 and record_id > $2 order by record_id limit $3";

/* $1 tenant, $2 the record before the page, $3 a count or the page's last record. */
static struct db_params *range(const struct history_load *load, const struct uuid *after,
                               const struct uuid *last)
{
    const enum db_type types[] = {DB_TYPE_TEXT, DB_TYPE_UUID,
                                  last == NULL ? DB_TYPE_INT8 : DB_TYPE_UUID};
    static const int IS_ARRAY[] = {0, 0, 0};
    struct db_params *params = db_params_new(3, types, IS_ARRAY, LIMIT_STRING_BYTES);
    if (params == NULL) {
        err_set(load->err, RC_RETRY, "out of memory");
        return NULL;
    }
    db_put_text(params, 0, slice_str(load->tenant));
    db_put_uuid(params, 1, after);
    if (last == NULL)
        db_put_int(params, 2, LIMIT_HISTORY_PAGE);
    else
        db_put_uuid(params, 2, last);
    return params;
}

static enum rc fill_page(struct history_load *load, const struct db_result *rows,
                         struct history_page *page)
{
    struct fact_record *records = history_take(load, db_result_rows(rows), sizeof(*records));
    if (records == NULL)
        return load->err->rc;
    page->items = records;
    page->count = db_result_rows(rows);
    for (size_t i = 0; i < page->count; i++)
        if (!history_fill_record(load, rows, i, &records[i]))
            return load->err->rc;
    return RC_OK;
}

static enum rc load_rows(struct history_load *load, const struct uuid *after,
                         struct history_page *page)
{
    struct db_result *rows;
    struct db_params *params = range(load, after, NULL);
    if (params == NULL)
        return load->err->rc;
    enum rc rc = db_run(load->db, "history_records", RECORDS, params, &rows, load->err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    rc = fill_page(load, rows, page);
    db_result_free(rows);
    return rc;
}

static const struct uuid *last_of(const struct history_page *page)
{
    const struct fact_record *records = page->items;
    return &records[page->count - 1].id;
}

static enum rc load_page(struct history_load *load, const struct history_page *before,
                         struct history_page *page)
{
    static const struct uuid FIRST;
    const struct uuid *after = before == NULL ? &FIRST : last_of(before);
    enum rc rc = load_rows(load, after, page);
    if (rc != RC_OK || page->count == 0)
        return rc;
    struct db_params *params = range(load, after, last_of(page));
    if (params == NULL)
        return load->err->rc;
    rc = history_fill_lists(load, 0, params, page);
    db_params_free(params);
    return rc;
}

enum rc history_load_records(struct history_load *load)
{
    void *records;
    enum rc rc = history_load_pages(load, load_page, sizeof(struct fact_record), &records,
                                    &load->facts.records_count);
    if (rc == RC_OK)
        load->facts.records = records;
    return rc;
}
