#ifndef KASUMORI_INGEST_ITEM_H
#define KASUMORI_INGEST_ITEM_H

#include "kasumori/v1/record.pb-c.h"
#include "services/aggregator/ingest/dedup.h"
#include "services/aggregator/ingest/message.h"
#include "services/aggregator/ingest/verify.h"

/* What the steps found out about one message, one field a step; all in the range's arena. */
struct item {
    const struct message *message;
    struct sender sender; /* verify */
    enum bad_class class;
    const char *reason;           /* of class, one sentence */
    Kasumori__V1__Record *record; /* decode; NULL unless class is NONE */
    int has_id;
    struct uuid id;          /* as in the value, when it could be read; or of the restamped time */
    int64_t restamped_at_us; /* restamp; 0: the record's own time holds */
    struct dedup_delivery delivery;
    struct dedup_outcome outcome; /* dedup */
};

#endif
