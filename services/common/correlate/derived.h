#ifndef KASUMORI_CORRELATE_DERIVED_H
#define KASUMORI_CORRELATE_DERIVED_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/correlate/facts.h"

/* The derived values while they are computed and afterwards: one struct, filled definition by
   definition, each file reading what those before it wrote. References between arrays are indices;
   NONE is no index. */
#define NONE SIZE_MAX

enum { MENTION_CLASSES_MAX = 8 };

/* D1 */
struct effective {
    const struct fact_record *original;
    const struct fact_record *winner;       /* the original or a correction */
    enum fact_body body;                    /* contact or incident; supplement while folding */
    const struct fact_record **supplements; /* originals, by id */
    size_t supplements_count;
    struct fact_person *persons;
    size_t persons_count;
    struct slice *categories;
    size_t categories_count;
    struct fact_answer *answers;
    size_t answers_count;
    struct slice *matters;
    size_t matters_count;
    size_t occurrence;
    size_t a_component; /* D8 (a): representative */
};

/* D2 */
struct class
{
    size_t *tokens; /* indices into tokens, ascending */
    size_t tokens_count;
    uint32_t kind;
    size_t first_sighting, sightings_count; /* in sightings, by start */
    size_t first_node, nodes_count;         /* in nodes, by start */
};

struct alarm {
    int is_conflict; /* else a void alias */
    const size_t *tokens;
    size_t tokens_count;
};

/* D3 */
struct mention {
    size_t effective;
    uint32_t ordinal;
    const struct fact_person *person; /* NULL: never */
    int is_live;
    size_t classes[MENTION_CLASSES_MAX]; /* linking, in order */
    size_t nodes[MENTION_CLASSES_MAX];   /* of a live mention */
    size_t classes_count;
    size_t owner;   /* node, D7 */
    size_t subject; /* subject, D6 */
};

struct sighting {
    size_t class;
    int64_t start_us;
    size_t mention;
};

struct node {
    size_t class;
    int64_t first_us, last_us;
    size_t first_sighting, sightings_count;
    int is_shared;
    int is_switchboard;
    int has_pin;
    int is_overgrown;
    size_t subject; /* NONE when shared */
};

/* D4: a < b */
struct edge {
    size_t a, b;
    const size_t *effectives; /* ascending, no doubles */
    size_t effectives_count;
    const int64_t *decisions;
    size_t decisions_count;
    int is_suppressed;
};

/* D6, D9 */
struct subject_name {
    const struct uuid *record;
    uint32_t ordinal;
    const struct fact_token *token;
};

struct subject {
    size_t node; /* one of them */
    struct subject_name name;
};

/* D8 */
struct part {
    size_t occurrence;
    size_t subject;
    const size_t *effectives; /* ascending */
    size_t effectives_count;
    int is_counting; /* has a record that is not outward */
    int64_t start_us;
    int has_incident;
    const struct slice *sites; /* sorted, no doubles */
    size_t sites_count;
    const struct slice *matters; /* sorted, no doubles */
    size_t matters_count;
    int severity; /* 0: unknown */
    int64_t talk_us;
};

enum occurrence_state {
    OCCURRENCE_STATE_OPEN,
    OCCURRENCE_STATE_INNOCENT,
    OCCURRENCE_STATE_DISPUTED,
};

struct occurrence {
    const size_t *effectives; /* ascending: the first names it */
    size_t effectives_count;
    enum occurrence_state state;
    size_t first_part, parts_count; /* in parts, by subject's name */
};

/* §3 */
enum rule {
    RULE_CONFINEMENT,
    RULE_REPETITION,
    RULE_REPEAT_MATTER,
    RULE_CROSS_SITE,
    RULE_ESCALATION,
    RULE_COUNT,
};

struct finding {
    enum rule rule;
    size_t subject;
    struct slice matter;
    const size_t *parts; /* in list order */
    size_t parts_count;
    uint8_t id[16];
};

struct notice {
    enum rule rule;
    size_t effective;
    size_t subject; /* or NONE */
    struct slice matter;
};

struct watch_entry {
    const struct fact_decision *decision;
    size_t class;
};

enum review_kind {
    REVIEW_KIND_TELLS_NOBODY,
    REVIEW_KIND_JOINED,
    REVIEW_KIND_RETRACTED,
    REVIEW_KIND_WATCH,
};

struct review {
    enum review_kind kind;
    size_t occurrence;         /* or NONE */
    const struct uuid *record; /* not WATCH */
    const struct fact_decision *decision;
    size_t class;       /* WATCH */
    const char *reason; /* WATCH */
};

struct proposal {
    int is_switchboard;
    size_t mention;
    const struct fact_token *token;
    size_t node;
};

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

    const struct fact_record **originals; /* contacts, incidents, supplements by id */
    size_t originals_count;
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
