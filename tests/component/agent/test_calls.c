#include "tests/support/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/calls.h"
#include "services/agent/follow.h"
#include "services/common/base/limits.h"
#include "services/common/kafka/kafka_fake.h"
#include "services/common/record/record.h"

/* Call records through the real spool and the real map; the broker is in memory and holds its
   reports, so that what was stored can be looked at. */
enum { PHONE = 4, IMPERSONAL = 10 };

struct fixture {
    char dir[64];
    struct keeper *keeper;
    struct kept *kept;
    struct calls *calls;
    struct metrics *metrics;
};

static const struct bundle BUNDLE = {
    .tenant = "acme",
    .site = "s001",
    .agent = "s001-a",
    .vault_public = {9},
    .token_keys = {{.kind = PHONE, .key_id = 1, .key = {1}},
                   {.kind = IMPERSONAL, .key_id = 1, .key = {2}}},
    .token_keys_count = 2,
    .topic_records = "records",
    .topic_health = "health",
};

static const struct asterisk_source SOURCE = {.name = "pbx", .utc_offset_s = 9 * 3600};

static struct kafka_producer *fake;

static enum rc make_fake(const struct kafka_config *config, size_t queue_max,
                         struct kafka_producer **ret_producer, struct err *err)
{
    (void)config;
    (void)err;
    *ret_producer = fake = kafka_fake_new(queue_max);
    return RC_OK;
}

static void path_of(const struct fixture *f, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", f->dir, name);
}

static void open_calls(struct fixture *f)
{
    char spool[128], map[128];
    path_of(f, "spool", spool);
    path_of(f, "calls.db", map);
    const struct keeper_config keeper = {
        .bundle = &BUNDLE,
        .spool = {.dir = spool,
                  .segment_bytes_max = 1 << 20,
                  .segment_age_us_max = CLOCK_US_PER_HOUR,
                  .bytes_max = 16 << 20,
                  .replay_keep_us = CLOCK_US_PER_HOUR,
                  .replay_bytes_max = 1 << 20,
                  .clock = clock_real()},
        .heartbeat_every_us = CLOCK_US_PER_HOUR,
        .metrics = f->metrics,
        .producer_new = make_fake,
    };
    assert_int_equal(keeper_start(&keeper, &f->keeper, NULL), RC_OK);
    assert_int_equal(kept_open(map, NULL, &f->kept, NULL), RC_OK);
    const struct calls_config calls = {.keeper = f->keeper,
                                       .bundle = &BUNDLE,
                                       .kept = f->kept,
                                       .metrics = f->metrics,
                                       .clock = clock_real()};
    assert_int_equal(calls_new(&calls, &f->calls, NULL), RC_OK);
}

static void close_calls(struct fixture *f)
{
    calls_free(f->calls);
    kept_close(f->kept);
    keeper_stop(f->keeper);
}

static int set_up(void **state)
{
    static struct fixture f;
    strcpy(f.dir, "/tmp/kasumori-calls-XXXXXX");
    if (mkdtemp(f.dir) == NULL || token_init(NULL) != RC_OK)
        return -1;
    f.metrics = agent_metrics_new();
    open_calls(&f);
    *state = &f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_calls(f);
    metrics_free(f->metrics);
    return nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* One leg: channel rings dst's phone; cdr_csv order with linkedid and sequence. */
static void row(char *text, size_t size, const char *dstchannel, const char *disposition,
                int billsec, int sequence)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at,
             "\"\",\"09012345678\",\"201\",\"from-pstn\",\"\"\"Sato\"\" <09012345678>\","
             "\"PJSIP/trunk-00000001\",\"%s\",\"Dial\",\"x\",\"2026-11-24 10:00:00\",\"%s\","
             "\"2026-11-24 10:05:00\",\"300\",\"%d\",\"%s\",\"DOCUMENTATION\",\"1795527000.1\","
             "\"\",\"\",\"1795527000.1\",\"%d\"\n",
             dstchannel, billsec > 0 ? "2026-11-24 10:00:05" : "", billsec, disposition, sequence);
}

static size_t sent(const struct fixture *f)
{
    size_t want = (size_t)metrics_get(f->metrics, AGENT_METRIC_ACCEPTED);
    for (int i = 0; i < 200; i++) {
        if ((size_t)metrics_get(f->metrics, AGENT_METRIC_DELIVERED) == want)
            break;
        usleep(10000);
    }
    return (size_t)metrics_get(f->metrics, AGENT_METRIC_DELIVERED);
}

/* The n-th record that reached the broker. */
static Kasumori__V1__Record *record_at(size_t n, struct arena *arena)
{
    Kasumori__V1__Record *record;
    enum record_class class;
    size_t seen = 0;
    for (size_t i = 0;; i++) {
        const struct kafka_fake_message *message = kafka_fake_at(fake, i);
        if (strcmp(message->topic, "records") == 0 && seen++ == n) {
            assert_int_equal(record_decode(message->value, arena, &record, &class, NULL), RC_OK);
            return record;
        }
    }
}

static void rows_that_arrive_apart_are_one_call(void **state)
{
    struct fixture *f = *state;
    struct calls_result result;
    char first[2048] = "", second[2048] = "";
    row(first, sizeof(first), "PJSIP/201-00000002", "NO ANSWER", 0, 1);
    row(second, sizeof(second), "PJSIP/202-00000003", "ANSWERED", 295, 2);
    assert_int_equal(calls_import(f->calls, &SOURCE, slice_str(first), &result, NULL), RC_OK);
    assert_int_equal(result.calls, 1);
    close_calls(f); /* and a restart between them */
    metrics_free(f->metrics);
    f->metrics = agent_metrics_new();
    open_calls(f);
    assert_int_equal(calls_import(f->calls, &SOURCE, slice_str(second), &result, NULL), RC_OK);
    assert_int_equal(calls_import(f->calls, &SOURCE, slice_str(first), &result, NULL), RC_OK);
    assert_int_equal(sent(f), 2);

    struct arena *arena = arena_new(1 << 22);
    const Kasumori__V1__Record *merged = record_at(0, arena);
    const Kasumori__V1__Record *again = record_at(1, arena);
    assert_string_equal(merged->external_id, "1795527000.1");
    assert_string_equal(merged->source, "asterisk:pbx");
    assert_int_equal(merged->revision, 2);
    assert_int_equal(merged->contact->outcome, KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED);
    assert_int_equal(merged->contact->talk_us, INT64_C(295000000));
    assert_int_equal(again->revision, 2);
    uint8_t a[RECORD_HASH_BYTES], b[RECORD_HASH_BYTES];
    assert_int_equal(record_body_hash(merged, a, NULL), RC_OK);
    assert_int_equal(record_body_hash(again, b, NULL), RC_OK);
    assert_memory_equal(a, b, RECORD_HASH_BYTES);
    arena_free(arena);
}

static void a_bad_row_costs_itself(void **state)
{
    struct fixture *f = *state;
    struct calls_result result;
    char text[4096] = "a,b,c\n";
    row(text, sizeof(text), "PJSIP/201-00000002", "ANSWERED", 295, 1);
    strcat(text, "\"broken\n");
    assert_int_equal(calls_import(f->calls, &SOURCE, slice_str(text), &result, NULL), RC_OK);
    assert_int_equal(result.rows, 3);
    assert_int_equal(result.calls, 1);
    assert_int_equal(result.rejected, 2);
    assert_memory_equal(result.errors[0].text, "line 1: ", 8);
    assert_memory_equal(result.errors[1].text, "line 3: ", 8);
}

static void append_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_read(struct follow *follow, struct buf *out, const char *text, int is_stored)
{
    assert_int_equal(follow_read(follow, out, NULL), RC_OK);
    assert_true(slice_is_equal(buf_slice(out), slice_str(text)));
    if (is_stored)
        assert_int_equal(follow_advance(follow, 1, NULL), RC_OK);
}

static void a_file_is_followed_across_rotation_and_restart(void **state)
{
    struct fixture *f = *state;
    char path[128], rotated[128];
    struct follow follow;
    struct buf out;
    path_of(f, "Master.csv", path);
    path_of(f, "Master.csv.1", rotated);
    buf_init(&out, 64);
    assert_int_equal(follow_init(&follow, path, f->kept, NULL), RC_OK);
    expect_read(&follow, &out, "", 1); /* not there yet */
    append_file(path, "one\ntwo\nthr");
    expect_read(&follow, &out, "one\ntwo\n", 0);
    assert_int_equal(follow_init(&follow, path, f->kept, NULL), RC_OK); /* a crash */
    expect_read(&follow, &out, "one\ntwo\n", 1);
    expect_read(&follow, &out, "", 1);
    append_file(path, "ee\nlast");
    assert_int_equal(rename(path, rotated), 0);
    append_file(path, "new\n");
    assert_int_equal(follow_init(&follow, path, f->kept, NULL), RC_OK);
    expect_read(&follow, &out, "three\nlast", 1);
    expect_read(&follow, &out, "new\n", 1);
    assert_int_equal(truncate(path, 0), 0);
    append_file(path, "cut\n");
    expect_read(&follow, &out, "", 1); /* as long as before: not seen yet */
    append_file(path, "x\n");
    expect_read(&follow, &out, "x\n", 1);
    assert_int_equal(truncate(path, 0), 0);
    expect_read(&follow, &out, "", 1);
    append_file(path, "a\n");
    expect_read(&follow, &out, "a\n", 1);
    append_file(path,
                "a line that is longer than the buffer of sixty-four bytes can ever be\nok\n");
    assert_int_equal(follow_read(&follow, &out, NULL), RC_REJECT);
    assert_int_equal(follow_advance(&follow, 1, NULL), RC_OK);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_that_arrive_apart_are_one_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_row_costs_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_followed_across_rotation_and_restart, set_up,
                                        tear_down),
    };
    return UNIT_MAIN(tests);
}
