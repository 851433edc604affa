#ifndef KASUMORI_CORRELATE_IDENTITY_H
#define KASUMORI_CORRELATE_IDENTITY_H

#include "services/common/correlate/facts.h"

/* D1 to D6: who is who. References between arrays are indices; NONE is no index. */
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

#endif
