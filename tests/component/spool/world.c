/* Invariant: fate[] and at_sequence[] follow the answers only, never what the spool says it holds.
 */
#include "tests/component/spool/world.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "services/common/base/check.h"
#include "services/common/spool/disk.h"

_Noreturn void world_fail(const struct world *world, const char *what, const char *file, int line)
{
    print_error("%s:%d: %s does not hold: %s\n", file, line, what, world->label);
    fail();
    abort();
}

size_t world_value(uint32_t serial, uint8_t *out)
{
    size_t size = 4 + serial * 131 % 900;
    memset(out, (int)(serial % 251), size);
    memcpy(out + size - 4, &serial, 4);
    memcpy(out, &serial, 4);
    return size;
}

void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    const char *in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ".";
    char made[128], *real;
    snprintf(made, sizeof(made), "%s/kasumori-spool-XXXXXX", in);
    CHECK(mkdtemp(made) != NULL && (real = realpath(made, NULL)) != NULL);
    snprintf(world->parent, sizeof(world->parent), "%s", real);
    snprintf(world->folder, sizeof(world->folder), "%s/spool", world->parent);
    free(real);
    world->config = (struct spool_config){
        .dir = world->folder,
        .segment_bytes_max = 48 * 1024,
        .segment_age_us_max = CLOCK_US_PER_HOUR,
        .bytes_max = 220 * 1024,
        .replay_keep_us = 10 * CLOCK_US_PER_HOUR,
        .replay_bytes_max = 110 * 1024,
        .clock = clock_fake(&world->now_us),
    };
    world_reset(world);
}

static void empty(const char *folder)
{
    DIR *stream = opendir(folder);
    struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (stream != NULL)
        closedir(stream);
    rmdir(folder);
}

void world_reset(struct world *world)
{
    world_close(world);
    empty(world->folder);
    world->now_us = INT64_C(1790000000) * CLOCK_US_PER_S;
    world->serial_next = 1;
    memset(world->fate, 0, sizeof(world->fate));
    memset(world->at_sequence, 0, sizeof(world->at_sequence));
    world->epoch = world->sequence_last = 0;
    world->delivered_told = world->delivered_sure = 0;
    world->last_at_us = 0;
    world->is_dead = NULL;
    world->config.vfs = NULL;
}

void world_done(struct world *world)
{
    world_close(world);
    empty(world->folder);
    rmdir(world->parent);
}

static int is_dead(const struct world *world)
{
    return world->is_dead != NULL && world->is_dead();
}

enum rc world_open(struct world *world, struct err *err)
{
    struct spool_stats stats;
    enum rc rc = spool_open(&world->config, &world->spool, err);
    if (rc != RC_OK)
        world->spool = NULL;
    if (rc != RC_OK || is_dead(world))
        return rc;
    spool_stats(world->spool, &stats);
    must(world, stats.epoch != 0);
    must(world, world->epoch == 0 || world->epoch == stats.epoch);
    must(world, stats.sequence_last >= world->sequence_last);
    must(world, stats.sequence_delivered <= world->delivered_told);
    must(world, stats.sequence_delivered >= world->delivered_sure);
    world->epoch = stats.epoch;
    world->delivered_told = stats.sequence_delivered;
    return RC_OK;
}

void world_close(struct world *world)
{
    spool_close(world->spool);
    world->spool = NULL;
}

static void promise(struct world *world, uint32_t serial, uint64_t first, size_t count)
{
    must(world, first == world->sequence_last + 1);
    for (size_t i = 0; i < count; i++)
        world->at_sequence[first + i] = serial + (uint32_t)i;
    world->sequence_last += count;
}

enum rc world_append(struct world *world, size_t count)
{
    static uint8_t bytes[WORLD_BATCH_MAX][WORLD_VALUE_MAX];
    struct slice values[WORLD_BATCH_MAX];
    uint32_t serial = world->serial_next;
    uint64_t first = 0;
    CHECK(count <= WORLD_BATCH_MAX && serial + count < WORLD_SERIALS_MAX);
    for (size_t i = 0; i < count; i++)
        values[i] = slice_of(bytes[i], world_value(serial + (uint32_t)i, bytes[i]));
    world->serial_next += (uint32_t)count;
    world->now_us += 1000;
    struct err err;
    enum rc rc = spool_append(world->spool, values, count, &first, &err);
    enum world_fate fate = is_dead(world) ? FATE_UNANSWERED
                           : rc == RC_OK  ? FATE_PROMISED
                                          : FATE_FAILED;
    memset(&world->fate[serial], fate, count);
    if (fate == FATE_PROMISED) {
        promise(world, serial, first, count);
        world->delivered_sure = world->delivered_told;
    }
    must(world, rc == RC_OK || rc == RC_RETRY || rc == RC_FULL);
    return rc;
}

static void check_item(struct world *world, const struct spool_item *item)
{
    uint8_t bytes[WORLD_VALUE_MAX];
    uint32_t serial = 0;
    must(world, item->value.size >= 4);
    memcpy(&serial, item->value.data, 4);
    must(world, serial > 0 && serial < world->serial_next);
    must(world, slice_is_equal(item->value, slice_of(bytes, world_value(serial, bytes))));
    must(world, world->fate[serial] == FATE_PROMISED || world->fate[serial] == FATE_UNANSWERED);
    if (item->sequence <= world->sequence_last)
        must(world, world->at_sequence[item->sequence] == serial);
    else
        must(world, world->fate[serial] == FATE_UNANSWERED);
}

size_t world_read(struct world *world, uint64_t after)
{
    struct spool_item items[7];
    size_t count, total = 0;
    int64_t at_us = 0;
    struct err err = {.text = ""};
    for (;;) {
        enum rc rc = spool_read(world->spool, after, items, 7, &count, &err);
        if (rc != RC_OK)
            print_error("%s\n", err.text);
        must(world, rc == RC_OK);
        for (size_t i = 0; i < count; i++) {
            must(world, items[i].sequence > after);
            /* What is missing must have been delivered, and so may be gone. */
            must(world,
                 items[i].sequence == after + 1 || items[i].sequence - 1 <= world->delivered_told);
            must(world, items[i].accepted_at_us >= at_us);
            check_item(world, &items[i]);
            after = items[i].sequence;
            at_us = items[i].accepted_at_us;
        }
        total += count;
        if (count == 0)
            break;
    }
    must(world, after >= world->sequence_last || world->sequence_last <= world->delivered_told);
    return total;
}

void world_deliver(struct world *world, uint64_t sequence)
{
    struct err err;
    must(world, spool_delivered(world->spool, sequence, &err) == RC_OK);
    if (sequence > world->delivered_told)
        world->delivered_told = sequence;
}

enum rc world_tick(struct world *world)
{
    struct err err;
    enum rc rc = spool_tick(world->spool, &err);
    must(world, rc == RC_OK || rc == RC_RETRY);
    if (rc == RC_OK && !is_dead(world))
        world->delivered_sure = world->delivered_told;
    return rc;
}

/* Whatever was found is from now on as good as promised. */
static void adopt(struct world *world)
{
    struct spool_item item;
    struct err err;
    size_t count;
    for (;;) {
        must(world,
             spool_read(world->spool, world->sequence_last, &item, 1, &count, &err) == RC_OK);
        if (count == 0)
            return;
        uint32_t serial;
        memcpy(&serial, item.value.data, 4);
        world->fate[serial] = FATE_PROMISED;
        promise(world, serial, item.sequence, 1);
    }
}

void world_verify(struct world *world)
{
    struct spool_stats stats;
    struct err err = {.text = ""};
    int64_t bytes_max = world->config.bytes_max;
    world_close(world);
    world->is_dead = NULL;
    world->config.vfs = NULL;
    world->config.bytes_max *= 2; /* it may have ended full */
    enum rc rc = world_open(world, &err);
    if (rc != RC_OK)
        print_error("%s\n", err.text);
    must(world, rc == RC_OK);
    world_read(world, 0);
    adopt(world);
    spool_stats(world->spool, &stats);
    must(world, stats.corrupt_items == 0);
    must(world, stats.sequence_last == world->sequence_last);
    must(world, world_append(world, 3) == RC_OK);
    must(world, world_tick(world) == RC_OK);
    world_close(world);
    must(world, world_open(world, &err) == RC_OK);
    world_read(world, 0);
    spool_stats(world->spool, &stats);
    must(world, stats.corrupt_items == 0);
    must(world, stats.sequence_last == world->sequence_last);
    world_close(world);
    world->config.bytes_max = bytes_max;
}
