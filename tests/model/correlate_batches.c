/* The incremental form against the full function (docs/correlation.md §6), without a database: the
   facts themselves are what the neighbourhood looks things up in. */
#include "tests/model/correlate_batches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/common/base/check.h"
#include "services/common/correlate/correlate.h"
#include "services/common/correlate/neighbourhood.h"
#include "services/common/correlate/steps.h"

enum { DUMP_BYTES = 1 << 28, BATCH_MAX = 7, TOLD_MAX = 20 };

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
    size_t hubs_count, followed_count;
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

/* And what rows have beside it: each token with its class. */
static void dump(struct run *run, const struct derived *d, struct buf *out)
{
    struct err err;
    buf_init(out, DUMP_BYTES);
    must(correlate_dump(d, run->arena, out, &err), &err);
    for (size_t t = 0; t < d->tokens_count; t++) {
        buf_add_str(out, "token");
        put_token(out, &d->tokens[t]);
        put_token(out, &d->tokens[d->classes[d->class_of[t]].tokens[0]]);
        buf_add_str(out, "\n");
    }
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
    return carries(e->persons, e->persons_count, wanted->tokens, wanted->tokens_count);
}

static void give(struct run *run, struct neighbourhood *near, const struct fact_record *record)
{
    struct err err;
    run->near_count += !neighbourhood_has(near, &record->id);
    must(neighbourhood_add(near, record, &err), &err);
}

/* A class as the rows of before the batch have it. */
static void tell_class(struct run *run, struct neighbourhood *near, const struct fact_token *token)
{
    const struct derived *d = run->stands;
    size_t c = derived_find_class(d, token);
    if (c == NONE)
        return;
    const struct class *class = &d->classes[c];
    struct fact_token *tokens = take(run, class->tokens_count, sizeof(*tokens));
    for (size_t t = 0; t < class->tokens_count; t++)
        tokens[t] = d->tokens[class->tokens[t]];
    neighbourhood_tell(near, tokens, class->tokens_count);
}

static void close_set(struct run *run, struct neighbourhood *near)
{
    struct neighbourhood_wanted wanted;
    while (neighbourhood_next(near, &wanted)) {
        for (size_t i = 0; i < wanted.classes_count; i++)
            tell_class(run, near, &wanted.classes[i]);
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
    size_t followed = 1, hubs;
    while (followed > 0) {
        close_set(run, near);
        must(neighbourhood_split(near, whole, &before, &after, &err), &err);
        before.has_tick = had_tick;
        ret_derived[0] = derive(run, &before);
        ret_derived[1] = derive(run, &after);
        must(neighbourhood_judge(near, ret_derived[0], ret_derived[1], &followed, &err), &err);
        run->followed_count += followed;
    }
    neighbourhood_hubs(near, &hubs);
    run->hubs_count += hubs;
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
        printf("ok %zu %zu %zu %zu\n", run.near_count, run.told_count, run.hubs_count,
               run.followed_count);
}
