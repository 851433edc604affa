#ifndef KASUMORI_MONITOR_LOOKUP_QUESTION_H
#define KASUMORI_MONITOR_LOOKUP_QUESTION_H

#include "services/common/base/limits.h"
#include "services/common/base/uuid.h"
#include "services/monitor/call.h"

/* What the body of POST /v1/lookup asks, checked. */
enum { LOOKUP_TOKENS_MAX = 8, LOOKUP_OBJECT_BYTES = sizeof("call ") + LIMIT_NAME_BYTES };

struct lookup_token {
    int kind;
    int64_t key_id;
    struct uuid mac;
};

struct lookup_question {
    struct slice purpose, site; /* of the call's body */
    struct slice object;        /* for the audit row; within object_text */
    char object_text[LOOKUP_OBJECT_BYTES];
    struct lookup_token tokens[LOOKUP_TOKENS_MAX];
    size_t tokens_count;
};

/* RC_REJECT after a problem, also when the caller is bound to another site. The question lives as
   long as the call. */
enum rc lookup_question_read(struct call *call, struct lookup_question *question,
                             struct err *err) MUST_CHECK;

#endif
