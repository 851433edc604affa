#ifndef KASUMORI_TABLES_TABLE_DELTA_H
#define KASUMORI_TABLES_TABLE_DELTA_H

#include "services/common/tables/tables.h"

/* A change of derived rows from two makings of a closed set of facts, without and with what is new
   (docs/correlation.md §6): no stored row is read to learn what to write. */
struct table_delta;

/* NULL when memory is out. Must outlive the connections it runs on. */
struct table_delta *table_delta_new(void) MUST_CHECK;
void table_delta_free(struct table_delta *delta);

/* RC_FULL when scratch is too small; RC_CORRUPT when two rows made have one key, which numbers that
   collide bring about. */
enum rc table_delta_make(struct table_delta *delta, const struct tables *before,
                         const struct tables *after, struct arena *scratch,
                         struct err *err) MUST_CHECK;
/* Whether any row of the table appears, goes or changes. */
int table_delta_has(const struct table_delta *delta, enum table table);

/* In the caller's transaction. RC_CORRUPT when the stored rows are not what the rows before say: to
   be rolled back, and the tenant computed anew. Else db_run's results. */
enum rc table_delta_write(const struct table_delta *delta, struct db *db,
                          struct tables_counts *counts, struct err *err) MUST_CHECK;

#endif
