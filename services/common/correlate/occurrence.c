/* D8 (a)–(c): which records tell of one happening. */
#include "services/common/correlate/steps.h"

#include "services/common/base/clock.h"

struct member {
    struct slice site;
    uint32_t channel;
    int is_shared_owner;
    size_t owner; /* subject, or the node of a shared owner */
    size_t effective;
};

/* Members of one group, for closeness. */
struct group {
    size_t *anchors; /* effectives, by start, id */
    size_t anchors_count;
    size_t *others;
    size_t others_count;
};

static const struct fact_record *winner(const struct derived *d, size_t effective)
{
    return d->effectives[effective].winner;
}

static int compare_times(const struct derived *d, size_t x, size_t y)
{
    int64_t a = winner(d, x)->start_us, b = winner(d, y)->start_us;
    if (a != b)
        return a < b ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int compare_by_ref(const void *a, const void *b, const struct derived *d)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order =
        derived_slice_compare(d->effectives[x].original->site, d->effectives[y].original->site);
    if (order == 0)
        order = derived_slice_compare(winner(d, x)->ref, winner(d, y)->ref);
    return order != 0 ? order : compare_times(d, x, y);
}

static int is_same_ref(const struct derived *d, size_t x, size_t y)
{
    return derived_slice_compare(d->effectives[x].original->site,
                                 d->effectives[y].original->site) == 0 &&
           derived_slice_compare(winner(d, x)->ref, winner(d, y)->ref) == 0;
}

/* (a) */
static size_t *join_refs(struct derived *d)
{
    size_t *parents = derived_singletons(d, d->effectives_count);
    size_t *order = derived_take(d, d->effectives_count, sizeof(*order));
    size_t count = 0;
    for (size_t e = 0; e < d->effectives_count; e++)
        if (winner(d, e)->ref.size > 0)
            order[count++] = e;
    derived_sort(d, order, count, sizeof(*order), compare_by_ref);
    for (size_t i = 1; i < count; i++) {
        int64_t pause_us = winner(d, order[i])->start_us - winner(d, order[i - 1])->start_us;
        if (is_same_ref(d, order[i - 1], order[i]) && pause_us <= CLOCK_US_PER_DAY)
            derived_join(parents, order[i - 1], order[i]);
    }
    return parents;
}

/* (b) */
static void join_decided(struct derived *d, size_t *parents)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        size_t first = NONE;
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_SAME_OCCURRENCE)
            continue;
        for (size_t k = 0; k < decision->records_count; k++) {
            const struct fact_record *named = derived_find_named(d, &decision->records[k]);
            size_t e = named == NULL ? NONE : derived_find_effective(d, &named->id);
            if (e != NONE && first != NONE)
                derived_join(parents, first, e);
            if (e != NONE)
                first = e;
        }
    }
}

static int compare_members(const void *a, const void *b, const struct derived *d)
{
    const struct member *x = a, *y = b;
    int order = derived_slice_compare(x->site, y->site);
    if (order != 0)
        return order;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    if (x->is_shared_owner != y->is_shared_owner)
        return x->is_shared_owner - y->is_shared_owner;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    return compare_times(d, x->effective, y->effective);
}

static int is_one_group(const struct member *x, const struct member *y)
{
    return x->channel == y->channel && x->is_shared_owner == y->is_shared_owner &&
           x->owner == y->owner && derived_slice_compare(x->site, y->site) == 0;
}

static int64_t gap_us(const struct derived *d, size_t x, size_t y)
{
    const struct fact_record *a = winner(d, x), *b = winner(d, y);
    if (a->end_us < b->start_us)
        return b->start_us - a->end_us;
    if (b->end_us < a->start_us)
        return a->start_us - b->end_us;
    return 0;
}

static int64_t reach_us(const struct derived *d, size_t e)
{
    uint32_t outcome = winner(d, e)->outcome;
    int is_attempt = d->effectives[e].body == FACT_BODY_CONTACT &&
                     (outcome == FACT_OUTCOME_BUSY || outcome == FACT_OUTCOME_ABANDONED);
    return is_attempt ? d->facts->linking.gap_attempt_us : d->facts->linking.gap_us;
}

static int has_other_ref(const struct derived *d, size_t x, size_t y)
{
    struct slice a = winner(d, x)->ref, b = winner(d, y)->ref;
    return a.size > 0 && b.size > 0 && derived_slice_compare(a, b) != 0;
}

static void join_anchors(const struct derived *d, const struct group *group, size_t *parents)
{
    for (size_t i = 0; i < group->anchors_count; i++)
        for (size_t k = i + 1; k < group->anchors_count; k++) {
            size_t x = group->anchors[i], y = group->anchors[k];
            if (winner(d, y)->start_us > winner(d, x)->end_us)
                break; /* they are sorted by start */
            if (gap_us(d, x, y) == 0 && !has_other_ref(d, x, y))
                derived_join(parents, x, y);
        }
}

/* The anchor of least (gap, start, id) within reach; anchors come by start, id, so the first of a
   gap wins. */
static size_t nearest_anchor(const struct derived *d, const struct group *group, size_t e)
{
    size_t best = NONE;
    for (size_t i = 0; i < group->anchors_count; i++) {
        size_t anchor = group->anchors[i];
        int64_t gap = gap_us(d, anchor, e);
        if (gap <= reach_us(d, e) && !has_other_ref(d, anchor, e) &&
            (best == NONE || gap < gap_us(d, best, e)))
            best = anchor;
    }
    return best;
}

static void join_group(const struct derived *d, struct group *group, size_t *parents)
{
    size_t rest = 0;
    join_anchors(d, group, parents);
    for (size_t i = 0; i < group->others_count; i++) {
        size_t e = group->others[i];
        size_t anchor = nearest_anchor(d, group, e);
        if (anchor != NONE)
            derived_join(parents, anchor, e);
        else
            group->others[rest++] = e;
    }
    for (size_t i = 0; i < rest; i++)
        for (size_t k = i + 1; k < rest; k++) {
            size_t x = group->others[i], y = group->others[k];
            int64_t reach = reach_us(d, x) < reach_us(d, y) ? reach_us(d, x) : reach_us(d, y);
            if (winner(d, y)->start_us - winner(d, x)->end_us > d->facts->linking.gap_us &&
                winner(d, y)->start_us - winner(d, x)->end_us > d->facts->linking.gap_attempt_us)
                break; /* they are sorted by start */
            if (gap_us(d, x, y) <= reach && !has_other_ref(d, x, y))
                derived_join(parents, x, y);
        }
}

static size_t collect_members(struct derived *d, size_t *a_parents, struct member *members)
{
    uint8_t *has_anchor = derived_take(d, d->effectives_count, 1);
    size_t count = 0;
    for (size_t e = 0; e < d->effectives_count; e++)
        if (derived_is_anchor(&d->effectives[e]))
            has_anchor[derived_find(a_parents, e)] = 1;
    for (size_t m = 0; m < d->mentions_count; m++) {
        const struct mention *mention = &d->mentions[m];
        const struct effective *e = &d->effectives[mention->effective];
        int is_bystander =
            has_anchor[derived_find(a_parents, mention->effective)] && !derived_is_anchor(e);
        if (mention->owner == NONE || is_bystander)
            continue;
        const struct node *owner = &d->nodes[mention->owner];
        members[count++] = (struct member){
            .site = e->original->site,
            .channel = e->winner->channel,
            .is_shared_owner = owner->is_shared,
            .owner = owner->is_shared ? mention->owner : owner->subject,
            .effective = mention->effective,
        };
    }
    derived_sort(d, members, count, sizeof(*members), compare_members);
    return count;
}

/* (c) */
static void join_close(struct derived *d, size_t *a_parents, size_t *parents)
{
    struct member *members = derived_take(d, d->mentions_count, sizeof(*members));
    size_t count = collect_members(d, a_parents, members);
    struct group group = {.anchors = derived_take(d, count, sizeof(size_t)),
                          .others = derived_take(d, count, sizeof(size_t))};
    for (size_t i = 0; i < count;) {
        size_t end = i;
        group.anchors_count = group.others_count = 0;
        for (; end < count && is_one_group(&members[i], &members[end]); end++) {
            size_t e = members[end].effective;
            if (end > i && members[end - 1].effective == e)
                continue;
            if (derived_is_anchor(&d->effectives[e]))
                group.anchors[group.anchors_count++] = e;
            else
                group.others[group.others_count++] = e;
        }
        join_group(d, &group, parents);
        i = end;
    }
}

void occurrence_derive(struct derived *d)
{
    size_t *a_parents = join_refs(d);
    size_t *parents = derived_singletons(d, d->effectives_count);
    for (size_t e = 0; e < d->effectives_count; e++)
        derived_join(parents, e, derived_find(a_parents, e));
    join_decided(d, parents);
    join_close(d, a_parents, parents);

    size_t *counts = derived_take(d, d->effectives_count, sizeof(*counts));
    size_t **members = derived_take(d, d->effectives_count, sizeof(*members));
    d->occurrences = derived_take(d, d->effectives_count, sizeof(*d->occurrences));
    for (size_t e = 0; e < d->effectives_count; e++)
        counts[derived_find(parents, e)]++;
    for (size_t e = 0; e < d->effectives_count; e++) { /* a root is its component's least */
        size_t root = derived_find(parents, e);
        if (root == e) {
            d->effectives[e].occurrence = d->occurrences_count++;
            members[e] = derived_take(d, counts[e], sizeof(size_t));
            d->occurrences[d->effectives[e].occurrence].effectives = members[e];
        }
        struct occurrence *o = &d->occurrences[d->effectives[root].occurrence];
        d->effectives[e].occurrence = d->effectives[root].occurrence;
        members[root][o->effectives_count++] = e;
    }
}
