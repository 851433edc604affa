/* What is new. Examples of each rule, then random histories against a store that applies each
   outcome as the database would: however the log is cut into batches, the store ends the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/aggregator/ingest/dedup.h"
#include "services/common/record/record.h"

enum { STORE_MAX = 512, ARENA_BYTES = 8 * 1024 * 1024, HISTORY = 60, HISTORIES = 400 };

/* The tables, as far as dedup knows them. */
struct external {
    struct dedup_delivery key;
    struct uuid id;
};

struct store {
    struct dedup_stored records[STORE_MAX];
    size_t records_count;
    struct external externals[STORE_MAX];
    size_t externals_count;
};

static const struct dedup_stored *store_find(const struct store *store, const char *tenant,
                                             const struct uuid *id)
{
    for (size_t i = 0; i < store->records_count; i++)
        if (strcmp(store->records[i].tenant, tenant) == 0 &&
            uuid_compare(&store->records[i].id, id) == 0)
            return &store->records[i];
    return NULL;
}

static int is_same_external(const struct dedup_delivery *a, const struct dedup_delivery *b)
{
    return strcmp(a->tenant, b->tenant) == 0 && strcmp(a->site, b->site) == 0 &&
           strcmp(a->source, b->source) == 0 &&
           memcmp(a->external_hash, b->external_hash, DEDUP_HASH_BYTES) == 0;
}

static void tell_externals(const struct store *store, struct dedup *dedup,
                           const struct dedup_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; deliveries[i].has_external && k < store->externals_count; k++)
            if (is_same_external(&store->externals[k].key, &deliveries[i]))
                assert_int_equal(
                    dedup_tell_external(dedup, &deliveries[i], &store->externals[k].id), RC_OK);
}

static size_t tell_needs(const struct store *store, struct dedup *dedup)
{
    size_t count;
    const struct dedup_need *needs = dedup_needs(dedup, &count);
    for (size_t i = 0; i < count; i++) {
        const struct dedup_stored *found = store_find(store, needs[i].tenant, &needs[i].id);
        if (found != NULL)
            assert_int_equal(dedup_tell_record(dedup, found), RC_OK);
    }
    return count;
}

/* As stored.c does with the database. */
static void judge_all(const struct store *store, struct dedup *dedup,
                      const struct dedup_delivery *deliveries, size_t count,
                      struct dedup_outcome *outcomes)
{
    size_t needs;
    tell_externals(store, dedup, deliveries, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dedup_expect(dedup, &deliveries[i]), RC_OK);
    do {
        tell_needs(store, dedup);
        dedup_begin(dedup);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(dedup_judge(dedup, &deliveries[i], &outcomes[i]), RC_OK);
        dedup_needs(dedup, &needs);
    } while (needs > 0);
}

static void apply(struct store *store, const struct dedup_delivery *delivery,
                  const struct dedup_outcome *outcome)
{
    if (outcome->adds_external) {
        for (size_t k = 0; k < store->externals_count; k++) /* the unique key */
            assert_false(is_same_external(&store->externals[k].key, delivery));
        store->externals[store->externals_count++] =
            (struct external){*delivery, outcome->original};
    }
    if (outcome->verdict != DEDUP_VERDICT_NEW && outcome->verdict != DEDUP_VERDICT_REVISION)
        return;
    assert_null(store_find(store, delivery->tenant, &outcome->row_id)); /* the primary key */
    int is_revision = outcome->verdict == DEDUP_VERDICT_REVISION;
    struct dedup_stored row = {
        .tenant = delivery->tenant,
        .site = delivery->site,
        .id = outcome->row_id,
        .revision = delivery->revision,
        .kind = is_revision ? DEDUP_KIND_CORRECTION : delivery->kind,
        .target = is_revision ? outcome->target : delivery->target,
    };
    memcpy(row.body_hash, delivery->body_hash, DEDUP_HASH_BYTES);
    store->records[store->records_count++] = row;
}

static void store_batch(struct store *store, const struct dedup_delivery *deliveries, size_t count,
                        enum dedup_verdict *verdicts)
{
    static struct dedup_outcome outcomes[HISTORY];
    struct arena *arena = arena_new(ARENA_BYTES);
    struct dedup *dedup = dedup_new(arena, count);
    assert_non_null(dedup);
    judge_all(store, dedup, deliveries, count, outcomes);
    for (size_t i = 0; i < count; i++) {
        apply(store, &deliveries[i], &outcomes[i]);
        verdicts[i] = outcomes[i].verdict;
    }
    arena_free(arena);
}

/* ---- examples ---- */

/* One contact of s001 under id n; change it to what the case is about. */
static struct dedup_delivery delivery(uint8_t n)
{
    struct dedup_delivery made = {
        .tenant = "acme", .site = "s001", .source = "form", .kind = DEDUP_KIND_CONTACT};
    memset(made.id.bytes, n, UUID_BYTES);
    return made;
}

static struct dedup_delivery with_external(struct dedup_delivery made, uint8_t external)
{
    made.has_external = 1;
    made.external_hash[0] = external;
    return made;
}

static struct dedup_delivery with_body(struct dedup_delivery made, int64_t revision, uint8_t body)
{
    made.revision = revision;
    made.body_hash[0] = body;
    return made;
}

#define N DEDUP_VERDICT_NEW
#define R DEDUP_VERDICT_REVISION
#define D DEDUP_VERDICT_DUPLICATE
#define C DEDUP_VERDICT_CONFLICT

/* The same verdicts in one batch and in batches of one. */
static void expect(const struct dedup_delivery *deliveries, size_t count,
                   const enum dedup_verdict *expected)
{
    static struct store whole, single;
    enum dedup_verdict verdicts[16];
    memset(&whole, 0, sizeof(whole));
    memset(&single, 0, sizeof(single));
    store_batch(&whole, deliveries, count, verdicts);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(verdicts[i], expected[i]);
    for (size_t i = 0; i < count; i++) {
        store_batch(&single, &deliveries[i], 1, verdicts);
        assert_int_equal(verdicts[0], expected[i]);
    }
    assert_int_equal(whole.records_count, single.records_count);
}

#define EXPECT(deliveries, ...)                                        \
    expect((deliveries), sizeof(deliveries) / sizeof((deliveries)[0]), \
           (const enum dedup_verdict[]){__VA_ARGS__})

static void the_same_again_is_a_duplicate(void **state)
{
    (void)state;
    const struct dedup_delivery list[] = {delivery(1), delivery(1), delivery(2), delivery(1)};
    EXPECT(list, N, D, N, D);
}

static void another_content_is_a_conflict_and_the_first_wins(void **state)
{
    (void)state;
    const struct dedup_delivery list[] = {
        with_body(delivery(1), 0, 1), with_body(delivery(1), 0, 2), with_body(delivery(1), 0, 1)};
    EXPECT(list, N, C, D);
}

static void each_revision_is_stored_once_in_any_order(void **state)
{
    (void)state;
    const struct dedup_delivery rising[] = {
        with_body(delivery(1), 1, 1), with_body(delivery(1), 2, 2), with_body(delivery(1), 3, 3),
        with_body(delivery(1), 2, 2), with_body(delivery(1), 1, 1)};
    EXPECT(rising, N, R, R, D, D);
    const struct dedup_delivery falling[] = {
        with_body(delivery(1), 3, 3), with_body(delivery(1), 1, 1), with_body(delivery(1), 1, 1),
        with_body(delivery(1), 1, 9)};
    EXPECT(falling, N, R, D, C);
}

/* Else a revision in between that arrives last would undo the return to the first content. */
static void a_revision_back_to_the_first_content_is_stored(void **state)
{
    (void)state;
    const struct dedup_delivery list[] = {
        with_body(delivery(1), 1, 1), with_body(delivery(1), 3, 1), with_body(delivery(1), 2, 2)};
    EXPECT(list, N, R, R);
}

static void an_external_id_takes_the_place_of_the_id(void **state)
{
    (void)state;
    const struct dedup_delivery list[] = {
        with_external(with_body(delivery(1), 0, 1), 7),
        with_external(with_body(delivery(2), 0, 1), 7), /* read twice */
        with_external(with_body(delivery(3), 2, 2), 7), /* and newer */
        with_external(with_body(delivery(4), 2, 2), 7),
        with_external(with_body(delivery(5), 0, 9), 7),
        with_external(with_body(delivery(6), 0, 9), 8)};
    EXPECT(list, N, D, R, D, C, N);
}

static void an_external_id_is_of_one_site_and_source(void **state)
{
    (void)state;
    struct dedup_delivery list[] = {with_external(delivery(1), 7), with_external(delivery(2), 7),
                                    with_external(delivery(3), 7), with_external(delivery(4), 7)};
    list[1].site = "s002";
    list[2].source = "pbx";
    list[3].tenant = "beta";
    EXPECT(list, N, N, N, N);
}

/* A conflict leaves no trace: its external id stays free for the record that owns it. */
static void a_conflict_takes_no_external_id(void **state)
{
    (void)state;
    const struct dedup_delivery list[] = {with_body(delivery(1), 0, 1),
                                          with_external(with_body(delivery(1), 0, 2), 7),
                                          with_external(with_body(delivery(2), 0, 3), 7),
                                          with_external(with_body(delivery(2), 0, 3), 7)};
    EXPECT(list, N, C, N, D);
}

static void a_revision_brings_its_external_id(void **state)
{
    (void)state;
    const struct dedup_delivery list[] = {with_body(delivery(1), 0, 1),
                                          with_external(with_body(delivery(1), 1, 2), 7),
                                          with_external(with_body(delivery(2), 1, 2), 7)};
    EXPECT(list, N, R, D);
}

static void an_id_of_another_site_is_a_conflict(void **state)
{
    (void)state;
    struct dedup_delivery list[] = {delivery(1), with_body(delivery(1), 5, 1), delivery(1)};
    list[1].site = "s002";
    list[2].tenant = "beta";
    EXPECT(list, N, C, N);
}

static void a_correction_keeps_kind_and_target(void **state)
{
    (void)state;
    struct dedup_delivery list[] = {with_body(delivery(1), 1, 1), with_body(delivery(1), 2, 2),
                                    with_body(delivery(1), 3, 3), with_body(delivery(1), 4, 4),
                                    with_body(delivery(2), 0, 1), with_body(delivery(2), 1, 2)};
    for (size_t i = 0; i < 6; i++) {
        list[i].kind = DEDUP_KIND_CORRECTION;
        list[i].has_target = 1;
        list[i].target.bytes[0] = 0x77;
    }
    list[2].target.bytes[0] = 0x78;
    list[3].kind = DEDUP_KIND_CONTACT;
    list[4].kind = DEDUP_KIND_CONTACT;
    EXPECT(list, N, R, C, C, N, C);
}

static void rows_of_a_revision_name_what_they_correct(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct dedup *dedup = dedup_new(arena, 4);
    struct dedup_delivery correction = delivery(2);
    struct dedup_outcome outcome;
    struct uuid expected;
    struct dedup_delivery first = delivery(1);
    struct dedup_delivery second = with_body(delivery(1), 5, 5);
    assert_int_equal(dedup_judge(dedup, &first, &outcome), RC_OK);
    assert_memory_equal(&outcome.row_id, &first.id, UUID_BYTES);
    assert_int_equal(dedup_judge(dedup, &second, &outcome), RC_OK);
    record_correction_id(&first.id, 5, &expected);
    assert_memory_equal(&outcome.row_id, &expected, UUID_BYTES);
    assert_memory_equal(&outcome.target, &first.id, UUID_BYTES);
    correction.kind = DEDUP_KIND_CORRECTION;
    correction.target.bytes[0] = 0x77;
    assert_int_equal(dedup_judge(dedup, &correction, &outcome), RC_OK);
    correction.revision = 6;
    assert_int_equal(dedup_judge(dedup, &correction, &outcome), RC_OK);
    assert_memory_equal(&outcome.target, &correction.target, UUID_BYTES);
    arena_free(arena);
}

static void of_an_archived_record_is_archived(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct dedup *dedup = dedup_new(arena, 4);
    struct dedup_outcome outcome;
    struct dedup_delivery again = with_external(delivery(2), 7);
    struct uuid gone = {{1}};
    assert_int_equal(dedup_tell_external(dedup, &again, &gone), RC_OK);
    assert_int_equal(dedup_judge(dedup, &again, &outcome), RC_OK);
    assert_int_equal(outcome.verdict, DEDUP_VERDICT_ARCHIVED);
    assert_non_null(outcome.reason);
    arena_free(arena);
}

/* ---- random histories ---- */

static uint64_t seed;

static unsigned roll(unsigned sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % sides;
}

static struct dedup_delivery random_delivery(void)
{
    struct dedup_delivery made =
        with_body(delivery((uint8_t)(1 + roll(6))), roll(3), (uint8_t)roll(2));
    made.site = roll(8) == 0 ? "s002" : "s001";
    if (roll(5) == 0) {
        made.kind = DEDUP_KIND_CORRECTION;
        made.has_target = 1;
        made.target.bytes[0] = (uint8_t)roll(2);
    }
    return roll(2) == 0 ? with_external(made, (uint8_t)roll(4)) : made;
}

static void store_cut(struct store *store, const struct dedup_delivery *list, size_t count,
                      enum dedup_verdict *verdicts, unsigned batch_max)
{
    for (size_t i = 0; i < count;) {
        size_t n = 1 + roll(batch_max);
        n = n < count - i ? n : count - i;
        store_batch(store, &list[i], n, &verdicts[i]);
        i += n;
    }
}

static void assert_same_store(const struct store *a, const struct store *b)
{
    assert_int_equal(a->records_count, b->records_count);
    assert_int_equal(a->externals_count, b->externals_count);
    assert_memory_equal(a->records, b->records, a->records_count * sizeof(a->records[0]));
    assert_memory_equal(a->externals, b->externals, a->externals_count * sizeof(a->externals[0]));
}

static void any_cut_gives_the_same_facts(void **state)
{
    (void)state;
    static struct store whole, cut;
    static struct dedup_delivery list[HISTORY];
    enum dedup_verdict of_whole[HISTORY], of_cut[HISTORY];
    for (uint64_t history = 1; history <= HISTORIES; history++) {
        seed = history * UINT64_C(0x9e3779b97f4a7c15);
        memset(&whole, 0, sizeof(whole));
        memset(&cut, 0, sizeof(cut));
        for (size_t i = 0; i < HISTORY; i++)
            list[i] = random_delivery();
        store_batch(&whole, list, HISTORY, of_whole);
        store_cut(&cut, list, HISTORY, of_cut, 1 + roll(12));
        assert_memory_equal(of_whole, of_cut, sizeof(of_whole));
        assert_same_store(&whole, &cut);
    }
}

/* The whole log again, in any order and cut: nothing new, and what was good is a duplicate. */
static void delivering_again_changes_nothing(void **state)
{
    (void)state;
    static struct store store;
    static struct dedup_delivery list[HISTORY], again[HISTORY];
    enum dedup_verdict first[HISTORY], second[HISTORY];
    for (uint64_t history = 1; history <= HISTORIES; history++) {
        size_t good = 0;
        seed = history * UINT64_C(0xd1342543de82ef95);
        memset(&store, 0, sizeof(store));
        for (size_t i = 0; i < HISTORY; i++)
            list[i] = random_delivery();
        store_cut(&store, list, HISTORY, first, 8);
        for (size_t i = 0; i < HISTORY; i++)
            if (first[i] == N || first[i] == R || first[i] == D)
                again[good++] = list[i];
        for (size_t i = good; i > 1; i--) {
            size_t k = roll((unsigned)i);
            struct dedup_delivery swap = again[k];
            again[k] = again[i - 1];
            again[i - 1] = swap;
        }
        size_t records = store.records_count;
        size_t externals = store.externals_count;
        store_cut(&store, again, good, second, 8);
        assert_int_equal(store.records_count, records);
        assert_int_equal(store.externals_count, externals);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_again_is_a_duplicate),
        cmocka_unit_test(another_content_is_a_conflict_and_the_first_wins),
        cmocka_unit_test(each_revision_is_stored_once_in_any_order),
        cmocka_unit_test(a_revision_back_to_the_first_content_is_stored),
        cmocka_unit_test(an_external_id_takes_the_place_of_the_id),
        cmocka_unit_test(an_external_id_is_of_one_site_and_source),
        cmocka_unit_test(a_conflict_takes_no_external_id),
        cmocka_unit_test(a_revision_brings_its_external_id),
        cmocka_unit_test(an_id_of_another_site_is_a_conflict),
        cmocka_unit_test(a_correction_keeps_kind_and_target),
        cmocka_unit_test(rows_of_a_revision_name_what_they_correct),
        cmocka_unit_test(of_an_archived_record_is_archived),
        cmocka_unit_test(any_cut_gives_the_same_facts),
        cmocka_unit_test(delivering_again_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
