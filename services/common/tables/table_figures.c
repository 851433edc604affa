/* What figures about incidents are read from: sums of reports and of repeats by day and by month.
   Invariant: what counts in a day counts in its month, and what counts at a site counts in all
   sites, so that a range may be put together of both. */
#include <stdlib.h>

#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

/* One thing that counts, once for each row that it counts in. */
struct item {
    enum span span;
    int64_t first_day;
    struct slice place; /* a site, or the text of an array of sites; empty: all */
    struct slice category;
    int64_t minutes;
    int hour, weekday;
    int is_repeat;
};

struct items {
    struct item *list;
    size_t count;
};

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->first_day != y->first_day)
        return x->first_day < y->first_day ? -1 : 1;
    if (x->span != y->span)
        return x->span < y->span ? -1 : 1;
    int order = derived_slice_compare(x->place, y->place);
    return order != 0 ? order : derived_slice_compare(x->category, y->category);
}

static enum rc take(struct table_fill *fill, size_t most, struct items *ret_items, struct err *err)
{
    struct item *list = arena_alloc(fill->arena, (most + 1) * sizeof(*list));
    if (list == NULL)
        return err_set(err, RC_FULL, "the figures need more memory than allowed");
    *ret_items = (struct items){.list = list};
    return RC_OK;
}

/* By day and by month, at its place and in all. */
static void add_item(struct items *items, const struct item *item)
{
    for (enum span span = SPAN_DAY; span < SPAN_COUNT; span++) {
        struct item *here = &items->list[items->count++];
        *here = *item;
        here->span = span;
        here->first_day = span == SPAN_DAY ? item->first_day : table_month_of(item->first_day);
        items->list[items->count] = *here;
        items->list[items->count++].place = slice_of(NULL, 0);
    }
}

enum { ROWS_OF_ITEM = 2 * SPAN_COUNT };

/* End of the stretch from at on that is one row. */
static size_t end_of(const struct items *items, size_t at)
{
    size_t end = at;
    while (end < items->count && compare_items(&items->list[at], &items->list[end]) == 0)
        end++;
    return end;
}

/* ---- incident reports ---- */

static void put_incidents(struct db_params *params, const struct item *items, size_t count)
{
    int64_t hours[HOURS] = {0}, weekdays[WEEKDAYS] = {0}, minutes = 0;
    for (size_t i = 0; i < count; i++) {
        hours[items[i].hour]++;
        weekdays[items[i].weekday - 1]++;
        minutes += items[i].minutes;
    }
    db_put_text(params, INCIDENT_SPAN, table_span_name(items->span));
    db_put_text(params, INCIDENT_CATEGORY, items->category);
    db_put_text(params, INCIDENT_SITE, items->place);
    db_put_int(params, INCIDENT_FIRST_DAY, items->first_day);
    db_put_int(params, INCIDENT_INCIDENTS, (int64_t)count);
    db_put_int(params, INCIDENT_STAFF_MINUTES, minutes);
    for (size_t i = 0; i < HOURS; i++)
        db_put_int(params, INCIDENT_HOURS + i, hours[i]);
    for (size_t i = 0; i < WEEKDAYS; i++)
        db_put_int(params, INCIDENT_WEEKDAYS + i, weekdays[i]);
}

static void add_incident(struct items *items, const struct effective *e)
{
    int64_t day = table_day_of(e->winner->start_us);
    struct item item = {.first_day = day,
                        .place = table_site_of(e),
                        .minutes = e->winner->staff_minutes,
                        .hour = table_hour_of(e->winner->start_us),
                        .weekday = table_weekday_of(day)};
    add_item(items, &item);
    for (size_t k = 0; k < e->categories_count; k++) {
        item.category = e->categories[k];
        if (table_is_category(e, k))
            add_item(items, &item);
    }
}

static enum rc fill_incidents(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    struct items items;
    size_t most = 0;
    for (size_t i = 0; i < d->effectives_count; i++)
        if (d->effectives[i].body == FACT_BODY_INCIDENT)
            most += 1 + d->effectives[i].categories_count;
    enum rc rc = take(fill, ROWS_OF_ITEM * most, &items, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < d->effectives_count; i++)
        if (d->effectives[i].body == FACT_BODY_INCIDENT)
            add_incident(&items, &d->effectives[i]);
    qsort(items.list, items.count, sizeof(*items.list), compare_items);
    for (size_t at = 0, end; at < items.count; at = end) {
        end = end_of(&items, at);
        put_incidents(fill->params[TABLE_ROLLUP_INCIDENT], &items.list[at], end - at);
    }
    return RC_OK;
}

/* ---- repeats ---- */

/* A part that counts and has an incident; in the order in which a subject's follow one another. */
struct told {
    const struct part *part;
    const struct uuid *occurrence;
};

static int compare_told(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    if (x->part->subject != y->part->subject)
        return x->part->subject < y->part->subject ? -1 : 1;
    if (x->part->start_us != y->part->start_us)
        return x->part->start_us < y->part->start_us ? -1 : 1;
    return uuid_compare(x->occurrence, y->occurrence);
}

static enum rc list_told(struct table_fill *fill, struct told **ret_told, size_t *ret_count,
                         struct err *err)
{
    const struct derived *d = fill->d;
    size_t count = 0;
    struct told *told = arena_alloc(fill->arena, (d->parts.count + 1) * sizeof(*told));
    if (told == NULL)
        return err_set(err, RC_FULL, "the figures need more memory than allowed");
    for (size_t i = 0; i < d->parts.count; i++) {
        const struct part *part = &d->parts.items[i];
        const struct occurrence *o = &d->occurrences[part->occurrence];
        if (part->is_counting && part->has_incident && o->state == OCCURRENCE_STATE_OPEN)
            told[count++] = (struct told){part, derived_id(d, o->effectives[0])};
    }
    qsort(told, count, sizeof(*told), compare_told);
    *ret_told = told;
    *ret_count = count;
    return RC_OK;
}

/* Room for the categories of a part's incident reports; most: how many there are, doubles too. */
static size_t categories_most(const struct derived *d, const struct part *part)
{
    size_t most = 0;
    for (size_t i = 0; i < part->effectives_count; i++)
        if (d->effectives[part->effectives[i]].body == FACT_BODY_INCIDENT)
            most += d->effectives[part->effectives[i]].categories_count;
    return most;
}

static int has_category(const struct items *items, size_t from, struct slice category)
{
    for (size_t i = from; i < items->count; i += ROWS_OF_ITEM)
        if (slice_is_equal(items->list[i].category, category))
            return 1;
    return 0;
}

static void add_repeat(const struct derived *d, struct items *items, const struct part *part,
                       struct item *item)
{
    size_t from = items->count;
    add_item(items, item);
    for (size_t i = 0; i < part->effectives_count; i++) {
        const struct effective *e = &d->effectives[part->effectives[i]];
        for (size_t k = 0; e->body == FACT_BODY_INCIDENT && k < e->categories_count; k++) {
            item->category = e->categories[k];
            if (!has_category(items, from, item->category)) /* the first has none */
                add_item(items, item);
        }
    }
}

static int keep_sites(struct table_fill *fill, const struct part *part, struct slice *ret_text)
{
    buf_reset(&fill->text);
    table_add_texts(&fill->text, part->sites, part->sites_count);
    const void *copy = arena_copy(fill->arena, fill->text.data, fill->text.size);
    *ret_text = slice_of(copy, fill->text.size);
    return copy != NULL;
}

static void put_repeats(struct db_params *params, const struct item *items, size_t count)
{
    int64_t repeats = 0;
    for (size_t i = 0; i < count; i++)
        repeats += items[i].is_repeat;
    db_put_text(params, REPEAT_SPAN, table_span_name(items->span));
    db_put_text(params, REPEAT_CATEGORY, items->category);
    db_put_int(params, REPEAT_FIRST_DAY, items->first_day);
    db_put_text(params, REPEAT_SITES, items->place.size > 0 ? items->place : slice_str("{}"));
    db_put_int(params, REPEAT_PARTS, (int64_t)count);
    db_put_int(params, REPEAT_REPEATS, repeats);
}

static enum rc list_repeats(struct table_fill *fill, const struct told *told, size_t count,
                            struct items *ret_items, struct err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += 1 + categories_most(fill->d, told[i].part);
    enum rc rc = take(fill, ROWS_OF_ITEM * most, ret_items, err);
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        const struct part *part = told[i].part;
        struct item item = {.first_day = table_day_of(part->start_us),
                            .is_repeat = i > 0 && told[i - 1].part->subject == part->subject};
        if (!keep_sites(fill, part, &item.place))
            rc = err_set(err, RC_FULL, "the figures need more memory than allowed");
        else
            add_repeat(fill->d, ret_items, part, &item);
    }
    return rc;
}

static enum rc fill_repeats(struct table_fill *fill, struct err *err)
{
    struct told *told;
    struct items items;
    size_t count;
    enum rc rc = list_told(fill, &told, &count, err);
    if (rc == RC_OK)
        rc = list_repeats(fill, told, count, &items, err);
    if (rc != RC_OK)
        return rc;
    qsort(items.list, items.count, sizeof(*items.list), compare_items);
    for (size_t at = 0, end; at < items.count; at = end) {
        end = end_of(&items, at);
        put_repeats(fill->params[TABLE_ROLLUP_REPEAT], &items.list[at], end - at);
    }
    return RC_OK;
}

enum rc table_fill_figures(struct table_fill *fill, struct err *err)
{
    enum rc rc = fill_incidents(fill, err);
    return rc == RC_OK ? fill_repeats(fill, err) : rc;
}
