/* Whether the classes that were told are the same without and with what is new. Invariant: records
   that are not in the set say the same before and after, so a class changes only by what the set's
   own records say of its tokens; where that changes, the class is followed. */
#include <stdlib.h>

#include "services/common/correlate/neighbourhood_hub.h"

/* A told token and what an effective record says with it: itself, that it is there; another, that
   they are aliases. */
struct saying {
    struct fact_token token, other;
    size_t hub;
};

struct sayings {
    struct saying *items;
    size_t count;
};

struct place {
    const struct fact_token *token;
    size_t hub;
};

struct judging {
    struct arena *arena;
    struct place *places; /* by token */
    size_t places_count;
};

static int compare_places(const void *a, const void *b)
{
    return fact_token_compare(((const struct place *)a)->token, ((const struct place *)b)->token);
}

static int compare_sayings(const void *a, const void *b)
{
    const struct saying *x = a, *y = b;
    int order = fact_token_compare(&x->token, &y->token);
    return order != 0 ? order : fact_token_compare(&x->other, &y->other);
}

static const struct place *find_place(const struct judging *judging, const struct fact_token *token)
{
    const struct place key = {.token = token};
    return judging->places_count == 0
               ? NULL
               : bsearch(&key, judging->places, judging->places_count, sizeof(key), compare_places);
}

static size_t count_pairs(const struct derived *d)
{
    size_t count = 0;
    for (size_t e = 0; e < d->effectives_count; e++)
        for (size_t p = 0; p < d->effectives[e].persons_count; p++) {
            const struct fact_person *person = &d->effectives[e].persons[p];
            for (size_t i = 0; i < person->identifiers_count; i++)
                count += person->identifiers[i].tokens_count * person->identifiers[i].tokens_count;
        }
    return count;
}

static void say(const struct judging *judging, const struct fact_identifier *identifier,
                struct sayings *sayings)
{
    for (size_t t = 0; t < identifier->tokens_count; t++) {
        const struct place *place = find_place(judging, &identifier->tokens[t]);
        for (size_t o = 0; place != NULL && o < identifier->tokens_count; o++)
            sayings->items[sayings->count++] =
                (struct saying){identifier->tokens[t], identifier->tokens[o], place->hub};
    }
}

/* All sayings, in order, some of them doubled. */
static int collect(const struct judging *judging, const struct derived *d, struct sayings *sayings)
{
    sayings->items = arena_alloc(judging->arena, (count_pairs(d) + 1) * sizeof(*sayings->items));
    if (sayings->items == NULL)
        return 0;
    for (size_t e = 0; e < d->effectives_count; e++)
        for (size_t p = 0; p < d->effectives[e].persons_count; p++) {
            const struct fact_person *person = &d->effectives[e].persons[p];
            for (size_t i = 0; i < person->identifiers_count; i++)
                say(judging, &person->identifiers[i], sayings);
        }
    qsort(sayings->items, sayings->count, sizeof(*sayings->items), compare_sayings);
    return 1;
}

/* Aliases with a token that is not of the class. */
static void find_strangers(const struct judging *judging, const struct sayings *sayings,
                           uint8_t *is_unfit)
{
    for (size_t i = 0; i < sayings->count; i++) {
        const struct saying *saying = &sayings->items[i];
        const struct place *other = find_place(judging, &saying->other);
        if (other == NULL || other->hub != saying->hub)
            is_unfit[saying->hub] = 1;
    }
}

/* What is said no more: others may say it still, which is not known here. */
static void find_lost(const struct sayings *before, const struct sayings *after, uint8_t *is_unfit)
{
    for (size_t i = 0; i < before->count; i++)
        if (after->count == 0 || bsearch(&before->items[i], after->items, after->count,
                                         sizeof(*after->items), compare_sayings) == NULL)
            is_unfit[before->items[i].hub] = 1;
}

static int index_places(struct judging *judging, const struct neighbourhood_hub *hubs, size_t count)
{
    size_t tokens = 0;
    for (size_t h = 0; h < count; h++)
        tokens += hubs[h].told.tokens_count;
    judging->places = arena_alloc(judging->arena, (tokens + 1) * sizeof(*judging->places));
    if (judging->places == NULL)
        return 0;
    for (size_t h = 0; h < count; h++)
        for (size_t t = 0; t < hubs[h].told.tokens_count; t++)
            judging->places[judging->places_count++] = (struct place){&hubs[h].told.tokens[t], h};
    qsort(judging->places, judging->places_count, sizeof(*judging->places), compare_places);
    return 1;
}

/* A suppression between two classes that are told: whether they have an edge is not known here. */
static void find_suppressed(const struct judging *judging, const struct derived *d,
                            uint8_t *is_unfit)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (decision->kind != FACT_DECISION_SUPPRESS || decision->classes_count != 2)
            continue;
        const struct place *a = find_place(judging, &decision->classes[0].token);
        const struct place *b = find_place(judging, &decision->classes[1].token);
        if (a != NULL && b != NULL)
            is_unfit[a->hub] = is_unfit[b->hub] = 1;
    }
}

static enum rc judge_shared(struct neighbourhood *n, const struct derived *before,
                            const struct derived *after, uint8_t *is_unfit, int *ret_is_settled,
                            struct err *err)
{
    size_t count;
    struct neighbourhood_hub *hubs = neighbourhood_hub_list(n, &count);
    for (size_t h = 0; h < count; h++) {
        enum hub_standing standing = HUB_STANDING_HOLDS;
        if (is_unfit[h] || !hubs[h].told.is_linking)
            continue;
        enum rc rc = neighbourhood_judge_shared(n, &hubs[h], before, after, &standing, err);
        if (rc != RC_OK)
            return rc;
        is_unfit[h] = standing == HUB_STANDING_FOLLOW;
        *ret_is_settled &= standing == HUB_STANDING_HOLDS;
    }
    return RC_OK;
}

enum rc neighbourhood_judge(struct neighbourhood *n, const struct derived *before,
                            const struct derived *after, int *ret_is_settled, struct err *err)
{
    size_t count;
    const struct neighbourhood_hub *hubs = neighbourhood_hub_list(n, &count);
    struct judging judging = {.arena = before->arena};
    struct sayings was = {0}, is = {0};
    *ret_is_settled = 1;
    if (count == 0)
        return RC_OK;
    uint8_t *is_unfit = arena_zalloc(judging.arena, count);
    if (is_unfit == NULL || !index_places(&judging, hubs, count) ||
        !collect(&judging, before, &was) || !collect(&judging, after, &is))
        return err_set(err, RC_FULL, "what is near needs more memory than allowed");
    find_strangers(&judging, &was, is_unfit);
    find_strangers(&judging, &is, is_unfit);
    find_lost(&was, &is, is_unfit);
    find_suppressed(&judging, after, is_unfit);
    enum rc rc = judge_shared(n, before, after, is_unfit, ret_is_settled, err);
    for (size_t h = count; rc == RC_OK && h-- > 0;) /* the last takes the place of one followed */
        if (is_unfit[h]) {
            neighbourhood_follow(n, h);
            *ret_is_settled = 0;
        }
    return rc;
}
