/* The bundle file. */
#include "services/agent/bundle.h"

#include <stddef.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/config/config.h"
#include "services/common/record/record_build.h"

struct kafka_section {
    char *brokers, *security_protocol, *sasl_mechanism, *sasl_username, *sasl_password_file;
    char *ssl_ca_file, *ssl_certificate_file, *ssl_key_file;
    char *topic_records, *topic_health;
};

struct token_key_item {
    char *kind;
    int64_t key_id;
    char *key;
};

struct bundle_file {
    char *tenant, *site, *agent;
    int64_t mac_key_id;
    char *mac_key;
    char *vault_public_key;
    struct config_list token_keys;
    struct kafka_section kafka;
};

#define AT(struct_, member) .key = #member, .offset = offsetof(struct struct_, member)
#define STRING(struct_, member)                         \
    {                                                   \
        AT(struct_, member), .type = CONFIG_TYPE_STRING \
    }
#define REQUIRED(struct_, member)                                         \
    {                                                                     \
        AT(struct_, member), .type = CONFIG_TYPE_STRING, .is_required = 1 \
    }

static const struct config_field KAFKA_FIELDS[] = {
    REQUIRED(kafka_section, brokers),
    STRING(kafka_section, security_protocol),
    STRING(kafka_section, sasl_mechanism),
    STRING(kafka_section, sasl_username),
    STRING(kafka_section, sasl_password_file),
    STRING(kafka_section, ssl_ca_file),
    STRING(kafka_section, ssl_certificate_file),
    STRING(kafka_section, ssl_key_file),
    {AT(kafka_section, topic_records), .type = CONFIG_TYPE_STRING,
     .standard = "kasumori.records.v1"},
    {AT(kafka_section, topic_health), .type = CONFIG_TYPE_STRING, .standard = "kasumori.health.v1"},
    {0},
};

static const struct config_field TOKEN_KEY_FIELDS[] = {
    REQUIRED(token_key_item, kind),
    {AT(token_key_item, key_id), .type = CONFIG_TYPE_INT, .is_required = 1, .min = 1,
     .max = UINT32_MAX},
    REQUIRED(token_key_item, key),
    {0},
};

static const struct config_field FIELDS[] = {
    REQUIRED(bundle_file, tenant),
    REQUIRED(bundle_file, site),
    REQUIRED(bundle_file, agent),
    {AT(bundle_file, mac_key_id), .type = CONFIG_TYPE_INT, .is_required = 1, .min = 1,
     .max = UINT32_MAX},
    REQUIRED(bundle_file, mac_key),
    REQUIRED(bundle_file, vault_public_key),
    {AT(bundle_file, token_keys), .type = CONFIG_TYPE_LIST, .is_required = 1,
     .fields = TOKEN_KEY_FIELDS, .item_size = sizeof(struct token_key_item),
     .items_max = BUNDLE_TOKEN_KEYS_MAX},
    {AT(bundle_file, kafka), .type = CONFIG_TYPE_SECTION, .is_required = 1, .fields = KAFKA_FIELDS},
    {0},
};

static enum rc read_key(const char *path, const char *name, const char *hex, uint8_t *key,
                        struct err *err)
{
    if (hex_parse(hex, key, 32) != RC_OK)
        return err_set(err, RC_REJECT, "%s: %s: want 64 hexadecimal digits", path, name);
    return RC_OK;
}

static enum rc read_token_keys(const char *path, const struct bundle_file *file,
                               struct bundle *bundle, struct err *err)
{
    const struct token_key_item *items = file->token_keys.items;
    for (size_t i = 0; i < file->token_keys.count; i++) {
        struct token_key *key = &bundle->token_keys[i];
        if (!record_build_kind(items[i].kind, &key->kind))
            return err_set(err, RC_REJECT, "%s: token_keys[%zu].kind: no such identifier kind",
                           path, i);
        key->key_id = (uint32_t)items[i].key_id;
        enum rc rc = read_key(path, "token_keys: key", items[i].key, key->key, err);
        if (rc != RC_OK)
            return rc;
    }
    bundle->token_keys_count = file->token_keys.count;
    return RC_OK;
}

static enum rc check_name(const char *path, const char *key, const char *name, struct err *err)
{
    size_t size = strlen(name);
    if (size == 0 || size > LIMIT_NAME_BYTES)
        return err_set(err, RC_REJECT, "%s: %s: want 1 to %d bytes", path, key, LIMIT_NAME_BYTES);
    return RC_OK;
}

static enum rc fill(const char *path, const struct bundle_file *file, struct bundle *bundle,
                    struct err *err)
{
    const struct kafka_section *kafka = &file->kafka;
    bundle->tenant = file->tenant;
    bundle->site = file->site;
    bundle->agent = file->agent;
    bundle->mac_key.key_id = (uint32_t)file->mac_key_id;
    bundle->topic_records = kafka->topic_records;
    bundle->topic_health = kafka->topic_health;
    bundle->kafka = (struct kafka_config){
        .brokers = kafka->brokers,
        .client_id = file->agent,
        .security_protocol = kafka->security_protocol,
        .sasl_mechanism = kafka->sasl_mechanism,
        .sasl_username = kafka->sasl_username,
        .sasl_password_file = kafka->sasl_password_file,
        .ssl_ca_file = kafka->ssl_ca_file,
        .ssl_certificate_file = kafka->ssl_certificate_file,
        .ssl_key_file = kafka->ssl_key_file,
        .topics = {kafka->topic_records, kafka->topic_health},
    };
    enum rc rc = check_name(path, "tenant", file->tenant, err);
    if (rc == RC_OK)
        rc = check_name(path, "site", file->site, err);
    if (rc == RC_OK)
        rc = check_name(path, "agent", file->agent, err);
    if (rc == RC_OK)
        rc = read_key(path, "mac_key", file->mac_key, bundle->mac_key.key, err);
    if (rc == RC_OK)
        rc = read_key(path, "vault_public_key", file->vault_public_key, bundle->vault_public, err);
    if (rc == RC_OK)
        rc = read_token_keys(path, file, bundle, err);
    return rc;
}

enum rc bundle_load(const char *path, struct bundle *ret_bundle, struct err *err)
{
    struct bundle bundle = {0};
    struct bundle_file *file = mem_zalloc(sizeof(*file));
    if (file == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    enum rc rc = config_load(path, 1, FIELDS, file, sizeof(*file), err);
    if (rc != RC_OK) {
        mem_free(file);
        return rc;
    }
    bundle.file = file;
    rc = fill(path, file, &bundle, err);
    if (rc != RC_OK) {
        bundle_done(&bundle);
        return rc;
    }
    *ret_bundle = bundle;
    explicit_bzero(&bundle, sizeof(bundle));
    return RC_OK;
}

void bundle_done(struct bundle *bundle)
{
    if (bundle->file != NULL)
        config_done(FIELDS, bundle->file, sizeof(struct bundle_file));
    mem_free(bundle->file);
    explicit_bzero(bundle, sizeof(*bundle));
}
