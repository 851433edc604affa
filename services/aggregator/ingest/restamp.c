/* Which time a replayed record gets. Invariant: the header alone moves nothing: it only names the
   row in which an operator has said so, about these bytes. */
#include "services/aggregator/ingest/restamp.h"

#include "services/aggregator/ingest/verify.h"

static const char HEADER[] = "ks-restamp";

/* Locked, so that a replay under way is waited for; what it says is looked at after that. */
static const char SQL[] =
    "select state = 'replayed' and class = 'clock', restamped_at from kasumori.bad_record "
    "where stream_no = $1 and kafka_offset = $2 and value = $3 for share";

enum { PARAMS = 3, PARAMS_BYTES = 128 * 1024 };

static int read_place(struct slice text, int64_t *ret_stream, int64_t *ret_offset)
{
    size_t slash = 0;
    while (slash < text.size && text.data[slash] != '/')
        slash++;
    return slash < text.size && verify_number(slice_of(text.data, slash), ret_stream) &&
           *ret_stream <= INT32_MAX &&
           verify_number(slice_of(text.data + slash + 1, text.size - slash - 1), ret_offset);
}

static enum rc query(struct db *db, const struct message *message, int64_t stream, int64_t offset,
                     struct db_result **ret_rows, struct err *err)
{
    static const enum db_type TYPES[PARAMS] = {DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_BYTEA};
    static const int IS_ARRAY[PARAMS] = {0, 0, 0};
    struct db_params *params = db_params_new(PARAMS, TYPES, IS_ARRAY, PARAMS_BYTES);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_int(params, 0, stream);
    db_put_int(params, 1, offset);
    db_put_bytes(params, 2, message->value);
    enum rc rc = db_run(db, "restamp", SQL, params, ret_rows, err);
    db_params_free(params);
    return rc;
}

enum rc restamp_find(struct db *db, const struct message *message, int64_t *ret_at_us,
                     struct err *err)
{
    int64_t stream, offset;
    struct db_result *rows;
    *ret_at_us = 0;
    if (message->value.data == NULL ||
        !read_place(verify_header(message, HEADER), &stream, &offset))
        return RC_OK;
    enum rc rc = query(db, message, stream, offset, &rows, err);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(rows) == 1 && db_result_int(rows, 0, 0) && !db_result_is_null(rows, 0, 1))
        *ret_at_us = db_result_time(rows, 0, 1);
    db_result_free(rows);
    return RC_OK;
}
