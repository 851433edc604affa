/* Whether a decision means anything as the facts stand.
   Invariant: the judge is the core itself (struct derived's is_inert); this file only says in words
   what it found, and refuses what the core would take in part. */
#include <inttypes.h>

#include "services/cli/decide.h"
#include "services/common/base/uuid.h"
#include "services/common/correlate/steps.h"

static enum rc check_record(const struct derived *d, const struct uuid *id, struct err *err)
{
    char text[UUID_TEXT_BYTES];
    const struct fact_record *named = derived_find_named(d, id);
    uuid_format(id, text);
    if (named == NULL)
        return err_set(err, RC_REJECT, "record %s is not known", text);
    if (derived_find_effective(d, &named->id) == NONE)
        return err_set(err, RC_REJECT, "record %s is retracted or training", text);
    return RC_OK;
}

static enum rc resolve_class(const struct derived *d, const struct naming_class *name,
                             struct fact_class *ret_class, struct err *err)
{
    char text[NAMING_TOKEN_BYTES];
    struct fact_class found = {.at_us = name->at_us};
    enum rc rc = naming_find_token(d, &name->token, &found.token, err);
    if (rc != RC_OK)
        return rc;
    size_t class = derived_find_class(d, &found.token);
    naming_format_token(&found.token, text);
    if (class == NONE || d->classes[class].sightings_count == 0)
        return err_set(err, RC_REJECT, "%s names nobody: no record links by it", text);
    *ret_class = found;
    return RC_OK;
}

static enum rc check_revoked(const struct derived *d, int64_t no, struct err *err)
{
    for (size_t i = 0; i < d->decisions_count; i++)
        if (d->decisions[i]->no == no)
            return d->is_in_force[i]
                       ? RC_OK
                       : err_set(err, RC_REJECT, "decision %" PRId64 " is revoked already", no);
    return err_set(err, RC_REJECT, "there is no decision %" PRId64, no);
}

enum rc decide_resolve(const struct derived *d, struct decide *decide, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < decide->fact.records_count; i++)
        rc = check_record(d, &decide->records[i], err);
    for (size_t i = 0; rc == RC_OK && i < decide->classes_count; i++)
        rc = resolve_class(d, &decide->names[i], &decide->classes[i], err);
    if (rc == RC_OK && decide->fact.kind == FACT_DECISION_REVOKE)
        rc = check_revoked(d, decide->fact.revoked_no, err);
    decide->fact.classes_count = decide->classes_count;
    return rc;
}

/* ---- why the core calls it inert ---- */

/* A class that was not seen near the time named; NONE: all were. */
static size_t find_unseen(const struct derived *d, const struct fact_decision *decision)
{
    for (size_t i = 0; i < decision->classes_count; i++)
        if (derived_resolve_named(d, &decision->classes[i]) == NONE)
            return i;
    return NONE;
}

static const char *reason_of(const struct fact_decision *decision)
{
    switch (decision->kind) {
    case FACT_DECISION_LINK:
        return "both classes are the same";
    case FACT_DECISION_SUPPRESS:
        return "nothing links these two classes";
    case FACT_DECISION_ATTACH:
        return "the record has no subject of that ordinal whom a handle could be given";
    case FACT_DECISION_VERDICT:
    case FACT_DECISION_PIN_SHARED:
    case FACT_DECISION_SAME_OCCURRENCE:
    case FACT_DECISION_MATTER:
    case FACT_DECISION_RESTRICT:
    case FACT_DECISION_CONFIRM_PERSON:
    case FACT_DECISION_NOT_LISTABLE:
    case FACT_DECISION_ACK:
    case FACT_DECISION_REVOKE:
        break;
    }
    return "the decision would mean nothing";
}

enum rc decide_judge(const struct derived *d, const struct fact_decision *decision, struct err *err)
{
    char text[NAMING_TOKEN_BYTES];
    size_t newest = d->decisions_count - 1;
    if (!d->is_inert[newest])
        return RC_OK;
    int needs_time =
        decision->kind == FACT_DECISION_LINK || decision->kind == FACT_DECISION_PIN_SHARED;
    size_t unseen = needs_time ? find_unseen(d, decision) : NONE;
    if (unseen == NONE)
        return err_set(err, RC_REJECT, "%s", reason_of(decision));
    naming_format_token(&decision->classes[unseen].token, text);
    return err_set(err, RC_REJECT, "%s was not seen near that time", text);
}
