/* Rows made whole, and the stored ones brought there by difference or compared. Invariant: a stored
   row that is as made is neither written nor locked; one process writes a tenant at a time, so what
   was read a moment ago still stands. */
#include "services/common/tables/tables.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/tables/surrogate.h"
#include "services/common/tables/table_desc.h"
#include "services/common/tables/table_fill.h"

enum { SQL_BYTES_MAX = 8 * 1024 };

enum statement { STATEMENT_DELETE, STATEMENT_WRITE, STATEMENT_COMPARE, STATEMENT_COUNT };

struct tables {
    struct db_params *params[TABLE_COUNT];
    struct buf sql[TABLE_COUNT][STATEMENT_COUNT];
    struct buf names[TABLE_COUNT][STATEMENT_COUNT];
    struct buf text;
    int64_t *class_numbers, *subject_numbers; /* in the scratch of tables_fill */
};

/* ---- statements ---- */

static void add_differs(struct buf *sql, const struct table_desc *desc)
{
    buf_add_str(sql, "(");
    table_desc_list(desc, sql, "t.", TABLE_OTHERS);
    buf_add_str(sql, ") is distinct from (");
    table_desc_list(desc, sql, "d.", TABLE_OTHERS);
    buf_add_str(sql, ")");
}

static void write_delete(const struct table_desc *desc, struct buf *sql)
{
    buf_addf(sql, "delete from kasumori.%s as t where t.tenant = $1 and not exists (select from ",
             desc->name);
    table_desc_made(desc, sql, TABLE_ALL);
    buf_add_str(sql, " where ");
    table_desc_same_key(desc, sql);
    buf_add_str(sql, ")");
}

static void write_write(const struct table_desc *desc, struct buf *sql)
{
    buf_addf(sql, "insert into kasumori.%s (tenant, ", desc->name);
    table_desc_list(desc, sql, "", TABLE_ALL);
    buf_add_str(sql, ") select $1, ");
    table_desc_list(desc, sql, "d.", TABLE_ALL);
    buf_add_str(sql, " from ");
    table_desc_made(desc, sql, TABLE_ALL);
    buf_addf(sql, " left join kasumori.%s as t on t.tenant = $1 and ", desc->name);
    table_desc_same_key(desc, sql);
    buf_add_str(sql, " where t.tenant is null or ");
    add_differs(sql, desc);
    buf_add_str(sql, " on conflict (tenant, ");
    table_desc_list(desc, sql, "", TABLE_KEYS);
    buf_add_str(sql, ") do update set (");
    table_desc_list(desc, sql, "", TABLE_OTHERS);
    buf_add_str(sql, ") = row(");
    table_desc_list(desc, sql, "excluded.", TABLE_OTHERS);
    buf_add_str(sql, ")");
}

static void write_compare(const struct table_desc *desc, struct buf *sql)
{
    buf_add_str(sql, "select case when t.tenant is null then 'missing' when d.is_made is null then "
                     "'extra' else 'differs' end as how, concat_ws(' '");
    for (size_t i = 1; i < desc->columns_count; i++)
        if (desc->columns[i].is_key)
            buf_addf(sql, ", coalesce(d.%s, t.%s)", desc->columns[i].name, desc->columns[i].name);
    buf_add_str(sql, ") as key, count(*) over () from (select d.*, true as is_made from ");
    table_desc_made(desc, sql, TABLE_ALL);
    buf_addf(sql, ") as d full join (select * from kasumori.%s where tenant = $1) as t on ",
             desc->name);
    table_desc_same_key(desc, sql);
    buf_add_str(sql, " where t.tenant is null or d.is_made is null or ");
    add_differs(sql, desc);
    buf_addf(sql, " order by 1, 2 limit %d", TABLES_TOLD_MAX);
}

static int make_statements(struct tables *tables, size_t table)
{
    static const char *const VERBS[STATEMENT_COUNT] = {"delete", "write", "compare"};
    const struct table_desc *desc = &table_descs[table];
    struct buf *sql = tables->sql[table];
    write_delete(desc, &sql[STATEMENT_DELETE]);
    write_write(desc, &sql[STATEMENT_WRITE]);
    write_compare(desc, &sql[STATEMENT_COMPARE]);
    int is_failed = 0;
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        buf_addf(&tables->names[table][i], "tables_%s_%s", VERBS[i], desc->name);
        is_failed |= sql[i].is_failed | tables->names[table][i].is_failed;
    }
    return !is_failed;
}

struct tables *tables_new(void)
{
    struct tables *tables = mem_zalloc(sizeof(*tables));
    if (tables == NULL)
        return NULL;
    buf_init(&tables->text, LIMIT_TABLES_COLUMN_BYTES);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (size_t k = 0; k < STATEMENT_COUNT; k++) {
            buf_init(&tables->sql[i][k], SQL_BYTES_MAX);
            buf_init(&tables->names[i][k], SQL_BYTES_MAX);
        }
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        tables->params[i] =
            table_desc_params(&table_descs[i], TABLE_ALL, LIMIT_TABLES_COLUMN_BYTES);
        if (tables->params[i] == NULL || !make_statements(tables, i)) {
            tables_free(tables);
            return NULL;
        }
    }
    return tables;
}

void tables_free(struct tables *tables)
{
    if (tables == NULL)
        return;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        db_params_free(tables->params[i]);
        for (size_t k = 0; k < STATEMENT_COUNT; k++) {
            buf_done(&tables->sql[i][k]);
            buf_done(&tables->names[i][k]);
        }
    }
    buf_done(&tables->text);
    mem_free(tables);
}

/* ---- rows ---- */

size_t tables_rows(const struct tables *tables, enum table table)
{
    return db_params_rows(tables->params[table], TENANT + 1);
}

const struct db_params *tables_params(const struct tables *tables, enum table table)
{
    return tables->params[table];
}

int64_t tables_class_number(const struct tables *tables, size_t class)
{
    return tables->class_numbers[class];
}

int64_t tables_subject_number(const struct tables *tables, size_t subject)
{
    return tables->subject_numbers[subject];
}

enum { NAME_BYTES_MAX = 64 };

/* "class" or "subject", 0, then what names it; all in the arena. */
static enum rc number(struct tables *tables, struct table_fill *fill, int is_class,
                      int64_t **ret_numbers, struct err *err)
{
    const struct derived *d = fill->d;
    size_t count = is_class ? d->classes_count : d->subjects_count;
    struct slice *names = arena_alloc(fill->arena, (count + 1) * sizeof(*names));
    int64_t *numbers = arena_alloc(fill->arena, (count + 1) * sizeof(*numbers));
    for (size_t i = 0; names != NULL && i < count; i++) {
        struct buf *text = &tables->text;
        buf_reset(text);
        if (is_class) {
            buf_add(text, "class", sizeof("class"));
            table_put_token(text, &d->tokens[d->classes[i].tokens[0]]);
        } else {
            const struct subject_name *name = &d->subjects[i].name;
            buf_add(text, "subject", sizeof("subject"));
            buf_add(text, name->record->bytes, UUID_BYTES);
            table_put_be(text, name->ordinal, 4);
            table_put_token(text, name->token);
        }
        const void *copy = arena_copy(fill->arena, text->data, text->size);
        names[i] = slice_of(copy, text->size);
        if (copy == NULL)
            names = NULL;
    }
    if (names == NULL || numbers == NULL)
        return err_set(err, RC_FULL, "numbering needs more memory than allowed");
    enum rc rc = surrogate_assign(names, count, SURROGATE_BITS, fill->arena, numbers, err);
    if (rc == RC_OK)
        *ret_numbers = numbers;
    return rc;
}

static enum rc index_mentions(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    size_t *first = arena_alloc(fill->arena, (d->effectives_count + 1) * sizeof(*first));
    size_t m = 0;
    if (first == NULL)
        return err_set(err, RC_FULL, "the rows need more memory than allowed");
    for (size_t e = 0; e <= d->effectives_count; e++) {
        while (m < d->mentions_count && d->mentions[m].effective < e)
            m++;
        first[e] = m;
    }
    fill->mentions_of = first;
    return RC_OK;
}

enum rc tables_fill(struct tables *tables, const struct tables_source *source,
                    struct arena *scratch, struct err *err)
{
    static enum rc (*const MAKERS[])(struct table_fill * fill, struct err * err) = {
        table_fill_identity, table_fill_happening, table_fill_rollup,
        table_fill_figures,  table_fill_verdicts,  table_fill_review};
    struct table_fill fill = {
        .d = source->derived, .arena = scratch, .linking_version = source->linking_version};
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        fill.params[i] = tables->params[i];
        db_params_reset(tables->params[i]);
        db_put_text(tables->params[i], TENANT, source->tenant);
    }
    enum rc rc = number(tables, &fill, 1, &tables->class_numbers, err);
    if (rc == RC_OK)
        rc = number(tables, &fill, 0, &tables->subject_numbers, err);
    if (rc == RC_OK)
        rc = index_mentions(&fill, err);
    fill.class_numbers = tables->class_numbers;
    fill.subject_numbers = tables->subject_numbers;
    fill.text = tables->text; /* lent */
    for (size_t i = 0; rc == RC_OK && i < sizeof(MAKERS) / sizeof(MAKERS[0]); i++)
        rc = MAKERS[i](&fill, err);
    if (rc == RC_OK && fill.text.is_failed)
        rc = err_set(err, RC_FULL, "the rows need more memory than allowed");
    tables->text = fill.text;
    return rc;
}

/* ---- statements run ---- */

static enum rc run(const struct tables *tables, struct db *db, size_t table,
                   enum statement statement, struct db_result **ret_result, struct err *err)
{
    return db_run(db, (const char *)tables->names[table][statement].data,
                  (const char *)tables->sql[table][statement].data, tables->params[table],
                  ret_result, err);
}

enum rc tables_write(const struct tables *tables, struct db *db, struct tables_counts *counts,
                     struct err *err)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        struct db_result *result;
        enum rc rc = run(tables, db, i, STATEMENT_DELETE, &result, err);
        if (rc != RC_OK)
            return rc;
        counts->deleted += db_result_affected(result);
        db_result_free(result);
        rc = run(tables, db, i, STATEMENT_WRITE, &result, err);
        if (rc != RC_OK)
            return rc;
        counts->written += db_result_affected(result);
        db_result_free(result);
    }
    return RC_OK;
}

enum rc tables_compare(const struct tables *tables, struct db *db, tables_difference *tell,
                       void *ctx, uint64_t *ret_count, struct err *err)
{
    uint64_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        struct db_result *result;
        enum rc rc = run(tables, db, i, STATEMENT_COMPARE, &result, err);
        if (rc != RC_OK)
            return rc;
        size_t rows = db_result_rows(result);
        for (size_t row = 0; row < rows; row++)
            tell(ctx, table_descs[i].name, db_result_bytes(result, row, 0),
                 db_result_bytes(result, row, 1));
        count += rows == 0 ? 0 : (uint64_t)db_result_int(result, 0, 2);
        db_result_free(result);
    }
    *ret_count = count;
    return RC_OK;
}
