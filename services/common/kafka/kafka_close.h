#ifndef KASUMORI_KAFKA_KAFKA_CLOSE_H
#define KASUMORI_KAFKA_KAFKA_CLOSE_H

#include <librdkafka/rdkafka.h>

/* Destroys rk in a thread of its own and waits at most wait_ms for it; a thread that hangs in the
   library is left behind with the handle and whatever it holds, and ends with the process. All
   queues, topics and events of rk must have been given back. is_leaving: tell the group first, so
   that others take the partitions at once. Returns whether the library was done in time. */
int kafka_close_bounded(rd_kafka_t *rk, int is_leaving, int wait_ms);

#endif
