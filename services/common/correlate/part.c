/* D8: verdicts, whom records tell about, and the parts that rules count. */
#include "services/common/correlate/steps.h"

/* One record telling about one subject. */
struct telling {
    size_t occurrence;
    size_t subject;
    size_t effective;
};

struct tellings {
    VECTOR(struct telling) list;
};

struct interval {
    int64_t start_us, end_us;
};

static int compare_intervals(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    int64_t x = ((const struct interval *)a)->start_us, y = ((const struct interval *)b)->start_us;
    return x < y ? -1 : x > y;
}

static int64_t union_us(struct derived *d, struct interval *intervals, size_t count)
{
    int64_t total_us = 0, reached_us = INT64_MIN;
    derived_sort(d, intervals, count, sizeof(*intervals), compare_intervals);
    for (size_t i = 0; i < count; i++) {
        int64_t from_us = intervals[i].start_us > reached_us ? intervals[i].start_us : reached_us;
        if (intervals[i].end_us > from_us)
            total_us += intervals[i].end_us - from_us;
        if (intervals[i].end_us > reached_us)
            reached_us = intervals[i].end_us;
    }
    return total_us;
}

/* ---- verdicts ---- */

static void apply_verdicts(struct derived *d)
{
    d->verdicts = derived_take(d, d->effectives_count, sizeof(*d->verdicts));
    for (size_t i = 0; i < d->decisions_count; i++) { /* ascending: the newest stays */
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_VERDICT)
            continue;
        for (size_t k = 0; k < decision->records_count; k++) {
            const struct fact_record *named = derived_find_named(d, &decision->records[k]);
            size_t e = named == NULL ? NONE : derived_find_effective(d, &named->id);
            if (e != NONE)
                d->verdicts[e] = decision;
        }
    }
    for (size_t o = 0; o < d->occurrences_count; o++) {
        struct occurrence *occurrence = &d->occurrences[o];
        int has_innocent = 0, has_other = 0;
        for (size_t i = 0; i < occurrence->effectives_count; i++) {
            const struct fact_decision *verdict = d->verdicts[occurrence->effectives[i]];
            if (verdict == NULL)
                continue;
            int is_innocent = verdict->verdict == FACT_VERDICT_COMPLAINT ||
                              verdict->verdict == FACT_VERDICT_REJECTED;
            has_innocent |= is_innocent;
            has_other |= !is_innocent;
        }
        occurrence->state = has_innocent && has_other ? OCCURRENCE_STATE_DISPUTED
                            : has_innocent            ? OCCURRENCE_STATE_INNOCENT
                                                      : OCCURRENCE_STATE_OPEN;
    }
}

static int names(const struct derived *d, const struct fact_decision *decision, size_t effective)
{
    for (size_t k = 0; k < decision->records_count; k++) {
        const struct fact_record *named = derived_find_named(d, &decision->records[k]);
        if (named != NULL && uuid_compare(&named->id, derived_id(d, effective)) == 0)
            return 1;
    }
    return 0;
}

/* Records of an occurrence that one of its newest verdicts does not name. */
static void review_joined(struct derived *d)
{
    for (size_t o = 0; o < d->occurrences_count; o++) {
        const struct occurrence *occurrence = &d->occurrences[o];
        for (size_t i = 0; i < occurrence->effectives_count; i++) {
            const struct fact_decision *verdict = d->verdicts[occurrence->effectives[i]];
            for (size_t k = 0; verdict != NULL && k < occurrence->effectives_count; k++)
                if (!names(d, verdict, occurrence->effectives[k]))
                    VECTOR_PUSH(d, &d->reviews,
                                (struct review){.kind = REVIEW_KIND_JOINED,
                                                .occurrence = o,
                                                .record = derived_id(d, occurrence->effectives[k]),
                                                .decision = verdict});
        }
    }
}

static const struct fact_decision *newest_verdict(const struct derived *d,
                                                  const struct fact_record *record)
{
    for (size_t i = d->decisions_count; i-- > 0;) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_VERDICT)
            continue;
        for (size_t k = 0; k < decision->records_count; k++)
            if (derived_find_named(d, &decision->records[k]) == record)
                return decision;
    }
    return NULL;
}

/* Judged records that are no longer effective. */
static void review_retracted(struct derived *d)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_VERDICT)
            continue;
        for (size_t k = 0; k < decision->records_count; k++) {
            const struct fact_record *named = derived_find_named(d, &decision->records[k]);
            if (named != NULL && derived_find_effective(d, &named->id) == NONE &&
                newest_verdict(d, named) == decision)
                VECTOR_PUSH(d, &d->reviews,
                            (struct review){.kind = REVIEW_KIND_RETRACTED,
                                            .occurrence = NONE,
                                            .record = &named->id,
                                            .decision = decision});
        }
    }
}

/* ---- whom records tell about ---- */

static int compare_tellings(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct telling *x = a, *y = b;
    if (x->occurrence != y->occurrence)
        return x->occurrence < y->occurrence ? -1 : 1;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    return x->effective < y->effective ? -1 : x->effective > y->effective;
}

/* The only subject told about, by a record that is not outward; NONE when there is none. And how
   many are told about (0, 1, 2 for more). */
static size_t only_subject(const struct derived *d, const struct telling *first,
                           const struct telling *end, int *ret_count)
{
    int is_inward = 0;
    *ret_count = 0;
    for (const struct telling *t = first; t < end; t++) {
        is_inward |= !derived_is_outward(&d->effectives[t->effective]);
        *ret_count += *ret_count < 2 && (t == first || t[-1].subject != t->subject);
    }
    return *ret_count == 1 && is_inward ? first->subject : NONE;
}

/* Records without a subject of their own tell about the occurrence's only one. */
static void tell_by_occurrence(struct derived *d, struct tellings *tellings, const uint8_t *has_own)
{
    size_t own = tellings->list.count, at = 0;
    for (size_t o = 0; o < d->occurrences_count; o++) {
        const struct occurrence *occurrence = &d->occurrences[o];
        size_t end = at;
        int count;
        while (end < own && tellings->list.items[end].occurrence == o)
            end++;
        size_t only =
            only_subject(d, tellings->list.items + at, tellings->list.items + end, &count);
        at = end;
        for (size_t i = 0; i < occurrence->effectives_count; i++) {
            size_t e = occurrence->effectives[i];
            if (has_own[e])
                continue;
            if (only != NONE)
                VECTOR_PUSH(d, &tellings->list, (struct telling){o, only, e});
            else if (d->effectives[e].body == FACT_BODY_INCIDENT || count == 2)
                VECTOR_PUSH(d, &d->reviews,
                            (struct review){.kind = REVIEW_KIND_TELLS_NOBODY,
                                            .occurrence = o,
                                            .record = derived_id(d, e)});
        }
    }
}

static void collect_tellings(struct derived *d, struct tellings *tellings)
{
    uint8_t *has_own = derived_take(d, d->effectives_count, 1);
    for (size_t m = 0; m < d->mentions_count; m++) {
        const struct mention *mention = &d->mentions[m];
        if (mention->subject == NONE)
            continue;
        has_own[mention->effective] = 1;
        VECTOR_PUSH(d, &tellings->list,
                    (struct telling){d->effectives[mention->effective].occurrence, mention->subject,
                                     mention->effective});
    }
    derived_sort(d, tellings->list.items, tellings->list.count, sizeof(struct telling),
                 compare_tellings);
    tell_by_occurrence(d, tellings, has_own);
    derived_sort(d, tellings->list.items, tellings->list.count, sizeof(struct telling),
                 compare_tellings);
}

/* ---- parts ---- */

static int64_t talk_us(struct derived *d, const size_t *effectives, size_t count)
{
    struct interval *anchors = derived_take(d, count, sizeof(*anchors));
    struct interval *incidents = derived_take(d, count, sizeof(*incidents));
    size_t anchors_count = 0, incidents_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct effective *e = &d->effectives[effectives[i]];
        if (derived_is_outward(e))
            continue;
        if (derived_is_anchor(e))
            anchors[anchors_count++] = (struct interval){
                e->winner->end_us - e->winner->talk_us - e->winner->hold_us, e->winner->end_us};
        else if (e->body == FACT_BODY_INCIDENT)
            incidents[incidents_count++] =
                (struct interval){e->winner->start_us, e->winner->end_us};
    }
    return anchors_count > 0 ? union_us(d, anchors, anchors_count)
                             : union_us(d, incidents, incidents_count);
}

static void rate(const struct derived *d, struct part *part)
{
    for (size_t i = 0; i < part->effectives_count; i++) {
        const struct effective *e = &d->effectives[part->effectives[i]];
        for (size_t k = 0; !derived_is_outward(e) && k < e->categories_count; k++) {
            int severity = policy_severity(d, part, e->categories[k]);
            part->severity = severity > part->severity ? severity : part->severity;
        }
    }
}

/* Sites and matters of the records that count. */
static void list_places(struct derived *d, struct part *part)
{
    size_t matters_most = 0;
    for (size_t i = 0; i < part->effectives_count; i++)
        matters_most += d->effectives[part->effectives[i]].matters_count;
    struct slice *sites = derived_take(d, part->effectives_count, sizeof(*sites));
    struct slice *matters = derived_take(d, matters_most, sizeof(*matters));
    for (size_t i = 0; i < part->effectives_count; i++) {
        const struct effective *e = &d->effectives[part->effectives[i]];
        if (derived_is_outward(e))
            continue;
        struct slice concerned = e->winner->concerned_site;
        if (e->body == FACT_BODY_INCIDENT)
            sites[part->sites_count++] = concerned.size > 0 ? concerned : e->original->site;
        for (size_t k = 0; k < e->matters_count; k++)
            matters[part->matters_count++] = e->matters[k];
    }
    part->sites_count = derived_slice_set(d, sites, part->sites_count);
    part->matters_count = derived_slice_set(d, matters, part->matters_count);
    part->sites = sites;
    part->matters = matters;
}

static struct part make_part(struct derived *d, const struct telling *first,
                             const struct telling *end)
{
    size_t *effectives = derived_take(d, (size_t)(end - first), sizeof(*effectives));
    struct part part = {
        .occurrence = first->occurrence, .subject = first->subject, .effectives = effectives};
    for (const struct telling *t = first; t < end; t++)
        if (part.effectives_count == 0 || effectives[part.effectives_count - 1] != t->effective)
            effectives[part.effectives_count++] = t->effective;
    for (size_t i = 0; i < part.effectives_count; i++) {
        const struct effective *e = &d->effectives[effectives[i]];
        if (derived_is_outward(e))
            continue;
        if (!part.is_counting || e->winner->start_us < part.start_us)
            part.start_us = e->winner->start_us;
        part.is_counting = 1;
        part.has_incident |= e->body == FACT_BODY_INCIDENT;
    }
    list_places(d, &part);
    part.talk_us = talk_us(d, effectives, part.effectives_count);
    if (part.is_counting)
        rate(d, &part);
    return part;
}

void part_derive(struct derived *d)
{
    struct tellings tellings = {0};
    apply_verdicts(d);
    review_joined(d);
    review_retracted(d);
    collect_tellings(d, &tellings);
    const struct telling *items = tellings.list.items;
    for (size_t i = 0; i < tellings.list.count;) {
        size_t end = i;
        while (end < tellings.list.count && items[end].occurrence == items[i].occurrence &&
               items[end].subject == items[i].subject)
            end++;
        struct occurrence *occurrence = &d->occurrences[items[i].occurrence];
        if (occurrence->parts_count++ == 0)
            occurrence->first_part = d->parts.count;
        VECTOR_PUSH(d, &d->parts, make_part(d, items + i, items + end));
        i = end;
    }
}
