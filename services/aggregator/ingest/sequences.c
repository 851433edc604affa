/* Which sequences have arrived, reduced within the batch to one row an agent and epoch: PostgreSQL
   refuses to update one row twice in a statement.
   Invariant: a sequence is closed by its MAC alone; a bad value behind it is a bad record, not a
   hole. */
#include "services/aggregator/ingest/sequences.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "services/aggregator/ingest/writes.h"

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_senders(const struct sender *a, const struct sender *b)
{
    int order = strcmp(a->proven->tenant, b->proven->tenant);
    if (order == 0)
        order = strcmp(a->proven->agent, b->proven->agent);
    return order != 0 ? order : compare_numbers(a->epoch, b->epoch);
}

static int compare_sequences(const void *a, const void *b)
{
    const struct sender *left = *(const struct sender *const *)a;
    const struct sender *right = *(const struct sender *const *)b;
    int order = compare_senders(left, right);
    return order != 0 ? order : compare_numbers(left->sequence, right->sequence);
}

/* The ranges of senders[0..count), which are of one agent and epoch and sorted. */
static void write_ranges(const struct sender *const *senders, size_t count, struct buf *out)
{
    buf_reset(out);
    buf_add_char(out, '{');
    for (size_t i = 0; i < count;) {
        int64_t first = senders[i]->sequence;
        int64_t next = first + 1;
        while (++i < count && senders[i]->sequence <= next)
            next = senders[i]->sequence + 1;
        buf_addf(out, "%s[%" PRId64 ",%" PRId64 ")", out->size > 1 ? "," : "", first, next);
    }
    buf_add_char(out, '}');
}

static size_t count_same(const struct sender *const *senders, size_t count)
{
    size_t same = 1;
    while (same < count && compare_senders(senders[0], senders[same]) == 0)
        same++;
    return same;
}

enum rc sequences_fill(struct db_params *to, const struct item *items, size_t count,
                       struct arena *arena, struct buf *scratch, struct err *err)
{
    const struct sender **senders = arena_alloc(arena, count * sizeof(*senders));
    size_t proven = 0;
    if (senders == NULL)
        return err_set(err, RC_FULL, "the batch's arena is full");
    for (size_t i = 0; i < count; i++)
        if (items[i].sender.proven != NULL)
            senders[proven++] = &items[i].sender;
    qsort(senders, proven, sizeof(*senders), compare_sequences);
    for (size_t i = 0; i < proven;) {
        size_t same = count_same(senders + i, proven - i);
        write_ranges(senders + i, same, scratch);
        db_put_text(to, AGENT_SEQ_TENANT, slice_str(senders[i]->proven->tenant));
        db_put_text(to, AGENT_SEQ_AGENT, slice_str(senders[i]->proven->agent));
        db_put_int(to, AGENT_SEQ_EPOCH, senders[i]->epoch);
        db_put_text(to, AGENT_SEQ_RECEIVED, buf_slice(scratch));
        i += same;
    }
    return scratch->is_failed ? err_set(err, RC_RETRY, "out of memory for sequences") : RC_OK;
}
