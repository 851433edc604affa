#ifndef KASUMORI_MAC_MAC_DIGEST_H
#define KASUMORI_MAC_MAC_DIGEST_H

#include "services/common/mac/mac.h"

/* SHA-256 of bytes that come in pieces. Used by one thread at a time. */
struct mac_digest;

/* NULL when memory is out. */
struct mac_digest *mac_digest_new(void) MUST_CHECK;
void mac_digest_free(struct mac_digest *digest);
void mac_digest_add(struct mac_digest *digest, struct slice data);
/* Of all that was added; nothing can be added afterwards. */
void mac_digest_end(struct mac_digest *digest, uint8_t ret_digest[MAC_SHA256_BYTES]);

#endif
