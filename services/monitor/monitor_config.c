/* monitor.yaml as one table. */
#include "services/monitor/monitor_config.h"

#include <stddef.h>

#include "services/common/base/clock.h"
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
    {0},
};

static const struct config_field FIELDS[] = {
    {.key = "database",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(database),
     .help = "libpq connection string; the password in a passfile"},
    {.key = "http", .type = CONFIG_TYPE_SECTION, .fields = HTTP_FIELDS},
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

enum rc monitor_config_load(const char *path, struct monitor_config *ret_config, struct err *err)
{
    struct monitor_config config;
    enum rc rc = config_load(path, 0, FIELDS, &config, sizeof(config), err);
    if (rc != RC_OK)
        return rc;
    if (!log_level_parse(config.log_level, &config.level)) {
        monitor_config_done(&config);
        return err_set(err, RC_REJECT, "%s: log_level: want debug, info, warn or error", path);
    }
    *ret_config = config;
    return RC_OK;
}

void monitor_config_done(struct monitor_config *config)
{
    config_done(FIELDS, config, sizeof(*config));
}
