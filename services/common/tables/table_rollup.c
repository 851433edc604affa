/* Sums of effective records by day, concerned site and category, the same made coarser, and by
   month, weekday and hour. Invariant: the coarse sums are made of the day's cells, so that they
   cannot tell another story. */
#include <stdlib.h>

#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

struct sums {
    int64_t contacts, incidents, talk_us, abandoned;
};

struct cell {
    int64_t day;  /* since 1970; of a month: its first */
    int64_t slot; /* weekday and hour of a month; a span; else 0 */
    struct slice site, category;
    struct sums sums;
};

struct cells {
    struct cell *items;
    size_t count;
};

static int compare_cells(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    int order = derived_slice_compare(x->site, y->site);
    return order != 0 ? order : derived_slice_compare(x->category, y->category);
}

static void add(struct sums *sums, const struct sums *more)
{
    sums->contacts += more->contacts;
    sums->incidents += more->incidents;
    sums->talk_us += more->talk_us;
    sums->abandoned += more->abandoned;
}

/* Sorts, and makes one of cells with one key. */
static void merge(struct cells *cells)
{
    struct cell *items = cells->items;
    size_t kept = 0;
    qsort(items, cells->count, sizeof(*items), compare_cells);
    for (size_t i = 0; i < cells->count; i++) {
        if (kept > 0 && compare_cells(&items[kept - 1], &items[i]) == 0)
            add(&items[kept - 1].sums, &items[i].sums);
        else
            items[kept++] = items[i];
    }
    cells->count = kept;
}

static enum rc take_cells(struct table_fill *fill, size_t most, struct cells *ret_cells,
                          struct err *err)
{
    struct cell *items = arena_alloc(fill->arena, (most + 1) * sizeof(*items));
    if (items == NULL)
        return err_set(err, RC_FULL, "the roll-ups need more memory than allowed");
    *ret_cells = (struct cells){.items = items};
    return RC_OK;
}

static struct sums sums_of(const struct effective *e)
{
    if (e->body == FACT_BODY_INCIDENT)
        return (struct sums){.incidents = 1};
    int is_abandoned =
        e->winner->outcome == FACT_OUTCOME_ABANDONED || e->winner->outcome == FACT_OUTCOME_BUSY;
    return (struct sums){.contacts = 1, .talk_us = e->winner->talk_us, .abandoned = is_abandoned};
}

static void put_sums(struct db_params *params, size_t first, const struct sums *sums)
{
    db_put_int(params, first, sums->contacts);
    db_put_int(params, first + 1, sums->incidents);
    db_put_int(params, first + 2, sums->talk_us);
    db_put_int(params, first + 3, sums->abandoned);
}

/* ---- days ---- */

static enum rc make_days(struct table_fill *fill, struct cells *ret_cells, struct err *err)
{
    const struct derived *d = fill->d;
    struct cells cells;
    size_t most = d->effectives_count;
    for (size_t i = 0; i < d->effectives_count; i++)
        most += d->effectives[i].categories_count;
    enum rc rc = take_cells(fill, most, &cells, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < d->effectives_count; i++) {
        const struct effective *e = &d->effectives[i];
        struct cell cell = {
            .day = table_day_of(e->winner->start_us), .site = table_site_of(e), .sums = sums_of(e)};
        cells.items[cells.count++] = cell;
        for (size_t k = 0; k < e->categories_count; k++) {
            cell.category = e->categories[k];
            if (table_is_category(e, k))
                cells.items[cells.count++] = cell;
        }
    }
    merge(&cells);
    *ret_cells = cells;
    return RC_OK;
}

static void put_days(struct db_params *params, const struct cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct cell *cell = &cells->items[i];
        db_put_int(params, DAY_DAY, cell->day);
        db_put_text(params, DAY_SITE, cell->site);
        db_put_text(params, DAY_CATEGORY, cell->category);
        put_sums(params, DAY_CONTACTS, &cell->sums);
    }
}

/* All sites by day, each site by month. */
static enum rc fill_coarse(struct table_fill *fill, const struct cells *days, struct err *err)
{
    struct db_params *params = fill->params[TABLE_ROLLUP_COARSE];
    struct cells cells;
    enum rc rc = take_cells(fill, 2 * days->count, &cells, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < days->count; i++) {
        struct cell all = days->items[i], month = days->items[i];
        all.site = slice_of(NULL, 0);
        all.slot = SPAN_DAY;
        month.day = table_month_of(month.day);
        month.slot = SPAN_MONTH;
        cells.items[cells.count++] = all;
        cells.items[cells.count++] = month;
    }
    merge(&cells);
    for (size_t i = 0; i < cells.count; i++) {
        const struct cell *cell = &cells.items[i];
        db_put_text(params, COARSE_SPAN, table_span_name((enum span)cell->slot));
        db_put_text(params, COARSE_CATEGORY, cell->category);
        db_put_text(params, COARSE_SITE, cell->site);
        db_put_int(params, COARSE_FIRST_DAY, cell->day);
        db_put_int(params, COARSE_CONTACTS, cell->sums.contacts);
        db_put_int(params, COARSE_INCIDENTS, cell->sums.incidents);
    }
    return RC_OK;
}

/* ---- months ---- */

static enum rc fill_months(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_ROLLUP_MONTH];
    struct cells cells;
    enum rc rc = take_cells(fill, d->effectives_count, &cells, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < d->effectives_count; i++) {
        const struct effective *e = &d->effectives[i];
        int64_t start_us = e->winner->start_us, day = table_day_of(start_us);
        cells.items[cells.count++] =
            (struct cell){.day = table_month_of(day),
                          .slot = table_weekday_of(day) * HOURS + table_hour_of(start_us),
                          .sums = sums_of(e)};
    }
    merge(&cells);
    for (size_t i = 0; i < cells.count; i++) {
        db_put_int(params, MONTH_MONTH, cells.items[i].day);
        db_put_int(params, MONTH_WEEKDAY, cells.items[i].slot / HOURS);
        db_put_int(params, MONTH_HOUR, cells.items[i].slot % HOURS);
        put_sums(params, MONTH_CONTACTS, &cells.items[i].sums);
    }
    return RC_OK;
}

enum rc table_fill_rollup(struct table_fill *fill, struct err *err)
{
    struct cells days;
    enum rc rc = make_days(fill, &days, err);
    if (rc != RC_OK)
        return rc;
    put_days(fill->params[TABLE_ROLLUP_DAY], &days);
    rc = fill_coarse(fill, &days, err);
    return rc == RC_OK ? fill_months(fill, err) : rc;
}
