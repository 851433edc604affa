/* Passwords by Argon2id. Invariant: nothing here keeps a password. */
#include "services/common/password/password.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_pwhash_argon2id_STRBYTES <= PASSWORD_HASH_BYTES, "a hash fits");

enum rc password_hash(struct slice password, char ret_hash[PASSWORD_HASH_BYTES], struct err *err)
{
    char hash[crypto_pwhash_argon2id_STRBYTES];
    if (sodium_init() < 0) /* any thread, any number of times */
        return err_set(err, RC_FATAL, "cannot start libsodium");
    if (crypto_pwhash_argon2id_str(hash, (const char *)password.data, password.size,
                                   crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) != 0)
        return err_set(err, RC_RETRY, "could not get the memory for a password's hash");
    memset(ret_hash, 0, PASSWORD_HASH_BYTES);
    memcpy(ret_hash, hash, sizeof(hash));
    return RC_OK;
}

int password_is_right(const char *hash, struct slice password)
{
    return sodium_init() >= 0 &&
           crypto_pwhash_argon2id_str_verify(hash, (const char *)password.data, password.size) == 0;
}

int password_is_hash(const char *text)
{
    return strncmp(text, "$argon2id$", 10) == 0 && strlen(text) < crypto_pwhash_argon2id_STRBYTES;
}
