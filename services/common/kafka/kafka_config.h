#ifndef KASUMORI_KAFKA_KAFKA_CONFIG_H
#define KASUMORI_KAFKA_KAFKA_CONFIG_H

#include <librdkafka/rdkafka.h>

#include "services/common/base/rc.h"
#include "services/common/kafka/kafka.h"

struct kafka_config_setting {
    const char *name;
    const char *value;
};

/* librdkafka's configuration with all that producer, consumer and admin share: addresses, security,
   no logging by the library, connection manners. The caller gives it to rd_kafka_new or destroys
   it. RC_REJECT for a bad setting, RC_RETRY when memory is out or the password's file cannot be
   read. */
enum rc kafka_config_new(const struct kafka_config *config, rd_kafka_conf_t **ret_conf,
                         struct err *err) MUST_CHECK;

/* Sets a table of settings that every supported library knows; the table ends with a NULL name. */
enum rc kafka_config_set_all(rd_kafka_conf_t *conf, const struct kafka_config_setting *settings,
                             struct err *err) MUST_CHECK;
enum rc kafka_config_set_int(rd_kafka_conf_t *conf, const char *name, long value,
                             struct err *err) MUST_CHECK;
/* A setting that only newer libraries have; returns whether this one does. */
int kafka_config_try(rd_kafka_conf_t *conf, const char *name, const char *value);

/* Whether this build of the library has a feature: "zstd", "lz4", "ssl", "sasl_scram", … */
int kafka_config_has_feature(const rd_kafka_conf_t *conf, const char *feature);

#endif
