/* The outbox. Invariant: a row is marked only after all before it that were read with it, so for
   one key the brokers see the rows' order, with repetitions. */
#include "services/aggregator/correlator/outbox.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

enum { COLUMN_BYTES_MAX = 64 * 1024 * 1024 };
enum { TENANT, TOPIC, KEY, VALUE, COLUMNS };

struct outbox {
    struct db_params *params;
};

static const char STORE_SQL[] =
    "insert into kasumori.outbox (tenant, topic, message_key, value) "
    "select $1, topic, key, value from unnest($2, $3, $4) with ordinality as "
    "m (topic, key, value, no) order by no";

static const char READ_SQL[] =
    "select tenant, outbox_no, topic, message_key, value from kasumori.outbox "
    "where sent_at is null and get_byte(sha256(convert_to(tenant, 'UTF8')), 0) % 64 = any ($1) "
    "order by tenant, outbox_no limit $2";

static const char MARK_SQL[] =
    "update kasumori.outbox as o set sent_at = now() from unnest($1, $2) as m (tenant, no) "
    "where o.tenant = m.tenant and o.outbox_no = m.no and o.sent_at is null";

static const char SWEEP_SQL[] =
    "delete from kasumori.outbox where (tenant, outbox_no) in (select tenant, outbox_no from "
    "kasumori.outbox where sent_at < now() - interval '7 days' limit $1)";

struct outbox *outbox_new(void)
{
    static const enum db_type TYPES[COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_TEXT, DB_TYPE_BYTEA,
                                                DB_TYPE_BYTEA};
    static const int IS_ARRAY[COLUMNS] = {0, 1, 1, 1};
    struct outbox *outbox = mem_zalloc(sizeof(*outbox));
    if (outbox == NULL)
        return NULL;
    outbox->params = db_params_new(COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
    if (outbox->params == NULL) {
        outbox_free(outbox);
        return NULL;
    }
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    db_params_free(outbox->params);
    mem_free(outbox);
}

void outbox_reset(struct outbox *outbox, struct slice tenant)
{
    db_params_reset(outbox->params);
    db_put_text(outbox->params, TENANT, tenant);
}

void outbox_add(struct outbox *outbox, const char *topic, const struct uuid *key,
                struct slice value)
{
    db_put_text(outbox->params, TOPIC, slice_str(topic));
    db_put_bytes(outbox->params, KEY, slice_of(key->bytes, UUID_BYTES));
    db_put_bytes(outbox->params, VALUE, value);
}

size_t outbox_count(const struct outbox *outbox)
{
    return db_params_rows(outbox->params, TOPIC);
}

enum rc outbox_store(const struct outbox *outbox, struct db *db, struct err *err)
{
    if (outbox_count(outbox) == 0)
        return RC_OK;
    return db_run(db, "outbox_store", STORE_SQL, outbox->params, NULL, err);
}

/* ---- sending ---- */

static enum rc read_unsent(struct db *db, const struct lease *lease, struct db_result **ret_result,
                           struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT4, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {1, 0};
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (int shard = 0; shard < LEASE_SHARDS; shard++)
        if (lease->is_held[shard])
            db_put_int(params, 0, shard);
    db_put_int(params, 1, LIMIT_OUTBOX_BATCH);
    enum rc rc = db_run(db, "outbox_read", READ_SQL, params, ret_result, err);
    db_params_free(params);
    return rc;
}

enum fate { FATE_UNKNOWN, FATE_SENT, FATE_REFUSED };

/* Gives rows to the producer until one does not go; returns how many went or were refused. */
static enum rc give(struct kafka_producer *producer, const struct db_result *rows, enum fate *fates,
                    size_t *ret_given, struct err *err)
{
    size_t count = db_result_rows(rows);
    *ret_given = 0;
    for (size_t i = 0; i < count; i++) {
        const struct kafka_header header = {"content-type", slice_str("application/x-protobuf")};
        const struct kafka_outgoing message = {
            .topic = (const char *)db_result_bytes(rows, i, 2).data,
            .key = db_result_bytes(rows, i, 3),
            .value = db_result_bytes(rows, i, 4),
            .headers = &header,
            .headers_count = 1,
            .tag = i,
        };
        enum rc rc = producer->ops->produce(producer, &message, err);
        if (rc == RC_REJECT)
            fates[i] = FATE_REFUSED;
        else if (rc == RC_FULL || rc == RC_RETRY)
            return RC_OK;
        else if (rc != RC_OK)
            return rc;
        *ret_given = i + 1;
    }
    return RC_OK;
}

static void collect(struct kafka_producer *producer, enum fate *fates)
{
    struct kafka_report reports[64];
    size_t n;
    while ((n = producer->ops->reports(producer, reports, 64)) > 0)
        for (size_t i = 0; i < n; i++)
            if (reports[i].tag < LIMIT_OUTBOX_BATCH)
                fates[reports[i].tag] = reports[i].rc == RC_OK       ? FATE_SENT
                                        : reports[i].rc == RC_REJECT ? FATE_REFUSED
                                                                     : FATE_UNKNOWN;
}

static enum rc mark(struct db *db, const struct db_result *rows, size_t count, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TEXT, DB_TYPE_INT8};
    static const int IS_ARRAY[] = {1, 1};
    if (count == 0)
        return RC_OK;
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 1024 * 1024);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        db_put_text(params, 0, db_result_bytes(rows, i, 0));
        db_put_int(params, 1, db_result_int(rows, i, 1));
    }
    enum rc rc = db_run(db, "outbox_mark", MARK_SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}

static void count_fates(const enum fate *fates, size_t count, struct outbox_counts *counts)
{
    for (size_t i = 0; i < count; i++) {
        counts->sent += fates[i] == FATE_SENT;
        counts->refused += fates[i] == FATE_REFUSED;
    }
}

enum rc outbox_publish(struct db *db, const struct lease *lease, struct kafka_producer *producer,
                       int wait_ms, struct outbox_counts *counts, int *ret_is_more, struct err *err)
{
    enum fate fates[LIMIT_OUTBOX_BATCH] = {FATE_UNKNOWN};
    struct db_result *rows;
    size_t given, known = 0;
    *ret_is_more = 0;
    enum rc rc = read_unsent(db, lease, &rows, err);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(rows) == 0 || !lease_is_current(lease)) {
        db_result_free(rows);
        return RC_OK;
    }
    rc = give(producer, rows, fates, &given, err);
    if (rc == RC_OK) {
        producer->ops->flush(producer, wait_ms);
        collect(producer, fates);
        rc = producer->ops->state(producer, err);
    }
    while (known < given && fates[known] != FATE_UNKNOWN)
        known++;
    if (rc == RC_OK && known < given) /* its late reports would be taken for another batch's */
        rc = err_set(err, RC_FATAL, "the brokers have not acknowledged all");
    struct err why;
    if (known > 0 && mark(db, rows, known, rc == RC_OK ? err : &why) == RC_OK)
        count_fates(fates, known, counts);
    else if (known > 0 && rc == RC_OK)
        rc = err->rc;
    *ret_is_more = rc == RC_OK && db_result_rows(rows) == LIMIT_OUTBOX_BATCH;
    db_result_free(rows);
    return rc;
}

enum rc outbox_sweep(struct db *db, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_INT8};
    static const int IS_ARRAY[] = {0};
    struct db_params *params = db_params_new(1, TYPES, IS_ARRAY, 64);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, 0, LIMIT_OUTBOX_BATCH);
    enum rc rc = db_run(db, "outbox_sweep", SWEEP_SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}
