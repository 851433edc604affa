#ifndef KASUMORI_MONITOR_DECIDE_H
#define KASUMORI_MONITOR_DECIDE_H

#include "services/common/base/uuid.h"
#include "services/common/correlate/facts.h"
#include "services/common/decision/decision.h"
#include "services/monitor/call.h"

/* POST /v1/decisions and /v1/decisions/bulk. */
call_run decide, decide_bulk;

/* ---- its parts ---- */

/* What is wrong with one decision, alone or in a list. */
struct decide_fault {
    int status;
    const char *code; /* of problem.c */
    char place[64];   /* empty: none */
    char detail[200]; /* empty: none */
};

/* Fills *fault; always RC_REJECT, to be returned. place and detail may be NULL. */
enum rc decide_fault_set(struct decide_fault *fault, int status, const char *code,
                         const char *place, const char *detail) MUST_CHECK;
/* Answers with it. */
enum rc decide_fault_answer(struct call *call, const struct decide_fault *fault) MUST_CHECK;

/* A decision as it was sent. */
struct decide_request {
    struct fact_decision fact; /* its lists are those below */
    struct uuid records[DECISION_NAMES_MAX];
    struct fact_class classes[DECISION_NAMES_MAX];
    struct slice scope[DECISION_NAMES_MAX];
    struct slice reason;
    struct slice handle; /* attach: a subject's name; empty: a new handle */
    unsigned given;      /* bits of enum decision_part */
    int has_elements;
    int act, beyond, harm;
};

/* RC_REJECT with *fault. The slices live as long as the document. */
enum rc decide_json(const struct jsonio_value *value, struct decide_request *request,
                    struct decide_fault *fault) MUST_CHECK;

/* Whether the caller may decide so, and whether it means anything as derived values stand: records
   and classes known and in use, a link that joins two, a suppression that cuts an edge, a revoked
   decision in force, nobody judging their own matter. RC_REJECT with *fault; else an error of the
   database. */
enum rc decide_check(struct call *call, const struct decide_request *request,
                     struct decide_fault *fault, struct err *err) MUST_CHECK;

/* What came of it. */
struct decide_result {
    int64_t no; /* 0: proposed only */
    struct uuid proposal;
};
/* Checks and stores one decision or proposal with its audit row. json: the request's own text or
   slice without data. */
enum rc decide_store(struct call *call, struct decide_request *request,
                     struct decide_result *ret_result, struct decide_fault *fault,
                     struct err *err) MUST_CHECK;

/* One row of kasumori.decision. */
struct decide_row {
    const char *kind;
    struct slice made_by, second_by; /* second_by empty: one person */
    struct slice reason;
    struct slice body;
};
/* Inserts it and its audit row. */
enum rc decide_insert(struct call *call, const struct decide_row *row, int64_t *ret_no,
                      struct err *err) MUST_CHECK;

#endif
