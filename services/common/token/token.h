#ifndef KASUMORI_TOKEN_TOKEN_H
#define KASUMORI_TOKEN_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* What an identifier becomes before it leaves its site. kind is the number of the wire's
   IdentifierKind. */
enum {
    TOKEN_KEY_BYTES = 32,
    TOKEN_MAC_BYTES = 16,
    TOKEN_MACS_MAX = 4,         /* live keys of one kind */
    TOKEN_VAULT_KEY_BYTES = 32, /* X25519 public key */
    TOKEN_SEAL_OVERHEAD_BYTES = 48,
};

struct token_key {
    uint32_t kind;
    uint32_t key_id;
    uint8_t key[TOKEN_KEY_BYTES];
};

struct token_mac {
    uint32_t key_id;
    uint8_t mac[TOKEN_MAC_BYTES];
};

/* Once per process, before any other function. RC_FATAL when the library cannot start. */
enum rc token_init(struct err *err) MUST_CHECK;

/* key(tenant, kind, key_id) = HMAC-SHA256(master, "kasumori token key" ‖ 0 ‖ tenant ‖ 0 ‖ kind ‖
   key_id), numbers as 4 bytes big-endian. Runs where keys are made, never at a site. */
void token_derive_key(const uint8_t master[TOKEN_KEY_BYTES], const char *tenant, uint32_t kind,
                      uint32_t key_id, struct token_key *ret_key);

/* HMAC-SHA256(key, value) cut to 16 bytes, value already normalised: one per key of this kind, in
   order of keys, at most TOKEN_MACS_MAX. Returns how many; 0: no key for the kind. */
size_t token_make(const struct token_key *keys, size_t keys_count, uint32_t kind,
                  struct slice value, struct token_mac ret_macs[TOKEN_MACS_MAX]);

/* The half of a sealed box that does not depend on the message: a fresh key pair's public key, the
   secret shared with the vault, the nonce. Used for two boxes it would give both messages away. */
struct token_half {
    uint8_t ephemeral[TOKEN_VAULT_KEY_BYTES];
    uint8_t shared[32];
    uint8_t nonce[24];
};

/* RC_REJECT for a bad public key. Costs about 60 µs; the other half costs less than 1. */
enum rc token_seal_half(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES],
                        struct token_half *ret_half, struct err *err) MUST_CHECK;
/* token_seal with a half made before, which is wiped whatever comes of it. */
enum rc token_seal_with(struct token_half *take, uint32_t kind, struct slice value, uint8_t *box,
                        struct err *err) MUST_CHECK;

/* libsodium sealed box of kind (4 bytes big-endian) ‖ value; box holds value.size + 4 +
   TOKEN_SEAL_OVERHEAD_BYTES. RC_REJECT for a bad public key. */
enum rc token_seal(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES], uint32_t kind,
                   struct slice value, uint8_t *box, struct err *err) MUST_CHECK;
/* The vault's side. value holds box.size - overhead - 4 bytes. */
enum rc token_unseal(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES],
                     const uint8_t vault_secret[TOKEN_VAULT_KEY_BYTES], struct slice box,
                     uint32_t *ret_kind, uint8_t *value, struct err *err) MUST_CHECK;
enum rc token_make_vault_keys(uint8_t ret_public[TOKEN_VAULT_KEY_BYTES],
                              uint8_t ret_secret[TOKEN_VAULT_KEY_BYTES]) MUST_CHECK;

#endif
