#ifndef KASUMORI_AGENT_AGENT_CONFIG_H
#define KASUMORI_AGENT_AGENT_CONFIG_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/config/config.h"
#include "services/common/log/log.h"

/* agent.yaml; the table in agent_config.c has keys, ranges and defaults. */
struct agent_asterisk {
    char *name;       /* source becomes asterisk:<name> */
    char *path;       /* NULL: only by HTTP */
    char *utc_offset; /* "+09:00" */
    int32_t utc_offset_s;
};

/* A place of the site as its people call it. */
struct agent_spot {
    char *name;
    char *floor, *landmark; /* NULL: not said; 110 asks */
};

struct agent_config {
    char *bundle;
    char *roster_file;
    char *log_level;
    int64_t heartbeat_every_us;
    struct {
        char *dir;
        int64_t segment_bytes, segment_age_us, bytes_max, replay_keep_us, replay_bytes;
    } spool;
    struct {
        char *address, *unix_path, *key_file, *tls_certificate_file, *tls_key_file;
        int64_t port;
    } http;
    struct {
        int is_enabled;
        struct config_list spots; /* struct agent_spot */
        char *workers_file;
        int64_t session_idle_us;
    } form;
    struct {
        char *url, *key_file, *ca_file, *allow_origin;
        int64_t timeout_us;
    } lookup;
    struct config_list asterisk; /* struct agent_asterisk */
    enum log_level level;
};

/* Parses and validates. RC_REJECT with file, line and key; RC_RETRY when it cannot be read. */
enum rc agent_config_load(const char *path, struct agent_config *ret_config,
                          struct err *err) MUST_CHECK;
void agent_config_done(struct agent_config *config);

#endif
