/* Receipts in the kept map. Invariant: a report and its code are put in one transaction, so that a
   code that was shown can be found. */
#include "services/agent/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "services/agent/fold.h"
#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/base/utf8.h"

static const char LETTERS[] = "23456789ABCDEFGHJKMNPQRSTVWXYZ"; /* 30 */

enum { LETTERS_COUNT = sizeof(LETTERS) - 1, ENTRY_BYTES = 512, KEY_BYTES = 64 };

enum rc receipt_make_code(char ret_code[RECEIPT_CODE_BYTES], struct err *err)
{
    char code[RECEIPT_CODE_BYTES] = {0};
    for (size_t at = 0; at + 1 < sizeof(code);) {
        uint8_t byte;
        if (getrandom(&byte, 1, 0) != 1)
            return err_set(err, RC_RETRY, "could not get randomness: %m");
        if (byte < 256 / LETTERS_COUNT * LETTERS_COUNT) /* else some letters would be likelier */
            code[at++] = LETTERS[byte % LETTERS_COUNT];
    }
    memcpy(ret_code, code, sizeof(code));
    return RC_OK;
}

enum rc receipt_read_code(struct slice text, char ret_code[RECEIPT_CODE_BYTES])
{
    char code[RECEIPT_CODE_BYTES] = {0};
    size_t size = 0;
    if (!utf8_is_valid(text))
        return RC_REJECT;
    for (size_t at = 0; at < text.size;) {
        int32_t c = fold_next(text, &at);
        if (c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (c == ' ' || fold_is_dash(c) || fold_is_ignorable(c))
            continue;
        if (c <= 0 || c > 'Z' || strchr(LETTERS, c) == NULL || size + 1 == sizeof(code))
            return RC_REJECT;
        code[size++] = (char)c;
    }
    if (size + 1 != sizeof(code))
        return RC_REJECT;
    memcpy(ret_code, code, sizeof(code));
    return RC_OK;
}

/* -- as text -- */

void receipt_write(const struct receipt *receipt, struct buf *out)
{
    char form[UUID_TEXT_BYTES], record[UUID_TEXT_BYTES], digest[2 * MAC_SHA256_BYTES + 1];
    uuid_format(&receipt->form_id, form);
    uuid_format(&receipt->record_id, record);
    hex_format(receipt->digest, MAC_SHA256_BYTES, digest);
    buf_addf(out, "1 %s %s %s %d %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %s %s",
             receipt->code, form, record, receipt->is_report, receipt->at_us, receipt->epoch,
             receipt->sequence, receipt->revision, digest,
             receipt->worker[0] == '\0' ? "." : receipt->worker);
}

enum { FIELDS = 11, FIELD_BYTES = 80 };

static int split(struct slice text, char fields[FIELDS][FIELD_BYTES])
{
    size_t field = 0, size = 0;
    for (size_t i = 0; i <= text.size; i++) {
        int is_end = i == text.size || text.data[i] == ' ';
        if (field == FIELDS || size == FIELD_BYTES)
            return 0;
        fields[field][size] = is_end ? '\0' : (char)text.data[i];
        size = is_end ? 0 : size + 1;
        field += (size_t)is_end;
    }
    return field == FIELDS;
}

enum rc receipt_read(struct slice text, struct receipt *ret_receipt)
{
    char fields[FIELDS][FIELD_BYTES];
    struct receipt receipt = {0};
    if (!split(text, fields) || strcmp(fields[0], "1") != 0)
        return RC_CORRUPT;
    const char *worker = strcmp(fields[10], ".") == 0 ? "" : fields[10];
    if (strlen(fields[1]) + 1 != sizeof(receipt.code) || strlen(worker) >= sizeof(receipt.worker) ||
        uuid_parse(fields[2], &receipt.form_id) != RC_OK ||
        uuid_parse(fields[3], &receipt.record_id) != RC_OK ||
        strlen(fields[9]) != 2 * MAC_SHA256_BYTES ||
        hex_parse(fields[9], receipt.digest, MAC_SHA256_BYTES) != RC_OK)
        return RC_CORRUPT;
    memcpy(receipt.code, fields[1], strlen(fields[1]));
    memcpy(receipt.worker, worker, strlen(worker));
    receipt.is_report = fields[4][0] == '1';
    receipt.at_us = strtoll(fields[5], NULL, 10);
    receipt.epoch = strtoull(fields[6], NULL, 10);
    receipt.sequence = strtoull(fields[7], NULL, 10);
    receipt.revision = (uint32_t)strtoul(fields[8], NULL, 10);
    *ret_receipt = receipt;
    return RC_OK;
}

/* -- in the map -- */

static void form_key(const struct uuid *form_id, char key[KEY_BYTES])
{
    char text[UUID_TEXT_BYTES];
    uuid_format(form_id, text);
    snprintf(key, KEY_BYTES, "form:%s", text);
}

static void code_key(const char *code, char key[KEY_BYTES])
{
    snprintf(key, KEY_BYTES, "code:%s", code);
}

enum rc receipt_find(struct kept *kept, const struct uuid *form_id, struct receipt *ret_receipt,
                     int *ret_found, struct err *err)
{
    char key[KEY_BYTES];
    struct buf value;
    int is_found = 0;
    form_key(form_id, key);
    buf_init(&value, ENTRY_BYTES);
    enum rc rc = kept_get(kept, key, &value, &is_found, err);
    if (rc == RC_OK && is_found && receipt_read(buf_slice(&value), ret_receipt) != RC_OK)
        rc = err_set(err, RC_CORRUPT, "a receipt cannot be read");
    buf_done(&value);
    if (rc == RC_OK)
        *ret_found = is_found;
    return rc;
}

enum rc receipt_find_code(struct kept *kept, const char *code, struct receipt *ret_receipt,
                          int *ret_found, struct err *err)
{
    char key[KEY_BYTES];
    struct buf value;
    struct uuid form_id;
    int is_found = 0;
    code_key(code, key);
    buf_init(&value, UUID_TEXT_BYTES);
    enum rc rc = kept_get(kept, key, &value, &is_found, err);
    if (rc == RC_OK && is_found && uuid_parse((const char *)value.data, &form_id) != RC_OK)
        rc = err_set(err, RC_CORRUPT, "a receipt cannot be read");
    buf_done(&value);
    if (rc != RC_OK)
        return rc;
    if (is_found)
        return receipt_find(kept, &form_id, ret_receipt, ret_found, err);
    *ret_found = 0;
    return RC_OK;
}

static enum rc put_both(struct kept *kept, const struct receipt *receipt, struct slice value,
                        struct err *err)
{
    char key[KEY_BYTES], form_id[UUID_TEXT_BYTES];
    form_key(&receipt->form_id, key);
    enum rc rc = kept_put(kept, key, value, receipt->at_us, err);
    if (rc != RC_OK || !receipt->is_report)
        return rc;
    uuid_format(&receipt->form_id, form_id);
    code_key(receipt->code, key);
    return kept_put(kept, key, slice_str(form_id), receipt->at_us, err);
}

enum rc receipt_put(struct kept *kept, const struct receipt *receipt, struct err *err)
{
    struct buf value;
    buf_init(&value, ENTRY_BYTES);
    receipt_write(receipt, &value);
    enum rc rc = value.is_failed ? err_set(err, RC_RETRY, "out of memory") : kept_begin(kept, err);
    if (rc == RC_OK) {
        rc = put_both(kept, receipt, buf_slice(&value), err);
        if (rc == RC_OK)
            rc = kept_commit(kept, err);
        else
            kept_rollback(kept);
    }
    buf_done(&value);
    return rc;
}

enum rc receipt_expire(struct kept *kept, int64_t now_us, struct err *err)
{
    int64_t before_us = now_us - RECEIPT_KEEP_DAYS * CLOCK_US_PER_DAY;
    enum rc rc = kept_expire(kept, "form:", before_us, err);
    return rc == RC_OK ? kept_expire(kept, "code:", before_us, err) : rc;
}
