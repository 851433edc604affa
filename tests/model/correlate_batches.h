#ifndef KASUMORI_TESTS_MODEL_CORRELATE_BATCHES_H
#define KASUMORI_TESTS_MODEL_CORRELATE_BATCHES_H

#include "services/common/base/arena.h"
#include "services/common/correlate/facts.h"

/* I9: tells the facts in random batches, and after each compares what the full function says with
   what it said before, less what the neighbourhood of the batch said before, plus what that says
   now. Prints "ok", how many records were near and how many there were over all batches; or the
   first lines that differ. */
void batches_check(const struct facts *facts, uint64_t seed, struct arena *arena);

#endif
