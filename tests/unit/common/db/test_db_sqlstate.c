/* Walks the table that turns SQLSTATEs into duties. */
#include <stdio.h>
#include <string.h>

#include "services/common/db/db_sqlstate.h"
#include "tests/support/unit.h"

/* Every row must be found by a full code that begins with it, or it is dead. */
static void test_every_row_is_reached(void **state)
{
    size_t count;
    const struct db_sqlstate *table = db_sqlstate_table(&count);
    (void)state;
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        char code[6];
        snprintf(code, sizeof(code), "%s%s", table[i].code,
                 strlen(table[i].code) == 2 ? "ZZZ" : "");
        assert_ptr_equal(db_sqlstate_find(code), &table[i]);
    }
}

static void test_every_row_makes_sense(void **state)
{
    size_t count;
    const struct db_sqlstate *table = db_sqlstate_table(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(table[i].code);
        assert_true(size == 2 || size == 5);
        assert_int_not_equal(table[i].rc, RC_OK);
        assert_int_not_equal(table[i].rc, RC_FULL);
        if (table[i].is_gone) /* a lost connection is opened again, nothing else helps */
            assert_int_equal(table[i].rc, RC_RETRY);
        for (size_t other = 0; other < i; other++) /* no row hides a later one */
            assert_int_not_equal(
                strncmp(table[other].code, table[i].code, strlen(table[other].code)), 0);
    }
}

struct expected {
    const char *code;
    enum rc rc;
    int is_gone;
};

/* From PostgreSQL's appendix A, one for each decision that matters. */
static const struct expected EXPECTED[] = {
    {"", RC_RETRY, 1},        {"08006", RC_RETRY, 1},  {"08P01", RC_RETRY, 1},
    {"22021", RC_REJECT, 0},  {"22P05", RC_REJECT, 0}, {"23505", RC_REJECT, 0},
    {"23P01", RC_REJECT, 0},  {"25006", RC_RETRY, 1},  {"25P02", RC_FATAL, 0},
    {"25P03", RC_RETRY, 1},   {"28P01", RC_FATAL, 0},  {"3D000", RC_FATAL, 0},
    {"40001", RC_RETRY, 0},   {"40P01", RC_RETRY, 0},  {"40002", RC_REJECT, 0},
    {"42501", RC_FATAL, 0},   {"42P01", RC_FATAL, 0},  {"53100", RC_RETRY, 0},
    {"53300", RC_RETRY, 0},   {"54000", RC_REJECT, 0}, {"55P03", RC_RETRY, 0},
    {"57014", RC_RETRY, 0},   {"57P01", RC_RETRY, 1},  {"57P02", RC_RETRY, 1},
    {"57P03", RC_RETRY, 1},   {"57P04", RC_FATAL, 0},  {"57P05", RC_RETRY, 1},
    {"58030", RC_RETRY, 0},   {"P0001", RC_REJECT, 0}, {"XX000", RC_FATAL, 0},
    {"XX001", RC_CORRUPT, 0}, {"F0000", RC_FATAL, 0},  {"00000", RC_FATAL, 0},
};

static void test_known_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(EXPECTED) / sizeof(EXPECTED[0]); i++) {
        const struct db_sqlstate *found = db_sqlstate_find(EXPECTED[i].code);
        print_message("%s\n", EXPECTED[i].code);
        assert_int_equal(found->rc, EXPECTED[i].rc);
        assert_int_equal(found->is_gone, EXPECTED[i].is_gone);
    }
    assert_ptr_equal(db_sqlstate_find(NULL), db_sqlstate_find(""));
}

/* Messages of these classes quote the offending value. */
static void test_values_stay_private(void **state)
{
    static const char *const CODES[] = {"22P02", "23505", "21000", "44000", "ZZZZZ"};
    (void)state;
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++)
        assert_true(db_sqlstate_find(CODES[i])->is_private);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_reached),
        cmocka_unit_test(test_every_row_makes_sense),
        cmocka_unit_test(test_known_states),
        cmocka_unit_test(test_values_stay_private),
    };
    return UNIT_MAIN(tests);
}
