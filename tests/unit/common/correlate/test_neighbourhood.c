/* What is wanted, when, and how much may be near; that it suffices is I9 (tests/model). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/common/correlate/neighbourhood.h"

static struct uuid id(uint8_t n)
{
    return (struct uuid){{[15] = n}};
}

static struct fact_token token(uint8_t n)
{
    return (struct fact_token){.kind = FACT_KIND_PHONE, .key_id = 1, .mac = {[15] = n}};
}

struct scene {
    struct arena *arena;
    const struct fact_decision *decisions[4];
    size_t count;
    struct neighbourhood *near;
    struct neighbourhood_wanted wanted;
    struct err err;
};

static void begin(struct scene *scene, size_t records_max)
{
    const struct neighbourhood_index *index;
    assert_int_equal(
        neighbourhood_index_new(scene->decisions, scene->count, scene->arena, &index, &scene->err),
        RC_OK);
    const struct neighbourhood_config config = {index, NULL, scene->arena, records_max};
    assert_int_equal(neighbourhood_new(&config, &scene->near, &scene->err), RC_OK);
}

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.arena = arena_new(1 << 20)};
    *state = &scene;
    return scene.arena == NULL;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    arena_free(scene->arena);
    return 0;
}

static void test_a_name_is_wanted_once(void **state)
{
    struct scene *scene = *state;
    const struct fact_token tokens[] = {token(1), token(1), token(2)};
    const struct fact_identifier identifier = {FACT_KIND_PHONE, 4, tokens, 3};
    const struct fact_person person = {FACT_ROLE_SUBJECT, 1, &identifier, 1};
    struct fact_record record = {.id = id(1),
                                 .kind = FACT_BODY_CONTACT,
                                 .site = slice_str("s1"),
                                 .ref = slice_str("r"),
                                 .persons = &person,
                                 .persons_count = 1};
    begin(scene, 10);
    assert_false(neighbourhood_next(scene->near, &scene->wanted));
    neighbourhood_seed_record(scene->near, &record.id);
    neighbourhood_seed_record(scene->near, &record.id);
    assert_true(neighbourhood_next(scene->near, &scene->wanted));
    assert_int_equal(scene->wanted.ids_count, 1);
    assert_int_equal(scene->wanted.targets_count + scene->wanted.tokens_count, 0);
    assert_false(neighbourhood_has(scene->near, &record.id));
    assert_int_equal(neighbourhood_add(scene->near, &record, &scene->err), RC_OK);
    assert_int_equal(neighbourhood_add(scene->near, &record, &scene->err), RC_OK);
    assert_true(neighbourhood_has(scene->near, &record.id));
    assert_true(neighbourhood_next(scene->near, &scene->wanted));
    assert_int_equal(scene->wanted.ids_count, 0);
    assert_int_equal(scene->wanted.targets_count, 1);
    assert_int_equal(scene->wanted.tokens_count, 2);
    assert_int_equal(scene->wanted.places_count, 1);
    record.id = id(2);
    assert_int_equal(neighbourhood_add(scene->near, &record, &scene->err), RC_OK);
    assert_true(neighbourhood_next(scene->near, &scene->wanted));
    assert_int_equal(scene->wanted.targets_count, 1);
    assert_int_equal(scene->wanted.tokens_count + scene->wanted.places_count, 0);
    assert_false(neighbourhood_next(scene->near, &scene->wanted));
}

static void test_a_revocation_brings_what_the_revoked_names(void **state)
{
    struct scene *scene = *state;
    const struct uuid judged = id(9);
    const struct fact_decision verdict = {
        .no = 1, .kind = FACT_DECISION_VERDICT, .records = &judged, .records_count = 1};
    const struct fact_decision revoke = {.no = 2, .kind = FACT_DECISION_REVOKE, .revoked_no = 1};
    const struct facts base = {0};
    struct facts before, after;
    scene->decisions[scene->count++] = &verdict;
    scene->decisions[scene->count++] = &revoke;
    begin(scene, 10);
    neighbourhood_seed_decision(scene->near, 1, 1);
    assert_true(neighbourhood_next(scene->near, &scene->wanted));
    assert_int_equal(scene->wanted.ids_count, 1);
    assert_memory_equal(&scene->wanted.ids[0], &judged, sizeof(judged));
    assert_int_equal(neighbourhood_split(scene->near, &base, &before, &after, &scene->err), RC_OK);
    assert_int_equal(before.decisions_count, 1);
    assert_int_equal(before.decisions[0].no, 1);
    assert_int_equal(after.decisions_count, 2);
}

static void test_what_is_new_is_not_before(void **state)
{
    struct scene *scene = *state;
    const struct fact_record old = {.id = id(1), .kind = FACT_BODY_CONTACT};
    const struct fact_record new = {.id = id(2), .kind = FACT_BODY_CORRECTION, .target = id(1)};
    const struct facts base = {.has_tick = 1, .as_of_us = 7};
    struct facts before, after;
    begin(scene, 10);
    neighbourhood_seed_record(scene->near, &new.id);
    assert_int_equal(neighbourhood_add(scene->near, &new, &scene->err), RC_OK);
    assert_int_equal(neighbourhood_add(scene->near, &old, &scene->err), RC_OK);
    assert_int_equal(neighbourhood_split(scene->near, &base, &before, &after, &scene->err), RC_OK);
    assert_int_equal(before.records_count, 1);
    assert_memory_equal(&before.records[0].id, &old.id, sizeof(old.id));
    assert_int_equal(after.records_count, 2);
    assert_int_equal(after.as_of_us, 7);
}

static void test_too_much_is_refused(void **state)
{
    struct scene *scene = *state;
    const struct fact_record first = {.id = id(1), .kind = FACT_BODY_CONTACT};
    const struct fact_record second = {.id = id(2), .kind = FACT_BODY_CONTACT};
    begin(scene, 1);
    assert_int_equal(neighbourhood_add(scene->near, &first, &scene->err), RC_OK);
    assert_int_equal(neighbourhood_add(scene->near, &first, &scene->err), RC_OK);
    assert_int_equal(neighbourhood_add(scene->near, &second, &scene->err), RC_FULL);
    assert_string_equal(scene->err.text, "more than 1 records are near");
}

/* Whatever the arena's size, the answer is the closed set or RC_FULL. */
static void test_a_small_arena_is_said(void **state)
{
    struct scene *scene = *state;
    const struct fact_record record = {
        .id = id(1), .kind = FACT_BODY_CONTACT, .site = slice_str("s"), .ref = slice_str("r")};
    const struct facts base = {0};
    struct arena *roomy = scene->arena;
    int refused = 0, done = 0;
    for (size_t size = 256; size < 64 * 1024; size *= 2) {
        const struct neighbourhood_index *index;
        struct facts before, after;
        scene->arena = arena_new(size);
        if (neighbourhood_index_new(NULL, 0, scene->arena, &index, &scene->err) == RC_OK) {
            const struct neighbourhood_config config = {index, NULL, scene->arena, 10};
            enum rc rc = neighbourhood_new(&config, &scene->near, &scene->err);
            if (rc == RC_OK)
                neighbourhood_seed_record(scene->near, &record.id);
            if (rc == RC_OK)
                rc = neighbourhood_add(scene->near, &record, &scene->err);
            if (rc == RC_OK)
                rc = neighbourhood_split(scene->near, &base, &before, &after, &scene->err);
            assert_true(rc == RC_OK || rc == RC_FULL);
            if (rc == RC_OK)
                assert_int_equal(after.records_count, 1);
            refused += rc == RC_FULL;
            done += rc == RC_OK;
        }
        arena_free(scene->arena);
    }
    assert_true(refused > 0);
    assert_true(done > 0);
    scene->arena = roomy;
}

/* A record with a token that does not link and one that does. */
static void add_two(struct scene *scene, struct fact_token *name, struct fact_token *phone)
{
    static struct fact_identifier held[2];
    static struct fact_person person = {FACT_ROLE_SUBJECT, 1, held, 2};
    static struct fact_record record;
    const struct fact_linking *linking = &facts_linking_standard;
    const struct neighbourhood_index *index;
    *name = token(1);
    name->kind = FACT_KIND_NAME;
    *phone = token(2);
    held[0] = (struct fact_identifier){FACT_KIND_NAME, 4, name, 1};
    held[1] = (struct fact_identifier){FACT_KIND_PHONE, 4, phone, 1};
    record = (struct fact_record){.id = id(1),
                                  .kind = FACT_BODY_CONTACT,
                                  .site = slice_str("s1"),
                                  .start_us = linking->gap_us,
                                  .end_us = linking->gap_us + 5,
                                  .persons = &person,
                                  .persons_count = 1};
    assert_int_equal(neighbourhood_index_new(NULL, 0, scene->arena, &index, &scene->err), RC_OK);
    const struct neighbourhood_config config = {index, linking, scene->arena, 10};
    assert_int_equal(neighbourhood_new(&config, &scene->near, &scene->err), RC_OK);
    assert_int_equal(neighbourhood_add(scene->near, &record, &scene->err), RC_OK);
    assert_true(neighbourhood_next(scene->near, &scene->wanted));
}

static void test_a_name_is_told_and_a_hub_asks_for_its_time(void **state)
{
    struct scene *scene = *state;
    struct fact_token name, phone;
    size_t linking;
    add_two(scene, &name, &phone);
    assert_int_equal(scene->wanted.classes_count, 1);
    assert_int_equal(scene->wanted.tokens_count, 1);
    assert_int_equal(fact_token_compare(&scene->wanted.tokens[0], &phone), 0);
    neighbourhood_tell(scene->near, &name, 1);
    neighbourhood_tell_shared(scene->near, &phone, 1, 7, 0);
    neighbourhood_tell_shared(scene->near, &phone, 1, 7, 0);
    assert_int_equal(neighbourhood_hubs(scene->near, &linking), 2);
    assert_int_equal(linking, 1);
    assert_true(neighbourhood_next(scene->near, &scene->wanted));
    assert_int_equal(scene->wanted.windows_count, 1);
    assert_int_equal(scene->wanted.windows[0].class, 7);
    assert_int_equal(scene->wanted.windows[0].from_us, 0);
    assert_int_equal(scene->wanted.windows[0].to_us, 2 * facts_linking_standard.gap_us + 5);
    assert_false(neighbourhood_next(scene->near, &scene->wanted));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_wanted_once),     TEST(a_revocation_brings_what_the_revoked_names),
        TEST(what_is_new_is_not_before), TEST(too_much_is_refused),
        TEST(a_small_arena_is_said),     TEST(a_name_is_told_and_a_hub_asks_for_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
