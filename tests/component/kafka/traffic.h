#ifndef KASUMORI_TESTS_COMPONENT_KAFKA_TRAFFIC_H
#define KASUMORI_TESTS_COMPONENT_KAFKA_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/kafka/kafka.h"

/* What the tests send and how they read it back. Failures abort with a sentence. */

/* Numbered messages 1..count; a message with an end says which of them arrived how often. */
struct ledger {
    size_t count;
    unsigned char *acked; /* by number */
    unsigned char *seen;
    size_t acked_count, seen_count, doubled, wrong;
    size_t rebuilds;
};
void ledger_init(struct ledger *ledger, size_t count);
void ledger_done(struct ledger *ledger);

/* A sender that owns a producer and makes a new one when it turns fatal. */
struct sender {
    struct kafka_config config;
    const char *topic;
    struct kafka_producer *producer;
    struct ledger *ledger;
    size_t next; /* number to send next */
};
void sender_init(struct sender *sender, const char *brokers, const char *topic,
                 struct ledger *ledger);
void sender_done(struct sender *sender);
/* Sends up to number `until` without waiting for the end; waits only while the queue is full. */
void sender_send(struct sender *sender, size_t until);
/* Sends until the queue is full or all are sent; waits for nothing. */
void sender_fill(struct sender *sender);
/* Collects reports until all up to the last one sent are acknowledged. */
void sender_finish(struct sender *sender, int wait_ms);

/* Checks key, headers and value of a numbered message and enters it. */
void ledger_enter(struct ledger *ledger, const struct kafka_event *event);

struct kafka_consumer *consumer_open(const char *brokers, const char *topic, const char *group,
                                     const char *instance_id, int session_ms);
/* Polls until an event of the type, answering ASSIGNED by the beginning of the log and REVOKED by
   letting go unless that is what is waited for; NONE after wait_ms. Messages go to the ledger. */
struct kafka_event consumer_await(struct kafka_consumer *consumer, enum kafka_event_type type,
                                  struct ledger *ledger, int wait_ms);
/* Answers an ASSIGNED event: all its partitions from the beginning. */
void consumer_accept(struct kafka_consumer *consumer, const struct kafka_event *event);

#endif
