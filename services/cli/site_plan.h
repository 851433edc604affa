#ifndef KASUMORI_CLI_SITE_PLAN_H
#define KASUMORI_CLI_SITE_PLAN_H

#include "services/cli/site_file.h"

/* What a file makes of what is stored. A file speaks for a site from its first row on: earlier
   periods stay and end there, later ones are replaced. A single row without valid_from speaks from
   now on, if it says anything new; without valid_to as well, it leaves what is planned for later
   alone. Periods that say the same and touch become one, so the same file twice changes nothing. */
struct site_plan {
    struct site_period *periods; /* the whole new history of each changed site, sorted */
    size_t count;
    struct slice *changed; /* sites whose stored history is to be replaced, or is new */
    size_t changed_count;
    size_t new_count; /* of changed_count: not stored before */
    size_t unchanged_count;
};

/* stored and file are sorted as site_file_compare does. RC_REJECT ("line n: …") when a row without
   valid_from has ended already and says something new, or one merges into a site nobody knows;
   RC_FULL for the arena. */
enum rc site_plan_make(const struct site_period *stored, size_t stored_count,
                       const struct site_file *file, int64_t now_us, struct arena *arena,
                       struct site_plan *ret_plan, struct err *err) MUST_CHECK;

#endif
