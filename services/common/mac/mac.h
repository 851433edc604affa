#ifndef KASUMORI_MAC_MAC_H
#define KASUMORI_MAC_MAC_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

enum {
    MAC_KEY_BYTES = 32,
    MAC_SHA256_BYTES = 32,
    MAC_HEADER_BYTES = 4 + 32, /* key id, big-endian, and HMAC */
};

struct mac_key {
    uint32_t key_id;
    uint8_t key[MAC_KEY_BYTES];
};

/* An agent's key is derived, HMAC-SHA256(master, "kasumori agent key" ‖ 0 ‖ agent ‖ 0 ‖ key_id
   big-endian), so the center stores no agent's key. */
void mac_derive_agent_key(const uint8_t master[MAC_KEY_BYTES], const char *agent, uint32_t key_id,
                          struct mac_key *ret_key);

/* What a MAC vouches for: this value, from this agent, as this one of its spool's epoch. */
struct mac_message {
    struct slice value;
    const char *agent;
    uint64_t epoch;
    uint64_t sequence;
};

/* The ks-mac header: key id ‖ HMAC-SHA256(key, value ‖ agent ‖ epoch ‖ sequence ‖ size of value),
   the key id as 4, the numbers as 8 bytes big-endian. */
void mac_make(const struct mac_key *key, const struct mac_message *message,
              uint8_t ret_header[MAC_HEADER_BYTES]);
/* Constant time. The key id in header is the caller's to look up first (mac_key_id). */
int mac_is_valid(const struct mac_key *key, const struct mac_message *message,
                 const uint8_t header[MAC_HEADER_BYTES]);
uint32_t mac_key_id(const uint8_t header[MAC_HEADER_BYTES]);

void mac_sha256(struct slice data, uint8_t ret_digest[MAC_SHA256_BYTES]);
void mac_hmac(struct slice key, struct slice data, uint8_t ret_mac[MAC_SHA256_BYTES]);

#endif
