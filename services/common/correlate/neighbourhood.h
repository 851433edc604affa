#ifndef KASUMORI_CORRELATE_NEIGHBOURHOOD_H
#define KASUMORI_CORRELATE_NEIGHBOURHOOD_H

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/correlate/derived.h"
#include "services/common/correlate/facts.h"

/* Which facts have a say in what a change touches (docs/correlation.md §6). A set of facts is
   closed when it holds, for each of its records, the record's target and all that target it, all
   records that carry one of its tokens, all of its happening_ref at its site, and each decision
   that names one of its records or tokens, with all that the decision names, the decisions that
   revoke it and those it revokes. What a closed set derives is what all facts derive about it.

   Tokens of kinds that do not link are not followed: what class they are in is told, and whether
   that sufficed is judged afterwards (neighbourhood_judge).

   This plans what to look up and looks nothing up itself: seed it, then as long as
   neighbourhood_next wants something give every record that fits. */

/* Where decisions are found by what they name; borrows them, lives in arena. Rebuilt when there are
   more. */
struct neighbourhood_index;
enum rc neighbourhood_index_new(const struct fact_decision *const *decisions, size_t count,
                                struct arena *arena, const struct neighbourhood_index **ret_index,
                                struct err *err) MUST_CHECK;

struct neighbourhood;

/* records_max: more are RC_FULL. linking: NULL: all tokens are followed. What is given stays until
   the neighbourhood is no longer used. */
struct neighbourhood_config {
    const struct neighbourhood_index *decisions;
    const struct fact_linking *linking;
    struct arena *arena;
    size_t records_max;
};

enum rc neighbourhood_new(const struct neighbourhood_config *config,
                          struct neighbourhood **ret_neighbourhood, struct err *err) MUST_CHECK;

/* A record that is about to count: it is wanted, and new wherever it comes from. */
void neighbourhood_seed_record(struct neighbourhood *n, const struct uuid *id);
/* A decision, by its place in the index. is_new: it did not count before; otherwise only what it
   names is wanted. */
void neighbourhood_seed_decision(struct neighbourhood *n, size_t decision, int is_new);

struct neighbourhood_place {
    struct slice site, ref;
};

/* Each record of these ids; each whose target is one; each person's identifier that has one of the
   tokens, whatever the role; each of these refs at that site; each class (neighbourhood_tell) that
   one of these tokens is in. By token and by ref only effective records that were there before what
   is new need be given: others have no say but through targets. Never asked twice. */
struct neighbourhood_wanted {
    const struct uuid *ids, *targets;
    const struct fact_token *tokens, *classes;
    const struct neighbourhood_place *places;
    size_t ids_count, targets_count, tokens_count, classes_count, places_count;
};

/* 0: nothing more is wanted. The lists stay until the next call. */
int neighbourhood_next(struct neighbourhood *n, struct neighbourhood_wanted *ret_wanted);
/* Whether the record is in already: giving it again changes nothing and costs its reading. */
int neighbourhood_has(const struct neighbourhood *n, const struct uuid *id);
enum rc neighbourhood_add(struct neighbourhood *n, const struct fact_record *record,
                          struct err *err) MUST_CHECK;

/* A class as it is before what is new: all its tokens, ascending; they stay. A token that no
   effective record carried before is in none. */
void neighbourhood_tell(struct neighbourhood *n, const struct fact_token *tokens, size_t count);

/* The facts of the closed set without and with what is new, all else as in base. RC_FULL when the
   arena is too small, also when it was on the way. */
enum rc neighbourhood_split(const struct neighbourhood *n, const struct facts *base,
                            struct facts *ret_before, struct facts *ret_after,
                            struct err *err) MUST_CHECK;

/* What the split gave, derived. Classes that were told and do not hold with what is new are
   followed from now on: if ret_followed is not 0, the set is to be closed, split and derived again.
 */
enum rc neighbourhood_judge(struct neighbourhood *n, const struct derived *before,
                            const struct derived *after, size_t *ret_followed,
                            struct err *err) MUST_CHECK;

/* Classes that were told and are not followed; and to follow one after all, by its place. */
const struct fact_hub *neighbourhood_hubs(const struct neighbourhood *n, size_t *ret_count);
void neighbourhood_follow(struct neighbourhood *n, size_t hub);

#endif
