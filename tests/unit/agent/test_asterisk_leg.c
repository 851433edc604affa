/* Rows of both column orders become legs, bad ones are refused with their place, and legs are kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/agent/asterisk.h"
#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"

#define START "2026-11-24 10:00:00"

struct fixture {
    struct asterisk_source source;
    struct csv csv;
    struct csv_row row;
    struct buf kept;
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.source = (struct asterisk_source){.name = "pbx1", .utc_offset_s = 9 * 3600};
    buf_init(&fixture.kept, 1024 * 1024);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    buf_done(&fixture->kept);
    return 0;
}

static enum rc parse(struct fixture *f, const char *text, struct asterisk_leg *leg)
{
    csv_init(&f->csv, slice_str(text));
    enum rc rc = csv_next(&f->csv, &f->row, &f->err);
    return rc == RC_OK ? asterisk_leg_parse(&f->source, &f->row, leg, &f->err) : rc;
}

static void must_parse(struct fixture *f, const char *text, struct asterisk_leg *leg)
{
    if (parse(f, text, leg) != RC_OK)
        fail_msg("%s", f->err.text);
}

static int64_t at(const char *local)
{
    int64_t us;
    assert_int_equal(timefmt_parse_local(local, 9 * 3600, &us, NULL), RC_OK);
    return us;
}

#define BASE                                                                 \
    "\"a\",\"09012345678\",\"201\",\"default\",\"\"\"T\"\" "                 \
    "<09012345678>\",\"SIP/t-1\",\"SIP/201-2\","                             \
    "\"Dial\",\"x\",\"" START                                                \
    "\",\"2026-11-24 10:00:05\",\"2026-11-24 10:00:15\",15,10,\"ANSWERED\"," \
    "\"DOCUMENTATION\""
#define CUSTOM                                                                                \
    "\"\"\"T\"\" "                                                                            \
    "<09012345678>\",\"09012345678\",\"201\",\"default\",\"SIP/t-1\",\"SIP/201-2\",\"Dial\"," \
    "\"x\",\"" START                                                                          \
    "\",\"2026-11-24 10:00:05\",\"2026-11-24 10:00:15\",\"15\",\"10\",\"ANSWERED\","          \
    "\"DOCUMENTATION\",\"a\""
#define UID ",\"pbx-a-1763946000.1\""
#define LID ",\"pbx-a-1763946000.0\""

static void test_both_orders_and_all_column_counts(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *row;
        const char *uniqueid;
        const char *linkedid;
        int64_t sequence;
    } CASES[] = {
        {BASE "\n", "", "", -1},
        {BASE UID "\n", "pbx-a-1763946000.1", "", -1},
        {BASE ",\"a note 09099999999\"\n", "", "", -1},
        {BASE UID ",\"note\"\n", "pbx-a-1763946000.1", "", -1},
        {BASE ",\"\"" LID ",12\n", "", "pbx-a-1763946000.0", 12},
        {BASE UID ",\"\"" LID ",12\n", "pbx-a-1763946000.1", "pbx-a-1763946000.0", 12},
        {BASE ",\"note\",\"\"" LID ",12\n", "", "pbx-a-1763946000.0", 12},
        {BASE UID ",\"1763946000.9\",\"\"" LID ",12\r\n", "pbx-a-1763946000.1",
         "pbx-a-1763946000.0", 12},
        {CUSTOM UID "\n", "pbx-a-1763946000.1", "", -1},
        {CUSTOM UID ",\"note\"\n", "pbx-a-1763946000.1", "", -1},
        {CUSTOM UID ",\"note\",12\n", "pbx-a-1763946000.1", "", 12},
        {CUSTOM UID ",\"note\",12" LID "\n", "pbx-a-1763946000.1", "pbx-a-1763946000.0", 12},
        {CUSTOM UID ",\"note\",12,\"\"" LID "\n", "pbx-a-1763946000.1", "pbx-a-1763946000.0", 12},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct asterisk_leg leg;
        must_parse(f, CASES[i].row, &leg);
        if (!slice_is_equal(leg.uniqueid, slice_str(CASES[i].uniqueid)) ||
            !slice_is_equal(leg.linkedid, slice_str(CASES[i].linkedid)) ||
            leg.sequence != CASES[i].sequence)
            fail_msg("case %zu", i);
        assert_true(slice_is_equal(leg.src, slice_str("09012345678")));
        assert_true(slice_is_equal(leg.dst, slice_str("201")));
        assert_true(slice_is_equal(leg.dcontext, slice_str("default")));
        assert_true(slice_is_equal(leg.clid, slice_str("\"T\" <09012345678>")));
        assert_true(slice_is_equal(leg.channel, slice_str("SIP/t-1")));
        assert_true(slice_is_equal(leg.dstchannel, slice_str("SIP/201-2")));
        assert_true(slice_is_equal(leg.lastapp, slice_str("Dial")));
        assert_int_equal(leg.start_us, at(START));
        assert_int_equal(leg.answer_us - leg.start_us, 5 * CLOCK_US_PER_S);
        assert_int_equal(leg.end_us - leg.start_us, 15 * CLOCK_US_PER_S);
        assert_int_equal(leg.billsec_us, 10 * CLOCK_US_PER_S);
        assert_int_equal(leg.disposition, ASTERISK_DISPOSITION_ANSWERED);
    }
    /* Forced, a row of the other order is refused. */
    struct asterisk_leg leg;
    f->source.layout = ASTERISK_LAYOUT_CSV;
    assert_int_equal(parse(f, CUSTOM UID "\n", &leg), RC_REJECT);
    f->source.layout = ASTERISK_LAYOUT_CUSTOM;
    assert_int_equal(parse(f, BASE UID "\n", &leg), RC_REJECT);
    must_parse(f, CUSTOM UID "\n", &leg);
    f->source.layout = ASTERISK_LAYOUT_DETECT;
}

static void test_bad_rows_have_a_place_and_a_reason(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *row;
        const char *text;
    } BAD[] = {
        {"a,b,c\n", "line 1: a call record has 16 to 21 columns, not 3"},
        {BASE UID UID UID UID UID UID "\n", "line 1: a call record has 16 to 21 columns, not 22"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n",
         "line 1: cannot be a call record: times, seconds and disposition are neither where "
         "cdr_csv "
         "nor where cdr_custom puts them"},
        {BASE ",\"a\",\"b\"\n", "line 1: column 17: cannot be a unique id"},
        {BASE UID ",\"\",\"\",\"09012345678\",1\n", "line 1: column 20: cannot be a unique id"},
        {CUSTOM ",\"12345678.1\"\n", "line 1: column 17: cannot be a unique id"},
        {CUSTOM ",\"a1763946000.1\"\n", "line 1: column 17: cannot be a unique id"},
        {CUSTOM ",\"09012345678\"\n", "line 1: column 17: cannot be a unique id"},
        {CUSTOM ",\"山-1763946000.1\"\n", "line 1: column 17: cannot be a unique id"},
        {CUSTOM ",\"\"\n", "line 1: column 17: cannot be a unique id"},
        {"\"\",\"1\",\"2\",\"c\",\"\",\"S/1\",\"\",\"\",\"\",\"2026-11-31 10:00:00\",,\"" START
         "\",1,1,\"BUSY\",\"\"\n",
         "line 1: start: no such day: 2026-11-31"},
        {"\"\",\"1\",\"2\",\"c\",\"\",\"S/1\",\"\",\"\",\"\",\"" START "\",\"x\",\"" START
         "\",1,1,\"BUSY\",\"\"\n",
         "line 1: answer: cannot read a date: want YYYY-MM-DD"},
        {"\"\",\"1\",\"2\",\"c\",\"\",\"S/1\",\"\",\"\",\"\",\"" START "\",,\"" START
         "\",-1,1,\"BUSY\",\"\"\n",
         "line 1: duration: cannot be a number of seconds"},
        {"\"\",\"1\",\"2\",\"c\",\"\",\"S/1\",\"\",\"\",\"\",\"" START "\",,\"" START
         "\",1,99999999999,\"BUSY\",\"\"\n",
         "line 1: billsec: cannot be a number of seconds"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct asterisk_leg leg = {.sequence = 99};
        assert_int_equal(parse(f, BAD[i].row, &leg), RC_REJECT);
        assert_string_equal(f->err.text, BAD[i].text);
        assert_int_equal(leg.sequence, 99);
    }
}

static void test_the_rest_goes_on_after_a_bad_row(void **state)
{
    struct fixture *f = *state;
    char text[4096] = "";
    int good = 0, bad = 0;
    strncat(text, BASE UID "\n", sizeof(text) - 1);
    strncat(text, "\"\",\"broken\n", sizeof(text) - strlen(text) - 1);
    strncat(text, BASE UID "\n", sizeof(text) - strlen(text) - 1);
    strncat(text, "a,b\n", sizeof(text) - strlen(text) - 1);
    strncat(text, BASE UID "\n", sizeof(text) - strlen(text) - 1);
    csv_init(&f->csv, slice_str(text));
    for (;;) {
        struct asterisk_leg leg;
        enum rc rc = csv_next(&f->csv, &f->row, &f->err);
        if (rc == RC_OK && f->row.count == 0)
            break;
        if (rc == RC_OK)
            rc = asterisk_leg_parse(&f->source, &f->row, &leg, &f->err);
        good += rc == RC_OK;
        bad += rc == RC_REJECT;
        if (rc == RC_REJECT)
            assert_memory_equal(f->err.text, bad == 1 ? "line 2: " : "line 4: ", 8);
    }
    assert_int_equal(good, 3);
    assert_int_equal(bad, 2);
}

static void test_times_that_are_odd(void **state)
{
    struct fixture *f = *state;
    struct asterisk_leg leg;
    /* no end; an end before start, as after a clock's step; seconds with decimals */
    must_parse(f,
               "\"\",\"1\",\"2\",\"c\",\"\",\"S/1\",\"\",\"\",\"\",\"" START
               "\",,,12,0,\"NO ANSWER\",\"\"\n",
               &leg);
    assert_int_equal(leg.end_us - leg.start_us, 12 * CLOCK_US_PER_S);
    assert_int_equal(leg.answer_us, 0);
    must_parse(f,
               "\"\",\"1\",\"2\",\"c\",\"\",\"S/1\",\"\",\"\",\"\",\"" START
               "\",,\"2026-11-24 09:00:00\",\"12.5\",\"3.000001\",\"ANSWERED\",\"\"\n",
               &leg);
    assert_int_equal(leg.end_us - leg.start_us, 12500000);
    assert_int_equal(leg.billsec_us, 3000001);
}

static int is_same_leg(const struct asterisk_leg *a, const struct asterisk_leg *b)
{
    struct asterisk_leg legs[LIMIT_CALL_LEGS] = {*a};
    size_t count = 1;
    int is_new;
    assert_int_equal(asterisk_merge(legs, &count, b, &is_new, NULL), RC_OK);
    return !is_new;
}

static void test_written_legs_read_back(void **state)
{
    struct fixture *f = *state;
    struct asterisk_leg leg, other;
    must_parse(f, BASE UID "\n", &leg);
    static char longest[ASTERISK_FIELD_BYTES];
    memset(longest, '"', sizeof(longest));
    leg.clid = slice_of(longest, sizeof(longest));
    leg.answer_us = -1;
    buf_reset(&f->kept);
    asterisk_leg_write(&leg, &f->kept);
    size_t size = f->kept.size;
    asterisk_leg_write(&leg, &f->kept);
    size_t read_to = size;
    assert_int_equal(asterisk_leg_read(buf_slice(&f->kept), &read_to, &other, &f->err), RC_OK);
    assert_int_equal(read_to, 2 * size);
    assert_true(is_same_leg(&leg, &other));
    other.dst = slice_str("0312345679");
    assert_false(is_same_leg(&leg, &other));

    other.sequence = 99;
    for (size_t cut = 0; cut < size; cut++) {
        read_to = 0;
        assert_int_equal(asterisk_leg_read(slice_of(f->kept.data, cut), &read_to, &other, &f->err),
                         RC_CORRUPT);
        assert_int_equal(read_to, 0);
    }
    f->kept.data[0] = 2; /* another format */
    assert_int_equal(asterisk_leg_read(buf_slice(&f->kept), &read_to, &other, &f->err), RC_CORRUPT);
    assert_int_equal(other.sequence, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_orders_and_all_column_counts),
        cmocka_unit_test(test_bad_rows_have_a_place_and_a_reason),
        cmocka_unit_test(test_the_rest_goes_on_after_a_bad_row),
        cmocka_unit_test(test_times_that_are_odd),
        cmocka_unit_test(test_written_legs_read_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
