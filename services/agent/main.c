/* kasumori-agent: configuration and bundle, then agent_run. */
#include <stdio.h>

#include "services/agent/agent.h"
#include "services/agent/roster.h"
#include "services/common/base/program.h"
#include "services/common/log/log.h"
#include "services/common/token/token.h"

static enum rc check(const char *path, const struct agent_config *config,
                     const struct bundle *bundle, struct err *err)
{
    struct mask_roster *roster = NULL;
    if (config->roster_file != NULL) {
        enum rc rc = roster_load(config->roster_file, &roster, err);
        if (rc != RC_OK)
            return rc;
        mask_roster_free(roster);
    }
    printf("%s: ok: agent %s, tenant %s, site %s\n", path, bundle->agent, bundle->tenant,
           bundle->site);
    return RC_OK;
}

static enum rc run_loaded(const char *path, const struct agent_config *config, int is_check,
                          struct err *err)
{
    struct bundle bundle;
    enum rc rc = token_init(err);
    if (rc == RC_OK)
        rc = bundle_load(config->bundle, &bundle, err);
    if (rc != RC_OK)
        return rc;
    rc = is_check ? check(path, config, &bundle, err) : agent_run(config, &bundle, err);
    bundle_done(&bundle);
    return rc;
}

static int run(const char *path, int is_check)
{
    struct agent_config config;
    struct err err;
    log_init("kasumori-agent", LOG_LEVEL_INFO);
    enum rc rc = agent_config_load(path, &config, &err);
    if (rc == RC_OK) {
        log_init("kasumori-agent", config.level);
        rc = run_loaded(path, &config, is_check, &err);
        agent_config_done(&config);
    }
    if (rc != RC_OK)
        log_error("%s", err.text);
    return rc == RC_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "kasumori-agent",
        .purpose =
            "Accepts reports and call records at a site, stores them durably, sends them to Kafka.",
        .config = "agent.yaml",
        .run = run,
    };
    return program_main(&PROGRAM, argc, argv);
}
