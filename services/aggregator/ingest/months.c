/* Monthly partitions on demand. Invariant: a month is marked only after the database has answered
   that it exists; what is marked wrongly (somebody dropped it) is found out by an insert. */
#include "services/aggregator/ingest/months.h"

#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"

/* Months since 1970 that fit a UUIDv7's 48 bits of milliseconds are far more; ids within bounds are
   near the present. */
enum { MONTHS_MAX = 12 * 400, AHEAD_MAX = 24 };

struct months {
    const char *conninfo;
    uint8_t is_made[MONTHS_MAX];
};

static const char MAKE_SQL[] =
    "select kasumori.make_partitions($1::date, ($1 + make_interval(months => $2))::date)";

struct months *months_new(const char *conninfo)
{
    struct months *months = mem_zalloc(sizeof(*months));
    if (months != NULL)
        months->conninfo = conninfo;
    return months;
}

void months_free(struct months *months)
{
    mem_free(months);
}

/* Months since 1970-01, by the civil calendar (years from March, as leap days end them). */
static int64_t month_of(int64_t at_us)
{
    int64_t z = at_us / CLOCK_US_PER_DAY + 719468;
    int64_t era = z / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    return (year_of_era + era * 400) * 12 + month_from_march + 2 - 1970 * 12;
}

int months_has(const struct months *months, int64_t at_us)
{
    int64_t month = month_of(at_us);
    return month >= 0 && month < MONTHS_MAX && months->is_made[month];
}

void months_forget(struct months *months)
{
    memset(months->is_made, 0, sizeof(months->is_made));
}

enum rc months_make_ahead(struct db *db, int64_t at_us, int ahead, struct err *err)
{
    static const enum db_type TYPES[] = {DB_TYPE_TIMESTAMPTZ, DB_TYPE_INT4};
    static const int IS_ARRAY[] = {0, 0};
    CHECK(ahead >= 0 && ahead <= AHEAD_MAX);
    struct db_params *params = db_params_new(2, TYPES, IS_ARRAY, 64);
    if (params == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    db_put_time(params, 0, at_us);
    db_put_int(params, 1, ahead);
    enum rc rc = db_run(db, "months_make", MAKE_SQL, params, NULL, err);
    db_params_free(params);
    return rc;
}

enum rc months_make(struct months *months, int64_t at_us, struct err *err)
{
    struct db *db;
    int64_t month = month_of(at_us);
    if (month < 0 || month >= MONTHS_MAX)
        return err_set(err, RC_REJECT, "cannot make a partition for the year of this id");
    enum rc rc = db_open(months->conninfo, "kasumori-aggregator months", &db, err);
    if (rc != RC_OK)
        return rc;
    rc = months_make_ahead(db, at_us, 0, err);
    db_close(db);
    if (rc == RC_OK)
        months->is_made[month] = 1;
    return rc;
}
