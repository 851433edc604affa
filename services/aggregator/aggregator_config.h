#ifndef KASUMORI_AGGREGATOR_AGGREGATOR_CONFIG_H
#define KASUMORI_AGGREGATOR_AGGREGATOR_CONFIG_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/config/config.h"
#include "services/common/kafka/kafka.h"
#include "services/common/log/log.h"

/* aggregator.yaml; the table in aggregator_config.c has keys, ranges and defaults. */
struct aggregator_config {
    char *database;
    struct {
        char *brokers, *security_protocol, *sasl_mechanism, *sasl_username, *sasl_password_file;
        char *ssl_ca_file, *ssl_certificate_file, *ssl_key_file;
    } kafka;
    char *topic_records;
    char *topic_health;
    char *topic_alerts;
    char *topic_watch;
    char *group;
    char *instance_id;
    int64_t lanes;
    int64_t batch_max;
    int64_t batch_wait_us;
    int correlate;
    int64_t correlate_every_us;
    int64_t correlate_records_max;
    int64_t correlate_behind_max;
    char *mac_master_key_file;
    struct {
        char *address;
        int64_t port;
    } http;
    char *log_level;
    enum log_level level;
};

/* Parses and validates. RC_REJECT with file, line and key; RC_RETRY when it cannot be read. */
enum rc aggregator_config_load(const char *path, struct aggregator_config *ret_config,
                               struct err *err) MUST_CHECK;
void aggregator_config_done(struct aggregator_config *config);

/* The broker settings; strings are the config's. */
struct kafka_config aggregator_config_kafka(const struct aggregator_config *config);

#endif
