/* The derived tables as data: from one table of columns come the parameters' types and all
   statements, so that writing, comparing and changing cannot drift apart. */
#include "services/common/tables/table_desc.h"

#include "services/common/base/limits.h"
#include "services/common/tables/table_fill.h"

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

static const struct table_column TOKEN_CLASS_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},     [TOKEN_KIND] = KEY("kind", INT2),
    [TOKEN_KEY_ID] = KEY("key_id", INT8),  [TOKEN_MAC] = KEY("mac", UUID),
    [TOKEN_CLASS] = COLUMN("class", INT8), [TOKEN_IS_VOID] = COLUMN("is_void", BOOL),
};

static const struct table_column CLASS_RUN_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [RUN_CLASS] = KEY("class", INT8),
    [RUN_FIRST_AT] = KEY("first_at", TIMESTAMPTZ),
    [RUN_LAST_AT] = COLUMN("last_at", TIMESTAMPTZ),
    [RUN_KIND] = COLUMN("kind", INT2),
    [RUN_SUBJECT] = COLUMN("subject", INT8),
    [RUN_IS_SHARED] = COLUMN("is_shared", BOOL),
    [RUN_SHARED_BY] = COLUMN("shared_by", TEXT),
    [RUN_IS_OVERGROWN] = COLUMN("is_overgrown", BOOL),
    [RUN_IS_SWITCHBOARD] = COLUMN("is_switchboard", BOOL),
};

static const struct table_column SHARED_SIGHTING_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [SHARED_CLASS] = KEY("class", INT8),
    [SHARED_START_AT] = KEY("start_at", TIMESTAMPTZ),
    [SHARED_RECORD_ID] = KEY("record_id", UUID),
    [SHARED_END_AT] = COLUMN("end_at", TIMESTAMPTZ),
    [SHARED_SITE] = COLUMN("site", TEXT),
    [SHARED_HAPPENING_REF] = COLUMN("happening_ref", TEXT),
    [SHARED_IS_ANCHOR] = COLUMN("is_anchor", BOOL),
};

static const struct table_column EDGE_ROWS[] = {
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

static const struct table_column OCCURRENCE_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [OCCURRENCE_OCCURRENCE] = KEY("occurrence", UUID),
    [OCCURRENCE_FIRST_AT] = COLUMN("first_at", TIMESTAMPTZ),
    [OCCURRENCE_LAST_AT] = COLUMN("last_at", TIMESTAMPTZ),
    [OCCURRENCE_STANDING] = COLUMN("standing", TEXT),
    [OCCURRENCE_JUDGED_BY] = COLUMN("judged_by", INT8),
};

static const struct table_column OCCURRENCE_RECORD_ROWS[] = {
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

static const struct table_column PART_ROWS[] = {
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

static const struct table_column FINDING_ROWS[] = {
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

static const struct table_column ROLLUP_DAY_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [DAY_DAY] = DAY_KEY("day"),
    [DAY_SITE] = KEY("site", TEXT),
    [DAY_CATEGORY] = KEY("category", TEXT),
    [DAY_CONTACTS] = COLUMN("contacts", INT8),
    [DAY_INCIDENTS] = COLUMN("incidents", INT8),
    [DAY_TALK] = COLUMN("talk_us", INT8),
    [DAY_ABANDONED] = COLUMN("abandoned", INT8),
};

static const struct table_column ROLLUP_MONTH_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},           [MONTH_MONTH] = DAY_KEY("month"),
    [MONTH_WEEKDAY] = KEY("weekday", INT2),      [MONTH_HOUR] = KEY("hour", INT2),
    [MONTH_CONTACTS] = COLUMN("contacts", INT8), [MONTH_INCIDENTS] = COLUMN("incidents", INT8),
    [MONTH_TALK] = COLUMN("talk_us", INT8),      [MONTH_ABANDONED] = COLUMN("abandoned", INT8),
};

static const struct table_column ROLLUP_COARSE_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [COARSE_SPAN] = KEY("span", TEXT),
    [COARSE_CATEGORY] = KEY("category", TEXT),
    [COARSE_SITE] = KEY("site", TEXT),
    [COARSE_FIRST_DAY] = DAY_KEY("first_day"),
    [COARSE_CONTACTS] = COLUMN("contacts", INT8),
    [COARSE_INCIDENTS] = COLUMN("incidents", INT8),
};

#define HOUR(n) [INCIDENT_HOURS + (n)] = COLUMN("hour_" #n, INT8)
#define WEEKDAY(n) [INCIDENT_WEEKDAYS + (n)-1] = COLUMN("weekday_" #n, INT8)

static const struct table_column ROLLUP_INCIDENT_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [INCIDENT_SPAN] = KEY("span", TEXT),
    [INCIDENT_CATEGORY] = KEY("category", TEXT),
    [INCIDENT_SITE] = KEY("site", TEXT),
    [INCIDENT_FIRST_DAY] = DAY_KEY("first_day"),
    [INCIDENT_INCIDENTS] = COLUMN("incidents", INT8),
    [INCIDENT_STAFF_MINUTES] = COLUMN("staff_minutes", INT8),
    HOUR(0),
    HOUR(1),
    HOUR(2),
    HOUR(3),
    HOUR(4),
    HOUR(5),
    HOUR(6),
    HOUR(7),
    HOUR(8),
    HOUR(9),
    HOUR(10),
    HOUR(11),
    HOUR(12),
    HOUR(13),
    HOUR(14),
    HOUR(15),
    HOUR(16),
    HOUR(17),
    HOUR(18),
    HOUR(19),
    HOUR(20),
    HOUR(21),
    HOUR(22),
    HOUR(23),
    WEEKDAY(1),
    WEEKDAY(2),
    WEEKDAY(3),
    WEEKDAY(4),
    WEEKDAY(5),
    WEEKDAY(6),
    WEEKDAY(7),
};

static const struct table_column ROLLUP_REPEAT_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [REPEAT_SPAN] = KEY("span", TEXT),
    [REPEAT_CATEGORY] = KEY("category", TEXT),
    [REPEAT_FIRST_DAY] = DAY_KEY("first_day"),
    [REPEAT_SITES] = {"sites", DB_TYPE_TEXT, "u.sites::text[]", 1},
    [REPEAT_PARTS] = COLUMN("parts", INT8),
    [REPEAT_REPEATS] = COLUMN("repeats", INT8),
};

static const struct table_column ROLLUP_VERDICT_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},       [TOOK_SPAN] = KEY("span", TEXT),
    [TOOK_CATEGORY] = KEY("category", TEXT), [TOOK_FIRST_DAY] = DAY_KEY("first_day"),
    [TOOK_BUCKET] = KEY("bucket", INT2),     [TOOK_VERDICTS] = COLUMN("verdicts", INT8),
};

static const struct table_column FIRST_VERDICT_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},
    [VERDICT_RECORD_ID] = KEY("record_id", UUID),
    [VERDICT_DECISION_NO] = COLUMN("decision_no", INT8),
    [VERDICT_MADE_AT] = COLUMN("made_at", TIMESTAMPTZ),
    [VERDICT_DAY] = {"day", DB_TYPE_INT4, "date '1970-01-01' + u.day", 0},
    [VERDICT_TOOK] = COLUMN("took_us", INT8),
    [VERDICT_BUCKET] = COLUMN("bucket", INT2),
    [VERDICT_SITE] = COLUMN("site", TEXT),
    [VERDICT_CATEGORIES] = CAST("categories", "text[]"),
};

static const struct table_column WATCH_ROWS[] = {
    {"tenant", DB_TYPE_TEXT, NULL, 0},       [WATCH_DECISION_NO] = KEY("decision_no", INT8),
    [WATCH_CLASS] = KEY("class", INT8),      [WATCH_SITE] = KEY("site", TEXT),
    [WATCH_REASON] = COLUMN("reason", TEXT), [WATCH_UNTIL] = COLUMN("until", TIMESTAMPTZ),
};

static const struct table_column REVIEW_TASK_ROWS[] = {
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

#define DESC(rows, name, ...)                                     \
    {                                                             \
        name, rows, sizeof(rows) / sizeof((rows)[0]), __VA_ARGS__ \
    }

const struct table_desc table_descs[TABLE_COUNT] = {
    [TABLE_TOKEN_CLASS] = DESC(TOKEN_CLASS_ROWS, "token_class", 0, 0, NULL, NULL),
    [TABLE_CLASS_RUN] = DESC(CLASS_RUN_ROWS, "class_run", 0, 0, NULL, NULL),
    [TABLE_SHARED_SIGHTING] = DESC(SHARED_SIGHTING_ROWS, "shared_sighting", 1, 0, NULL, NULL),
    [TABLE_EDGE] = DESC(EDGE_ROWS, "edge", 1, 0, NULL, NULL),
    [TABLE_OCCURRENCE] = DESC(OCCURRENCE_ROWS, "occurrence", 0, 0, NULL, NULL),
    [TABLE_OCCURRENCE_RECORD] = DESC(OCCURRENCE_RECORD_ROWS, "occurrence_record", 0, 0, NULL, NULL),
    [TABLE_PART] = DESC(PART_ROWS, "part", 0, 0, NULL, NULL),
    [TABLE_FINDING] = DESC(FINDING_ROWS, "finding", 0, 0, NULL, NULL),
    [TABLE_ROLLUP_DAY] = DESC(ROLLUP_DAY_ROWS, "rollup_day", 0, 1, NULL, NULL),
    [TABLE_ROLLUP_MONTH] = DESC(ROLLUP_MONTH_ROWS, "rollup_month", 0, 1, NULL, NULL),
    [TABLE_ROLLUP_COARSE] = DESC(ROLLUP_COARSE_ROWS, "rollup_coarse", 0, 1, NULL, NULL),
    [TABLE_ROLLUP_INCIDENT] = DESC(ROLLUP_INCIDENT_ROWS, "rollup_incident", 0, 1, NULL, NULL),
    [TABLE_ROLLUP_REPEAT] = DESC(ROLLUP_REPEAT_ROWS, "rollup_repeat", 0, 1, NULL, NULL),
    [TABLE_ROLLUP_VERDICT] = DESC(ROLLUP_VERDICT_ROWS, "rollup_verdict", 0, 1, NULL, NULL),
    [TABLE_FIRST_VERDICT] = DESC(FIRST_VERDICT_ROWS, "first_verdict", 0, 0, NULL, NULL),
    [TABLE_WATCH] = DESC(WATCH_ROWS, "watch", 1, 0, NULL, NULL),
    [TABLE_REVIEW_TASK] = DESC(REVIEW_TASK_ROWS, "review_task", 1, 0, "since", SINCE),
};

static int is_wanted(const struct table_column *column, int wanted)
{
    return (wanted & (column->is_key ? TABLE_KEYS : TABLE_OTHERS)) != 0;
}

void table_desc_list(const struct table_desc *desc, struct buf *sql, const char *prefix, int wanted)
{
    const char *comma = "";
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!is_wanted(&desc->columns[i], wanted))
            continue;
        buf_addf(sql, "%s%s%s", comma, prefix, desc->columns[i].name);
        comma = ", ";
    }
    if ((wanted & TABLE_OTHERS) && desc->computed != NULL)
        buf_addf(sql, "%s%s%s", comma, prefix, desc->computed);
}

static void add_values(const struct table_desc *desc, struct buf *sql, int wanted)
{
    const char *comma = "";
    for (size_t i = 1; i < desc->columns_count; i++) {
        const struct table_column *column = &desc->columns[i];
        if (!is_wanted(column, wanted))
            continue;
        if (column->expression != NULL)
            buf_addf(sql, "%s%s as %s", comma, column->expression, column->name);
        else
            buf_addf(sql, "%su.%s", comma, column->name);
        comma = ", ";
    }
    if ((wanted & TABLE_OTHERS) && desc->computed != NULL)
        buf_addf(sql, ", %s as %s", desc->computed_by, desc->computed);
}

void table_desc_made(const struct table_desc *desc, struct buf *sql, int wanted)
{
    const char *comma = "";
    int parameter = 2; /* the first is the tenant */
    buf_add_str(sql, "(select ");
    if (desc->has_doubles) {
        buf_add_str(sql, "distinct on (");
        table_desc_list(desc, sql, "u.", TABLE_KEYS);
        buf_add_str(sql, ") ");
    }
    add_values(desc, sql, wanted);
    buf_add_str(sql, " from unnest(");
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!is_wanted(&desc->columns[i], wanted))
            continue;
        buf_addf(sql, "%s$%d", comma, parameter++);
        comma = ", ";
    }
    buf_add_str(sql, ") as u (");
    comma = "";
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!is_wanted(&desc->columns[i], wanted))
            continue;
        buf_addf(sql, "%s%s", comma, desc->columns[i].name);
        comma = ", ";
    }
    buf_add_str(sql, ")) as d");
}

void table_desc_same_key(const struct table_desc *desc, struct buf *sql)
{
    const char *and = "";
    for (size_t i = 1; i < desc->columns_count; i++) {
        if (!desc->columns[i].is_key)
            continue;
        buf_addf(sql, "%st.%s = d.%s", and, desc->columns[i].name, desc->columns[i].name);
        and = " and ";
    }
}

struct db_params *table_desc_params(const struct table_desc *desc, int wanted, size_t bytes_max)
{
    enum db_type types[LIMIT_DB_COLUMNS];
    int is_array[LIMIT_DB_COLUMNS];
    size_t count = 0;
    for (size_t i = 0; i < desc->columns_count; i++) {
        if (i != TENANT && !is_wanted(&desc->columns[i], wanted))
            continue;
        types[count] = desc->columns[i].type;
        is_array[count++] = i != TENANT;
    }
    return db_params_new(count, types, is_array, bytes_max);
}
