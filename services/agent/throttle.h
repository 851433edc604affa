#ifndef KASUMORI_AGENT_THROTTLE_H
#define KASUMORI_AGENT_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

/* Guessing made slow. A key (a code, an address) that failed too often is locked for a time that
   doubles from 30 s to 15 min; what failed longer ago than that is forgotten. One thread. */
enum { THROTTLE_KEY_BYTES = 80, THROTTLE_KEYS = 256 };

struct throttle {
    struct throttle_key {
        char key[THROTTLE_KEY_BYTES]; /* longer ones are cut */
        uint32_t failures;
        int64_t failed_at_us, locked_until_us; /* monotonic */
    } keys[THROTTLE_KEYS];
};

/* How long key is locked still; 0: it may try. */
int64_t throttle_wait_us(const struct throttle *throttle, const char *key, int64_t now_us);
/* After tries failures each further one locks. */
void throttle_fail(struct throttle *throttle, const char *key, uint32_t tries, int64_t now_us);
void throttle_succeed(struct throttle *throttle, const char *key);

#endif
