/* D6, D7, D9 and the proposals of D4: who is one person, who owns a mention, what a person is
 * called. */
#include "services/common/correlate/steps.h"

static int is_suppressed_by(const struct derived *d, const struct edge *edge,
                            const struct fact_decision *decision)
{
    size_t a = derived_find_class(d, &decision->classes[0].token);
    size_t b = derived_find_class(d, &decision->classes[1].token);
    size_t x = d->nodes[edge->a].class, y = d->nodes[edge->b].class;
    return (x == a && y == b) || (x == b && y == a);
}

static void suppress_edges(struct derived *d)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_SUPPRESS ||
            decision->classes_count != 2)
            continue;
        for (size_t k = 0; k < d->edges.count; k++)
            if (is_suppressed_by(d, &d->edges.items[k], decision))
                d->edges.items[k].is_suppressed = 1;
    }
}

/* node.subject becomes the component's least node, the node itself when overgrown. */
static void find_components(struct derived *d)
{
    size_t *parents = derived_singletons(d, d->nodes_count);
    size_t *sizes = derived_take(d, d->nodes_count, sizeof(*sizes));
    for (size_t i = 0; i < d->edges.count; i++) {
        const struct edge *edge = &d->edges.items[i];
        if (!edge->is_suppressed && !d->nodes[edge->a].is_shared && !d->nodes[edge->b].is_shared)
            derived_join(parents, edge->a, edge->b);
    }
    for (size_t n = 0; n < d->nodes_count; n++)
        sizes[derived_find(parents, n)]++;
    for (size_t n = 0; n < d->nodes_count; n++) {
        struct node *node = &d->nodes[n];
        size_t root = derived_find(parents, n);
        if (node->is_shared)
            continue;
        node->is_overgrown = sizes[root] > (size_t)d->facts->linking.subject_nodes_max;
        node->subject = node->is_overgrown ? n : root;
    }
}

static int compare_names(const struct subject_name *a, const struct subject_name *b)
{
    int order = uuid_compare(a->record, b->record);
    if (order != 0)
        return order;
    if (a->ordinal != b->ordinal)
        return a->ordinal < b->ordinal ? -1 : 1;
    return fact_token_compare(a->token, b->token);
}

/* The least token of the class that the mention carries as a linking one. */
static const struct fact_token *carried_token(const struct derived *d,
                                              const struct mention *mention, size_t class)
{
    size_t best = NONE;
    for (size_t i = 0; i < mention->person->identifiers_count; i++) {
        const struct fact_identifier *identifier = &mention->person->identifiers[i];
        for (size_t t = 0; t < identifier->tokens_count; t++) {
            size_t token = derived_find_token(d, &identifier->tokens[t]);
            if (d->class_of[token] == class && (best == NONE || token < best))
                best = token;
        }
    }
    if (best == NONE) /* a handle */
        best = d->classes[class].tokens[0];
    return &d->tokens[best];
}

static int compare_subjects(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    return compare_names(&((const struct subject *)a)->name, &((const struct subject *)b)->name);
}

/* Names each component, sorts by name, and turns node.subject into an index of subjects. */
static void name_subjects(struct derived *d)
{
    size_t *index_of = derived_take(d, d->nodes_count, sizeof(*index_of));
    d->subjects = derived_take(d, d->nodes_count, sizeof(*d->subjects));
    for (size_t n = 0; n < d->nodes_count; n++) {
        const struct node *node = &d->nodes[n];
        if (node->is_shared)
            continue;
        if (node->subject == n) {
            index_of[n] = d->subjects_count;
            d->subjects[d->subjects_count++] = (struct subject){.node = n};
        }
        struct subject_name *name = &d->subjects[index_of[node->subject]].name;
        for (size_t i = 0; i < node->sightings_count; i++) {
            const struct mention *mention =
                &d->mentions[d->sightings[node->first_sighting + i].mention];
            const struct subject_name candidate = {derived_id(d, mention->effective),
                                                   mention->ordinal,
                                                   carried_token(d, mention, node->class)};
            if (name->record == NULL || compare_names(&candidate, name) < 0)
                *name = candidate;
        }
    }
    derived_sort(d, d->subjects, d->subjects_count, sizeof(*d->subjects), compare_subjects);
    for (size_t s = 0; s < d->subjects_count; s++)
        index_of[d->subjects[s].node] = s;
    for (size_t n = 0; n < d->nodes_count; n++)
        if (!d->nodes[n].is_shared)
            d->nodes[n].subject = index_of[d->nodes[n].subject];
}

/* Place of the linking class of best kind: kinds are numbered in D7's order. */
static size_t best_class(const struct derived *d, const struct mention *mention)
{
    size_t best = NONE;
    for (size_t i = 0; i < mention->classes_count; i++)
        if (best == NONE ||
            d->classes[mention->classes[i]].kind < d->classes[mention->classes[best]].kind)
            best = i;
    return best;
}

static void find_owners(struct derived *d)
{
    for (size_t m = 0; m < d->mentions_count; m++) {
        struct mention *mention = &d->mentions[m];
        const struct effective *e = &d->effectives[mention->effective];
        size_t best = best_class(d, mention);
        if (best == NONE)
            continue;
        size_t node = NONE;
        if (mention->is_live)
            node = mention->owner = mention->nodes[best];
        else if (e->body == FACT_BODY_CONTACT && derived_is_outward(e))
            node = derived_resolve(d, mention->classes[best], e->winner->start_us);
        if (node != NONE)
            mention->subject = d->nodes[node].subject;
    }
}

static int has_node(const struct mention *mention, size_t node)
{
    for (size_t i = 0; i < mention->classes_count; i++)
        if (mention->nodes[i] == node)
            return 1;
    return 0;
}

static const struct fact_token *least_token(const struct fact_identifier *identifier)
{
    const struct fact_token *least = &identifier->tokens[0];
    for (size_t t = 1; t < identifier->tokens_count; t++)
        if (fact_token_compare(&identifier->tokens[t], least) < 0)
            least = &identifier->tokens[t];
    return least;
}

static void propose_typed(struct derived *d, size_t m, const struct fact_identifier *identifier)
{
    const struct mention *mention = &d->mentions[m];
    int is_kind = identifier->kind < FACT_KINDS && d->facts->linking.is_linking[identifier->kind];
    if (!mention->is_live || !is_kind || identifier->assurance != FACT_ASSURANCE_TYPED)
        return;
    size_t node = derived_resolve(d, derived_class_of(d, identifier),
                                  d->effectives[mention->effective].winner->start_us);
    if (node != NONE && !d->nodes[node].is_shared && !has_node(mention, node))
        VECTOR_PUSH(
            d, &d->proposals,
            (struct proposal){.mention = m, .token = least_token(identifier), .node = node});
}

static void propose(struct derived *d)
{
    for (size_t m = 0; m < d->mentions_count; m++)
        for (size_t i = 0; i < d->mentions[m].person->identifiers_count; i++)
            propose_typed(d, m, &d->mentions[m].person->identifiers[i]);
    for (size_t n = 0; n < d->nodes_count; n++)
        if (d->nodes[n].is_switchboard && !d->nodes[n].has_pin)
            VECTOR_PUSH(d, &d->proposals, (struct proposal){.is_switchboard = 1, .node = n});
}

void subject_derive(struct derived *d)
{
    suppress_edges(d);
    find_components(d);
    name_subjects(d);
    find_owners(d);
    propose(d);
}
