/* Why these identifiers are one person, and which are not.
   Invariant: reasons are looked up in the derived values and the decisions in force; nothing is
   judged anew but what the core keeps only as an answer (why a node is shared). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/cli/explain_words.h"
#include "services/cli/naming.h"
#include "services/common/base/timefmt.h"
#include "services/common/correlate/steps.h"
#include "services/common/history/history_names.h"

/* ---- shared ---- */

/* Classes of a kind next to the node, by machine or attached evidence. */
static int64_t count_neighbours(const struct derived *d, size_t node, uint32_t kind)
{
    int64_t count = 0;
    size_t last = NONE;
    for (size_t i = 0; i < d->edges.count; i++) { /* by a, then b: nodes go by class */
        const struct edge *edge = &d->edges.items[i];
        size_t other = edge->a == node ? edge->b : edge->b == node ? edge->a : NONE;
        if (other == NONE || edge->effectives_count == 0)
            continue;
        size_t class = d->nodes[other].class;
        count += class != last && d->classes[class].kind == kind;
        last = class;
    }
    return count;
}

/* The newest pin that speaks of the node; NULL: none. */
static const struct fact_decision *find_pin(const struct derived *d, size_t node)
{
    for (size_t i = d->decisions_count; i-- > 0;) {
        const struct fact_decision *decision = d->decisions[i];
        if (d->is_in_force[i] && decision->kind == FACT_DECISION_PIN_SHARED &&
            decision->classes_count == 1 && derived_resolve_named(d, &decision->classes[0]) == node)
            return decision;
    }
    return NULL;
}

static void put_caps(const struct explain *x, size_t node, int is_pinned)
{
    const struct derived *d = x->d;
    const struct fact_linking *linking = &d->facts->linking;
    uint32_t own = d->classes[d->nodes[node].class].kind;
    for (uint32_t kind = 0; kind < FACT_KINDS; kind++) {
        int64_t count = count_neighbours(d, node, kind);
        int64_t cap = is_pinned ? linking->subject_nodes_max - 1 : shared_cap(linking, own, kind);
        if (count <= cap)
            continue;
        if (x->is_english)
            buf_addf(x->out,
                     "; used with %" PRId64 " different values of %s, over the cap of %" PRId64,
                     count, explain_kind(x, kind), cap);
        else
            buf_addf(x->out, "。異なる%s%" PRId64 "件と一緒に使われている(上限%" PRId64 "件)",
                     explain_kind(x, kind), count, cap);
    }
}

static int is_listed(const struct derived *d, size_t class)
{
    const struct fact_linking *linking = &d->facts->linking;
    for (size_t i = 0; i < d->classes[class].tokens_count; i++)
        for (size_t k = 0; k < linking->shared_count; k++)
            if (fact_token_compare(&d->tokens[d->classes[class].tokens[i]], &linking->shared[k]) ==
                0)
                return 1;
    return 0;
}

static void put_shared(const struct explain *x, size_t node)
{
    const struct node *n = &x->d->nodes[node];
    const struct fact_decision *pin = find_pin(x->d, node);
    explain_put(x, "共用番号のためひも付けに使わない", "shared: links nobody");
    if (pin != NULL) {
        buf_add_str(x->out, explain_word(x, "。", "; "));
        explain_put_decision(x, pin);
        buf_add_str(x->out, pin->is_yes ? explain_word(x, "が共用とした", " says it is shared")
                                        : explain_word(x, "は共用でないとしたが、相手が多すぎる",
                                                       " says it is not, but too many use it"));
    }
    if (pin == NULL && is_listed(x->d, n->class))
        explain_put(x, "。共用番号の一覧にある", "; listed in the linking policy");
    if (pin == NULL && n->is_switchboard)
        explain_put(x, "。同時に複数の通話がある(代表番号)",
                    "; several calls at the same time: a switchboard");
    if (pin == NULL || !pin->is_yes)
        put_caps(x, node, pin != NULL);
}

/* ---- nodes ---- */

static void put_node(const struct explain *x, size_t node)
{
    const struct node *n = &x->d->nodes[node];
    char time[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(n->last_us, time);
    buf_add_str(x->out, "  ");
    explain_put_class(x, n->class);
    buf_addf(x->out, "@%s  ", time);
    explain_put_time(x, n->first_us);
    buf_add_str(x->out, explain_word(x, "〜", " – "));
    explain_put_time(x, n->last_us);
    buf_addf(x->out, "  %s%zu%s", explain_word(x, "記録", "seen "), n->sightings_count,
             explain_word(x, "件", n->sightings_count == 1 ? " time" : " times"));
    if (x->d->classes[n->class].tokens_count > 1)
        buf_addf(x->out, "  %s%zu%s", explain_word(x, "照合用ID", "tokens: "),
                 x->d->classes[n->class].tokens_count, explain_word(x, "件(鍵の交代)", ""));
    if (n->is_overgrown)
        explain_put(x, "  つながりが多すぎるため単独とした", "  too many are linked: stands alone");
    buf_add_str(x->out, "\n");
}

static void put_nodes(const struct explain *x, size_t subject)
{
    explain_put(x, "識別情報\n", "identifiers\n");
    for (size_t n = 0; n < x->d->nodes_count; n++)
        if (x->d->nodes[n].subject == subject)
            put_node(x, n);
}

/* ---- links ---- */

/* How the mention carries the class: the best assurance, 0 for a handle given by a decision. */
static uint32_t assurance_of(const struct derived *d, const struct mention *mention, size_t class)
{
    uint32_t best = 0;
    for (size_t i = 0; i < mention->person->identifiers_count; i++) {
        const struct fact_identifier *identifier = &mention->person->identifiers[i];
        for (size_t t = 0; t < identifier->tokens_count; t++)
            if (derived_find_class(d, &identifier->tokens[t]) == class &&
                identifier->assurance > best)
                best = identifier->assurance;
    }
    return best;
}

static int has_node(const struct mention *mention, size_t node)
{
    for (size_t i = 0; i < mention->classes_count; i++)
        if (mention->nodes[i] == node)
            return 1;
    return 0;
}

static void put_carried(const struct explain *x, const struct mention *mention, size_t node)
{
    size_t class = x->d->nodes[node].class;
    uint32_t assurance = assurance_of(x->d, mention, class);
    buf_addf(x->out, "%s: %s", explain_kind(x, x->d->classes[class].kind),
             assurance == 0 ? explain_word(x, "担当者が付与", "given by a person")
                            : explain_assurance(x, assurance));
}

static void put_evidence(const struct explain *x, const struct edge *edge, size_t effective)
{
    const struct derived *d = x->d;
    for (size_t m = 0; m < d->mentions_count; m++) {
        const struct mention *mention = &d->mentions[m];
        if (mention->effective != effective || !mention->is_live || !has_node(mention, edge->a) ||
            !has_node(mention, edge->b))
            continue;
        buf_addf(x->out, "    %s ", explain_word(x, "記録", "record"));
        explain_put_record(x, effective);
        buf_add_str(x->out, "  (");
        put_carried(x, mention, edge->a);
        buf_add_str(x->out, explain_word(x, "、", ", "));
        put_carried(x, mention, edge->b);
        buf_add_str(x->out, ")\n");
    }
}

static const struct fact_decision *find_decision(const struct derived *d, int64_t no)
{
    size_t i = 0;
    while (d->decisions[i]->no != no)
        i++;
    return d->decisions[i];
}

static void put_suppressions(const struct explain *x, const struct edge *edge)
{
    const struct derived *d = x->d;
    size_t a = d->nodes[edge->a].class, b = d->nodes[edge->b].class;
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_SUPPRESS ||
            decision->classes_count != 2)
            continue;
        size_t p = derived_find_class(d, &decision->classes[0].token);
        size_t q = derived_find_class(d, &decision->classes[1].token);
        if ((p != a || q != b) && (p != b || q != a))
            continue;
        buf_addf(x->out, "    %s: ", explain_word(x, "ひも付け解除", "unlinked"));
        explain_put_decision(x, decision);
        buf_add_str(x->out, "\n");
    }
}

static void put_edge(const struct explain *x, const struct edge *edge)
{
    buf_add_str(x->out, "  ");
    explain_put_class(x, x->d->nodes[edge->a].class);
    buf_add_str(x->out, " ― ");
    explain_put_class(x, x->d->nodes[edge->b].class);
    buf_add_str(x->out, "\n");
    for (size_t i = 0; i < edge->effectives_count; i++)
        put_evidence(x, edge, edge->effectives[i]);
    for (size_t i = 0; i < edge->decisions_count; i++) {
        buf_addf(x->out, "    %s: ", explain_word(x, "ひも付け", "linked"));
        explain_put_decision(x, find_decision(x->d, edge->decisions[i]));
        buf_add_str(x->out, "\n");
    }
    if (edge->is_suppressed)
        put_suppressions(x, edge);
    for (int end = 0; end < 2; end++) {
        size_t node = end == 0 ? edge->a : edge->b;
        if (!x->d->nodes[node].is_shared)
            continue;
        buf_add_str(x->out, "    ");
        explain_put_class(x, x->d->nodes[node].class);
        buf_add_str(x->out, ": ");
        put_shared(x, node);
        buf_add_str(x->out, "\n");
    }
}

static int does_link(const struct derived *d, const struct edge *edge)
{
    const struct node *a = &d->nodes[edge->a], *b = &d->nodes[edge->b];
    return !edge->is_suppressed && !a->is_shared && !b->is_shared && a->subject == b->subject &&
           !a->is_overgrown;
}

/* Edges of the subject's nodes that link, or those that do not. */
static void put_edges(const struct explain *x, size_t subject, int is_linking, const char *heading)
{
    const struct derived *d = x->d;
    int is_first = 1;
    for (size_t i = 0; i < d->edges.count; i++) {
        const struct edge *edge = &d->edges.items[i];
        int is_ours = d->nodes[edge->a].subject == subject || d->nodes[edge->b].subject == subject;
        if (!is_ours || does_link(d, edge) != is_linking)
            continue;
        if (is_first)
            buf_addf(x->out, "%s\n", heading);
        is_first = 0;
        put_edge(x, edge);
    }
}

/* ---- the rest ---- */

static void put_proposals(const struct explain *x, size_t subject)
{
    const struct derived *d = x->d;
    int is_first = 1;
    for (size_t i = 0; i < d->proposals.count; i++) {
        const struct proposal *proposal = &d->proposals.items[i];
        if (proposal->is_switchboard || d->nodes[proposal->node].subject != subject)
            continue;
        if (is_first)
            explain_put(x, "手入力のためひも付けていない記録(要確認)\n",
                        "records not linked, because the identifier was typed (to be confirmed)\n");
        is_first = 0;
        buf_add_str(x->out, "  ");
        explain_put_record(x, d->mentions[proposal->mention].effective);
        buf_addf(x->out, "  %s\n", explain_kind(x, proposal->token->kind));
    }
}

static int is_before(const struct part *a, const struct part *b)
{
    if (a->is_counting != b->is_counting)
        return b->is_counting; /* those without a start first */
    return a->start_us != b->start_us ? a->start_us < b->start_us : a->occurrence < b->occurrence;
}

/* The subject's part next after last, NULL for the first; NULL when there is none. */
static const struct part *next_part(const struct derived *d, size_t subject,
                                    const struct part *last)
{
    const struct part *next = NULL;
    for (size_t i = 0; i < d->parts.count; i++) {
        const struct part *part = &d->parts.items[i];
        if (part->subject == subject && (last == NULL || is_before(last, part)) &&
            (next == NULL || is_before(part, next)))
            next = part;
    }
    return next;
}

static void put_parts(const struct explain *x, size_t subject)
{
    const struct part *part = next_part(x->d, subject, NULL);
    if (part != NULL)
        explain_put(x, "事案\n", "occurrences\n");
    for (; part != NULL; part = next_part(x->d, subject, part)) {
        buf_add_str(x->out, "  ");
        explain_put_part(x, part);
    }
}

static void put_findings(const struct explain *x, size_t subject)
{
    int is_first = 1;
    for (size_t i = 0; i < x->d->findings.count; i++) {
        const struct finding *finding = &x->d->findings.items[i];
        if (finding->subject != subject)
            continue;
        if (is_first)
            explain_put(x, "検知結果(要確認)\n", "findings\n");
        is_first = 0;
        buf_add_str(x->out, "  ");
        explain_put_id(x, finding->id);
        buf_addf(x->out, "  %s\n", explain_rule(x, finding->rule));
    }
}

static void put_watch(const struct explain *x, size_t subject)
{
    const struct derived *d = x->d;
    for (size_t i = 0; i < d->watch.count; i++) {
        const struct watch_entry *entry = &d->watch.items[i];
        int is_ours = 0;
        for (size_t n = 0; n < d->nodes_count; n++)
            is_ours |= d->nodes[n].subject == subject && d->nodes[n].class == entry->class;
        if (!is_ours)
            continue;
        buf_addf(x->out, "%s: ", explain_word(x, "対応注意リスト", "watch list"));
        explain_put_class(x, entry->class);
        buf_add_str(x->out, "  ");
        explain_put_decision(x, entry->decision);
        buf_addf(x->out, "  %s ", explain_word(x, "期限", "until"));
        explain_put_time(x, entry->decision->until_us);
        buf_add_str(x->out, "\n");
    }
}

void explain_subject(const struct explain *x, const struct explain_target *target)
{
    const struct mention *mention = &x->d->mentions[target->mention];
    size_t subject = target->node == NONE ? mention->subject : x->d->nodes[target->node].subject;
    size_t node = target->node == NONE ? mention->owner : target->node;
    buf_addf(x->out, "%s ", explain_word(x, "相手方", "subject"));
    explain_put_subject(x, subject);
    buf_add_str(x->out, "\n");
    if (subject == NONE) {
        if (node == NONE) {
            explain_put(x, "ひも付けに使える識別情報がない\n", "no identifier that links\n");
            return;
        }
        put_node(x, node);
        buf_add_str(x->out, "  ");
        put_shared(x, node);
        buf_add_str(x->out, "\n");
        return;
    }
    put_nodes(x, subject);
    put_edges(x, subject, 1, explain_word(x, "ひも付けの根拠", "links"));
    put_edges(x, subject, 0, explain_word(x, "ひも付けていない組", "not linked"));
    put_proposals(x, subject);
    put_parts(x, subject);
    put_findings(x, subject);
    put_watch(x, subject);
}
