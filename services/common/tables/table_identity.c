/* Rows of who is who: token_class, class_run, edge. */
#include "services/common/correlate/steps.h"
#include "services/common/tables/table_fill.h"

static void fill_tokens(struct table_fill *fill, const uint8_t *is_void)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_TOKEN_CLASS];
    for (size_t t = 0; t < d->tokens_count; t++) {
        struct uuid mac;
        memcpy(mac.bytes, d->tokens[t].mac, UUID_BYTES);
        db_put_int(params, TOKEN_KIND, d->tokens[t].kind);
        db_put_int(params, TOKEN_KEY_ID, d->tokens[t].key_id);
        db_put_uuid(params, TOKEN_MAC, &mac);
        db_put_int(params, TOKEN_CLASS, fill->class_numbers[d->class_of[t]]);
        db_put_bool(params, TOKEN_IS_VOID, is_void[t]);
    }
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

/* The newest pin decides alone; a "no" that does not hold is the cap's doing. */
static int has_yes_pin(const struct derived *d, size_t node)
{
    int is_yes = 0;
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (d->is_in_force[i] && decision->kind == FACT_DECISION_PIN_SHARED &&
            decision->classes_count == 1 && derived_resolve_named(d, &decision->classes[0]) == node)
            is_yes = decision->is_yes;
    }
    return is_yes;
}

static const char *shared_by(const struct derived *d, size_t n)
{
    const struct node *node = &d->nodes[n];
    if (node->has_pin)
        return has_yes_pin(d, n) ? "pin" : "cap";
    if (is_listed(d, &d->classes[node->class]))
        return "list";
    return node->is_switchboard ? "overlap" : "cap";
}

static void fill_runs(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_CLASS_RUN];
    for (size_t n = 0; n < d->nodes_count; n++) {
        const struct node *node = &d->nodes[n];
        db_put_int(params, RUN_CLASS, fill->class_numbers[node->class]);
        db_put_time(params, RUN_FIRST_AT, node->first_us);
        db_put_time(params, RUN_LAST_AT, node->last_us);
        db_put_int(params, RUN_KIND, d->classes[node->class].kind);
        if (node->is_shared)
            db_put_null(params, RUN_SUBJECT);
        else
            db_put_int(params, RUN_SUBJECT, fill->subject_numbers[node->subject]);
        db_put_bool(params, RUN_IS_SHARED, node->is_shared);
        if (node->is_shared)
            db_put_text(params, RUN_SHARED_BY, slice_str(shared_by(d, n)));
        else
            db_put_null(params, RUN_SHARED_BY);
        db_put_bool(params, RUN_IS_OVERGROWN, node->is_overgrown);
        db_put_bool(params, RUN_IS_SWITCHBOARD, node->is_switchboard);
    }
}

static void put_shared_sighting(struct table_fill *fill, const struct sighting *sighting)
{
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_SHARED_SIGHTING];
    size_t index = d->mentions[sighting->mention].effective;
    const struct effective *e = &d->effectives[index];
    db_put_int(params, SHARED_CLASS, fill->class_numbers[sighting->class]);
    db_put_time(params, SHARED_START_AT, sighting->start_us);
    db_put_uuid(params, SHARED_RECORD_ID, derived_id(d, index));
    db_put_time(params, SHARED_END_AT, e->winner->end_us);
    db_put_text(params, SHARED_SITE, e->original->site);
    table_put_optional(params, SHARED_HAPPENING_REF, e->winner->ref);
    db_put_bool(params, SHARED_IS_ANCHOR, derived_is_anchor(e));
}

static void fill_shared_sightings(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    for (size_t n = 0; n < d->nodes_count; n++)
        for (size_t i = 0; d->nodes[n].is_shared && i < d->nodes[n].sightings_count; i++)
            put_shared_sighting(fill, &d->sightings[d->nodes[n].first_sighting + i]);
}

/* ---- edges ---- */

struct end {
    size_t class;
    int64_t at_us;
    uint32_t assurance;
};

struct reason {
    const struct uuid *record;
    int64_t person;
    int64_t decision_no;
    struct end a, b;
    int is_suppressed;
};

static void put_edge(struct table_fill *fill, struct reason reason)
{
    static const struct uuid NIL;
    const struct derived *d = fill->d;
    struct db_params *params = fill->params[TABLE_EDGE];
    int64_t a = fill->class_numbers[reason.a.class], b = fill->class_numbers[reason.b.class];
    if (a > b || (a == b && reason.a.at_us > reason.b.at_us)) {
        struct end end = reason.a;
        reason.a = reason.b;
        reason.b = end;
    }
    db_put_int(params, EDGE_CLASS_A, fill->class_numbers[reason.a.class]);
    db_put_int(params, EDGE_CLASS_B, fill->class_numbers[reason.b.class]);
    db_put_time(params, EDGE_AT_A, reason.a.at_us);
    db_put_time(params, EDGE_AT_B, reason.b.at_us);
    db_put_uuid(params, EDGE_RECORD_ID, reason.record == NULL ? &NIL : reason.record);
    db_put_int(params, EDGE_PERSON, reason.person);
    db_put_int(params, EDGE_DECISION_NO, reason.decision_no);
    db_put_int(params, EDGE_KIND_A, d->classes[reason.a.class].kind);
    db_put_int(params, EDGE_KIND_B, d->classes[reason.b.class].kind);
    db_put_int(params, EDGE_ASSURANCE_A, reason.a.assurance);
    db_put_int(params, EDGE_ASSURANCE_B, reason.b.assurance);
    db_put_int(params, EDGE_POLICY_VERSION, fill->linking_version);
    db_put_bool(params, EDGE_IS_SUPPRESSED, reason.is_suppressed);
}

/* Of the first identifier in the mention that links by this class; 0 for a handle. */
static uint32_t assurance_of(const struct derived *d, const struct mention *mention, size_t class)
{
    for (size_t i = 0; i < mention->person->identifiers_count; i++) {
        const struct fact_identifier *identifier = &mention->person->identifiers[i];
        if (identifier->assurance <= FACT_ASSURANCE_TYPED)
            continue;
        for (size_t t = 0; t < identifier->tokens_count; t++)
            if (derived_find_class(d, &identifier->tokens[t]) == class)
                return identifier->assurance;
    }
    return 0;
}

/* The newest in-force attachment that gave the mention this handle; 0: the class is none. */
static int64_t attached_by(const struct derived *d, const struct mention *mention, size_t class)
{
    if (d->classes[class].kind != FACT_KIND_HANDLE)
        return 0;
    const struct fact_token *token = &d->tokens[d->classes[class].tokens[0]];
    for (size_t i = d->decisions_count; i-- > 0;) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_ATTACH ||
            decision->records_count != 1 || decision->ordinal != mention->ordinal ||
            memcmp(decision->handle, token->mac, FACT_MAC_BYTES) != 0)
            continue;
        const struct fact_record *named = derived_find_named(d, &decision->records[0]);
        if (named != NULL && named == d->effectives[mention->effective].original)
            return decision->no;
    }
    return 0;
}

static int has_node(const struct mention *mention, size_t node)
{
    for (size_t i = 0; i < mention->classes_count; i++)
        if (mention->nodes[i] == node)
            return 1;
    return 0;
}

static void put_mention(struct table_fill *fill, const struct edge *edge,
                        const struct mention *mention)
{
    const struct derived *d = fill->d;
    size_t a = d->nodes[edge->a].class, b = d->nodes[edge->b].class;
    int64_t at_us = d->effectives[mention->effective].winner->start_us;
    int64_t by_a = attached_by(d, mention, a), by_b = attached_by(d, mention, b);
    put_edge(fill, (struct reason){.record = derived_id(d, mention->effective),
                                   .person = mention->ordinal,
                                   .decision_no = by_a > by_b ? by_a : by_b,
                                   .a = {a, at_us, assurance_of(d, mention, a)},
                                   .b = {b, at_us, assurance_of(d, mention, b)},
                                   .is_suppressed = edge->is_suppressed});
}

static void put_link(struct table_fill *fill, const struct edge *edge, int64_t no)
{
    const struct derived *d = fill->d;
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (decision->no != no)
            continue;
        const struct fact_class *names = decision->classes;
        int is_swapped = derived_resolve_named(d, &names[0]) != edge->a;
        put_edge(fill, (struct reason){.person = -1,
                                       .decision_no = no,
                                       .a = {d->nodes[edge->a].class, names[is_swapped].at_us, 0},
                                       .b = {d->nodes[edge->b].class, names[!is_swapped].at_us, 0},
                                       .is_suppressed = edge->is_suppressed});
    }
}

static void fill_edges(struct table_fill *fill)
{
    const struct derived *d = fill->d;
    for (size_t i = 0; i < d->edges.count; i++) {
        const struct edge *edge = &d->edges.items[i];
        for (size_t k = 0; k < edge->effectives_count; k++) {
            size_t e = edge->effectives[k];
            for (size_t m = fill->mentions_of[e]; m < fill->mentions_of[e + 1]; m++) {
                const struct mention *mention = &d->mentions[m];
                if (mention->is_live && has_node(mention, edge->a) && has_node(mention, edge->b))
                    put_mention(fill, edge, mention);
            }
        }
        for (size_t k = 0; k < edge->decisions_count; k++)
            put_link(fill, edge, edge->decisions[k]);
    }
}

enum rc table_fill_identity(struct table_fill *fill, struct err *err)
{
    const struct derived *d = fill->d;
    uint8_t *is_void = arena_zalloc(fill->arena, d->tokens_count + 1);
    if (is_void == NULL)
        return err_set(err, RC_FULL, "the rows need more memory than allowed");
    for (size_t i = 0; i < d->alarms.count; i++)
        for (size_t k = 0; k < d->alarms.items[i].tokens_count; k++)
            is_void[d->alarms.items[i].tokens[k]] = 1;
    fill_tokens(fill, is_void);
    fill_runs(fill);
    fill_shared_sightings(fill);
    fill_edges(fill);
    return RC_OK;
}
