/* The incremental form against the full function (docs/correlation.md §6), without a database: the
   facts themselves are what the neighbourhood looks things up in. */
#include "tests/model/correlate_batches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/correlate/correlate.h"
#include "services/common/correlate/neighbourhood.h"
#include "services/common/correlate/steps.h"

enum {
    DUMP_BYTES = 1 << 28,
    BATCH_MAX = 7,
    TOLD_MAX = 20,
    HUB_RECORDS = 2, /* more carry a hub */
    CALLS_FIRST = 4, /* of a hub, given at first */
    WITNESSES = 6,   /* of a kind */
};

struct event {
    const struct fact_record *record;
    const struct fact_decision *decision; /* neither: the tick */
};

struct run {
    struct arena *arena;
    uint64_t random;
    struct facts all;
    struct event *events;
    size_t events_count;
    struct fact_record *records; /* told so far */
    struct fact_decision *decisions;
    size_t records_count, decisions_count;
    const struct derived *stands;  /* of what was told before the batch */
    size_t near_count, told_count; /* records, over all batches */
    size_t hubs_count, shared_count, again_count;
};

/* splitmix64 */
static uint64_t next_random(struct run *run)
{
    uint64_t z = run->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void *take(struct run *run, size_t count, size_t size)
{
    void *p = arena_zalloc(run->arena, (count + 1) * size);
    CHECK(p != NULL);
    return p;
}

static void must(enum rc rc, const struct err *err)
{
    if (rc == RC_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void shuffle(struct run *run, const struct facts *facts)
{
    size_t count = 0;
    run->events =
        take(run, facts->records_count + facts->decisions_count + 1, sizeof(struct event));
    for (size_t i = 0; i < facts->records_count; i++)
        run->events[count++].record = &facts->records[i];
    for (size_t i = 0; i < facts->decisions_count; i++)
        run->events[count++].decision = &facts->decisions[i];
    count += facts->has_tick != 0;
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(next_random(run) % i);
        struct event event = run->events[i - 1];
        run->events[i - 1] = run->events[other];
        run->events[other] = event;
    }
    run->events_count = count;
}

/* ---- lines with weights: all must come to nothing ---- */

struct line {
    struct slice text;
    int weight;
};

struct lines {
    struct line *items;
    size_t count, capacity;
};

static int compare_lines(const void *a, const void *b)
{
    const struct slice *x = &((const struct line *)a)->text, *y = &((const struct line *)b)->text;
    int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

static void add_lines(struct lines *lines, const struct buf *dump, int weight)
{
    size_t from = 0;
    for (size_t i = 0; i < dump->size; i++) {
        if (dump->data[i] != '\n')
            continue;
        CHECK(lines->count < lines->capacity);
        lines->items[lines->count++] = (struct line){slice_of(dump->data + from, i - from), weight};
        from = i + 1;
    }
}

static size_t lines_of(const struct buf *dump)
{
    size_t count = 0;
    for (size_t i = 0; i < dump->size; i++)
        count += dump->data[i] == '\n';
    return count;
}

/* How many differ; the first are printed. */
static size_t settle(struct lines *lines, size_t batch)
{
    size_t differing = 0;
    qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
    for (size_t i = 0, end; i < lines->count; i = end) {
        int sum = 0;
        for (end = i;
             end < lines->count && compare_lines(&lines->items[i], &lines->items[end]) == 0; end++)
            sum += lines->items[end].weight;
        if (sum != 0 && differing++ < TOLD_MAX)
            printf("batch %zu: %s %.*s\n", batch, sum > 0 ? "extra" : "missing",
                   (int)lines->items[i].text.size, (const char *)lines->items[i].text.data);
    }
    return differing;
}

/* ---- one batch ---- */

static const struct derived *derive(struct run *run, const struct facts *facts)
{
    const struct derived *derived;
    struct err err;
    struct facts *kept = take(run, 1, sizeof(*kept));
    *kept = *facts;
    must(correlate_full(kept, run->arena, &derived, &err), &err);
    return derived;
}

static void put_token(struct buf *out, const struct fact_token *token)
{
    buf_addf(out, " [%" PRIu32 ",%" PRIu32 ",", token->kind, token->key_id);
    for (size_t i = 0; i < FACT_MAC_BYTES; i++)
        buf_addf(out, "%02x", token->mac[i]);
    buf_add_str(out, "]");
}

/* Of a hub a set need not have all: an edge's line lists all its records, an owner's says where its
   run begins. Both are told here as rows have them. */
static void add_other_lines(struct buf *out, const struct buf *dump)
{
    static const char *const TOLD[] = {"\"t\":\"edge\"", "\"t\":\"owner\""};
    for (size_t from = 0, i = 0; i < dump->size; i++) {
        int is_told = 0;
        if (dump->data[i] != '\n')
            continue;
        for (size_t k = 0; k < 2; k++)
            is_told |= memmem(dump->data + from, i - from, TOLD[k], strlen(TOLD[k])) != NULL;
        if (!is_told)
            buf_add(out, dump->data + from, i + 1 - from);
        from = i + 1;
    }
}

static void put_class(struct buf *out, const struct derived *d, size_t class)
{
    put_token(out, &d->tokens[d->classes[class].tokens[0]]);
}

static void put_id(struct buf *out, const struct derived *d, size_t effective)
{
    char id[UUID_TEXT_BYTES];
    uuid_format(derived_id(d, effective), id);
    buf_addf(out, " %s\n", id);
}

static void put_node(struct buf *out, const struct derived *d, const struct node *node)
{
    buf_add_str(out, "run");
    put_class(out, d, node->class);
    buf_addf(out, " %" PRId64 " switchboard %d\n", node->first_us, node->is_switchboard);
    for (size_t i = 0; node->is_shared && i < node->sightings_count; i++) {
        const struct sighting *s = &d->sightings[node->first_sighting + i];
        int is_again =
            i > 0 && d->mentions[s[-1].mention].effective == d->mentions[s->mention].effective;
        if (is_again)
            continue;
        buf_add_str(out, "shared");
        put_class(out, d, node->class);
        put_id(out, d, d->mentions[s->mention].effective);
    }
}

static void put_edge(struct buf *out, const struct derived *d, const struct edge *edge)
{
    for (size_t i = 0; i < edge->effectives_count + edge->decisions_count; i++) {
        buf_addf(out, "edge %d", edge->is_suppressed);
        put_class(out, d, d->nodes[edge->a].class);
        put_class(out, d, d->nodes[edge->b].class);
        if (i < edge->effectives_count)
            put_id(out, d, edge->effectives[i]);
        else
            buf_addf(out, " %" PRId64 "\n", edge->decisions[i - edge->effectives_count]);
    }
}

static void put_mention(struct buf *out, const struct derived *d, const struct mention *mention)
{
    buf_addf(out, "owner %" PRIu32, mention->ordinal);
    if (mention->owner != NONE)
        put_class(out, d, d->nodes[mention->owner].class);
    if (mention->subject != NONE) {
        const struct subject_name *name = &d->subjects[mention->subject].name;
        char id[UUID_TEXT_BYTES];
        uuid_format(name->record, id);
        buf_addf(out, " of %s %" PRIu32, id, name->ordinal);
        put_token(out, name->token);
    }
    put_id(out, d, mention->effective);
}

/* And what rows have beside it: each token with its class, what is kept of shared nodes. */
static void dump(struct run *run, const struct derived *d, struct buf *out)
{
    struct err err;
    struct buf all;
    buf_init(&all, DUMP_BYTES);
    buf_init(out, DUMP_BYTES);
    must(correlate_dump(d, run->arena, &all, &err), &err);
    add_other_lines(out, &all);
    buf_done(&all);
    for (size_t t = 0; t < d->tokens_count; t++) {
        buf_add_str(out, "token");
        put_token(out, &d->tokens[t]);
        put_class(out, d, d->class_of[t]);
        buf_add_str(out, "\n");
    }
    for (size_t n = 0; n < d->nodes_count; n++)
        put_node(out, d, &d->nodes[n]);
    for (size_t m = 0; m < d->mentions_count; m++)
        put_mention(out, d, &d->mentions[m]);
    for (size_t i = 0; i < d->edges.count; i++)
        put_edge(out, d, &d->edges.items[i]);
    CHECK(!out->is_failed);
}

static int is_named(const struct uuid *ids, size_t count, const struct uuid *id)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_compare(&ids[i], id) == 0)
            return 1;
    return 0;
}

static int carries(const struct fact_person *persons, size_t persons_count,
                   const struct fact_token *tokens, size_t count)
{
    for (size_t p = 0; p < persons_count; p++)
        for (size_t i = 0; i < persons[p].identifiers_count; i++) {
            const struct fact_identifier *identifier = &persons[p].identifiers[i];
            for (size_t t = 0; t < identifier->tokens_count; t++)
                for (size_t k = 0; k < count; k++)
                    if (fact_token_compare(&identifier->tokens[t], &tokens[k]) == 0)
                        return 1;
        }
    return 0;
}

static int is_by_name(const struct fact_record *record, const struct neighbourhood_wanted *wanted)
{
    int has_target = record->kind == FACT_BODY_SUPPLEMENT || record->kind == FACT_BODY_CORRECTION;
    return is_named(wanted->ids, wanted->ids_count, &record->id) ||
           (has_target && is_named(wanted->targets, wanted->targets_count, &record->target));
}

/* As an effective record of before the batch; the rest must be found by ids and targets. */
static int is_by_content(const struct effective *e, const struct neighbourhood_wanted *wanted)
{
    for (size_t i = 0; i < wanted->places_count; i++)
        if (slice_is_equal(e->original->site, wanted->places[i].site) &&
            slice_is_equal(e->winner->ref, wanted->places[i].ref))
            return 1;
    return carries(e->persons, e->persons_count, wanted->whole, wanted->whole_count);
}

static void give(struct run *run, struct neighbourhood *near, const struct fact_record *record)
{
    struct err err;
    run->near_count += !neighbourhood_has(near, &record->id);
    must(neighbourhood_add(near, record, &err), &err);
}

/* ---- what the rows of before the batch tell ---- */

static struct fact_token *tokens_of(struct run *run, const struct class *class)
{
    struct fact_token *tokens = take(run, class->tokens_count, sizeof(*tokens));
    for (size_t t = 0; t < class->tokens_count; t++)
        tokens[t] = run->stands->tokens[class->tokens[t]];
    return tokens;
}

static void tell_class(struct run *run, struct neighbourhood *near, const struct fact_token *token)
{
    size_t c = derived_find_class(run->stands, token);
    if (c != NONE)
        neighbourhood_tell(near, tokens_of(run, &run->stands->classes[c]),
                           run->stands->classes[c].tokens_count);
}

static void give_sighting(struct run *run, struct neighbourhood *near, size_t sighting)
{
    const struct derived *d = run->stands;
    give(run, near, d->effectives[d->mentions[d->sightings[sighting].mention].effective].original);
}

/* Its first sighting, then each time the last that the one before reaches. */
static void give_chain(struct run *run, struct neighbourhood *near, const struct node *node)
{
    const struct derived *d = run->stands;
    const struct sighting *s = d->sightings;
    int64_t expiry_us = d->facts->linking.expiry_us[d->classes[node->class].kind];
    size_t last = node->first_sighting + node->sightings_count - 1;
    for (size_t at = node->first_sighting, next;; at = next) {
        give_sighting(run, near, at);
        for (next = at; next < last && s[next + 1].start_us - s[at].start_us <= expiry_us;)
            next++;
        if (next == at)
            break;
    }
}

static void give_witnesses(struct run *run, struct neighbourhood *near, size_t node)
{
    const struct derived *d = run->stands;
    size_t given[FACT_KINDS] = {0};
    for (size_t i = 0; i < d->edges.count; i++) {
        const struct edge *edge = &d->edges.items[i];
        size_t other = edge->a == node ? edge->b : edge->a;
        uint32_t kind = d->classes[d->nodes[other].class].kind;
        if ((edge->a == node || edge->b == node) && edge->effectives_count > 0 &&
            given[kind]++ < WITNESSES)
            give(run, near, d->effectives[edge->effectives[0]].original);
    }
}

static size_t count_carriers(const struct derived *d, const struct fact_token *token)
{
    size_t count = 0;
    for (size_t i = 0; i < d->effectives_count; i++)
        count += carries(d->effectives[i].persons, d->effectives[i].persons_count, token, 1) != 0;
    return count;
}

/* Whether the token is a hub's, of which a part is given. */
static int tell_shared(struct run *run, struct neighbourhood *near, const struct fact_token *token)
{
    const struct derived *d = run->stands;
    size_t c = derived_find_class(d, token);
    if (c == NONE || token->kind == FACT_KIND_HANDLE || d->classes[c].nodes_count != 1 ||
        count_carriers(d, token) <= HUB_RECORDS)
        return 0;
    size_t n = d->classes[c].first_node;
    if (!d->nodes[n].is_shared)
        return 0;
    neighbourhood_tell_shared(near, tokens_of(run, &d->classes[c]), d->classes[c].tokens_count,
                              (int64_t)c, d->nodes[n].is_switchboard);
    give_chain(run, near, &d->nodes[n]);
    if (!d->nodes[n].is_switchboard)
        give_witnesses(run, near, n);
    return 1;
}

static void give_token(struct run *run, struct neighbourhood *near, const struct fact_token *token)
{
    const struct derived *d = run->stands;
    for (size_t i = 0; !tell_shared(run, near, token) && i < d->effectives_count; i++)
        if (carries(d->effectives[i].persons, d->effectives[i].persons_count, token, 1))
            give(run, near, d->effectives[i].original);
}

static const struct node *node_of(const struct run *run, int64_t class)
{
    return &run->stands->nodes[run->stands->classes[class].first_node];
}

static const struct effective *seen(const struct run *run, const struct node *node, size_t i)
{
    const struct derived *d = run->stands;
    return &d->effectives[d->mentions[d->sightings[node->first_sighting + i].mention].effective];
}

static void give_window(struct run *run, struct neighbourhood *near,
                        const struct neighbourhood_window *window)
{
    const struct node *node = node_of(run, window->class);
    for (size_t i = 0; i < node->sightings_count; i++) {
        const struct effective *e = seen(run, node, i);
        const struct fact_record *w = e->winner;
        if (slice_is_equal(e->original->site, window->site) && w->start_us <= window->to_us &&
            w->end_us >= window->from_us &&
            (window->ref.size == 0 || w->ref.size == 0 || slice_is_equal(w->ref, window->ref)))
            give(run, near, e->original);
    }
}

static void give_sides(struct run *run, struct neighbourhood *near,
                       const struct neighbourhood_side *side)
{
    const struct node *node = node_of(run, side->class);
    const struct fact_record *left = NULL, *right = NULL;
    for (size_t i = 0; i < node->sightings_count; i++) {
        const struct effective *e = seen(run, node, i);
        int order = uuid_compare(&e->original->id, &side->record);
        if (e->winner->start_us != side->start_us)
            order = e->winner->start_us < side->start_us ? -1 : 1;
        if (order < 0)
            left = e->original;
        if (order > 0 && right == NULL)
            right = e->original;
    }
    if (left != NULL)
        give(run, near, left);
    if (right != NULL)
        give(run, near, right);
}

static void give_calls(struct run *run, struct neighbourhood *near,
                       const struct neighbourhood_calls *wanted)
{
    const struct node *node = node_of(run, wanted->class);
    struct neighbourhood_call *calls = take(run, node->sightings_count, sizeof(*calls));
    size_t count = 0, most = wanted->most < LIMIT_HUB_CALLS ? CALLS_FIRST : SIZE_MAX;
    for (size_t i = 0; i < node->sightings_count; i++) {
        const struct effective *e = seen(run, node, i);
        int is_again = count > 0 && uuid_compare(&calls[count - 1].record, &e->original->id) == 0;
        if (derived_is_anchor(e) && e->winner->ref.size > 0 && !is_again &&
            slice_is_equal(e->original->site, wanted->site))
            calls[count++] = (struct neighbourhood_call){e->original->id, e->winner->start_us,
                                                         e->winner->end_us, e->winner->ref};
    }
    neighbourhood_give_calls(near, wanted, calls, count < most ? count : most, count <= most);
}

static void answer(struct run *run, struct neighbourhood *near,
                   const struct neighbourhood_wanted *wanted)
{
    for (size_t i = 0; i < wanted->classes_count; i++)
        tell_class(run, near, &wanted->classes[i]);
    for (size_t i = 0; i < wanted->tokens_count; i++)
        give_token(run, near, &wanted->tokens[i]);
    for (size_t i = 0; i < wanted->windows_count; i++)
        give_window(run, near, &wanted->windows[i]);
    for (size_t i = 0; i < wanted->sides_count; i++)
        give_sides(run, near, &wanted->sides[i]);
    for (size_t i = 0; i < wanted->calls_count; i++)
        give_calls(run, near, &wanted->calls[i]);
}

static void close_set(struct run *run, struct neighbourhood *near)
{
    struct neighbourhood_wanted wanted;
    while (neighbourhood_next(near, &wanted)) {
        answer(run, near, &wanted);
        for (size_t i = 0; i < run->records_count; i++)
            if (is_by_name(&run->records[i], &wanted))
                give(run, near, &run->records[i]);
        for (size_t i = 0; i < run->stands->effectives_count; i++)
            if (is_by_content(&run->stands->effectives[i], &wanted))
                give(run, near, run->stands->effectives[i].original);
    }
}

static int makes_watch(const struct fact_decision *decision)
{
    return decision->kind == FACT_DECISION_RESTRICT ||
           decision->kind == FACT_DECISION_CONFIRM_PERSON;
}

static struct neighbourhood *begin(struct run *run)
{
    struct neighbourhood *near;
    const struct neighbourhood_index *index;
    struct err err;
    const struct fact_decision **decisions = take(run, run->decisions_count, sizeof(*decisions));
    for (size_t i = 0; i < run->decisions_count; i++)
        decisions[i] = &run->decisions[i];
    must(neighbourhood_index_new(decisions, run->decisions_count, run->arena, &index, &err), &err);
    const struct neighbourhood_config config = {index, &run->all.linking, run->arena, SIZE_MAX};
    must(neighbourhood_new(&config, &near, &err), &err);
    return near;
}

/* Until what was told holds. */
static void derive_near(struct run *run, struct neighbourhood *near, const struct facts *whole,
                        int had_tick, const struct derived *ret_derived[2])
{
    struct err err;
    struct facts before, after;
    int is_settled = 0;
    size_t linking;
    while (!is_settled) {
        close_set(run, near);
        must(neighbourhood_split(near, whole, &before, &after, &err), &err);
        before.has_tick = had_tick;
        ret_derived[0] = derive(run, &before);
        ret_derived[1] = derive(run, &after);
        must(neighbourhood_judge(near, ret_derived[0], ret_derived[1], &is_settled, &err), &err);
        run->again_count += !is_settled;
    }
    run->hubs_count += neighbourhood_hubs(near, &linking);
    run->shared_count += linking;
}

/* Tells events [from, to) and gives the neighbourhood derived without and with them. */
static void tell(struct run *run, size_t from, size_t to, struct facts *whole,
                 const struct derived *ret_derived[2])
{
    size_t decisions_before = run->decisions_count;
    int had_tick = whole->has_tick;
    for (size_t i = from; i < to; i++) {
        if (run->events[i].record != NULL)
            run->records[run->records_count++] = *run->events[i].record;
        else if (run->events[i].decision != NULL)
            run->decisions[run->decisions_count++] = *run->events[i].decision;
        else
            whole->has_tick = 1;
    }
    struct neighbourhood *near = begin(run);
    for (size_t i = from; i < to; i++)
        if (run->events[i].record != NULL)
            neighbourhood_seed_record(near, &run->events[i].record->id);
    for (size_t i = 0; i < run->decisions_count; i++)
        if (i >= decisions_before ||
            (whole->has_tick != had_tick && makes_watch(&run->decisions[i])))
            neighbourhood_seed_decision(near, i, i >= decisions_before);
    derive_near(run, near, whole, had_tick, ret_derived);
    whole->records_count = run->records_count;
    whole->decisions_count = run->decisions_count;
    run->told_count += run->records_count;
}

void batches_check(const struct facts *facts, uint64_t seed, struct arena *arena)
{
    struct run run = {.arena = arena, .random = seed, .all = *facts};
    struct facts whole = *facts;
    struct buf dumps[2]; /* the whole's before and after, in turns */
    size_t differing = 0, batch = 0;
    shuffle(&run, facts);
    run.records = take(&run, facts->records_count, sizeof(*run.records));
    run.decisions = take(&run, facts->decisions_count, sizeof(*run.decisions));
    whole.records = run.records;
    whole.decisions = run.decisions;
    whole.records_count = whole.decisions_count = 0;
    whole.has_tick = 0;
    run.stands = derive(&run, &whole);
    dump(&run, run.stands, &dumps[0]);
    for (size_t from = 0, to; differing == 0 && from < run.events_count; from = to, batch++) {
        struct buf out[2];
        const struct derived *near[2];
        to = from + 1 + (size_t)(next_random(&run) % BATCH_MAX);
        to = to < run.events_count ? to : run.events_count;
        tell(&run, from, to, &whole, near);
        struct buf *was = &dumps[batch % 2], *is = &dumps[(batch + 1) % 2];
        run.stands = derive(&run, &whole);
        dump(&run, run.stands, is);
        dump(&run, near[0], &out[0]);
        dump(&run, near[1], &out[1]);
        struct lines lines = {.capacity = lines_of(was) + lines_of(is) + lines_of(&out[0]) +
                                          lines_of(&out[1])};
        lines.items = take(&run, lines.capacity, sizeof(*lines.items));
        add_lines(&lines, was, 1);
        add_lines(&lines, &out[0], -1);
        add_lines(&lines, &out[1], 1);
        add_lines(&lines, is, -1);
        differing = settle(&lines, batch);
        buf_done(was);
        buf_done(&out[0]);
        buf_done(&out[1]);
    }
    buf_done(&dumps[batch % 2]);
    if (differing == 0)
        printf("ok %zu %zu %zu %zu %zu\n", run.near_count, run.told_count, run.hubs_count,
               run.shared_count, run.again_count);
}
