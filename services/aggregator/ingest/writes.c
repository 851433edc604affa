/* What T1 appends, as data: from one table of columns come both the statement and the types of its
   parameters, so that they cannot drift apart. Rows travel as one array a column and are unnested
   in the target list, which streams them; in the from clause PostgreSQL would keep a copy of each.
   Conflicts are planned before (dedup.c), so these are plain inserts: a unique violation means that
   somebody else has just stored the same, and the range is judged again. */
#include "services/aggregator/ingest/writes.h"

#include "services/common/base/buf.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

enum { SQL_BYTES_MAX = 4096, COLUMN_BYTES_MAX = 16 * 1024 * 1024 };

struct column {
    const char *name;
    enum db_type type; /* on the wire */
    const char *cast;  /* what the column is, when the wire has no such type; else NULL */
};

static const struct column EXTERNAL_KEY[] = {
    [EXTERNAL_KEY_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [EXTERNAL_KEY_SITE] = {"site", DB_TYPE_TEXT, NULL},
    [EXTERNAL_KEY_SOURCE] = {"source", DB_TYPE_TEXT, NULL},
    [EXTERNAL_KEY_HASH] = {"external_hash", DB_TYPE_BYTEA, NULL},
    [EXTERNAL_KEY_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
};

static const struct column RECORD[] = {
    [RECORD_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [RECORD_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
    [RECORD_KIND] = {"kind", DB_TYPE_INT2, NULL},
    [RECORD_SITE] = {"site", DB_TYPE_TEXT, NULL},
    [RECORD_CONCERNED_SITE] = {"concerned_site", DB_TYPE_TEXT, NULL},
    [RECORD_AGENT] = {"agent", DB_TYPE_TEXT, NULL},
    [RECORD_SOURCE] = {"source", DB_TYPE_TEXT, NULL},
    [RECORD_EXTERNAL_ID] = {"external_id", DB_TYPE_TEXT, NULL},
    [RECORD_REVISION] = {"revision", DB_TYPE_INT8, NULL},
    [RECORD_OCCURRED_START] = {"occurred_start", DB_TYPE_TIMESTAMPTZ, NULL},
    [RECORD_OCCURRED_END] = {"occurred_end", DB_TYPE_TIMESTAMPTZ, NULL},
    [RECORD_RECORDED_AT] = {"recorded_at", DB_TYPE_TIMESTAMPTZ, NULL},
    [RECORD_APPENDED_AT] = {"appended_at", DB_TYPE_TIMESTAMPTZ, NULL},
    [RECORD_CLOCK_STATE] = {"clock_state", DB_TYPE_INT2, NULL},
    [RECORD_CHANNEL] = {"channel", DB_TYPE_INT2, NULL},
    [RECORD_DIRECTION] = {"direction", DB_TYPE_INT2, NULL},
    [RECORD_IS_TRAINING] = {"is_training", DB_TYPE_BOOL, NULL},
    [RECORD_MATTER] = {"matter", DB_TYPE_TEXT, NULL},
    [RECORD_HAPPENING_REF] = {"happening_ref", DB_TYPE_TEXT, NULL},
    [RECORD_TARGET_ID] = {"target_id", DB_TYPE_UUID, NULL},
    [RECORD_REPLACES] = {"replaces", DB_TYPE_INT2, NULL},
    [RECORD_IS_CONNECTED] = {"is_connected", DB_TYPE_BOOL, NULL},
    [RECORD_OUTCOME] = {"outcome", DB_TYPE_INT2, NULL},
    [RECORD_WITHHELD] = {"withheld", DB_TYPE_INT2, NULL},
    [RECORD_TALK_US] = {"talk_us", DB_TYPE_INT8, NULL},
    [RECORD_HOLD_US] = {"hold_us", DB_TYPE_INT8, NULL},
    [RECORD_CATEGORIES] = {"categories", DB_TYPE_TEXT, "text[]"},
    [RECORD_ANSWER_MATTERS] = {"answer_matters", DB_TYPE_TEXT, "text[]"},
    [RECORD_ANSWER_RECORDED_AT] = {"answer_recorded_at", DB_TYPE_TEXT, "timestamptz[]"},
    [RECORD_ANSWER_IS_FINAL] = {"answer_is_final", DB_TYPE_TEXT, "boolean[]"},
    [RECORD_BODY_HASH] = {"body_hash", DB_TYPE_BYTEA, NULL},
    [RECORD_DETAIL] = {"detail", DB_TYPE_JSONB, NULL},
    [RECORD_HAS_UNKNOWN_FIELDS] = {"has_unknown_fields", DB_TYPE_BOOL, NULL},
    [RECORD_BARE_PERSONS] = {"bare_persons", DB_TYPE_TEXT, "smallint[]"},
    [RECORD_BARE_ROLES] = {"bare_roles", DB_TYPE_TEXT, "smallint[]"},
    [RECORD_STREAM_NO] = {"stream_no", DB_TYPE_INT4, NULL},
    [RECORD_OFFSET] = {"kafka_offset", DB_TYPE_INT8, NULL},
};

static const struct column RECORD_TEXT[] = {
    [RECORD_TEXT_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [RECORD_TEXT_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
    [RECORD_TEXT_PLACE] = {"place", DB_TYPE_TEXT, NULL},
    [RECORD_TEXT_TEXT] = {"text", DB_TYPE_TEXT, NULL},
    [RECORD_TEXT_MASKED] = {"masked", DB_TYPE_INT4, NULL},
    [RECORD_TEXT_SAID_AT] = {"said_at", DB_TYPE_TIMESTAMPTZ, NULL},
    [RECORD_TEXT_RAW] = {"raw", DB_TYPE_BYTEA, NULL},
};

static const struct column SEALED_IDENTITY[] = {
    [SEALED_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [SEALED_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
    [SEALED_PERSON] = {"person", DB_TYPE_INT2, NULL},
    [SEALED_ITEM] = {"item", DB_TYPE_INT2, NULL},
    [SEALED_KIND] = {"kind", DB_TYPE_INT2, NULL},
    [SEALED_SEALED] = {"sealed", DB_TYPE_BYTEA, NULL},
};

static const struct column SIGHTING[] = {
    [SIGHTING_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [SIGHTING_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
    [SIGHTING_PERSON] = {"person", DB_TYPE_INT2, NULL},
    [SIGHTING_ITEM] = {"item", DB_TYPE_INT2, NULL},
    [SIGHTING_KEY_ID] = {"key_id", DB_TYPE_INT8, NULL},
    [SIGHTING_KIND] = {"kind", DB_TYPE_INT2, NULL},
    [SIGHTING_MAC] = {"mac", DB_TYPE_UUID, NULL},
    [SIGHTING_ROLE] = {"role", DB_TYPE_INT2, NULL},
    [SIGHTING_ASSURANCE] = {"assurance", DB_TYPE_INT2, NULL},
    [SIGHTING_DIRECTION] = {"direction", DB_TYPE_INT2, NULL},
    [SIGHTING_SITE] = {"site", DB_TYPE_TEXT, NULL},
    [SIGHTING_OCCURRED_START] = {"occurred_start", DB_TYPE_TIMESTAMPTZ, NULL},
};

static const struct column INGEST_LOG[] = {
    [INGEST_LOG_STREAM_NO] = {"stream_no", DB_TYPE_INT4, NULL},
    [INGEST_LOG_OFFSET] = {"kafka_offset", DB_TYPE_INT8, NULL},
    [INGEST_LOG_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [INGEST_LOG_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
};

static const struct column BAD_RECORD[] = {
    [BAD_RECORD_STREAM_NO] = {"stream_no", DB_TYPE_INT4, NULL},
    [BAD_RECORD_OFFSET] = {"kafka_offset", DB_TYPE_INT8, NULL},
    [BAD_RECORD_CLASS] = {"class", DB_TYPE_TEXT, NULL},
    [BAD_RECORD_REASON] = {"reason", DB_TYPE_TEXT, NULL},
    [BAD_RECORD_APPENDED_AT] = {"appended_at", DB_TYPE_TIMESTAMPTZ, NULL},
    [BAD_RECORD_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [BAD_RECORD_SITE] = {"site", DB_TYPE_TEXT, NULL},
    [BAD_RECORD_AGENT] = {"agent", DB_TYPE_TEXT, NULL},
    [BAD_RECORD_EPOCH] = {"epoch", DB_TYPE_INT8, NULL},
    [BAD_RECORD_SEQUENCE] = {"sequence", DB_TYPE_INT8, NULL},
    [BAD_RECORD_RECORD_ID] = {"record_id", DB_TYPE_UUID, NULL},
    [BAD_RECORD_MESSAGE_KEY] = {"message_key", DB_TYPE_BYTEA, NULL},
    [BAD_RECORD_HEADERS] = {"headers", DB_TYPE_BYTEA, NULL},
    [BAD_RECORD_VALUE] = {"value", DB_TYPE_BYTEA, NULL},
};

static const struct column AGENT_SEQ[] = {
    [AGENT_SEQ_TENANT] = {"tenant", DB_TYPE_TEXT, NULL},
    [AGENT_SEQ_AGENT] = {"agent", DB_TYPE_TEXT, NULL},
    [AGENT_SEQ_EPOCH] = {"epoch", DB_TYPE_INT8, NULL},
    [AGENT_SEQ_RECEIVED] = {"received", DB_TYPE_TEXT, "int8multirange"},
};

struct table {
    const char *name;
    const struct column *columns;
    size_t columns_count;
    const char *tail; /* after the select */
};

#define TABLE(name, columns, tail)                                  \
    {                                                               \
        name, columns, sizeof(columns) / sizeof((columns)[0]), tail \
    }

static const struct table TABLES[WRITE_COUNT] = {
    [WRITE_EXTERNAL_KEY] = TABLE("external_key", EXTERNAL_KEY, ""),
    [WRITE_RECORD] = TABLE("record", RECORD, ""),
    [WRITE_RECORD_TEXT] = TABLE("record_text", RECORD_TEXT, ""),
    [WRITE_SEALED_IDENTITY] = TABLE("sealed_identity", SEALED_IDENTITY, ""),
    [WRITE_SIGHTING] = TABLE("sighting", SIGHTING, ""),
    [WRITE_INGEST_LOG] = TABLE("ingest_log", INGEST_LOG, ""),
    [WRITE_BAD_RECORD] = TABLE("bad_record", BAD_RECORD, ""),
    [WRITE_AGENT_SEQ] = TABLE("agent_seq", AGENT_SEQ,
                              " on conflict (tenant, agent, epoch) do update set received = "
                              "agent_seq.received + excluded.received, updated_at = now()"),
};

struct writes {
    struct db_params *params[WRITE_COUNT];
    struct buf sql[WRITE_COUNT];
};

static void write_sql(const struct table *table, struct buf *sql)
{
    buf_addf(sql, "insert into kasumori.%s as %s (", table->name, table->name);
    for (size_t i = 0; i < table->columns_count; i++)
        buf_addf(sql, "%s%s", i == 0 ? "" : ", ", table->columns[i].name);
    buf_add_str(sql, ") select ");
    for (size_t i = 0; i < table->columns_count; i++) {
        const char *cast = table->columns[i].cast;
        buf_addf(sql, "%sunnest($%zu)%s%s", i == 0 ? "" : ", ", i + 1,
                 cast == NULL ? "" : "::", cast == NULL ? "" : cast);
    }
    buf_add_str(sql, table->tail);
}

static struct db_params *params_of(const struct table *table)
{
    enum db_type types[LIMIT_DB_COLUMNS];
    int is_array[LIMIT_DB_COLUMNS];
    for (size_t i = 0; i < table->columns_count; i++) {
        types[i] = table->columns[i].type;
        is_array[i] = 1;
    }
    return db_params_new(table->columns_count, types, is_array, COLUMN_BYTES_MAX);
}

struct writes *writes_new(void)
{
    struct writes *writes = mem_zalloc(sizeof(*writes));
    if (writes == NULL)
        return NULL;
    for (size_t i = 0; i < WRITE_COUNT; i++)
        buf_init(&writes->sql[i], SQL_BYTES_MAX);
    for (size_t i = 0; i < WRITE_COUNT; i++) {
        write_sql(&TABLES[i], &writes->sql[i]);
        writes->params[i] = params_of(&TABLES[i]);
        if (writes->sql[i].is_failed || writes->params[i] == NULL) {
            writes_free(writes);
            return NULL;
        }
    }
    return writes;
}

void writes_free(struct writes *writes)
{
    if (writes == NULL)
        return;
    for (size_t i = 0; i < WRITE_COUNT; i++) {
        db_params_free(writes->params[i]);
        buf_done(&writes->sql[i]);
    }
    mem_free(writes);
}

void writes_reset(struct writes *writes)
{
    for (size_t i = 0; i < WRITE_COUNT; i++)
        db_params_reset(writes->params[i]);
}

struct db_params *writes_to(struct writes *writes, enum write write)
{
    return writes->params[write];
}

enum rc writes_run(const struct writes *writes, struct db *db, struct err *err)
{
    for (size_t i = 0; i < WRITE_COUNT; i++) {
        if (db_params_rows(writes->params[i], 0) == 0)
            continue;
        enum rc rc = db_run(db, TABLES[i].name, (const char *)writes->sql[i].data,
                            writes->params[i], NULL, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}
