/* Decisions and policies between steps. Invariant: a slot holds what one tenant's facts said at its
   versions, and facts are only ever added, so what is kept stays right. */
#include "services/aggregator/correlator/known.h"

#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/history/history.h"

enum { SLOTS = 16 };

struct slot {
    char tenant[LIMIT_NAME_BYTES + 1];
    int64_t used_at; /* of known.uses */
    struct arena *arena;
    struct known_versions versions;
    struct known_facts facts;
    const struct fact_decision **decisions;
};

struct known {
    struct slot slots[SLOTS];
    int64_t uses;
};

struct known *known_new(void)
{
    return mem_zalloc(sizeof(struct known));
}

static void forget(struct slot *slot)
{
    arena_free(slot->arena);
    *slot = (struct slot){0};
}

void known_free(struct known *known)
{
    if (known == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        forget(&known->slots[i]);
    mem_free(known);
}

/* The tenant's, else the one that was used longest ago. */
static struct slot *slot_of(struct known *known, const char *tenant)
{
    struct slot *oldest = &known->slots[0];
    for (size_t i = 0; i < SLOTS; i++) {
        if (strcmp(known->slots[i].tenant, tenant) == 0)
            return &known->slots[i];
        if (known->slots[i].used_at < oldest->used_at)
            oldest = &known->slots[i];
    }
    return oldest;
}

static enum rc add_decisions(struct slot *slot, const struct facts *more, struct err *err)
{
    size_t count = slot->facts.decisions_count + more->decisions_count;
    const struct fact_decision **all = arena_alloc(slot->arena, (count + 1) * sizeof(*all));
    if (all == NULL)
        return err_set(err, RC_FULL, "the decisions need more memory than may be kept");
    if (slot->facts.decisions_count > 0)
        memcpy(all, slot->decisions, slot->facts.decisions_count * sizeof(*all));
    for (size_t i = 0; i < more->decisions_count; i++) {
        const struct fact_decision *decision = &more->decisions[i];
        all[slot->facts.decisions_count + i] = decision;
        slot->facts.decision_no = decision->no;
    }
    slot->decisions = all;
    slot->facts.decisions = all;
    slot->facts.decisions_count = count;
    return neighbourhood_index_new(all, count, slot->arena, &slot->facts.index, err);
}

static enum rc read_more(struct slot *slot, struct db *db, const char *tenant,
                         const struct known_versions *versions, struct err *err)
{
    struct facts more;
    enum rc rc = history_load_others(db, tenant, slot->facts.decision_no, slot->arena, &more, err);
    if (rc == RC_OK)
        rc = add_decisions(slot, &more, err);
    if (rc != RC_OK)
        return rc;
    slot->facts.base = more;
    slot->facts.base.decisions = NULL;
    slot->facts.base.decisions_count = 0;
    slot->facts.base.has_tick = 0;
    slot->versions = *versions;
    return RC_OK;
}

static enum rc read_all(struct slot *slot, struct db *db, const char *tenant,
                        const struct known_versions *versions, struct err *err)
{
    forget(slot);
    slot->arena = arena_new(LIMIT_KNOWN_BYTES);
    if (slot->arena == NULL)
        return err_set(err, RC_RETRY, "out of memory for decisions");
    enum rc rc = read_more(slot, db, tenant, versions, err);
    if (rc == RC_OK)
        memcpy(slot->tenant, tenant, strlen(tenant) + 1);
    else
        forget(slot);
    return rc;
}

enum rc known_get(struct known *known, struct db *db, const char *tenant,
                  const struct known_versions *versions, const struct known_facts **ret_facts,
                  struct err *err)
{
    struct slot *slot = slot_of(known, tenant);
    int is_kept = strcmp(slot->tenant, tenant) == 0 && slot->versions.policy == versions->policy &&
                  slot->versions.linking == versions->linking;
    enum rc rc = RC_OK;
    if (is_kept && slot->facts.decision_no < versions->decision_no) {
        rc = read_more(slot, db, tenant, versions, err);
        is_kept = rc != RC_FULL; /* of what was outgrown: read anew it may fit */
        if (rc != RC_OK)
            forget(slot);
    }
    if (!is_kept)
        rc = read_all(slot, db, tenant, versions, err);
    if (rc != RC_OK)
        return rc;
    slot->used_at = ++known->uses;
    *ret_facts = &slot->facts;
    return RC_OK;
}
