#include "tests/component/correlator/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "services/common/base/clock.h"
#include "services/common/base/file.h"
#include "services/common/correlate/correlate.h"
#include "services/common/history/history.h"

enum { LEASE_S = 60, RECORDS_MAX = 1000, FAILURES_MAX = 10 };

struct db *world_open(const char *variable)
{
    struct db *db;
    struct err err;
    const char *conninfo = getenv(variable);
    assert_non_null(conninfo);
    if (db_open(conninfo, "test", &db, &err) != RC_OK)
        fail_msg("%s", err.text);
    return db;
}

static void tell(void *ctx, const char *tenant, const struct recompute_report *report)
{
    struct world *world = ctx;
    world->wholes += report->outcome == RECOMPUTE_OUTCOME_WHOLE;
    if (report->outcome == RECOMPUTE_OUTCOME_WHOLE) {
        world->why = report->why;
        return; /* it comes again */
    }
    world->last = *report;
    world->reports++;
    world->hubs += (int)report->hubs;
    if (report->outcome != RECOMPUTE_OUTCOME_DONE)
        print_message("%s: %s\n", tenant, report->why.text);
}

static void load_functions(struct world *world)
{
    char path[1024];
    struct buf sql;
    buf_init(&sql, 1 << 20);
    snprintf(path, sizeof(path), "%s/tests/component/correlator/world.sql",
             getenv("KASUMORI_SOURCE"));
    assert_int_equal(file_read(path, &sql, &world->err), RC_OK);
    world_do(world, (const char *)sql.data);
    buf_done(&sql);
}

void world_restart(struct world *world)
{
    db_close(world->db); /* first: it holds the correlator's statements */
    world->db = world_open("KASUMORI_TEST_DATABASE");
    correlator_free(world->correlator);
    world_do(world, "update kasumori.correlator set lease_until = '-infinity'");
    assert_int_equal(correlator_new(&world->config, &world->correlator, &world->err), RC_OK);
}

int world_set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    world.config = (struct correlator_config){
        .recompute = {RECORDS_MAX, "alerts", "watch"},
        .lease_us = LEASE_S * CLOCK_US_PER_S,
        .tell = tell,
        .ctx = &world,
    };
    world.owner = world_open("KASUMORI_TEST_OWNER");
    load_functions(&world);
    world_do(&world, "select test.reset()");
    world_restart(&world);
    *state = &world;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    db_fail_nth(0);
    db_close(world->db);
    correlator_free(world->correlator);
    db_close(world->owner);
    return 0;
}

/* As the thread, but its pauses are short: a tenant's rest is waited for. */
static enum rc settle(struct world *world)
{
    int quiet = 0;
    while (quiet < 40) {
        int is_idle;
        enum rc rc = correlator_turn(world->correlator, world->db, &is_idle, &world->err);
        if (rc != RC_OK)
            return rc;
        quiet = !is_idle ? 0 : quiet + (correlator_waiting(world->correlator) > 0 ? 1 : 20);
        if (is_idle && correlator_waiting(world->correlator) > 0) {
            struct timespec wait = {.tv_nsec = 50 * 1000 * 1000};
            nanosleep(&wait, NULL);
        }
    }
    return RC_OK;
}

int world_settle(struct world *world)
{
    int before = world->reports;
    if (settle(world) != RC_OK)
        fail_msg("%s", world->err.text);
    return world->reports - before;
}

int world_settle_stubbornly(struct world *world)
{
    int failures = 0;
    while (settle(world) != RC_OK) {
        if (world->err.rc != RC_RETRY || ++failures > FAILURES_MAX)
            fail_msg("%s", world->err.text);
        if (!db_is_alive(world->db)) {
            db_close(world->db);
            world->db = world_open("KASUMORI_TEST_DATABASE");
        }
    }
    return failures;
}

static void show(void *ctx, const char *table, struct slice how, struct slice key)
{
    (void)ctx;
    print_message("%s: %.*s %.*s\n", table, (int)how.size, (const char *)how.data, (int)key.size,
                  (const char *)key.data);
}

uint64_t world_differences(struct world *world, const char *tenant)
{
    uint64_t count = 0;
    struct facts facts;
    const struct derived *derived;
    struct tables *tables = tables_new();
    struct arena *arena = arena_new((size_t)1 << 30);
    struct db *db = world_open("KASUMORI_TEST_DATABASE");
    assert_int_equal(history_load(db, tenant, arena, &facts, &world->err), RC_OK);
    assert_int_equal(correlate_full(&facts, arena, &derived, &world->err), RC_OK);
    const struct tables_source source = {slice_str(tenant), derived, 0};
    assert_int_equal(tables_fill(tables, &source, arena, &world->err), RC_OK);
    if (tables_compare(tables, db, show, NULL, &count, &world->err) != RC_OK)
        fail_msg("%s", world->err.text);
    db_close(db);
    arena_free(arena);
    tables_free(tables);
    return count;
}

void world_do(struct world *world, const char *sql)
{
    if (db_exec(world->owner, sql, &world->err) != RC_OK)
        fail_msg("%s: %s", sql, world->err.text);
}

static struct db_result *ask(struct world *world, const char *sql)
{
    struct db_result *result;
    if (db_run(world->owner, sql, sql, NULL, &result, &world->err) != RC_OK)
        fail_msg("%s: %s", sql, world->err.text);
    assert_int_equal(db_result_rows(result), 1);
    return result;
}

int64_t world_count(struct world *world, const char *sql)
{
    struct db_result *result = ask(world, sql);
    int64_t count = db_result_int(result, 0, 0);
    db_result_free(result);
    return count;
}

const char *world_ask(struct world *world, const char *sql)
{
    static char text[4096];
    struct db_result *result = ask(world, sql);
    snprintf(text, sizeof(text), "%s",
             db_result_is_null(result, 0, 0) ? ""
                                             : (const char *)db_result_bytes(result, 0, 0).data);
    db_result_free(result);
    return text;
}
