/* Figures over days, by one dimension.
   Invariant: a table that crosses two or more of site, category and hour goes through
   analytics.hide_small; its total does not. */
#include <stdio.h>

#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"
#include "services/monitor/read.h"
#include "services/monitor/sql.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define JAPAN_US (9 * CLOCK_US_PER_HOUR)

enum { DAYS_STANDARD = 30, DAYS_MAX = 3660, DAY_BYTES = 11 };

/* What a table is broken down by. */
enum dimension { BY_DAY, BY_SITE, BY_CATEGORY, BY_HOUR };

struct measure {
    struct read read;
    enum dimension dimension;
};

#define MEASURE(name_, dimension_)                                                          \
    {                                                                                       \
        {.name = "read_stats_" #name_, .sql = sql_stats_##name_}, .dimension = (dimension_) \
    }

static const struct measure MEASURES[] = {
    MEASURE(trend, BY_DAY),  MEASURE(types, BY_CATEGORY),    MEASURE(sites, BY_SITE),
    MEASURE(hours, BY_HOUR), MEASURE(weekdays, BY_HOUR),     MEASURE(trades, BY_SITE),
    MEASURE(repeat, BY_DAY), MEASURE(staff_minutes, BY_DAY), MEASURE(verdict_time, BY_DAY),
};

static const struct read_param PARAMS[] = {
    {.name = "site", .type = READ_TYPE_NAME},
    {.name = "trade", .type = READ_TYPE_TEXT},
    {.name = "category", .type = READ_TYPE_TEXT},
};

/* The measure's name stands behind "read_stats_". */
static const char *name_of(const struct measure *measure)
{
    return measure->read.name + sizeof("read_stats_") - 1;
}

static const struct measure *find(struct slice name)
{
    for (size_t i = 0; i < COUNT(MEASURES); i++)
        if (slice_is_equal(slice_str(name_of(&MEASURES[i])), name))
            return &MEASURES[i];
    return NULL;
}

/* ---- days ---- */

static void format_day(int64_t day, char text[DAY_BYTES])
{
    char time[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(day * CLOCK_US_PER_DAY, time);
    snprintf(text, DAY_BYTES, "%.10s", time);
}

static int parse_day(const char *text, int64_t *ret_day)
{
    static const struct read_param DAY = {.type = READ_TYPE_DAY};
    char time[DAY_BYTES + sizeof("T00:00:00Z")];
    int64_t at_us;
    struct err why;
    if (!read_is_valid(&DAY, text))
        return 0;
    snprintf(time, sizeof(time), "%.10sT00:00:00Z", text);
    if (timefmt_parse_rfc3339(time, &at_us, &why) != RC_OK)
        return 0;
    *ret_day = at_us / CLOCK_US_PER_DAY;
    return 1;
}

static enum rc take_day(struct call *call, const char *name, int64_t standard, int64_t *ret_day)
{
    const char *text = call_query(call, name);
    *ret_day = standard;
    if (text != NULL && !parse_day(text, ret_day))
        return call_problem(call, 400, "bad_parameter", name, "want a day as YYYY-MM-DD");
    return RC_OK;
}

/* First day of the month a day is in, and last one. */
static int64_t month_start(int64_t day)
{
    char text[DAY_BYTES];
    int64_t start = day;
    format_day(day, text);
    text[8] = '0';
    text[9] = '1';
    (void)parse_day(text, &start);
    return start;
}

static int64_t month_end(int64_t day)
{
    enum { MONTH_DAYS_MAX = 31 };
    return month_start(month_start(day) + MONTH_DAYS_MAX) - 1;
}

static enum rc put_days(struct read_args *args, struct call *call, int is_by_month)
{
    int64_t from, to;
    char text[DAY_BYTES];
    int64_t today = (clock_now_us(clock_real()) + JAPAN_US) / CLOCK_US_PER_DAY;
    enum rc rc = take_day(call, "to", today, &to);
    if (rc == RC_OK)
        rc = take_day(call, "from", to - DAYS_STANDARD + 1, &from);
    if (rc != RC_OK)
        return rc;
    if (from > to || to - from >= DAYS_MAX || from < 0)
        return call_problem(call, 400, "bad_parameter", "from",
                            "want a day before \"to\" and at most 3660 days");
    format_day(is_by_month ? month_start(from) : from, text);
    read_args_text(args, "from", slice_str(text));
    format_day(is_by_month ? month_end(to) : to, text);
    read_args_text(args, "to", slice_str(text));
    return RC_OK;
}

/* ---- all ---- */

/* How many of site, category and hour a cell fixes. */
static int narrowness(const struct call *call, const struct measure *measure)
{
    int has_site = call_query(call, "site") != NULL || call->caller->sites_count == 1;
    int has_category = call_query(call, "category") != NULL;
    return (has_site || measure->dimension == BY_SITE) +
           (has_category || measure->dimension == BY_CATEGORY) + (measure->dimension == BY_HOUR);
}

static enum rc put_all(struct read_args *args, struct call *call, const struct measure *measure)
{
    int is_filtered = call_query(call, "site") != NULL || call_query(call, "trade") != NULL ||
                      call_query(call, "category") != NULL || call->caller->sites_count > 0;
    read_args_text(args, "measure", slice_str(name_of(measure)));
    read_args_raw(args, "narrow", narrowness(call, measure) >= 2 ? "true" : "false");
    read_args_text(args, "filtered", slice_str(is_filtered ? "yes" : "no"));
    return put_days(args, call, measure->dimension == BY_HOUR && !is_filtered);
}

enum rc stats_read(struct call *call, struct err *err)
{
    const struct measure *measure = find(call_part(call, 0));
    struct read_args args;
    if (measure == NULL)
        return call_problem(call, 404, "not_found", NULL, NULL);
    struct read read = measure->read;
    read.params = PARAMS;
    read.params_count = COUNT(PARAMS);
    read_args_init(&args, call);
    enum rc rc = put_all(&args, call, measure);
    if (rc != RC_OK) {
        read_args_done(&args);
        return rc;
    }
    return read_answer(call, &read, &args, err);
}
