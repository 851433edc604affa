#ifndef KASUMORI_MONITOR_LOOKUP_ANSWER_H
#define KASUMORI_MONITOR_LOOKUP_ANSWER_H

#include "services/monitor/call.h"

/* Writes the answer of POST /v1/lookup from the rows that sql/lookup.sql finds: first a row for
   each identifier that is known, or more when restrictions name it; then the contacts, newest
   first, a row for each of their records, or more when several hold answers. */
enum { LOOKUP_CONTACTS_MAX = 500 }; /* told of; sql/lookup.sql finds one more */

struct lookup_rows {
    const struct db_result *result;
    size_t at; /* 0 at first */
};

/* Writes into call->out and takes the rows of that turn, which are the next if there are any; a
   turn without rows is of nobody known. site: where the question is asked. RC_FULL when the call's
   arena is too small or its answer too large. */
enum rc lookup_answer_write(struct call *call, struct lookup_rows *rows, int64_t turn,
                            struct slice site, struct err *err) MUST_CHECK;

#endif
