/* kasumori-monitor: configuration, then monitor_run. */
#include <stdio.h>
#include <string.h>

#include "services/common/base/program.h"
#include "services/common/log/log.h"
#include "services/monitor/monitor.h"
#include "services/monitor/routes.h"

static int run(const char *path, int is_check)
{
    struct monitor_config config;
    struct err err;
    log_init("kasumori-monitor", LOG_LEVEL_INFO);
    if (monitor_config_load(path, &config, &err) != RC_OK) {
        log_error("%s", err.text);
        return 1;
    }
    log_init("kasumori-monitor", config.level);
    enum rc rc = RC_OK;
    if (is_check)
        printf("%s: ok\n", path);
    else
        rc = monitor_run(&config, &err);
    if (rc != RC_OK)
        log_error("%s", err.text);
    monitor_config_done(&config);
    return rc == RC_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "kasumori-monitor",
        .purpose = "Serves the chain's state at headquarters.",
        .config = "monitor.yaml",
        .run = run,
    };
    if (argc == 2 && strcmp(argv[1], "--routes") == 0) { /* for the test that asks every one */
        routes_print(stdout);
        return 0;
    }
    return program_main(&PROGRAM, argc, argv);
}
