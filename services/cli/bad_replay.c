/* Sending bad records again, after whatever made them bad was cured.
   Invariant: a row becomes "replayed" in the transaction that holds it locked, after the broker has
   acknowledged its message. A death in between sends a message twice, which ingest ignores. */
#include "services/cli/bad_replay.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cli/bad.h"
#include "services/cli/bad_headers.h"
#include "services/cli/cli_kafka.h"
#include "services/common/base/arena.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/kafka/kafka.h"

#define BATCH_ROWS 200
#define TEXT_OF(number) TEXT_OF_EXPANDED(number)
#define TEXT_OF_EXPANDED(number) #number

enum {
    QUEUE_MESSAGES = 4 * BATCH_ROWS,
    ARENA_BYTES = 1024 * 1024,
    DELIVER_MS = 60000,
    POLL_MS = 100
};

/* $4: now, so that what comes back bad is not taken up again. */
static const char SELECT[] =
    "select bad.stream_no, bad.kafka_offset, bad.message_key, bad.headers, bad.value, place.topic, "
    "bad.stream_no || '/' || bad.kafka_offset "
    "from kasumori.bad_record as bad join kasumori.kafka_offset as place using (stream_no) "
    "where bad.state = 'open' and bad.state_at <= $4::timestamptz "
    "and ($5::boolean or bad.class <> 'forged') and " BAD_FILTER_SQL
    " order by bad.stream_no, bad.kafka_offset limit " TEXT_OF(BATCH_ROWS) " for update of bad";
static const char MARK[] =
    "update kasumori.bad_record as bad set state = 'replayed', state_at = now(), "
    "restamped_at = case when $3 then bad.appended_at end "
    "from unnest($1, $2) as sent (stream_no, kafka_offset) "
    "where bad.stream_no = sent.stream_no and bad.kafka_offset = sent.kafka_offset";

struct replay {
    struct db *db;
    struct kafka_producer *producer;
    struct arena *arena;
    struct bad_filter filter;
    char until[TIMEFMT_TEXT_BYTES];
    int is_restamp;
    int is_forced;
    size_t sent;
};

/* ---- one batch ---- */

static enum rc send_row(struct replay *replay, const struct db_result *rows, size_t row,
                        struct err *err)
{
    struct kafka_header headers[KAFKA_HEADERS_MAX + 1];
    size_t count;
    enum rc rc = bad_headers_read(db_result_bytes(rows, row, 3), replay->arena, headers,
                                  KAFKA_HEADERS_MAX, &count, err);
    if (rc != RC_OK)
        return err_prefix(err, "bad record %s", (const char *)db_result_bytes(rows, row, 6).data);
    if (replay->is_restamp) /* names the row; the aggregator takes the time from there, not from
                               here */
        headers[count++] = (struct kafka_header){"ks-restamp", db_result_bytes(rows, row, 6)};
    struct kafka_outgoing message = {
        .topic = (const char *)db_result_bytes(rows, row, 5).data,
        .key = db_result_bytes(rows, row, 2),
        .value = db_result_bytes(rows, row, 4),
        .headers = headers,
        .headers_count = count,
        .tag = row,
    };
    return replay->producer->ops->produce(replay->producer, &message, err);
}

static enum rc mark(struct replay *replay, const struct db_result *rows, const char *is_acked,
                    struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_BOOL};
    static const int IS_ARRAY[] = {1, 1, 0};
    struct db_params *params = db_params_new(3, TYPES, IS_ARRAY, BATCH_ROWS * 16);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t i = 0; i < db_result_rows(rows); i++)
        if (is_acked[i]) {
            db_put_int(params, 0, db_result_int(rows, i, 0));
            db_put_int(params, 1, db_result_int(rows, i, 1));
        }
    db_put_bool(params, 2, replay->is_restamp);
    enum rc rc = db_run(replay->db, "mark_replayed", MARK, params, NULL, err);
    if (rc == RC_OK)
        rc = db_exec(replay->db, "commit", err);
    if (rc == RC_OK)
        replay->sent += db_params_rows(params, 0);
    db_params_free(params);
    return rc;
}

/* Waits for the reports of sent messages; RC_OK when all were delivered. */
static enum rc collect(struct replay *replay, size_t sent, char *is_acked, struct err *err)
{
    int64_t until_us = clock_mono_us(clock_real()) + DELIVER_MS * CLOCK_US_PER_MS;
    struct kafka_producer *producer = replay->producer;
    enum rc rc = RC_OK;
    for (size_t done = 0; done < sent;) {
        struct kafka_report reports[BATCH_ROWS];
        size_t count = producer->ops->reports(producer, reports, BATCH_ROWS);
        for (size_t i = 0; i < count; i++) {
            is_acked[reports[i].tag] = reports[i].rc == RC_OK;
            if (reports[i].rc != RC_OK)
                rc = err_set(err, reports[i].rc, "the broker did not take a message");
        }
        done += count;
        if (count > 0)
            continue;
        if (producer->ops->state(producer, err) != RC_OK)
            return RC_FATAL;
        if (clock_mono_us(clock_real()) > until_us)
            return err_set(err, RC_RETRY, "the brokers did not answer within %d s",
                           DELIVER_MS / 1000);
        struct pollfd pollfd = {.fd = producer->ops->fd(producer), .events = POLLIN};
        poll(&pollfd, 1, POLL_MS);
    }
    return rc;
}

static enum rc send_rows(struct replay *replay, const struct db_result *rows, struct err *err)
{
    char is_acked[BATCH_ROWS] = {0};
    size_t sent = 0;
    struct err why;
    enum rc rc = RC_OK;
    for (; rc == RC_OK && sent < db_result_rows(rows); sent += rc == RC_OK)
        rc = send_row(replay, rows, sent, err);
    enum rc collected = collect(replay, sent, is_acked, rc == RC_OK ? err : NULL);
    enum rc marked = mark(replay, rows, is_acked, &why);
    if (rc == RC_OK && collected == RC_OK && marked != RC_OK && err != NULL)
        *err = why;
    return rc != RC_OK ? rc : collected != RC_OK ? collected : marked;
}

/* *ret_count: rows there were; fewer than BATCH_ROWS: the last ones. */
static enum rc replay_batch(struct replay *replay, size_t *ret_count, struct err *err)
{
    struct db_result *rows;
    arena_reset(replay->arena);
    enum rc rc = db_exec(replay->db, "begin", err);
    if (rc == RC_OK)
        rc = CLI_RUN(replay->db, "select_bad", SELECT, &rows, err, replay->filter.stream_no,
                     replay->filter.kafka_offset, replay->filter.class, replay->until,
                     replay->is_forced ? "true" : "false");
    if (rc != RC_OK)
        return rc;
    *ret_count = db_result_rows(rows);
    rc = send_rows(replay, rows, err);
    db_result_free(rows);
    return rc;
}

/* ---- the verb ---- */

static enum rc replay_all(struct replay *replay, struct err *err)
{
    size_t count;
    do {
        enum rc rc = replay_batch(replay, &count, err);
        if (rc != RC_OK)
            return rc;
    } while (count == BATCH_ROWS);
    return RC_OK;
}

static enum rc check_filter(const struct cli *cli, struct bad_filter *filter, struct err *err)
{
    enum rc rc = bad_filter_read(cli, filter, err);
    if (rc == RC_OK && filter->class != NULL && strcmp(filter->class, "forged") == 0 &&
        !cli_has(cli, "force"))
        rc = err_set(err, RC_REJECT,
                     "cannot replay forged messages without --force: first make sure that their "
                     "agent is registered");
    return rc;
}

static enum rc open_all(struct cli *cli, struct replay *replay, struct err *err)
{
    struct kafka_config config = cli_kafka_config(cli);
    enum rc rc = check_filter(cli, &replay->filter, err);
    if (rc == RC_OK)
        rc = cli_open_database(cli, &replay->db, err);
    if (rc == RC_OK) /* rows stay locked while the brokers answer */
        rc = db_exec(replay->db, "set idle_in_transaction_session_timeout = '120s'", err);
    if (rc == RC_OK)
        rc = kafka_producer_new(&config, QUEUE_MESSAGES, &replay->producer, err);
    replay->arena = arena_new(ARENA_BYTES);
    if (rc == RC_OK && replay->arena == NULL)
        rc = err_set(err, RC_RETRY, "out of memory");
    return rc;
}

int bad_replay_run(struct cli *cli)
{
    struct replay replay = {.is_restamp = cli_has(cli, "restamp"),
                            .is_forced = cli_has(cli, "force")};
    struct err err;
    timefmt_format_utc(clock_now_us(clock_real()), replay.until);
    enum rc rc = open_all(cli, &replay, &err);
    if (rc == RC_OK) {
        rc = replay_all(&replay, &err);
        printf("%zu messages sent again\n", replay.sent);
    }
    arena_free(replay.arena);
    kafka_producer_free(replay.producer);
    db_close(replay.db);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}
