/* The broker that tests command. Invariant: stored messages never move, so borrowed ones stay good;
   reports leave in the order in which their messages came. */
#include "services/common/kafka/kafka_fake.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"

struct stored {
    struct kafka_fake_message message;
    uint8_t *bytes; /* key, value, header names and values, one after the other */
};

struct nth {
    size_t left;
    enum rc rc;
};

struct fake {
    struct kafka_producer base;
    size_t queue_max;
    struct kafka_report *reports; /* ring of queue_max */
    size_t first, count;
    size_t lost; /* taken, never reported: they hold a place as in the real queue */
    struct stored **stored;
    size_t stored_count, stored_slots;
    struct nth fail, refuse, lose;
    int is_full, is_held, is_fatal;
    int fd;
};

static struct fake *fake_of(const struct kafka_producer *base)
{
    return (struct fake *)(uintptr_t)base; /* base is the first member */
}

static int strikes(struct nth *nth)
{
    return nth->left > 0 && --nth->left == 0;
}

static void update_fd(struct fake *f)
{
    uint64_t count = 1;
    ssize_t n = read(f->fd, &count, sizeof(count));
    CHECK(n == (ssize_t)sizeof(count) || errno == EAGAIN);
    if (f->is_fatal || (f->count > 0 && !f->is_held)) {
        count = 1;
        CHECK(write(f->fd, &count, sizeof(count)) == (ssize_t)sizeof(count));
    }
}

/* ---- storing ---- */

static size_t bytes_needed(const struct kafka_outgoing *out)
{
    size_t bytes = strlen(out->topic) + 1 + out->key.size + out->value.size;
    for (size_t i = 0; i < out->headers_count; i++)
        bytes += strlen(out->headers[i].name) + 1 + out->headers[i].value.size;
    return bytes;
}

static uint8_t *put(uint8_t **at, const void *data, size_t size)
{
    uint8_t *start = *at;
    if (size > 0)
        memcpy(start, data, size);
    *at += size;
    return start;
}

static struct slice put_slice(uint8_t **at, struct slice slice)
{
    if (slice.data == NULL)
        return slice;
    return slice_of(put(at, slice.data, slice.size), slice.size);
}

static void copy_message(struct stored *stored, const struct kafka_outgoing *out)
{
    struct kafka_fake_message *message = &stored->message;
    uint8_t *at = stored->bytes;
    message->topic = (char *)put(&at, out->topic, strlen(out->topic) + 1);
    message->key = put_slice(&at, out->key);
    message->value = put_slice(&at, out->value);
    message->headers_count = out->headers_count;
    message->tag = out->tag;
    for (size_t i = 0; i < out->headers_count; i++) {
        const char *name = out->headers[i].name;
        message->headers[i].name = (char *)put(&at, name, strlen(name) + 1);
        message->headers[i].value = put_slice(&at, out->headers[i].value);
    }
}

static int store(struct fake *f, const struct kafka_outgoing *out)
{
    if (f->stored_count == f->stored_slots) {
        size_t slots = f->stored_slots == 0 ? 64 : 2 * f->stored_slots;
        struct stored **grown = mem_realloc(f->stored, slots * sizeof(*grown));
        if (grown == NULL)
            return 0;
        f->stored = grown;
        f->stored_slots = slots;
    }
    struct stored *stored = mem_zalloc(sizeof(*stored));
    if (stored == NULL)
        return 0;
    stored->bytes = mem_alloc(bytes_needed(out));
    if (stored->bytes == NULL) {
        mem_free(stored);
        return 0;
    }
    copy_message(stored, out);
    f->stored[f->stored_count++] = stored;
    return 1;
}

/* ---- the border's operations ---- */

static enum rc fake_produce(struct kafka_producer *base, const struct kafka_outgoing *message,
                            struct err *err)
{
    struct fake *f = fake_of(base);
    struct kafka_report report = {.tag = message->tag, .offset = -1};
    if (f->is_fatal)
        return err_set(err, RC_FATAL, "kafka: the producer cannot go on");
    if (strikes(&f->refuse))
        return err_set(err, f->refuse.rc, "kafka: could not queue a message");
    if (f->is_full || f->count + f->lost == f->queue_max)
        return err_set(err, RC_FULL, "kafka: could not queue a message: the queue is full");
    if (message->key.data == NULL || message->headers_count > KAFKA_HEADERS_MAX)
        return err_set(err, RC_REJECT, "message: no key or too many headers");
    int is_failed = strikes(&f->fail);
    if (is_failed) {
        report.rc = f->fail.rc;
    } else if (store(f, message)) {
        report.offset = (int64_t)f->stored_count - 1;
    } else {
        return err_set(err, RC_RETRY, "kafka: out of memory");
    }
    if (strikes(&f->lose)) {
        f->lost++;
        return RC_OK;
    }
    f->reports[(f->first + f->count++) % f->queue_max] = report;
    update_fd(f);
    return RC_OK;
}

static size_t fake_reports(struct kafka_producer *base, struct kafka_report *reports,
                           size_t reports_max)
{
    struct fake *f = fake_of(base);
    size_t n = 0;
    while (n < reports_max && f->count > 0 && (!f->is_held || f->is_fatal)) {
        struct kafka_report report = f->reports[f->first];
        f->first = (f->first + 1) % f->queue_max;
        f->count--;
        if (f->is_fatal && report.rc == RC_OK) {
            report.rc = RC_RETRY;
            report.offset = -1;
        }
        reports[n++] = report;
    }
    update_fd(f);
    return n;
}

static enum rc fake_state(struct kafka_producer *base, struct err *err)
{
    if (fake_of(base)->is_fatal)
        return err_set(err, RC_FATAL, "kafka: the producer cannot go on");
    return RC_OK;
}

static int fake_fd(struct kafka_producer *base)
{
    return fake_of(base)->fd;
}

static void fake_flush(struct kafka_producer *base, int wait_ms)
{
    (void)base, (void)wait_ms; /* a report is there at once, or held, or lost */
}

static const char *fake_trouble(struct kafka_producer *base)
{
    return fake_of(base)->is_held ? "all brokers are down" : NULL;
}

static void fake_free(struct kafka_producer *base)
{
    struct fake *f = fake_of(base);
    for (size_t i = 0; i < f->stored_count; i++) {
        mem_free(f->stored[i]->bytes);
        mem_free(f->stored[i]);
    }
    mem_free(f->stored);
    mem_free(f->reports);
    if (f->fd >= 0)
        close(f->fd);
    mem_free(f);
}

static const struct kafka_producer_ops fake_ops = {
    .produce = fake_produce,
    .reports = fake_reports,
    .state = fake_state,
    .fd = fake_fd,
    .flush = fake_flush,
    .free = fake_free,
    .trouble = fake_trouble,
};

struct kafka_producer *kafka_fake_new(size_t queue_max)
{
    CHECK(queue_max > 0);
    struct fake *f = mem_zalloc(sizeof(*f));
    if (f == NULL)
        return NULL;
    f->base.ops = &fake_ops;
    f->queue_max = queue_max;
    f->reports = mem_zalloc_array(queue_max, sizeof(*f->reports));
    f->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (f->reports == NULL || f->fd < 0) {
        fake_free(&f->base);
        return NULL;
    }
    return &f->base;
}

/* ---- commands and questions ---- */

void kafka_fake_fail_nth(struct kafka_producer *p, size_t n, enum rc rc)
{
    fake_of(p)->fail = (struct nth){.left = n, .rc = rc};
}

void kafka_fake_refuse_nth(struct kafka_producer *p, size_t n, enum rc rc)
{
    fake_of(p)->refuse = (struct nth){.left = n, .rc = rc};
}

void kafka_fake_lose_nth(struct kafka_producer *p, size_t n)
{
    fake_of(p)->lose = (struct nth){.left = n};
}

void kafka_fake_set_full(struct kafka_producer *p, int is_full)
{
    fake_of(p)->is_full = is_full;
}

void kafka_fake_hold(struct kafka_producer *p, int is_held)
{
    fake_of(p)->is_held = is_held;
    update_fd(fake_of(p));
}

void kafka_fake_turn_fatal(struct kafka_producer *p)
{
    fake_of(p)->is_fatal = 1;
    update_fd(fake_of(p));
}

size_t kafka_fake_count(const struct kafka_producer *p)
{
    return fake_of(p)->stored_count;
}

const struct kafka_fake_message *kafka_fake_at(const struct kafka_producer *p, size_t index)
{
    CHECK(index < fake_of(p)->stored_count);
    return &fake_of(p)->stored[index]->message;
}

size_t kafka_fake_outstanding(const struct kafka_producer *p)
{
    return fake_of(p)->count + fake_of(p)->lost;
}
