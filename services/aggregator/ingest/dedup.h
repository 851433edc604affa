#ifndef KASUMORI_INGEST_DEDUP_H
#define KASUMORI_INGEST_DEDUP_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/uuid.h"

/* What a delivery is to what is stored: pure, one delivery after the other in log order. A delivery
   is named by (record id, revision); an external id that names a stored record takes the place of
   the id. The same name with the same body is a duplicate, with another body a conflict; a new
   revision of a known id is stored as a correction of it. Each outcome is part of what later
   deliveries meet, so a batch cut anywhere gives the same outcomes. */
enum { DEDUP_HASH_BYTES = 16 };

enum {
    DEDUP_KIND_CONTACT = 1,
    DEDUP_KIND_INCIDENT = 2,
    DEDUP_KIND_SUPPLEMENT = 3,
    DEDUP_KIND_CORRECTION = 4,
};

struct dedup_delivery {
    const char *tenant;
    const char *site;
    const char *source;
    struct uuid id;
    int64_t revision;
    int kind; /* DEDUP_KIND_… */
    int has_target;
    struct uuid target; /* of a supplement or a correction */
    int has_external;
    uint8_t external_hash[DEDUP_HASH_BYTES];
    uint8_t body_hash[DEDUP_HASH_BYTES];
};

/* A row of kasumori.record, as far as it matters here. */
struct dedup_stored {
    const char *tenant;
    const char *site;
    struct uuid id;
    int64_t revision;
    int kind;
    struct uuid target;
    uint8_t body_hash[DEDUP_HASH_BYTES];
};

enum dedup_verdict {
    DEDUP_VERDICT_NEW,       /* store under its own id */
    DEDUP_VERDICT_REVISION,  /* store as a correction */
    DEDUP_VERDICT_DUPLICATE, /* nothing new */
    DEDUP_VERDICT_CONFLICT,  /* same name, other body: the first one wins */
    DEDUP_VERDICT_ARCHIVED,  /* of a record that is not stored any more */
};

struct dedup_outcome {
    enum dedup_verdict verdict;
    struct uuid row_id;   /* NEW, REVISION: id of the row to store */
    struct uuid target;   /* REVISION: record the correction names */
    int adds_external;    /* the external id is unknown and now names original */
    struct uuid original; /* the id that the delivery is about */
    const char *reason;   /* CONFLICT, ARCHIVED: one sentence, static */
};

/* An id whose row has to be looked up. */
struct dedup_need {
    const char *tenant;
    struct uuid id;
};

struct dedup;

/* count_max: deliveries it will judge. NULL when the arena is full. Lives as long as the arena, and
   borrows the deliveries as long. */
struct dedup *dedup_new(struct arena *arena, size_t count_max) MUST_CHECK;

/* Which stored record the delivery's external key names, told before anything is judged. RC_FULL
   for the arena, as all below. */
enum rc dedup_tell_external(struct dedup *dedup, const struct dedup_delivery *delivery,
                            const struct uuid *id) MUST_CHECK;
/* Notes the id that the delivery is surely about as a need, so that the first round finds it told.
 */
enum rc dedup_expect(struct dedup *dedup, const struct dedup_delivery *delivery) MUST_CHECK;

/* Judging goes in rounds. A round judges all deliveries, of one site in the order of its partition;
   an id that was never needed before is taken as not stored and noted. While a round leaves needs,
   look them up, tell which are stored, and begin another; the outcomes of a round without needs
   count. */
void dedup_begin(struct dedup *dedup);
enum rc dedup_judge(struct dedup *dedup, const struct dedup_delivery *delivery,
                    struct dedup_outcome *ret_outcome) MUST_CHECK;
/* Since dedup_begin, or since dedup_new. Valid until dedup_begin. */
const struct dedup_need *dedup_needs(const struct dedup *dedup, size_t *ret_count);
enum rc dedup_tell_record(struct dedup *dedup, const struct dedup_stored *stored) MUST_CHECK;

#endif
