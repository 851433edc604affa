/* The definitions in their order. */
#include "services/common/correlate/correlate.h"

#include "services/common/correlate/steps.h"

enum rc correlate_full(const struct facts *facts, struct arena *arena,
                       const struct derived **ret_derived, struct err *err)
{
    struct derived *d = arena_zalloc(arena, sizeof(*d));
    if (d == NULL || setjmp(d->full) != 0)
        return err_set(err, RC_FULL, "the facts need more memory than the correlator may take");
    d->facts = facts;
    d->arena = arena;
    decisions_derive(d);
    effective_derive(d);
    class_derive(d);
    run_derive(d);
    evidence_derive(d);
    shared_derive(d);
    subject_derive(d);
    occurrence_derive(d);
    part_derive(d);
    rules_derive(d);
    decisions_judge(d);
    watch_derive(d);
    *ret_derived = d;
    return RC_OK;
}
