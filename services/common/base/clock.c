/* Time, real and pretended. */
#include "services/common/base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * CLOCK_US_PER_S + ts.tv_nsec / 1000;
}

static int64_t real_now_us(void *ctx)
{
    (void)ctx;
    return read_us(CLOCK_REALTIME);
}

static int64_t real_mono_us(void *ctx)
{
    (void)ctx;
    return read_us(CLOCK_MONOTONIC);
}

static int64_t fake_us(void *ctx)
{
    return *(int64_t *)ctx;
}

static const struct clock_ops REAL = {.now_us = real_now_us, .mono_us = real_mono_us};
static const struct clock_ops FAKE = {.now_us = fake_us, .mono_us = fake_us};

struct clock clock_real(void)
{
    return (struct clock){.ops = &REAL};
}

struct clock clock_fake(int64_t *us)
{
    return (struct clock){.ops = &FAKE, .ctx = us};
}
