/* Rows as Asterisk writes them (cdr_csv.c, the sample of cdr_custom.conf), with made-up numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "services/agent/asterisk.h"
#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"

#define START "2026-11-24 10:00:00"

/* One row of cdr_csv with all columns; A and B are channels. */
#define ROW(src, dst, context, a, b, app, start, answer, end, duration, billsec, disposition, uid, \
            lid, sequence)                                                                         \
    "\"\",\"" src "\",\"" dst "\",\"" context "\",\"\"\"\"\" <" src ">\",\"" a "\",\"" b           \
    "\",\"" app "\",\"x\",\"" start "\"," answer ",\"" end "\"," duration "," billsec              \
    ",\"" disposition "\",\"DOCUMENTATION\",\"" uid "\",\"\",\"\",\"" lid "\"," sequence "\n"

struct fixture {
    struct arena *arena;
    struct asterisk_source source;
    struct csv csv;
    struct csv_row row;
    struct asterisk_leg legs[LIMIT_CALL_LEGS];
    size_t legs_count;
    struct buf kept; /* what legs borrow */
    struct draft draft;
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.arena = arena_new(1024 * 1024);
    fixture.source = (struct asterisk_source){.name = "pbx1", .utc_offset_s = 9 * 3600};
    buf_init(&fixture.kept, 1024 * 1024);
    *state = &fixture;
    return fixture.arena == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_free(fixture->arena);
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

/* Reads all rows as an agent does, keeping legs as bytes, and builds the call. */
static Kasumori__V1__Record *build(struct fixture *f, const char *text)
{
    struct buf *kept = &f->kept;
    arena_reset(f->arena);
    buf_reset(kept);
    csv_init(&f->csv, slice_str(text));
    for (;;) {
        assert_int_equal(csv_next(&f->csv, &f->row, &f->err), RC_OK);
        if (f->row.count == 0)
            break;
        struct asterisk_leg leg;
        if (asterisk_leg_parse(&f->source, &f->row, &leg, &f->err) != RC_OK)
            fail_msg("%s", f->err.text);
        asterisk_leg_write(&leg, kept);
    }
    f->legs_count = 0;
    for (size_t at = 0; at < kept->size;) {
        struct asterisk_leg leg;
        int is_new;
        assert_int_equal(asterisk_leg_read(buf_slice(kept), &at, &leg, &f->err), RC_OK);
        assert_int_equal(asterisk_merge(f->legs, &f->legs_count, &leg, &is_new, &f->err), RC_OK);
    }
    assert_int_equal(
        asterisk_build_draft(&f->source, f->legs, f->legs_count, f->arena, &f->draft, &f->err),
        RC_OK);
    return f->draft.record;
}

static int64_t at(const char *local)
{
    int64_t us;
    assert_int_equal(timefmt_parse_local(local, 9 * 3600, &us, NULL), RC_OK);
    return us;
}

static void expect_number(const struct fixture *f, const char *number)
{
    assert_int_equal(f->draft.raws_count, 1);
    assert_true(slice_is_equal(f->draft.raws[0].value, slice_str(number)));
    const Kasumori__V1__Record *record = f->draft.record;
    assert_int_equal(record->n_persons, 1);
    assert_int_equal(record->persons[0]->role, KASUMORI__V1__ROLE__ROLE_SUBJECT);
    assert_int_equal(record->persons[0]->n_identifiers, 1);
    const Kasumori__V1__Identifier *identifier = record->persons[0]->identifiers[0];
    assert_ptr_equal(identifier, f->draft.raws[0].identifier);
    assert_int_equal(identifier->kind, KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE);
    assert_int_equal(identifier->assurance, KASUMORI__V1__ASSURANCE__ASSURANCE_CARRIED);
    assert_int_equal(identifier->n_tokens, 0);
}

static const char PLAIN[] =
    ROW("09012345678", "0312345678", "from-trunk", "PJSIP/trunk-00000001", "PJSIP/201-00000002",
        "Dial", START, "\"2026-11-24 10:00:08\"", "2026-11-24 10:02:08", "128", "120", "ANSWERED",
        "1763946000.1", "1763946000.1", "7");

static void test_one_row_is_one_contact(void **state)
{
    struct fixture *f = *state;
    const Kasumori__V1__Record *record = build(f, PLAIN);
    assert_string_equal(record->source, "asterisk:pbx1");
    assert_string_equal(record->external_id, "1763946000.1");
    assert_string_equal(record->happening_ref, "1763946000.1");
    assert_int_equal(record->revision, 1);
    assert_int_equal(record->occurred_start_us, at(START));
    assert_int_equal(record->occurred_start_us, 1795482000 * CLOCK_US_PER_S);
    assert_int_equal(record->occurred_end_us, at("2026-11-24 10:02:08"));
    assert_int_equal(record->channel, KASUMORI__V1__CHANNEL__CHANNEL_PHONE);
    assert_int_equal(record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
    assert_int_equal(record->body_case, KASUMORI__V1__RECORD__BODY_CONTACT);
    assert_int_equal(record->contact->outcome, KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED);
    assert_int_equal(record->contact->ring_us, 8 * CLOCK_US_PER_S);
    assert_int_equal(record->contact->talk_us, 120 * CLOCK_US_PER_S);
    assert_int_equal(record->contact->withheld, 0);
    assert_string_equal(record->contact->dialled, "0312345678");
    expect_number(f, "09012345678");
}

/* A ring group: three phones ring, one answers; and the same rows in any order. */
static void test_a_ring_group_is_one_call(void **state)
{
    struct fixture *f = *state;
    static const char *const ROWS[] = {
        ROW("09012345678", "600", "ext-group", "PJSIP/trunk-00000001", "PJSIP/201-00000002", "Dial",
            START, "", "2026-11-24 10:00:08", "8", "0", "NO ANSWER", "1763946000.1", "1763946000.1",
            "7"),
        ROW("09012345678", "600", "ext-group", "PJSIP/trunk-00000001", "PJSIP/202-00000003", "Dial",
            START, "\"2026-11-24 10:00:08\"", "2026-11-24 10:01:08", "68", "60", "ANSWERED",
            "1763946000.1", "1763946000.1", "8"),
        ROW("09012345678", "600", "ext-group", "PJSIP/trunk-00000001", "PJSIP/203-00000004", "Dial",
            START, "", "2026-11-24 10:00:05", "5", "0", "BUSY", "1763946000.1", "1763946000.1",
            "9"),
    };
    static const int ORDERS[][4] = {{0, 1, 2, 1}, {2, 1, 0, 0}, {1, 2, 0, 2}, {1, 0, 2, 2}};
    for (size_t i = 0; i < sizeof(ORDERS) / sizeof(ORDERS[0]); i++) {
        char text[4096] = "";
        for (int k = 0; k < 4; k++) /* one of them twice */
            strncat(text, ROWS[ORDERS[i][k]], sizeof(text) - strlen(text) - 1);
        const Kasumori__V1__Record *record = build(f, text);
        assert_int_equal(record->revision, 3);
        assert_int_equal(record->contact->outcome, KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED);
        assert_int_equal(record->contact->talk_us, 60 * CLOCK_US_PER_S);
        assert_int_equal(record->contact->ring_us, 8 * CLOCK_US_PER_S);
        assert_int_equal(record->occurred_end_us, at("2026-11-24 10:01:08"));
        assert_int_equal(record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
        assert_string_equal(record->contact->dialled, "600");
        expect_number(f, "09012345678");
    }
}

/* A queue reaches its member through a Local channel: two rows of one conversation. */
static void test_local_halves_count_once(void **state)
{
    struct fixture *f = *state;
    const Kasumori__V1__Record *record =
        build(f, ROW("09012345678", "201", "from-queue", "Local/201@from-queue-0000000a;2",
                     "PJSIP/201-00000002", "Dial", START, "\"2026-11-24 10:00:09\"",
                     "2026-11-24 10:01:08", "65", "59", "ANSWERED", "1763946003.3", "1763946000.1",
                     "1") ROW("09012345678", "400", "ext-queues", "PJSIP/trunk-00000001",
                              "Local/201@from-queue-0000000a;1", "Queue", START,
                              "\"2026-11-24 10:00:08\"", "2026-11-24 10:01:08", "68", "60",
                              "ANSWERED", "1763946000.1", "1763946000.1", "8"));
    assert_int_equal(record->revision, 2);
    assert_int_equal(record->contact->talk_us, 60 * CLOCK_US_PER_S);
    assert_string_equal(record->contact->dialled, "400"); /* the Local row sorts first */
    assert_int_equal(record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
    expect_number(f, "09012345678");
}

/* Rows in the order of their ends, as a file has them; two answered ones overlap in part. */
static void test_overlapping_talk_counts_once(void **state)
{
    struct fixture *f = *state;
    const Kasumori__V1__Record *record =
        build(f, ROW("09012345678", "202", "from-trunk", "PJSIP/trunk-01", "PJSIP/202-03", "Dial",
                     "2026-11-24 10:00:15", "\"2026-11-24 10:00:20\"", "2026-11-24 10:00:50", "35",
                     "30", "ANSWERED", "1763946000.1", "1763946000.1", "8")
                     ROW("09012345678", "201", "from-trunk", "PJSIP/trunk-01", "PJSIP/201-02",
                         "Dial", START, "\"2026-11-24 10:00:10\"", "2026-11-24 10:00:51", "51",
                         "20", "ANSWERED", "1763946000.1", "1763946000.1", "7"));
    assert_int_equal(record->contact->talk_us, 40 * CLOCK_US_PER_S);
    assert_int_equal(record->contact->ring_us, 10 * CLOCK_US_PER_S);
    assert_int_equal(record->occurred_start_us, at(START));
    assert_string_equal(record->contact->dialled, "201");
}

static void test_parts_of_a_transferred_call_follow_each_other(void **state)
{
    struct fixture *f = *state;
    const Kasumori__V1__Record *record = build(
        f, ROW("09012345678", "201", "from-trunk", "PJSIP/trunk-00000001", "PJSIP/201-00000002",
               "Dial", START, "\"2026-11-24 10:00:10\"", "2026-11-24 10:40:10", "2410", "2400",
               "ANSWERED", "1763946000.1", "1763946000.1", "7")
               ROW("09012345678", "202", "from-internal-xfer", "PJSIP/trunk-00000001",
                   "PJSIP/202-00000003", "Dial", "2026-11-24 10:40:10", "\"2026-11-24 10:40:20\"",
                   "2026-11-24 11:30:20", "3010", "3000", "ANSWERED", "1763946000.1",
                   "1763946000.1", "8"));
    assert_int_equal(record->contact->talk_us, 5400 * CLOCK_US_PER_S);
    assert_int_equal(record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
    assert_string_equal(record->contact->dialled, "201");
}

static void test_outcomes_without_talk(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *row;
        int outcome;
        int64_t ring_s;
        int64_t queue_s;
    } CASES[] = {
        {ROW("09012345678", "201", "from-trunk", "PJSIP/trunk-01", "PJSIP/201-02", "Dial", START,
             "", "2026-11-24 10:00:30", "30", "0", "NO ANSWER", "1763946000.1", "1763946000.1",
             "7"),
         KASUMORI__V1__OUTCOME__OUTCOME_NO_ANSWER, 30, 0},
        {ROW("09012345678", "201", "from-trunk", "PJSIP/trunk-01", "PJSIP/201-02", "Dial", START,
             "", "2026-11-24 10:00:01", "1", "0", "BUSY", "1763946000.1", "1763946000.1", "7"),
         KASUMORI__V1__OUTCOME__OUTCOME_BUSY, 1, 0},
        {ROW("09012345678", "201", "from-trunk", "PJSIP/trunk-01", "", "Dial", START, "",
             "2026-11-24 10:00:00", "0", "0", "CONGESTION", "1763946000.1", "1763946000.1", "7"),
         KASUMORI__V1__OUTCOME__OUTCOME_FAILED, 0, 0},
        {ROW("09012345678", "400", "ext-queues", "PJSIP/trunk-01", "", "Queue", START,
             "\"2026-11-24 10:00:02\"", "2026-11-24 10:03:02", "182", "180", "ANSWERED",
             "1763946000.1", "1763946000.1", "7"),
         KASUMORI__V1__OUTCOME__OUTCOME_ABANDONED, 2, 180},
        {ROW("09012345678", "s", "night", "PJSIP/trunk-01", "", "Playback", START,
             "\"2026-11-24 10:00:02\"", "2026-11-24 10:00:22", "22", "20", "ANSWERED",
             "1763946000.1", "1763946000.1", "7"),
         KASUMORI__V1__OUTCOME__OUTCOME_NO_ANSWER, 2, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const Kasumori__V1__Record *record = build(f, CASES[i].row);
        assert_int_equal(record->contact->outcome, CASES[i].outcome);
        assert_int_equal(record->contact->ring_us, CASES[i].ring_s * CLOCK_US_PER_S);
        assert_int_equal(record->contact->queue_us, CASES[i].queue_s * CLOCK_US_PER_S);
        assert_int_equal(record->contact->talk_us, 0);
        expect_number(f, "09012345678");
    }
}

/* What an application answers that may be a person (a conference, an external program) is talk. */
static void test_an_answer_without_second_channel(void **state)
{
    struct fixture *f = *state;
    const Kasumori__V1__Record *record = build(
        f, ROW("09012345678", "8000", "from-trunk", "PJSIP/trunk-01", "", "Stasis", START, "",
               "2026-11-24 10:00:40", "40", "30", "ANSWERED", "1763946000.1", "1763946000.1", "7"));
    assert_int_equal(record->contact->outcome, KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED);
    assert_int_equal(record->contact->talk_us, 30 * CLOCK_US_PER_S);
    assert_int_equal(record->contact->ring_us, 10 * CLOCK_US_PER_S); /* answer: end less billsec */
}

static void test_directions(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *row;
        int direction;
        const char *number;
        const char *dialled;
    } CASES[] = {
#define DIRECTED(src, dst, context, a, b)                                                         \
    ROW(src, dst, context, a, b, "Dial", START, "\"2026-11-24 10:00:08\"", "2026-11-24 10:02:08", \
        "128", "120", "ANSWERED", "1763946000.1", "1763946000.1", "7")
        /* by context: the company's number as caller id, a customer's as dst */
        {DIRECTED("0312345678", "09012345678", "from-internal", "PJSIP/201-01", "PJSIP/trunk-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND, "09012345678", ""},
        {DIRECTED("201", "18409012345678", "outbound-allroutes", "PJSIP/201-01", "PJSIP/trunk-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND, "18409012345678", ""},
        {DIRECTED("09012345678", "0312345678", "from-pstn", "PJSIP/trunk-01", "PJSIP/201-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_INBOUND, "09012345678", "0312345678"},
        /* by shape, in a context whose name says nothing */
        {DIRECTED("0312345678", "09012345678", "default", "SIP/201-01", "SIP/trunk-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND, "09012345678", ""},
        {DIRECTED("201", "09012345678", "default", "SIP/tanaka-01", "SIP/trunk-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND, "09012345678", ""},
        {DIRECTED("09012345678", "201", "default", "SIP/trunk-01", "SIP/201-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_INBOUND, "09012345678", "201"},
        {DIRECTED("201", "202", "default", "SIP/201-01", "SIP/202-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_INTERNAL, NULL, "202"},
        {DIRECTED("201", "110", "from-internal", "SIP/201-01", "SIP/trunk-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_OUTBOUND, "110", ""},
        {DIRECTED("201", "110", "from-internal", "SIP/201-01", "SIP/110-02"),
         KASUMORI__V1__DIRECTION__DIRECTION_INTERNAL, NULL, "110"},
        {DIRECTED("201", "s", "from-internal", "SIP/201-01", ""),
         KASUMORI__V1__DIRECTION__DIRECTION_INTERNAL, NULL, ""},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const Kasumori__V1__Record *record = build(f, CASES[i].row);
        if ((int)record->direction != CASES[i].direction)
            fail_msg("case %zu: direction %d", i, (int)record->direction);
        assert_string_equal(record->contact->dialled, CASES[i].dialled);
        if (CASES[i].number != NULL)
            expect_number(f, CASES[i].number);
        else
            assert_int_equal(f->draft.raws_count + record->n_persons, 0);
    }
}

/* src, and the name and number of clid, against whom the record names. */
static void test_callers(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *src;
        const char *clid;
        const char *number; /* NULL: none, withheld */
        int withheld;
    } CASES[] = {
        {"09012345678", "\"\"Taro \"\"T\"\" 山田\"\" <09012345678>", "09012345678", 0},
        {"09012345678", "09012345678", "09012345678", 0},
        {"+819012345678", "\"\"unknown\"\" <+819012345678>", "+819012345678", 0},
        {"", "\"\"\"\" <09012345678>", "\"\" <09012345678>", 0},
        {"09012345678", "\"\"Anonymous\"\" <09012345678>", NULL, 1},
        {"09012345678", "\"\"P\"\" <09012345678>", "09012345678", 0},
        {"anonymous", "\"\"Anonymous\"\" <anonymous>", NULL, 1},
        {"anonymous", "\"\"Coin line/payphone\"\" <anonymous>", NULL, 2},
        {"", "\"\"公衆電話\"\" <>", NULL, 2},
        {"unavailable", "\"\"\"\" <unavailable>", NULL, 3},
        {"", "\"\"表示圏外\"\" <>", NULL, 3},
        {"", "", NULL, 4},
        {"", "\"\"\"\" <>", NULL, 4},
        {"taro", "\"\"Taro 3F\"\" <taro>", NULL, 4},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char text[1024];
        snprintf(
            text, sizeof(text),
            "\"\",\"%s\",\"0312345678\",\"from-trunk\",\"%s\",\"PJSIP/trunk-01\",\"PJSIP/201-02\","
            "\"Dial\",\"x\",\"" START "\",,\"" START "\",0,0,\"NO ANSWER\",\"DOCUMENTATION\"\n",
            CASES[i].src, CASES[i].clid);
        const Kasumori__V1__Record *record = build(f, text);
        if ((int)record->contact->withheld != CASES[i].withheld)
            fail_msg("case %zu: withheld %d", i, (int)record->contact->withheld);
        if (CASES[i].number == NULL)
            assert_int_equal(f->draft.raws_count + record->n_persons, 0);
        else if (CASES[i].src[0] != '\0')
            expect_number(f, CASES[i].number);
        else
            expect_number(f, "<09012345678>");
    }
}

static void test_a_call_longer_than_a_day(void **state)
{
    struct fixture *f = *state;
    const Kasumori__V1__Record *record =
        build(f, ROW("09012345678", "201", "from-trunk", "S/t-1", "S/201-2", "Dial", START,
                     "\"2026-11-24 10:00:05\"", "2026-11-26 10:00:05", "172805", "172800",
                     "ANSWERED", "1763946000.1", "1763946000.1", "1"));
    assert_int_equal(record->occurred_end_us - record->occurred_start_us, LIMIT_RECORD_SPAN_US);
    assert_int_equal(record->contact->talk_us, 172800 * CLOCK_US_PER_S);
}

/* Without ids in the file: an id of start and channel, in which no number hides. */
static void test_ids_of_rows_without_ids(void **state)
{
    struct fixture *f = *state;
    struct asterisk_leg leg;
    char a[ASTERISK_ID_BYTES], b[ASTERISK_ID_BYTES];
    must_parse(f,
               "\"a\",\"09012345678\",\"201\",\"default\",\"\",\"SIP/t-1\",\"SIP/"
               "201-2\",\"Dial\",\"x\",\"" START "\",,\"" START
               "\",0,0,\"NO ANSWER\",\"DOCUMENTATION\"\n",
               &leg);
    asterisk_call_id(&leg, a);
    assert_int_equal(strlen(a), 4 + 32);
    assert_memory_equal(a, "row-", 4);
    leg.src = slice_str("0399999999");
    leg.channel = slice_str("SIP/09099999999-1");
    asterisk_call_id(&leg, b);
    assert_string_equal(a, b);
    leg.channel = slice_str("SIP/t-2");
    asterisk_call_id(&leg, b);
    assert_string_not_equal(a, b);
    leg.channel = slice_str("SIP/t-1");
    leg.start_us += CLOCK_US_PER_S;
    asterisk_call_id(&leg, b);
    assert_string_not_equal(a, b);
    leg.uniqueid = slice_str("1763946000.1");
    asterisk_call_id(&leg, b);
    assert_string_equal(b, "1763946000.1");
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    struct asterisk_leg leg;
    int is_new;
    must_parse(f, PLAIN, &leg);
    f->legs_count = 0;
    for (int64_t i = 0; i < LIMIT_CALL_LEGS; i++) {
        leg.sequence = i;
        assert_int_equal(asterisk_merge(f->legs, &f->legs_count, &leg, &is_new, &f->err), RC_OK);
        assert_true(is_new);
    }
    assert_int_equal(asterisk_merge(f->legs, &f->legs_count, &leg, &is_new, &f->err), RC_OK);
    assert_false(is_new);
    leg.sequence = LIMIT_CALL_LEGS;
    assert_int_equal(asterisk_merge(f->legs, &f->legs_count, &leg, &is_new, &f->err), RC_REJECT);
    assert_int_equal(f->legs_count, LIMIT_CALL_LEGS);

    /* Every size of arena below what is needed: refused, and nothing written. */
    struct draft draft = {.raws_count = 77};
    enum rc rc = RC_FULL;
    for (size_t size = 0; rc != RC_OK; size += 64) {
        assert_true(size < 8192);
        struct arena *arena = arena_new(size);
        rc = asterisk_build_draft(&f->source, f->legs, 1, arena, &draft, &f->err);
        if (rc != RC_OK) {
            assert_int_equal(rc, RC_FULL);
            assert_int_equal(draft.raws_count, 77);
        }
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_row_is_one_contact),
        cmocka_unit_test(test_a_ring_group_is_one_call),
        cmocka_unit_test(test_local_halves_count_once),
        cmocka_unit_test(test_overlapping_talk_counts_once),
        cmocka_unit_test(test_parts_of_a_transferred_call_follow_each_other),
        cmocka_unit_test(test_outcomes_without_talk),
        cmocka_unit_test(test_an_answer_without_second_channel),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_callers),
        cmocka_unit_test(test_a_call_longer_than_a_day),
        cmocka_unit_test(test_ids_of_rows_without_ids),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
