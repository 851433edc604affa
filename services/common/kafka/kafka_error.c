/* What librdkafka's codes ask of the caller. Invariant: a report is RC_REJECT only where the broker
   named this very record, because a rejected record leaves the spool; a batch that is refused whole
   is sent again. */
#include "services/common/kafka/kafka_error.h"

#include <librdkafka/rdkafka.h>

#define ROW(name, produce, report, consume, admin)              \
    {                                                           \
        RD_KAFKA_RESP_ERR_##name,                               \
        {                                                       \
            RC_##produce, RC_##report, RC_##consume, RC_##admin \
        }                                                       \
    }

static const struct kafka_error_row rows[] = {
    /*                                     produce report  consume admin */
    ROW(NO_ERROR, /*                    */ OK, /*    */ OK, /*  */ OK, /*   */ OK),
    ROW(_QUEUE_FULL, /*                 */ FULL, /*  */ RETRY, RETRY, RETRY),
    /* Refused at the call the message is too large for the client. In a report it is the batch that
       is larger than the topic's max.message.bytes: no fault of any one message in it. */
    ROW(MSG_SIZE_TOO_LARGE, REJECT, RETRY, RETRY, REJECT),
    ROW(INVALID_MSG_SIZE, REJECT, RETRY, RETRY, REJECT),
    ROW(_INVALID_ARG, REJECT, RETRY, RETRY, REJECT),
    ROW(_BAD_MSG, REJECT, RETRY, RETRY, REJECT),
    ROW(INVALID_RECORD, REJECT, REJECT, RETRY, REJECT),
    ROW(INVALID_TIMESTAMP, REJECT, REJECT, RETRY, REJECT),
    /* This handle is of no more use; what it had not delivered goes to the next one. */
    ROW(_FATAL, FATAL, RETRY, FATAL, FATAL),
    ROW(_FENCED, FATAL, RETRY, FATAL, FATAL),
    ROW(_DESTROY, FATAL, RETRY, FATAL, FATAL),
    ROW(FENCED_INSTANCE_ID, FATAL, RETRY, FATAL, FATAL),
    /* Settings that cannot work however long we wait. */
    ROW(INVALID_GROUP_ID, REJECT, RETRY, FATAL, REJECT),
    ROW(INCONSISTENT_GROUP_PROTOCOL, REJECT, RETRY, FATAL, REJECT),
    ROW(INVALID_SESSION_TIMEOUT, REJECT, RETRY, FATAL, REJECT),
    ROW(_UNSUPPORTED_FEATURE, REJECT, RETRY, FATAL, REJECT),
    ROW(_NOT_IMPLEMENTED, REJECT, RETRY, FATAL, REJECT),
    /* The operator's file asks for what the cluster refuses. */
    ROW(TOPIC_EXCEPTION, RETRY, RETRY, RETRY, REJECT),
    ROW(INVALID_PARTITIONS, RETRY, RETRY, RETRY, REJECT),
    ROW(INVALID_REPLICATION_FACTOR, RETRY, RETRY, RETRY, REJECT),
    ROW(INVALID_REPLICA_ASSIGNMENT, RETRY, RETRY, RETRY, REJECT),
    ROW(INVALID_CONFIG, RETRY, RETRY, RETRY, REJECT),
    ROW(INVALID_REQUEST, RETRY, RETRY, RETRY, REJECT),
    ROW(INVALID_PRINCIPAL_TYPE, RETRY, RETRY, RETRY, REJECT),
    ROW(POLICY_VIOLATION, RETRY, RETRY, RETRY, REJECT),
    ROW(SECURITY_DISABLED, RETRY, RETRY, RETRY, REJECT),
    ROW(UNSUPPORTED_VERSION, RETRY, RETRY, RETRY, REJECT),
    ROW(TOPIC_AUTHORIZATION_FAILED, RETRY, RETRY, RETRY, REJECT),
    ROW(CLUSTER_AUTHORIZATION_FAILED, RETRY, RETRY, RETRY, REJECT),
};

enum rc kafka_error_rc(int code, enum kafka_error_place place)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code)
            return rows[i].rc[place];
    }
    return RC_RETRY;
}

const struct kafka_error_row *kafka_error_rows(size_t *ret_count)
{
    *ret_count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}
