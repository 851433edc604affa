#ifndef KASUMORI_CORRELATE_STEPS_H
#define KASUMORI_CORRELATE_STEPS_H

#include "services/common/correlate/derived.h"

/* What the files of the definitions share, and each one's entry. */

/* ---- support (derived.c) ---- */

/* Never NULL: the end of the arena leads to d->full. Zeroed. */
void *derived_take(struct derived *d, size_t count, size_t size);
void derived_grow(struct derived *d, void *vector, size_t item_size);
#define VECTOR_PUSH(d, vector, ...)                                \
    do {                                                           \
        if ((vector)->count == (vector)->capacity)                 \
            derived_grow((d), (vector), sizeof(*(vector)->items)); \
        (vector)->items[(vector)->count++] = __VA_ARGS__;          \
    } while (0)

/* Sorts in place (merge sort in the arena, stable, so that nothing depends on a library's order).
 */
typedef int derived_order(const void *a, const void *b, const struct derived *d);
void derived_sort(struct derived *d, void *items, size_t count, size_t size,
                  derived_order *compare);

int derived_slice_compare(struct slice a, struct slice b);
/* sorts and drops doubles; returns how many are left */
size_t derived_slice_set(struct derived *d, struct slice *items, size_t count);
size_t derived_index_set(struct derived *d, size_t *items, size_t count);

/* Union-find over indices. */
size_t derived_find(size_t *parents, size_t index);
void derived_join(size_t *parents, size_t a, size_t b); /* the smaller becomes the root */
size_t *derived_singletons(struct derived *d, size_t count);

/* ---- look-ups ---- */

static inline const struct uuid *derived_id(const struct derived *d, size_t effective)
{
    return &d->effectives[effective].original->id;
}

/* The effective record of that original's id, NONE when there is none. */
size_t derived_find_effective(const struct derived *d, const struct uuid *id);
/* In an array sorted by id; NULL: not there. */
const struct fact_record *derived_find_record(const struct fact_record **records, size_t count,
                                              const struct uuid *id);
/* The original a decision means by id (corrections and supplements stand for their target); NULL:
 * unknown. */
const struct fact_record *derived_find_named(const struct derived *d, const struct uuid *id);
size_t derived_find_token(const struct derived *d, const struct fact_token *token);
/* The class that holds the token now; NONE. */
size_t derived_find_class(const struct derived *d, const struct fact_token *token);
/* The class of an identifier; NONE when it has no token or its tokens are not all of one class. */
size_t derived_class_of(const struct derived *d, const struct fact_identifier *identifier);
/* D3 resolve; class may be NONE. Nodes must be there. */
size_t derived_resolve(const struct derived *d, size_t class, int64_t at_us);
size_t derived_resolve_named(const struct derived *d, const struct fact_class *name);
const struct fact_policy *derived_policy_at(const struct derived *d, int64_t at_us);

/* ---- policies (policy.c) ---- */

/* The policy, or what of it holds at a record's site and channel. */
const struct fact_policy *policy_for_record(const struct fact_policy *policy,
                                            const struct effective *e);
/* The policy of a window whose last part this is. Without a severity table: see policy_severity.
   The part is a counting one. */
struct fact_policy policy_for_part(const struct derived *d, const struct part *part);
/* How severe a category is at a part, 0: unknown. */
int policy_severity(const struct derived *d, const struct part *part, struct slice category);
/* Whether an override holds for any record of the part. */
int policy_is_overridden(const struct derived *d, const struct part *part);

/* D5: how many classes of one kind may stand next to a node of another. */
int64_t shared_cap(const struct fact_linking *linking, uint32_t kind, uint32_t neighbour);

static inline int derived_is_outward(const struct effective *e)
{
    const struct fact_record *r = e->winner;
    int is_in_person = r->channel == FACT_CHANNEL_FACE_TO_FACE || r->channel == FACT_CHANNEL_VISIT;
    return !is_in_person &&
           (r->direction == FACT_DIRECTION_OUTBOUND || r->direction == FACT_DIRECTION_INTERNAL);
}

static inline int derived_is_anchor(const struct effective *e)
{
    return e->body == FACT_BODY_CONTACT && e->winner->outcome == FACT_OUTCOME_CONNECTED;
}

/* ---- the definitions, in order ---- */
void decisions_derive(struct derived *d);  /* §1.1: in force */
void effective_derive(struct derived *d);  /* D1 */
void class_derive(struct derived *d);      /* D2 */
void run_derive(struct derived *d);        /* D3 */
void evidence_derive(struct derived *d);   /* D4 */
void shared_derive(struct derived *d);     /* D5 */
void subject_derive(struct derived *d);    /* D6, D7, D9, proposals */
void occurrence_derive(struct derived *d); /* D8 */
void part_derive(struct derived *d);       /* D8: parts, verdicts */
void rules_derive(struct derived *d);      /* §3 */
void watch_derive(struct derived *d);      /* §3 */
void decisions_judge(struct derived *d);   /* which decisions mean nothing */

#endif
