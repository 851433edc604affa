#ifndef KASUMORI_KAFKA_KAFKA_ADMIN_INT_H
#define KASUMORI_KAFKA_KAFKA_ADMIN_INT_H

#include <librdkafka/rdkafka.h>

#include "services/common/base/rc.h"
#include "services/common/kafka/kafka_admin.h"

/* Shared by kafka_admin.c (topics) and kafka_admin_acl.c. */
struct kafka_admin {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int wait_ms;
};

/* NULL when memory is out. Destroyed by rd_kafka_AdminOptions_destroy. */
rd_kafka_AdminOptions_t *kafka_admin_options(struct kafka_admin *admin, rd_kafka_admin_op_t op);

/* Waits for the one answer of type; RC_RETRY when it does not come, else the code of the whole
   request. On RC_OK the event is the caller's. */
enum rc kafka_admin_answer(struct kafka_admin *admin, rd_kafka_event_type_t type, const char *what,
                           rd_kafka_event_t **ret_event, struct err *err) MUST_CHECK;

/* A change is decided by the controller and reaches each broker a moment later, so a second run
   could still see what was. Start with *tries = 0; pauses and returns 1 while it is worth to look
   again. */
int kafka_admin_look_again(struct kafka_admin *admin, int *tries);

#endif
