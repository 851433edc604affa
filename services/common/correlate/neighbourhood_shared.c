/* Whether a shared node that not all sightings are here of is what was told, without and with what
   is new. Invariant: a node that is shared by the records that are here is shared by all of them:
   more records make more neighbours. Only switchboards are not so; those are counted. */
#include <stdlib.h>

#include "services/common/base/limits.h"
#include "services/common/correlate/neighbourhood_hub.h"
#include "services/common/correlate/steps.h"

enum { CALLS_FIRST = 1000 };

struct call {
    struct slice site;
    struct neighbourhood_call at;
};

struct calls {
    struct call *items; /* by site, start, record; no doubles */
    size_t count;
};

static int compare_times(const struct neighbourhood_call *x, const struct neighbourhood_call *y)
{
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return uuid_compare(&x->record, &y->record);
}

static int compare_calls(const void *a, const void *b)
{
    const struct call *x = a, *y = b;
    int order = derived_slice_compare(x->site, y->site);
    return order != 0 ? order : compare_times(&x->at, &y->at);
}

/* Its only node, or NULL. */
static const struct node *only_node(const struct derived *d, const struct neighbourhood_hub *hub)
{
    size_t c = derived_find_class(d, &hub->told.tokens[0]);
    if (c == NONE || d->classes[c].tokens_count != hub->told.tokens_count ||
        d->classes[c].nodes_count != 1)
        return NULL;
    return &d->nodes[d->classes[c].first_node];
}

static int collect_calls(const struct derived *d, const struct node *node, struct calls *calls)
{
    size_t kept = 0;
    calls->items = arena_alloc(d->arena, (node->sightings_count + 1) * sizeof(*calls->items));
    if (calls->items == NULL)
        return 0;
    for (size_t i = 0; i < node->sightings_count; i++) {
        size_t index = d->mentions[d->sightings[node->first_sighting + i].mention].effective;
        const struct effective *e = &d->effectives[index];
        const struct fact_record *w = e->winner;
        if (derived_is_anchor(e) && w->ref.size > 0)
            calls->items[calls->count++] =
                (struct call){e->original->site, {e->original->id, w->start_us, w->end_us, w->ref}};
    }
    qsort(calls->items, calls->count, sizeof(*calls->items), compare_calls);
    for (size_t i = 0; i < calls->count; i++)
        if (kept == 0 || compare_calls(&calls->items[kept - 1], &calls->items[i]) != 0)
            calls->items[kept++] = calls->items[i];
    calls->count = kept;
    return 1;
}

static int is_same_call(const struct call *x, const struct call *y)
{
    return compare_calls(x, y) == 0 && x->at.end_us == y->at.end_us &&
           slice_is_equal(x->at.ref, y->at.ref);
}

/* ---- runs ---- */

/* A hub's only node; NULL: it has none, or several. */
struct hub_node {
    const struct derived *d;
    const struct node *node;
};

static int has_sighting(const struct hub_node *in, int64_t start_us, const struct uuid *record)
{
    for (size_t i = 0; in->node != NULL && i < in->node->sightings_count; i++) {
        const struct sighting *s = &in->d->sightings[in->node->first_sighting + i];
        size_t effective = in->d->mentions[s->mention].effective;
        if (s->start_us == start_us && uuid_compare(derived_id(in->d, effective), record) == 0)
            return 1;
    }
    return 0;
}

/* Where a sighting goes, its neighbours in time say where the run ends. */
static int want_sides(struct neighbourhood *n, const struct neighbourhood_hub *hub,
                      const struct hub_node *was, const struct hub_node *is)
{
    int is_more = 0;
    for (size_t i = 0; i < was->node->sightings_count; i++) {
        const struct sighting *s = &was->d->sightings[was->node->first_sighting + i];
        const struct uuid *id = derived_id(was->d, was->d->mentions[s->mention].effective);
        if (!has_sighting(is, s->start_us, id))
            is_more |= neighbourhood_want_side(n, hub, s->start_us, id);
    }
    return is_more;
}

/* ---- switchboards ---- */

static int do_overlap(const struct fact_linking *linking, const struct neighbourhood_call *x,
                      const struct neighbourhood_call *y)
{
    int64_t start_us = x->start_us > y->start_us ? x->start_us : y->start_us;
    int64_t end_us = x->end_us < y->end_us ? x->end_us : y->end_us;
    return derived_slice_compare(x->ref, y->ref) != 0 && end_us - start_us >= linking->overlap_us;
}

static int compare_given(const void *a, const void *b)
{
    return compare_times(a, b);
}

static int is_in(const struct calls *calls, struct slice site, const struct uuid *record)
{
    for (size_t i = 0; i < calls->count; i++)
        if (slice_is_equal(calls->items[i].site, site) &&
            uuid_compare(&calls->items[i].at.record, record) == 0)
            return 1;
    return 0;
}

/* Overlapping neighbours among the given calls of a site, with those that are here in place of what
   they were; of not all calls only up to the last given. -1: the arena is too small. */
static int64_t count_pairs(const struct fact_linking *linking, struct arena *arena,
                           const struct hub_calls *given, const struct calls *was,
                           const struct calls *is)
{
    size_t count = 0;
    int64_t pairs = 0;
    struct neighbourhood_call *merged =
        arena_alloc(arena, (given->count + is->count + 1) * sizeof(*merged));
    if (merged == NULL)
        return -1;
    for (size_t i = 0; i < given->count; i++)
        if (!is_in(was, given->wanted.site, &given->items[i].record))
            merged[count++] = given->items[i];
    for (size_t i = 0; i < is->count; i++) {
        const struct call *call = &is->items[i];
        if (slice_is_equal(call->site, given->wanted.site) &&
            (given->is_all ||
             (given->count > 0 && compare_times(&call->at, &given->items[given->count - 1]) <= 0)))
            merged[count++] = call->at;
    }
    qsort(merged, count, sizeof(*merged), compare_given);
    for (size_t i = 1; i < count; i++)
        pairs += do_overlap(linking, &merged[i - 1], &merged[i]);
    return pairs;
}

struct pairs {
    int64_t was, is;
};

struct weighing {
    struct neighbourhood *n;
    struct neighbourhood_hub *hub;
    const struct calls *calls; /* without and with what is new */
    struct arena *arena;
};

/* Of a site where calls changed. */
static enum hub_standing weigh_site(const struct weighing *w, struct slice site,
                                    struct pairs *ret_pairs)
{
    const struct fact_linking *linking = neighbourhood_linking(w->n);
    const struct hub_calls *given;
    if (neighbourhood_want_calls(w->n, w->hub, site, CALLS_FIRST))
        return HUB_STANDING_MORE;
    for (given = w->hub->calls; given != NULL && !slice_is_equal(given->wanted.site, site);)
        given = given->next;
    if (given == NULL || !given->is_given)
        return HUB_STANDING_FOLLOW;
    ret_pairs->was = count_pairs(linking, w->arena, given, &w->calls[0], &w->calls[0]);
    ret_pairs->is = count_pairs(linking, w->arena, given, &w->calls[0], &w->calls[1]);
    if (ret_pairs->was < 0 || ret_pairs->is < 0)
        return HUB_STANDING_FOLLOW;
    if (given->is_all || ret_pairs->is >= linking->pairs)
        return HUB_STANDING_HOLDS;
    return neighbourhood_want_calls(w->n, w->hub, site, LIMIT_HUB_CALLS) ? HUB_STANDING_MORE
                                                                         : HUB_STANDING_FOLLOW;
}

static void skip_site(const struct calls *calls, size_t *at, struct slice site)
{
    while (*at < calls->count && derived_slice_compare(calls->items[*at].site, site) <= 0)
        ++*at;
}

/* The next site in order at which a call is in one of them only; 0: none. at: 0s at first. */
static int next_site(const struct calls calls[2], size_t at[2], struct slice *ret_site)
{
    while (at[0] < calls[0].count || at[1] < calls[1].count) {
        const struct call *x = at[0] < calls[0].count ? &calls[0].items[at[0]] : NULL;
        const struct call *y = at[1] < calls[1].count ? &calls[1].items[at[1]] : NULL;
        if (x != NULL && y != NULL && is_same_call(x, y)) {
            at[0]++;
            at[1]++;
            continue;
        }
        *ret_site = y == NULL || (x != NULL && compare_calls(x, y) < 0) ? x->site : y->site;
        skip_site(&calls[0], &at[0], *ret_site);
        skip_site(&calls[1], &at[1], *ret_site);
        return 1;
    }
    return 0;
}

/* Of sites where nothing changed only what the node was is known. */
static enum hub_standing judge_calls(const struct weighing *w)
{
    struct neighbourhood_hub *hub = w->hub;
    int64_t enough = neighbourhood_linking(w->n)->pairs;
    int has_enough = 0, had_enough = 0, is_more = 0;
    size_t at[2] = {0, 0};
    struct slice site;
    while (next_site(w->calls, at, &site)) {
        struct pairs pairs = {0, 0};
        enum hub_standing standing = weigh_site(w, site, &pairs);
        if (standing == HUB_STANDING_FOLLOW)
            return standing;
        is_more |= standing == HUB_STANDING_MORE;
        has_enough |= pairs.is >= enough;
        had_enough |= pairs.was >= enough;
    }
    if (is_more)
        return HUB_STANDING_MORE;
    if (had_enough && !has_enough)
        return HUB_STANDING_FOLLOW;
    int is_switchboard = hub->was_switchboard || has_enough;
    if (is_switchboard == hub->told.is_switchboard)
        return HUB_STANDING_HOLDS;
    hub->told.is_switchboard = is_switchboard;
    return HUB_STANDING_MORE;
}

enum rc neighbourhood_judge_shared(struct neighbourhood *n, struct neighbourhood_hub *hub,
                                   const struct derived *before, const struct derived *after,
                                   enum hub_standing *ret_standing, struct err *err)
{
    const struct hub_node was = {before, only_node(before, hub)};
    const struct hub_node is = {after, only_node(after, hub)};
    struct calls calls[2] = {0};
    *ret_standing = HUB_STANDING_FOLLOW;
    if (was.node == NULL || !was.node->is_shared)
        return RC_OK;
    if (want_sides(n, hub, &was, &is)) {
        *ret_standing = HUB_STANDING_MORE;
        return RC_OK;
    }
    if (is.node == NULL || !is.node->is_shared)
        return RC_OK;
    if (!collect_calls(before, was.node, &calls[0]) || !collect_calls(after, is.node, &calls[1]))
        return err_set(err, RC_FULL, "what is near needs more memory than allowed");
    *ret_standing = judge_calls(&(struct weighing){n, hub, calls, before->arena});
    return RC_OK;
}
