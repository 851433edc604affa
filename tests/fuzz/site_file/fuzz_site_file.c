/* Any bytes as a list of sites: it is refused with a complaint, or makes histories without overlap
   that the same file does not change again. */
#include <stddef.h>
#include <stdint.h>

#include "services/cli/site_plan.h"
#include "services/common/base/check.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };
#define NOW_US INT64_C(1795527190123456)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_history(const struct site_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct site_period *period = &plan->periods[i];
        CHECK(period->from_us < period->to_us);
        if (i > 0 && slice_is_equal(period[-1].site, period->site))
            CHECK(period[-1].to_us <= period->from_us);
    }
}

static void check_plan(const struct site_file *file, struct arena *arena)
{
    struct site_plan plan;
    struct site_plan again;
    if (site_plan_make(NULL, 0, file, NOW_US, arena, &plan, NULL) != RC_OK)
        return;
    check_history(&plan);
    enum rc rc = site_plan_make(plan.periods, plan.count, file, NOW_US, arena, &again, NULL);
    CHECK(rc == RC_OK || rc == RC_FULL);
    CHECK(rc == RC_FULL || again.changed_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct site_file file = {0};
    struct err err = {.rc = RC_OK};
    struct arena *arena = arena_new(ARENA_BYTES);
    if (arena == NULL)
        return 0;
    enum rc rc = site_file_parse(slice_of(data, size), "+09:00", arena, &file, &err);
    if (rc == RC_OK)
        check_plan(&file, arena);
    else
        CHECK(rc == RC_FULL || (rc == RC_REJECT && file.errors_count > 0));
    arena_free(arena);
    return 0;
}
