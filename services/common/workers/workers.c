/* The workers' file. Invariant: codes differ, so that one line decides about a sign-in. */
#include "services/common/workers/workers.h"

#include <string.h>

#include "services/common/base/file.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

static int is_code_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

int workers_is_code(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_code_char(text.data[i]))
            return 0;
    return text.size > 0 && text.size <= WORKERS_CODE_BYTES;
}

void workers_token_form(const char *code, char ret_form[WORKERS_CODE_BYTES + 1])
{
    size_t size = 0;
    for (; *code != '\0' && size < WORKERS_CODE_BYTES; code++)
        if (*code != '-')
            ret_form[size++] = (char)(*code >= 'a' && *code <= 'z' ? *code - ('a' - 'A') : *code);
    ret_form[size] = '\0';
}

enum rc workers_check_pin(struct slice pin, struct err *err)
{
    int is_same = 1, is_up = 1, is_down = 1;
    if (pin.size < WORKERS_PIN_MIN || pin.size > WORKERS_PIN_MAX)
        return err_set(err, RC_REJECT, "PIN: want %d to %d digits", WORKERS_PIN_MIN,
                       WORKERS_PIN_MAX);
    for (size_t i = 0; i < pin.size; i++) {
        if (pin.data[i] < '0' || pin.data[i] > '9')
            return err_set(err, RC_REJECT, "PIN: want digits only");
        int step = i == 0 ? 0 : pin.data[i] - pin.data[i - 1];
        is_same &= i == 0 || step == 0;
        is_up &= i == 0 || step == 1;
        is_down &= i == 0 || step == -1;
    }
    if (is_same || is_up || is_down)
        return err_set(err, RC_REJECT,
                       "PIN: one digit over and over or digits in a row are guessed first");
    return RC_OK;
}

const struct worker *workers_find(const struct workers *workers, struct slice code)
{
    for (size_t i = 0; i < workers->count; i++)
        if (slice_is_equal(slice_str(workers->items[i].code), code))
            return &workers->items[i];
    return NULL;
}

static struct slice next_line(struct slice text, size_t *at)
{
    const uint8_t *from = text.data + *at;
    const uint8_t *end = memchr(from, '\n', text.size - *at);
    size_t size = end == NULL ? text.size - *at : (size_t)(end - from);
    *at += size + 1;
    while (size > 0 && from[size - 1] <= ' ')
        size--;
    return slice_of(from, size);
}

static enum rc read_line(struct slice line, size_t number, struct workers *workers, struct err *err)
{
    struct worker *worker = &workers->items[workers->count];
    const uint8_t *space = memchr(line.data, ' ', line.size);
    struct slice code =
        slice_of(line.data, space == NULL ? line.size : (size_t)(space - line.data));
    size_t hash_size = space == NULL ? 0 : line.size - code.size - 1;
    if (!workers_is_code(code))
        return err_set(err, RC_REJECT, "line %zu: want a code of 1 to %d letters, digits, - and _",
                       number, WORKERS_CODE_BYTES);
    if (workers_find(workers, code) != NULL)
        return err_set(err, RC_REJECT, "line %zu: the code is there twice", number);
    *worker = (struct worker){0};
    memcpy(worker->code, code.data, code.size);
    if (hash_size < sizeof(worker->hash) && space != NULL)
        memcpy(worker->hash, space + 1, hash_size);
    if (!password_is_hash(worker->hash))
        return err_set(err, RC_REJECT, "line %zu: want a hash of Argon2id behind the code", number);
    workers->count++;
    return RC_OK;
}

enum rc workers_parse(struct slice text, struct workers *ret_workers, struct err *err)
{
    struct workers workers = {.items = mem_zalloc_array(LIMIT_WORKERS, sizeof(struct worker))};
    size_t number = 0;
    enum rc rc = RC_OK;
    if (workers.items == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    for (size_t at = 0; rc == RC_OK && at < text.size;) {
        struct slice line = next_line(text, &at);
        number++;
        if (line.size == 0 || line.data[0] == '#')
            continue;
        if (workers.count == LIMIT_WORKERS)
            rc =
                err_set(err, RC_REJECT, "line %zu: want at most %d workers", number, LIMIT_WORKERS);
        else
            rc = read_line(line, number, &workers, err);
    }
    if (rc != RC_OK) {
        workers_done(&workers);
        return rc;
    }
    *ret_workers = workers;
    return RC_OK;
}

enum rc workers_load(const char *path, struct workers *ret_workers, struct err *err)
{
    struct buf text;
    struct err why;
    buf_init(&text, LIMIT_WORKERS_BYTES);
    enum rc rc = file_read_secret(path, &text, err);
    if (rc == RC_OK) {
        rc = workers_parse(buf_slice(&text), ret_workers, &why);
        if (rc != RC_OK)
            err_set(err, rc, "%s: %s", path, why.text);
    }
    buf_done(&text);
    return rc;
}

void workers_done(struct workers *workers)
{
    mem_free(workers->items);
    *workers = (struct workers){0};
}

void workers_write(const struct workers *workers, struct buf *out)
{
    for (size_t i = 0; i < workers->count; i++)
        buf_addf(out, "%s %s\n", workers->items[i].code, workers->items[i].hash);
}
