/* One table for each enum, so that what is written is what is read. */
#include "services/common/history/history_names.h"

static const char *const DECISIONS[] = {
    [FACT_DECISION_VERDICT] = "verdict",
    [FACT_DECISION_LINK] = "link",
    [FACT_DECISION_SUPPRESS] = "suppress",
    [FACT_DECISION_PIN_SHARED] = "pin_shared",
    [FACT_DECISION_ATTACH] = "attach",
    [FACT_DECISION_SAME_OCCURRENCE] = "same_occurrence",
    [FACT_DECISION_MATTER] = "matter",
    [FACT_DECISION_RESTRICT] = "restrict",
    [FACT_DECISION_CONFIRM_PERSON] = "confirm_person",
    [FACT_DECISION_NOT_LISTABLE] = "not_listable",
    [FACT_DECISION_ACK] = "ack",
    [FACT_DECISION_REVOKE] = "revoke",
};

static const char *const VERDICTS[] = {
    [FACT_VERDICT_COMPLAINT] = "complaint",
    [FACT_VERDICT_SUSPECTED] = "suspected",
    [FACT_VERDICT_CONFIRMED] = "confirmed",
    [FACT_VERDICT_REJECTED] = "rejected",
};

static const char *const KINDS[] = {
    [FACT_KIND_HANDLE] = "handle", [FACT_KIND_MEMBER] = "member", [FACT_KIND_ACCOUNT] = "account",
    [FACT_KIND_PHONE] = "phone",   [FACT_KIND_MAIL] = "mail",     [FACT_KIND_VEHICLE] = "vehicle",
    [FACT_KIND_SNS] = "sns",       [FACT_KIND_NAME] = "name",
};

/* Numbers are the wire's. */
static const char *const CHANNELS[] = {
    [1] = "face_to_face", [2] = "phone", [3] = "visit", [4] = "mail",
    [5] = "chat",         [6] = "sns",   [7] = "other",
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *name_of(const char *const *names, size_t count, size_t index)
{
    return index < count && names[index] != NULL ? names[index] : "unknown";
}

/* count when there is none. */
static size_t index_of(const char *const *names, size_t count, struct slice name)
{
    size_t i = 0;
    while (i < count && (names[i] == NULL || !slice_is_equal(slice_str(names[i]), name)))
        i++;
    return i;
}

const char *history_decision_name(enum fact_decision_kind kind)
{
    return name_of(DECISIONS, COUNT(DECISIONS), kind);
}

int history_decision_find(struct slice name, enum fact_decision_kind *ret_kind)
{
    size_t i = index_of(DECISIONS, COUNT(DECISIONS), name);
    if (i == COUNT(DECISIONS))
        return 0;
    *ret_kind = (enum fact_decision_kind)i;
    return 1;
}

const char *history_verdict_name(enum fact_verdict verdict)
{
    return name_of(VERDICTS, COUNT(VERDICTS), verdict);
}

int history_verdict_find(struct slice name, enum fact_verdict *ret_verdict)
{
    size_t i = index_of(VERDICTS, COUNT(VERDICTS), name);
    if (i == COUNT(VERDICTS))
        return 0;
    *ret_verdict = (enum fact_verdict)i;
    return 1;
}

const char *history_kind_name(uint32_t kind)
{
    return name_of(KINDS, COUNT(KINDS), kind);
}

int history_kind_find(struct slice name, uint32_t *ret_kind)
{
    size_t i = index_of(KINDS, COUNT(KINDS), name);
    if (i == COUNT(KINDS))
        return 0;
    *ret_kind = (uint32_t)i;
    return 1;
}

const char *history_channel_name(uint32_t channel)
{
    return name_of(CHANNELS, COUNT(CHANNELS), channel);
}

int history_channel_find(struct slice name, uint32_t *ret_channel)
{
    size_t i = index_of(CHANNELS, COUNT(CHANNELS), name);
    if (i == COUNT(CHANNELS))
        return 0;
    *ret_channel = (uint32_t)i;
    return 1;
}
