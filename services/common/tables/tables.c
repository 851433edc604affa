/* The derived tables as data: from one table of columns come the parameters' types and the three
   statements of each table, so that writing and comparing cannot drift apart. Invariant: a stored
   row that is as made is neither written nor locked; one process writes a tenant at a time, so what
   was read a moment ago still stands. */
#include "services/common/tables/tables.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/tables/surrogate.h"
#include "services/common/tables/table_fill.h"

enum { SQL_BYTES_MAX = 8 * 1024 };

struct column {
    const char *name;
    enum db_type type;      /* on the wire */
    const char *expression; /* over u, the unnested rows; NULL: u.name */
    int is_key;
};

#define KEY(name, type)               \
    {                                 \
        name, DB_TYPE_##type, NULL, 1 \
    }
#define COLUMN(name, type)            \
    {                                 \
        name, DB_TYPE_##type, NULL, 0 \
    }
#define CAST(name, cast)                           \
    {                                              \
        name, DB_TYPE_TEXT, "u." name "::" cast, 0 \
    }
#define DAY_KEY(name)                                        \
    {                                                        \
        name, DB_TYPE_INT4, "date '1970-01-01' + u." name, 1 \
    }

static const struct column TOKEN_CLASS_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},     [TOKEN_KIND] = KEY("kind", INT2),
    [TOKEN_KEY_ID] = KEY("key_id", INT8),  [TOKEN_MAC] = KEY("mac", UUID),
    [TOKEN_CLASS] = COLUMN("class", INT8), [TOKEN_IS_VOID] = COLUMN("is_void", BOOL),
};

static const struct column CLASS_RUN_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [RUN_CLASS] = KEY("class", INT8),
    [RUN_FIRST_AT] = KEY("first_at", TIMESTAMPTZ),
    [RUN_LAST_AT] = COLUMN("last_at", TIMESTAMPTZ),
    [RUN_KIND] = COLUMN("kind", INT2),
    [RUN_SUBJECT] = COLUMN("subject", INT8),
    [RUN_IS_SHARED] = COLUMN("is_shared", BOOL),
    [RUN_SHARED_BY] = COLUMN("shared_by", TEXT),
    [RUN_IS_OVERGROWN] = COLUMN("is_overgrown", BOOL),
};

static const struct column EDGE_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [EDGE_CLASS_A] = KEY("class_a", INT8),
    [EDGE_CLASS_B] = KEY("class_b", INT8),
    [EDGE_AT_A] = KEY("at_a", TIMESTAMPTZ),
    [EDGE_AT_B] = KEY("at_b", TIMESTAMPTZ),
    [EDGE_RECORD_ID] = KEY("record_id", UUID),
    [EDGE_PERSON] = KEY("person", INT2),
    [EDGE_DECISION_NO] = KEY("decision_no", INT8),
    [EDGE_KIND_A] = COLUMN("kind_a", INT2),
    [EDGE_KIND_B] = COLUMN("kind_b", INT2),
    [EDGE_ASSURANCE_A] = COLUMN("assurance_a", INT2),
    [EDGE_ASSURANCE_B] = COLUMN("assurance_b", INT2),
    [EDGE_POLICY_VERSION] = COLUMN("policy_version", INT8),
    [EDGE_IS_SUPPRESSED] = COLUMN("is_suppressed", BOOL),
};

static const struct column OCCURRENCE_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [OCCURRENCE_OCCURRENCE] = KEY("occurrence", UUID),
    [OCCURRENCE_FIRST_AT] = COLUMN("first_at", TIMESTAMPTZ),
    [OCCURRENCE_LAST_AT] = COLUMN("last_at", TIMESTAMPTZ),
    [OCCURRENCE_STANDING] = COLUMN("standing", TEXT),
    [OCCURRENCE_JUDGED_BY] = COLUMN("judged_by", INT8),
};

static const struct column OCCURRENCE_RECORD_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [MEMBER_RECORD_ID] = KEY("record_id", UUID),
    [MEMBER_OCCURRENCE] = COLUMN("occurrence", UUID),
    [MEMBER_EFFECTIVE_ID] = COLUMN("effective_id", UUID),
    [MEMBER_SITE] = COLUMN("site", TEXT),
    [MEMBER_CHANNEL] = COLUMN("channel", INT2),
    [MEMBER_START_AT] = COLUMN("start_at", TIMESTAMPTZ),
    [MEMBER_END_AT] = COLUMN("end_at", TIMESTAMPTZ),
    [MEMBER_IS_ANCHOR] = COLUMN("is_anchor", BOOL),
    [MEMBER_HAPPENING_REF] = COLUMN("happening_ref", TEXT),
    [MEMBER_OWNER_CLASS] = COLUMN("owner_class", INT8),
    [MEMBER_GAP_US] = COLUMN("gap_us", INT8),
};

static const struct column PART_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [PART_SUBJECT] = KEY("subject", INT8),
    [PART_START_AT] = KEY("start_at", TIMESTAMPTZ),
    [PART_OCCURRENCE] = KEY("occurrence", UUID),
    [PART_COUNTS] = COLUMN("counts", BOOL),
    [PART_HAS_INCIDENT] = COLUMN("has_incident", BOOL),
    [PART_TALK_US] = COLUMN("talk_us", INT8),
    [PART_SEVERITY] = COLUMN("severity", INT2),
    [PART_MATTERS] = CAST("matters", "text[]"),
    [PART_SITES] = CAST("sites", "text[]"),
    [PART_RECORDS] = CAST("records", "uuid[]"),
};

static const struct column FINDING_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [FINDING_FINDING] = KEY("finding", UUID),
    [FINDING_RULE] = COLUMN("rule", TEXT),
    [FINDING_SUBJECT] = COLUMN("subject", INT8),
    [FINDING_MATTER] = COLUMN("matter", TEXT),
    [FINDING_IS_NOTICE] = COLUMN("is_notice", BOOL),
    [FINDING_ANCHOR_RECORD_ID] = COLUMN("anchor_record_id", UUID),
    [FINDING_ANCHOR_PERSON] = COLUMN("anchor_person", INT2),
    [FINDING_FIRST_AT] = COLUMN("first_at", TIMESTAMPTZ),
    [FINDING_LAST_AT] = COLUMN("last_at", TIMESTAMPTZ),
    [FINDING_OCCURRENCES] = CAST("occurrences", "uuid[]"),
    [FINDING_POLICY_VERSION] = COLUMN("policy_version", INT8),
};

static const struct column ROLLUP_DAY_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [DAY_DAY] = DAY_KEY("day"),
    [DAY_SITE] = KEY("site", TEXT),
    [DAY_CATEGORY] = KEY("category", TEXT),
    [DAY_CONTACTS] = COLUMN("contacts", INT8),
    [DAY_INCIDENTS] = COLUMN("incidents", INT8),
    [DAY_TALK] = COLUMN("talk_us", INT8),
    [DAY_ABANDONED] = COLUMN("abandoned", INT8),
};

static const struct column ROLLUP_MONTH_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},           [MONTH_MONTH] = DAY_KEY("month"),
    [MONTH_WEEKDAY] = KEY("weekday", INT2),      [MONTH_HOUR] = KEY("hour", INT2),
    [MONTH_CONTACTS] = COLUMN("contacts", INT8), [MONTH_INCIDENTS] = COLUMN("incidents", INT8),
    [MONTH_TALK] = COLUMN("talk_us", INT8),      [MONTH_ABANDONED] = COLUMN("abandoned", INT8),
};

static const struct column WATCH_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},       [WATCH_DECISION_NO] = KEY("decision_no", INT8),
    [WATCH_CLASS] = KEY("class", INT8),      [WATCH_SITE] = KEY("site", TEXT),
    [WATCH_REASON] = COLUMN("reason", TEXT), [WATCH_UNTIL] = COLUMN("until", TIMESTAMPTZ),
};

static const struct column REVIEW_TASK_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [TASK_TASK] = KEY("task", UUID),
    [TASK_KIND] = COLUMN("kind", TEXT),
    [TASK_RECORD_ID] = COLUMN("record_id", UUID),
    [TASK_DECISION_NO] = COLUMN("decision_no", INT8),
    [TASK_CLASSES] = CAST("classes", "bigint[]"),
};

/* What the core does not know but the database does: when facts were stored. */
static const char SINCE[] =
    "coalesce(greatest((select appended_at from kasumori.record where tenant = $1 and record_id = "
    "u.record_id), (select made_at from kasumori.decision where tenant = $1 and decision_no = "
    "u.decision_no)), '-infinity')";

struct desc {
    const char *name;
    const struct column *columns;
    size_t columns_count;
    int has_doubles; /* the makers may give a row twice */
    const char *computed;
    const char *computed_by;
};

#define DESC(rows, name, ...)                                     \
    {                                                             \
        name, rows, sizeof(rows) / sizeof((rows)[0]), __VA_ARGS__ \
    }

static const struct desc DESCS[TABLE_COUNT] = {
    [TABLE_TOKEN_CLASS] = DESC(TOKEN_CLASS_ROWS, "token_class", 0, NULL, NULL),
    [TABLE_CLASS_RUN] = DESC(CLASS_RUN_ROWS, "class_run", 0, NULL, NULL),
    [TABLE_EDGE] = DESC(EDGE_ROWS, "edge", 1, NULL, NULL),
    [TABLE_OCCURRENCE] = DESC(OCCURRENCE_ROWS, "occurrence", 0, NULL, NULL),
    [TABLE_OCCURRENCE_RECORD] = DESC(OCCURRENCE_RECORD_ROWS, "occurrence_record", 0, NULL, NULL),
    [TABLE_PART] = DESC(PART_ROWS, "part", 0, NULL, NULL),
    [TABLE_FINDING] = DESC(FINDING_ROWS, "finding", 0, NULL, NULL),
    [TABLE_ROLLUP_DAY] = DESC(ROLLUP_DAY_ROWS, "rollup_day", 0, NULL, NULL),
    [TABLE_ROLLUP_MONTH] = DESC(ROLLUP_MONTH_ROWS, "rollup_month", 0, NULL, NULL),
    [TABLE_WATCH] = DESC(WATCH_ROWS, "watch", 1, NULL, NULL),
    [TABLE_REVIEW_TASK] = DESC(REVIEW_TASK_ROWS, "review_task", 1, "since", SINCE),
};

enum statement { STATEMENT_DELETE, STATEMENT_WRITE, STATEMENT_COMPARE, STATEMENT_COUNT };

struct tables {
    struct db_params *params[TABLE_COUNT];
    struct buf sql[TABLE_COUNT][STATEMENT_COUNT];
    struct buf names[TABLE_COUNT][STATEMENT_COUNT];
    struct buf text;
    int64_t *class_numbers, *subject_numbers; /* in the scratch of tables_fill */
};

/* ---- statements ---- */

enum { KEYS = 1, OTHERS = 2, ALL = 3 };

/* prefix, then the wanted columns, each after the prefix and divided by commas. */
static void list_columns(struct buf *sql, const struct desc *desc, const char *prefix, int wanted)
{
    const char *comma = "";
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!(wanted & (desc->columns[i].is_key ? KEYS : OTHERS)))
            continue;
        buf_addf(sql, "%s%s%s", comma, prefix, desc->columns[i].name);
        comma = ", ";
    }
    if ((wanted & OTHERS) && desc->computed != NULL)
        buf_addf(sql, "%s%s%s", comma, prefix, desc->computed);
}

/* The rows made, as a from item named d. */
static void add_made(struct buf *sql, const struct desc *desc)
{
    buf_add_str(sql, "(select ");
    if (desc->has_doubles) {
        buf_add_str(sql, "distinct on (");
        list_columns(sql, desc, "u.", KEYS);
        buf_add_str(sql, ") ");
    }
    for (size_t i = 1; i < desc->columns_count; i++) {
        const struct column *column = &desc->columns[i];
        buf_add_str(sql, i > 1 ? ", " : "");
        if (column->expression != NULL)
            buf_addf(sql, "%s as %s", column->expression, column->name);
        else
            buf_addf(sql, "u.%s", column->name);
    }
    if (desc->computed != NULL)
        buf_addf(sql, ", %s as %s", desc->computed_by, desc->computed);
    buf_add_str(sql, " from unnest(");
    for (size_t i = 1; i < desc->columns_count; i++)
        buf_addf(sql, "%s$%zu", i > 1 ? ", " : "", i + 1);
    buf_add_str(sql, ") as u (");
    for (size_t i = 1; i < desc->columns_count; i++)
        buf_addf(sql, "%s%s", i > 1 ? ", " : "", desc->columns[i].name);
    buf_add_str(sql, ")) as d");
}

static void add_same_key(struct buf *sql, const struct desc *desc)
{
    const char *and = "";
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!desc->columns[i].is_key)
            continue;
        buf_addf(sql, "%st.%s = d.%s", and, desc->columns[i].name, desc->columns[i].name);
        and = " and ";
    }
}

static void add_differs(struct buf *sql, const struct desc *desc)
{
    buf_add_str(sql, "(");
    list_columns(sql, desc, "t.", OTHERS);
    buf_add_str(sql, ") is distinct from (");
    list_columns(sql, desc, "d.", OTHERS);
    buf_add_str(sql, ")");
}

static void write_delete(const struct desc *desc, struct buf *sql)
{
    buf_addf(sql, "delete from kasumori.%s as t where t.tenant = $1 and not exists (select from ",
             desc->name);
    add_made(sql, desc);
    buf_add_str(sql, " where ");
    add_same_key(sql, desc);
    buf_add_str(sql, ")");
}

static void write_write(const struct desc *desc, struct buf *sql)
{
    buf_addf(sql, "insert into kasumori.%s (tenant, ", desc->name);
    list_columns(sql, desc, "", ALL);
    buf_add_str(sql, ") select $1, ");
    list_columns(sql, desc, "d.", ALL);
    buf_add_str(sql, " from ");
    add_made(sql, desc);
    buf_addf(sql, " left join kasumori.%s as t on t.tenant = $1 and ", desc->name);
    add_same_key(sql, desc);
    buf_add_str(sql, " where t.tenant is null or ");
    add_differs(sql, desc);
    buf_add_str(sql, " on conflict (tenant, ");
    list_columns(sql, desc, "", KEYS);
    buf_add_str(sql, ") do update set (");
    list_columns(sql, desc, "", OTHERS);
    buf_add_str(sql, ") = row(");
    list_columns(sql, desc, "excluded.", OTHERS);
    buf_add_str(sql, ")");
}

static void write_compare(const struct desc *desc, struct buf *sql)
{
    buf_add_str(sql, "select case when t.tenant is null then 'missing' when d.is_made is null then "
                     "'extra' else 'differs' end as how, concat_ws(' '");
    for (size_t i = 1; i < desc->columns_count; i++)
        if (desc->columns[i].is_key)
            buf_addf(sql, ", coalesce(d.%s, t.%s)", desc->columns[i].name, desc->columns[i].name);
    buf_add_str(sql, ") as key, count(*) over () from (select d.*, true as is_made from ");
    add_made(sql, desc);
    buf_addf(sql, ") as d full join (select * from kasumori.%s where tenant = $1) as t on ",
             desc->name);
    add_same_key(sql, desc);
    buf_add_str(sql, " where t.tenant is null or d.is_made is null or ");
    add_differs(sql, desc);
    buf_addf(sql, " order by 1, 2 limit %d", TABLES_TOLD_MAX);
}

static struct db_params *make_params(const struct desc *desc)
{
    enum db_type types[LIMIT_DB_COLUMNS];
    int is_array[LIMIT_DB_COLUMNS];
    for (size_t i = 0; i < desc->columns_count; i++) {
        types[i] = desc->columns[i].type;
        is_array[i] = i != TENANT;
    }
    return db_params_new(desc->columns_count, types, is_array, LIMIT_TABLES_COLUMN_BYTES);
}

static int make_statements(struct tables *tables, size_t table)
{
    static const char *const VERBS[STATEMENT_COUNT] = {"delete", "write", "compare"};
    const struct desc *desc = &DESCS[table];
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
        tables->params[i] = make_params(&DESCS[i]);
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
        table_fill_identity, table_fill_happening, table_fill_rollup, table_fill_review};
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
            tell(ctx, DESCS[i].name, db_result_bytes(result, row, 0),
                 db_result_bytes(result, row, 1));
        count += rows == 0 ? 0 : (uint64_t)db_result_int(result, 0, 2);
        db_result_free(result);
    }
    *ret_count = count;
    return RC_OK;
}
