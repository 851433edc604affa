#ifndef KASUMORI_CORRELATE_HAPPENING_H
#define KASUMORI_CORRELATE_HAPPENING_H

#include "services/common/correlate/identity.h"

/* D8 and §3: what happened, what counts. */
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

#endif
