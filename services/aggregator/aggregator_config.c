/* aggregator.yaml as one table. */
#include "services/aggregator/aggregator_config.h"

#include <stddef.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"

#define AT(member) .offset = offsetof(struct aggregator_config, member)

static const struct config_field KAFKA_FIELDS[] = {
    {.key = "brokers",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(kafka.brokers),
     .help = "host:port, more after commas"},
    {.key = "security_protocol",
     .type = CONFIG_TYPE_STRING,
     AT(kafka.security_protocol),
     .standard = "plaintext",
     .help = "plaintext, ssl, sasl_ssl or sasl_plaintext"},
    {.key = "sasl_mechanism", .type = CONFIG_TYPE_STRING, AT(kafka.sasl_mechanism)},
    {.key = "sasl_username", .type = CONFIG_TYPE_STRING, AT(kafka.sasl_username)},
    {.key = "sasl_password_file",
     .type = CONFIG_TYPE_STRING,
     AT(kafka.sasl_password_file),
     .help = "mode 0600"},
    {.key = "ssl_ca_file", .type = CONFIG_TYPE_STRING, AT(kafka.ssl_ca_file)},
    {.key = "ssl_certificate_file", .type = CONFIG_TYPE_STRING, AT(kafka.ssl_certificate_file)},
    {.key = "ssl_key_file",
     .type = CONFIG_TYPE_STRING,
     AT(kafka.ssl_key_file),
     .help = "mode 0600"},
    {0},
};

static const struct config_field HTTP_FIELDS[] = {
    {.key = "address",
     .type = CONFIG_TYPE_STRING,
     AT(http.address),
     .standard = "127.0.0.1",
     .help = "for /livez, /readyz and /metrics"},
    {.key = "port",
     .type = CONFIG_TYPE_INT,
     AT(http.port),
     .standard = "8471",
     .max = 65535,
     .help = "0: any free port"},
    {0},
};

static const struct config_field FIELDS[] = {
    {.key = "database",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(database),
     .help = "libpq connection string; a password comes from its passfile"},
    {.key = "kafka", .type = CONFIG_TYPE_SECTION, .is_required = 1, .fields = KAFKA_FIELDS},
    {.key = "topic_records",
     .type = CONFIG_TYPE_STRING,
     AT(topic_records),
     .standard = "kasumori.records.v1"},
    {.key = "topic_health",
     .type = CONFIG_TYPE_STRING,
     AT(topic_health),
     .standard = "kasumori.health.v1"},
    {.key = "topic_alerts",
     .type = CONFIG_TYPE_STRING,
     AT(topic_alerts),
     .standard = "kasumori.alerts.v1"},
    {.key = "topic_watch",
     .type = CONFIG_TYPE_STRING,
     AT(topic_watch),
     .standard = "kasumori.watch.v1"},
    {.key = "group",
     .type = CONFIG_TYPE_STRING,
     AT(group),
     .standard = "kasumori-aggregator",
     .help = "consumer group: instances of one group share the partitions"},
    {.key = "instance_id",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(instance_id),
     .help = "name of this instance within the group, the same after a restart"},
    {.key = "lanes",
     .type = CONFIG_TYPE_INT,
     AT(lanes),
     .standard = "2",
     .min = 1,
     .max = LIMIT_LANES,
     .help = "threads that store records, each with a consumer and a connection"},
    {.key = "batch_max",
     .type = CONFIG_TYPE_INT,
     AT(batch_max),
     .standard = "2000",
     .min = 1,
     .max = LIMIT_LANE_BATCH,
     .help = "messages of one transaction"},
    {.key = "batch_wait",
     .type = CONFIG_TYPE_DURATION,
     AT(batch_wait_us),
     .standard = "50ms",
     .max = 10 * CLOCK_US_PER_S,
     .help = "how long at most a batch waits for more"},
    {.key = "correlate",
     .type = CONFIG_TYPE_BOOL,
     AT(correlate),
     .standard = "true",
     .help = "derive subjects, occurrences and findings; of several instances one does it"},
    {.key = "correlate_every",
     .type = CONFIG_TYPE_DURATION,
     AT(correlate_every_us),
     .standard = "2s",
     .max = CLOCK_US_PER_HOUR,
     .help = "at least between two computations of one whole tenant"},
    {.key = "correlate_records_max",
     .type = CONFIG_TYPE_INT,
     AT(correlate_records_max),
     .standard = "200000",
     .min = 1,
     .max = LIMIT_CORRELATE_RECORDS,
     .help = "a tenant with more records is never computed as a whole, said in log and metrics"},
    {.key = "correlate_behind_max",
     .type = CONFIG_TYPE_INT,
     AT(correlate_behind_max),
     .standard = "200000",
     .max = INT64_MAX,
     .help = "taking records in waits while correlating is further behind; 0: never"},
    {.key = "mac_master_key_file",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(mac_master_key_file),
     .help = "made by kasumori keygen, mode 0600"},
    {.key = "http", .type = CONFIG_TYPE_SECTION, .fields = HTTP_FIELDS},
    {.key = "log_level",
     .type = CONFIG_TYPE_STRING,
     AT(log_level),
     .standard = "info",
     .help = "debug, info, warn or error"},
    {0},
};

static enum rc read_level(struct aggregator_config *config, struct err *err)
{
    static const char *const LEVELS[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < sizeof(LEVELS) / sizeof(LEVELS[0]); i++) {
        if (strcmp(config->log_level, LEVELS[i]) == 0) {
            config->level = (enum log_level)i;
            return RC_OK;
        }
    }
    return err_set(err, RC_REJECT, "log_level: want debug, info, warn or error");
}

static enum rc validate(struct aggregator_config *config, struct err *err)
{
    if (strcmp(config->topic_records, config->topic_health) == 0)
        return err_set(err, RC_REJECT, "topic_health: the same topic as topic_records");
    if (config->instance_id[0] == '\0' || strlen(config->instance_id) > LIMIT_NAME_BYTES)
        return err_set(err, RC_REJECT, "instance_id: want 1 to %d bytes", LIMIT_NAME_BYTES);
    return read_level(config, err);
}

enum rc aggregator_config_load(const char *path, struct aggregator_config *ret_config,
                               struct err *err)
{
    struct err why;
    enum rc rc = config_load(path, 0, FIELDS, ret_config, sizeof(*ret_config), err);
    if (rc != RC_OK)
        return rc;
    rc = validate(ret_config, &why);
    if (rc != RC_OK) {
        aggregator_config_done(ret_config);
        return err_set(err, rc, "%s: %s", path, why.text);
    }
    return RC_OK;
}

void aggregator_config_done(struct aggregator_config *config)
{
    config_done(FIELDS, config, sizeof(*config));
}

struct kafka_config aggregator_config_kafka(const struct aggregator_config *config)
{
    return (struct kafka_config){
        .brokers = config->kafka.brokers,
        .client_id = config->instance_id,
        .security_protocol = config->kafka.security_protocol,
        .sasl_mechanism = config->kafka.sasl_mechanism,
        .sasl_username = config->kafka.sasl_username,
        .sasl_password_file = config->kafka.sasl_password_file,
        .ssl_ca_file = config->kafka.ssl_ca_file,
        .ssl_certificate_file = config->kafka.ssl_certificate_file,
        .ssl_key_file = config->kafka.ssl_key_file,
    };
}
