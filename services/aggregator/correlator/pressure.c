/* Back-pressure from T2 on T1. Invariant: without an answer nobody waits. */
#include "services/aggregator/correlator/pressure.h"

#include "services/common/base/clock.h"

#define ASK_EVERY_US CLOCK_US_PER_S

/* Of each stream what is behind the shard that is furthest behind. */
static const char BEHIND_SQL[] =
    "select coalesce(sum(greatest(o.next_offset - coalesce(c.least_offset, 0), 0)), 0)::bigint "
    "from kasumori.kafka_offset as o left join (select stream_no, min(next_offset) as least_offset "
    "from kasumori.correlator_cursor group by stream_no) as c on c.stream_no = o.stream_no";

enum rc pressure_ask(struct pressure *pressure, struct db *db, struct err *err)
{
    struct db_result *result;
    int64_t now_us = clock_mono_us(clock_real());
    if (pressure->behind_max == 0 || now_us - pressure->asked_mono_us < ASK_EVERY_US)
        return RC_OK;
    pressure->behind = 0;
    enum rc rc = db_run(db, "pressure_ask", BEHIND_SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    pressure->behind = db_result_int(result, 0, 0);
    pressure->asked_mono_us = now_us;
    db_result_free(result);
    return RC_OK;
}

int pressure_is_high(const struct pressure *pressure)
{
    return pressure->behind_max > 0 && pressure->behind > pressure->behind_max;
}
