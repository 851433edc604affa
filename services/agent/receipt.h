#ifndef KASUMORI_AGENT_RECEIPT_H
#define KASUMORI_AGENT_RECEIPT_H

#include <stdint.h>

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"
#include "services/common/mac/mac.h"
#include "services/common/spool/kept.h"
#include "services/common/workers/workers.h"

/* What the site remembers of a form it took, for 30 days: enough to answer a second submission, to
   say how far the record is and to let more be added under a short code. No words, no identifier.
 */
enum { RECEIPT_CODE_BYTES = 6 + 1, RECEIPT_KEEP_DAYS = 30 };

struct receipt {
    struct uuid form_id;
    struct uuid record_id;
    int64_t at_us;  /* first received */
    uint64_t epoch; /* of the spool; 0: not stored yet */
    uint64_t sequence;
    uint32_t revision;             /* the last correction of it */
    char code[RECEIPT_CODE_BYTES]; /* of a report: its own; else: of the report it belongs to */
    char worker[WORKERS_CODE_BYTES + 1]; /* empty: nobody, or anonymous */
    int is_report;
    uint8_t digest[MAC_SHA256_BYTES]; /* of the body, keyed */
};

/* Six characters that are not mistaken for others (no 0 1 I L O U). RC_RETRY without randomness. */
enum rc receipt_make_code(char ret_code[RECEIPT_CODE_BYTES], struct err *err) MUST_CHECK;
/* Reads a code as people type it: either case, full width, with spaces and dashes. RC_REJECT. */
enum rc receipt_read_code(struct slice text, char ret_code[RECEIPT_CODE_BYTES]) MUST_CHECK;

/* By form_id, or of a report by code. *ret_found 0: there is none. RC_RETRY, RC_CORRUPT. */
enum rc receipt_find(struct kept *kept, const struct uuid *form_id, struct receipt *ret_receipt,
                     int *ret_found, struct err *err) MUST_CHECK;
enum rc receipt_find_code(struct kept *kept, const char *code, struct receipt *ret_receipt,
                          int *ret_found, struct err *err) MUST_CHECK;
/* Durable when RC_OK; RC_FULL when the disk is. */
enum rc receipt_put(struct kept *kept, const struct receipt *receipt, struct err *err) MUST_CHECK;
enum rc receipt_expire(struct kept *kept, int64_t now_us, struct err *err) MUST_CHECK;

/* As text, one line; for receipt.c and its test. */
void receipt_write(const struct receipt *receipt, struct buf *out);
enum rc receipt_read(struct slice text, struct receipt *ret_receipt) MUST_CHECK;

#endif
