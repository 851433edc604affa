/* Laying a file of sites over the stored history.
   Invariant: the new history of a site is sorted, without overlap, and two periods that touch
   differ. */
#include "services/cli/site_plan.h"

#include <string.h>

/* The rows of one site, among stored ones or the file's. */
struct run {
    const struct site_period *at;
    size_t count;
};

static struct run take_run(const struct site_period *from, const struct site_period *end,
                           struct slice site)
{
    struct run run = {.at = from};
    while (from + run.count < end && slice_is_equal(from[run.count].site, site))
        run.count++;
    return run;
}

static int is_same_text(const struct site_period *a, const struct site_period *b)
{
    for (int i = 0; i < SITE_TEXTS; i++)
        if (!slice_is_equal(a->texts[i], b->texts[i]))
            return 0;
    return 1;
}

static const struct site_period *period_at(struct run stored, int64_t at_us)
{
    for (size_t i = 0; i < stored.count; i++)
        if (stored.at[i].from_us <= at_us && at_us < stored.at[i].to_us)
            return &stored.at[i];
    return NULL;
}

/* Appends, or lengthens the last one when it touches and says the same. */
static void append(struct site_period *out, size_t *count, const struct site_period *period)
{
    if (period->from_us >= period->to_us)
        return;
    if (*count > 0 && out[*count - 1].to_us == period->from_us &&
        is_same_text(&out[*count - 1], period))
        out[*count - 1].to_us = period->to_us;
    else
        out[(*count)++] = *period;
}

static void append_cut(struct site_period *out, size_t *count, struct site_period period,
                       int64_t end_us)
{
    if (period.to_us > end_us)
        period.to_us = end_us;
    append(out, count, &period);
}

/* Gives a row without valid_from its time, and one without valid_to the end that is planned
 * already. */
static enum rc settle(struct run stored, int64_t now_us, struct site_period *row, struct err *err)
{
    int64_t at_us = row->to_us <= now_us ? row->to_us - 1 : now_us;
    const struct site_period *current = period_at(stored, at_us);
    if (row->to_us == SITE_TO_END && current != NULL)
        row->to_us = current->to_us;
    for (size_t i = 0; row->to_us == SITE_TO_END && i < stored.count; i++)
        if (stored.at[i].from_us > now_us)
            row->to_us = stored.at[i].from_us;
    row->from_us = current != NULL && is_same_text(current, row) ? current->from_us : now_us;
    if (row->from_us >= row->to_us)
        return err_set(err, RC_REJECT, "line %d: valid_to: passed already, and the row says more",
                       row->line);
    return RC_OK;
}

/* Writes the new history of one site to out, which holds as many as both runs have. */
static enum rc plan_one(struct run stored, struct run rows, int64_t now_us, struct site_period *out,
                        size_t *ret_count, struct err *err)
{
    struct site_period first = rows.at[0];
    size_t count = 0;
    int keeps_later = first.from_us == SITE_FROM_NOW && first.to_us == SITE_TO_END;
    if (first.from_us == SITE_FROM_NOW) {
        enum rc rc = settle(stored, now_us, &first, err);
        if (rc != RC_OK)
            return rc;
    }
    for (size_t i = 0; i < stored.count && stored.at[i].from_us < first.from_us; i++)
        append_cut(out, &count, stored.at[i], first.from_us);
    append(out, &count, &first);
    for (size_t i = 1; i < rows.count; i++)
        append(out, &count, &rows.at[i]);
    for (size_t i = 0; keeps_later && i < stored.count; i++)
        if (stored.at[i].from_us >= first.to_us)
            append(out, &count, &stored.at[i]);
    *ret_count = count;
    return RC_OK;
}

static int is_same_history(struct run stored, const struct site_period *out, size_t count)
{
    if (stored.count != count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (stored.at[i].from_us != out[i].from_us || stored.at[i].to_us != out[i].to_us ||
            !is_same_text(&stored.at[i], &out[i]))
            return 0;
    return 1;
}

/* periods are sorted by site. */
static int has_site(const struct site_period *periods, size_t count, struct slice site)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = site_file_compare_names(periods[middle].site, site);
        if (order == 0)
            return 1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static enum rc check_mergers(const struct site_period *stored, size_t stored_count,
                             const struct site_file *file, struct err *err)
{
    for (size_t i = 0; i < file->count; i++) {
        struct slice into = file->periods[i].texts[SITE_TEXT_MERGED_INTO];
        if (into.size > 0 && !has_site(file->periods, file->count, into) &&
            !has_site(stored, stored_count, into))
            return err_set(err, RC_REJECT, "line %d: merged_into: no such site",
                           file->periods[i].line);
    }
    return RC_OK;
}

static enum rc plan_all(const struct site_period *stored, size_t stored_count,
                        const struct site_file *file, int64_t now_us, struct site_plan *plan,
                        struct err *err)
{
    const struct site_period *row = file->periods;
    if (file->count == 0) /* a header alone; no arithmetic on what is not there */
        return RC_OK;
    const struct site_period *row_end = row + file->count;
    const struct site_period *stored_end = stored + stored_count;
    while (row < row_end) {
        while (stored < stored_end && site_file_compare_names(stored->site, row->site) < 0)
            stored++;
        struct run rows = take_run(row, row_end, row->site);
        struct run old = take_run(stored, stored_end, row->site);
        size_t count;
        struct site_period *out = plan->periods + plan->count;
        enum rc rc = plan_one(old, rows, now_us, out, &count, err);
        if (rc != RC_OK)
            return rc;
        if (is_same_history(old, out, count)) {
            plan->unchanged_count++;
        } else {
            plan->changed[plan->changed_count++] = row->site;
            plan->new_count += old.count == 0;
            plan->count += count;
        }
        row += rows.count;
        stored += old.count;
    }
    return RC_OK;
}

enum rc site_plan_make(const struct site_period *stored, size_t stored_count,
                       const struct site_file *file, int64_t now_us, struct arena *arena,
                       struct site_plan *ret_plan, struct err *err)
{
    struct site_plan plan = {0};
    enum rc rc = check_mergers(stored, stored_count, file, err);
    if (rc != RC_OK)
        return rc;
    plan.periods = arena_alloc(arena, (stored_count + file->count + 1) * sizeof(*plan.periods));
    plan.changed = arena_alloc(arena, (file->count + 1) * sizeof(*plan.changed));
    if (plan.periods == NULL || plan.changed == NULL)
        return err_set(err, RC_FULL, "the file has too many sites");
    if (stored_count == 0)
        stored = plan.periods; /* nothing is read there, but NULL must not be counted from */
    rc = plan_all(stored, stored_count, file, now_us, &plan, err);
    if (rc == RC_OK)
        *ret_plan = plan;
    return rc;
}
