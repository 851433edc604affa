/* A table of what failed. Invariant: a full table gives up what is locked for the shortest time,
   then what failed longest ago, so that memory is bounded and guesses of one kind do not lift the
   lock of another. */
#include "services/agent/throttle.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/clock.h"

#define LOCK_FIRST_US (30 * CLOCK_US_PER_S)
#define LOCK_MOST_US (15 * 60 * CLOCK_US_PER_S)

static int is_of(const struct throttle_key *entry, const char *key)
{
    return entry->failures > 0 && strncmp(entry->key, key, THROTTLE_KEY_BYTES - 1) == 0;
}

static int is_old(const struct throttle_key *entry, int64_t now_us)
{
    return now_us >= entry->locked_until_us && now_us - entry->failed_at_us > LOCK_MOST_US;
}

int64_t throttle_wait_us(const struct throttle *throttle, const char *key, int64_t now_us)
{
    for (size_t i = 0; i < THROTTLE_KEYS; i++)
        if (is_of(&throttle->keys[i], key) && throttle->keys[i].locked_until_us > now_us)
            return throttle->keys[i].locked_until_us - now_us;
    return 0;
}

static struct throttle_key *entry_for(struct throttle *throttle, const char *key, int64_t now_us)
{
    struct throttle_key *oldest = &throttle->keys[0];
    for (size_t i = 0; i < THROTTLE_KEYS; i++) {
        struct throttle_key *entry = &throttle->keys[i];
        if (is_of(entry, key) && !is_old(entry, now_us))
            return entry;
        if (is_of(entry, key))
            entry->failures = 0;
        if (entry->failures == 0 ||
            (oldest->failures > 0 && (entry->locked_until_us < oldest->locked_until_us ||
                                      (entry->locked_until_us == oldest->locked_until_us &&
                                       entry->failed_at_us < oldest->failed_at_us))))
            oldest = entry;
    }
    *oldest = (struct throttle_key){0};
    snprintf(oldest->key, sizeof(oldest->key), "%s", key);
    return oldest;
}

void throttle_fail(struct throttle *throttle, const char *key, uint32_t tries, int64_t now_us)
{
    struct throttle_key *entry = entry_for(throttle, key, now_us);
    int64_t lock_us = LOCK_FIRST_US;
    entry->failures++;
    entry->failed_at_us = now_us;
    if (entry->failures < tries)
        return;
    for (uint32_t i = tries; i < entry->failures && lock_us < LOCK_MOST_US; i++)
        lock_us *= 2;
    entry->locked_until_us = now_us + (lock_us < LOCK_MOST_US ? lock_us : LOCK_MOST_US);
}

void throttle_succeed(struct throttle *throttle, const char *key)
{
    for (size_t i = 0; i < THROTTLE_KEYS; i++)
        if (is_of(&throttle->keys[i], key))
            throttle->keys[i].failures = 0;
}
