/* kasumori-agent: command line, configuration, then agent_run. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "services/agent/agent.h"
#include "services/common/log/log.h"
#include "services/common/token/token.h"

static void print_usage(FILE *to)
{
    fputs("usage: kasumori-agent --config FILE [--check]\n"
          "       kasumori-agent --version\n"
          "Accepts reports and call records at a site, stores them durably, sends them to Kafka.\n"
          "  --config FILE  agent.yaml\n"
          "  --check        read configuration, bundle and roster, say what is wrong, exit\n",
          to);
}

static int run(const char *path, int is_check)
{
    struct agent_config config;
    struct bundle bundle;
    struct err err;
    int status = 1;
    if (token_init(&err) != RC_OK) {
        log_error("%s", err.text);
        return 1;
    }
    if (agent_config_load(path, &config, &err) != RC_OK) {
        log_error("%s", err.text);
        return 1;
    }
    log_init("kasumori-agent", config.level);
    if (bundle_load(config.bundle, &bundle, &err) != RC_OK) {
        log_error("%s", err.text);
        goto err0;
    }
    if (is_check) {
        printf("%s: ok: agent %s, tenant %s, site %s\n", path, bundle.agent, bundle.tenant,
               bundle.site);
        status = 0;
    } else if (agent_run(&config, &bundle, &err) == RC_OK) {
        status = 0;
    } else {
        log_error("%s", err.text);
    }
    bundle_done(&bundle);
err0:
    agent_config_done(&config);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    int is_check = 0;
    prctl(PR_SET_DUMPABLE, 0);
    log_init("kasumori-agent", LOG_LEVEL_INFO);
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 'c') {
            path = optarg;
        } else if (option == 'k') {
            is_check = 1;
        } else if (option == 'v') {
            puts("kasumori-agent " KASUMORI_VERSION);
            return 0;
        } else {
            print_usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (path == NULL || optind != argc) {
        print_usage(stderr);
        return 2;
    }
    return run(path, is_check);
}
