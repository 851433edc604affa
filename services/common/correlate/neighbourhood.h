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

   Two kinds of classes need not be followed: what they are is told, and whether that sufficed is
   judged afterwards (neighbourhood_judge). Those of kinds that do not link never are; of those with
   one node, a shared one, which very many may carry, some sightings are taken in place of all.

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

/* Sightings of a told class at a site whose span meets [from, to]; with a ref only those without
   one or with the same. */
struct neighbourhood_window {
    int64_t class;
    struct slice site, ref;
    int64_t from_us, to_us;
};

/* The sightings of a told class right before and right after this one, by (start, record). */
struct neighbourhood_side {
    int64_t class;
    int64_t start_us;
    struct uuid record;
};

/* The first calls of a told class at a site, by (start, record): connected contacts with a ref
   (neighbourhood_give_calls). */
struct neighbourhood_calls {
    int64_t class;
    struct slice site;
    size_t most;
};

/* Each record of these ids; each whose target is one; each person's identifier that has one of the
   tokens, whatever the role; each of these refs at that site; each class (neighbourhood_tell) that
   one of these tokens is in. By token and by ref only effective records that were there before what
   is new need be given: others have no say but through targets. In place of a token's records its
   class may be told if it has one node, a shared one (neighbourhood_tell_shared); not so of whole.
   Never asked twice. */
struct neighbourhood_wanted {
    const struct uuid *ids, *targets;
    const struct fact_token *tokens, *whole, *classes;
    const struct neighbourhood_place *places;
    const struct neighbourhood_window *windows;
    const struct neighbourhood_side *sides;
    const struct neighbourhood_calls *calls;
    size_t ids_count, targets_count, tokens_count, whole_count, classes_count, places_count;
    size_t windows_count, sides_count, calls_count;
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

/* The same of a class that links, with its number in questions, and whether its node is a
   switchboard. In what is given must be: its first sighting (start, record), its last one, enough
   between them for one run; and unless a list, a pin or being a switchboard makes it shared, enough
   neighbours. Too little costs following it, nothing else. */
void neighbourhood_tell_shared(struct neighbourhood *n, const struct fact_token *tokens,
                               size_t count, int64_t class, int is_switchboard);

struct neighbourhood_call {
    struct uuid record;
    int64_t start_us, end_us;
    struct slice ref;
};
/* is_all: there are no more. The calls stay. */
void neighbourhood_give_calls(struct neighbourhood *n, const struct neighbourhood_calls *wanted,
                              const struct neighbourhood_call *calls, size_t count, int is_all);

/* The facts of the closed set without and with what is new, all else as in base. RC_FULL when the
   arena is too small, also when it was on the way. */
enum rc neighbourhood_split(const struct neighbourhood *n, const struct facts *base,
                            struct facts *ret_before, struct facts *ret_after,
                            struct err *err) MUST_CHECK;

/* What the split gave, derived. ret_is_settled: what was told holds with what is new. Else more is
   wanted, of some classes all: the set is to be closed, split and derived again. */
enum rc neighbourhood_judge(struct neighbourhood *n, const struct derived *before,
                            const struct derived *after, int *ret_is_settled,
                            struct err *err) MUST_CHECK;

/* How many classes were told and are not followed. */
size_t neighbourhood_hubs(const struct neighbourhood *n, size_t *ret_linking);

#endif
