/* A batch against real PostgreSQL: what is stored, what is not, and that nothing is stored twice or
   lost whichever statement fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "tests/component/aggregator/world.h"

/* ---- what a record becomes ---- */

static void a_contact_has_its_columns(void **state)
{
    struct world *w = *state;
    world_give_record(w, sample_record(SAMPLE_CONTACT));
    world_store(w);
    assert_int_equal(w->counts.records, 1);
    assert_string_equal(
        world_ask(w, "select concat_ws('|', tenant, kind, site, concerned_site, agent, source, "
                     "external_id, revision, matter, happening_ref, is_training, is_connected, "
                     "outcome, withheld, talk_us, hold_us, categories, answer_matters, "
                     "answer_is_final, octet_length(body_hash)) from kasumori.record"),
        "acme|1|s001|s017|s001-a|asterisk-cdr|pbx1-1793000000.42|3|T-77|linked-9|t|t|1|2|"
        "3900000000|3|{T-77}|{t}|16");
    assert_int_equal(world_count(w, "select count(*) from kasumori.record where occurred_end - "
                                    "occurred_start = interval '3965 s' and recorded_at - "
                                    "occurred_end = interval '1.5 s' and appended_at - "
                                    "occurred_end = interval '60 s' and answer_recorded_at[1] = "
                                    "occurred_end - interval '1 s' and target_id is null and "
                                    "replaces is null and not has_unknown_fields"),
                     1);
    assert_int_equal(world_count(w, "select count(*) from kasumori.external_key e join "
                                    "kasumori.record r using (tenant, record_id) where "
                                    "external_hash = substr(sha256(external_id::bytea), 1, 16)"),
                     1);
    assert_string_equal(world_ask(w, "select string_agg(concat_ws(' ', place, text, masked), ', ') "
                                     "from kasumori.record_text"),
                        "contact.answers[0].text 返金はできません 2");
}

static void an_incident_keeps_everybody_named_in_it(void **state)
{
    struct world *w = *state;
    world_give_record(w, sample_record(SAMPLE_INCIDENT));
    world_store(w);
    assert_string_equal(
        world_ask(w, "select array_to_string(categories, ',') from kasumori.record"),
        "mhlw9:2022:abuse");
    /* Two identifiers of person 0, one of person 1, the worker, who decided measure 1: two keys
     * each. */
    assert_string_equal(
        world_ask(w, "select string_agg(concat_ws(' ', person, item, key_id, kind, role), ', ' "
                     "order by person, item, key_id) from kasumori.sighting"),
        "-3 0 1 9 0, -3 0 2 9 0, -1 0 1 9 0, -1 0 2 9 0, 0 0 1 4 1, 0 0 2 4 1, 0 1 1 2 1, "
        "0 1 2 2 1, 1 0 1 9 2, 1 0 2 9 2");
    assert_int_equal(world_count(w, "select count(*) from kasumori.sealed_identity"), 5);
    assert_string_equal(world_ask(w, "select encode(sealed, 'hex') from kasumori.sealed_identity "
                                     "where person = 0 and item = 0"),
                        "61207365616c656420626f782000ff");
    assert_int_equal(world_count(w, "select count(*) from kasumori.record_text where place = "
                                    "'incident.words[0]' and said_at is not null"),
                     1);
    assert_int_equal(
        world_count(w, "select count(*) from kasumori.record where detail::text like '%青い上着%'"),
        0);
}

static void the_other_kinds_name_their_target(void **state)
{
    struct world *w = *state;
    static const struct {
        enum sample_kind kind;
        const char *expected;
    } CASES[] = {
        {SAMPLE_SUPPLEMENT, "3||2"},
        {SAMPLE_CORRECTION, "4|2|1"},
        {SAMPLE_CORRECTED_SUPPLEMENT, "4|3|2"},
        {SAMPLE_RETRACTION, "4|0|"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        Kasumori__V1__Record *record = sample_record(CASES[i].kind);
        record->external_id = "";
        world_give_record(w, record);
        world_store(w);
        assert_int_equal(w->counts.records, i + 1);
        assert_string_equal(
            world_ask(w, "select concat(kind, '|', replaces, '|', cardinality(answer_matters)) "
                         "from kasumori.record"),
            CASES[i].expected);
        assert_string_equal(world_ask(w, "select target_id::text from kasumori.record"),
                            "01a17720-ca00-7111-9222-333344445555");
        world_do(w, "delete from kasumori.record; delete from kasumori.record_text; "
                    "delete from kasumori.sighting; delete from kasumori.sealed_identity");
    }
}

static void unknown_fields_keep_the_whole_wire(void **state)
{
    struct world *w = *state;
    struct letter letter;
    struct letter_from from = world_from(w);
    struct buf value;
    static const uint8_t UNKNOWN[] = {0xf2, 0x3f, 2, 'h', 'i'}; /* field 1022 */
    buf_init(&value, LIMIT_VALUE_BYTES);
    assert_int_equal(record_encode(world_contact(1), &value, NULL), RC_OK);
    buf_add(&value, UNKNOWN, sizeof(UNKNOWN));
    letter_write(&letter, &from, value.data, value.size);
    world_give(w, &letter);
    world_store(w);
    assert_int_equal(
        world_count(w, "select count(*) from kasumori.record where has_unknown_fields"), 1);
    assert_int_equal(world_count(w, "select octet_length(raw) from kasumori.record_text where "
                                    "place = 'wire'"),
                     value.size);
    buf_done(&value);
}

/* ---- again ---- */

static const char DUMP_SQL[] =
    "select md5(string_agg(t, ' ' order by t)) from ("
    "select (to_jsonb(r) - 'stream_no')::text t from kasumori.record r union all "
    "select (s.*)::text from kasumori.sighting s union all "
    "select (x.*)::text from kasumori.record_text x union all "
    "select (e.*)::text from kasumori.external_key e union all "
    "select record_id::text || kafka_offset from kasumori.ingest_log union all "
    "select concat(kafka_offset, class, reason, value) from kasumori.bad_record union all "
    "select concat(agent, epoch, received) from kasumori.agent_seq) d";

/* A little of everything, the same each time. */
static void give_history(struct world *w, int (*cut)(int at))
{
    for (int i = 0; i < 40; i++) {
        Kasumori__V1__Record *record = world_contact(i % 5);
        static char external[32];
        record->revision = (uint32_t)(i % 3);
        record->contact->talk_us = i % 3 + (i % 11 == 5);
        snprintf(external, sizeof(external), "x%d", i % 6);
        record->external_id = i % 4 == 0 ? external : "";
        world_give_record(w, record);
        if (cut(i))
            world_store(w);
    }
    world_store(w);
}

static int never(int at)
{
    (void)at;
    return 0;
}

static int always(int at)
{
    (void)at;
    return 1;
}

static int sometimes(int at)
{
    return at % 7 == 3;
}

static void any_cut_gives_the_same_tables(void **state)
{
    struct world *w = *state;
    char whole[64];
    give_history(w, never);
    snprintf(whole, sizeof(whole), "%s", world_ask(w, DUMP_SQL));
    struct batch_counts counts = w->counts;
    assert_true(counts.revisions > 0 && counts.duplicates > 0 &&
                counts.bad[BAD_CLASS_CONFLICT] > 0);
    int (*const cuts[])(int) = {always, sometimes};
    for (size_t i = 0; i < 2; i++) {
        world_tear_down(state);
        world_set_up(state);
        give_history(w, cuts[i]);
        assert_string_equal(world_ask(w, DUMP_SQL), whole);
        assert_int_equal(w->counts.duplicates, counts.duplicates);
        assert_int_equal(w->counts.revisions, counts.revisions);
    }
}

static void all_again_changes_no_fact(void **state)
{
    struct world *w = *state;
    char before[64];
    static const char FACTS_SQL[] =
        "select md5(string_agg((r.*)::text, ' ' order by record_id)) from kasumori.record r";
    give_history(w, sometimes);
    snprintf(before, sizeof(before), "%s", world_ask(w, FACTS_SQL));
    int64_t records = w->counts.records + w->counts.revisions;
    give_history(w, sometimes);
    assert_string_equal(world_ask(w, FACTS_SQL), before);
    assert_int_equal(w->counts.records + w->counts.revisions, records);
    assert_int_equal(world_count(w, "select count(*) from kasumori.ingest_log"), records);
}

/* ---- bad ones ---- */

static void give_value(struct world *w, const char *value, size_t size)
{
    struct letter letter;
    struct letter_from from = world_from(w);
    letter_write(&letter, &from, value, size);
    world_give(w, &letter);
}

static void give_foreign(struct world *w, const char *agent, const char *site)
{
    struct letter letter;
    struct letter_from from = world_from(w);
    from.agent = agent;
    from.site = site;
    letter_write_record(&letter, &from, world_contact(9));
    world_give(w, &letter);
}

static void give_at(struct world *w, int64_t appended_at_us)
{
    struct letter letter;
    struct letter_from from = world_from(w);
    from.appended_at_us = appended_at_us;
    letter_write_record(&letter, &from, world_contact(9));
    world_give(w, &letter);
}

/* The record of world_contact(9), a year and more after its time, perhaps as a replay of a row. */
static void give_late(struct world *w, const char *restamp)
{
    struct letter letter;
    struct letter_from from = world_from(w);
    Kasumori__V1__Record *record = world_contact(9);
    from.appended_at_us = SAMPLE_AT_US + LIMIT_ID_AGE_US + CLOCK_US_PER_DAY;
    letter_write_record(&letter, &from, record);
    if (restamp != NULL)
        letter.event.headers[letter.event.headers_count++] =
            (struct kafka_header){"ks-restamp", slice_str(restamp)};
    world_give(w, &letter);
}

/* A header alone moves nothing; the row that it names must say so, about the same bytes. */
static void a_restamped_record_gets_the_time_of_its_row(void **state)
{
    struct world *w = *state;
    char place[64];
    snprintf(place, sizeof(place), "%d/100", (int)w->stream.stream_no);
    give_late(w, NULL); /* 100 clock */
    world_store(w);
    give_late(w, place); /* 101 clock: nobody has replayed it */
    world_store(w);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record"), 2);
    world_do(w, "update kasumori.bad_record set state = 'replayed', restamped_at = appended_at "
                "where kafka_offset = 100");
    give_late(w, "x/100"); /* 102 clock */
    give_late(w, NULL);    /* 103 clock */
    struct letter letter;
    struct letter_from from = world_from(w);
    Kasumori__V1__Record *other = world_contact(8);
    from.appended_at_us = SAMPLE_AT_US + LIMIT_ID_AGE_US + CLOCK_US_PER_DAY;
    letter_write_record(&letter, &from, other);
    letter.event.headers[letter.event.headers_count++] =
        (struct kafka_header){"ks-restamp", slice_str(place)};
    world_give(w, &letter); /* 104 clock: other bytes */
    world_store(w);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record"), 5);
    assert_int_equal(world_count(w, "select count(*) from kasumori.record"), 0);
    give_late(w, place);
    give_late(w, place); /* again: the same record */
    world_store(w);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record"), 5);
    assert_int_equal(world_count(w, "select count(*) from kasumori.record"), 1);
    assert_string_equal(
        world_ask(w, "select concat(substr(record.record_id::text, 1, 13) = "
                     "substr(kasumori.uuid_v7_floor(bad.restamped_at)::text, 1, 13), ' ', "
                     "substr(record.record_id::text, 15) = substr(bad.record_id::text, 15)) "
                     "from kasumori.record, kasumori.bad_record as bad "
                     "where bad.kafka_offset = 100"),
        "t t");
    assert_int_equal(world_count(w, "select count(*) from kasumori.record, kasumori.bad_record as "
                                    "bad where bad.kafka_offset = 100 and occurred_start between "
                                    "restamped_at - interval '2 days' and restamped_at"),
                     1);
    assert_int_equal(w->counts.duplicates, 1);
}

static void each_bad_class_is_kept_whole(void **state)
{
    struct world *w = *state;
    static char large[LIMIT_VALUE_BYTES + 1];
    struct letter forged;
    struct letter_from from = world_from(w);
    letter_write_record(&forged, &from, world_contact(9));
    forged.mac[20] ^= 1;
    world_give(w, &forged);                                        /* 100 forged */
    give_value(w, "\x08\x01garbage", 9);                           /* 101 malformed */
    give_value(w, NULL, 0);                                        /* 102 malformed: null */
    give_value(w, large, sizeof(large));                           /* 103 oversized */
    give_value(w, "\x08\x63", 2);                                  /* 104 newer */
    give_foreign(w, "s002-a", "s001");                             /* 105 forged: not its site */
    give_foreign(w, "s001-a", "s002");                             /* 106 forged: key */
    give_at(w, SAMPLE_AT_US + LIMIT_ID_AGE_US + CLOCK_US_PER_S);   /* 107 clock */
    give_at(w, SAMPLE_AT_US - LIMIT_ID_AHEAD_US - CLOCK_US_PER_S); /* 108 clock */
    world_give_record(w, world_contact(1));                        /* 109 good */
    Kasumori__V1__Record *other = world_contact(1);
    other->contact->talk_us++;
    world_give_record(w, other); /* 110 conflict */
    world_store(w);
    assert_string_equal(
        world_ask(w, "select string_agg(concat_ws(' ', kafka_offset, class, site, agent), ', ' "
                     "order by kafka_offset) from kasumori.bad_record"),
        "100 forged s001-a, 101 malformed s001 s001-a, 102 malformed s001 s001-a, "
        "103 oversized s001 s001-a, 104 newer s001 s001-a, 105 forged s002 s002-a, "
        "106 forged s001 s001-a, 107 clock s001 s001-a, 108 clock s001 s001-a, "
        "110 conflict s001 s001-a");
    assert_int_equal(w->counts.records, 1);
    assert_int_equal(w->counts.bad[BAD_CLASS_FORGED], 3);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record where value is null"),
                     1);
    assert_string_equal(
        world_ask(w,
                  "select encode(value, 'hex') from kasumori.bad_record where kafka_offset = 104"),
        "0863");
    /* The first header: size of its name, name, size of its value, value. */
    assert_string_equal(world_ask(w, "select encode(substr(headers, 1, 40), 'hex') from "
                                     "kasumori.bad_record where kafka_offset = 104"),
                        "000c636f6e74656e742d74797065000000166170706c69636174696f6e2f782d70726f746f"
                        "627566");
    assert_int_equal(world_count(w, "select next_offset from kasumori.kafka_offset"), 111);
    /* All but the unproven one close their sequence; 105 is the other agent's. */
    assert_string_equal(
        world_ask(w, "select string_agg(concat_ws(' ', agent, received), ', ' order by agent) "
                     "from kasumori.agent_seq"),
        "s001-a {[2,6),[7,12)}, s002-a {[6,7)}");
}

static void below_the_horizon_is_archived(void **state)
{
    struct world *w = *state;
    world_do(w, "insert into kasumori.setting values ('archive_horizon', '2100-01-01T00:00:00Z')");
    world_give_record(w, world_contact(1));
    world_store(w);
    assert_int_equal(w->counts.bad[BAD_CLASS_ARCHIVED], 1);
    world_do(w, "update kasumori.setting set value = '2020-01-01T00:00:00Z'");
    world_give_record(w, world_contact(1));
    world_store(w);
    assert_int_equal(w->counts.records, 1);
}

static void a_revocation_is_seen_by_the_next_batch(void **state)
{
    struct world *w = *state;
    world_give_record(w, world_contact(1));
    world_store(w);
    world_do(w, "update kasumori.agent set valid_to = '2021-01-01' where agent = 's001-a'");
    world_give_record(w, world_contact(2));
    world_store(w);
    assert_int_equal(w->counts.records, 1);
    assert_int_equal(w->counts.bad[BAD_CLASS_FORGED], 1);
}

/* ---- trouble ---- */

static void another_owner_fences(void **state)
{
    struct world *w = *state;
    world_do(w, "update kasumori.kafka_offset set epoch = epoch + 1");
    world_give_record(w, world_contact(1));
    assert_int_equal(batch_store(w->batch, w->db, &w->counts, &w->err), RC_REJECT);
    assert_int_equal(world_count(w, "select count(*) from kasumori.record"), 0);
    batch_drop(w->batch);
    world_do(w, "update kasumori.kafka_offset set epoch = epoch - 1, owner = gen_random_uuid()");
    w->next_offset = 100;
    world_give_record(w, world_contact(1));
    assert_int_equal(batch_store(w->batch, w->db, &w->counts, &w->err), RC_REJECT);
    assert_int_equal(world_count(w, "select count(*) from kasumori.record"), 0);
    assert_int_equal(w->counts.transactions, 0);
}

static void a_database_that_went_back_is_told_from_a_fence(void **state)
{
    struct world *w = *state;
    world_give_record(w, world_contact(1));
    world_store(w);
    world_do(w, "update kasumori.kafka_offset set next_offset = 100");
    world_give_record(w, world_contact(2));
    assert_int_equal(batch_store(w->batch, w->db, &w->counts, &w->err), RC_REJECT);
    assert_true(batch_is_rewound(w->batch));
    batch_drop(w->batch);
    world_give_record(w, world_contact(2));
    world_do(w, "update kasumori.kafka_offset set next_offset = 101, owner = gen_random_uuid()");
    assert_int_equal(batch_store(w->batch, w->db, &w->counts, &w->err), RC_REJECT);
    assert_false(batch_is_rewound(w->batch));
    assert_int_equal(world_count(w, "select count(*) from kasumori.record"), 1);
}

static void refused_rows_are_found_and_the_rest_goes_on(void **state)
{
    struct world *w = *state;
    world_do(w, "alter table kasumori.record add constraint no_poison check (source <> 'poison')");
    for (int i = 0; i < 50; i++) {
        Kasumori__V1__Record *record = world_contact(i);
        if (i == 13 || i == 14 || i == 49)
            record->source = "poison";
        world_give_record(w, record);
    }
    world_store(w);
    world_do(w, "alter table kasumori.record drop constraint no_poison");
    assert_int_equal(w->counts.records, 47);
    assert_int_equal(w->counts.bad[BAD_CLASS_MALFORMED], 3);
    assert_string_equal(world_ask(w, "select string_agg(kafka_offset::text, ' ' order by "
                                     "kafka_offset) from kasumori.bad_record where reason like "
                                     "'the database refused it: %no_poison%'"),
                        "113 114 149");
    assert_string_equal(world_ask(w, "select received::text from kasumori.agent_seq"), "{[1,51)}");
    assert_int_equal(world_count(w, "select next_offset from kasumori.kafka_offset"), 150);
}

static void a_missing_month_is_made(void **state)
{
    struct world *w = *state;
    world_do(w, "drop table kasumori.record_2026_10, kasumori.record_text_2026_10, "
                "kasumori.sealed_identity_2026_10, kasumori.sighting_2026_10");
    world_give_record(w, world_contact(1));
    world_store(w);
    assert_int_equal(w->counts.records, 1);
    assert_int_equal(world_count(w, "select count(*) from kasumori.record_2026_10"), 1);
    /* Believed to exist, but gone: an insert finds out. */
    world_do(w, "drop table kasumori.record_2026_10, kasumori.record_text_2026_10, "
                "kasumori.sealed_identity_2026_10, kasumori.sighting_2026_10");
    world_give_record(w, world_contact(2));
    world_store(w);
    assert_int_equal(w->counts.records, 2);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record"), 0);
}

/* Somebody else stores the same id between our look and our insert: with two connections that is a
   matter of luck, so a trigger plays the other one, once. */
static void a_race_for_an_id_is_judged_again(void **state)
{
    struct world *w = *state;
    world_give_record(w, world_contact(1));
    world_store(w);
    world_do(w, "create sequence kasumori.race; grant usage on sequence kasumori.race to "
                "kasumori_aggregator; "
                "create function kasumori.lose_race() returns trigger language plpgsql as $$ begin "
                "if nextval('kasumori.race') = 1 then raise unique_violation; end if; "
                "return new; end $$; "
                "grant execute on function kasumori.lose_race() to kasumori_aggregator; "
                "create trigger lose_race before insert on kasumori.ingest_log for each row "
                "execute function kasumori.lose_race()");
    for (int i = 2; i < 12; i++)
        world_give_record(w, world_contact(i));
    world_store(w);
    world_do(w, "drop trigger lose_race on kasumori.ingest_log; "
                "drop function kasumori.lose_race(); drop sequence kasumori.race");
    assert_int_equal(w->counts.records, 11);
    assert_int_equal(w->counts.refused, 1);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record"), 0);
}

static void give_mixed(struct world *w)
{
    Kasumori__V1__Record *record = sample_record(SAMPLE_INCIDENT);
    world_give_record(w, record);
    record = world_contact(1);
    world_give_record(w, record);
    record->revision = 4;
    record->contact->talk_us++;
    world_give_record(w, record);
    give_value(w, "garbage", 7);
}

/* before: records stored before them, one message each. */
static void assert_mixed_stored_once(struct world *w, int64_t before)
{
    assert_int_equal(world_count(w, "select count(*) from kasumori.record"), before + 3);
    assert_int_equal(world_count(w, "select count(*) from kasumori.ingest_log"), before + 3);
    assert_int_equal(world_count(w, "select count(*) from kasumori.bad_record"), 1);
    assert_int_equal(world_count(w, "select next_offset from kasumori.kafka_offset"), before + 104);
    assert_int_equal(w->stream.next_offset, before + 104);
    assert_int_equal(w->counts.records + w->counts.revisions, before + 3);
    assert_int_equal(w->counts.bad[BAD_CLASS_MALFORMED], 1);
}

/* Each statement in turn: the server is gone before it runs, or after it ran and before it says so.
   The COMMIT is one of them. */
static void any_lost_statement_loses_and_doubles_nothing(void **state)
{
    struct world *w = *state;
    for (int sign = 1; sign >= -1; sign -= 2) {
        int struck = 1;
        int tried = 0;
        for (long n = 1; struck; n++) {
            world_tear_down(state);
            world_set_up(state);
            give_mixed(w);
            db_fail_nth(sign * n);
            struck = world_store_stubbornly(w) > 0;
            db_fail_nth(0);
            assert_mixed_stored_once(w, 0);
            tried++;
        }
        assert_true(tried > 12); /* begin … commit */
    }
}

static void any_lost_allocation_loses_nothing(void **state)
{
    struct world *w = *state;
    int struck = 1;
    for (long n = 1; struck; n++) {
        world_tear_down(state);
        world_set_up(state);
        world_give_record(w, world_contact(99)); /* statements prepared, month known */
        world_store(w);
        give_mixed(w);
        mem_fail_nth(n);
        int failures = 0;
        while (batch_store(w->batch, w->db, &w->counts, &w->err) != RC_OK) {
            if (w->err.rc != RC_RETRY || !db_is_alive(w->db) || ++failures == 5)
                fail_msg("allocation %ld: %s", n, w->err.text);
        }
        struck = !mem_fail_pending();
        mem_fail_nth(0);
        assert_mixed_stored_once(w, 1);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_contact_has_its_columns),
        TEST(an_incident_keeps_everybody_named_in_it),
        TEST(the_other_kinds_name_their_target),
        TEST(unknown_fields_keep_the_whole_wire),
        TEST(any_cut_gives_the_same_tables),
        TEST(all_again_changes_no_fact),
        TEST(a_restamped_record_gets_the_time_of_its_row),
        TEST(each_bad_class_is_kept_whole),
        TEST(below_the_horizon_is_archived),
        TEST(a_revocation_is_seen_by_the_next_batch),
        TEST(another_owner_fences),
        TEST(a_database_that_went_back_is_told_from_a_fence),
        TEST(refused_rows_are_found_and_the_rest_goes_on),
        TEST(a_missing_month_is_made),
        TEST(a_race_for_an_id_is_judged_again),
        TEST(any_lost_statement_loses_and_doubles_nothing),
        TEST(any_lost_allocation_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
