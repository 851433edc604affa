#ifndef KASUMORI_TABLES_TABLE_FILL_H
#define KASUMORI_TABLES_TABLE_FILL_H

#include "services/common/base/buf.h"
#include "services/common/tables/tables.h"

/* Private to this folder: what the makers of rows share. Columns are numbered as in the tables of
   tables.c; column 0 is the tenant, one value for all rows. */
struct table_fill {
    const struct derived *d;
    struct arena *arena;
    struct db_params *params[TABLE_COUNT];
    const int64_t *class_numbers;
    const int64_t *subject_numbers;
    const size_t *mentions_of; /* per effective: its first mention; one more at the end */
    int64_t linking_version;
    struct buf text; /* scratch for array literals and hashes */
};

enum { TENANT };
enum { TOKEN_KIND = 1, TOKEN_KEY_ID, TOKEN_MAC, TOKEN_CLASS, TOKEN_IS_VOID };
enum {
    RUN_CLASS = 1,
    RUN_FIRST_AT,
    RUN_LAST_AT,
    RUN_KIND,
    RUN_SUBJECT,
    RUN_IS_SHARED,
    RUN_SHARED_BY,
    RUN_IS_OVERGROWN,
    RUN_IS_SWITCHBOARD
};
enum {
    SHARED_CLASS = 1,
    SHARED_START_AT,
    SHARED_RECORD_ID,
    SHARED_END_AT,
    SHARED_SITE,
    SHARED_HAPPENING_REF,
    SHARED_IS_ANCHOR
};
enum {
    EDGE_CLASS_A = 1,
    EDGE_CLASS_B,
    EDGE_AT_A,
    EDGE_AT_B,
    EDGE_RECORD_ID,
    EDGE_PERSON,
    EDGE_DECISION_NO,
    EDGE_KIND_A,
    EDGE_KIND_B,
    EDGE_ASSURANCE_A,
    EDGE_ASSURANCE_B,
    EDGE_POLICY_VERSION,
    EDGE_IS_SUPPRESSED,
};
enum {
    OCCURRENCE_OCCURRENCE = 1,
    OCCURRENCE_FIRST_AT,
    OCCURRENCE_LAST_AT,
    OCCURRENCE_STANDING,
    OCCURRENCE_JUDGED_BY
};
enum {
    MEMBER_RECORD_ID = 1,
    MEMBER_OCCURRENCE,
    MEMBER_EFFECTIVE_ID,
    MEMBER_SITE,
    MEMBER_CHANNEL,
    MEMBER_START_AT,
    MEMBER_END_AT,
    MEMBER_IS_ANCHOR,
    MEMBER_HAPPENING_REF,
    MEMBER_OWNER_CLASS,
    MEMBER_GAP_US,
};
enum {
    PART_SUBJECT = 1,
    PART_START_AT,
    PART_OCCURRENCE,
    PART_COUNTS,
    PART_HAS_INCIDENT,
    PART_TALK_US,
    PART_SEVERITY,
    PART_MATTERS,
    PART_SITES,
    PART_RECORDS,
};
enum {
    FINDING_FINDING = 1,
    FINDING_RULE,
    FINDING_SUBJECT,
    FINDING_MATTER,
    FINDING_IS_NOTICE,
    FINDING_ANCHOR_RECORD_ID,
    FINDING_ANCHOR_PERSON,
    FINDING_FIRST_AT,
    FINDING_LAST_AT,
    FINDING_OCCURRENCES,
    FINDING_POLICY_VERSION,
};
enum { DAY_DAY = 1, DAY_SITE, DAY_CATEGORY, DAY_CONTACTS, DAY_INCIDENTS, DAY_TALK, DAY_ABANDONED };
enum {
    MONTH_MONTH = 1,
    MONTH_WEEKDAY,
    MONTH_HOUR,
    MONTH_CONTACTS,
    MONTH_INCIDENTS,
    MONTH_TALK,
    MONTH_ABANDONED
};
enum {
    COARSE_SPAN = 1,
    COARSE_CATEGORY,
    COARSE_SITE,
    COARSE_FIRST_DAY,
    COARSE_CONTACTS,
    COARSE_INCIDENTS
};
enum { HOURS = 24, WEEKDAYS = 7 };
enum {
    INCIDENT_SPAN = 1,
    INCIDENT_CATEGORY,
    INCIDENT_SITE,
    INCIDENT_FIRST_DAY,
    INCIDENT_INCIDENTS,
    INCIDENT_STAFF_MINUTES,
    INCIDENT_HOURS,
    INCIDENT_WEEKDAYS = INCIDENT_HOURS + HOURS,
};
enum {
    REPEAT_SPAN = 1,
    REPEAT_CATEGORY,
    REPEAT_FIRST_DAY,
    REPEAT_SITES,
    REPEAT_PARTS,
    REPEAT_REPEATS
};
enum { TOOK_SPAN = 1, TOOK_CATEGORY, TOOK_FIRST_DAY, TOOK_BUCKET, TOOK_VERDICTS };
enum {
    VERDICT_RECORD_ID = 1,
    VERDICT_DECISION_NO,
    VERDICT_MADE_AT,
    VERDICT_DAY,
    VERDICT_TOOK,
    VERDICT_BUCKET,
    VERDICT_SITE,
    VERDICT_CATEGORIES
};
enum { WATCH_DECISION_NO = 1, WATCH_CLASS, WATCH_SITE, WATCH_REASON, WATCH_UNTIL };
enum { TASK_TASK = 1, TASK_KIND, TASK_RECORD_ID, TASK_DECISION_NO, TASK_CLASSES };

/* One array element that is itself an array: PostgreSQL's literal. */
void table_put_texts(struct table_fill *fill, struct db_params *params, size_t column,
                     const struct slice *texts, size_t count);
void table_put_records(struct table_fill *fill, struct db_params *params, size_t column,
                       const size_t *effectives, size_t count);
void table_put_numbers(struct table_fill *fill, struct db_params *params, size_t column,
                       const int64_t *numbers, size_t count);
/* The literal itself, appended. */
void table_add_texts(struct buf *text, const struct slice *texts, size_t count);
void table_put_optional(struct db_params *params, size_t column, struct slice text);
void table_put_token(struct buf *text, const struct fact_token *token); /* 24 bytes */
void table_put_be(struct buf *text, uint64_t value, int bytes);

/* Japan's days (UTC+9, no summer time), since 1970; weekday 1 is Monday. */
int64_t table_day_of(int64_t at_us);
int64_t table_month_of(int64_t day); /* the first of its month */
int table_hour_of(int64_t at_us);
int table_weekday_of(int64_t day);

/* Of a contact or an incident: the site it concerns, and the place of its categories that are said
   and were not before. */
struct slice table_site_of(const struct effective *e);
int table_is_category(const struct effective *e, size_t at);

/* A roll-up's levels, as they stand in rows. */
enum span { SPAN_DAY, SPAN_MONTH, SPAN_COUNT };
struct slice table_span_name(enum span span);

/* The makers, a file each. RC_FULL when the arena or text is too small. */
enum rc table_fill_identity(struct table_fill *fill, struct err *err) MUST_CHECK;
enum rc table_fill_happening(struct table_fill *fill, struct err *err) MUST_CHECK;
enum rc table_fill_rollup(struct table_fill *fill, struct err *err) MUST_CHECK;
enum rc table_fill_figures(struct table_fill *fill, struct err *err) MUST_CHECK;
enum rc table_fill_verdicts(struct table_fill *fill, struct err *err) MUST_CHECK;
enum rc table_fill_review(struct table_fill *fill, struct err *err) MUST_CHECK;

#endif
