#ifndef KASUMORI_CORRELATE_FACTS_H
#define KASUMORI_CORRELATE_FACTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"
#include "services/common/correlate/fact_policy.h"

/* What the correlator reads: docs/correlation.md §1 as structs. One tenant. All memory is the
   giver's and stays until the derived values are no longer used. Numbers of kinds, roles, channels
   are the wire's. Times are microseconds since 1970 UTC, durations microseconds; empty slices are
   absent. */
enum {
    FACT_MAC_BYTES = 16,
    FACT_KINDS = 16, /* identifier kinds are below */

    FACT_KIND_HANDLE = 1,
    FACT_KIND_MEMBER = 2,
    FACT_KIND_ACCOUNT = 3,
    FACT_KIND_PHONE = 4,
    FACT_KIND_MAIL = 5,
    FACT_KIND_VEHICLE = 6,
    FACT_KIND_SNS = 7,
    FACT_KIND_NAME = 8,

    FACT_ROLE_SUBJECT = 1,
    FACT_ASSURANCE_TYPED = 1,
    FACT_CHANNEL_FACE_TO_FACE = 1,
    FACT_CHANNEL_VISIT = 3,
    FACT_DIRECTION_NONE = 0,
    FACT_DIRECTION_INBOUND = 1,
    FACT_DIRECTION_OUTBOUND = 2,
    FACT_DIRECTION_INTERNAL = 3,
    FACT_OUTCOME_CONNECTED = 1,
    FACT_OUTCOME_ABANDONED = 2,
    FACT_OUTCOME_BUSY = 3,
};

/* kasumori.record.kind and .replaces */
enum fact_body {
    FACT_BODY_RETRACTION = 0, /* only as what a correction replaces by */
    FACT_BODY_CONTACT = 1,
    FACT_BODY_INCIDENT = 2,
    FACT_BODY_SUPPLEMENT = 3,
    FACT_BODY_CORRECTION = 4, /* only as a record's kind */
};

struct fact_token {
    uint32_t kind;
    uint32_t key_id;
    uint8_t mac[FACT_MAC_BYTES];
};

static inline int fact_token_compare(const struct fact_token *a, const struct fact_token *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->key_id != b->key_id)
        return a->key_id < b->key_id ? -1 : 1;
    return memcmp(a->mac, b->mac, FACT_MAC_BYTES);
}

struct fact_identifier {
    uint32_t kind;
    uint32_t assurance;
    const struct fact_token *tokens;
    size_t tokens_count;
};

struct fact_person {
    uint32_t role;
    uint32_t ordinal;
    const struct fact_identifier *identifiers;
    size_t identifiers_count;
};

struct fact_answer {
    struct slice matter;
    int64_t recorded_at_us;
    int is_final;
};

struct fact_record {
    struct uuid id;
    enum fact_body kind;
    enum fact_body replaces; /* of a correction */
    struct uuid target;      /* of supplements and corrections */
    struct slice site;
    struct slice concerned_site;
    int64_t start_us, end_us, recorded_at_us;
    uint32_t channel, direction, outcome;
    int is_training;
    int64_t revision;
    struct slice matter, ref;
    int64_t talk_us, hold_us;
    int64_t appended_us;            /* LogAppendTime */
    int64_t staff_minutes;          /* of an incident body, lost */
    const struct slice *categories; /* scheme:version:code */
    const struct fact_answer *answers;
    const struct fact_person *persons;
    size_t categories_count, answers_count, persons_count;
};

enum fact_decision_kind {
    FACT_DECISION_VERDICT,
    FACT_DECISION_LINK,
    FACT_DECISION_SUPPRESS,
    FACT_DECISION_PIN_SHARED,
    FACT_DECISION_ATTACH,
    FACT_DECISION_SAME_OCCURRENCE,
    FACT_DECISION_MATTER,
    FACT_DECISION_RESTRICT,
    FACT_DECISION_CONFIRM_PERSON,
    FACT_DECISION_NOT_LISTABLE,
    FACT_DECISION_ACK,
    FACT_DECISION_REVOKE,
};

enum fact_verdict {
    FACT_VERDICT_COMPLAINT,
    FACT_VERDICT_SUSPECTED,
    FACT_VERDICT_CONFIRMED,
    FACT_VERDICT_REJECTED,
};

/* A class by one of its tokens and the start of the sighting looked at. */
struct fact_class {
    struct fact_token token;
    int64_t at_us;
};

struct fact_decision {
    int64_t no; /* > 0 */
    enum fact_decision_kind kind;
    enum fact_verdict verdict;
    int is_yes;                 /* pin_shared */
    int64_t revoked_no;         /* revoke */
    const struct uuid *records; /* verdict, same_occurrence, matter, ack; attach: one */
    size_t records_count;
    const struct fact_class *classes; /* link, suppress: two; pin_shared: one; watch kinds: all */
    size_t classes_count;
    uint32_t ordinal;               /* attach */
    uint8_t handle[FACT_MAC_BYTES]; /* attach */
    struct slice name;              /* matter's name, ack's rule */
    const struct slice *scope;      /* restrict, confirm_person: sites; none: the chain */
    size_t scope_count;
    int64_t until_us; /* 0: none */
    int64_t made_us;
    struct slice made_by, second_by;
};

struct fact_cap {
    uint32_t kind, neighbour_kind;
    int64_t cap;
};

struct fact_linking {
    uint8_t is_linking[FACT_KINDS]; /* by kind */
    int64_t expiry_us[FACT_KINDS];
    int64_t subject_nodes_max; /* N */
    int64_t gap_us, gap_attempt_us;
    int64_t overlap_us;
    int64_t pairs; /* of a switchboard */
    int64_t cap;   /* others */
    const struct fact_cap *caps;
    const struct fact_token *shared;
    size_t caps_count, shared_count;
};

/* Tokens of one class, ascending, of which not all records need be here: that they are one class is
   told, and of one that links whether its node is a switchboard. */
struct fact_hub {
    const struct fact_token *tokens;
    size_t tokens_count;
    int is_linking;
    int is_switchboard;
};

struct facts {
    const struct fact_record *records;     /* ids differ */
    const struct fact_decision *decisions; /* numbers differ */
    const struct fact_policy *policies;
    size_t records_count, decisions_count, policies_count;
    const struct fact_hub *hubs; /* of a closed set; all facts have none */
    size_t hubs_count;
    struct fact_linking linking;
    int has_tick;
    int64_t as_of_us; /* greatest tick */
};

/* The built-in policy and linking policy (docs/correlation.md, tests/model/README.md). */
extern const struct fact_policy facts_policy_standard;
extern const struct fact_linking facts_linking_standard;

#endif
