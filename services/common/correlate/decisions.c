/* §1.1: which decisions are in force, and which mean nothing as the facts stand. */
#include "services/common/correlate/steps.h"

static int compare_decisions(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    int64_t x = (*(const struct fact_decision *const *)a)->no;
    int64_t y = (*(const struct fact_decision *const *)b)->no;
    return x < y ? -1 : x > y;
}

static size_t find_decision(const struct derived *d, int64_t no)
{
    for (size_t i = 0; i < d->decisions_count; i++)
        if (d->decisions[i]->no == no)
            return i;
    return NONE;
}

void decisions_derive(struct derived *d)
{
    size_t count = d->facts->decisions_count;
    d->decisions = derived_take(d, count, sizeof(*d->decisions));
    d->is_in_force = derived_take(d, count, 1);
    d->is_inert = derived_take(d, count, 1);
    d->decisions_count = count;
    for (size_t i = 0; i < count; i++) {
        d->decisions[i] = &d->facts->decisions[i];
        d->is_in_force[i] = 1;
    }
    derived_sort(d, d->decisions, count, sizeof(*d->decisions), compare_decisions);
    for (size_t i = count; i-- > 0;) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_REVOKE)
            continue;
        size_t target = find_decision(d, decision->revoked_no);
        if (target != NONE && target < i)
            d->is_in_force[target] = 0;
    }
}

static int names_known_record(const struct derived *d, const struct fact_decision *decision)
{
    for (size_t i = 0; i < decision->records_count; i++)
        if (derived_find_named(d, &decision->records[i]) != NULL)
            return 1;
    return 0;
}

static int names_known_class(const struct derived *d, const struct fact_decision *decision)
{
    for (size_t i = 0; i < decision->classes_count; i++) {
        size_t class = derived_find_class(d, &decision->classes[i].token);
        if (class != NONE && d->classes[class].sightings_count > 0)
            return 1;
    }
    return 0;
}

static int links_something(const struct derived *d, const struct fact_decision *decision)
{
    if (decision->classes_count != 2)
        return 0;
    size_t a = derived_resolve_named(d, &decision->classes[0]);
    size_t b = derived_resolve_named(d, &decision->classes[1]);
    return a != NONE && b != NONE && a != b;
}

static int suppresses_something(const struct derived *d, const struct fact_decision *decision)
{
    if (decision->classes_count != 2)
        return 0;
    size_t a = derived_find_class(d, &decision->classes[0].token);
    size_t b = derived_find_class(d, &decision->classes[1].token);
    for (size_t i = 0; a != NONE && b != NONE && i < d->edges.count; i++) {
        size_t x = d->nodes[d->edges.items[i].a].class;
        size_t y = d->nodes[d->edges.items[i].b].class;
        if ((x == a && y == b) || (x == b && y == a))
            return 1;
    }
    return 0;
}

static int attaches_something(const struct derived *d, const struct fact_decision *decision)
{
    const struct fact_record *named =
        decision->records_count == 1 ? derived_find_named(d, &decision->records[0]) : NULL;
    size_t effective = named == NULL ? NONE : derived_find_effective(d, &named->id);
    for (size_t i = 0; effective != NONE && i < d->mentions_count; i++)
        if (d->mentions[i].effective == effective && d->mentions[i].is_live &&
            d->mentions[i].ordinal == decision->ordinal)
            return 1;
    return 0;
}

static int has_two_persons(const struct fact_decision *decision)
{
    return decision->made_by.size > 0 && decision->second_by.size > 0 &&
           derived_slice_compare(decision->made_by, decision->second_by) != 0;
}

static int means_something(const struct derived *d, size_t index)
{
    const struct fact_decision *decision = d->decisions[index];
    size_t target;
    switch (decision->kind) {
    case FACT_DECISION_VERDICT:
    case FACT_DECISION_SAME_OCCURRENCE:
    case FACT_DECISION_MATTER:
    case FACT_DECISION_ACK:
        return names_known_record(d, decision);
    case FACT_DECISION_LINK:
        return links_something(d, decision);
    case FACT_DECISION_SUPPRESS:
        return suppresses_something(d, decision);
    case FACT_DECISION_PIN_SHARED:
        return decision->classes_count == 1 &&
               derived_resolve_named(d, &decision->classes[0]) != NONE;
    case FACT_DECISION_ATTACH:
        return attaches_something(d, decision);
    case FACT_DECISION_RESTRICT:
    case FACT_DECISION_CONFIRM_PERSON:
        return decision->until_us != 0 && has_two_persons(decision) &&
               names_known_class(d, decision);
    case FACT_DECISION_NOT_LISTABLE:
        return names_known_class(d, decision);
    case FACT_DECISION_REVOKE:
        target = find_decision(d, decision->revoked_no);
        return target != NONE && target < index;
    }
    return 0;
}

void decisions_judge(struct derived *d)
{
    for (size_t i = 0; i < d->decisions_count; i++)
        d->is_inert[i] = d->is_in_force[i] && !means_something(d, i);
}
