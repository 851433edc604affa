/* A digest that grows. Invariant: the context was begun with SHA-256 when it is handed out. */
#include "services/common/mac/mac_digest.h"

#include <openssl/evp.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"

struct mac_digest {
    EVP_MD_CTX *ctx;
};

struct mac_digest *mac_digest_new(void)
{
    struct mac_digest *digest = mem_zalloc(sizeof(*digest));
    if (digest == NULL)
        return NULL;
    digest->ctx = EVP_MD_CTX_new();
    if (digest->ctx != NULL && EVP_DigestInit_ex(digest->ctx, EVP_sha256(), NULL) == 1)
        return digest;
    mac_digest_free(digest);
    return NULL;
}

void mac_digest_free(struct mac_digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->ctx);
    mem_free(digest);
}

void mac_digest_add(struct mac_digest *digest, struct slice data)
{
    CHECK(EVP_DigestUpdate(digest->ctx, data.data, data.size) == 1);
}

void mac_digest_end(struct mac_digest *digest, uint8_t ret_digest[MAC_SHA256_BYTES])
{
    unsigned size;
    CHECK(EVP_DigestFinal_ex(digest->ctx, ret_digest, &size) == 1);
    CHECK(size == MAC_SHA256_BYTES);
}
