/* Who has failed lately. Invariant: the table never grows; where a set is full, whoever failed
   longest ago is forgotten, so a crowd of invented names can only push out its like, eight at a
   time, by failing more often than the name it wants forgotten. */
#include "services/monitor/throttle.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/mac/mac.h"

#define MEMORY_US CLOCK_US_PER_HOUR

enum { SETS = 1024, WAYS = 8, PLACES = 2 };

struct entry {
    uint8_t who[MAC_SHA256_BYTES]; /* keyed hash: no name is kept, and none can be aimed at a set */
    uint32_t failures;             /* 0: free */
    int64_t last_us;
};

struct throttle {
    pthread_mutex_t mutex;
    int places_taken;
    uint8_t key[MAC_SHA256_BYTES];
    struct entry entries[SETS][WAYS];
};

struct throttle *throttle_new(void)
{
    struct throttle *throttle = mem_zalloc(sizeof(*throttle));
    if (throttle == NULL)
        return NULL;
    if (getrandom(throttle->key, sizeof(throttle->key), 0) != (ssize_t)sizeof(throttle->key)) {
        mem_free(throttle);
        return NULL;
    }
    pthread_mutex_init(&throttle->mutex, NULL);
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    if (throttle == NULL)
        return;
    pthread_mutex_destroy(&throttle->mutex);
    mem_free(throttle);
}

/* Who's entry; the one to be used for who when it has none, with failures 0. */
static struct entry *entry_of(struct throttle *throttle, struct slice who, int64_t now_us,
                              uint8_t ret_hash[MAC_SHA256_BYTES])
{
    mac_hmac(slice_of(throttle->key, sizeof(throttle->key)), who, ret_hash);
    struct entry *set = throttle->entries[(ret_hash[0] | ret_hash[1] << 8) % SETS];
    struct entry *oldest = set;
    for (struct entry *entry = set; entry < set + WAYS; entry++) {
        if (entry->failures > 0 && entry->last_us + MEMORY_US < now_us)
            entry->failures = 0;
        if (entry->failures > 0 && memcmp(entry->who, ret_hash, MAC_SHA256_BYTES) == 0)
            return entry;
        if (entry->failures == 0 || (oldest->failures > 0 && entry->last_us < oldest->last_us))
            oldest = entry;
    }
    return oldest;
}

static int is_of(const struct entry *entry, const uint8_t hash[MAC_SHA256_BYTES])
{
    return entry->failures > 0 && memcmp(entry->who, hash, MAC_SHA256_BYTES) == 0;
}

static int64_t wait_us(uint32_t failures, uint32_t free_failures)
{
    if (failures <= free_failures)
        return 0;
    uint32_t doublings = failures - free_failures - 1;
    int64_t seconds = doublings >= 10 ? THROTTLE_WAIT_MAX_S : INT64_C(1) << doublings;
    return (seconds < THROTTLE_WAIT_MAX_S ? seconds : THROTTLE_WAIT_MAX_S) * CLOCK_US_PER_S;
}

int throttle_wait_s(struct throttle *throttle, struct slice who, uint32_t free_failures,
                    int64_t now_us)
{
    uint8_t hash[MAC_SHA256_BYTES];
    int64_t left_us = 0;
    pthread_mutex_lock(&throttle->mutex);
    const struct entry *entry = entry_of(throttle, who, now_us, hash);
    if (is_of(entry, hash))
        left_us = entry->last_us + wait_us(entry->failures, free_failures) - now_us;
    pthread_mutex_unlock(&throttle->mutex);
    return left_us <= 0 ? 0 : (int)((left_us + CLOCK_US_PER_S - 1) / CLOCK_US_PER_S);
}

void throttle_fail(struct throttle *throttle, struct slice who, int64_t now_us)
{
    uint8_t hash[MAC_SHA256_BYTES];
    pthread_mutex_lock(&throttle->mutex);
    struct entry *entry = entry_of(throttle, who, now_us, hash);
    if (!is_of(entry, hash)) {
        memcpy(entry->who, hash, sizeof(hash));
        entry->failures = 0;
    }
    entry->failures++;
    entry->last_us = now_us;
    pthread_mutex_unlock(&throttle->mutex);
}

void throttle_forget(struct throttle *throttle, struct slice who)
{
    uint8_t hash[MAC_SHA256_BYTES];
    pthread_mutex_lock(&throttle->mutex);
    struct entry *entry = entry_of(throttle, who, INT64_MIN / 2, hash);
    if (is_of(entry, hash))
        entry->failures = 0;
    pthread_mutex_unlock(&throttle->mutex);
}

int throttle_take_place(struct throttle *throttle)
{
    pthread_mutex_lock(&throttle->mutex);
    int is_taken = throttle->places_taken < PLACES;
    throttle->places_taken += is_taken;
    pthread_mutex_unlock(&throttle->mutex);
    return is_taken;
}

void throttle_give_place(struct throttle *throttle)
{
    pthread_mutex_lock(&throttle->mutex);
    throttle->places_taken--;
    pthread_mutex_unlock(&throttle->mutex);
}
