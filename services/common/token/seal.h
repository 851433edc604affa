#ifndef KASUMORI_TOKEN_SEAL_H
#define KASUMORI_TOKEN_SEAL_H

#include <stdint.h>

#include "services/common/base/clock.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/token/token.h"

/* Sealed boxes without the wait. The costly half of a box does not depend on its message, so a
   thread makes it ahead; and a value that was sealed lately gets its box again, which shows nothing
   that its token does not show. One per thread that seals. */
struct seal;

enum {
    SEAL_READY = 512,     /* halves made ahead */
    SEAL_KEPT = 4096,     /* boxes remembered */
    SEAL_KEPT_BYTES = 96, /* larger boxes are made anew each time */
};

#define SEAL_KEPT_US (24 * CLOCK_US_PER_HOUR) /* then a value gets another box */

struct seal_stats {
    uint64_t kept;  /* boxes given again */
    uint64_t ready; /* made from a half that was ready */
    uint64_t whole; /* made by the caller alone */
};

/* RC_REJECT for a bad public key, RC_RETRY when memory or descriptors are out. */
enum rc seal_new(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES], struct seal **ret_seal,
                 struct err *err) MUST_CHECK;
/* Starts the thread; without it every new box is made inline. RC_RETRY when there is none. */
enum rc seal_start(struct seal *seal, struct err *err) MUST_CHECK;
void seal_free(struct seal *seal);

struct seal_value {
    uint32_t kind;
    struct slice value;
    const struct token_mac *token; /* its own, of any live key: stands for it in what is kept */
};

/* As token_seal; now_us: wall clock. */
enum rc seal_box(struct seal *seal, const struct seal_value *value, int64_t now_us, uint8_t *box,
                 struct err *err) MUST_CHECK;

void seal_stats(const struct seal *seal, struct seal_stats *ret_stats);

#endif
