/* Taking a partition over. Invariant: from the commit of the claim on, no other lane can commit for
   this partition, because epoch and owner are new; and next_offset is read under the row's lock, so
   whatever the owner before committed is in it. */
#include "services/aggregator/ingest/claim.h"

#include <inttypes.h>

#include "services/common/base/clock.h"

enum { ADD_CLUSTER, ADD_TOPIC, ADD_PARTITION, ADD_LAST, ADD_COLUMNS };

static const char ADD_SQL[] =
    "insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset) "
    "select $1, $2, $3, $4 where not exists (select from kasumori.kafka_offset "
    "where cluster_id = $1 and topic = $2 and partition = $3) on conflict do nothing";

static const char TAKE_SQL[] =
    "update kasumori.kafka_offset set epoch = epoch + 1, owner = $4, updated_at = now() "
    "where cluster_id = $1 and topic = $2 and partition = $3 and incarnation = "
    "(select max(incarnation) from kasumori.kafka_offset "
    "where cluster_id = $1 and topic = $2 and partition = $3) "
    "returning stream_no, epoch, next_offset";

static struct db_params *params_for(const struct claim *claim, enum db_type last)
{
    const enum db_type types[ADD_COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_TEXT, DB_TYPE_INT4, last};
    static const int IS_ARRAY[ADD_COLUMNS] = {0, 0, 0, 0};
    struct db_params *params = db_params_new(ADD_COLUMNS, types, IS_ARRAY, 1024);
    if (params == NULL)
        return NULL;
    db_put_text(params, ADD_CLUSTER, slice_str(claim->cluster_id));
    db_put_text(params, ADD_TOPIC, slice_str(claim->topic));
    db_put_int(params, ADD_PARTITION, claim->partition);
    return params;
}

static enum rc add_row(struct db *db, const struct claim *claim, int64_t low, struct err *err)
{
    struct db_params *params = params_for(claim, DB_TYPE_INT8);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, ADD_LAST, low);
    enum rc rc = db_run(db, "claim_add", ADD_SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}

static enum rc make_owner(struct uuid *ret_owner, struct err *err)
{
    return uuid_make_v7(clock_now_us(clock_real()), ret_owner, err); /* 74 random bits */
}

static enum rc take_row(struct db *db, const struct claim *claim, struct stream *stream,
                        struct err *err)
{
    struct db_result *result;
    enum rc rc = make_owner(&stream->owner, err);
    if (rc != RC_OK)
        return rc;
    struct db_params *params = params_for(claim, DB_TYPE_UUID);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_uuid(params, ADD_LAST, &stream->owner);
    rc = db_run(db, "claim_take", TAKE_SQL, params, &result, err);
    db_params_free(params);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) == 1) {
        stream->stream_no = (int32_t)db_result_int(result, 0, 0);
        stream->epoch = db_result_int(result, 0, 1);
        stream->next_offset = db_result_int(result, 0, 2);
    } else {
        rc = err_set(err, RC_RETRY, "the offset row of partition %d vanished", claim->partition);
    }
    db_result_free(result);
    return rc;
}

static enum rc ask_log(struct kafka_consumer *consumer, const struct claim *claim, int64_t *ret_low,
                       int64_t *ret_high, struct err *err)
{
    return kafka_consumer_watermarks(consumer, claim->partition, claim->wait_ms, ret_low, ret_high,
                                     err);
}

/* The log may have grown between asking and claiming, so what looks wrong is asked again. */
static enum rc compare_with_log(struct kafka_consumer *consumer, const struct claim *claim,
                                int64_t next_offset, struct err *err)
{
    int64_t low;
    int64_t high;
    enum rc rc = ask_log(consumer, claim, &low, &high, err);
    if (rc != RC_OK)
        return rc;
    if (next_offset > high)
        return err_set(err, RC_REJECT,
                       "%s partition %d: offset %" PRId64 " is stored but the log ends at %" PRId64
                       ", so the topic was made anew: see kasumori offset accept-new-topic",
                       claim->topic, claim->partition, next_offset, high);
    if (next_offset < low)
        return err_set(err, RC_REJECT,
                       "%s partition %d: offset %" PRId64 " is next but the log begins at %" PRId64
                       ", so messages are lost: see kasumori offset accept-new-topic",
                       claim->topic, claim->partition, next_offset, low);
    return RC_OK;
}

enum rc claim_stream(struct db *db, struct kafka_consumer *consumer, const struct claim *claim,
                     struct stream *ret_stream, struct err *err)
{
    struct stream stream = {.partition = claim->partition};
    int64_t low;
    int64_t high;
    enum rc rc = ask_log(consumer, claim, &low, &high, err);
    if (rc == RC_OK)
        rc = add_row(db, claim, low, err);
    if (rc == RC_OK)
        rc = take_row(db, claim, &stream, err);
    if (rc == RC_OK && (stream.next_offset < low || stream.next_offset > high))
        rc = compare_with_log(consumer, claim, stream.next_offset, err);
    if (rc == RC_OK)
        *ret_stream = stream;
    return rc;
}
