#ifndef KASUMORI_CORRELATOR_PRESSURE_H
#define KASUMORI_CORRELATOR_PRESSURE_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* How far T2 is behind T1, so that T1 waits rather than heap up what nobody derives from. The
   answer is the database's: whichever process correlates saves its cursors every second. One
   thread's. */
struct pressure {
    int64_t behind_max; /* 0: T1 never waits */
    int64_t asked_mono_us;
    int64_t behind; /* rows of the log, bad and double ones too, when last asked */
};

/* Asks at most once a second. db_run's results. */
enum rc pressure_ask(struct pressure *pressure, struct db *db, struct err *err) MUST_CHECK;
int pressure_is_high(const struct pressure *pressure);

#endif
