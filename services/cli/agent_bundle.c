/* The file that makes an edge process an agent.
   Invariant: strings are quoted, whatever is in them, so a bundle cannot say more than it was
   given. */
#include "services/cli/agent_bundle.h"

#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/record/record_build.h"

const char agent_bundle_kinds[] =
    "handle,member,account,phone,mail,vehicle,sns,name,worker,phone_impersonal";

enum { KINDS_MAX = 32 };

/* A double-quoted YAML scalar; value NULL: nothing. */
static void add_string(struct buf *out, const char *indent, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buf_addf(out, "%s%s: \"", indent, key);
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            buf_add_char(out, '\\');
        if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\x%02x", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_str(out, "\"\n");
}

static void add_key(struct buf *out, const char *name, const uint8_t key[TOKEN_KEY_BYTES])
{
    char digits[2 * TOKEN_KEY_BYTES + 1];
    hex_format(key, TOKEN_KEY_BYTES, digits);
    buf_addf(out, "%s: \"%s\"\n", name, digits);
    explicit_bzero(digits, sizeof(digits));
}

static void add_token_keys(struct buf *out, const struct agent_bundle *bundle, const char *name,
                           uint32_t kind)
{
    for (size_t i = 0; i < bundle->token_masters.count; i++) {
        const struct keys_token_master *master = &bundle->token_masters.items[i];
        struct token_key key;
        token_derive_key(master->master, bundle->tenant, kind, master->key_id, &key);
        buf_addf(out, "  - kind: %s\n    key_id: %u\n", name, (unsigned)master->key_id);
        add_key(out, "    key", key.key);
        explicit_bzero(&key, sizeof(key));
    }
}

static int has_number(const uint32_t *numbers, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return 1;
    return 0;
}

static enum rc add_kinds(struct buf *out, const struct agent_bundle *bundle, struct err *err)
{
    uint32_t seen[KINDS_MAX];
    size_t count = 0;
    for (const char *at = bundle->kinds;; at++) {
        char name[LIMIT_NAME_BYTES];
        size_t size = strcspn(at, ",");
        uint32_t kind;
        if (size == 0 || size >= sizeof(name) || count == KINDS_MAX)
            return err_set(err, RC_REJECT, "--kinds: want names with a comma between");
        memcpy(name, at, size);
        name[size] = '\0';
        if (!record_build_kind(name, &kind) || kind == 0)
            return err_set(err, RC_REJECT, "--kinds: no identifier kind %s", name);
        if (has_number(seen, count, kind))
            return err_set(err, RC_REJECT, "--kinds: %s is there twice", name);
        seen[count++] = kind;
        add_token_keys(out, bundle, name, kind);
        at += size;
        if (*at == '\0')
            return RC_OK;
    }
}

static void add_kafka(struct buf *out, const struct agent_bundle *bundle)
{
    const struct kafka_config *kafka = &bundle->kafka;
    buf_add_str(out, "kafka:\n");
    add_string(out, "  ", "brokers", kafka->brokers);
    add_string(out, "  ", "security_protocol", kafka->security_protocol);
    add_string(out, "  ", "sasl_mechanism", kafka->sasl_mechanism);
    add_string(out, "  ", "sasl_username", kafka->sasl_username);
    add_string(out, "  ", "sasl_password_file", kafka->sasl_password_file);
    add_string(out, "  ", "ssl_ca_file", kafka->ssl_ca_file);
    add_string(out, "  ", "ssl_certificate_file", kafka->ssl_certificate_file);
    add_string(out, "  ", "ssl_key_file", kafka->ssl_key_file);
    add_string(out, "  ", "topic_records", bundle->topic_records);
    add_string(out, "  ", "topic_health", bundle->topic_health);
}

enum rc agent_bundle_write(const struct agent_bundle *bundle, struct buf *out, struct err *err)
{
    buf_add_str(out,
                "# Secret: whoever reads this can turn the chain's tokens back into numbers.\n");
    add_string(out, "", "tenant", bundle->tenant);
    add_string(out, "", "site", bundle->site);
    add_string(out, "", "agent", bundle->agent);
    buf_addf(out, "mac_key_id: %u\n", (unsigned)bundle->mac_key.key_id);
    add_key(out, "mac_key", bundle->mac_key.key);
    add_key(out, "vault_public_key", bundle->vault_public);
    buf_add_str(out, "token_keys:\n");
    enum rc rc = add_kinds(out, bundle, err);
    if (rc != RC_OK)
        return rc;
    add_kafka(out, bundle);
    if (out->is_failed)
        return err_set(err, RC_RETRY, "out of memory");
    return RC_OK;
}
