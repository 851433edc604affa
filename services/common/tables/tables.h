#ifndef KASUMORI_TABLES_TABLES_H
#define KASUMORI_TABLES_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/correlate/derived.h"
#include "services/common/db/db.h"

/* The derived tables of one tenant (deploy/postgres/migrations/0006_derived.sql,
   0028_figures.sql): their rows are a function of struct derived, and the stored ones are brought
   there by difference or compared. */
enum {
    /* Grows with every change of what stands in a row; stored per tenant. */
    TABLES_FORM = 4,
};

enum table {
    TABLE_TOKEN_CLASS,
    TABLE_CLASS_RUN,
    TABLE_SHARED_SIGHTING,
    TABLE_EDGE,
    TABLE_OCCURRENCE,
    TABLE_OCCURRENCE_RECORD,
    TABLE_PART,
    TABLE_FINDING,
    TABLE_ROLLUP_DAY,
    TABLE_ROLLUP_MONTH,
    TABLE_ROLLUP_COARSE,
    TABLE_ROLLUP_INCIDENT,
    TABLE_ROLLUP_REPEAT,
    TABLE_ROLLUP_VERDICT,
    TABLE_FIRST_VERDICT,
    TABLE_WATCH,
    TABLE_REVIEW_TASK,
    TABLE_COUNT,
};

struct tables;

/* NULL when memory is out. Must outlive the connections it runs on. */
struct tables *tables_new(void) MUST_CHECK;
void tables_free(struct tables *tables);

struct tables_source {
    struct slice tenant;
    const struct derived *derived;
    int64_t linking_version; /* of the linking policy, 0: the built-in one */
};

/* Makes all rows anew, in tables. RC_FULL when scratch is too small. */
enum rc tables_fill(struct tables *tables, const struct tables_source *source,
                    struct arena *scratch, struct err *err) MUST_CHECK;
/* How many rows it made. */
size_t tables_rows(const struct tables *tables, enum table table);
/* The rows made: a column each, the tenant first. */
const struct db_params *tables_params(const struct tables *tables, enum table table);

/* By index of class and subject, as they stand in the rows. Live in scratch of tables_fill. */
int64_t tables_class_number(const struct tables *tables, size_t class);
int64_t tables_subject_number(const struct tables *tables, size_t subject);

struct tables_counts {
    uint64_t written; /* inserted or changed */
    uint64_t deleted;
};

/* Brings the stored rows to those made, in the caller's transaction; rows that are right are not
   touched. Adds to counts. db_run's results. */
enum rc tables_write(const struct tables *tables, struct db *db, struct tables_counts *counts,
                     struct err *err) MUST_CHECK;

/* how: missing, extra or differs; key: the row's key, not NUL-terminated. */
typedef void tables_difference(void *ctx, const char *table, struct slice how, struct slice key);

/* Tells of each row that is not as made, at most TABLES_TOLD_MAX of each table; ret_count: all. */
enum { TABLES_TOLD_MAX = 100 };
enum rc tables_compare(const struct tables *tables, struct db *db, tables_difference *tell,
                       void *ctx, uint64_t *ret_count, struct err *err) MUST_CHECK;

/* First 16 bytes of SHA-256: ids of things that rows and messages name. */
struct uuid tables_hash(struct slice text);
/* Id and anchor of a notice: SHA-256 of "notice", 0, rule, 0, matter, 0, the contact's id (16
   bytes), the least ordinal by which it mentions the subject (4, big-endian; 0 when it does not).
 */
struct uuid tables_notice_id(const struct derived *derived, const struct notice *notice,
                             uint32_t *ret_ordinal);

#endif
