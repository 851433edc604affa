#ifndef KASUMORI_TESTS_SPOOL_WORLD_H
#define KASUMORI_TESTS_SPOOL_WORLD_H

#include <stdint.h>
#include <stdio.h>

#include "services/common/spool/spool.h"

/* A spool under test and an oracle that notes every answer it gave. Values are made from a serial
   number, so that each can be told from every other one. */

enum { WORLD_SERIALS_MAX = 20000, WORLD_BATCH_MAX = 512 };

enum world_fate { FATE_NONE, FATE_PROMISED, FATE_FAILED, FATE_UNANSWERED };

struct world {
    char parent[256], folder[300];
    int64_t now_us; /* the fake clock */
    struct spool_config config;
    struct spool *spool;
    int (*is_dead)(void); /* the disk died: what is answered now is heard by nobody; NULL: never */

    uint32_t serial_next;
    uint8_t fate[WORLD_SERIALS_MAX];
    uint32_t at_sequence[WORLD_SERIALS_MAX]; /* serial promised at a sequence, 0: none */
    uint64_t epoch;                          /* 0: not told yet */
    uint64_t sequence_last;                  /* promised */
    uint64_t delivered_told;                 /* to the spool */
    uint64_t delivered_sure;                 /* durable */
    int64_t last_at_us;
    char label[200]; /* printed when must() fails */
};

/* A fresh folder in memory where there is one, else beside the program. config: small limits. */
void world_init(struct world *world);
void world_done(struct world *world); /* closes and removes */
/* Forgets what was answered and empties the folder. */
void world_reset(struct world *world);

enum rc world_open(struct world *world, struct err *err);
void world_close(struct world *world);
enum rc world_append(struct world *world, size_t count);
/* Reads everything after the sequence and compares. Returns how many. */
size_t world_read(struct world *world, uint64_t after);
void world_deliver(struct world *world, uint64_t sequence);
enum rc world_tick(struct world *world);
/* Opens with the system's disk and holds the whole content against the answers; then appends,
   closes, opens and compares again. The world is closed before and after. */
void world_verify(struct world *world);

size_t world_value(uint32_t serial, uint8_t *out); /* at most WORLD_VALUE_MAX bytes */
enum { WORLD_VALUE_MAX = 1024 };

_Noreturn void world_fail(const struct world *world, const char *what, const char *file, int line);
#define must(world, cond)                                 \
    do {                                                  \
        if (!(cond))                                      \
            world_fail(world, #cond, __FILE__, __LINE__); \
    } while (0)

#endif
