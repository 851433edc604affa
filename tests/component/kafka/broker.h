#ifndef KASUMORI_TESTS_COMPONENT_KAFKA_BROKER_H
#define KASUMORI_TESTS_COMPONENT_KAFKA_BROKER_H

/* The broker that with_broker.py runs for this program. */
const char *broker_address(void);

/* "kill9", "start", "create NAME PARTITIONS", "delete NAME"; fails the test when it does not work.
 */
void broker_do(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
