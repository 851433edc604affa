#ifndef KASUMORI_KAFKA_KAFKA_ERROR_H
#define KASUMORI_KAFKA_KAFKA_ERROR_H

#include <stddef.h>

#include "services/common/base/rc.h"

/* Where a librdkafka code was seen: the same code asks for different things of the caller. */
enum kafka_error_place {
    KAFKA_ERROR_PLACE_PRODUCE, /* refused when handed over; nothing was queued */
    KAFKA_ERROR_PLACE_REPORT,  /* delivery report */
    KAFKA_ERROR_PLACE_CONSUME, /* out of the consumer's queue, or answered to it */
    KAFKA_ERROR_PLACE_ADMIN,
    KAFKA_ERROR_PLACE_COUNT,
};

/* code: rd_kafka_resp_err_t. Codes without a row are RC_RETRY everywhere: what we do not know may
   pass, and sending again is harmless because records have ids. */
enum rc kafka_error_rc(int code, enum kafka_error_place place) MUST_CHECK;

/* For the test that walks the table. */
struct kafka_error_row {
    int code;
    enum rc rc[KAFKA_ERROR_PLACE_COUNT];
};
const struct kafka_error_row *kafka_error_rows(size_t *ret_count);

#endif
