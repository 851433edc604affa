/* history_load on a real server: what stands where, what another tenant has, and what happens when
   the n-th statement or allocation fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/mem.h"
#include "services/common/history/history.h"

enum { ARENA_BYTES = 1 << 20 };

static const char FACTS[] =
    "select kasumori.make_partitions('2026-11-01', '2026-11-01');"
    "insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source, "
    "revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel, "
    "direction, is_training, matter, happening_ref, target_id, replaces, outcome, talk_us, "
    "hold_us, "
    "categories, answer_matters, answer_recorded_at, answer_is_final, body_hash) select tenant, "
    "id::uuid, kind, 's1', 's2', 'a', 'x', 7, '1970-01-01 00:00:01Z', '1970-01-01 00:00:02Z', "
    "'1970-01-01 00:00:03Z', now(), 1, 2, 1, kind = 1, 'm', 'r', target::uuid, replaces, 3, 4, 5, "
    "array['a:b:c', 'd:e:f'], array['', 'n'], array['1970-01-01 00:00:06Z', "
    "'1970-01-01 00:00:07Z']::timestamptz[], array[false, true], decode(repeat('00', 16), 'hex') "
    "from (values ('acme', '019a8000-0000-7000-8000-000000000001', 1, null, null), "
    "('acme', '019a8000-0000-7000-8000-000000000002', 4, "
    "'019a8000-0000-7000-8000-000000000001', 0), "
    "('other', '019a8000-0000-7000-8000-000000000003', 2, null, null)) "
    "as row (tenant, id, kind, target, replaces);"
    "insert into kasumori.sighting (tenant, record_id, person, item, key_id, kind, mac, role, "
    "assurance, direction, site, occurred_start) select 'acme', "
    "'019a8000-0000-7000-8000-000000000001', person, item, key_id, kind, "
    "('00000000-0000-0000-0000-0000000000' || mac)::uuid, role, 4, 1, 's1', now() from (values "
    "(1, 0, 1, 5, '05', 2), (0, 1, 4294967295, 4, '03', 1), (0, 1, 1, 4, '02', 1), "
    "(0, 0, 1, 2, '01', 1), (-1, 0, 1, 9, '09', 0)) as row (person, item, key_id, kind, mac, role);"
    "insert into kasumori.decision (tenant, kind, made_by, second_by, reason, body) values "
    "('acme', 'restrict', 'p', 'q', 'x', '{\"classes\":[{\"token\":[4,1,"
    "\"00000000000000000000000000000002\"],\"at\":8}],\"scope\":[\"s2\",\"s1\"],\"until\":9}'), "
    "('acme', 'attach', 'p', null, 'x', '{\"record\":\"019a8000000070008000000000000001\","
    "\"ordinal\":2,\"handle\":\"000000000000000000000000000000ff\"}'), "
    "('other', 'revoke', 'p', null, 'x', '{\"no_revoked\":1}');"
    "insert into kasumori.policy_version (tenant, version, is_linking, effective_from, loaded_by, "
    "source) values ('acme', 1, false, '1970-01-01 00:00:10Z', 'p', 'rules: {cross_site_sites: "
    "9}'), "
    "('acme', 2, true, now(), 'p', 'cap: 8'), ('acme', 3, true, now(), 'p', 'cap: 7'), "
    "('acme', 4, true, now(), 'p', 'cap: 6'), "
    "('other', 1, false, now(), 'p', '{}');"
    "insert into kasumori.linking_adopted (tenant, adoption_no, version, adopted_by) values "
    "('acme', 1, 2, 'p'), ('acme', 2, 4, 'p'), ('acme', 3, 3, 'p');"
    "insert into kasumori.tick values ('acme', '1970-01-01 00:00:11Z'), "
    "('acme', '1970-01-01 00:00:12Z'), ('other', now())";

struct world {
    struct db *db; /* with an aggregator's rights */
    struct arena *arena;
    struct facts facts;
    struct err err;
};

static struct db *open_as(const char *variable)
{
    struct db *db;
    struct err err;
    const char *conninfo = getenv(variable);
    assert_non_null(conninfo);
    if (db_open(conninfo, "test", &db, &err) != RC_OK)
        fail_msg("%s", err.text);
    return db;
}

static int store_facts(void **state)
{
    struct err err;
    struct db *owner = open_as("KASUMORI_TEST_OWNER");
    (void)state;
    if (db_exec(owner, FACTS, &err) != RC_OK)
        fail_msg("%s", err.text);
    db_close(owner);
    return 0;
}

static int set_up(void **state)
{
    static struct world world;
    world =
        (struct world){.db = open_as("KASUMORI_TEST_DATABASE"), .arena = arena_new(ARENA_BYTES)};
    assert_non_null(world.arena);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    arena_free(world->arena);
    db_close(world->db);
    return 0;
}

static void load(struct world *world, const char *tenant)
{
    if (history_load(world->db, tenant, world->arena, &world->facts, &world->err) != RC_OK)
        fail_msg("%s", world->err.text);
}

static void assert_text(struct slice text, const char *wanted)
{
    assert_true(slice_is_equal(text, slice_str(wanted)));
}

static void records_are_read(void **state)
{
    struct world *world = *state;
    load(world, "acme");
    assert_int_equal(world->facts.records_count, 2);
    const struct fact_record *r = &world->facts.records[0], *c = &world->facts.records[1];
    assert_int_equal(r->id.bytes[15], 1);
    assert_int_equal(r->kind, FACT_BODY_CONTACT);
    assert_text(r->site, "s1");
    assert_text(r->concerned_site, "s2");
    assert_int_equal(r->start_us, 1000000);
    assert_int_equal(r->end_us, 2000000);
    assert_int_equal(r->recorded_at_us, 3000000);
    assert_int_equal(r->channel, 2);
    assert_int_equal(r->direction, FACT_DIRECTION_INBOUND);
    assert_int_equal(r->outcome, 3);
    assert_int_equal(r->is_training, 1);
    assert_int_equal(r->revision, 7);
    assert_text(r->matter, "m");
    assert_text(r->ref, "r");
    assert_int_equal(r->talk_us, 4);
    assert_int_equal(r->hold_us, 5);
    assert_int_equal(r->categories_count, 2);
    assert_text(r->categories[1], "d:e:f");
    assert_int_equal(r->answers_count, 2);
    assert_text(r->answers[0].matter, "");
    assert_int_equal(r->answers[0].is_final, 0);
    assert_text(r->answers[1].matter, "n");
    assert_int_equal(r->answers[1].recorded_at_us, 7000000);
    assert_int_equal(r->answers[1].is_final, 1);
    assert_int_equal(c->kind, FACT_BODY_CORRECTION);
    assert_int_equal(c->replaces, FACT_BODY_RETRACTION);
    assert_memory_equal(c->target.bytes, r->id.bytes, UUID_BYTES);
    assert_int_equal(c->persons_count, 0);
}

static void persons_are_read_in_the_order_of_the_message(void **state)
{
    struct world *world = *state;
    load(world, "acme");
    const struct fact_record *r = &world->facts.records[0];
    assert_int_equal(r->persons_count, 2); /* and not the worker */
    const struct fact_person *first = &r->persons[0], *second = &r->persons[1];
    assert_int_equal(first->ordinal, 0);
    assert_int_equal(first->role, FACT_ROLE_SUBJECT);
    assert_int_equal(first->identifiers_count, 2);
    assert_int_equal(first->identifiers[0].kind, FACT_KIND_MEMBER);
    assert_int_equal(first->identifiers[0].assurance, 4);
    const struct fact_identifier *phone = &first->identifiers[1];
    assert_int_equal(phone->kind, FACT_KIND_PHONE);
    assert_int_equal(phone->tokens_count, 2); /* aliases of one value */
    assert_int_equal(phone->tokens[0].key_id, 1);
    assert_int_equal(phone->tokens[0].mac[15], 2);
    assert_int_equal(phone->tokens[1].key_id, UINT32_MAX);
    assert_int_equal(phone->tokens[1].mac[15], 3);
    assert_int_equal(second->ordinal, 1);
    assert_int_equal(second->role, 2);
    assert_int_equal(second->identifiers_count, 1);
    assert_int_equal(second->identifiers[0].tokens[0].mac[15], 5);
}

static void decisions_are_read(void **state)
{
    struct world *world = *state;
    load(world, "acme");
    assert_int_equal(world->facts.decisions_count, 2);
    const struct fact_decision *d = &world->facts.decisions[0];
    assert_int_equal(d->no, 1);
    assert_int_equal(d->kind, FACT_DECISION_RESTRICT);
    assert_int_equal(d->classes_count, 1);
    assert_int_equal(d->classes[0].token.kind, FACT_KIND_PHONE);
    assert_int_equal(d->classes[0].token.mac[15], 2);
    assert_int_equal(d->classes[0].at_us, 8);
    assert_int_equal(d->scope_count, 2);
    assert_text(d->scope[0], "s2");
    assert_int_equal(d->until_us, 9);
    assert_text(d->made_by, "p");
    assert_text(d->second_by, "q");
    d++;
    assert_int_equal(d->kind, FACT_DECISION_ATTACH);
    assert_int_equal(d->records_count, 1);
    assert_memory_equal(d->records[0].bytes, world->facts.records[0].id.bytes, UUID_BYTES);
    assert_int_equal(d->ordinal, 2);
    assert_int_equal(d->handle[15], 0xff);
    assert_int_equal(d->second_by.size, 0);
}

static void policies_and_the_greatest_tick_are_read(void **state)
{
    struct world *world = *state;
    load(world, "acme");
    assert_int_equal(world->facts.policies_count, 1);
    assert_int_equal(world->facts.policies[0].version, 1);
    assert_int_equal(world->facts.policies[0].effective_from_us, 10000000);
    assert_int_equal(world->facts.policies[0].cross_site_sites, 9);
    assert_int_equal(world->facts.linking.cap, 7);
    assert_int_equal(world->facts.has_tick, 1);
    assert_int_equal(world->facts.as_of_us, 12000000);
}

static void nobody_has_no_facts(void **state)
{
    struct world *world = *state;
    load(world, "nobody");
    assert_int_equal(
        world->facts.records_count + world->facts.decisions_count + world->facts.policies_count, 0);
    assert_int_equal(world->facts.has_tick, 0);
    assert_int_equal(world->facts.linking.cap, facts_linking_standard.cap);
}

/* Nothing is written on failure, and the next load on the connection begins anew. */
static void assert_clean(struct world *world, const struct facts *untouched)
{
    assert_memory_equal(&world->facts, untouched, sizeof(*untouched));
    if (!db_is_alive(world->db)) {
        db_close(world->db);
        world->db = open_as("KASUMORI_TEST_DATABASE");
    }
}

static void the_nth_statement_fails(void **state)
{
    struct world *world = *state;
    const struct facts untouched = world->facts;
    for (long n = 1;; n++) {
        arena_reset(world->arena);
        db_fail_nth(n);
        enum rc rc = history_load(world->db, "acme", world->arena, &world->facts, &world->err);
        if (rc == RC_OK) {
            assert_true(n > 10);
            db_fail_nth(0);
            return;
        }
        assert_int_equal(rc, RC_RETRY);
        assert_clean(world, &untouched);
    }
}

static void the_nth_allocation_fails(void **state)
{
    struct world *world = *state;
    const struct facts untouched = world->facts;
    for (long n = 1;; n++) {
        struct arena *arena = arena_new(ARENA_BYTES);
        mem_fail_nth(n);
        enum rc rc = history_load(world->db, "acme", arena, &world->facts, &world->err);
        int is_through = mem_fail_pending();
        mem_fail_nth(0);
        arena_free(arena);
        if (is_through) {
            assert_int_equal(rc, RC_OK);
            return;
        }
        assert_true(rc == RC_RETRY || rc == RC_FULL);
        assert_clean(world, &untouched);
    }
}

static void a_small_arena_is_full(void **state)
{
    struct world *world = *state;
    size_t needed;
    load(world, "acme");
    needed = arena_used_bytes(world->arena);
    for (size_t bytes = 16; bytes < needed; bytes += 16) {
        struct arena *arena = arena_new(bytes);
        enum rc rc = history_load(world->db, "acme", arena, &world->facts, &world->err);
        assert_int_equal(rc, RC_FULL);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(persons_are_read_in_the_order_of_the_message, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(decisions_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(policies_and_the_greatest_tick_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_has_no_facts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_nth_statement_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_nth_allocation_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_small_arena_is_full, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, store_facts, NULL);
}
