/* Rows without and with what is new, compared in memory. Invariant: each row that goes or changes
   is counted when it is written, so that stored rows that are not as believed are noticed, not
   built on. */
#include "services/common/tables/table_delta.h"

#include <endian.h>
#include <stdlib.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/tables/table_desc.h"
#include "services/common/tables/table_fill.h"

enum { SQL_BYTES_MAX = 8 * 1024 };

enum change { CHANGE_DELETE, CHANGE_INSERT, CHANGE_UPDATE, CHANGE_ADD, CHANGE_SWEEP, CHANGE_COUNT };

/* In this order: a sum that came to nothing goes after it was added up. */
static const struct {
    const char *verb;
    int wanted;
} CHANGES[CHANGE_COUNT] = {
    [CHANGE_DELETE] = {"delta_delete", TABLE_KEYS}, [CHANGE_INSERT] = {"delta_insert", TABLE_ALL},
    [CHANGE_UPDATE] = {"delta_update", TABLE_ALL},  [CHANGE_ADD] = {"delta_add", TABLE_ALL},
    [CHANGE_SWEEP] = {"delta_sweep", TABLE_KEYS},
};

struct table_delta {
    struct db_params *params[TABLE_COUNT][CHANGE_COUNT];
    struct buf sql[TABLE_COUNT][CHANGE_COUNT];
    struct buf names[TABLE_COUNT][CHANGE_COUNT];
};

/* ---- statements ---- */

/* The rows given, each with the place of the stored one. The limit fixes the order: planned over an
   empty table, a plain join walks the tenant's whole table for each row given. */
static void write_found(const struct table_desc *desc, struct buf *sql, int wanted)
{
    table_desc_made(desc, sql, wanted);
    buf_addf(sql, " cross join lateral (select t.ctid as place from kasumori.%s as t ", desc->name);
    buf_add_str(sql, "where t.tenant = $1 and ");
    table_desc_same_key(desc, sql);
    buf_add_str(sql, " limit 1) as found where t.ctid = found.place");
}

static void write_delete(const struct table_desc *desc, struct buf *sql)
{
    buf_addf(sql, "delete from kasumori.%s as t using ", desc->name);
    write_found(desc, sql, TABLE_KEYS);
}

static void write_insert(const struct table_desc *desc, struct buf *sql)
{
    buf_addf(sql, "insert into kasumori.%s as t (tenant, ", desc->name);
    table_desc_list(desc, sql, "", TABLE_ALL);
    buf_add_str(sql, ") select $1, ");
    table_desc_list(desc, sql, "d.", TABLE_ALL);
    buf_add_str(sql, " from ");
    table_desc_made(desc, sql, TABLE_ALL);
}

static void write_update(const struct table_desc *desc, struct buf *sql)
{
    buf_addf(sql, "update kasumori.%s as t set (", desc->name);
    table_desc_list(desc, sql, "", TABLE_OTHERS);
    buf_add_str(sql, ") = row(");
    table_desc_list(desc, sql, "d.", TABLE_OTHERS);
    buf_add_str(sql, ") from ");
    write_found(desc, sql, TABLE_ALL);
}

/* Gives how many sums fell below nothing, which none can. */
static void write_add(const struct table_desc *desc, struct buf *sql)
{
    const char *comma = "";
    buf_add_str(sql, "with added as (");
    write_insert(desc, sql);
    buf_add_str(sql, " on conflict (tenant, ");
    table_desc_list(desc, sql, "", TABLE_KEYS);
    buf_add_str(sql, ") do update set ");
    for (size_t i = 1; i < desc->columns_count; i++) {
        const char *name = desc->columns[i].name;
        if (desc->columns[i].is_key)
            continue;
        buf_addf(sql, "%s%s = t.%s + excluded.%s", comma, name, name, name);
        comma = ", ";
    }
    buf_add_str(sql, " returning least(");
    table_desc_list(desc, sql, "t.", TABLE_OTHERS);
    buf_add_str(sql, ") as least) select count(*), count(*) filter (where least < 0) from added");
}

static void write_sweep(const struct table_desc *desc, struct buf *sql)
{
    write_delete(desc, sql);
    for (size_t i = 1; i < desc->columns_count; i++)
        if (!desc->columns[i].is_key)
            buf_addf(sql, " and t.%s = 0", desc->columns[i].name);
}

static int make_table(struct table_delta *delta, size_t table)
{
    static void (*const WRITERS[CHANGE_COUNT])(const struct table_desc *desc, struct buf *sql) = {
        write_delete, write_insert, write_update, write_add, write_sweep};
    int is_well = 1;
    for (size_t i = 0; i < CHANGE_COUNT; i++) {
        const struct table_desc *desc = &table_descs[table];
        struct buf *sql = &delta->sql[table][i], *name = &delta->names[table][i];
        WRITERS[i](desc, sql);
        buf_addf(name, "%s_%s", CHANGES[i].verb, desc->name);
        delta->params[table][i] =
            table_desc_params(desc, CHANGES[i].wanted, LIMIT_TABLES_COLUMN_BYTES);
        is_well &= !sql->is_failed && !name->is_failed && delta->params[table][i] != NULL;
    }
    return is_well;
}

struct table_delta *table_delta_new(void)
{
    struct table_delta *delta = mem_zalloc(sizeof(*delta));
    int is_well = delta != NULL;
    for (size_t i = 0; delta != NULL && i < TABLE_COUNT; i++)
        for (size_t k = 0; k < CHANGE_COUNT; k++) {
            buf_init(&delta->sql[i][k], SQL_BYTES_MAX);
            buf_init(&delta->names[i][k], SQL_BYTES_MAX);
        }
    for (size_t i = 0; is_well && i < TABLE_COUNT; i++)
        is_well = make_table(delta, i);
    if (is_well)
        return delta;
    table_delta_free(delta);
    return NULL;
}

void table_delta_free(struct table_delta *delta)
{
    if (delta == NULL)
        return;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (size_t k = 0; k < CHANGE_COUNT; k++) {
            db_params_free(delta->params[i][k]);
            buf_done(&delta->sql[i][k]);
            buf_done(&delta->names[i][k]);
        }
    mem_free(delta);
}

/* ---- rows ---- */

/* Elements as they travel: first the key's, then the others. */
struct row {
    const uint8_t *bytes;
    size_t key_size, size;
};

struct rows {
    struct row *items;
    size_t count;
};

static int compare_keys(const struct row *a, const struct row *b)
{
    size_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp(a->bytes, b->bytes, size);
    return order != 0 ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static int compare_rows(const void *a, const void *b)
{
    return compare_keys(a, b);
}

static int is_same(const struct row *a, const struct row *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static int take_row(const struct db_params *params, const struct table_desc *desc, size_t *places,
                    struct arena *arena, struct row *row)
{
    struct slice elements[LIMIT_DB_COLUMNS];
    size_t size = 0;
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!db_params_next(params, i, &places[i], &elements[i]))
            return 0;
        size += elements[i].size;
    }
    uint8_t *at = arena_alloc(arena, size + 1);
    if (at == NULL)
        return 0;
    row->bytes = at;
    row->size = size;
    for (int is_key = 1; is_key >= 0; is_key--) {
        for (size_t i = 1; i < desc->columns_count; i++)
            if (desc->columns[i].is_key == is_key) {
                memcpy(at, elements[i].data, elements[i].size);
                at += elements[i].size;
            }
        if (is_key)
            row->key_size = (size_t)(at - row->bytes);
    }
    return 1;
}

static enum rc drop_doubles(const struct table_desc *desc, struct rows *rows, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (kept == 0 || compare_keys(&rows->items[kept - 1], &rows->items[i]) != 0)
            rows->items[kept++] = rows->items[i];
        else if (!desc->has_doubles)
            return err_set(err, RC_CORRUPT, "two rows of %s have one key", desc->name);
    }
    rows->count = kept;
    return RC_OK;
}

static enum rc take_rows(const struct tables *tables, size_t table, struct arena *arena,
                         struct rows *rows, struct err *err)
{
    const struct db_params *params = tables_params(tables, table);
    const struct table_desc *desc = &table_descs[table];
    size_t places[LIMIT_DB_COLUMNS] = {0};
    enum rc rc = db_params_check(params, err);
    if (rc != RC_OK)
        return rc;
    rows->count = tables_rows(tables, table);
    rows->items = arena_alloc(arena, (rows->count + 1) * sizeof(*rows->items));
    for (size_t i = 0; rows->items != NULL && i < rows->count; i++)
        if (!take_row(params, desc, places, arena, &rows->items[i]))
            rows->items = NULL;
    if (rows->items == NULL)
        return err_set(err, RC_FULL, "comparing rows needs more memory than allowed");
    qsort(rows->items, rows->count, sizeof(*rows->items), compare_rows);
    return drop_doubles(desc, rows, err);
}

/* ---- changes ---- */

static struct slice next_element(const uint8_t **at)
{
    uint32_t wire;
    memcpy(&wire, *at, sizeof(wire));
    struct slice element = slice_of(*at, sizeof(wire) + (wire == UINT32_MAX ? 0 : be32toh(wire)));
    *at += element.size;
    return element;
}

static void put_row(struct db_params *params, const struct table_desc *desc, const struct row *row,
                    int wanted)
{
    const uint8_t *at = row->bytes;
    size_t keys = 0;
    for (size_t i = 1; i < desc->columns_count && wanted == TABLE_KEYS; i++)
        if (desc->columns[i].is_key)
            db_put_element(params, ++keys, next_element(&at));
    for (int is_key = 1; is_key >= 0 && wanted == TABLE_ALL; is_key--)
        for (size_t i = 1; i < desc->columns_count; i++)
            if (desc->columns[i].is_key == is_key)
                db_put_element(params, i, next_element(&at));
}

static int64_t next_sum(const uint8_t **at)
{
    uint64_t wire;
    struct slice element = next_element(at);
    CHECK(element.size == sizeof(uint32_t) + sizeof(wire)); /* a bigint that is no null */
    memcpy(&wire, element.data + sizeof(uint32_t), sizeof(wire));
    return (int64_t)be64toh(wire);
}

/* The sums of after less those of before; either may be NULL. */
static void put_sums(struct table_delta *delta, size_t table, const struct row *before,
                     const struct row *after)
{
    const struct table_desc *desc = &table_descs[table];
    const struct row *key = before == NULL ? after : before;
    const uint8_t *key_at = key->bytes;
    const uint8_t *was = before == NULL ? NULL : before->bytes + before->key_size;
    const uint8_t *is = after == NULL ? NULL : after->bytes + after->key_size;
    struct db_params *params = delta->params[table][CHANGE_ADD];
    int is_less = 0;
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (desc->columns[i].is_key) {
            db_put_element(params, i, next_element(&key_at));
            continue;
        }
        int64_t more = (is == NULL ? 0 : next_sum(&is)) - (was == NULL ? 0 : next_sum(&was));
        db_put_int(params, i, more);
        is_less |= more < 0;
    }
    if (is_less) /* it may have come to nothing */
        put_row(delta->params[table][CHANGE_SWEEP], desc, key, TABLE_KEYS);
}

static void put_change(struct table_delta *delta, size_t table, const struct row *before,
                       const struct row *after)
{
    const struct table_desc *desc = &table_descs[table];
    if (before != NULL && after != NULL && is_same(before, after))
        return;
    if (desc->is_sum)
        put_sums(delta, table, before, after);
    else if (after == NULL)
        put_row(delta->params[table][CHANGE_DELETE], desc, before, TABLE_KEYS);
    else
        put_row(delta->params[table][before == NULL ? CHANGE_INSERT : CHANGE_UPDATE], desc, after,
                TABLE_ALL);
}

static void compare(struct table_delta *delta, size_t table, const struct rows *before,
                    const struct rows *after)
{
    size_t b = 0, a = 0;
    while (b < before->count || a < after->count) {
        int order = b == before->count  ? 1
                    : a == after->count ? -1
                                        : compare_keys(&before->items[b], &after->items[a]);
        put_change(delta, table, order <= 0 ? &before->items[b] : NULL,
                   order >= 0 ? &after->items[a] : NULL);
        b += order <= 0;
        a += order >= 0;
    }
}

enum rc table_delta_make(struct table_delta *delta, const struct tables *before,
                         const struct tables *after, struct arena *scratch, struct err *err)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        struct rows was, is;
        size_t tenant_at = 0;
        struct slice tenant;
        enum rc rc = take_rows(before, i, scratch, &was, err);
        if (rc == RC_OK)
            rc = take_rows(after, i, scratch, &is, err);
        if (rc != RC_OK)
            return rc;
        CHECK(db_params_next(tables_params(after, i), TENANT, &tenant_at, &tenant));
        for (size_t k = 0; k < CHANGE_COUNT; k++) {
            db_params_reset(delta->params[i][k]);
            db_put_element(delta->params[i][k], TENANT, tenant);
        }
        compare(delta, i, &was, &is);
    }
    return RC_OK;
}

int table_delta_has(const struct table_delta *delta, enum table table)
{
    for (size_t k = 0; k < CHANGE_COUNT; k++)
        if (db_params_rows(delta->params[table][k], TENANT + 1) > 0)
            return 1;
    return 0;
}

/* ---- writing ---- */

static int is_as_believed(enum change change, const struct db_result *result, size_t rows)
{
    switch (change) {
    case CHANGE_DELETE:
    case CHANGE_INSERT:
    case CHANGE_UPDATE:
        return db_result_affected(result) == rows;
    case CHANGE_ADD:
        return db_result_int(result, 0, 0) == (int64_t)rows && db_result_int(result, 0, 1) == 0;
    case CHANGE_SWEEP:
    case CHANGE_COUNT:
        break;
    }
    return 1;
}

static enum rc write_change(const struct table_delta *delta, struct db *db, size_t table,
                            enum change change, struct tables_counts *counts, struct err *err)
{
    struct db_result *result;
    size_t rows = db_params_rows(delta->params[table][change], TENANT + 1);
    if (rows == 0)
        return RC_OK;
    enum rc rc = db_run(db, (const char *)delta->names[table][change].data,
                        (const char *)delta->sql[table][change].data, delta->params[table][change],
                        &result, err);
    if (rc == RC_REJECT) /* a row is there that should not be */
        err->rc = rc = RC_CORRUPT;
    if (rc != RC_OK)
        return rc;
    if (!is_as_believed(change, result, rows))
        rc = err_set(err, RC_CORRUPT, "stored rows of %s are not what the facts before said",
                     table_descs[table].name);
    else if (change == CHANGE_DELETE || change == CHANGE_SWEEP)
        counts->deleted += db_result_affected(result);
    else
        counts->written += rows;
    db_result_free(result);
    return rc;
}

enum rc table_delta_write(const struct table_delta *delta, struct db *db,
                          struct tables_counts *counts, struct err *err)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        for (enum change k = 0; k < CHANGE_COUNT; k++) {
            enum rc rc = write_change(delta, db, i, k, counts, err);
            if (rc != RC_OK)
                return rc;
        }
    return RC_OK;
}
