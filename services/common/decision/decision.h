#ifndef KASUMORI_DECISION_DECISION_H
#define KASUMORI_DECISION_DECISION_H

#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/correlate/facts.h"

/* What a decision must say and how it is stored: shared by the operator's command and the monitor.
   Whether it means anything as the facts stand is another question (docs/correlation.md §1.1). */
enum { DECISION_NAMES_MAX = 64, DECISION_REASON_BYTES = 2048 };

/* restrict and confirm_person: made by one person, agreed to by another. */
int decision_needs_two(enum fact_decision_kind kind);

enum decision_part {
    DECISION_PART_RECORDS = 1,
    DECISION_PART_CLASSES = 2,
    DECISION_PART_VALUE = 4,
    DECISION_PART_ORDINAL = 8,
    DECISION_PART_HANDLE = 16,
    DECISION_PART_NAME = 32,
    DECISION_PART_SCOPE = 64,
    DECISION_PART_UNTIL = 128,
    DECISION_PART_REVOKED = 256,
};

/* Bits of the parts a kind takes. All but the scope must be given. */
unsigned decision_parts(enum fact_decision_kind kind);

/* How many records or classes it names. *ret_part: which is wrong. RC_REJECT with what is wanted,
   without a place. */
enum rc decision_check_counts(const struct fact_decision *fact, enum decision_part *ret_part,
                              struct err *err) MUST_CHECK;

/* A reason or a name: 1 to bytes_max bytes of UTF-8 without control characters, not blank.
   RC_REJECT likewise. */
enum rc decision_check_text(struct slice text, size_t bytes_max, struct err *err) MUST_CHECK;

/* An ack's rule. */
enum rc decision_check_rule(struct slice rule, struct err *err) MUST_CHECK;

/* Appends kasumori.decision.body. more: further members, ",\"key\":value", or "". */
void decision_write_body(const struct fact_decision *fact, const char *more, struct buf *out);

#endif
