#include "tests/component/kafka/traffic.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"

enum { QUEUE_MAX = 2000, REPORTS = 256, PATIENCE_MS = 60000 };

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "traffic: %s: %s\n", what, why);
    abort();
}

static void must(enum rc rc, const char *what, const struct err *err)
{
    if (rc != RC_OK)
        give_up(what, err->text);
}

static int64_t now_ms(void)
{
    return clock_mono_us(clock_real()) / CLOCK_US_PER_MS;
}

/* ---- ledger ---- */

void ledger_init(struct ledger *ledger, size_t count)
{
    *ledger = (struct ledger){.count = count};
    ledger->acked = mem_zalloc(count + 1);
    ledger->seen = mem_zalloc(count + 1);
    if (ledger->acked == NULL || ledger->seen == NULL)
        give_up("ledger", "out of memory");
}

void ledger_done(struct ledger *ledger)
{
    mem_free(ledger->acked);
    mem_free(ledger->seen);
}

static int is_header(const struct kafka_event *event, size_t i, const char *name, const char *value)
{
    return i < event->headers_count && strcmp(event->headers[i].name, name) == 0 &&
           slice_is_equal(event->headers[i].value, slice_str(value));
}

void ledger_enter(struct ledger *ledger, const struct kafka_event *event)
{
    char key[32], digits[24], text[64];
    uint64_t number = 0;
    if (event->value.size >= sizeof(number))
        memcpy(&number, event->value.data, sizeof(number));
    snprintf(key, sizeof(key), "acme/s%03d", (int)(number % 100));
    snprintf(digits, sizeof(digits), "%" PRIu64, number);
    snprintf(text, sizeof(text), "....%s", digits);
    int is_right = number >= 1 && number <= ledger->count &&
                   event->value.size == sizeof(number) + strlen(digits) &&
                   memcmp(event->value.data + sizeof(number), digits, strlen(digits)) == 0 &&
                   slice_is_equal(event->key, slice_str(key)) && event->headers_count == 2 &&
                   is_header(event, 0, "ks-agent", "s001-a") &&
                   is_header(event, 1, "ks-sequence", digits) && event->appended_at_us > 0;
    if (!is_right) {
        ledger->wrong++;
        return;
    }
    if (ledger->seen[number]++ == 0)
        ledger->seen_count++;
    else
        ledger->doubled++;
}

/* ---- sending ---- */

static void make_producer(struct sender *sender)
{
    struct err err;
    must(kafka_producer_new(&sender->config, QUEUE_MAX, &sender->producer, &err), "producer", &err);
}

void sender_init(struct sender *sender, const char *brokers, const char *topic,
                 struct ledger *ledger)
{
    *sender = (struct sender){
        .config = {.brokers = brokers, .topics = {topic}},
        .topic = topic,
        .ledger = ledger,
        .next = 1,
    };
    make_producer(sender);
}

void sender_done(struct sender *sender)
{
    kafka_producer_free(sender->producer);
}

static enum rc send_number(struct sender *sender, uint64_t number, struct err *err)
{
    char key[32], digits[24];
    uint8_t value[40];
    snprintf(key, sizeof(key), "acme/s%03d", (int)(number % 100));
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    memcpy(value, &number, sizeof(number));
    memcpy(value + sizeof(number), digits, (size_t)n);
    const struct kafka_header headers[] = {
        {"ks-agent", slice_str("s001-a")},
        {"ks-sequence", slice_str(digits)},
    };
    const struct kafka_outgoing message = {
        .topic = sender->topic,
        .key = slice_str(key),
        .value = slice_of(value, sizeof(number) + (size_t)n),
        .headers = headers,
        .headers_count = 2,
        .tag = number,
    };
    return sender->producer->ops->produce(sender->producer, &message, err);
}

static size_t collect(struct sender *sender, int wait_ms)
{
    struct kafka_report reports[REPORTS];
    struct pollfd pollfd = {.fd = sender->producer->ops->fd(sender->producer), .events = POLLIN};
    (void)poll(&pollfd, 1, wait_ms);
    size_t n = sender->producer->ops->reports(sender->producer, reports, REPORTS);
    for (size_t i = 0; i < n; i++) {
        if (reports[i].rc == RC_REJECT)
            give_up("report", "rejected");
        if (reports[i].rc != RC_OK)
            continue; /* sent again by sender_finish */
        if (sender->ledger->acked[reports[i].tag]++ == 0)
            sender->ledger->acked_count++;
    }
    return n;
}

/* What a service does with FATAL: another producer, and again all that has no report. */
static void rebuild(struct sender *sender)
{
    while (collect(sender, 0) > 0)
        ;
    kafka_producer_free(sender->producer);
    make_producer(sender);
    sender->ledger->rebuilds++;
    sender->next = 1;
}

void sender_send(struct sender *sender, size_t until)
{
    struct err err;
    int64_t end_ms = now_ms() + PATIENCE_MS;
    while (sender->next <= until) {
        if (now_ms() > end_ms)
            give_up("send", "it takes too long");
        if (sender->ledger->acked[sender->next]) {
            sender->next++;
            continue;
        }
        switch (send_number(sender, sender->next, &err)) {
        case RC_OK:
            sender->next++;
            break;
        case RC_FULL:
            (void)collect(sender, 100);
            break;
        case RC_FATAL:
            rebuild(sender);
            break;
        case RC_RETRY:
        case RC_REJECT:
        case RC_CORRUPT:
            give_up("send", err.text);
        }
    }
}

void sender_fill(struct sender *sender)
{
    struct err err;
    while (sender->next <= sender->ledger->count &&
           send_number(sender, sender->next, &err) == RC_OK)
        sender->next++;
}

void sender_finish(struct sender *sender, int wait_ms)
{
    struct err err;
    size_t until = sender->next - 1;
    int64_t end_ms = now_ms() + wait_ms;
    while (sender->ledger->acked_count < until) {
        if (now_ms() > end_ms)
            give_up("finish", "not all were acknowledged");
        (void)collect(sender, 100);
        if (sender->producer->ops->state(sender->producer, &err) == RC_FATAL) {
            rebuild(sender);
            sender_send(sender, until);
        }
    }
}

/* ---- receiving ---- */

struct kafka_consumer *consumer_open(const char *brokers, const char *topic, const char *group,
                                     const char *instance_id, int session_ms)
{
    struct err err;
    struct kafka_consumer *consumer;
    const struct kafka_consumer_config config = {
        .kafka = {.brokers = brokers},
        .topic = topic,
        .group = group,
        .instance_id = instance_id,
        .session_ms = session_ms,
        .queued_kib_max = 2048,
    };
    must(kafka_consumer_new(&config, &consumer, &err), "consumer", &err);
    return consumer;
}

void consumer_accept(struct kafka_consumer *consumer, const struct kafka_event *event)
{
    struct err err;
    struct kafka_place places[64];
    for (size_t i = 0; i < event->partitions_count; i++)
        places[i] = (struct kafka_place){.partition = event->partitions[i], .offset = -2};
    must(kafka_consumer_assign(consumer, places, event->partitions_count, &err), "assign", &err);
}

struct kafka_event consumer_await(struct kafka_consumer *consumer, enum kafka_event_type type,
                                  struct ledger *ledger, int wait_ms)
{
    struct err err;
    struct kafka_event event;
    int64_t end_ms = now_ms() + wait_ms;
    while (now_ms() < end_ms) {
        must(kafka_consumer_poll(consumer, 50, &event, &err), "poll", &err);
        if (event.type == KAFKA_EVENT_TYPE_MESSAGE && ledger != NULL)
            ledger_enter(ledger, &event);
        if (event.type == type)
            return event;
        if (event.type == KAFKA_EVENT_TYPE_ASSIGNED)
            consumer_accept(consumer, &event);
        if (event.type == KAFKA_EVENT_TYPE_REVOKED)
            must(kafka_consumer_unassign(consumer, &err), "unassign", &err);
    }
    return (struct kafka_event){.type = KAFKA_EVENT_TYPE_NONE};
}
