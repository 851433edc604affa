#ifndef KASUMORI_CLI_LINKING_H
#define KASUMORI_CLI_LINKING_H

#include "services/cli/cli.h"

/* The linking policy that holds: the one adopted last (kasumori.linking_adopted). All three are
   part of the transaction under way, which holds a lock that keeps other adoptions out. */

/* Keeps other adoptions out until the transaction ends. */
enum rc linking_lock(struct db *db, struct err *err) MUST_CHECK;

/* RC_REJECT when the version is no linking policy of the tenant (0: the built-in one), or holds
   already. Leaves an audit row. */
enum rc linking_adopt(struct db *db, const char *tenant, int64_t version, const char *by,
                      struct err *err) MUST_CHECK;

/* Whether derived rows of the tenant stand, which a rebuild alone may build otherwise. */
enum rc linking_is_in_use(struct db *db, const char *tenant, int *ret_is_in_use,
                          struct err *err) MUST_CHECK;

#endif
