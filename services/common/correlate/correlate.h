#ifndef KASUMORI_CORRELATE_CORRELATE_H
#define KASUMORI_CORRELATE_CORRELATE_H

#include "services/common/base/arena.h"
#include "services/common/base/buf.h"
#include "services/common/base/rc.h"
#include "services/common/correlate/facts.h"

/* The correlator's pure core: everything derived (docs/correlation.md §2, §3) as a function of the
   facts. No input or output, no clock, no memory but the arena's. */
struct derived;

/* Computes all of it anew. facts is borrowed for the life of the result, which lives in arena.
   RC_FULL when the arena is too small; nothing else can fail. */
enum rc correlate_full(const struct facts *facts, struct arena *arena,
                       const struct derived **ret_derived, struct err *err) MUST_CHECK;

/* Appends the canonical dump (tests/model/README.md): lines in bytewise order. arena: scratch.
   RC_FULL when it or out is too small. */
enum rc correlate_dump(const struct derived *derived, struct arena *arena, struct buf *out,
                       struct err *err) MUST_CHECK;

#endif
