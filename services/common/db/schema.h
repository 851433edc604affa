#ifndef KASUMORI_DB_SCHEMA_H
#define KASUMORI_DB_SCHEMA_H

#include "services/common/db/db.h"

/* The schema's version is the number of its last migration. A program accepts a range, so that the
   database is upgraded first and the programs after it. RC_RETRY when the database has no schema
   yet or one too old (an operator may be about to run "kasumori migrate"), RC_FATAL when it is
   newer than most or the role may not look. The text is one plain sentence. */
enum rc schema_check(struct db *db, int least, int most, int *ret_version,
                     struct err *err) MUST_CHECK;

/* The version, 0 for a database without the schema. */
enum rc schema_version(struct db *db, int *ret_version, struct err *err) MUST_CHECK;

#endif
