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

struct dedup;

/* count_max: deliveries it will judge. NULL when the arena is full. Lives as long as the arena. */
struct dedup *dedup_new(struct arena *arena, size_t count_max) MUST_CHECK;

/* What is stored must be told before the first judgement, in three steps that each ask for what the
   one before found: the external keys of the deliveries; the records dedup_asks_record names; the
   corrections dedup_asks_correction names. RC_FULL for the arena. */
enum rc dedup_tell_external(struct dedup *dedup, const struct dedup_delivery *key,
                            const struct uuid *id) MUST_CHECK;
enum rc dedup_tell_record(struct dedup *dedup, const struct dedup_stored *stored) MUST_CHECK;
struct uuid dedup_asks_record(const struct dedup *dedup, const struct dedup_delivery *delivery);
/* 1 and *ret_id when a stored correction matters. */
int dedup_asks_correction(const struct dedup *dedup, const struct dedup_delivery *delivery,
                          struct uuid *ret_id);

/* Deliveries of one site in the order of its partition. RC_FULL for the arena. */
enum rc dedup_judge(struct dedup *dedup, const struct dedup_delivery *delivery,
                    struct dedup_outcome *ret_outcome) MUST_CHECK;

#endif
