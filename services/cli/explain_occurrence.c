/* What happened, who says so, and what has been decided about it. */
#include <stdio.h>

#include "services/cli/explain_words.h"
#include "services/common/correlate/steps.h"

/* ---- records ---- */

static void put_record(const struct explain *x, size_t effective)
{
    const struct effective *e = &x->d->effectives[effective];
    const struct fact_decision *verdict = x->d->verdicts[effective];
    buf_add_str(x->out, "  ");
    explain_put_record(x, effective);
    buf_add_str(x->out, "\n");
    if (e->winner != e->original) {
        buf_addf(x->out, "    %s ", explain_word(x, "訂正:", "corrected by"));
        explain_put_id(x, e->winner->id.bytes);
        buf_add_str(x->out, "\n");
    }
    for (size_t i = 0; i < e->supplements_count; i++) {
        buf_addf(x->out, "    %s ", explain_word(x, "追記:", "supplement"));
        explain_put_id(x, e->supplements[i]->id.bytes);
        buf_add_str(x->out, "\n");
    }
    if (verdict == NULL)
        return;
    buf_addf(x->out, "    %s %s  ", explain_word(x, "判定:", "verdict:"),
             explain_verdict(x, verdict->verdict));
    explain_put_decision(x, verdict);
    buf_add_str(x->out, "\n");
}

/* ---- why together ---- */

static int has_effective(const struct occurrence *o, size_t effective)
{
    for (size_t i = 0; i < o->effectives_count; i++)
        if (o->effectives[i] == effective)
            return 1;
    return 0;
}

static void put_decided(const struct explain *x, const struct occurrence *o)
{
    const struct derived *d = x->d;
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        int count = 0;
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_SAME_OCCURRENCE)
            continue;
        for (size_t k = 0; k < decision->records_count; k++) {
            const struct fact_record *named = derived_find_named(d, &decision->records[k]);
            size_t e = named == NULL ? NONE : derived_find_effective(d, &named->id);
            count += e != NONE && has_effective(o, e);
        }
        if (count < 2)
            continue;
        buf_addf(x->out, "  %s: ", explain_word(x, "同じ事案とした", "decided"));
        explain_put_decision(x, decision);
        buf_add_str(x->out, "\n");
    }
}

static void put_ties(const struct explain *x, const struct occurrence *o)
{
    int has_ref = 0;
    for (size_t i = 1; i < o->effectives_count; i++)
        for (size_t k = 0; k < i; k++)
            has_ref |= x->d->effectives[o->effectives[i]].a_component ==
                       x->d->effectives[o->effectives[k]].a_component;
    explain_put(x, "一つの事案とした理由\n", "why one occurrence\n");
    if (has_ref)
        explain_put(x, "  同じ通話ID\n", "  the same call id\n");
    put_decided(x, o);
    explain_put(x, "  ほかは、同じ拠点・経路・相手方で時刻が近い記録\n",
                "  otherwise: records of one site, channel and owner, close in time\n");
}

/* ---- parts and verdicts ---- */

static void put_parts(const struct explain *x, const struct occurrence *o)
{
    explain_put(x, "相手方ごと\n", "parts\n");
    if (o->parts_count == 0)
        explain_put(x, "  誰についての記録か分からない\n", "  tells about nobody\n");
    for (size_t i = 0; i < o->parts_count; i++) {
        const struct part *part = &x->d->parts.items[o->first_part + i];
        buf_addf(x->out, "  %s ", explain_word(x, "相手方", "subject"));
        explain_put_subject(x, part->subject);
        buf_add_str(x->out, "\n    ");
        explain_put_part(x, part);
    }
}

static void put_reviews(const struct explain *x, size_t occurrence)
{
    for (size_t i = 0; i < x->d->reviews.count; i++) {
        const struct review *review = &x->d->reviews.items[i];
        if (review->occurrence != occurrence)
            continue;
        buf_addf(x->out, "%s: ", explain_word(x, "要確認", "to be reviewed"));
        if (review->kind == REVIEW_KIND_JOINED) {
            explain_put_decision(x, review->decision);
            explain_put(x, "が対象としていない記録 ", " does not name record ");
        } else {
            explain_put(x, "相手方が定まらない記録 ", "nobody is known for record ");
        }
        explain_put_id(x, review->record->bytes);
        buf_add_str(x->out, "\n");
    }
}

void explain_occurrence(const struct explain *x, size_t occurrence)
{
    const struct occurrence *o = &x->d->occurrences[occurrence];
    buf_addf(x->out, "%s ", explain_word(x, "事案", "occurrence"));
    explain_put_id(x, derived_id(x->d, o->effectives[0])->bytes);
    buf_addf(x->out, "  %s\n", explain_state(x, o->state));
    explain_put(x, "記録\n", "records\n");
    for (size_t i = 0; i < o->effectives_count; i++)
        put_record(x, o->effectives[i]);
    if (o->effectives_count > 1)
        put_ties(x, o);
    put_parts(x, o);
    put_reviews(x, occurrence);
}
