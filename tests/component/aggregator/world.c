#include "tests/component/aggregator/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

/* Not truncate, which takes its time with a hundred partitions. */
static const char RESET_SQL[] =
    "delete from kasumori.record; delete from kasumori.record_text; "
    "delete from kasumori.sealed_identity; delete from kasumori.sighting; "
    "delete from kasumori.external_key; delete from kasumori.ingest_log; "
    "delete from kasumori.bad_record; delete from kasumori.agent_seq; "
    "delete from kasumori.agent_health; delete from kasumori.kafka_offset; "
    "delete from kasumori.setting; delete from kasumori.agent; "
    "insert into kasumori.agent (tenant, agent, site, mac_key_id, valid_from) values "
    "('acme', 's001-a', 's001', 1, '2020-01-01'), ('acme', 's002-a', 's002', 1, '2020-01-01'), "
    "('beta', 'beta-a', 's001', 1, '2020-01-01')";

static struct db *open_as(const char *variable, struct err *err)
{
    struct db *db;
    const char *conninfo = getenv(variable);
    assert_non_null(conninfo);
    enum rc rc = db_open(conninfo, "test", &db, err);
    if (rc != RC_OK)
        fail_msg("%s", err->text);
    return db;
}

static void open_database(struct world *world)
{
    world->db = open_as("KASUMORI_TEST_DATABASE", &world->err);
    assert_int_equal(batch_open_session(world->db, &world->err), RC_OK);
}

static void claim(struct world *world)
{
    char owner[UUID_TEXT_BYTES];
    char sql[512];
    assert_int_equal(uuid_make_v7(WORLD_NOW_US, &world->stream.owner, NULL), RC_OK);
    uuid_format(&world->stream.owner, owner);
    snprintf(sql, sizeof(sql),
             "insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset, epoch, "
             "owner) values ('c', 't', 0, 100, 1, '%s')",
             owner);
    world_do(world, sql);
    world->stream.stream_no =
        (int32_t)world_count(world, "select stream_no from kasumori.kafka_offset");
    world->stream.epoch = 1;
    world->stream.next_offset = 100;
    world->next_offset = 100;
    world->next_sequence = 1;
}

int world_set_up(void **state)
{
    static struct world world;
    const struct batch_config config = {
        .mac_master = LETTER_MASTER,
        .conninfo = getenv("KASUMORI_TEST_DATABASE"),
        .messages_max = LIMIT_LANE_BATCH,
    };
    memset(&world, 0, sizeof(world));
    world.owner = open_as("KASUMORI_TEST_OWNER", &world.err);
    world_do(&world, RESET_SQL);
    open_database(&world);
    world.batch = batch_new(&config);
    assert_non_null(world.batch);
    claim(&world);
    *state = &world;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    db_fail_nth(0);
    db_close(world->db);
    batch_free(world->batch);
    db_close(world->owner);
    return 0;
}

struct letter_from world_from(struct world *world)
{
    return (struct letter_from){
        .tenant = "acme",
        .site = "s001",
        .agent = "s001-a",
        .epoch = 7,
        .sequence = world->next_sequence++,
        .offset = world->next_offset++,
        .appended_at_us = WORLD_NOW_US,
    };
}

void world_give(struct world *world, struct letter *letter)
{
    enum rc rc = batch_add(world->batch, &letter->event, &world->stream, &world->err);
    assert_int_equal(rc, RC_OK);
    letter_done(letter);
}

void world_give_record(struct world *world, const Kasumori__V1__Record *record)
{
    struct letter letter;
    struct letter_from from = world_from(world);
    letter_write_record(&letter, &from, record);
    world_give(world, &letter);
}

void world_store(struct world *world)
{
    enum rc rc = batch_store(world->batch, world->db, &world->counts, &world->err);
    if (rc != RC_OK)
        fail_msg("%s", world->err.text);
    assert_int_equal(batch_count(world->batch), 0);
}

int world_store_stubbornly(struct world *world)
{
    int failures = 0;
    while (batch_store(world->batch, world->db, &world->counts, &world->err) != RC_OK) {
        if (world->err.rc != RC_RETRY || ++failures > 10)
            fail_msg("%s", world->err.text);
        if (!db_is_alive(world->db)) {
            db_close(world->db);
            open_database(world);
        }
    }
    return failures;
}

Kasumori__V1__Record *world_contact(int n)
{
    static uint8_t id[UUID_BYTES];
    Kasumori__V1__Record *record = sample_record(SAMPLE_CONTACT);
    memcpy(id, record->record_id.data, UUID_BYTES);
    id[14] = (uint8_t)(n >> 8);
    id[15] = (uint8_t)n;
    record->record_id.data = id;
    record->external_id = "";
    record->revision = 0;
    return record;
}

const char *world_ask(struct world *world, const char *sql)
{
    static char text[8192];
    struct db_result *result;
    enum rc rc = db_run(world->owner, sql, sql, NULL, &result, &world->err);
    if (rc != RC_OK)
        fail_msg("%s", world->err.text);
    snprintf(text, sizeof(text), "%s",
             db_result_rows(result) == 0 ? "" : (const char *)db_result_bytes(result, 0, 0).data);
    db_result_free(result);
    return text;
}

int64_t world_count(struct world *world, const char *sql)
{
    struct db_result *result;
    enum rc rc = db_run(world->owner, sql, sql, NULL, &result, &world->err);
    if (rc != RC_OK)
        fail_msg("%s", world->err.text);
    int64_t count = db_result_int(result, 0, 0);
    db_result_free(result);
    return count;
}

void world_do(struct world *world, const char *sql)
{
    enum rc rc = db_exec(world->owner, sql, &world->err);
    if (rc != RC_OK)
        fail_msg("%s", world->err.text);
}
