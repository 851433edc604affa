/* The folder of master keys.
   Invariant: a key that any bundle was made from is never lost: files are only added, and the one
   that grows is replaced by a longer one. */
#include "services/cli/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/buf.h"
#include "services/common/base/file.h"
#include "services/common/base/hex.h"

enum {
    KEY_BYTES = 32,
    KEY_TEXT_BYTES = 2 * KEY_BYTES + 1,
    PATH_BYTES = 1024,
    FILE_BYTES_MAX = 4096
};

_Static_assert((int)MAC_KEY_BYTES == (int)KEY_BYTES, "one size for all keys");
_Static_assert((int)TOKEN_KEY_BYTES == (int)KEY_BYTES, "one size for all keys");
_Static_assert((int)TOKEN_VAULT_KEY_BYTES == (int)KEY_BYTES, "one size for all keys");

static const char MAC_MASTER[] = "mac-master.key";
static const char TOKEN_MASTERS[] = ".token-masters";
static const char VAULT_PUBLIC[] = ".vault.public";
static const char VAULT_SECRET[] = ".vault.secret";

/* ---- folder ---- */

enum rc keys_lock(const char *dir, int *ret_lock, struct err *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_set(err, RC_RETRY, "could not make folder %s: %m", dir);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, RC_RETRY, "could not open folder %s: %m", dir);
    if (flock(fd, LOCK_EX) != 0) {
        close(fd);
        return err_set(err, RC_RETRY, "could not lock folder %s: %m", dir);
    }
    *ret_lock = fd;
    return RC_OK;
}

void keys_unlock(int lock)
{
    close(lock);
}

/* tenant: NULL for the file of the whole installation. */
static enum rc write_path(char path[PATH_BYTES], const char *dir, const char *tenant,
                          const char *name, struct err *err)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s%s", dir, tenant == NULL ? "" : tenant, name);
    if (n < 0 || n >= PATH_BYTES)
        return err_set(err, RC_REJECT, "the path of the key folder is too long");
    return RC_OK;
}

static void wipe(struct buf *buf)
{
    if (buf->data != NULL)
        explicit_bzero(buf->data, buf->capacity);
    buf_done(buf);
}

/* ---- one key a file ---- */

static enum rc parse_key(const char *path, const struct buf *text, uint8_t key[KEY_BYTES],
                         struct err *err)
{
    char digits[KEY_TEXT_BYTES];
    int is_key = text->size == KEY_TEXT_BYTES && text->data[KEY_TEXT_BYTES - 1] == '\n';
    if (is_key) {
        memcpy(digits, text->data, KEY_TEXT_BYTES);
        digits[KEY_TEXT_BYTES - 1] = '\0';
        is_key = hex_parse(digits, key, KEY_BYTES) == RC_OK;
        explicit_bzero(digits, sizeof(digits));
    }
    if (!is_key)
        return err_set(err, RC_REJECT, "%s: want 64 hexadecimal digits and a line break", path);
    return RC_OK;
}

static enum rc read_key(const char *dir, const char *tenant, const char *name,
                        uint8_t ret_key[KEY_BYTES], struct err *err)
{
    char path[PATH_BYTES];
    struct buf text;
    enum rc rc = write_path(path, dir, tenant, name, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&text, FILE_BYTES_MAX);
    rc = file_read_secret(path, &text, err);
    if (rc == RC_OK)
        rc = parse_key(path, &text, ret_key, err);
    wipe(&text);
    return rc;
}

static enum rc write_key(const char *path, const uint8_t key[KEY_BYTES], struct err *err)
{
    char text[KEY_TEXT_BYTES + 1];
    hex_format(key, KEY_BYTES, text);
    text[KEY_TEXT_BYTES - 1] = '\n';
    enum rc rc = file_write_secret(path, slice_of(text, KEY_TEXT_BYTES), err);
    explicit_bzero(text, sizeof(text));
    return rc;
}

enum rc keys_read_mac_master(const char *dir, uint8_t ret_master[MAC_KEY_BYTES], struct err *err)
{
    return read_key(dir, NULL, MAC_MASTER, ret_master, err);
}

enum rc keys_read_vault_public(const char *dir, const char *tenant,
                               uint8_t ret_key[TOKEN_VAULT_KEY_BYTES], struct err *err)
{
    return read_key(dir, tenant, VAULT_PUBLIC, ret_key, err);
}

enum rc keys_read_vault_secret(const char *dir, const char *tenant,
                               uint8_t ret_key[TOKEN_VAULT_KEY_BYTES], struct err *err)
{
    return read_key(dir, tenant, VAULT_SECRET, ret_key, err);
}

/* ---- token masters ---- */

/* One line "key_id hex64" at *at; moves *at past its line break. */
static int parse_line(const char **at, struct keys_token_master *master)
{
    char *end;
    char digits[KEY_TEXT_BYTES];
    if (**at < '1' || **at > '9')
        return 0;
    unsigned long long key_id = strtoull(*at, &end, 10);
    if (key_id > UINT32_MAX || *end != ' ' || strcspn(end + 1, "\n") != KEY_TEXT_BYTES - 1)
        return 0;
    const char *line_end = end + 1 + KEY_TEXT_BYTES - 1;
    if (*line_end != '\n')
        return 0;
    memcpy(digits, end + 1, KEY_TEXT_BYTES - 1);
    digits[KEY_TEXT_BYTES - 1] = '\0';
    int is_key = hex_parse(digits, master->master, KEY_BYTES) == RC_OK;
    explicit_bzero(digits, sizeof(digits));
    master->key_id = (uint32_t)key_id;
    *at = line_end + 1;
    return is_key;
}

enum rc keys_parse_token_masters(const char *name, const char *text,
                                 struct keys_token_masters *ret_masters, struct err *err)
{
    struct keys_token_masters masters = {.count = 0};
    enum rc rc = RC_OK;
    for (int line = 1; rc == RC_OK && *text != '\0'; line++) {
        struct keys_token_master master;
        if (masters.count == LIMIT_TOKENS)
            rc =
                err_set(err, RC_REJECT, "%s: line %d: more than %d keys", name, line, LIMIT_TOKENS);
        else if (!parse_line(&text, &master))
            rc = err_set(err, RC_REJECT,
                         "%s: line %d: want a key id, a space and 64 hexadecimal digits", name,
                         line);
        else if (masters.count > 0 && master.key_id <= masters.items[masters.count - 1].key_id)
            rc = err_set(err, RC_REJECT, "%s: line %d: key ids must grow", name, line);
        else
            masters.items[masters.count++] = master;
        explicit_bzero(&master, sizeof(master));
    }
    if (rc == RC_OK && masters.count == 0)
        rc = err_set(err, RC_REJECT, "%s: no key in it", name);
    if (rc == RC_OK)
        *ret_masters = masters;
    explicit_bzero(&masters, sizeof(masters));
    return rc;
}

enum rc keys_read_token_masters(const char *dir, const char *tenant,
                                struct keys_token_masters *ret_masters, struct err *err)
{
    char path[PATH_BYTES];
    struct buf text;
    enum rc rc = write_path(path, dir, tenant, TOKEN_MASTERS, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&text, FILE_BYTES_MAX);
    rc = file_read_secret(path, &text, err);
    if (rc == RC_OK)
        rc = keys_parse_token_masters(path, text.data == NULL ? "" : (const char *)text.data,
                                      ret_masters, err);
    wipe(&text);
    return rc;
}

static enum rc write_token_masters(const char *path, const struct keys_token_masters *masters,
                                   struct err *err)
{
    struct buf text;
    buf_init(&text, FILE_BYTES_MAX);
    for (size_t i = 0; i < masters->count; i++) {
        char digits[KEY_TEXT_BYTES];
        hex_format(masters->items[i].master, KEY_BYTES, digits);
        buf_addf(&text, "%u %s\n", (unsigned)masters->items[i].key_id, digits);
        explicit_bzero(digits, sizeof(digits));
    }
    enum rc rc = text.is_failed ? err_set(err, RC_RETRY, "out of memory")
                                : file_write_secret(path, buf_slice(&text), err);
    wipe(&text);
    return rc;
}

/* ---- making ---- */

static enum rc random_key(uint8_t key[KEY_BYTES], struct err *err)
{
    if (getrandom(key, KEY_BYTES, 0) != KEY_BYTES)
        return err_set(err, RC_RETRY, "could not get random bytes: %m");
    return RC_OK;
}

static enum rc exists(const char *path, int *ret_exists, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        *ret_exists = 1;
    else if (errno == ENOENT)
        *ret_exists = 0;
    else
        return err_set(err, RC_RETRY, "could not look at %s: %m", path);
    return RC_OK;
}

static enum rc make_mac_master(const char *dir, int *made, struct err *err)
{
    char path[PATH_BYTES];
    uint8_t key[KEY_BYTES];
    int is_there;
    enum rc rc = write_path(path, dir, NULL, MAC_MASTER, err);
    if (rc == RC_OK)
        rc = exists(path, &is_there, err);
    if (rc != RC_OK || is_there)
        return rc;
    rc = random_key(key, err);
    if (rc == RC_OK)
        rc = write_key(path, key, err);
    explicit_bzero(key, sizeof(key));
    *made += rc == RC_OK;
    return rc;
}

static enum rc make_token_masters(const char *dir, const char *tenant, int *made, struct err *err)
{
    char path[PATH_BYTES];
    struct keys_token_masters masters = {.count = 1, .items = {{.key_id = 1}}};
    int is_there;
    enum rc rc = write_path(path, dir, tenant, TOKEN_MASTERS, err);
    if (rc == RC_OK)
        rc = exists(path, &is_there, err);
    if (rc != RC_OK || is_there)
        return rc;
    rc = random_key(masters.items[0].master, err);
    if (rc == RC_OK)
        rc = write_token_masters(path, &masters, err);
    explicit_bzero(&masters, sizeof(masters));
    *made += rc == RC_OK;
    return rc;
}

/* The secret first: a public key without its secret would seal what nobody can open. */
static enum rc write_vault(const char *public_path, const char *secret_path, struct err *err)
{
    uint8_t public_key[KEY_BYTES];
    uint8_t secret_key[KEY_BYTES];
    if (token_make_vault_keys(public_key, secret_key) != RC_OK)
        return err_set(err, RC_FATAL, "cannot make the vault's keys");
    enum rc rc = write_key(secret_path, secret_key, err);
    if (rc == RC_OK)
        rc = write_key(public_path, public_key, err);
    explicit_bzero(secret_key, sizeof(secret_key));
    return rc;
}

static enum rc make_vault(const char *dir, const char *tenant, int *made, struct err *err)
{
    char public_path[PATH_BYTES];
    char secret_path[PATH_BYTES];
    int has_public;
    int has_secret;
    enum rc rc = write_path(public_path, dir, tenant, VAULT_PUBLIC, err);
    if (rc == RC_OK)
        rc = write_path(secret_path, dir, tenant, VAULT_SECRET, err);
    if (rc == RC_OK)
        rc = exists(public_path, &has_public, err);
    if (rc == RC_OK)
        rc = exists(secret_path, &has_secret, err);
    if (rc != RC_OK)
        return rc;
    if (has_secret && !has_public)
        return err_set(err, RC_REJECT,
                       "%s is there without its public key: no bundle was made from it, so move it "
                       "away and try again",
                       secret_path);
    if (has_public) /* the secret may be kept elsewhere */
        return RC_OK;
    rc = write_vault(public_path, secret_path, err);
    *made += rc == RC_OK ? 2 : 0;
    return rc;
}

enum rc keys_make(const char *dir, const char *tenant, int *ret_made, struct err *err)
{
    int made = 0;
    enum rc rc = make_mac_master(dir, &made, err);
    if (rc == RC_OK)
        rc = make_token_masters(dir, tenant, &made, err);
    if (rc == RC_OK)
        rc = make_vault(dir, tenant, &made, err);
    if (rc == RC_OK)
        *ret_made = made;
    return rc;
}

static enum rc add_master(struct keys_token_masters *masters, struct err *err)
{
    uint32_t last = masters->items[masters->count - 1].key_id;
    if (masters->count == LIMIT_TOKENS)
        return err_set(err, RC_REJECT,
                       "%d token keys are live already, which is as many as a record can carry: "
                       "remove the oldest line once the records made with it have expired",
                       LIMIT_TOKENS);
    if (last == UINT32_MAX)
        return err_set(err, RC_REJECT, "no key id is left");
    struct keys_token_master *master = &masters->items[masters->count];
    enum rc rc = random_key(master->master, err);
    if (rc != RC_OK)
        return rc;
    master->key_id = last + 1;
    masters->count++;
    return RC_OK;
}

enum rc keys_rotate_tokens(const char *dir, const char *tenant, uint32_t *ret_key_id,
                           struct err *err)
{
    char path[PATH_BYTES];
    struct keys_token_masters masters;
    enum rc rc = write_path(path, dir, tenant, TOKEN_MASTERS, err);
    if (rc != RC_OK)
        return rc;
    rc = keys_read_token_masters(dir, tenant, &masters, err);
    if (rc != RC_OK)
        return rc;
    rc = add_master(&masters, err);
    if (rc == RC_OK)
        rc = write_token_masters(path, &masters, err);
    if (rc == RC_OK)
        *ret_key_id = masters.items[masters.count - 1].key_id;
    explicit_bzero(&masters, sizeof(masters));
    return rc;
}
