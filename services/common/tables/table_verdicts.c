/* First verdicts, and how many took how long. Invariant: a greater time is in no lesser bucket, so
   that a median is found in the one bucket that sums of buckets name. */
#include <stdlib.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

struct item {
    enum span span;
    int64_t first_day;
    int bucket;
    struct slice category;
};

struct verdicts {
    const struct fact_decision **first; /* as effectives; NULL: none */
    struct item *items;
    size_t count;
};

/* Minutes below 16 each, then 16 buckets for each doubling: as kasumori.verdict_bucket. */
static int bucket_of(int64_t took_us)
{
    enum { FINE_BITS = 4, FINE = 1 << FINE_BITS };
    int64_t minutes = took_us < 0 ? 0 : took_us / (60 * CLOCK_US_PER_S);
    int exponent = FINE_BITS;
    if (minutes < FINE)
        return (int)minutes;
    while (minutes >> (exponent + 1) != 0)
        exponent++;
    return FINE * (exponent - FINE_BITS + 1) +
           (int)(minutes >> (exponent - FINE_BITS) & (FINE - 1));
}

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->first_day != y->first_day)
        return x->first_day < y->first_day ? -1 : 1;
    if (x->span != y->span)
        return x->span < y->span ? -1 : 1;
    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return derived_slice_compare(x->category, y->category);
}

/* The first that names each record, in force or not. */
static enum rc find_first(struct table_fill *fill, struct verdicts *verdicts, struct err *err)
{
    const struct derived *d = fill->d;
    size_t size = (d->effectives_count + 1) * sizeof(struct fact_decision *);
    const struct fact_decision **first = arena_alloc(fill->arena, size);
    if (first == NULL)
        return err_set(err, RC_FULL, "the verdicts need more memory than allowed");
    memset(first, 0, size);
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (decision->kind != FACT_DECISION_VERDICT)
            continue;
        for (size_t k = 0; k < decision->records_count; k++) {
            size_t named = derived_find_effective(d, &decision->records[k]);
            if (named != NONE && first[named] == NULL)
                first[named] = decision;
        }
    }
    verdicts->first = first;
    return RC_OK;
}

static enum rc take_items(struct table_fill *fill, struct verdicts *verdicts, struct err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < fill->d->effectives_count; i++)
        if (verdicts->first[i] != NULL)
            most += SPAN_COUNT * (1 + fill->d->effectives[i].categories_count);
    verdicts->items = arena_alloc(fill->arena, (most + 1) * sizeof(*verdicts->items));
    if (verdicts->items == NULL)
        return err_set(err, RC_FULL, "the verdicts need more memory than allowed");
    return RC_OK;
}

static void add_item(struct verdicts *verdicts, struct item item)
{
    item.span = SPAN_DAY;
    verdicts->items[verdicts->count++] = item;
    item.span = SPAN_MONTH;
    item.first_day = table_month_of(item.first_day);
    verdicts->items[verdicts->count++] = item;
}

static enum rc put_verdict(struct table_fill *fill, struct verdicts *verdicts, size_t effective,
                           struct err *err)
{
    const struct effective *e = &fill->d->effectives[effective];
    const struct fact_decision *verdict = verdicts->first[effective];
    struct db_params *params = fill->params[TABLE_FIRST_VERDICT];
    struct slice concerned = e->original->concerned_site;
    int64_t took_us = verdict->made_us - e->original->appended_us;
    struct item item = {.first_day = table_day_of(verdict->made_us), .bucket = bucket_of(took_us)};
    struct slice *categories =
        arena_alloc(fill->arena, (e->categories_count + 1) * sizeof(*categories));
    size_t count = 0;
    if (categories == NULL)
        return err_set(err, RC_FULL, "the verdicts need more memory than allowed");
    add_item(verdicts, item);
    for (size_t k = 0; k < e->categories_count; k++) {
        if (!table_is_category(e, k))
            continue;
        categories[count++] = item.category = e->categories[k];
        add_item(verdicts, item);
    }
    db_put_uuid(params, VERDICT_RECORD_ID, &e->original->id);
    db_put_int(params, VERDICT_DECISION_NO, verdict->no);
    db_put_time(params, VERDICT_MADE_AT, verdict->made_us);
    db_put_int(params, VERDICT_DAY, item.first_day);
    db_put_int(params, VERDICT_TOOK, took_us);
    db_put_int(params, VERDICT_BUCKET, item.bucket);
    db_put_text(params, VERDICT_SITE, concerned.size > 0 ? concerned : e->original->site);
    table_put_texts(fill, params, VERDICT_CATEGORIES, categories, count);
    return RC_OK;
}

static void put_sums(struct db_params *params, const struct verdicts *verdicts)
{
    const struct item *items = verdicts->items;
    for (size_t at = 0, end; at < verdicts->count; at = end) {
        end = at + 1;
        while (end < verdicts->count && compare_items(&items[at], &items[end]) == 0)
            end++;
        db_put_text(params, TOOK_SPAN, table_span_name(items[at].span));
        db_put_text(params, TOOK_CATEGORY, items[at].category);
        db_put_int(params, TOOK_FIRST_DAY, items[at].first_day);
        db_put_int(params, TOOK_BUCKET, items[at].bucket);
        db_put_int(params, TOOK_VERDICTS, (int64_t)(end - at));
    }
}

enum rc table_fill_verdicts(struct table_fill *fill, struct err *err)
{
    struct verdicts verdicts = {0};
    enum rc rc = find_first(fill, &verdicts, err);
    if (rc == RC_OK)
        rc = take_items(fill, &verdicts, err);
    for (size_t i = 0; rc == RC_OK && i < fill->d->effectives_count; i++)
        if (verdicts.first[i] != NULL)
            rc = put_verdict(fill, &verdicts, i, err);
    if (rc != RC_OK)
        return rc;
    qsort(verdicts.items, verdicts.count, sizeof(*verdicts.items), compare_items);
    put_sums(fill->params[TABLE_ROLLUP_VERDICT], &verdicts);
    return RC_OK;
}
