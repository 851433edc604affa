/* Identifiers become tokens and sealed boxes here. libsodium's HMAC is used rather than OpenSSL's:
   it needs no context on the heap, is safe from any thread and cannot fail. Invariant: a clear
   value is held no longer than the call, and its copy is wiped. */
#include "services/common/token/token.h"

#include <sodium.h>
#include <string.h>

#include "services/common/base/limits.h"

_Static_assert(TOKEN_VAULT_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "public key");
_Static_assert(TOKEN_VAULT_KEY_BYTES == crypto_box_SECRETKEYBYTES, "secret key");
_Static_assert(TOKEN_SEAL_OVERHEAD_BYTES == crypto_box_SEALBYTES, "sealed box");
_Static_assert(sizeof(((struct token_half *)0)->shared) == crypto_box_BEFORENMBYTES, "secret");
_Static_assert(sizeof(((struct token_half *)0)->nonce) == crypto_box_NONCEBYTES, "nonce");
_Static_assert(TOKEN_KEY_BYTES == crypto_auth_hmacsha256_BYTES, "a key is an HMAC");
_Static_assert((int)TOKEN_MACS_MAX == (int)LIMIT_TOKENS, "an identifier holds them");
_Static_assert(TOKEN_MAC_BYTES <= crypto_auth_hmacsha256_BYTES, "a token is a cut HMAC");

enum {
    KIND_BYTES = 4,
    CLEAR_BYTES_MAX = LIMIT_SEALED_BYTES - TOKEN_SEAL_OVERHEAD_BYTES,
};

static const char DERIVE_LABEL[] = "kasumori token key"; /* its closing NUL is part of the input */

enum rc token_init(struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, RC_FATAL, "cannot start libsodium");
    return RC_OK;
}

static void put_be32(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

void token_derive_key(const uint8_t master[TOKEN_KEY_BYTES], const char *tenant, uint32_t kind,
                      uint32_t key_id, struct token_key *ret_key)
{
    crypto_auth_hmacsha256_state state;
    uint8_t numbers[8];
    put_be32(numbers, kind);
    put_be32(numbers + 4, key_id);
    crypto_auth_hmacsha256_init(&state, master, TOKEN_KEY_BYTES);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)DERIVE_LABEL, sizeof(DERIVE_LABEL));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)tenant, strlen(tenant) + 1);
    crypto_auth_hmacsha256_update(&state, numbers, sizeof(numbers));
    ret_key->kind = kind;
    ret_key->key_id = key_id;
    crypto_auth_hmacsha256_final(&state, ret_key->key);
    sodium_memzero(&state, sizeof(state));
}

static void make_one(const struct token_key *key, struct slice value, struct token_mac *ret_mac)
{
    crypto_auth_hmacsha256_state state;
    uint8_t full[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, key->key, TOKEN_KEY_BYTES);
    crypto_auth_hmacsha256_update(&state, value.data, value.size);
    crypto_auth_hmacsha256_final(&state, full);
    ret_mac->key_id = key->key_id;
    memcpy(ret_mac->mac, full, TOKEN_MAC_BYTES);
    sodium_memzero(&state, sizeof(state));
}

size_t token_make(const struct token_key *keys, size_t keys_count, uint32_t kind,
                  struct slice value, struct token_mac ret_macs[TOKEN_MACS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < keys_count && count < TOKEN_MACS_MAX; i++)
        if (keys[i].kind == kind)
            make_one(&keys[i], value, &ret_macs[count++]);
    return count;
}

/* What crypto_box_seal does before it looks at the message. */
enum rc token_seal_half(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES],
                        struct token_half *ret_half, struct err *err)
{
    struct token_half half;
    uint8_t secret[crypto_box_SECRETKEYBYTES];
    crypto_generichash_state state;
    int failed = crypto_box_keypair(half.ephemeral, secret);
    failed |= crypto_box_beforenm(half.shared, vault_public, secret);
    sodium_memzero(secret, sizeof(secret));
    crypto_generichash_init(&state, NULL, 0, sizeof(half.nonce));
    crypto_generichash_update(&state, half.ephemeral, sizeof(half.ephemeral));
    crypto_generichash_update(&state, vault_public, TOKEN_VAULT_KEY_BYTES);
    crypto_generichash_final(&state, half.nonce, sizeof(half.nonce));
    if (failed)
        return err_set(err, RC_REJECT, "cannot seal for the vault: its public key is not a key");
    *ret_half = half;
    sodium_memzero(&half, sizeof(half));
    return RC_OK;
}

enum rc token_seal_with(struct token_half *take, uint32_t kind, struct slice value, uint8_t *box,
                        struct err *err)
{
    uint8_t clear[CLEAR_BYTES_MAX];
    enum rc rc = RC_OK;
    if (value.size > sizeof(clear) - KIND_BYTES) {
        rc = err_set(err, RC_REJECT, "cannot seal a value of %zu bytes: the limit is %zu",
                     value.size, sizeof(clear) - KIND_BYTES);
    } else {
        put_be32(clear, kind);
        if (value.size > 0)
            memcpy(clear + KIND_BYTES, value.data, value.size);
        memcpy(box, take->ephemeral, sizeof(take->ephemeral));
        crypto_box_easy_afternm(box + sizeof(take->ephemeral), clear, KIND_BYTES + value.size,
                                take->nonce, take->shared);
        sodium_memzero(clear, KIND_BYTES + value.size);
    }
    sodium_memzero(take, sizeof(*take));
    return rc;
}

enum rc token_seal(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES], uint32_t kind,
                   struct slice value, uint8_t *box, struct err *err)
{
    struct token_half half;
    enum rc rc = token_seal_half(vault_public, &half, err);
    return rc == RC_OK ? token_seal_with(&half, kind, value, box, err) : rc;
}

enum rc token_unseal(const uint8_t vault_public[TOKEN_VAULT_KEY_BYTES],
                     const uint8_t vault_secret[TOKEN_VAULT_KEY_BYTES], struct slice box,
                     uint32_t *ret_kind, uint8_t *value, struct err *err)
{
    uint8_t clear[CLEAR_BYTES_MAX];
    if (box.size < TOKEN_SEAL_OVERHEAD_BYTES + KIND_BYTES || box.size > LIMIT_SEALED_BYTES)
        return err_set(err, RC_REJECT, "cannot open a sealed box of %zu bytes", box.size);
    size_t size = box.size - TOKEN_SEAL_OVERHEAD_BYTES;
    if (crypto_box_seal_open(clear, box.data, box.size, vault_public, vault_secret) != 0)
        return err_set(err, RC_REJECT, "cannot open the sealed box: other keys, or changed bytes");
    *ret_kind =
        (uint32_t)clear[0] << 24 | (uint32_t)clear[1] << 16 | (uint32_t)clear[2] << 8 | clear[3];
    memcpy(value, clear + KIND_BYTES, size - KIND_BYTES);
    sodium_memzero(clear, sizeof(clear));
    return RC_OK;
}

enum rc token_make_vault_keys(uint8_t ret_public[TOKEN_VAULT_KEY_BYTES],
                              uint8_t ret_secret[TOKEN_VAULT_KEY_BYTES])
{
    return crypto_box_keypair(ret_public, ret_secret) == 0 ? RC_OK : RC_FATAL;
}
