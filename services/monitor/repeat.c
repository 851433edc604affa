/* Requests that may come twice. Invariant: the first one's answer is stored in the transaction of
   what it did, and whoever comes meanwhile waits for that transaction at the key's lock. */
#include "services/monitor/repeat.h"

#include <string.h>

#include "services/common/mac/mac.h"
#include "services/monitor/routes.h"

enum { KEY_BYTES_MAX = 128 };

static void request_hash(const struct call *call, uint8_t ret_hash[MAC_SHA256_BYTES])
{
    uint8_t parts[2][MAC_SHA256_BYTES];
    mac_sha256(slice_str(call->route->path), parts[0]);
    mac_hmac(call_part(call, 0), call->body, parts[1]);
    mac_sha256(slice_of(parts, sizeof(parts)), ret_hash);
}

static int is_key(const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < size; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return 0;
    return size >= 1 && size <= KEY_BYTES_MAX;
}

static enum rc answer_again(struct call *call, const struct db_result *result, struct err *err)
{
    uint8_t hash[MAC_SHA256_BYTES];
    struct slice answer = db_result_bytes(result, 0, 2);
    request_hash(call, hash);
    if (!slice_is_equal(db_result_bytes(result, 0, 0), slice_of(hash, sizeof(hash))))
        return call_problem(call, 422, "key_reused", "Idempotency-Key", NULL);
    call->status = (int)db_result_int(result, 0, 1);
    buf_add(&call->out, answer.data, answer.size);
    return call->out.is_failed ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

enum rc repeat_find(struct call *call, int *ret_is_answered, struct err *err)
{
    const char *key = call_header(call, "Idempotency-Key");
    struct db_result *result;
    *ret_is_answered = 0;
    if (key == NULL)
        return RC_OK;
    if (!is_key(key))
        return call_problem(call, 400, "bad_parameter", "Idempotency-Key",
                            "want 1 to 128 printable characters");
    enum rc rc =
        call_select(call, "repeat_lock",
                    "select pg_advisory_xact_lock(hashtextextended("
                    "concat_ws(' ', $1, $2, $3), 7091035007))",
                    NULL, err, "sss", call->caller->tenant, call->caller->account, slice_str(key));
    if (rc == RC_OK)
        rc = call_select(call, "repeat_find",
                         "select request_hash, status, answer from kasumori.idempotency "
                         "where tenant = $1 and account = $2 and key = $3 "
                         "and made_at > now() - interval '24 hours'",
                         &result, err, "sss", call->caller->tenant, call->caller->account,
                         slice_str(key));
    if (rc != RC_OK)
        return rc;
    *ret_is_answered = db_result_rows(result) == 1;
    if (*ret_is_answered)
        rc = answer_again(call, result, err);
    db_result_free(result);
    return rc;
}

enum rc repeat_keep(struct call *call, struct err *err)
{
    uint8_t hash[MAC_SHA256_BYTES];
    const char *key = call_header(call, "Idempotency-Key");
    if (key == NULL)
        return RC_OK;
    request_hash(call, hash);
    enum rc rc =
        call_select(call, "repeat_forget",
                    "delete from kasumori.idempotency "
                    "where tenant = $1 and account = $2 and key = $3",
                    NULL, err, "sss", call->caller->tenant, call->caller->account, slice_str(key));
    if (rc != RC_OK)
        return rc;
    return call_select(call, "repeat_keep",
                       "insert into kasumori.idempotency "
                       "(tenant, account, key, request_hash, status, answer) "
                       "values ($1, $2, $3, $4, $5, $6)",
                       NULL, err, "sssbib", call->caller->tenant, call->caller->account,
                       slice_str(key), slice_of(hash, sizeof(hash)), (int64_t)call->status,
                       buf_slice(&call->out));
}
