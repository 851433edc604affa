/* One box costs two scalar multiplications, 60 µs. Two means against it: their half is made ahead
   by a thread, which keeps a burst off the caller; and boxes are kept for values that come again,
   which a site's workers and repeat callers do, and which is what holds under lasting load.
   Invariant: a half is in exactly one place (ready, drawn, used, spent or being made), is used for
   one box and wiped by it. */
#include "services/common/token/seal.h"

#include <pthread.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/base/queue.h"

enum { BATCH = 32, WAYS = 4, SETS = SEAL_KEPT / WAYS };

/* The token of the value it was made for, never the value. */
struct kept_box {
    struct token_mac token;
    uint32_t kind;
    uint32_t size; /* 0: free */
    int64_t at_us;
    uint8_t box[SEAL_KEPT_BYTES];
};

struct seal {
    uint8_t vault_public[TOKEN_VAULT_KEY_BYTES];
    struct seal_stats stats;
    struct queue *ready, *spent;
    pthread_t thread;
    int is_started;
    struct token_half *drawn[BATCH]; /* taken from ready, unused */
    struct token_half *used[BATCH];  /* on their way to spent */
    size_t drawn_count, used_count;
    struct token_half halves[SEAL_READY];
    struct kept_box kept[SETS][WAYS];
};

static_assert(SEAL_READY % BATCH == 0, "halves travel in whole batches");

enum rc seal_new(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES], struct seal **ret_seal,
                 struct err *err)
{
    struct token_half half;
    enum rc rc = token_seal_half(vault_public, &half, err);
    if (rc != RC_OK)
        return rc;
    explicit_bzero(&half, sizeof(half));
    struct seal *seal = mem_zalloc(sizeof(*seal));
    if (seal == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    memcpy(seal->vault_public, vault_public, sizeof(seal->vault_public));
    *ret_seal = seal;
    return RC_OK;
}

static void *fill(void *ctx)
{
    struct seal *seal = ctx;
    struct token_half *halves[BATCH];
    for (size_t n; (n = queue_wait(seal->spent, (void **)halves, BATCH, -1)) > 0;) {
        for (size_t i = 0; i < n; i++) {
            enum rc rc = token_seal_half(seal->vault_public, halves[i], NULL);
            CHECK(rc == RC_OK); /* seal_new saw the same key pass */
        }
        enum rc rc = queue_give_all(seal->ready, (void *const *)halves, n);
        CHECK(rc == RC_OK); /* a slot for each half there is */
    }
    return NULL;
}

enum rc seal_start(struct seal *seal, struct err *err)
{
    struct token_half *halves[SEAL_READY];
    CHECK(!seal->is_started);
    seal->ready = queue_new(SEAL_READY);
    seal->spent = queue_new(SEAL_READY);
    if (seal->ready == NULL || seal->spent == NULL)
        return err_set(err, RC_RETRY, "out of memory or descriptors");
    for (size_t i = 0; i < SEAL_READY; i++)
        halves[i] = &seal->halves[i];
    enum rc rc = queue_give_all(seal->spent, (void *const *)halves, SEAL_READY);
    CHECK(rc == RC_OK);
    if (pthread_create(&seal->thread, NULL, fill, seal) != 0)
        return err_set(err, RC_RETRY, "could not start the sealing thread: %m");
    pthread_setname_np(seal->thread, "seal");
    seal->is_started = 1;
    return RC_OK;
}

void seal_free(struct seal *seal)
{
    struct token_half *left[BATCH];
    if (seal == NULL)
        return;
    if (seal->is_started) {
        while (queue_take(seal->spent, (void **)left, BATCH) > 0) {
        }
        queue_close(seal->spent);
        pthread_join(seal->thread, NULL);
    }
    queue_free(seal->ready);
    queue_free(seal->spent);
    explicit_bzero(seal->halves, sizeof(seal->halves));
    mem_free(seal);
}

/* NULL: none is ready. */
static struct token_half *draw(struct seal *seal)
{
    if (seal->drawn_count == 0 && seal->is_started)
        seal->drawn_count = queue_take(seal->ready, (void **)seal->drawn, BATCH);
    return seal->drawn_count == 0 ? NULL : seal->drawn[--seal->drawn_count];
}

static void put_back(struct seal *seal, struct token_half *half)
{
    seal->used[seal->used_count++] = half;
    if (seal->used_count < BATCH)
        return;
    enum rc rc = queue_give_all(seal->spent, (void *const *)seal->used, BATCH);
    CHECK(rc == RC_OK);
    seal->used_count = 0;
}

static enum rc make_box(struct seal *seal, const struct seal_value *value, uint8_t *box,
                        struct err *err)
{
    struct token_half *half = draw(seal);
    if (half == NULL) {
        seal->stats.whole++;
        return token_seal(seal->vault_public, value->kind, value->value, box, err);
    }
    seal->stats.ready++;
    enum rc rc = token_seal_with(half, value->kind, value->value, box, err);
    put_back(seal, half);
    return rc;
}

static int is_of(const struct kept_box *kept, const struct seal_value *value)
{
    return kept->size > 0 && kept->kind == value->kind &&
           kept->token.key_id == value->token->key_id &&
           memcmp(kept->token.mac, value->token->mac, TOKEN_MAC_BYTES) == 0;
}

/* The place of the value's box, or the one that has to make room for it. Tokens are keyed hashes,
   so any of their bytes spread evenly. */
static struct kept_box *place_of(struct seal *seal, const struct seal_value *value)
{
    uint32_t hash;
    memcpy(&hash, value->token->mac, sizeof(hash));
    struct kept_box *set = seal->kept[hash % SETS];
    struct kept_box *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], value))
            return &set[i];
        if (set[i].at_us < oldest->at_us)
            oldest = &set[i];
    }
    return oldest;
}

enum rc seal_box(struct seal *seal, const struct seal_value *value, int64_t now_us, uint8_t *box,
                 struct err *err)
{
    size_t size = value->value.size + 4 + TOKEN_SEAL_OVERHEAD_BYTES;
    if (size > SEAL_KEPT_BYTES)
        return make_box(seal, value, box, err);
    struct kept_box *kept = place_of(seal, value);
    int64_t age_us = now_us - kept->at_us;
    if (is_of(kept, value) && age_us >= 0 && age_us < SEAL_KEPT_US) {
        seal->stats.kept++;
        memcpy(box, kept->box, kept->size);
        return RC_OK;
    }
    enum rc rc = make_box(seal, value, box, err);
    if (rc != RC_OK)
        return rc;
    *kept = (struct kept_box){
        .token = *value->token, .kind = value->kind, .size = (uint32_t)size, .at_us = now_us};
    memcpy(kept->box, box, size);
    return RC_OK;
}

void seal_stats(const struct seal *seal, struct seal_stats *ret_stats)
{
    *ret_stats = seal->stats;
}
