#ifndef KASUMORI_BASE_CLOCK_H
#define KASUMORI_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_US_PER_MS INT64_C(1000)
#define CLOCK_US_PER_S INT64_C(1000000)
#define CLOCK_US_PER_HOUR (INT64_C(3600) * CLOCK_US_PER_S)
#define CLOCK_US_PER_DAY (24 * CLOCK_US_PER_HOUR)

/* The border to time. now_us: wall clock, microseconds since 1970-01-01 UTC; may step.
   mono_us: monotonic, arbitrary origin. */
struct clock_ops {
    int64_t (*now_us)(void *ctx);
    int64_t (*mono_us)(void *ctx);
};

struct clock {
    const struct clock_ops *ops;
    void *ctx;
};

struct clock clock_real(void);

/* For tests: both clocks read *us, which the test moves. */
struct clock clock_fake(int64_t *us);

static inline int64_t clock_now_us(struct clock clock)
{
    return clock.ops->now_us(clock.ctx);
}

static inline int64_t clock_mono_us(struct clock clock)
{
    return clock.ops->mono_us(clock.ctx);
}

#endif
