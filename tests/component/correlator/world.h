#ifndef KASUMORI_TESTS_CORRELATOR_WORLD_H
#define KASUMORI_TESTS_CORRELATOR_WORLD_H

#include "services/aggregator/correlator/correlator.h"

/* A migrated database, its facts and derived tables empty at the start of each test, and one
   correlator with a lease of a minute. Facts are put in by the functions of world.sql. */
struct world {
    struct db *owner; /* superuser: puts in and looks */
    struct db *db;    /* the aggregator's */
    struct correlator *correlator;
    struct correlator_config config;
    struct recompute_report last; /* of a tenant */
    int reports;
    int hubs;       /* told to steps in place of their records */
    int wholes;     /* how often a step said that the whole is to be computed */
    struct err why; /* the last time */
    struct err err;
};

int world_set_up(void **state);
int world_tear_down(void **state);

struct db *world_open(const char *variable);
/* Makes another correlator, as after a kill: whose leases are void at once. */
void world_restart(struct world *world);
/* Turns until nothing is to do, asserting success; returns how many tenants were recomputed. */
int world_settle(struct world *world);
/* The same, but failures of the connection are answered as the thread answers them. Returns them.
 */
int world_settle_stubbornly(struct world *world);
/* Recomputes and compares; the number of rows that differ. */
uint64_t world_differences(struct world *world, const char *tenant);

void world_do(struct world *world, const char *sql);
int64_t world_count(struct world *world, const char *sql);
/* One value; text. Static memory. */
const char *world_ask(struct world *world, const char *sql);

/* A test of its own file (steps.c). */
void test_steps_give_what_the_whole_gives(void **state);

#endif
