/* monitor.yaml as one table. */
#include "services/monitor/monitor_config.h"

#include <stddef.h>

#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/config/config.h"

#define AT(member) .offset = offsetof(struct monitor_config, member)

static const struct config_field HTTP_FIELDS[] = {
    {.key = "address", .type = CONFIG_TYPE_STRING, AT(address), .standard = "127.0.0.1"},
    {.key = "port",
     .type = CONFIG_TYPE_INT,
     AT(port),
     .standard = "8472",
     .max = 65535,
     .help = "0: any free port"},
    {.key = "tls_certificate_file",
     .type = CONFIG_TYPE_STRING,
     AT(tls_certificate_file),
     .help =
         "PEM, with the chain; browsers keep the session's cookie over TLS or on loopback only"},
    {.key = "tls_key_file", .type = CONFIG_TYPE_STRING, AT(tls_key_file), .help = "PEM, mode 0600"},
    {.key = "connections",
     .type = CONFIG_TYPE_INT,
     AT(connections),
     .standard = "512",
     .min = 16,
     .max = 8192,
     .help = "open at once, event streams too"},
    {.key = "connections_per_peer",
     .type = CONFIG_TYPE_INT,
     AT(connections_per_peer),
     .standard = "64",
     .min = 1,
     .max = 8192,
     .help = "of these from one address; as many as connections behind a proxy"},
    {0},
};

static const struct config_field PROXY_FIELDS[] = {
    {.key = "header",
     .type = CONFIG_TYPE_STRING,
     AT(proxy_header),
     .help =
         "holds tenant/account of whom the proxy has signed in; it must overwrite the client's"},
    {.key = "peer",
     .type = CONFIG_TYPE_STRING,
     AT(proxy_peer),
     .help = "the proxy's address, the only one whose header counts"},
    {0},
};

static const struct config_field FIELDS[] = {
    {.key = "database",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(database),
     .help = "libpq connection string; the password in a passfile"},
    {.key = "http", .type = CONFIG_TYPE_SECTION, .fields = HTTP_FIELDS},
    {.key = "proxy", .type = CONFIG_TYPE_SECTION, .fields = PROXY_FIELDS},
    {.key = "threads",
     .type = CONFIG_TYPE_INT,
     AT(threads),
     .standard = "8",
     .min = 1,
     .max = LIMIT_MONITOR_THREADS,
     .help = "each with a database connection"},
    {.key = "audit_heads_file",
     .type = CONFIG_TYPE_STRING,
     AT(audit_heads_file),
     .help = "appended to each minute; copy it to where nobody of the database can write"},
    {.key = "tokeniser_url",
     .type = CONFIG_TYPE_STRING,
     AT(tokeniser_url),
     .help = "headquarters' own agent, to which the board sends a typed number"},
    {.key = "silent_after",
     .type = CONFIG_TYPE_DURATION,
     AT(silent_after_us),
     .standard = "5m",
     .min = 10 * CLOCK_US_PER_S,
     .max = CLOCK_US_PER_DAY,
     .help = "an agent without a heartbeat for this long counts as silent"},
    {.key = "log_level", .type = CONFIG_TYPE_STRING, AT(log_level), .standard = "info"},
    {0},
};

static enum rc validate(const char *path, struct monitor_config *config, struct err *err)
{
    if (!log_level_parse(config->log_level, &config->level))
        return err_set(err, RC_REJECT, "%s: log_level: want debug, info, warn or error", path);
    if ((config->tls_certificate_file == NULL) != (config->tls_key_file == NULL))
        return err_set(err, RC_REJECT, "%s: http: TLS wants a certificate and a key", path);
    if ((config->proxy_header == NULL) != (config->proxy_peer == NULL))
        return err_set(err, RC_REJECT, "%s: proxy: wants a header and a peer", path);
    return RC_OK;
}

enum rc monitor_config_load(const char *path, struct monitor_config *ret_config, struct err *err)
{
    struct monitor_config config;
    enum rc rc = config_load(path, 0, FIELDS, &config, sizeof(config), err);
    if (rc != RC_OK)
        return rc;
    rc = validate(path, &config, err);
    if (rc != RC_OK) {
        monitor_config_done(&config);
        return rc;
    }
    *ret_config = config;
    return RC_OK;
}

void monitor_config_done(struct monitor_config *config)
{
    config_done(FIELDS, config, sizeof(*config));
}
