#ifndef KASUMORI_AGENT_BUNDLE_H
#define KASUMORI_AGENT_BUNDLE_H

#include <stddef.h>

#include "services/common/base/rc.h"
#include "services/common/kafka/kafka.h"
#include "services/common/mac/mac.h"
#include "services/common/token/token.h"

enum { BUNDLE_TOKEN_KEYS_MAX = 64 };

/* Who an agent is, as `kasumori agent add` wrote it. Secret. Strings live as long as the bundle. */
struct bundle {
    const char *tenant;
    const char *site;
    const char *agent;
    struct mac_key mac_key;
    uint8_t vault_public[TOKEN_VAULT_KEY_BYTES];
    struct token_key token_keys[BUNDLE_TOKEN_KEYS_MAX];
    size_t token_keys_count;
    struct kafka_config kafka;
    const char *topic_records;
    const char *topic_health;
    void *file; /* what the strings point into */
};

/* RC_REJECT for a file others can read or a bad key, RC_RETRY when it cannot be read. */
enum rc bundle_load(const char *path, struct bundle *ret_bundle, struct err *err) MUST_CHECK;
void bundle_done(struct bundle *bundle);

#endif
