/* §3: windows, episodes, findings and notices. */
#include "services/common/correlate/steps.h"

#include <string.h>

#include "services/common/correlate/rule.h"
#include "services/common/mac/mac.h"

/* A list of (rule, S) or (S, m): parts by (start, occurrence). */
struct list {
    const size_t *parts;
    size_t count;
    size_t subject;
    struct slice matter;
};

static const struct part *part_at(const struct derived *d, const struct list *list, size_t i)
{
    return &d->parts.items[list->parts[i]];
}

static int is_counted(const struct derived *d, const struct part *part)
{
    return part->is_counting && d->occurrences[part->occurrence].state == OCCURRENCE_STATE_OPEN;
}

/* ---- windows: is [at, at + size) one, and does it qualify ---- */

static int is_confinement(const struct derived *d, const struct list *list, size_t at)
{
    const struct part *part = part_at(d, list, at);
    return part->talk_us >= policy_for_part(d, part).confinement_talk_us;
}

static int64_t span_us(const struct derived *d, const struct list *list, size_t at, size_t size)
{
    return part_at(d, list, at + size - 1)->start_us - part_at(d, list, at)->start_us;
}

static struct fact_policy window_policy(const struct derived *d, const struct list *list, size_t at,
                                        size_t size)
{
    return policy_for_part(d, part_at(d, list, at + size - 1));
}

static int is_repetition(const struct derived *d, const struct list *list, size_t at)
{
    return span_us(d, list, at, 3) <= window_policy(d, list, at, 3).repetition_window_us;
}

static int is_matter_window(const struct derived *d, const struct list *list, size_t at)
{
    return span_us(d, list, at, 3) <= window_policy(d, list, at, 3).matter_window_us;
}

static int has_incident(const struct derived *d, const struct list *list, size_t at)
{
    for (size_t i = at; i < at + 3; i++)
        if (part_at(d, list, i)->has_incident)
            return 1;
    return 0;
}

static int is_repeat_matter(const struct derived *d, const struct list *list, size_t at)
{
    return is_matter_window(d, list, at) && has_incident(d, list, at);
}

static int is_cross_site(const struct derived *d, const struct list *list, size_t at)
{
    const struct part *a = part_at(d, list, at), *b = part_at(d, list, at + 1);
    struct fact_policy policy = window_policy(d, list, at, 2);
    int64_t sites = (int64_t)a->sites_count;
    for (size_t i = 0; i < b->sites_count; i++) {
        int is_new = 1;
        for (size_t k = 0; k < a->sites_count; k++)
            is_new &= derived_slice_compare(a->sites[k], b->sites[i]) != 0;
        sites += is_new;
    }
    return sites >= policy.cross_site_sites &&
           span_us(d, list, at, 2) <= policy.cross_site_window_us;
}

static int is_escalation_rise(const struct derived *d, const struct list *list, size_t at)
{
    int a = part_at(d, list, at)->severity, b = part_at(d, list, at + 1)->severity;
    int c = part_at(d, list, at + 2)->severity;
    return a > 0 && a < b && b < c &&
           span_us(d, list, at, 3) <= window_policy(d, list, at, 3).escalation_window_us;
}

static int is_escalation_grave(const struct derived *d, const struct list *list, size_t at)
{
    struct fact_policy policy = window_policy(d, list, at, 2);
    return part_at(d, list, at + 1)->severity >= policy.escalation_severity &&
           span_us(d, list, at, 2) <= policy.escalation_window_us;
}

struct window {
    size_t size;
    int (*qualifies)(const struct derived *d, const struct list *list, size_t at);
};

enum { WINDOWS_MAX = 2 };

static const struct window WINDOWS[RULE_COUNT][WINDOWS_MAX] = {
    [RULE_CONFINEMENT] = {{1, is_confinement}},
    [RULE_REPETITION] = {{3, is_repetition}},
    [RULE_REPEAT_MATTER] = {{3, is_repeat_matter}},
    [RULE_CROSS_SITE] = {{2, is_cross_site}},
    [RULE_ESCALATION] = {{3, is_escalation_rise}, {2, is_escalation_grave}},
};

/* ---- episodes and findings ---- */

/* The least (record, ordinal) by which the episode's first part mentions the subject. */
static void first_mention(const struct derived *d, const struct part *part,
                          const struct uuid **ret_record, uint32_t *ret_ordinal)
{
    *ret_record = derived_id(d, part->effectives[0]);
    *ret_ordinal = 0;
    int is_found = 0;
    size_t at = 0;
    for (size_t m = 0; m < d->mentions_count; m++) { /* mentions go by record */
        const struct mention *mention = &d->mentions[m];
        while (at < part->effectives_count && part->effectives[at] < mention->effective)
            at++;
        if (at == part->effectives_count || part->effectives[at] != mention->effective ||
            mention->subject != part->subject)
            continue;
        int is_same_record = is_found && *ret_record == derived_id(d, mention->effective);
        if (!is_found || (is_same_record && mention->ordinal < *ret_ordinal)) {
            *ret_record = derived_id(d, mention->effective);
            *ret_ordinal = mention->ordinal;
            is_found = 1;
        }
    }
}

static void make_id(struct derived *d, struct finding *finding)
{
    const struct uuid *record;
    uint32_t ordinal;
    const char *rule = rule_name(finding->rule);
    size_t size = strlen(rule) + 1 + finding->matter.size + 1 + UUID_BYTES + 4;
    uint8_t *text = derived_take(d, size, 1);
    uint8_t *at = text + strlen(rule) + 1;
    uint8_t digest[MAC_SHA256_BYTES];
    memcpy(text, rule, strlen(rule));
    if (finding->matter.size > 0)
        memcpy(at, finding->matter.data, finding->matter.size);
    at += finding->matter.size + 1;
    first_mention(d, &d->parts.items[finding->parts[0]], &record, &ordinal);
    memcpy(at, record->bytes, UUID_BYTES);
    for (int i = 0; i < 4; i++)
        at[UUID_BYTES + i] = (uint8_t)(ordinal >> (24 - 8 * i));
    mac_sha256(slice_of(text, size), digest);
    memcpy(finding->id, digest, sizeof(finding->id));
}

static void find_episodes(struct derived *d, const struct list *list, enum rule rule)
{
    uint8_t *is_inside =
        derived_take(d, list->count, 1); /* 1: in a window, 2: and with the one before */
    for (size_t w = 0; w < WINDOWS_MAX; w++) {
        const struct window *window = &WINDOWS[rule][w];
        for (size_t at = 0; window->size > 0 && at + window->size <= list->count; at++) {
            if (!window->qualifies(d, list, at))
                continue;
            is_inside[at] |= 1;
            for (size_t i = at + 1; i < at + window->size; i++)
                is_inside[i] |= 3;
        }
    }
    for (size_t at = 0; at < list->count; at++) {
        if (!is_inside[at])
            continue;
        size_t end = at + 1;
        while (end < list->count && (is_inside[end] & 2))
            end++;
        struct finding finding = {.rule = rule,
                                  .subject = list->subject,
                                  .matter = list->matter,
                                  .parts = list->parts + at,
                                  .parts_count = end - at};
        make_id(d, &finding);
        VECTOR_PUSH(d, &d->findings, finding);
        at = end - 1;
    }
}

/* ---- lists ---- */

static int compare_parts(const void *a, const void *b, const struct derived *d)
{
    const struct part *x = &d->parts.items[*(const size_t *)a];
    const struct part *y = &d->parts.items[*(const size_t *)b];
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return x->occurrence < y->occurrence ? -1 : x->occurrence > y->occurrence;
}

/* t(S, m): the least time of a final answer on m in any of the parts, INT64_MAX: none. */
static int64_t answered_us(const struct derived *d, const size_t *parts, size_t count,
                           struct slice matter)
{
    int64_t least_us = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct part *part = &d->parts.items[parts[i]];
        for (size_t k = 0; k < part->effectives_count; k++) {
            const struct effective *e = &d->effectives[part->effectives[k]];
            for (size_t a = 0; a < e->answers_count; a++) {
                const struct fact_answer *answer = &e->answers[a];
                int is_on_it =
                    answer->matter.size > 0 && derived_slice_compare(answer->matter, matter) == 0;
                for (size_t m = 0; answer->matter.size == 0 && m < e->matters_count; m++)
                    is_on_it |= derived_slice_compare(e->matters[m], matter) == 0;
                if (answer->is_final && is_on_it && answer->recorded_at_us < least_us)
                    least_us = answer->recorded_at_us;
            }
        }
    }
    return least_us;
}

static int has_matter(const struct part *part, struct slice matter)
{
    for (size_t i = 0; i < part->matters_count; i++)
        if (derived_slice_compare(part->matters[i], matter) == 0)
            return 1;
    return 0;
}

/* The last contact of a part that counts, by (start, id). */
static size_t last_contact(const struct derived *d, const struct part *part)
{
    size_t last = NONE;
    for (size_t i = 0; i < part->effectives_count; i++) {
        size_t index = part->effectives[i];
        const struct effective *e = &d->effectives[index];
        if (e->body != FACT_BODY_CONTACT || derived_is_outward(e))
            continue;
        if (last == NONE || e->winner->start_us >= d->effectives[last].winner->start_us)
            last = index;
    }
    return last;
}

static void notice_matter(struct derived *d, const struct list *list)
{
    for (size_t at = 0; at + 3 <= list->count; at++) {
        if (!is_matter_window(d, list, at) || has_incident(d, list, at))
            continue;
        size_t contact = last_contact(d, part_at(d, list, at + 2));
        if (contact != NONE)
            VECTOR_PUSH(d, &d->notices,
                        (struct notice){RULE_REPEAT_MATTER, contact, list->subject, list->matter});
    }
}

static void judge_matter(struct derived *d, const size_t *parts, size_t count, struct slice matter)
{
    int64_t from_us = answered_us(d, parts, count, matter);
    size_t *listed = derived_take(d, count, sizeof(*listed));
    struct list list = {
        .parts = listed, .subject = d->parts.items[parts[0]].subject, .matter = matter};
    for (size_t i = 0; i < count; i++) {
        const struct part *part = &d->parts.items[parts[i]];
        if (is_counted(d, part) && part->start_us > from_us && has_matter(part, matter))
            listed[list.count++] = parts[i];
    }
    find_episodes(d, &list, RULE_REPEAT_MATTER);
    notice_matter(d, &list);
}

static void judge_matters(struct derived *d, const size_t *parts, size_t count)
{
    size_t most = 0, kept = 0;
    for (size_t i = 0; i < count; i++)
        most += d->parts.items[parts[i]].matters_count;
    struct slice *matters = derived_take(d, most, sizeof(*matters));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < d->parts.items[parts[i]].matters_count; k++)
            matters[kept++] = d->parts.items[parts[i]].matters[k];
    kept = derived_slice_set(d, matters, kept);
    for (size_t i = 0; i < kept; i++)
        judge_matter(d, parts, count, matters[i]);
}

/* All parts of one subject, by (start, occurrence). */
static void judge_subject(struct derived *d, const size_t *parts, size_t count)
{
    size_t *incidents = derived_take(d, count, sizeof(*incidents));
    struct list list = {.parts = incidents, .subject = d->parts.items[parts[0]].subject};
    for (size_t i = 0; i < count; i++)
        if (is_counted(d, &d->parts.items[parts[i]]) && d->parts.items[parts[i]].has_incident)
            incidents[list.count++] = parts[i];
    find_episodes(d, &list, RULE_CONFINEMENT);
    find_episodes(d, &list, RULE_REPETITION);
    find_episodes(d, &list, RULE_CROSS_SITE);
    find_episodes(d, &list, RULE_ESCALATION);
    judge_matters(d, parts, count);
}

/* ---- notices on single calls ---- */

/* The only subject a record tells about; NONE when there is none or more. */
static size_t subject_of(const struct derived *d, size_t occurrence, size_t effective)
{
    const struct occurrence *o = &d->occurrences[occurrence];
    size_t subject = NONE;
    for (size_t p = o->first_part; p < o->first_part + o->parts_count; p++)
        for (size_t i = 0; i < d->parts.items[p].effectives_count; i++) {
            if (d->parts.items[p].effectives[i] != effective)
                continue;
            if (subject != NONE)
                return NONE;
            subject = d->parts.items[p].subject;
        }
    return subject;
}

static void notice_calls(struct derived *d)
{
    for (size_t o = 0; o < d->occurrences_count; o++) {
        const struct occurrence *occurrence = &d->occurrences[o];
        int has_one = 0;
        for (size_t i = 0; i < occurrence->effectives_count; i++)
            has_one |= d->effectives[occurrence->effectives[i]].body == FACT_BODY_INCIDENT;
        if (has_one || occurrence->state != OCCURRENCE_STATE_OPEN)
            continue;
        for (size_t i = 0; i < occurrence->effectives_count; i++) {
            size_t index = occurrence->effectives[i];
            const struct effective *e = &d->effectives[index];
            const struct fact_policy *policy =
                policy_for_record(derived_policy_at(d, e->winner->start_us), e);
            if (derived_is_anchor(e) && !derived_is_outward(e) &&
                e->winner->talk_us + e->winner->hold_us >= policy->confinement_talk_us)
                VECTOR_PUSH(d, &d->notices,
                            (struct notice){RULE_CONFINEMENT, index, subject_of(d, o, index),
                                            slice_of(NULL, 0)});
        }
    }
}

void rules_derive(struct derived *d)
{
    size_t count = d->parts.count;
    size_t *parts = derived_take(d, count, sizeof(*parts));
    for (size_t i = 0; i < count; i++)
        parts[i] = i;
    derived_sort(d, parts, count, sizeof(*parts), compare_parts);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count &&
               d->parts.items[parts[end]].subject == d->parts.items[parts[i]].subject)
            end++;
        judge_subject(d, parts + i, end - i);
        i = end;
    }
    notice_calls(d);
}
