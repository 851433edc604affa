/* kasumori-aggregator: configuration, then aggregator_run. */
#include <stdio.h>
#include <string.h>

#include "services/aggregator/aggregator.h"
#include "services/common/base/program.h"
#include "services/common/log/log.h"

static enum rc check(const char *path, const struct aggregator_config *config, struct err *err)
{
    uint8_t key[AGGREGATOR_KEY_BYTES];
    enum rc rc = aggregator_read_key(config, key, err);
    if (rc != RC_OK)
        return rc;
    explicit_bzero(key, sizeof(key));
    printf("%s: ok: instance %s, %d lanes\n", path, config->instance_id, (int)config->lanes);
    return RC_OK;
}

static int run(const char *path, int is_check)
{
    struct aggregator_config config;
    struct err err;
    log_init("kasumori-aggregator", LOG_LEVEL_INFO);
    enum rc rc = aggregator_config_load(path, &config, &err);
    if (rc == RC_OK) {
        log_init("kasumori-aggregator", config.level);
        rc = is_check ? check(path, &config, &err) : aggregator_run(&config, &err);
        aggregator_config_done(&config);
    }
    if (rc != RC_OK)
        log_error("%s", err.text);
    return rc == RC_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "kasumori-aggregator",
        .purpose = "Stores the records of all sites in PostgreSQL, each exactly once.",
        .config = "aggregator.yaml",
        .run = run,
    };
    return program_main(&PROGRAM, argc, argv);
}
