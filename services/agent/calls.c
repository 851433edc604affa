/* Rows, then calls, then records. Invariant: a call's legs are durable in the map before a record
   is made from them, so its revision (how many legs) never falls. */
#include "services/agent/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/agent/agent_metrics.h"
#include "services/agent/intake.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

enum {
    KEY_BYTES = LIMIT_NAME_BYTES + ASTERISK_ID_BYTES + 8,
    LEGS_BYTES = LIMIT_CALL_LEGS * 4096,
    KEYS_ARENA_BYTES = 16 * 1024 * 1024,
    GROUP_VALUES = 1000,
};

#define KEEP_US (3 * CLOCK_US_PER_DAY)

struct calls {
    struct calls_config config;
    struct intake intake;
    struct queue *done;
    struct arena *keys_arena;
    const char **keys; /* calls touched by the text in work */
    size_t keys_count, keys_capacity;
    struct csv csv;
    struct csv_row row;
    struct buf legs_bytes;
    struct asterisk_leg legs[LIMIT_CALL_LEGS];
    struct buf bytes; /* values of one group */
    struct slice values[GROUP_VALUES];
    size_t values_count;
};

enum rc calls_new(const struct calls_config *config, struct calls **ret_calls, struct err *err)
{
    struct calls *calls = mem_zalloc(sizeof(*calls));
    if (calls == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    calls->config = *config;
    buf_init(&calls->legs_bytes, LEGS_BYTES);
    buf_init(&calls->bytes, LIMIT_INTAKE_BYTES);
    calls->done = queue_new(1);
    calls->keys_arena = arena_new(KEYS_ARENA_BYTES);
    enum rc rc = RC_RETRY;
    if (calls->done == NULL || calls->keys_arena == NULL)
        (void)err_set(err, RC_RETRY, "out of memory or descriptors");
    else
        rc = intake_init(&calls->intake, config->bundle, config->roster, err);
    if (rc != RC_OK) {
        calls_free(calls);
        return rc;
    }
    *ret_calls = calls;
    return RC_OK;
}

void calls_free(struct calls *calls)
{
    if (calls == NULL)
        return;
    intake_done(&calls->intake);
    buf_done(&calls->bytes);
    buf_done(&calls->legs_bytes);
    mem_free(calls->keys);
    arena_free(calls->keys_arena);
    queue_free(calls->done);
    mem_free(calls);
}

static void note_error(struct calls *calls, struct calls_result *result, const struct err *why)
{
    if (result->rejected < CALLS_ERRORS_MAX)
        result->errors[result->rejected] = *why;
    result->rejected++;
    metrics_add(calls->config.metrics, AGENT_METRIC_CALL_ROWS_BAD, 1);
}

/* The legs kept under key, into calls->legs; they borrow from legs_bytes. */
static enum rc load_legs(struct calls *calls, const char *key, size_t *ret_count, struct err *err)
{
    int is_found;
    size_t count = 0;
    enum rc rc = kept_get(calls->config.kept, key, &calls->legs_bytes, &is_found, err);
    if (rc != RC_OK)
        return rc;
    struct slice data = is_found ? buf_slice(&calls->legs_bytes) : slice_of(NULL, 0);
    for (size_t at = 0; at < data.size; count++) {
        if (count == LIMIT_CALL_LEGS)
            return err_set(err, RC_CORRUPT, "a kept call has too many rows");
        rc = asterisk_leg_read(data, &at, &calls->legs[count], err);
        if (rc != RC_OK)
            return rc;
    }
    *ret_count = count;
    return RC_OK;
}

static enum rc store_legs(struct calls *calls, const char *key, size_t count, struct err *err)
{
    struct buf bytes;
    buf_init(&bytes, LEGS_BYTES);
    for (size_t i = 0; i < count; i++)
        asterisk_leg_write(&calls->legs[i], &bytes);
    enum rc rc = bytes.is_failed ? err_set(err, RC_RETRY, "out of memory")
                                 : kept_put(calls->config.kept, key, buf_slice(&bytes),
                                            clock_now_us(calls->config.clock), err);
    buf_done(&bytes);
    return rc;
}

static enum rc touch(struct calls *calls, const char *key, struct err *err)
{
    if (calls->keys_count > 0 && strcmp(calls->keys[calls->keys_count - 1], key) == 0)
        return RC_OK;
    if (calls->keys_count == calls->keys_capacity) {
        size_t capacity = calls->keys_capacity ? 2 * calls->keys_capacity : 256;
        const char **keys = mem_realloc(calls->keys, capacity * sizeof(*keys));
        if (keys == NULL)
            return err_set(err, RC_RETRY, "out of memory");
        calls->keys = keys;
        calls->keys_capacity = capacity;
    }
    const char *copy = arena_copy(calls->keys_arena, key, strlen(key));
    if (copy == NULL)
        return err_set(err, RC_RETRY, "too many calls at once");
    calls->keys[calls->keys_count++] = copy;
    return RC_OK;
}

/* RC_REJECT concerns this row alone. */
static enum rc keep_row(struct calls *calls, const struct asterisk_source *source, struct err *err)
{
    struct asterisk_leg leg;
    char id[ASTERISK_ID_BYTES];
    char key[KEY_BYTES];
    size_t count;
    int is_new;
    enum rc rc = asterisk_leg_parse(source, &calls->row, &leg, err);
    if (rc != RC_OK)
        return rc;
    asterisk_call_id(&leg, id);
    snprintf(key, sizeof(key), "call/%s/%s", source->name, id);
    rc = load_legs(calls, key, &count, err);
    if (rc == RC_OK)
        rc = asterisk_merge(calls->legs, &count, &leg, &is_new, err);
    if (rc == RC_OK && is_new)
        rc = store_legs(calls, key, count, err);
    if (rc == RC_OK)
        rc = touch(calls, key, err);
    return rc;
}

static enum rc keep_rows(struct calls *calls, const struct asterisk_source *source,
                         struct slice text, struct calls_result *result, struct err *err)
{
    csv_init(&calls->csv, text);
    for (;;) {
        struct err why;
        enum rc rc = csv_next(&calls->csv, &calls->row, &why);
        if (rc == RC_OK && calls->row.count == 0)
            return RC_OK;
        if (rc == RC_OK)
            rc = keep_row(calls, source, &why);
        result->rows++;
        metrics_add(calls->config.metrics, AGENT_METRIC_CALL_ROWS, 1);
        if (rc == RC_REJECT)
            note_error(calls, result, &why);
        else if (rc != RC_OK)
            return err_set(err, rc, "%s", why.text);
    }
}

/* Gives the group to the keeper and waits. */
static enum rc store_group(struct calls *calls, struct calls_result *result, struct err *err)
{
    if (calls->values_count == 0)
        return RC_OK;
    const uint8_t *at = calls->bytes.data;
    for (size_t i = 0; i < calls->values_count; i++) {
        calls->values[i].data = at;
        at += calls->values[i].size;
    }
    struct keeper_job job = {
        .values = calls->values, .count = calls->values_count, .done = calls->done};
    enum rc rc = keeper_give(calls->config.keeper, &job);
    if (rc != RC_OK)
        return err_set(err, RC_RETRY, "too many records wait for the disk");
    void *back;
    while (queue_wait(calls->done, &back, 1, -1) == 0)
        ;
    if (job.rc != RC_OK)
        return err_set(err, job.rc, "%s", job.err.text);
    result->calls += calls->values_count;
    calls->values_count = 0;
    buf_reset(&calls->bytes);
    return RC_OK;
}

static enum rc add_call(struct calls *calls, const struct asterisk_source *source, const char *key,
                        struct err *err)
{
    struct draft draft;
    struct intake_result made;
    size_t count;
    struct intake *intake = &calls->intake;
    arena_reset(intake->arena);
    enum rc rc = load_legs(calls, key, &count, err);
    if (rc == RC_OK)
        rc = asterisk_build_draft(source, calls->legs, count, intake->arena, &draft, err);
    if (rc == RC_OK)
        rc = intake_finish(intake, &draft, clock_now_us(calls->config.clock),
                           (int)metrics_get(calls->config.metrics, AGENT_METRIC_CLOCK_IS_SUSPECT),
                           &made, err);
    if (rc == RC_FULL)
        return err_set(err, RC_REJECT, "the call's record is too large");
    if (rc != RC_OK)
        return rc;
    calls->values[calls->values_count++] = slice_of(NULL, intake->value.size);
    buf_add(&calls->bytes, intake->value.data, intake->value.size);
    return calls->bytes.is_failed ? err_set(err, RC_RETRY, "out of memory") : RC_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum rc store_calls(struct calls *calls, const struct asterisk_source *source,
                           struct calls_result *result, struct err *err)
{
    if (calls->keys_count > 0)
        qsort(calls->keys, calls->keys_count, sizeof(*calls->keys), compare_keys);
    for (size_t i = 0; i < calls->keys_count; i++) {
        if (i > 0 && strcmp(calls->keys[i - 1], calls->keys[i]) == 0)
            continue;
        struct err why;
        enum rc rc = add_call(calls, source, calls->keys[i], &why);
        if (rc == RC_REJECT)
            note_error(calls, result, &why);
        else if (rc != RC_OK)
            return err_set(err, rc, "%s", why.text);
        int is_full = calls->values_count == GROUP_VALUES ||
                      calls->bytes.size > LIMIT_INTAKE_BYTES - LIMIT_VALUE_BYTES;
        if (is_full)
            rc = store_group(calls, result, err);
        if (is_full && rc != RC_OK)
            return rc;
    }
    return store_group(calls, result, err);
}

enum rc calls_import(struct calls *calls, const struct asterisk_source *source, struct slice text,
                     struct calls_result *ret_result, struct err *err)
{
    *ret_result = (struct calls_result){0};
    calls->keys_count = 0;
    calls->values_count = 0;
    buf_reset(&calls->bytes);
    arena_reset(calls->keys_arena);
    enum rc rc = kept_begin(calls->config.kept, err);
    if (rc != RC_OK)
        return rc;
    rc = keep_rows(calls, source, text, ret_result, err);
    if (rc == RC_OK)
        rc = kept_commit(calls->config.kept, err);
    if (rc != RC_OK) {
        kept_rollback(calls->config.kept);
        return rc;
    }
    return store_calls(calls, source, ret_result, err);
}

enum rc calls_expire(struct calls *calls, struct err *err)
{
    int64_t before_us = clock_now_us(calls->config.clock) - KEEP_US;
    return kept_expire(calls->config.kept, "call/", before_us, err);
}
