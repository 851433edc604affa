/* D5: nodes that many people use, which link nobody. */
#include "services/common/correlate/steps.h"

/* One machine or attached edge seen from one end. */
struct neighbour {
    size_t node;
    uint32_t kind;
    size_t class;
};

struct neighbours {
    VECTOR(struct neighbour) list; /* by node, kind, class; no doubles */
};

static int compare_neighbours(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct neighbour *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->class < y->class ? -1 : x->class > y->class;
}

static void collect_neighbours(struct derived *d, struct neighbours *neighbours)
{
    for (size_t i = 0; i < d->edges.count; i++) {
        const struct edge *edge = &d->edges.items[i];
        if (edge->effectives_count == 0)
            continue;
        size_t a = d->nodes[edge->a].class, b = d->nodes[edge->b].class;
        VECTOR_PUSH(d, &neighbours->list, (struct neighbour){edge->a, d->classes[b].kind, b});
        VECTOR_PUSH(d, &neighbours->list, (struct neighbour){edge->b, d->classes[a].kind, a});
    }
    struct neighbour *items = neighbours->list.items;
    size_t kept = 0;
    derived_sort(d, items, neighbours->list.count, sizeof(*items), compare_neighbours);
    for (size_t i = 0; i < neighbours->list.count; i++)
        if (kept == 0 || compare_neighbours(&items[kept - 1], &items[i], NULL) != 0)
            items[kept++] = items[i];
    neighbours->list.count = kept;
}

int64_t shared_cap(const struct fact_linking *linking, uint32_t kind, uint32_t neighbour)
{
    for (size_t i = 0; i < linking->caps_count; i++)
        if (linking->caps[i].kind == kind && linking->caps[i].neighbour_kind == neighbour)
            return linking->caps[i].cap;
    int is_contact_kind = kind == FACT_KIND_PHONE || kind == FACT_KIND_MAIL ||
                          kind == FACT_KIND_VEHICLE || kind == FACT_KIND_SNS;
    if (kind == FACT_KIND_HANDLE)
        return linking->subject_nodes_max - 1;
    if (neighbour == FACT_KIND_HANDLE || neighbour == FACT_KIND_MEMBER)
        return 1;
    if (is_contact_kind && neighbour == FACT_KIND_ACCOUNT)
        return 1;
    if (kind == FACT_KIND_MEMBER && neighbour == FACT_KIND_PHONE)
        return 4;
    return linking->cap;
}

static int is_listed(const struct derived *d, const struct class *class)
{
    const struct fact_linking *linking = &d->facts->linking;
    for (size_t i = 0; i < class->tokens_count; i++)
        for (size_t k = 0; k < linking->shared_count; k++)
            if (fact_token_compare(&d->tokens[class->tokens[i]], &linking->shared[k]) == 0)
                return 1;
    return 0;
}

static int compare_calls(const void *a, const void *b, const struct derived *d)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const struct fact_record *r = d->effectives[x].winner, *s = d->effectives[y].winner;
    int order =
        derived_slice_compare(d->effectives[x].original->site, d->effectives[y].original->site);
    if (order != 0)
        return order;
    if (r->start_us != s->start_us)
        return r->start_us < s->start_us ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int do_overlap(const struct derived *d, size_t a, size_t b)
{
    const struct effective *x = &d->effectives[a], *y = &d->effectives[b];
    if (derived_slice_compare(x->original->site, y->original->site) != 0 ||
        derived_slice_compare(x->winner->ref, y->winner->ref) == 0)
        return 0;
    int64_t start_us =
        x->winner->start_us > y->winner->start_us ? x->winner->start_us : y->winner->start_us;
    int64_t end_us = x->winner->end_us < y->winner->end_us ? x->winner->end_us : y->winner->end_us;
    return end_us - start_us >= d->facts->linking.overlap_us;
}

/* At one site, enough neighbouring calls with different refs at the same time. */
static int is_switchboard(struct derived *d, const struct node *node)
{
    size_t *calls = derived_take(d, node->sightings_count, sizeof(*calls));
    size_t count = 0;
    for (size_t i = 0; i < node->sightings_count; i++) {
        size_t e = d->mentions[d->sightings[node->first_sighting + i].mention].effective;
        if (derived_is_anchor(&d->effectives[e]) && d->effectives[e].winner->ref.size > 0)
            calls[count++] = e;
    }
    count = derived_index_set(d, calls, count);
    derived_sort(d, calls, count, sizeof(*calls), compare_calls);
    int64_t pairs = 0;
    for (size_t i = 1; i < count; i++) {
        int is_other_site = derived_slice_compare(d->effectives[calls[i - 1]].original->site,
                                                  d->effectives[calls[i]].original->site) != 0;
        pairs = is_other_site ? 0 : pairs + do_overlap(d, calls[i - 1], calls[i]);
        if (pairs >= d->facts->linking.pairs)
            return 1;
    }
    return 0;
}

/* For the neighbours [first, end) of one node: is some kind beyond its cap, or beyond the pinned
 * cap. */
static int is_beyond(const struct derived *d, const struct neighbour *first,
                     const struct neighbour *end, int is_pinned)
{
    const struct fact_linking *linking = &d->facts->linking;
    for (const struct neighbour *n = first; n < end;) {
        const struct neighbour *next = n;
        while (next < end && next->kind == n->kind)
            next++;
        int64_t cap = is_pinned
                          ? linking->subject_nodes_max - 1
                          : shared_cap(linking, d->classes[d->nodes[n->node].class].kind, n->kind);
        if (next - n > cap)
            return 1;
        n = next;
    }
    return 0;
}

/* The newest pin of each node: 1 no, 2 yes. */
static uint8_t *collect_pins(struct derived *d)
{
    uint8_t *pins = derived_take(d, d->nodes_count, 1);
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_PIN_SHARED ||
            decision->classes_count != 1)
            continue;
        size_t node = derived_resolve_named(d, &decision->classes[0]);
        if (node != NONE)
            pins[node] = decision->is_yes ? 2 : 1;
    }
    return pins;
}

/* What is told of a class that not all calls are here of: 1 no, 2 yes; 0: all are here. */
static uint8_t *collect_told(struct derived *d)
{
    uint8_t *told = derived_take(d, d->classes_count, 1);
    for (size_t i = 0; i < d->facts->hubs_count; i++) {
        const struct fact_hub *hub = &d->facts->hubs[i];
        size_t class = derived_find_class(d, &hub->tokens[0]);
        if (hub->is_linking && class != NONE)
            told[class] = hub->is_switchboard ? 2 : 1;
    }
    return told;
}

void shared_derive(struct derived *d)
{
    struct neighbours neighbours = {0};
    collect_neighbours(d, &neighbours);
    const uint8_t *told = collect_told(d);
    const uint8_t *pins = collect_pins(d);
    const struct neighbour *at = neighbours.list.items;
    const struct neighbour *last = at == NULL ? NULL : at + neighbours.list.count;
    for (size_t n = 0; n < d->nodes_count; n++) {
        struct node *node = &d->nodes[n];
        const struct neighbour *first = at;
        while (at < last && at->node == n)
            at++;
        node->has_pin = pins[n] != 0;
        node->is_switchboard =
            told[node->class] != 0 ? told[node->class] == 2 : is_switchboard(d, node);
        int is_over = is_beyond(d, first, at, pins[n] == 1);
        if (pins[n] == 0)
            node->is_shared =
                is_over || node->is_switchboard || is_listed(d, &d->classes[node->class]);
        else
            node->is_shared = pins[n] == 2 || is_over;
    }
}
