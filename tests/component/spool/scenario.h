#ifndef KASUMORI_TESTS_SPOOL_SCENARIO_H
#define KASUMORI_TESTS_SPOOL_SCENARIO_H

#include "tests/component/spool/crash_disk.h"
#include "tests/component/spool/world.h"

/* A life of a spool: fresh, appended to, rolled by size and age, delivered, freed by the replay
   window and by the limit, refused, closed, opened again. Runs on the crash disk; ends early when
   it dies. */
void scenario_run(struct world *world);

/* Runs it under the plan, then the crash, then world_verify. Returns how many changes there were.
 */
long scenario_crash(struct world *world, const struct crash_plan *plan, enum crash_loss loss,
                    uint32_t seed);

#endif
