/* Sums of effective records by day, concerned site and category, and by month, weekday and hour.
   Days and hours are Japan's (UTC+9, no summer time). */
#include <stdlib.h>

#include "services/common/base/clock.h"
#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

#define JAPAN_US (9 * CLOCK_US_PER_HOUR)

struct sums {
    int64_t contacts, incidents, talk_us, abandoned;
};

struct cell {
    int64_t day;  /* since 1970; of a month: its first */
    int64_t slot; /* weekday and hour of a month, else 0 */
    struct slice site, category;
    struct sums sums;
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

/* Sorts, and makes one of cells with one key; returns how many are left. */
static size_t merge(struct cell *cells, size_t count)
{
    size_t kept = 0;
    qsort(cells, count, sizeof(*cells), compare_cells);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare_cells(&cells[kept - 1], &cells[i]) == 0)
            add(&cells[kept - 1].sums, &cells[i].sums);
        else
            cells[kept++] = cells[i];
    }
    return kept;
}

static struct sums sums_of(const struct effective *e)
{
    if (e->body == FACT_BODY_INCIDENT)
        return (struct sums){.incidents = 1};
    int is_abandoned =
        e->winner->outcome == FACT_OUTCOME_ABANDONED || e->winner->outcome == FACT_OUTCOME_BUSY;
    return (struct sums){.contacts = 1, .talk_us = e->winner->talk_us, .abandoned = is_abandoned};
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t day_of(const struct effective *e)
{
    return floor_divide(e->winner->start_us + JAPAN_US, CLOCK_US_PER_DAY);
}

static int has_before(const struct effective *e, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (derived_slice_compare(e->categories[i], e->categories[at]) == 0)
            return 1;
    return 0;
}

static void put_sums(struct db_params *params, size_t first, const struct sums *sums)
{
    db_put_int(params, first, sums->contacts);
    db_put_int(params, first + 1, sums->incidents);
    db_put_int(params, first + 2, sums->talk_us);
    db_put_int(params, first + 3, sums->abandoned);
}

static enum rc fill_days(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_ROLLUP_DAY];
    size_t most = d->effectives_count, count = 0;
    for (size_t i = 0; i < d->effectives_count; i++)
        most += d->effectives[i].categories_count;
    struct cell *cells = arena_alloc(fill->arena, (most + 1) * sizeof(*cells));
    if (cells == NULL)
        return err_set(err, RC_FULL, "the roll-ups need more memory than allowed");
    for (size_t i = 0; i < d->effectives_count; i++) {
        const struct effective *e = &d->effectives[i];
        struct slice site = e->winner->concerned_site;
        struct cell cell = {
            .day = day_of(e), .site = site.size > 0 ? site : e->original->site, .sums = sums_of(e)};
        cells[count++] = cell;
        for (size_t k = 0; k < e->categories_count; k++) {
            cell.category = e->categories[k];
            if (cell.category.size > 0 && !has_before(e, k))
                cells[count++] = cell;
        }
    }
    count = merge(cells, count);
    for (size_t i = 0; i < count; i++) {
        db_put_int(params, DAY_DAY, cells[i].day);
        db_put_text(params, DAY_SITE, cells[i].site);
        db_put_text(params, DAY_CATEGORY, cells[i].category);
        put_sums(params, DAY_CONTACTS, &cells[i].sums);
    }
    return RC_OK;
}

/* First day of the month that a day of the proleptic Gregorian calendar is in: years are counted
   from March, so that the leap day is a year's last. */
static int64_t month_of(int64_t day)
{
    int64_t shifted = day + 719468; /* days since 0000-03-01 */
    int64_t era = floor_divide(shifted, 146097);
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    return day - (of_year - (153 * month + 2) / 5);
}

static enum rc fill_months(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_ROLLUP_MONTH];
    struct cell *cells = arena_alloc(fill->arena, (d->effectives_count + 1) * sizeof(*cells));
    if (cells == NULL)
        return err_set(err, RC_FULL, "the roll-ups need more memory than allowed");
    for (size_t i = 0; i < d->effectives_count; i++) {
        const struct effective *e = &d->effectives[i];
        int64_t day = day_of(e);
        int64_t weekday = day + 3 - floor_divide(day + 3, 7) * 7 + 1; /* 1970-01-01: Thursday */
        int64_t of_day_us = e->winner->start_us + JAPAN_US - day * CLOCK_US_PER_DAY;
        cells[i] = (struct cell){.day = month_of(day),
                                 .slot = weekday * 24 + of_day_us / CLOCK_US_PER_HOUR,
                                 .sums = sums_of(e)};
    }
    size_t count = merge(cells, d->effectives_count);
    for (size_t i = 0; i < count; i++) {
        db_put_int(params, MONTH_MONTH, cells[i].day);
        db_put_int(params, MONTH_WEEKDAY, cells[i].slot / 24);
        db_put_int(params, MONTH_HOUR, cells[i].slot % 24);
        put_sums(params, MONTH_CONTACTS, &cells[i].sums);
    }
    return RC_OK;
}

enum rc table_fill_rollup(struct table_fill *fill, struct err *err)
{
    enum rc rc = fill_days(fill, err);
    return rc == RC_OK ? fill_months(fill, err) : rc;
}
