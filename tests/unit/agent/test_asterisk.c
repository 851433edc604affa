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

static int is_same_leg(const struct asterisk_leg *a, const struct asterisk_leg *b)
{
    struct asterisk_leg legs[LIMIT_CALL_LEGS] = {*a};
    size_t count = 1;
    int is_new;
    assert_int_equal(asterisk_merge(legs, &count, b, &is_new, NULL), RC_OK);
    return !is_new;
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
                     "PJSIP/201-00000002", "Dial", "2026-11-24 10:00:03", "\"2026-11-24 10:00:09\"",
                     "2026-11-24 10:01:08", "65", "59", "ANSWERED", "1763946003.3", "1763946000.1",
                     "9") ROW("09012345678", "400", "ext-queues", "PJSIP/trunk-00000001",
                              "Local/201@from-queue-0000000a;1", "Queue", START,
                              "\"2026-11-24 10:00:08\"", "2026-11-24 10:01:08", "68", "60",
                              "ANSWERED", "1763946000.1", "1763946000.1", "8"));
    assert_int_equal(record->revision, 2);
    assert_int_equal(record->contact->talk_us, 60 * CLOCK_US_PER_S);
    assert_string_equal(record->contact->dialled, "400");
    assert_int_equal(record->direction, KASUMORI__V1__DIRECTION__DIRECTION_INBOUND);
    expect_number(f, "09012345678");
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

static void test_both_orders_and_all_column_counts(void **state)
{
    struct fixture *f = *state;
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
    strncat(text, PLAIN, sizeof(text) - 1);
    strncat(text, "\"\",\"broken\n", sizeof(text) - strlen(text) - 1);
    strncat(text, PLAIN, sizeof(text) - strlen(text) - 1);
    strncat(text, "a,b\n", sizeof(text) - strlen(text) - 1);
    strncat(text, PLAIN, sizeof(text) - strlen(text) - 1);
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
    must_parse(f, BASE "\n", &leg);
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

static void test_written_legs_read_back(void **state)
{
    struct fixture *f = *state;
    struct asterisk_leg leg, other;
    must_parse(f, PLAIN, &leg);
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
        cmocka_unit_test(test_parts_of_a_transferred_call_follow_each_other),
        cmocka_unit_test(test_outcomes_without_talk),
        cmocka_unit_test(test_an_answer_without_second_channel),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_callers),
        cmocka_unit_test(test_both_orders_and_all_column_counts),
        cmocka_unit_test(test_bad_rows_have_a_place_and_a_reason),
        cmocka_unit_test(test_the_rest_goes_on_after_a_bad_row),
        cmocka_unit_test(test_times_that_are_odd),
        cmocka_unit_test(test_ids_of_rows_without_ids),
        cmocka_unit_test(test_written_legs_read_back),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
