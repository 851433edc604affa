/* T2 on a real database: what facts bring about in tables, journal and outbox; two processes; a
   failure of every statement. */
#include "tests/component/correlator/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/aggregator/correlator/advance.h"
#include "services/aggregator/correlator/outbox.h"
#include "services/aggregator/correlator/pressure.h"
#include "services/common/base/clock.h"
#include "services/common/kafka/kafka_fake.h"
#include "services/common/record/alert.h"

/* Three reports of one caller within a month, at one site: repetition. */
static void report_thrice(struct world *world)
{
    world_do(world,
             "select test.record(10, 2, 2, 's1', '{7}'), test.record(11, 2, 30, 's1', '{7}'), "
             "test.record(12, 2, 60, 's1', '{7}')");
}

static const char *changes(struct world *world)
{
    return world_ask(world,
                     "select string_agg(change || case when reason = '' then '' else ':' || "
                     "reason end, ' ' order by alert, change_no) from kasumori.alert_change");
}

static void test_repetition_is_told(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    assert_int_equal(world_settle(world), 1);
    assert_string_equal(changes(world), "opened");
    assert_string_equal(world_ask(world, "select rule from kasumori.finding"), "repetition");
    assert_int_equal(world_count(world, "select count(*) from kasumori.alert join kasumori.finding "
                                        "using (tenant, finding) where alert = finding"),
                     1);
    assert_int_equal(world_count(world, "select sum(incidents)::bigint from kasumori.rollup_day "
                                        "where category = ''"),
                     3);
    assert_int_equal(world_count(world, "select sum(incidents)::bigint from kasumori.rollup_month"),
                     3);
    assert_int_equal(world_differences(world, "acme"), 0);
}

static void test_nothing_is_written_twice(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    assert_true(world->last.rows.written > 0);
    world_do(world, "update kasumori.correlated_stream set next_offset = 0");
    world_do(world, "delete from kasumori.correlator_cursor");
    world_restart(world);
    assert_int_equal(world_settle(world), 1);
    assert_int_equal(world->last.rows.written + world->last.rows.deleted, 0);
    assert_int_equal(world->last.alert_changes + world->last.watch_changes, 0);
    assert_int_equal(world_count(world, "select count(*) from kasumori.outbox"), 1);
}

static void test_a_late_upload_keeps_the_alert(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "select test.record(1, 2, 1.5, 's1', '{7}')");
    world_settle(world);
    assert_string_equal(changes(world), "opened extended");
    assert_int_equal(world_count(world, "select count(*) from kasumori.alert"), 1);
    assert_int_equal(world_differences(world, "acme"), 0);
}

static void test_a_retraction_withdraws(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "select test.retract(20, 11)");
    world_settle(world);
    assert_string_equal(changes(world), "opened withdrawn:retracted");
    assert_int_equal(world_differences(world, "acme"), 0);
}

static void test_a_verdict_withdraws_and_its_revocation_reopens(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "select test.decide('verdict', jsonb_build_object('value', 'complaint', "
                    "'records', jsonb_build_array(test.id(12))))");
    world_settle(world);
    assert_string_equal(changes(world), "opened withdrawn:innocent");
    assert_string_equal(world_ask(world, "select standing from kasumori.occurrence "
                                         "where occurrence = test.id(12)"),
                        "innocent");
    world_do(world, "select test.decide('revoke', '{\"no_revoked\": 1}')");
    world_settle(world);
    assert_string_equal(changes(world), "opened withdrawn:innocent reopened");
    assert_int_equal(world_count(world, "select decision_no from kasumori.correlated"), 2);
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* A shared pair of phones joins two callers; suppressing parts them again. */
static void test_unlinking_parts_findings(void **state)
{
    struct world *world = *state;
    world_do(world, "select test.record(10, 2, 2, 's1', '{7,8}'), "
                    "test.record(11, 2, 30, 's1', '{7}'), test.record(12, 2, 60, 's1', '{8}')");
    world_settle(world);
    assert_string_equal(changes(world), "opened");
    assert_int_equal(world_count(world, "select count(distinct subject) from kasumori.class_run"),
                     1);
    world_do(world, "select test.decide('suppress', jsonb_build_object('a', test.phone(7), "
                    "'b', test.phone(8)))");
    world_settle(world);
    assert_string_equal(changes(world), "opened withdrawn:regrouped");
    assert_int_equal(world_count(world, "select count(*) from kasumori.edge where is_suppressed"),
                     1);
    world_do(world, "select test.decide('revoke', '{\"no_revoked\": 1}')");
    world_settle(world);
    assert_string_equal(changes(world), "opened withdrawn:regrouped reopened");
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* Rows stand for one linking policy: loading another changes nothing, adopting it builds all anew.
 */
static void test_a_linking_policy_holds_once_adopted(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "insert into kasumori.policy_version (tenant, version, is_linking, "
                    "effective_from, loaded_by, source) values ('acme', 1, true, now(), 'x', "
                    "'kinds: [mail]')");
    world_settle(world);
    world_do(world, "select test.record(13, 2, 61, 's1', '{7}')");
    world_settle(world);
    assert_string_equal(changes(world), "opened extended");
    assert_int_equal(world_count(world, "select linking_version from kasumori.correlated"), 0);
    assert_int_equal(world_differences(world, "acme"), 0);
    world_do(world, "insert into kasumori.linking_adopted (tenant, adoption_no, version, "
                    "adopted_by) values ('acme', 1, 1, 'x')");
    assert_int_equal(world_settle(world), 1);
    assert_string_equal(changes(world), "opened extended withdrawn:regrouped");
    assert_int_equal(world_count(world, "select linking_version from kasumori.correlated"), 1);
    assert_int_equal(world_count(world, "select count(*) from kasumori.class_run"), 0);
    assert_int_equal(world_settle(world), 0);
    world_do(world, "insert into kasumori.linking_adopted (tenant, adoption_no, version, "
                    "adopted_by) values ('acme', 2, 0, 'x')");
    assert_int_equal(world_settle(world), 1);
    assert_string_equal(changes(world), "opened extended withdrawn:regrouped reopened");
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* Two findings become one when a report between them joins their windows; the older alert stays. */
static void test_findings_that_meet_merge(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "select test.record(30, 2, 1600, 's1', '{7}'), "
                    "test.record(31, 2, 1610, 's1', '{7}'), test.record(32, 2, 1620, 's1', '{7}')");
    world_settle(world);
    assert_int_equal(world_count(world, "select count(*) from kasumori.alert where state = 'open'"),
                     2);
    world_do(world, "select test.record(21, 2, 700, 's1', '{7}'), "
                    "test.record(22, 2, 760, 's1', '{7}'), test.record(23, 2, 1100, 's1', '{7}'), "
                    "test.record(24, 2, 1380, 's1', '{7}')");
    world_settle(world);
    assert_int_equal(world_count(world, "select count(*) from kasumori.alert where state = 'open'"),
                     1);
    assert_int_equal(world_count(world, "select count(*) from kasumori.alert as gone join "
                                        "kasumori.alert as stays on stays.alert = gone.merged_into "
                                        "where gone.state = 'merged' and stays.state = 'open'"),
                     1);
    assert_int_equal(world_differences(world, "acme"), 0);
}

static const char RESTRICT[] =
    "select test.decide('restrict', jsonb_build_object('classes', "
    "jsonb_build_array(test.phone(7)), "
    "'scope', jsonb_build_array('s2', 's1'), 'until', "
    "(extract(epoch from timestamptz '2027-01-01') * 1000000)::bigint)); "
    "insert into kasumori.tick values ('acme', '2026-11-05')";

static Kasumori__V1__WatchEntry *read_watch(struct world *world, struct arena *arena)
{
    Kasumori__V1__WatchEntry *entry;
    struct db_result *result;
    assert_int_equal(db_run(world->owner, "read_watch",
                            "select value from kasumori.outbox where topic = 'watch' "
                            "order by outbox_no desc limit 1",
                            NULL, &result, &world->err),
                     RC_OK);
    assert_int_equal(db_result_rows(result), 1);
    assert_int_equal(alert_decode_watch(db_result_bytes(result, 0, 0), arena, &entry, &world->err),
                     RC_OK);
    db_result_free(result);
    return entry;
}

static void test_a_ban_is_told_and_taken_back(void **state)
{
    struct world *world = *state;
    struct arena *arena = arena_new(1 << 20);
    report_thrice(world);
    world_do(world, RESTRICT);
    world_settle(world);
    assert_int_equal(world_count(world, "select count(*) from kasumori.watch"), 2);
    Kasumori__V1__WatchEntry *entry = read_watch(world, arena);
    assert_int_equal(entry->decision_no, 1);
    assert_int_equal(entry->change_no, 1);
    assert_int_equal(entry->n_sites, 2);
    assert_string_equal(entry->sites[0], "s1");
    assert_int_equal(entry->n_tokens, 1);
    assert_int_equal(entry->tokens[0]->mac.data[15], 7);
    assert_false(entry->withdrawn);
    world_do(world, "select test.decide('revoke', '{\"no_revoked\": 1}')");
    world_settle(world);
    assert_int_equal(world_count(world, "select count(*) from kasumori.watch"), 0);
    entry = read_watch(world, arena);
    assert_int_equal(entry->change_no, 2);
    assert_true(entry->withdrawn);
    assert_int_equal(entry->n_tokens, 0);
    assert_int_equal(world_differences(world, "acme"), 0);
    arena_free(arena);
}

/* Steps know no size; but what only the whole could bring right is left alone when it is too large.
 */
static void test_a_large_tenant_is_left_alone(void **state)
{
    struct world *world = *state;
    world->config.recompute.records_max = 2;
    world_restart(world);
    report_thrice(world);
    assert_int_equal(world_settle(world), 1);
    assert_int_equal(world->wholes, 0);
    assert_int_equal(world_differences(world, "acme"), 0);
    world_do(world, "update kasumori.correlated set form = 1");
    world_do(world, "select test.record(40, 2, 2, 's1', '{7}'), "
                    "test.record(41, 2, 2, 's1', '{7}', 'beta')");
    assert_int_equal(world_settle(world), 2);
    assert_int_equal(world_count(world, "select form from kasumori.correlated "
                                        "where tenant = 'acme'"),
                     0);
    assert_int_equal(world_differences(world, "beta"), 0);
    world->config.recompute.records_max = 4;
    world_restart(world);
    world_settle(world);
    assert_int_equal(world_count(world, "select form from kasumori.correlated "
                                        "where tenant = 'acme'"),
                     TABLES_FORM);
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* What is near is too much: fewer new records at once, then the whole. */
static void test_a_wide_neighbourhood_is_computed_as_a_whole(void **state)
{
    struct world *world = *state;
    world->config.near_records_max = 2;
    world_restart(world);
    world_do(world, "select test.record(10 + n, 2, n, 's1', array[n]) "
                    "from generate_series(1, 9) as n");
    world_settle(world);
    assert_int_equal(world->wholes, 0);
    assert_int_equal(world_differences(world, "acme"), 0);
    world_do(world, "select test.record(30 + n, 2, n, 's1', '{1}') "
                    "from generate_series(1, 2) as n");
    world_settle(world);
    assert_int_equal(world->wholes, 1);
    assert_string_equal(world->why.text, "more than 2 records are near");
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* A phone with more records than may be near, each with a second one of its own: once it is shared
   no step reads them all, not for a call more, a late first one, a retraction of the last. */
static void test_a_hub_is_not_read_whole(void **state)
{
    struct world *world = *state;
    world->config.near_records_max = 24;
    world->config.hub_records = 6;
    world_restart(world);
    for (int first = 0; first < 60; first += 6) {
        char sql[256];
        snprintf(sql, sizeof(sql),
                 "select test.record(100 + n, 2, 10 + 5 * n, 's1', array[7, 100 + n]) "
                 "from generate_series(%d, %d) as n",
                 first, first + 5);
        world_do(world, sql);
        world_settle(world);
    }
    assert_int_equal(world_count(world, "select count(*) from kasumori.shared_sighting"), 60);
    world_do(world, "select test.record(200, 2, 1, 's1', '{7}'), test.retract(201, 159), "
                    "test.record(202, 2, 150, 's2', '{7,120}')");
    world_settle(world);
    assert_int_equal(world->wholes, 0);
    assert_true(world->last.hubs == 1);
    assert_true(world->last.records < 24);
    assert_int_equal(world_count(world, "select count(*) from kasumori.shared_sighting"), 61);
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* Rows that somebody spoilt are noticed when they are built on. */
static void test_spoilt_rows_are_noticed(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "delete from kasumori.finding");
    world_do(world, "select test.record(13, 2, 70, 's1', '{7}')");
    world_settle(world);
    assert_int_equal(world->wholes, 1);
    assert_int_equal(world->last.is_step, 0);
    assert_string_equal(world->why.text,
                        "stored rows of finding are not what the facts before said");
    assert_int_equal(world_differences(world, "acme"), 0);
    assert_string_equal(changes(world), "opened extended");
}

/* ---- two processes ---- */

static void test_who_lost_the_lease_writes_nothing(void **state)
{
    struct world *world = *state;
    struct recompute *recompute = recompute_new(&world->config.recompute);
    struct recompute_report report;
    struct lease mine, rival;
    int gained;
    report_thrice(world);
    assert_int_equal(lease_init(&mine, CLOCK_US_PER_S, &world->err), RC_OK);
    assert_int_equal(lease_init(&rival, CLOCK_US_PER_S, &world->err), RC_OK);
    assert_int_equal(lease_renew(&mine, world->db, &gained, &world->err), RC_OK);
    assert_int_equal(gained, LEASE_SHARDS);
    assert_int_equal(lease_renew(&rival, world->owner, &gained, &world->err), RC_OK);
    assert_int_equal(gained, 0);
    world_do(world, "update kasumori.correlator set lease_until = '-infinity'");
    assert_int_equal(lease_renew(&rival, world->owner, &gained, &world->err), RC_OK);
    assert_int_equal(gained, LEASE_SHARDS);
    assert_int_equal(recompute_tenant(recompute, world->db, &mine, "acme", &report, &world->err),
                     RC_OK);
    assert_int_equal(report.outcome, RECOMPUTE_OUTCOME_FENCED);
    assert_int_equal(world_count(world, "select count(*) from kasumori.correlated"), 0);
    assert_int_equal(world_count(world, "select count(*) from kasumori.part"), 0);
    assert_int_equal(
        recompute_tenant(recompute, world->owner, &rival, "acme", &report, &world->err), RC_OK);
    assert_int_equal(report.outcome, RECOMPUTE_OUTCOME_DONE);
    db_close(world->db);
    db_close(world->owner);
    recompute_free(recompute);
    world->db = NULL;
    world->owner = NULL;
}

/* A step whose lease was lost after its facts were read writes nothing; its owner does. */
static void test_a_step_without_lease_writes_nothing(void **state)
{
    struct world *world = *state;
    const struct advance_config config = {"alerts", "watch", 0, 0};
    struct advance *advance = advance_new(&config);
    struct recompute_report report;
    struct lease mine;
    int gained;
    report_thrice(world);
    assert_int_equal(lease_init(&mine, CLOCK_US_PER_S, &world->err), RC_OK);
    assert_int_equal(lease_renew(&mine, world->db, &gained, &world->err), RC_OK);
    struct due_row row = {.offset = 7};
    row.stream_no = (int32_t)world_count(world, "select stream_no from kasumori.kafka_offset");
    const struct due_task task = {.tenant = "acme", .rows = &row, .rows_count = 1};
    struct db_result *id;
    assert_int_equal(db_run(world->owner, "first_id", "select test.id(10)", NULL, &id, &world->err),
                     RC_OK);
    row.record_id = db_result_uuid(id, 0, 0);
    db_result_free(id);
    world_do(world, "update kasumori.correlator set owner = test.id(1), epoch = epoch + 1");
    assert_int_equal(advance_tenant(advance, world->db, &mine, &task, &report, &world->err), RC_OK);
    assert_int_equal(report.outcome, RECOMPUTE_OUTCOME_FENCED);
    assert_int_equal(world_count(world, "select count(*) from kasumori.correlated"), 0);
    assert_int_equal(world_count(world, "select count(*) from kasumori.part"), 0);
    db_close(world->db);
    world->db = NULL;
    advance_free(advance);
    world_restart(world);
    world_settle(world);
    assert_string_equal(changes(world), "opened");
    assert_int_equal(world_differences(world, "acme"), 0);
}

/* A lease that runs out in mid-transaction cannot be taken before its end. */
static void test_a_lock_outlives_the_lease(void **state)
{
    struct world *world = *state;
    struct lease mine, rival;
    int gained;
    assert_int_equal(lease_init(&mine, CLOCK_US_PER_S, &world->err), RC_OK);
    assert_int_equal(lease_init(&rival, CLOCK_US_PER_S, &world->err), RC_OK);
    assert_int_equal(lease_renew(&mine, world->db, &gained, &world->err), RC_OK);
    world_do(world, "update kasumori.correlator set lease_until = '-infinity'");
    assert_int_equal(db_exec(world->db, "begin", &world->err), RC_OK);
    assert_int_equal(lease_lock(&mine, world->db, 5, &world->err), RC_OK);
    assert_int_equal(lease_renew(&rival, world->owner, &gained, &world->err), RC_OK);
    assert_int_equal(gained, LEASE_SHARDS - 1);
    assert_false(rival.is_held[5]);
    assert_int_equal(db_exec(world->db, "commit", &world->err), RC_OK);
    assert_int_equal(lease_renew(&rival, world->owner, &gained, &world->err), RC_OK);
    assert_int_equal(gained, 1);
    assert_int_equal(lease_lock(&mine, world->db, 5, &world->err), RC_REJECT);
}

static void test_another_process_takes_over(void **state)
{
    struct world *world = *state;
    report_thrice(world);
    world_settle(world);
    world_do(world, "select test.record(13, 2, 70, 's1', '{7}')");
    world_restart(world);
    assert_int_equal(world_settle(world), 1);
    assert_string_equal(changes(world), "opened extended");
    assert_int_equal(correlator_stop(world->correlator, world->db, &world->err), RC_OK);
    assert_int_equal(world_count(world, "select count(*) from kasumori.correlator "
                                        "where owner is not null"),
                     0);
}

/* T1 learns from whichever process correlates how far behind that is. */
static void test_what_is_behind_is_known(void **state)
{
    struct world *world = *state;
    struct pressure pressure = {.behind_max = 2};
    struct pressure off = {0};
    report_thrice(world);
    world_do(world, "update kasumori.kafka_offset set next_offset = 10");
    assert_int_equal(pressure_ask(&pressure, world->db, &world->err), RC_OK);
    assert_int_equal(pressure.behind, 10); /* nobody has ever looked */
    assert_true(pressure_is_high(&pressure));
    world_settle(world); /* its first look saves where it stands: the rows were all ahead */
    world_restart(world);
    world_settle(world);
    pressure.asked_mono_us = INT64_MAX; /* less than a second ago, however slow this is */
    assert_int_equal(pressure_ask(&pressure, world->db, &world->err), RC_OK);
    assert_int_equal(pressure.behind, 10);
    pressure.asked_mono_us = 0;
    assert_int_equal(pressure_ask(&pressure, world->db, &world->err), RC_OK);
    assert_true(pressure.behind <= 3);
    world_do(world, "update kasumori.correlator_cursor set next_offset = 8");
    pressure.asked_mono_us = 0;
    assert_int_equal(pressure_ask(&pressure, world->db, &world->err), RC_OK);
    assert_int_equal(pressure.behind, 2);
    assert_false(pressure_is_high(&pressure));
    world_do(world, "update kasumori.correlator_cursor set next_offset = 7 where shard = 63");
    pressure.asked_mono_us = 0;
    assert_int_equal(pressure_ask(&pressure, world->db, &world->err), RC_OK);
    assert_true(pressure_is_high(&pressure));
    assert_int_equal(pressure_ask(&off, NULL, &world->err), RC_OK);
    assert_false(pressure_is_high(&off));
}

/* ---- every statement fails once, before it runs and after ---- */

static void fail_each(struct world *world, int sign)
{
    int failures = 1;
    for (long n = 1; failures > 0; n++) {
        world_do(world, "select test.reset()");
        world_restart(world);
        report_thrice(world);
        world_do(world, RESTRICT);
        db_fail_nth(sign * n);
        failures = world_settle_stubbornly(world);
        db_fail_nth(0);
        assert_string_equal(changes(world), "opened");
        assert_int_equal(world_count(world, "select count(*) from kasumori.outbox"), 2);
        assert_int_equal(world_count(world, "select decision_no from kasumori.correlated"), 1);
        assert_int_equal(world_differences(world, "acme"), 0);
        if (n > 200)
            fail_msg("more statements than there can be");
    }
}

static void test_a_failure_before_every_statement(void **state)
{
    fail_each(*state, 1);
}

static void test_a_failure_after_every_statement(void **state)
{
    fail_each(*state, -1);
}

/* ---- outbox ---- */

static void test_the_outbox_is_sent_in_order(void **state)
{
    struct world *world = *state;
    struct outbox_counts counts = {0};
    struct arena *arena = arena_new(1 << 20);
    struct kafka_producer *producer = kafka_fake_new(100);
    Kasumori__V1__Alert *alert;
    int is_more;
    report_thrice(world);
    world_settle(world);
    world_do(world, "select test.record(13, 2, 70, 's1', '{7}')");
    world_settle(world);
    const struct lease *lease = correlator_lease(world->correlator);
    kafka_fake_fail_nth(producer, 2, RC_RETRY);
    assert_int_not_equal(
        outbox_publish(world->db, lease, producer, 10, &counts, &is_more, &world->err), RC_OK);
    assert_int_equal(counts.sent, 1);
    assert_int_equal(outbox_publish(world->db, lease, producer, 10, &counts, &is_more, &world->err),
                     RC_OK);
    assert_int_equal(counts.sent, 2);
    assert_int_equal(kafka_fake_count(producer), 2);
    assert_int_equal(world_count(world, "select count(*) from kasumori.outbox "
                                        "where sent_at is null"),
                     0);
    const struct kafka_fake_message *message = kafka_fake_at(producer, 1);
    assert_string_equal(message->topic, "alerts");
    assert_int_equal(alert_decode(message->value, arena, &alert, &world->err), RC_OK);
    assert_int_equal(alert->change_no, 2);
    assert_int_equal(alert->change, KASUMORI__V1__ALERT_CHANGE__ALERT_CHANGE_EXTENDED);
    assert_int_equal(alert->rule, KASUMORI__V1__RULE__RULE_REPETITION);
    assert_int_equal(alert->n_record_ids, 4);
    assert_int_equal(alert->n_sites, 1);
    assert_memory_equal(message->key.data, alert->alert_id.data, UUID_BYTES);
    kafka_producer_free(producer);
    arena_free(arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(repetition_is_told),
        TEST(nothing_is_written_twice),
        TEST(a_late_upload_keeps_the_alert),
        TEST(a_retraction_withdraws),
        TEST(a_verdict_withdraws_and_its_revocation_reopens),
        TEST(unlinking_parts_findings),
        TEST(a_linking_policy_holds_once_adopted),
        TEST(findings_that_meet_merge),
        TEST(a_ban_is_told_and_taken_back),
        TEST(a_large_tenant_is_left_alone),
        TEST(a_wide_neighbourhood_is_computed_as_a_whole),
        TEST(a_hub_is_not_read_whole),
        TEST(spoilt_rows_are_noticed),
        TEST(steps_give_what_the_whole_gives),
        TEST(who_lost_the_lease_writes_nothing),
        TEST(a_step_without_lease_writes_nothing),
        TEST(a_lock_outlives_the_lease),
        TEST(another_process_takes_over),
        TEST(what_is_behind_is_known),
        TEST(a_failure_before_every_statement),
        TEST(a_failure_after_every_statement),
        TEST(the_outbox_is_sent_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
