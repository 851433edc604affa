#ifndef KASUMORI_KAFKA_KAFKA_FAKE_H
#define KASUMORI_KAFKA_KAFKA_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/kafka/kafka.h"

/* A broker in memory for tests of who sends: takes messages, keeps copies, reports in order. Which
   message does what is counted from 1 = the next one given; 0 switches it off. Freed by
   kafka_producer_free. Single-threaded. */
struct kafka_producer *kafka_fake_new(size_t queue_max) MUST_CHECK;

/* The n-th message from now is reported with rc (RETRY, REJECT) and not stored. */
void kafka_fake_fail_nth(struct kafka_producer *p, size_t n, enum rc rc);
/* The n-th call of produce from now answers rc (REJECT, FULL, RETRY) and takes nothing. */
void kafka_fake_refuse_nth(struct kafka_producer *p, size_t n, enum rc rc);
/* The n-th message from now is stored, but its report never comes. */
void kafka_fake_lose_nth(struct kafka_producer *p, size_t n);
/* produce answers FULL until switched off. */
void kafka_fake_set_full(struct kafka_producer *p, int is_full);
/* Reports wait until switched off, as with a broker that is away. */
void kafka_fake_hold(struct kafka_producer *p, int is_held);
/* state and produce answer FATAL from now on; what has no report yet will get RETRY. */
void kafka_fake_turn_fatal(struct kafka_producer *p);

/* What was stored, in order; a message that was sent twice is there twice. Borrowed until free. */
struct kafka_fake_message {
    char *topic;
    struct slice key;
    struct slice value; /* data NULL: a tombstone */
    struct kafka_header headers[KAFKA_HEADERS_MAX];
    size_t headers_count;
    uint64_t tag;
};
size_t kafka_fake_count(const struct kafka_producer *p);
const struct kafka_fake_message *kafka_fake_at(const struct kafka_producer *p, size_t index);
/* Messages taken whose reports have not been collected. */
size_t kafka_fake_outstanding(const struct kafka_producer *p);

#endif
