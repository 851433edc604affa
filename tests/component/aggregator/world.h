#ifndef KASUMORI_TESTS_AGGREGATOR_WORLD_H
#define KASUMORI_TESTS_AGGREGATOR_WORLD_H

#include "services/aggregator/ingest/batch.h"
#include "tests/unit/aggregator/letter.h"
#include "tests/unit/common/record/sample.h"

/* A migrated database, a registry with agents s001-a and s002-a of tenant acme, one partition, and
   the batch under test. Facts and state are empty at the start of each test. */
struct world {
    struct db *owner; /* superuser: looks and spoils */
    struct db *db;    /* the aggregator's */
    struct batch *batch;
    struct stream stream;
    struct batch_counts counts;
    int64_t next_offset; /* of the log */
    uint64_t next_sequence;
    struct err err;
};

int world_set_up(void **state);
int world_tear_down(void **state);

/* The instant that messages are appended at; the samples' ids are of it. */
#define WORLD_NOW_US (SAMPLE_AT_US + 60 * CLOCK_US_PER_S)

/* Origin of the next message of s001-a: takes an offset and a sequence. */
struct letter_from world_from(struct world *world);
/* Adds one message to the batch. */
void world_give(struct world *world, struct letter *letter);
void world_give_record(struct world *world, const Kasumori__V1__Record *record);
/* Stores the batch, asserting success. */
void world_store(struct world *world);
/* As a lane does: opens another connection when one is gone. Returns how often. */
int world_store_stubbornly(struct world *world);

/* A small valid contact with an id of its own: n 0..255. */
Kasumori__V1__Record *world_contact(int n);

/* One value; text. Static memory. */
const char *world_ask(struct world *world, const char *sql);
int64_t world_count(struct world *world, const char *sql);
void world_do(struct world *world, const char *sql);

#endif
