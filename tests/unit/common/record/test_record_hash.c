/* What the hash is of, and what it is not of. Its value is pinned by golden.inc, its form by the
   cross-check with Python. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/common/base/arena.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/mac/mac.h"
#include "services/common/record/record.h"
#include "tests/unit/common/record/sample.h"

struct hash {
    uint8_t bytes[RECORD_HASH_BYTES];
};

static struct hash hash_of(const Kasumori__V1__Record *record)
{
    struct hash hash;
    struct err err;
    assert_int_equal(record_body_hash(record, hash.bytes, &err), RC_OK);
    return hash;
}

static void assert_same(struct hash a, struct hash b)
{
    assert_memory_equal(a.bytes, b.bytes, RECORD_HASH_BYTES);
}

static void assert_differs(struct hash a, struct hash b)
{
    assert_memory_not_equal(a.bytes, b.bytes, RECORD_HASH_BYTES);
}

static void test_who_carried_it_does_not_count(void **state)
{
    static uint8_t zero[16];
    (void)state;
    struct hash before = hash_of(sample_record(SAMPLE_INCIDENT));
    Kasumori__V1__Record *r = sample_record(SAMPLE_INCIDENT);
    r->schema_major = 0;
    r->schema_minor = 9;
    r->record_id.data = zero;
    r->source = "form";
    r->external_id = "";
    r->revision = 4;
    r->recorded_at_us = 1;
    r->clock_state = KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_SUSPECT;
    r->worker->n_tokens = 0;
    r->persons[0]->identifiers[0]->sealed.len = 0;
    r->persons[0]->identifiers[1]->tokens[0]->mac.data = zero;
    r->incident->measures[1]->decided_by[0]->n_tokens = 1;
    assert_same(before, hash_of(r));
}

static void test_what_happened_counts(void **state)
{
    (void)state;
    struct hash before = hash_of(sample_record(SAMPLE_INCIDENT));
    Kasumori__V1__Record *r;
#define ASSERT_COUNTS(change)           \
    r = sample_record(SAMPLE_INCIDENT); \
    change;                             \
    assert_differs(before, hash_of(r))
    ASSERT_COUNTS(r->tenant = "acmf");
    ASSERT_COUNTS(r->site = "s002");
    ASSERT_COUNTS(r->concerned_site = "");
    ASSERT_COUNTS(r->occurred_start_us++);
    ASSERT_COUNTS(r->occurred_end_us--);
    ASSERT_COUNTS(r->channel = 0);
    ASSERT_COUNTS(r->direction = 2);
    ASSERT_COUNTS(r->training = 0);
    ASSERT_COUNTS(r->worker = NULL);
    ASSERT_COUNTS(r->worker->kind = 2);
    ASSERT_COUNTS(r->worker->assurance = 1);
    ASSERT_COUNTS(r->matter = "T-78");
    ASSERT_COUNTS(r->happening_ref = "");
    ASSERT_COUNTS(r->n_persons = 1);
    ASSERT_COUNTS(r->persons[1]->ordinal = 5);
    ASSERT_COUNTS(r->persons[0]->n_identifiers = 1);
    ASSERT_COUNTS(r->incident->words[0]->value = "another");
    ASSERT_COUNTS(r->incident->n_measures = 1);
    ASSERT_COUNTS(r->incident->victim->care->note = NULL);
    ASSERT_COUNTS(r->incident->loss->yen = -1);
#undef ASSERT_COUNTS
}

static void test_no_end_is_the_start(void **state)
{
    (void)state;
    Kasumori__V1__Record *r = sample_record(SAMPLE_CONTACT);
    r->occurred_end_us = 0;
    struct hash without = hash_of(r);
    assert_int_equal(r->occurred_end_us, 0);
    r->occurred_end_us = r->occurred_start_us;
    assert_same(without, hash_of(r));
}

/* Value from pieces: "schema_major = 1", then those given. */
static struct hash hash_of_wire(const char *bytes, size_t size)
{
    Kasumori__V1__Record *record;
    enum record_class class;
    struct err err;
    struct arena *arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    assert_non_null(arena);
    assert_int_equal(record_decode(slice_of(bytes, size), arena, &record, &class, &err), RC_OK);
    struct hash hash = hash_of(record);
    arena_free(arena);
    return hash;
}
#define HASH_OF_WIRE(bytes) hash_of_wire("\x08\x01" bytes, sizeof("\x08\x01" bytes) - 1)

static void test_unknown_fields_count_in_order_of_number(void **state)
{
    (void)state;
    /* field 31 = 1 (f8 01 01), field 30 = 2 (f0 01 02), contact (aa 01 00) */
    struct hash sorted = HASH_OF_WIRE("\xaa\x01\x00\xf0\x01\x02\xf8\x01\x01");
    assert_same(sorted, HASH_OF_WIRE("\xf8\x01\x01\xaa\x01\x00\xf0\x01\x02"));
    assert_differs(sorted, HASH_OF_WIRE("\xaa\x01\x00\xf0\x01\x02"));
    assert_differs(sorted, HASH_OF_WIRE("\xaa\x01\x00\xf0\x01\x01\xf8\x01\x02"));
    /* the very form: without schema_major, by number, then by appearance, tags as short as they go
     */
    static const char FORM[] = "\xaa\x01\x00\xf0\x01\x02\xf8\x01\x01\xf8\x01\x07";
    uint8_t digest[MAC_SHA256_BYTES];
    mac_sha256(slice_of(FORM, sizeof(FORM) - 1), digest);
    assert_memory_equal(HASH_OF_WIRE("\xf8\x01\x01\xf0\x81\x00\x02\xaa\x01\x00\xf8\x01\x07").bytes,
                        digest, RECORD_HASH_BYTES);
    /* items of one number keep their order */
    assert_differs(HASH_OF_WIRE("\xf8\x01\x01\xf8\x01\x02"),
                   HASH_OF_WIRE("\xf8\x01\x02\xf8\x01\x01"));
    /* inside a message too */
    assert_differs(HASH_OF_WIRE("\xaa\x01\x03\xf8\x01\x01"), HASH_OF_WIRE("\xaa\x01\x00"));
}

static void test_a_large_record_takes_the_heap(void **state)
{
    static char words[LIMIT_TEXT_BYTES + 1];
    struct hash hash;
    struct err err;
    (void)state;
    memset(words, 'w', LIMIT_TEXT_BYTES);
    Kasumori__V1__Record *r = sample_record(SAMPLE_INCIDENT);
    r->incident->note->value = words;
    r->occurred_end_us = 0;
    mem_fail_nth(1);
    assert_int_equal(record_body_hash(r, hash.bytes, &err), RC_RETRY);
    assert_false(mem_fail_pending());
    struct hash large = hash_of(r);
    words[LIMIT_TEXT_BYTES - 1] = 'v';
    assert_differs(large, hash_of(r));
    /* and nothing but the end beyond the encoding: the heap's size is that sum */
    Kasumori__V1__Record bare = KASUMORI__V1__RECORD__INIT;
    bare.occurred_start_us = INT64_MAX;
    bare.matter = words;
    (void)hash_of(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_carried_it_does_not_count),
        cmocka_unit_test(test_what_happened_counts),
        cmocka_unit_test(test_no_end_is_the_start),
        cmocka_unit_test(test_unknown_fields_count_in_order_of_number),
        cmocka_unit_test(test_a_large_record_takes_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
