/* The pure parts: result codes, names, the mark's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include <sqlite3.h>

#include "services/common/spool/mark.h"
#include "services/common/spool/segment.h"
#include "services/common/spool/sql.h"

static void result_codes_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum rc rc;
    } cases[] = {
        {SQLITE_OK, RC_OK},
        {SQLITE_DONE, RC_OK},
        {SQLITE_FULL, RC_FULL},
        {SQLITE_IOERR_FSYNC, RC_FATAL},
        {SQLITE_IOERR_WRITE, RC_FATAL},
        {SQLITE_IOERR_READ, RC_FATAL},
        {SQLITE_IOERR_NOMEM, RC_RETRY},
        {SQLITE_NOMEM, RC_RETRY},
        {SQLITE_CANTOPEN, RC_RETRY},
        {SQLITE_BUSY, RC_RETRY},
        {SQLITE_READONLY, RC_RETRY},
        {SQLITE_CORRUPT, RC_CORRUPT},
        {SQLITE_CORRUPT_INDEX, RC_CORRUPT},
        {SQLITE_NOTADB, RC_CORRUPT},
        {SQLITE_ERROR, RC_CORRUPT},
        {SQLITE_MISUSE, RC_FATAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sql_rc(cases[i].code), cases[i].rc);
    /* No code SQLite may add later passes for success. */
    for (int code = 1; code < 100; code++)
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            assert_int_not_equal(sql_rc(code), RC_OK);
}

static void errors_name_what_failed(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(sql_fail(NULL, SQLITE_FULL, "append", &err), RC_FULL);
    assert_string_equal(err.text, "could not append: database or disk is full");
}

static void names_go_both_ways(void **state)
{
    (void)state;
    char path[LIMIT_SPOOL_PATH_BYTES];
    segment_path(path, "/d", 1234567890123, "-wal");
    assert_string_equal(path, "/d/00000001234567890123.seg-wal");
    assert_int_equal(segment_first_of_name(path + 3), 1234567890123);
    static const char *const others[] = {
        "",
        "mark",
        "new.seg",
        "0000000000000000001.seg",
        "000000000000000000001.seg",
        "00000000000000000001.bad",
        "99999999999999999999.seg",
        "-0000000000000000001.seg",
        "00000000000000000000.seg",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(segment_first_of_name(others[i]), 0);
}

static const struct mark_state example = {
    .epoch = 0x0102030405060708,
    .delivered = 2,
    .sequence_last = 3,
    .last_at_us = -4,
    .cut_first = 5,
    .cut_last = UINT64_MAX,
};

static void mark_comes_back_as_it_went(void **state)
{
    (void)state;
    uint8_t bytes[MARK_ENCODED_BYTES];
    struct mark_state back;
    uint64_t generation;
    mark_encode(&example, 77, bytes);
    assert_int_equal(mark_decode(bytes, &back, &generation), RC_OK);
    assert_int_equal(generation, 77);
    assert_memory_equal(&back, &example, sizeof(back));
    /* The bytes on disk are fixed: little-endian behind a magic and a version. */
    static const uint8_t head[] = {'k', 's', 'm', 'a', 'r', 'k', 0, 1, 77, 0, 0, 0,
                                   0,   0,   0,   0,   8,   7,   6, 5, 4,  3, 2, 1};
    assert_memory_equal(bytes, head, sizeof(head));
}

static void any_changed_bit_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[MARK_ENCODED_BYTES];
    struct mark_state back;
    uint64_t generation;
    for (int bit = 0; bit < MARK_ENCODED_BYTES * 8; bit++) {
        mark_encode(&example, 77, bytes);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(mark_decode(bytes, &back, &generation), RC_OK);
    }
}

static void a_newer_mark_is_not_taken_for_damage(void **state)
{
    (void)state;
    uint8_t bytes[MARK_ENCODED_BYTES];
    struct mark_state back;
    uint64_t generation;
    mark_encode(&example, 77, bytes);
    bytes[7] = 2;
    assert_int_equal(mark_decode(bytes, &back, &generation), RC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(result_codes_say_what_to_do),
        cmocka_unit_test(errors_name_what_failed),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(mark_comes_back_as_it_went),
        cmocka_unit_test(any_changed_bit_is_seen),
        cmocka_unit_test(a_newer_mark_is_not_taken_for_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
