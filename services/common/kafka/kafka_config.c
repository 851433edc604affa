/* Our settings into librdkafka's. Invariant: no message of this file repeats a setting's value that
   could be a secret. */
#include "services/common/kafka/kafka_config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/limits.h"

static const struct kafka_config_setting common_settings[] = {
    /* On by default; small requests would wait for the answer to the one before. */
    {"socket.nagle.disable", "true"},
    /* A site's router forgets idle connections without telling anybody. */
    {"socket.keepalive.enable", "true"},
    /* The default lets a broker that is back wait up to 10 s for us. */
    {"reconnect.backoff.max.ms", "3000"},
    /* A broker may close what was idle: no news. */
    {"log.connection.close", "false"},
    /* The library's own statistics: JSON nobody reads. */
    {"statistics.interval.ms", "0"},
    {NULL, NULL},
};

static enum rc config_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                          struct err *err)
{
    char text[160];
    if (value == NULL)
        return RC_OK;
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return RC_OK;
    return err_set(err, RC_REJECT, "kafka: cannot set %s: %s", name, text);
}

enum rc kafka_config_set_all(rd_kafka_conf_t *conf, const struct kafka_config_setting *settings,
                             struct err *err)
{
    for (; settings->name != NULL; settings++) {
        enum rc rc = config_set(conf, settings->name, settings->value, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc kafka_config_set_int(rd_kafka_conf_t *conf, const char *name, long value, struct err *err)
{
    char text[24];
    snprintf(text, sizeof(text), "%ld", value);
    return config_set(conf, name, text, err);
}

int kafka_config_try(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[160];
    return rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK;
}

int kafka_config_has_feature(const rd_kafka_conf_t *conf, const char *feature)
{
    char features[512];
    size_t size = sizeof(features);
    if (rd_kafka_conf_get(conf, "builtin.features", features, &size) != RD_KAFKA_CONF_OK)
        return 0;
    char *rest = features;
    for (const char *one; (one = strsep(&rest, ", ")) != NULL;) {
        if (strcmp(one, feature) == 0)
            return 1;
    }
    return 0;
}

static int is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcasecmp(text, *list) == 0)
            return 1;
    }
    return 0;
}

/* The password goes from its file into the library and is wiped here; the library's own message
   would repeat it, so ours says only which setting. */
static enum rc set_password(rd_kafka_conf_t *conf, const char *path, struct err *err)
{
    struct buf secret;
    char text[160];
    buf_init(&secret, LIMIT_STRING_BYTES);
    enum rc rc = file_read_secret(path, &secret, err);
    if (rc != RC_OK)
        goto err0;
    while (secret.size > 0 && strchr("\r\n", secret.data[secret.size - 1]) != NULL)
        secret.data[--secret.size] = '\0';
    if (secret.size == 0 || memchr(secret.data, '\0', secret.size) != NULL)
        rc = err_set(err, RC_REJECT, "%s: the password is empty or holds a NUL", path);
    else if (rd_kafka_conf_set(conf, "sasl.password", (const char *)secret.data, text,
                               sizeof(text)) != RD_KAFKA_CONF_OK)
        rc = err_set(err, RC_REJECT, "kafka: cannot set sasl.password");
    explicit_bzero(text, sizeof(text));
err0:
    if (secret.data != NULL)
        explicit_bzero(secret.data, secret.capacity);
    buf_done(&secret);
    return rc;
}

static enum rc set_sasl(rd_kafka_conf_t *conf, const struct kafka_config *config, struct err *err)
{
    /* OAUTHBEARER and GSSAPI would need callbacks and a ticket keeper: not offered. */
    static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};
    if (config->sasl_mechanism == NULL || !is_one_of(config->sasl_mechanism, mechanisms))
        return err_set(err, RC_REJECT,
                       "sasl_mechanism: expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
    if (config->sasl_username == NULL || config->sasl_password_file == NULL)
        return err_set(err, RC_REJECT, "sasl_username and sasl_password_file: both are needed");
    const struct kafka_config_setting settings[] = {
        {"sasl.mechanisms", config->sasl_mechanism},
        {"sasl.username", config->sasl_username},
        {NULL, NULL},
    };
    enum rc rc = kafka_config_set_all(conf, settings, err);
    return rc != RC_OK ? rc : set_password(conf, config->sasl_password_file, err);
}

static enum rc set_security(rd_kafka_conf_t *conf, const struct kafka_config *config,
                            struct err *err)
{
    static const char *const protocols[] = {"plaintext", "ssl", "sasl_ssl", "sasl_plaintext", NULL};
    const char *protocol = config->security_protocol;
    if (protocol == NULL)
        return RC_OK;
    if (!is_one_of(protocol, protocols))
        return err_set(err, RC_REJECT,
                       "security_protocol: expected plaintext, ssl, sasl_ssl or sasl_plaintext");
    const struct kafka_config_setting settings[] = {
        {"security.protocol", protocol},
        {"ssl.ca.location", config->ssl_ca_file},
        {"ssl.certificate.location", config->ssl_certificate_file},
        {"ssl.key.location", config->ssl_key_file},
        {NULL, NULL},
    };
    enum rc rc = kafka_config_set_all(conf, settings, err);
    if (rc == RC_OK && strncasecmp(protocol, "sasl_", 5) == 0)
        rc = set_sasl(conf, config, err);
    return rc;
}

enum rc kafka_config_new(const struct kafka_config *config, rd_kafka_conf_t **ret_conf,
                         struct err *err)
{
    if (config->brokers == NULL || config->brokers[0] == '\0')
        return err_set(err, RC_REJECT, "brokers: expected host:port[,host:port…]");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf == NULL)
        return err_set(err, RC_RETRY, "kafka: out of memory");
    /* Without a callback the library is silent; what matters comes as ERROR events to our queue. */
    rd_kafka_conf_set_log_cb(conf, NULL);
    const struct kafka_config_setting settings[] = {
        {"bootstrap.servers", config->brokers},
        {"client.id", config->client_id != NULL ? config->client_id : "kasumori"},
        {NULL, NULL},
    };
    enum rc rc = kafka_config_set_all(conf, settings, err);
    if (rc == RC_OK)
        rc = kafka_config_set_all(conf, common_settings, err);
    if (rc == RC_OK)
        rc = set_security(conf, config, err);
    if (rc != RC_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *ret_conf = conf;
    return RC_OK;
}
