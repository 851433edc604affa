/* Steps against the whole, on random facts of all kinds told in random batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "services/common/base/buf.h"
#include "tests/component/correlator/world.h"

enum { RANDOM_RUNS = 12, RANDOM_BATCHES = 14, RANDOM_MOST = 9 };

struct dice {
    uint64_t state;
    int next_id; /* of records */
    int decisions;
    int hours; /* spread of starts */
};

/* splitmix64 */
static int roll(struct dice *dice, int sides)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int)((z ^ z >> 31) % (uint64_t)sides);
}

/* A record there is, or perhaps one to come. */
static int some_record(struct dice *dice)
{
    return 100 + roll(dice, dice->next_id - 100 + 2);
}

static void add_record(struct dice *dice, struct buf *sql)
{
    int id = dice->next_id++, phones = roll(dice, 4);
    buf_addf(sql, "select test.record(%d, %d, %d.%d, 's%d', '{", id, 1 + roll(dice, 2),
             roll(dice, dice->hours), roll(dice, 10), roll(dice, 2));
    for (int i = 0; i < phones; i++)
        buf_addf(sql, "%s%d", i > 0 ? "," : "", 1 + roll(dice, 9));
    buf_add_str(sql, "}');");
    if (roll(dice, 2) == 0) {
        static const char *const KEYS[] = {"1", "2", "1,2", "2,3"};
        buf_addf(sql, "select test.name(%d, %d, '{%s}');", id, 1 + roll(dice, 3),
                 KEYS[roll(dice, 4)]);
    }
    if (roll(dice, 2) == 0)
        buf_addf(sql,
                 "update kasumori.record set happening_ref = 'r%d' where record_id = test.id(%d);",
                 roll(dice, 2) == 0 ? id : roll(dice, 3), id);
    if (roll(dice, 2) == 0)
        buf_addf(sql,
                 "update kasumori.record set occurred_end = occurred_start + interval '1 hour' "
                 "where record_id = test.id(%d);",
                 id);
    if (roll(dice, 3) == 0)
        buf_addf(sql,
                 "update kasumori.record set categories = array['s:1:c%d', '', 's:1:abuse', "
                 "'s:1:abuse'], concerned_site = 's%d', detail = '{\"loss\": {\"staffMinutes\": "
                 "%d}}' where record_id = test.id(%d);",
                 roll(dice, 3), roll(dice, 3), roll(dice, 90), id);
    if (roll(dice, 8) == 0)
        buf_addf(sql,
                 "update kasumori.record set is_training = true where record_id = test.id(%d);",
                 id);
}

/* A supplement or a correction is a record that is given a target. */
static void add_change(struct dice *dice, struct buf *sql)
{
    int id = dice->next_id, kind = 3 + roll(dice, 2);
    add_record(dice, sql);
    buf_addf(sql,
             "update kasumori.record set kind = %d, target_id = test.id(%d), replaces = %s, "
             "revision = %d where record_id = test.id(%d);",
             kind, some_record(dice), kind == 4 ? roll(dice, 3) == 0 ? "0" : "2" : "null",
             roll(dice, 3), id);
}

static void add_decision(struct dice *dice, struct buf *sql)
{
    static const char *const FORMS[] = {
        "'verdict', jsonb_build_object('value', 'complaint', 'records', "
        "jsonb_build_array(test.id(%d)))",
        "'verdict', jsonb_build_object('value', 'confirmed', 'records', "
        "jsonb_build_array(test.id(%d), test.id(%d)))",
        "'same_occurrence', jsonb_build_object('records', jsonb_build_array(test.id(%d), "
        "test.id(%d)))",
        "'matter', jsonb_build_object('name', 'm', 'records', jsonb_build_array(test.id(%d)))",
        "'attach', jsonb_build_object('record', test.id(%d), 'ordinal', 0, 'handle', lpad('%d', "
        "32, '0'))",
        "'link', jsonb_build_object('a', test.phone(%d), 'b', test.phone(%d))",
        "'suppress', jsonb_build_object('a', test.phone(%d), 'b', test.phone(%d))",
        "'pin_shared', jsonb_build_object('class', test.phone(%d), 'value', true)",
        "'pin_shared', jsonb_build_object('class', test.phone(%d), 'value', false)",
        "'restrict', jsonb_build_object('classes', jsonb_build_array(test.phone(%d)), 'scope', "
        "jsonb_build_array('s1'), 'until', (extract(epoch from timestamptz '2027-01-01') * "
        "1000000)::bigint)",
        "'not_listable', jsonb_build_object('classes', jsonb_build_array(test.phone(%d)))",
        "'revoke', jsonb_build_object('no_revoked', %d)",
    };
    int form = roll(dice, (int)(sizeof(FORMS) / sizeof(FORMS[0])));
    int a = form < 5 ? some_record(dice) : 1 + roll(dice, 9);
    int b = form < 4 ? some_record(dice) : 1 + roll(dice, 9);
    if (form == 11)
        a = 1 + roll(dice, dice->decisions + 1);
    dice->decisions++;
    buf_add_str(sql, "select test.decide(");
    buf_addf(sql, FORMS[form], a, b);
    buf_add_str(sql, ");");
}

static void add_batch(struct dice *dice, struct buf *sql)
{
    for (int i = 1 + roll(dice, RANDOM_MOST); i > 0; i--) {
        int what = roll(dice, 12);
        if (what < 7)
            add_record(dice, sql);
        else if (what < 9)
            add_change(dice, sql);
        else
            add_decision(dice, sql);
    }
    if (roll(dice, 6) == 0)
        buf_addf(sql,
                 "insert into kasumori.tick values ('acme', timestamptz '2026-11-%02d') "
                 "on conflict do nothing;",
                 1 + roll(dice, 28));
}

/* Computing the whole finds nothing to write and nothing to tell: rows, alerts and watch entries
   are what it would have made. */
static void agree_with_the_whole(struct world *world, struct recompute *recompute)
{
    struct recompute_report report;
    assert_int_equal(recompute_tenant(recompute, world->db, correlator_lease(world->correlator),
                                      "acme", &report, &world->err),
                     RC_OK);
    assert_int_equal(report.outcome, RECOMPUTE_OUTCOME_DONE);
    if (report.rows.written + report.rows.deleted > 0)
        fail_msg("%d rows written, %d deleted", (int)report.rows.written, (int)report.rows.deleted);
    assert_int_equal(report.alert_changes, 0);
    assert_int_equal(report.watch_changes, 0);
}

void test_steps_give_what_the_whole_gives(void **state)
{
    struct world *world = *state;
    struct recompute *recompute = recompute_new(&world->config.recompute);
    struct buf sql;
    uint64_t changes_seen = 0;
    buf_init(&sql, 1 << 20);
    for (uint64_t run = 1; run <= RANDOM_RUNS; run++) {
        struct dice dice = {.state = run, .next_id = 100, .hours = run % 2 == 0 ? 60 : 3000};
        world_do(world, "select test.reset()");
        world->config.hub_records = run % 3 == 0 ? 0 : 2; /* phones are hubs soon, or never */
        world_restart(world);
        for (int batch = 0; batch < RANDOM_BATCHES; batch++) {
            buf_reset(&sql);
            add_batch(&dice, &sql);
            world_do(world, (const char *)sql.data);
            world_settle(world);
            assert_int_equal(world->wholes, 0);
            agree_with_the_whole(world, recompute);
        }
        world_do(world, "select kasumori.fill_figures('acme')"); /* the migration's way */
        agree_with_the_whole(world, recompute);
        changes_seen += (uint64_t)world_count(world, "select count(*) from kasumori.alert_change");
    }
    print_message("%d changes of alerts, %d hubs told\n", (int)changes_seen, world->hubs);
    assert_true(world->hubs > 50);
    assert_true(changes_seen > 50);
    buf_done(&sql);
    db_close(world->db); /* it holds the statements */
    world->db = world_open("KASUMORI_TEST_DATABASE");
    recompute_free(recompute);
}
