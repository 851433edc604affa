/* agent.yaml as one table. */
#include "services/agent/agent_config.h"

#include <stddef.h>
#include <string.h>

#include "services/agent/origin.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/fetch/fetch.h"

#define AT(struct_, member) .offset = offsetof(struct struct_, member)

static const struct config_field SPOOL_FIELDS[] = {
    {.key = "dir",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(agent_config, spool.dir),
     .help = "folder of the durable spool"},
    {.key = "segment_size",
     .type = CONFIG_TYPE_SIZE,
     AT(agent_config, spool.segment_bytes),
     .standard = "64MiB",
     .min = 64 << 10,
     .max = INT64_C(1) << 40,
     .help = "roll beyond this size"},
    {.key = "segment_age",
     .type = CONFIG_TYPE_DURATION,
     AT(agent_config, spool.segment_age_us),
     .standard = "1h",
     .min = CLOCK_US_PER_S,
     .max = 30 * CLOCK_US_PER_DAY,
     .help = "roll beyond this age"},
    {.key = "max_size",
     .type = CONFIG_TYPE_SIZE,
     AT(agent_config, spool.bytes_max),
     .standard = "4GiB",
     .min = 1 << 20,
     .max = INT64_C(1) << 44,
     .help = "beyond this size callers are refused"},
    {.key = "replay_keep",
     .type = CONFIG_TYPE_DURATION,
     AT(agent_config, spool.replay_keep_us),
     .standard = "72h",
     .max = 365 * CLOCK_US_PER_DAY,
     .help = "how long delivered records stay"},
    {.key = "replay_max_size",
     .type = CONFIG_TYPE_SIZE,
     AT(agent_config, spool.replay_bytes),
     .standard = "1GiB",
     .max = INT64_C(1) << 44,
     .help = "and within which size"},
    {0},
};

static const struct config_field HTTP_FIELDS[] = {
    {.key = "address",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, http.address),
     .help = "listen address; absent: no TCP"},
    {.key = "port",
     .type = CONFIG_TYPE_INT,
     AT(agent_config, http.port),
     .standard = "8470",
     .max = 65535,
     .help = "0: any free port"},
    {.key = "unix",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, http.unix_path),
     .help = "path of the Unix socket"},
    {.key = "key_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, http.key_file),
     .help = "bearer key demanded over TCP; needed beyond loopback"},
    {.key = "tls_certificate_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, http.tls_certificate_file),
     .help = "needed beyond loopback"},
    {.key = "tls_key_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, http.tls_key_file),
     .help = "mode 0600"},
    {0},
};

static const struct config_field ASTERISK_FIELDS[] = {
    {.key = "name",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(agent_asterisk, name),
     .help = "source of its records: asterisk:NAME"},
    {.key = "path",
     .type = CONFIG_TYPE_STRING,
     AT(agent_asterisk, path),
     .help = "Master.csv to follow; absent: only by HTTP"},
    {.key = "utc_offset",
     .type = CONFIG_TYPE_STRING,
     AT(agent_asterisk, utc_offset),
     .standard = "+09:00",
     .help = "zone of its local times"},
    {0},
};

static const struct config_field SPOT_FIELDS[] = {
    {.key = "name",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(agent_spot, name),
     .help = "as people there call it"},
    {.key = "floor", .type = CONFIG_TYPE_STRING, AT(agent_spot, floor), .help = "110 asks"},
    {.key = "landmark", .type = CONFIG_TYPE_STRING, AT(agent_spot, landmark), .help = "110 asks"},
    {0},
};

static const struct config_field FORM_FIELDS[] = {
    {.key = "enabled",
     .type = CONFIG_TYPE_BOOL,
     AT(agent_config, form.is_enabled),
     .help = "serve /form; who reaches the listener may report without a name"},
    {.key = "spots",
     .type = CONFIG_TYPE_LIST,
     AT(agent_config, form.spots),
     .fields = SPOT_FIELDS,
     .item_size = sizeof(struct agent_spot),
     .items_max = 64,
     .help = "where it can happen"},
    {.key = "workers_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, form.workers_file),
     .help = "codes and PINs, made by kasumori worker add, mode 0600; absent: nobody signs in"},
    {.key = "session_idle",
     .type = CONFIG_TYPE_DURATION,
     AT(agent_config, form.session_idle_us),
     .standard = "15m",
     .min = 60 * CLOCK_US_PER_S,
     .max = 12 * CLOCK_US_PER_HOUR,
     .help = "a sign-in ends so long after its last use"},
    {0},
};

static const struct config_field LOOKUP_FIELDS[] = {
    {.key = "url",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, lookup.url),
     .help = "of the monitor, https://host:port"},
    {.key = "key_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, lookup.key_file),
     .help = "machine key of scope lookup and, for the form, receipt; mode 0600"},
    {.key = "ca_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, lookup.ca_file),
     .help = "who signed the monitor's certificate; absent: the system's list"},
    {.key = "timeout",
     .type = CONFIG_TYPE_DURATION,
     AT(agent_config, lookup.timeout_us),
     .standard = "300ms",
     .min = 10 * CLOCK_US_PER_MS,
     .max = 10 * CLOCK_US_PER_S,
     .help = "then the answer is unavailable"},
    {.key = "allow_origin",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, lookup.allow_origin),
     .help = "the board that may ask from a browser, https://host"},
    {0},
};

static const struct config_field FIELDS[] = {
    {.key = "bundle",
     .type = CONFIG_TYPE_STRING,
     .is_required = 1,
     AT(agent_config, bundle),
     .help = "file made by kasumori agent add, mode 0600"},
    {.key = "spool", .type = CONFIG_TYPE_SECTION, .is_required = 1, .fields = SPOOL_FIELDS},
    {.key = "http", .type = CONFIG_TYPE_SECTION, .is_required = 1, .fields = HTTP_FIELDS},
    {.key = "form", .type = CONFIG_TYPE_SECTION, .fields = FORM_FIELDS},
    {.key = "lookup", .type = CONFIG_TYPE_SECTION, .fields = LOOKUP_FIELDS},
    {.key = "roster_file",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, roster_file),
     .help = "names the masker hides in free text, one a line"},
    {.key = "asterisk",
     .type = CONFIG_TYPE_LIST,
     AT(agent_config, asterisk),
     .fields = ASTERISK_FIELDS,
     .item_size = sizeof(struct agent_asterisk),
     .items_max = 16,
     .help = "call-record sources"},
    {.key = "heartbeat_every",
     .type = CONFIG_TYPE_DURATION,
     AT(agent_config, heartbeat_every_us),
     .standard = "30s",
     .min = CLOCK_US_PER_S,
     .max = CLOCK_US_PER_HOUR},
    {.key = "log_level",
     .type = CONFIG_TYPE_STRING,
     AT(agent_config, log_level),
     .standard = "info",
     .help = "debug, info, warn or error"},
    {0},
};

static int is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static enum rc read_offset(struct agent_asterisk *source, struct err *err)
{
    const char *text = source->utc_offset;
    int is_shaped = strlen(text) == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
    for (size_t i = 1; is_shaped && i < 6; i++)
        is_shaped = i == 3 || (text[i] >= '0' && text[i] <= '9');
    int32_t hours = is_shaped ? (text[1] - '0') * 10 + (text[2] - '0') : 99;
    int32_t minutes = is_shaped ? (text[4] - '0') * 10 + (text[5] - '0') : 99;
    if (hours > 14 || minutes > 59)
        return err_set(err, RC_REJECT, "asterisk: utc_offset: want an offset such as +09:00");
    source->utc_offset_s = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return RC_OK;
}

static enum rc validate_asterisk(struct agent_config *config, struct err *err)
{
    struct agent_asterisk *sources = config->asterisk.items;
    for (size_t i = 0; i < config->asterisk.count; i++) {
        size_t size = strlen(sources[i].name);
        if (size == 0 || size > 40)
            return err_set(err, RC_REJECT, "asterisk: name: want 1 to 40 bytes");
        for (size_t k = 0; k < i; k++)
            if (strcmp(sources[i].name, sources[k].name) == 0)
                return err_set(err, RC_REJECT, "asterisk: name: %s is given twice",
                               sources[i].name);
        enum rc rc = read_offset(&sources[i], err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc validate_form(const struct agent_config *config, struct err *err)
{
    const struct agent_spot *spots = config->form.spots.items;
    for (size_t i = 0; i < config->form.spots.count; i++) {
        size_t size = strlen(spots[i].name);
        if (size == 0 || size > LIMIT_NAME_BYTES)
            return err_set(err, RC_REJECT, "form: spots: name: want 1 to %d bytes",
                           LIMIT_NAME_BYTES);
        for (size_t k = 0; k < i; k++)
            if (strcmp(spots[i].name, spots[k].name) == 0)
                return err_set(err, RC_REJECT, "form: spots: name: %s is given twice",
                               spots[i].name);
    }
    return RC_OK;
}

static enum rc validate_lookup(const struct agent_config *config, struct err *err)
{
    struct err why;
    if (config->lookup.allow_origin != NULL && !origin_is_one(config->lookup.allow_origin))
        return err_set(err, RC_REJECT, "lookup: allow_origin: want https://host or http://host");
    if (config->lookup.url != NULL && fetch_check_url(config->lookup.url, &why) != RC_OK)
        return err_set(err, RC_REJECT, "lookup: url: %s", why.text);
    if (config->lookup.url != NULL && config->lookup.key_file == NULL)
        return err_set(err, RC_REJECT, "lookup: key_file: is required beside url");
    return RC_OK;
}

static enum rc validate(struct agent_config *config, struct err *err)
{
    if (!log_level_parse(config->log_level, &config->level))
        return err_set(err, RC_REJECT, "log_level: want debug, info, warn or error");
    if (config->http.address == NULL && config->http.unix_path == NULL)
        return err_set(err, RC_REJECT, "http: want an address, a unix path or both");
    if ((config->http.tls_certificate_file == NULL) != (config->http.tls_key_file == NULL))
        return err_set(err, RC_REJECT, "http: tls_certificate_file and tls_key_file go together");
    int is_exposed = config->http.address != NULL && !is_loopback(config->http.address);
    if (is_exposed && (config->http.key_file == NULL || config->http.tls_key_file == NULL))
        return err_set(err, RC_REJECT,
                       "http: address: beyond loopback key_file and TLS are demanded");
    if (config->spool.bytes_max < 2 * config->spool.segment_bytes)
        return err_set(err, RC_REJECT, "spool: max_size: want at least two segments");
    enum rc rc = validate_form(config, err);
    if (rc == RC_OK)
        rc = validate_lookup(config, err);
    return rc == RC_OK ? validate_asterisk(config, err) : rc;
}

enum rc agent_config_load(const char *path, struct agent_config *ret_config, struct err *err)
{
    struct agent_config config;
    enum rc rc = config_load(path, 0, FIELDS, &config, sizeof(config), err);
    if (rc != RC_OK)
        return rc;
    rc = validate(&config, err);
    if (rc != RC_OK) {
        if (err != NULL)
            err_prefix(err, "%s", path);
        agent_config_done(&config);
        return rc;
    }
    *ret_config = config;
    return RC_OK;
}

void agent_config_done(struct agent_config *config)
{
    config_done(FIELDS, config, sizeof(*config));
}
