#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "services/common/base/mem.h"
#include "services/monitor/feed.h"

/* A stream that keeps what it was told, and its end. */
struct http_stream {
    char told[256 * 1024];
    size_t size;
    int is_ended;
};

int http_stream_write(struct http_stream *stream, struct slice bytes)
{
    assert_true(stream->size + bytes.size < sizeof(stream->told));
    memcpy(stream->told + stream->size, bytes.data, bytes.size);
    stream->size += bytes.size;
    stream->told[stream->size] = '\0';
    return 1;
}

void http_stream_end(struct http_stream *stream)
{
    stream->is_ended = 1;
}

static struct http_stream first, second;

static struct listener *listen(struct http_stream *stream, const char *sites, int sees_cases)
{
    struct listener *listener = mem_zalloc(sizeof(*listener));
    assert_non_null(listener);
    memset(stream, 0, sizeof(*stream));
    listener->stream = stream;
    listener->sites = mem_strdup(sites);
    listener->sees_cases = sees_cases;
    listener->expires_at_us = 100;
    return listener;
}

static void publish(struct feed *feed, const char *kind, const char *sites, const char *data)
{
    feed_publish(feed, slice_str(kind), slice_str(sites), slice_str(data));
}

static size_t count(const struct http_stream *stream, const char *text)
{
    size_t found = 0;
    for (const char *at = stream->told; (at = strstr(at, text)) != NULL; at++)
        found++;
    return found;
}

/* What who comes new is told first: where it is. */
#define PLACE_0 "id: 0000000000000001-0\n\n"

static void each_hears_what_it_may(void **state)
{
    (void)state;
    struct feed *feed = feed_new(1);
    feed_join(feed, listen(&first, "s00,s001,s003", 1), "");
    feed_join(feed, listen(&second, "", 0), "");
    publish(feed, "record", "s002,s003", "{1}");
    publish(feed, "record", "s002,s0012", "{2}");
    publish(feed, "record", "", "{3}"); /* nobody's, so nobody's of a site */
    publish(feed, "agent", "s002", "{4}");
    publish(feed, "decision", "", "{5}");
    assert_string_equal(first.told,
                        PLACE_0 "id: 0000000000000001-1\nevent: record\ndata: {1}\n\n"
                                "id: 0000000000000001-5\nevent: decision\ndata: {5}\n\n");
    assert_string_equal(second.told,
                        PLACE_0 "id: 0000000000000001-4\nevent: agent\ndata: {4}\n\n"
                                "id: 0000000000000001-5\nevent: decision\ndata: {5}\n\n");
    feed_free(feed);
}

static void who_comes_back_hears_what_it_missed(void **state)
{
    (void)state;
    struct feed *feed = feed_new(0xab);
    for (int i = 1; i <= 5; i++)
        publish(feed, "record", i == 4 ? "s002" : "s001", "{}");
    feed_set_behind(feed, slice_str("{7}"));
    feed_join(feed, listen(&first, "s001", 1), "00000000000000ab-2");
    assert_string_equal(first.told, "event: behind\ndata: {7}\n\n"
                                    "id: 00000000000000ab-3\nevent: record\ndata: {}\n\n"
                                    "id: 00000000000000ab-5\nevent: record\ndata: {}\n\n");
    feed_join(feed, listen(&second, "", 1), "00000000000000ab-5");
    assert_string_equal(second.told, "event: behind\ndata: {7}\n\n");
    feed_free(feed);
}

/* And the place told with it is one to come back to. */
static void expect_reset(struct feed *feed, const char *last_id)
{
    char place[32];
    feed_join(feed, listen(&second, "", 1), last_id);
    assert_int_equal(sscanf(second.told, "id: %31s\nevent: reset", place), 1);
    assert_int_equal(count(&second, "event: reset\ndata: {}\n\n"), 1);
    feed_join(feed, listen(&second, "", 1), place);
    assert_string_equal(second.told, "");
}

static void who_heard_nothing_can_come_back(void **state)
{
    (void)state;
    struct feed *feed = feed_new(1);
    publish(feed, "agent", "", "{}");
    feed_join(feed, listen(&first, "", 1), "");
    assert_string_equal(first.told, "id: 0000000000000001-1\n\n");
    publish(feed, "agent", "", "{2}");
    feed_join(feed, listen(&second, "", 1), "0000000000000001-1");
    assert_string_equal(second.told, "id: 0000000000000001-2\nevent: agent\ndata: {2}\n\n");
    feed_free(feed);
}

static void a_place_nobody_knows_is_a_reset(void **state)
{
    (void)state;
    struct feed *feed = feed_new(1);
    publish(feed, "agent", "", "{}");
    expect_reset(feed, "0000000000000002-1"); /* of another process */
    expect_reset(feed, "0000000000000001-2"); /* not told yet */
    expect_reset(feed, "0000000000000001-18446744073709551615");
    expect_reset(feed, "0000000000000001-1x");
    expect_reset(feed, "0000000000000001");
    expect_reset(feed, "?");
    feed_break(feed);
    expect_reset(feed, "0000000000000001-1"); /* what followed is not known to be all */
    publish(feed, "agent", "", "{}");
    expect_reset(feed, "0000000000000001-1");
    feed_join(feed, listen(&first, "", 1), "0000000000000001-2");
    assert_int_equal(count(&first, "id: 0000000000000001-3\n"), 1);
    feed_free(feed);
}

static void the_oldest_are_forgotten(void **state)
{
    (void)state;
    struct feed *feed = feed_new(1);
    for (int i = 0; i < 600; i++)
        publish(feed, "agent", "", "{}");
    expect_reset(feed, "0000000000000001-88"); /* 89 has been written over */
    feed_join(feed, listen(&first, "", 1), "0000000000000001-89");
    assert_int_equal(count(&first, "event: agent"), 511);
    feed_free(feed);
}

static void more_than_a_reader_can_take_is_a_reset(void **state)
{
    (void)state;
    char data[1024];
    struct feed *feed = feed_new(1);
    memset(data, 'x', sizeof(data) - 1);
    data[sizeof(data) - 1] = '\0';
    for (int i = 0; i < 100; i++)
        publish(feed, "agent", "", data);
    expect_reset(feed, "0000000000000001-1");
    feed_join(feed, listen(&first, "", 1), "0000000000000001-50");
    assert_int_equal(count(&first, "event: agent"), 50);
    feed_free(feed);
}

static void what_has_expired_ends_and_is_forgotten(void **state)
{
    (void)state;
    struct feed *feed = feed_new(1);
    feed_join(feed, listen(&first, "", 1), "");
    feed_sweep(feed, 99, 0);
    assert_string_equal(first.told, PLACE_0);
    feed_sweep(feed, 99, 1);
    assert_string_equal(first.told, PLACE_0 ":\n\n");
    assert_int_equal(feed_forget(feed), 0);
    assert_true(feed_is_heard(feed));
    feed_sweep(feed, 100, 0);
    assert_true(first.is_ended);
    publish(feed, "agent", "", "{}"); /* to nobody */
    assert_int_equal(feed_forget(feed), 1);
    assert_false(feed_is_heard(feed));
    feed_free(feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hears_what_it_may),
        cmocka_unit_test(who_comes_back_hears_what_it_missed),
        cmocka_unit_test(who_heard_nothing_can_come_back),
        cmocka_unit_test(a_place_nobody_knows_is_a_reset),
        cmocka_unit_test(the_oldest_are_forgotten),
        cmocka_unit_test(more_than_a_reader_can_take_is_a_reset),
        cmocka_unit_test(what_has_expired_ends_and_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
