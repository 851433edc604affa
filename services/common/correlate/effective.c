/* D1: what a record says after corrections and supplements. */
#include "services/common/correlate/steps.h"

#include <string.h>

static int compare_records(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct fact_record *x = *(const struct fact_record *const *)a;
    const struct fact_record *y = *(const struct fact_record *const *)b;
    return uuid_compare(&x->id, &y->id);
}

/* Corrections by target, then by what makes one win. */
static int compare_corrections(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct fact_record *x = *(const struct fact_record *const *)a;
    const struct fact_record *y = *(const struct fact_record *const *)b;
    int order = uuid_compare(&x->target, &y->target);
    if (order == 0)
        order = x->revision < y->revision ? -1 : x->revision > y->revision;
    return order != 0 ? order : uuid_compare(&x->id, &y->id);
}

static int is_valid(const struct fact_record *correction, const struct fact_record *target)
{
    if (derived_slice_compare(correction->site, target->site) != 0 ||
        correction->revision < target->revision)
        return 0;
    if (correction->replaces == FACT_BODY_RETRACTION)
        return 1;
    return (correction->replaces == FACT_BODY_SUPPLEMENT) ==
               (target->kind == FACT_BODY_SUPPLEMENT) &&
           correction->replaces != FACT_BODY_CORRECTION;
}

static int is_correction(const struct derived *d, const struct uuid *id)
{
    return derived_find_record(d->corrections, d->corrections_count, id) != NULL;
}

/* Valid corrections by (target, revision, id); the others are listed. */
static size_t sort_corrections(struct derived *d, const struct fact_record **ret_valid)
{
    size_t valid = 0;
    for (size_t i = 0; i < d->corrections_count; i++) {
        const struct fact_record *correction = d->corrections[i];
        const struct fact_record *target =
            derived_find_record(d->originals, d->originals_count, &correction->target);
        if (target != NULL && is_valid(correction, target))
            ret_valid[valid++] = correction;
        else if (target != NULL || is_correction(d, &correction->target))
            VECTOR_PUSH(d, &d->inert, correction);
        else
            VECTOR_PUSH(d, &d->waiting, correction);
    }
    derived_sort(d, ret_valid, valid, sizeof(*ret_valid), compare_corrections);
    return valid;
}

/* The last of the corrections of a target, which are sorted to end with the winner. */
static const struct fact_record *find_winner(const struct fact_record **corrections, size_t count,
                                             const struct fact_record *original)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first of a greater target */
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(&corrections[middle]->target, &original->id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && uuid_compare(&corrections[low - 1]->target, &original->id) == 0)
        return corrections[low - 1];
    return original;
}

static enum fact_body body_of(const struct fact_record *record)
{
    return record->kind == FACT_BODY_CORRECTION ? record->replaces : record->kind;
}

static int has_effect(const struct fact_record *winner)
{
    return !winner->is_training && body_of(winner) != FACT_BODY_RETRACTION;
}

static void append_identifiers(struct derived *d, struct fact_person *to,
                               const struct fact_person *from)
{
    size_t count = to->identifiers_count + from->identifiers_count;
    struct fact_identifier *identifiers = derived_take(d, count, sizeof(*identifiers));
    if (to->identifiers_count > 0)
        memcpy(identifiers, to->identifiers, to->identifiers_count * sizeof(*identifiers));
    if (from->identifiers_count > 0)
        memcpy(identifiers + to->identifiers_count, from->identifiers,
               from->identifiers_count * sizeof(*identifiers));
    to->identifiers = identifiers;
    to->identifiers_count = count;
}

static void add_persons(struct derived *d, struct effective *e, const struct fact_record *from)
{
    for (size_t i = 0; i < from->persons_count; i++) {
        size_t k = 0;
        while (k < e->persons_count && e->persons[k].ordinal != from->persons[i].ordinal)
            k++;
        if (k == e->persons_count)
            e->persons[e->persons_count++] = from->persons[i];
        else
            append_identifiers(d, &e->persons[k], &from->persons[i]);
    }
}

static void add_lists(struct effective *e, const struct fact_record *from)
{
    for (size_t i = 0; i < from->categories_count; i++)
        e->categories[e->categories_count++] = from->categories[i];
    for (size_t i = 0; i < from->answers_count; i++)
        e->answers[e->answers_count++] = from->answers[i];
    if (from->matter.size > 0)
        e->matters[e->matters_count++] = from->matter;
}

static size_t count_matter_decisions(const struct derived *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->decisions_count; i++)
        count += d->is_in_force[i] && d->decisions[i]->kind == FACT_DECISION_MATTER;
    return count;
}

/* Room for all that will be appended, then the winner's own content. */
static void open_effective(struct derived *d, struct effective *e,
                           const struct fact_record *const *supplements, size_t count,
                           size_t matter_decisions)
{
    size_t persons = e->winner->persons_count, categories = e->winner->categories_count;
    size_t answers = e->winner->answers_count;
    for (size_t i = 0; i < count; i++) {
        persons += supplements[i]->persons_count;
        categories += supplements[i]->categories_count;
        answers += supplements[i]->answers_count;
    }
    e->persons = derived_take(d, persons, sizeof(*e->persons));
    e->categories = derived_take(d, categories, sizeof(*e->categories));
    e->answers = derived_take(d, answers, sizeof(*e->answers));
    e->matters = derived_take(d, 1 + count + matter_decisions, sizeof(*e->matters));
    add_persons(d, e, e->winner);
    add_lists(e, e->winner);
}

struct supplement {
    const struct fact_record *original;
    const struct fact_record *winner;
};

static int compare_supplements(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct supplement *x = a, *y = b;
    int order = uuid_compare(&x->original->target, &y->original->target);
    return order != 0 ? order : uuid_compare(&x->original->id, &y->original->id);
}

/* Supplements that have an effect, by (target, id); the others are listed. */
static size_t collect_supplements(struct derived *d, const struct fact_record **corrections,
                                  size_t corrections_count, struct supplement *supplements)
{
    size_t count = 0;
    for (size_t i = 0; i < d->originals_count; i++) {
        const struct fact_record *record = d->originals[i];
        if (record->kind != FACT_BODY_SUPPLEMENT)
            continue;
        const struct fact_record *target =
            derived_find_record(d->originals, d->originals_count, &record->target);
        const struct fact_record *winner = find_winner(corrections, corrections_count, record);
        if (target == NULL && !is_correction(d, &record->target))
            VECTOR_PUSH(d, &d->waiting, record);
        else if (target == NULL || target->kind == FACT_BODY_SUPPLEMENT ||
                 derived_slice_compare(target->site, record->site) != 0)
            VECTOR_PUSH(d, &d->inert, record);
        else if (has_effect(winner))
            supplements[count++] = (struct supplement){record, winner};
    }
    derived_sort(d, supplements, count, sizeof(*supplements), compare_supplements);
    return count;
}

static void fold(struct derived *d, struct effective *e, const struct supplement *supplements,
                 size_t count, size_t matter_decisions)
{
    const struct fact_record **winners = derived_take(d, count, sizeof(*winners));
    e->supplements = derived_take(d, count, sizeof(*e->supplements));
    for (size_t i = 0; i < count; i++) {
        winners[i] = supplements[i].winner;
        e->supplements[i] = supplements[i].original;
    }
    e->supplements_count = count;
    open_effective(d, e, winners, count, matter_decisions);
    for (size_t i = 0; i < count; i++) {
        add_persons(d, e, winners[i]);
        add_lists(e, winners[i]);
    }
}

static void add_decided_matters(struct derived *d)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_MATTER ||
            decision->name.size == 0)
            continue;
        for (size_t k = 0; k < decision->records_count; k++) {
            const struct fact_record *named = derived_find_named(d, &decision->records[k]);
            size_t index = named == NULL ? NONE : derived_find_effective(d, &named->id);
            struct effective *e = index == NONE ? NULL : &d->effectives[index];
            int is_again = e != NULL && e->matters_count > 0 &&
                           e->matters[e->matters_count - 1].data == decision->name.data;
            if (e != NULL && !is_again) /* a record named twice by one decision */
                e->matters[e->matters_count++] = decision->name;
        }
    }
    for (size_t i = 0; i < d->effectives_count; i++) {
        struct effective *e = &d->effectives[i];
        e->matters_count = derived_slice_set(d, e->matters, e->matters_count);
    }
}

/* Splits the records into originals and corrections, each by id. */
static void split(struct derived *d)
{
    const struct facts *facts = d->facts;
    d->originals = derived_take(d, facts->records_count, sizeof(*d->originals));
    d->corrections = derived_take(d, facts->records_count, sizeof(*d->corrections));
    for (size_t i = 0; i < facts->records_count; i++) {
        if (facts->records[i].kind == FACT_BODY_CORRECTION)
            d->corrections[d->corrections_count++] = &facts->records[i];
        else
            d->originals[d->originals_count++] = &facts->records[i];
    }
    derived_sort(d, d->originals, d->originals_count, sizeof(*d->originals), compare_records);
    derived_sort(d, d->corrections, d->corrections_count, sizeof(*d->corrections), compare_records);
}

void effective_derive(struct derived *d)
{
    split(d);
    const struct fact_record **corrections =
        derived_take(d, d->corrections_count, sizeof(*corrections));
    size_t count = sort_corrections(d, corrections);
    struct supplement *supplements = derived_take(d, d->originals_count, sizeof(*supplements));
    size_t supplements_count = collect_supplements(d, corrections, count, supplements);
    size_t matter_decisions = count_matter_decisions(d);
    d->effectives = derived_take(d, d->originals_count, sizeof(*d->effectives));
    size_t at = 0;
    for (size_t i = 0; i < d->originals_count; i++) {
        const struct fact_record *original = d->originals[i];
        const struct fact_record *winner = find_winner(corrections, count, original);
        while (at < supplements_count &&
               uuid_compare(&supplements[at].original->target, &original->id) < 0)
            at++;
        size_t end = at;
        while (end < supplements_count &&
               uuid_compare(&supplements[end].original->target, &original->id) == 0)
            end++;
        if (original->kind == FACT_BODY_SUPPLEMENT || !has_effect(winner))
            continue;
        struct effective *e = &d->effectives[d->effectives_count++];
        *e = (struct effective){.original = original, .winner = winner, .body = body_of(winner)};
        fold(d, e, supplements + at, end - at, matter_decisions);
    }
    add_decided_matters(d);
}
