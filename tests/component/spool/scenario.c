/* Invariant: every step is taken as a service would: failures are tried again a little later. */
#include "tests/component/spool/scenario.h"

enum step_kind { OPEN, CLOSE, APPEND, DELIVER_ALL_BUT, TICK, WAIT_HOURS, READ, FILL };

struct step {
    enum step_kind kind;
    int argument;
};

static const struct step steps[] = {
    {OPEN, 0},
    {APPEND, 1},
    {APPEND, 3},
    {READ, 0},
    {TICK, 0},
    {APPEND, 30},
    {READ, 0},
    {DELIVER_ALL_BUT, 20},
    {APPEND, 2},
    {TICK, 0},
    {DELIVER_ALL_BUT, 3},
    {APPEND, 60},
    {APPEND, 60},
    {READ, 0},
    {DELIVER_ALL_BUT, 9},
    {TICK, 0},
    {WAIT_HOURS, 2},
    {TICK, 0},
    {APPEND, 2},
    {CLOSE, 0},
    {OPEN, 0},
    {READ, 0},
    {APPEND, 5},
    {TICK, 0},
    {DELIVER_ALL_BUT, 3},
    {TICK, 0},
    {WAIT_HOURS, 11},
    {TICK, 0},
    {FILL, 60},
    {READ, 0},
    {DELIVER_ALL_BUT, 0},
    {APPEND, 60},
    {TICK, 0},
    {APPEND, 1},
    {READ, 0},
    {CLOSE, 0},
    {OPEN, 0},
    {APPEND, 4},
    {READ, 0},
    {DELIVER_ALL_BUT, 0},
    {CLOSE, 0},
    {OPEN, 0},
    {WAIT_HOURS, 11},
    {TICK, 0},
    {CLOSE, 0},
    {OPEN, 0},
    {TICK, 0},
    {APPEND, 2},
    {CLOSE, 0},
};

enum { TRIES = 4 };

static void open_again(struct world *world)
{
    for (int i = 0; i < TRIES && !crash_disk_is_dead(); i++) {
        struct err err;
        enum rc rc = world_open(world, &err);
        if (rc == RC_OK)
            return;
        must(world, rc == RC_RETRY || crash_disk_is_dead());
        crash_disk_heal();
    }
    must(world, crash_disk_is_dead());
}

/* A refused batch is new input the next time: its serials are spent. */
static void append(struct world *world, int count)
{
    for (int i = 0; i < TRIES && !crash_disk_is_dead(); i++) {
        if (world_append(world, (size_t)count) == RC_OK)
            return;
        crash_disk_heal();
    }
    must(world, crash_disk_is_dead());
}

static void fill(struct world *world, int count)
{
    struct spool_stats stats;
    for (int i = 0; i < 20 && !crash_disk_is_dead(); i++) {
        enum rc rc = world_append(world, (size_t)count);
        if (rc == RC_FULL && !crash_disk_is_dead()) {
            spool_stats(world->spool, &stats);
            must(world, stats.is_refusing);
            return;
        }
        if (rc == RC_RETRY)
            crash_disk_heal();
    }
    must(world, crash_disk_is_dead());
}

static void tick(struct world *world)
{
    for (int i = 0; i < TRIES && !crash_disk_is_dead(); i++) {
        if (world_tick(world) == RC_OK)
            return;
        crash_disk_heal();
    }
    must(world, crash_disk_is_dead());
}

static void take_step(struct world *world, const struct step *step)
{
    uint64_t but = (uint64_t)step->argument;
    switch (step->kind) {
    case OPEN:
        open_again(world);
        break;
    case CLOSE:
        world_close(world);
        break;
    case APPEND:
        append(world, step->argument);
        break;
    case DELIVER_ALL_BUT:
        if (world->sequence_last > but)
            world_deliver(world, world->sequence_last - but);
        break;
    case TICK:
        tick(world);
        break;
    case WAIT_HOURS:
        world->now_us += step->argument * CLOCK_US_PER_HOUR;
        break;
    case READ:
        world_read(world, world->delivered_told);
        world_read(world, 0);
        break;
    case FILL:
        fill(world, step->argument);
        break;
    }
}

void scenario_run(struct world *world)
{
    world->is_dead = crash_disk_is_dead;
    world->config.vfs = CRASH_DISK_VFS;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !crash_disk_is_dead(); i++)
        take_step(world, &steps[i]);
    world_close(world);
}

long scenario_crash(struct world *world, const struct crash_plan *plan, enum crash_loss loss,
                    uint32_t seed)
{
    world_reset(world);
    snprintf(world->label, sizeof(world->label), "how %d at %ld, then %d at %ld, loss %d, seed %u",
             plan->how, plan->at, plan->second_how, plan->second_at, loss, seed);
    crash_disk_start(world->folder, plan);
    scenario_run(world);
    long count = crash_disk_count();
    crash_disk_stop(loss, seed);
    world_verify(world);
    return count;
}
