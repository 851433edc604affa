/* Which partitions a lane reads, and from where. No input or output but the assignment.
   Invariant: while is_stale is not set, the consumer reads exactly the READING places; and
   next_read of a place is one past the last message that was taken from it. */
#include "services/aggregator/places.h"

#include <string.h>

#include "services/common/base/check.h"

void places_set(struct places *places, const int32_t *partitions, size_t count)
{
    CHECK(count <= LIMIT_PARTITIONS);
    places->count = count;
    places->is_stale = 1;
    for (size_t i = 0; i < count; i++)
        places->items[i] = (struct place){
            .state = PLACE_STATE_PENDING,
            .stream = {.partition = partitions[i]},
            .gap_from = -1,
        };
}

struct place *places_find(struct places *places, int32_t partition)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->items[i].stream.partition == partition)
            return &places->items[i];
    return NULL;
}

static enum place_order judge_ahead(struct places *places, struct place *place, int64_t offset)
{
    if (place->gap_from != place->next_read) {
        place->gap_from = place->next_read;
        places->is_stale = 1;
        return PLACE_ORDER_GAP;
    }
    place->next_read = offset + 1;
    return PLACE_ORDER_SKIP;
}

enum place_order places_judge(struct places *places, int32_t partition, int64_t offset)
{
    struct place *place = places_find(places, partition);
    if (place == NULL || place->state != PLACE_STATE_READING || offset < place->next_read)
        return PLACE_ORDER_IGNORE;
    if (offset > place->next_read)
        return judge_ahead(places, place, offset);
    place->next_read++;
    return PLACE_ORDER_TAKE;
}

void places_release(struct places *places, struct place *place, int64_t claim_at_us)
{
    place->state = PLACE_STATE_PENDING;
    place->claim_at_us = claim_at_us;
    place->lag = 0;
    places->is_stale = 1;
}

void places_release_all(struct places *places, int64_t claim_at_us)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->items[i].state == PLACE_STATE_READING)
            places_release(places, &places->items[i], claim_at_us);
}

enum rc places_assign(struct places *places, struct kafka_consumer *consumer, struct err *err)
{
    struct kafka_place list[LIMIT_PARTITIONS];
    size_t count = 0;
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->items[i];
        if (place->state == PLACE_STATE_READING)
            list[count++] = (struct kafka_place){place->stream.partition, place->next_read};
    }
    enum rc rc = kafka_consumer_assign(consumer, list, count, err);
    if (rc == RC_OK)
        places->is_stale = 0;
    return rc;
}

struct place *places_due(struct places *places, int64_t now_mono_us)
{
    for (size_t i = 0; i < places->count; i++) {
        struct place *place = &places->items[i];
        if (place->state == PLACE_STATE_PENDING && place->claim_at_us <= now_mono_us)
            return place;
    }
    return NULL;
}

void places_claimed(struct places *places, struct place *place, const struct stream *stream)
{
    *place = (struct place){
        .state = PLACE_STATE_READING,
        .stream = *stream,
        .next_read = stream->next_offset,
        .gap_from = -1,
    };
    places->is_stale = 1;
}

size_t places_reading(const struct places *places)
{
    size_t reading = 0;
    for (size_t i = 0; i < places->count; i++)
        reading += places->items[i].state == PLACE_STATE_READING;
    return reading;
}

size_t places_stopped(const struct places *places)
{
    size_t stopped = 0;
    for (size_t i = 0; i < places->count; i++)
        stopped += places->items[i].state == PLACE_STATE_PENDING && places->items[i].is_stopped;
    return stopped;
}

int64_t places_lag(const struct places *places)
{
    int64_t lag = 0;
    for (size_t i = 0; i < places->count; i++)
        lag += places->items[i].lag;
    return lag;
}
