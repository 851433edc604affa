#ifndef KASUMORI_CLI_AGENT_BUNDLE_H
#define KASUMORI_CLI_AGENT_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "services/cli/keys.h"
#include "services/common/base/buf.h"
#include "services/common/kafka/kafka.h"

/* Everything an agent has to know about itself. */
struct agent_bundle {
    const char *tenant;
    const char *site;
    const char *agent;
    struct mac_key mac_key;
    uint8_t vault_public[TOKEN_VAULT_KEY_BYTES];
    struct keys_token_masters token_masters;
    const char *kinds; /* names of identifier kinds, comma between */
    struct kafka_config kafka;
    const char *topic_records;
    const char *topic_health;
};

/* Kinds an agent gets keys for when nobody says which. */
extern const char agent_bundle_kinds[];

/* Writes the bundle as YAML: of each kind one token key per live master. RC_REJECT for an unknown
   kind or one given twice. out holds secrets: wipe it. */
enum rc agent_bundle_write(const struct agent_bundle *bundle, struct buf *out,
                           struct err *err) MUST_CHECK;

#endif
