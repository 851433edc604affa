/* §3: whom sites may know as restricted or confirmed, and what a person should look at again. */
#include "services/common/correlate/steps.h"

static int names_class(const struct derived *d, const struct fact_decision *decision, size_t class)
{
    for (size_t i = 0; i < decision->classes_count; i++)
        if (derived_find_class(d, &decision->classes[i].token) == class)
            return 1;
    return 0;
}

static int is_not_listable(const struct derived *d, size_t class)
{
    for (size_t i = 0; i < d->decisions_count; i++)
        if (d->is_in_force[i] && d->decisions[i]->kind == FACT_DECISION_NOT_LISTABLE &&
            names_class(d, d->decisions[i], class))
            return 1;
    return 0;
}

static int is_subject_not_listable(const struct derived *d, size_t subject)
{
    for (size_t n = 0; subject != NONE && n < d->nodes_count; n++)
        if (d->nodes[n].subject == subject && is_not_listable(d, d->nodes[n].class))
            return 1;
    return 0;
}

/* Why a named class is no entry; NULL: it is one. */
static const char *exclusion(const struct derived *d, const struct fact_class *name, size_t class)
{
    size_t node = derived_resolve(d, class, name->at_us);
    const struct class *c = &d->classes[class];
    if (node == NONE)
        return "gone";
    if (node + 1 < c->first_node + c->nodes_count)
        return "new_owner";
    int64_t seen_us = d->nodes[node].last_us > name->at_us ? d->nodes[node].last_us : name->at_us;
    if (d->facts->as_of_us - seen_us > d->facts->linking.expiry_us[c->kind % FACT_KINDS])
        return "expired";
    if (d->nodes[node].is_shared)
        return "shared";
    if (is_not_listable(d, class) || is_subject_not_listable(d, d->nodes[node].subject))
        return "not_listable";
    return NULL;
}

static void ask(struct derived *d, const struct fact_decision *decision, size_t class,
                const char *reason)
{
    VECTOR_PUSH(d, &d->reviews,
                (struct review){.kind = REVIEW_KIND_WATCH,
                                .occurrence = NONE,
                                .decision = decision,
                                .class = class,
                                .reason = reason});
}

/* Classes that belong to the same person and are not named. */
static void ask_joined(struct derived *d, const struct fact_decision *decision, size_t node)
{
    size_t subject = node == NONE ? NONE : d->nodes[node].subject;
    for (size_t n = 0; subject != NONE && n < d->nodes_count; n++)
        if (d->nodes[n].subject == subject && !names_class(d, decision, d->nodes[n].class))
            ask(d, decision, d->nodes[n].class, "joined");
}

static void apply(struct derived *d, const struct fact_decision *decision)
{
    for (size_t i = 0; i < decision->classes_count; i++) {
        const struct fact_class *name = &decision->classes[i];
        size_t class = derived_find_class(d, &name->token);
        if (class == NONE || d->classes[class].sightings_count == 0)
            continue;
        const char *reason = exclusion(d, name, class);
        if (reason == NULL)
            VECTOR_PUSH(d, &d->watch, (struct watch_entry){decision, class});
        else
            ask(d, decision, class, reason);
        ask_joined(d, decision, derived_resolve(d, class, name->at_us));
    }
}

void watch_derive(struct derived *d)
{
    for (size_t i = 0; d->facts->has_tick && i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        int is_watch = decision->kind == FACT_DECISION_RESTRICT ||
                       decision->kind == FACT_DECISION_CONFIRM_PERSON;
        if (d->is_in_force[i] && !d->is_inert[i] && is_watch &&
            decision->until_us >= d->facts->as_of_us)
            apply(d, decision);
    }
}
