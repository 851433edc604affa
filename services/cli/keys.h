#ifndef KASUMORI_CLI_KEYS_H
#define KASUMORI_CLI_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/limits.h"
#include "services/common/base/rc.h"
#include "services/common/mac/mac.h"
#include "services/common/token/token.h"

/* The folder of an installation's master keys: mac-master.key, and for each tenant T
   T.token-masters (lines "key_id hex64", newest last), T.vault.public and T.vault.secret. All files
   are 0600; none is ever overwritten but T.token-masters, which only grows. */

struct keys_token_master {
    uint32_t key_id;
    uint8_t master[TOKEN_KEY_BYTES];
};

struct keys_token_masters {
    struct keys_token_master items[LIMIT_TOKENS]; /* ascending key ids */
    size_t count;
};

/* Holds off others who would write to the folder; makes it (0700) when it is not there. */
enum rc keys_lock(const char *dir, int *ret_lock, struct err *err) MUST_CHECK;
void keys_unlock(int lock);

/* Makes what is missing. *ret_made: how many files; 0: all was there. Under keys_lock. */
enum rc keys_make(const char *dir, const char *tenant, int *ret_made, struct err *err) MUST_CHECK;

/* Adds a token master with the next key id. RC_REJECT when as many are live as a record can carry
   tokens of. Under keys_lock. */
enum rc keys_rotate_tokens(const char *dir, const char *tenant, uint32_t *ret_key_id,
                           struct err *err) MUST_CHECK;

/* Each reads one file; RC_REJECT when others can read it or it is not as written above. Wipe what
   they return with explicit_bzero after use. */
enum rc keys_read_mac_master(const char *dir, uint8_t ret_master[MAC_KEY_BYTES],
                             struct err *err) MUST_CHECK;
enum rc keys_read_token_masters(const char *dir, const char *tenant,
                                struct keys_token_masters *ret_masters, struct err *err) MUST_CHECK;
enum rc keys_read_vault_public(const char *dir, const char *tenant,
                               uint8_t ret_key[TOKEN_VAULT_KEY_BYTES], struct err *err) MUST_CHECK;
enum rc keys_read_vault_secret(const char *dir, const char *tenant,
                               uint8_t ret_key[TOKEN_VAULT_KEY_BYTES], struct err *err) MUST_CHECK;

/* Reads the text of T.token-masters; name stands in messages, which never quote the text. */
enum rc keys_parse_token_masters(const char *name, const char *text,
                                 struct keys_token_masters *ret_masters,
                                 struct err *err) MUST_CHECK;

#endif
