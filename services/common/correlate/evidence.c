/* D4: which pairs of nodes somebody or something says are one person. */
#include "services/common/correlate/steps.h"

/* One saying. */
struct saying {
    size_t a, b;
    size_t effective; /* or NONE */
    int64_t decision; /* or 0 */
};

struct sayings {
    VECTOR(struct saying) list;
};

static int compare_sayings(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct saying *x = a, *y = b;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    if (x->effective != y->effective)
        return x->effective < y->effective ? -1 : 1;
    return x->decision < y->decision ? -1 : x->decision > y->decision;
}

static void say(struct derived *d, struct sayings *sayings, struct saying saying)
{
    if (saying.a > saying.b) {
        size_t swap = saying.a;
        saying.a = saying.b;
        saying.b = swap;
    }
    VECTOR_PUSH(d, &sayings->list, saying);
}

static void say_mentions(struct derived *d, struct sayings *sayings)
{
    for (size_t m = 0; m < d->mentions_count; m++) {
        const struct mention *mention = &d->mentions[m];
        for (size_t i = 0; mention->is_live && i < mention->classes_count; i++)
            for (size_t k = i + 1; k < mention->classes_count; k++)
                say(d, sayings,
                    (struct saying){mention->nodes[i], mention->nodes[k], mention->effective, 0});
    }
}

static void say_links(struct derived *d, struct sayings *sayings)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_LINK ||
            decision->classes_count != 2)
            continue;
        size_t a = derived_resolve_named(d, &decision->classes[0]);
        size_t b = derived_resolve_named(d, &decision->classes[1]);
        if (a != NONE && b != NONE && a != b)
            say(d, sayings, (struct saying){a, b, NONE, decision->no});
    }
}

/* The edge of the sayings [first, end), which are of one pair. */
static struct edge make_edge(struct derived *d, const struct saying *first,
                             const struct saying *end)
{
    size_t count = (size_t)(end - first);
    size_t *effectives = derived_take(d, count, sizeof(*effectives));
    int64_t *decisions = derived_take(d, count, sizeof(*decisions));
    struct edge edge = {
        .a = first->a, .b = first->b, .effectives = effectives, .decisions = decisions};
    for (const struct saying *s = first; s < end; s++) {
        if (s->effective == NONE)
            decisions[edge.decisions_count++] = s->decision;
        else if (edge.effectives_count == 0 ||
                 effectives[edge.effectives_count - 1] != s->effective)
            effectives[edge.effectives_count++] = s->effective;
    }
    return edge;
}

void evidence_derive(struct derived *d)
{
    struct sayings sayings = {0};
    say_mentions(d, &sayings);
    say_links(d, &sayings);
    struct saying *items = sayings.list.items;
    derived_sort(d, items, sayings.list.count, sizeof(*items), compare_sayings);
    for (size_t i = 0; i < sayings.list.count;) {
        size_t end = i + 1;
        while (end < sayings.list.count && items[end].a == items[i].a && items[end].b == items[i].b)
            end++;
        VECTOR_PUSH(d, &d->edges, make_edge(d, items + i, items + end));
        i = end;
    }
}
