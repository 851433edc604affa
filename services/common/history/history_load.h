#ifndef KASUMORI_HISTORY_HISTORY_LOAD_H
#define KASUMORI_HISTORY_HISTORY_LOAD_H

#include <stddef.h>

#include "services/common/history/history.h"

/* Shared by the files of this folder only: one load under way. */
struct history_load {
    struct db *db;
    const char *tenant;
    struct arena *arena;
    struct facts facts;
    struct err *err;
    int64_t decisions_after; /* what history_load_decisions was told */
};

/* Zeroed memory of the arena; NULL with *load->err filled (RC_FULL). count may be 0. */
void *history_take(struct history_load *load, size_t count, size_t size);
/* A copy of text in the arena. 0 when the arena is full. */
int history_keep(struct history_load *load, struct slice text, struct slice *ret_text);

/* ---- pages ---- */

struct history_page {
    struct history_page *next;
    void *items;
    size_t count; /* less than LIMIT_HISTORY_PAGE: it is the last */
};

/* Reads pages, each from where the one before ends (NULL: from the start), into one array. */
typedef enum rc history_load_page(struct history_load *load, const struct history_page *before,
                                  struct history_page *page);
enum rc history_load_pages(struct history_load *load, history_load_page *load_page, size_t size,
                           void **ret_items, size_t *ret_count) MUST_CHECK;

/* ---- records ---- */

#define HISTORY_RECORD_COLUMNS                                                                   \
    "record_id, kind, replaces, target_id, site, concerned_site, occurred_start, occurred_end, " \
    "recorded_at, channel, direction, outcome, is_training, revision, matter, happening_ref, "   \
    "talk_us, hold_us, appended_at, case when kind = 2 or replaces = 2 then "                    \
    "coalesce((detail -> 'loss' ->> 'staffMinutes')::bigint, 0) else 0 end"

enum {
    HISTORY_RECORD_ID,
    HISTORY_RECORD_KIND,
    HISTORY_RECORD_REPLACES,
    HISTORY_RECORD_TARGET,
    HISTORY_RECORD_SITE,
    HISTORY_RECORD_CONCERNED_SITE,
    HISTORY_RECORD_START,
    HISTORY_RECORD_END,
    HISTORY_RECORD_RECORDED_AT,
    HISTORY_RECORD_CHANNEL,
    HISTORY_RECORD_DIRECTION,
    HISTORY_RECORD_OUTCOME,
    HISTORY_RECORD_IS_TRAINING,
    HISTORY_RECORD_REVISION,
    HISTORY_RECORD_MATTER,
    HISTORY_RECORD_REF,
    HISTORY_RECORD_TALK,
    HISTORY_RECORD_HOLD,
    HISTORY_RECORD_APPENDED_AT,
    HISTORY_RECORD_STAFF_MINUTES,
    HISTORY_RECORD_COLUMNS_COUNT,
};

/* From a row of HISTORY_RECORD_COLUMNS, all but its lists. 0 when the arena is full. */
int history_fill_record(struct history_load *load, const struct db_result *rows, size_t row,
                        struct fact_record *record);
/* The lists of a page's records, which are in the order of their ids. params: tenant, then the
   record before and the last of the page, or an array of exactly their ids. */
enum rc history_fill_lists(struct history_load *load, int is_by_ids, const struct db_params *params,
                           const struct history_page *page) MUST_CHECK;

/* ---- what the files load ---- */

enum rc history_load_records(struct history_load *load) MUST_CHECK;
/* Those after that number. */
enum rc history_load_decisions(struct history_load *load, int64_t after_no) MUST_CHECK;
enum rc history_load_policies(struct history_load *load) MUST_CHECK;

#endif
