#ifndef KASUMORI_DB_DB_SQLSTATE_H
#define KASUMORI_DB_DB_SQLSTATE_H

#include <stddef.h>

#include "services/common/base/rc.h"

/* What a SQLSTATE means for the caller. A state stands under its five characters, else under its
   class (the first two), else it is RC_FATAL: what nobody foresaw must not be repeated for ever. */
struct db_sqlstate {
    const char *code; /* five characters, or two for a class */
    enum rc rc;
    int is_gone;    /* the connection cannot be used any more, whatever libpq still thinks of it */
    int is_private; /* the server's message may quote a value: never show it */
};

/* code: five characters; NULL or "": the server said nothing, the connection is lost. Never NULL.
 */
const struct db_sqlstate *db_sqlstate_find(const char *code);

/* The whole table, for the test that walks it. */
const struct db_sqlstate *db_sqlstate_table(size_t *ret_count);

#endif
