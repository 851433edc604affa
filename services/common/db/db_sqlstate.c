/* The one place where PostgreSQL's error codes become the caller's duty.
   Invariant: a class row comes after the rows of its single states, so the first match is the one.
 */
#include "services/common/db/db_sqlstate.h"

#include <string.h>

#define ROW(code, rc)  \
    {                  \
        code, rc, 0, 0 \
    }
#define GONE(code)           \
    {                        \
        code, RC_RETRY, 1, 0 \
    }
#define PRIVATE(code, rc) \
    {                     \
        code, rc, 0, 1    \
    }

static const struct db_sqlstate TABLE[] = {
    GONE("08"),               /* connection exception */
    ROW("0A", RC_FATAL),      /* feature not supported */
    PRIVATE("21", RC_REJECT), /* cardinality violation: a batch holds a key twice */
    PRIVATE("22", RC_REJECT), /* data exception */
    PRIVATE("23", RC_REJECT), /* constraint violation */
    GONE("25006"),            /* read-only: after a failover we talk to a standby */
    GONE("25P03"),            /* idle in transaction for too long: the server hung up */
    ROW("25", RC_FATAL),      /* invalid transaction state: our own order is wrong */
    ROW("26", RC_FATAL),      /* no such prepared statement: something sits between */
    ROW("28", RC_FATAL),      /* authentication */
    ROW("3D", RC_FATAL),      /* no such database */
    ROW("3F", RC_FATAL),      /* no such schema */
    ROW("40002", RC_REJECT),  /* deferred constraint violation */
    ROW("40", RC_RETRY),      /* serialization, deadlock, rolled back */
    ROW("42", RC_FATAL),      /* syntax, missing object, missing right, row-level security */
    PRIVATE("44", RC_REJECT), /* with check option */
    ROW("53", RC_RETRY),      /* disk full, out of memory, too many connections */
    ROW("54", RC_REJECT),     /* too large for an index, too many columns */
    ROW("55006", RC_RETRY),   /* object in use */
    ROW("55P03", RC_RETRY),   /* lock not available */
    ROW("55", RC_FATAL),      /* not in the state this needs */
    ROW("57014", RC_RETRY),   /* statement_timeout or a cancel: the connection lives */
    ROW("57P04", RC_FATAL),   /* the database was dropped */
    GONE("57"),               /* shutdown, crash, starting up */
    ROW("58", RC_RETRY),      /* I/O error outside the server's own files */
    ROW("P0004", RC_FATAL),   /* assertion in a function */
    ROW("P0", RC_REJECT),     /* raised by a function of ours */
    ROW("XX001", RC_CORRUPT), /* data corrupted */
    ROW("XX002", RC_CORRUPT), /* index corrupted */
    ROW("XX", RC_FATAL),      /* internal error */
};

static const struct db_sqlstate LOST = GONE("");
static const struct db_sqlstate UNKNOWN = PRIVATE("?????", RC_FATAL);

const struct db_sqlstate *db_sqlstate_find(const char *code)
{
    if (code == NULL || code[0] == '\0')
        return &LOST;
    for (size_t i = 0; i < sizeof(TABLE) / sizeof(TABLE[0]); i++)
        if (strncmp(TABLE[i].code, code, strlen(TABLE[i].code)) == 0)
            return &TABLE[i];
    return &UNKNOWN;
}

const struct db_sqlstate *db_sqlstate_table(size_t *ret_count)
{
    *ret_count = sizeof(TABLE) / sizeof(TABLE[0]);
    return TABLE;
}
