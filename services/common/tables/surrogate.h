#ifndef KASUMORI_TABLES_SURROGATE_H
#define KASUMORI_TABLES_SURROGATE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

enum { SURROGATE_BITS = 63 };

/* Numbers that stand for names in tables: the first bits of the name's SHA-256, so that computing
   again gives the same ones. names differ and are in a fixed order. Where two have one number, the
   later takes that of name ‖ 1 (4 bytes big-endian), then ‖ 2, …, until all differ: still a
   function of the set of names alone. bits: SURROGATE_BITS; tests ask for few. RC_FULL when the
   arena is too small. */
enum rc surrogate_assign(const struct slice *names, size_t count, int bits, struct arena *arena,
                         int64_t *ret_numbers, struct err *err) MUST_CHECK;

#endif
