#ifndef KASUMORI_CORRELATE_DERIVED_H
#define KASUMORI_CORRELATE_DERIVED_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/correlate/happening.h"

/* The derived values while they are computed and afterwards: one struct, filled definition by
   definition, each file reading what those before it wrote. */

/* A growing array in the arena; see steps.h. */
#define VECTOR(type)            \
    struct {                    \
        type *items;            \
        size_t count, capacity; \
    }

struct derived {
    const struct facts *facts;
    struct arena *arena;
    jmp_buf full; /* where the arena's end leads; there is nothing to release on the way */

    const struct fact_record **originals;   /* contacts, incidents, supplements by id */
    const struct fact_record **corrections; /* by id */
    size_t originals_count, corrections_count;
    const struct fact_decision **decisions; /* by number */
    size_t decisions_count;
    uint8_t *is_in_force; /* as decisions */
    uint8_t *is_inert;

    VECTOR(const struct fact_record *) inert, waiting;
    struct effective *effectives; /* by id */
    size_t effectives_count;

    struct fact_token *tokens; /* ascending, no doubles */
    size_t tokens_count;
    size_t *class_of;      /* as tokens */
    struct class *classes; /* by least token */
    size_t classes_count;
    VECTOR(struct alarm) alarms;

    struct mention *mentions; /* by effective, then as in the record */
    size_t mentions_count;
    struct sighting *sightings; /* by class, start, mention */
    size_t sightings_count;
    struct node *nodes; /* by class, start */
    size_t nodes_count;

    VECTOR(struct edge) edges; /* by a, b */
    struct subject *subjects;  /* by name */
    size_t subjects_count;
    VECTOR(struct proposal) proposals;

    struct occurrence *occurrences; /* by name */
    size_t occurrences_count;
    VECTOR(struct part) parts;             /* by occurrence, subject */
    const struct fact_decision **verdicts; /* as effectives: the newest, or NULL */

    VECTOR(struct finding) findings;
    VECTOR(struct notice) notices;
    VECTOR(struct watch_entry) watch;
    VECTOR(struct review) reviews;
};

#endif
