#ifndef KASUMORI_MONITOR_MONITOR_CONFIG_H
#define KASUMORI_MONITOR_MONITOR_CONFIG_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/log/log.h"

/* monitor.yaml; the table in monitor_config.c has keys, ranges and defaults. */
struct monitor_config {
    char *database; /* libpq conninfo of a login in role kasumori_monitor */
    char *address;
    int64_t port;
    char *tls_certificate_file; /* both or neither */
    char *tls_key_file;
    int64_t connections; /* in all; streams count */
    int64_t connections_per_peer;
    char *proxy_header; /* names "tenant/account" whom a proxy has signed in; both or neither */
    char *proxy_peer;   /* the one address from which it is believed */
    int64_t threads;
    char *audit_heads_file; /* where the sealer tells its chains' heads; NULL: the log only */
    char *tokeniser_url;    /* headquarters' own agent, where a typed number goes; NULL: none */
    int64_t silent_after_us;
    char *log_level;
    enum log_level level;
};

/* RC_REJECT with file, line and key; RC_RETRY when it cannot be read. */
enum rc monitor_config_load(const char *path, struct monitor_config *ret_config,
                            struct err *err) MUST_CHECK;
void monitor_config_done(struct monitor_config *config);

#endif
