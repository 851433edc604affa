#ifndef KASUMORI_PASSWORD_PASSWORD_H
#define KASUMORI_PASSWORD_PASSWORD_H

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"

/* What is stored of a password or PIN: Argon2id (RFC 9106) with libsodium's interactive cost, 64
   MiB and two passes, in its usual text form "$argon2id$v=19$…". All block for about 0.1 s. */
enum { PASSWORD_HASH_BYTES = 128 };

/* ret_hash: NUL-terminated. RC_RETRY when memory is out, RC_FATAL when the library cannot start. */
enum rc password_hash(struct slice password, char ret_hash[PASSWORD_HASH_BYTES],
                      struct err *err) MUST_CHECK;

/* 1: it is the password behind hash. 0 also when memory is out or the library cannot start. */
int password_is_right(const char *hash, struct slice password) MUST_CHECK;

/* Shaped like what password_hash makes. */
int password_is_hash(const char *text);

#endif
