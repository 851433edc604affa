/* Who sent a value, proved by HMAC-SHA256. Looking up the algorithm and making a context cost more
   than the MAC of a short record, so each thread keeps one context and only re-keys it. Invariant:
   a context is used by the thread that made it, and holds SHA-256 as its digest. */
#include "services/common/mac/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

#include "services/common/base/check.h"

static const char DERIVE_LABEL[] = "kasumori agent key"; /* its closing NUL is part of the input */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t hmac_at_exit;
static EVP_MAC *hmac;
static EVP_MD *sha256;
static _Thread_local EVP_MAC_CTX *hmac_ctx;

static void free_ctx(void *ctx)
{
    EVP_MAC_CTX_free(ctx);
}

static void fetch(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    CHECK(hmac != NULL && sha256 != NULL);
    CHECK(pthread_key_create(&hmac_at_exit, free_ctx) == 0);
}

static EVP_MAC_CTX *thread_ctx(void)
{
    if (hmac_ctx != NULL)
        return hmac_ctx;
    CHECK(pthread_once(&once, fetch) == 0);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    hmac_ctx = EVP_MAC_CTX_new(hmac);
    CHECK(hmac_ctx != NULL && EVP_MAC_CTX_set_params(hmac_ctx, params) == 1);
    CHECK(pthread_setspecific(hmac_at_exit, hmac_ctx) == 0);
    return hmac_ctx;
}

/* An empty key would make OpenSSL keep the key before; HMAC of an empty key is that of one zero
 * byte. */
static EVP_MAC_CTX *begin(struct slice key)
{
    static const uint8_t ZERO[1];
    EVP_MAC_CTX *ctx = thread_ctx();
    if (key.size == 0)
        key = slice_of(ZERO, sizeof(ZERO));
    CHECK(EVP_MAC_init(ctx, key.data, key.size, NULL) == 1);
    return ctx;
}

static void add(EVP_MAC_CTX *ctx, const void *data, size_t size)
{
    CHECK(size == 0 || EVP_MAC_update(ctx, data, size) == 1);
}

static void end(EVP_MAC_CTX *ctx, uint8_t mac[MAC_SHA256_BYTES])
{
    size_t size;
    CHECK(EVP_MAC_final(ctx, mac, &size, MAC_SHA256_BYTES) == 1 && size == MAC_SHA256_BYTES);
}

static void put_be32(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_be64(uint8_t out[8], uint64_t value)
{
    put_be32(out, (uint32_t)(value >> 32));
    put_be32(out + 4, (uint32_t)value);
}

void mac_hmac(struct slice key, struct slice data, uint8_t ret_mac[MAC_SHA256_BYTES])
{
    EVP_MAC_CTX *ctx = begin(key);
    add(ctx, data.data, data.size);
    end(ctx, ret_mac);
}

void mac_sha256(struct slice data, uint8_t ret_digest[MAC_SHA256_BYTES])
{
    unsigned size;
    CHECK(pthread_once(&once, fetch) == 0);
    CHECK(EVP_Digest(data.data, data.size, ret_digest, &size, sha256, NULL) == 1);
    CHECK(size == MAC_SHA256_BYTES);
}

void mac_derive_agent_key(const uint8_t master[MAC_KEY_BYTES], const char *agent, uint32_t key_id,
                          struct mac_key *ret_key)
{
    uint8_t id[4];
    put_be32(id, key_id);
    EVP_MAC_CTX *ctx = begin(slice_of(master, MAC_KEY_BYTES));
    add(ctx, DERIVE_LABEL, sizeof(DERIVE_LABEL));
    add(ctx, agent, strlen(agent) + 1);
    add(ctx, id, sizeof(id));
    ret_key->key_id = key_id;
    end(ctx, ret_key->key);
}

/* The numbers at the end have a fixed size and give the value's size, so no two inputs meet. */
void mac_make(const struct mac_key *key, const struct mac_message *message,
              uint8_t ret_header[MAC_HEADER_BYTES])
{
    uint8_t numbers[24];
    put_be64(numbers, message->epoch);
    put_be64(numbers + 8, message->sequence);
    put_be64(numbers + 16, message->value.size);
    EVP_MAC_CTX *ctx = begin(slice_of(key->key, MAC_KEY_BYTES));
    add(ctx, message->value.data, message->value.size);
    add(ctx, message->agent, strlen(message->agent));
    add(ctx, numbers, sizeof(numbers));
    put_be32(ret_header, key->key_id);
    end(ctx, ret_header + 4);
}

int mac_is_valid(const struct mac_key *key, const struct mac_message *message,
                 const uint8_t header[MAC_HEADER_BYTES])
{
    uint8_t expected[MAC_HEADER_BYTES];
    mac_make(key, message, expected);
    return CRYPTO_memcmp(expected, header, sizeof(expected)) == 0;
}

uint32_t mac_key_id(const uint8_t header[MAC_HEADER_BYTES])
{
    return (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 |
           header[3];
}
