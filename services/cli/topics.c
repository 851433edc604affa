/* Topics and rights as data, applied to the cluster.
   Invariant: applying twice is applying once; nothing that is not in the file is touched. */
#include "services/cli/topics.h"

#include <stddef.h>
#include <stdio.h>

#include "services/cli/cli_kafka.h"
#include "services/common/config/config.h"
#include "services/common/kafka/kafka_admin.h"

enum { WAIT_MS = 30000, PARTITIONS_MAX = 10000, REPLICATION_MAX = 100, OPERATIONS_MAX = 16 };

struct topic_item {
    char *name;
    int64_t partitions;
    int64_t replication;
    struct config_list settings; /* of struct setting_item */
};

struct setting_item {
    char *name;
    char *value;
};

struct topics_file {
    struct config_list topics;
};

struct acl_item {
    char *principal;
    char *host;
    char *resource;
    char *name;
    int is_prefix;
    struct config_list operations; /* of char * */
};

struct acls_file {
    struct config_list acls;
};

#define AT(type_, member) .key = #member, .offset = offsetof(struct type_, member)

static const struct config_field SETTING_FIELDS[] = {
    {AT(setting_item, name), .type = CONFIG_TYPE_STRING, .is_required = 1,
     .help = "Kafka's name of the setting"},
    {AT(setting_item, value), .type = CONFIG_TYPE_STRING, .is_required = 1, .help = "its value"},
    {0},
};

static const struct config_field TOPIC_FIELDS[] = {
    {AT(topic_item, name), .type = CONFIG_TYPE_STRING, .is_required = 1, .help = "topic"},
    {AT(topic_item, partitions), .type = CONFIG_TYPE_INT, .is_required = 1, .min = 1,
     .max = PARTITIONS_MAX, .help = "never changed once there"},
    {AT(topic_item, replication), .type = CONFIG_TYPE_INT, .is_required = 1, .min = 1,
     .max = REPLICATION_MAX, .help = "copies"},
    {AT(topic_item, settings), .type = CONFIG_TYPE_LIST, .fields = SETTING_FIELDS,
     .item_size = sizeof(struct setting_item), .items_max = KAFKA_ADMIN_SETTINGS_MAX,
     .help = "settings that must be so"},
    {0},
};

static const struct config_field TOPICS_FIELDS[] = {
    {AT(topics_file, topics), .type = CONFIG_TYPE_LIST, .is_required = 1, .fields = TOPIC_FIELDS,
     .item_size = sizeof(struct topic_item), .help = "topics"},
    {0},
};

static const struct config_field ACL_FIELDS[] = {
    {AT(acl_item, principal), .type = CONFIG_TYPE_STRING, .is_required = 1, .help = "User:name"},
    {AT(acl_item, host), .type = CONFIG_TYPE_STRING, .help = "from where; anywhere when not said"},
    {AT(acl_item, resource), .type = CONFIG_TYPE_STRING, .is_required = 1,
     .help = "topic, group or cluster"},
    {AT(acl_item, name), .type = CONFIG_TYPE_STRING, .is_required = 1, .help = "of the resource"},
    {AT(acl_item, is_prefix), .type = CONFIG_TYPE_BOOL, .standard = "false",
     .help = "name is a prefix"},
    {AT(acl_item, operations), .type = CONFIG_TYPE_STRINGS, .is_required = 1,
     .items_max = OPERATIONS_MAX, .help = "read, write, …"},
    {0},
};

static const struct config_field ACLS_FIELDS[] = {
    {AT(acls_file, acls), .type = CONFIG_TYPE_LIST, .is_required = 1, .fields = ACL_FIELDS,
     .item_size = sizeof(struct acl_item), .help = "rights"},
    {0},
};

/* ---- topics ---- */

static enum rc apply_topic(struct kafka_admin *admin, const struct topic_item *item,
                           int replication_max, struct err *err)
{
    struct kafka_admin_setting settings[KAFKA_ADMIN_SETTINGS_MAX];
    const struct setting_item *given = item->settings.items;
    enum kafka_admin_outcome outcome;
    for (size_t i = 0; i < item->settings.count; i++)
        settings[i] = (struct kafka_admin_setting){given[i].name, given[i].value};
    struct kafka_admin_topic topic = {.name = item->name,
                                      .partitions = (int)item->partitions,
                                      .replication = (int)item->replication,
                                      .replication_max = replication_max,
                                      .settings = settings,
                                      .settings_count = item->settings.count};
    enum rc rc = kafka_admin_apply_topic(admin, &topic, &outcome, err);
    if (rc == RC_OK)
        printf("topic %s: %s\n", item->name, kafka_admin_outcome_name(outcome));
    return rc;
}

/* A cluster with fewer brokers than copies wanted is refused, unless it was asked to make do. */
static enum rc find_replication_max(struct kafka_admin *admin, const struct cli *cli, int *ret_max,
                                    struct err *err)
{
    size_t brokers;
    if (!cli_has(cli, "fewer-copies")) {
        *ret_max = 0; /* as written */
        return RC_OK;
    }
    enum rc rc = kafka_admin_broker_count(admin, &brokers, err);
    if (rc == RC_OK)
        *ret_max = brokers < REPLICATION_MAX ? (int)brokers : REPLICATION_MAX;
    return rc;
}

static enum rc apply_topics(struct kafka_admin *admin, const struct cli *cli, struct err *err)
{
    struct topics_file file;
    int replication_max;
    enum rc rc = config_load(cli_value(cli, "file"), 0, TOPICS_FIELDS, &file, sizeof(file), err);
    if (rc != RC_OK)
        return rc;
    const struct topic_item *items = file.topics.items;
    rc = find_replication_max(admin, cli, &replication_max, err);
    for (size_t i = 0; rc == RC_OK && i < file.topics.count; i++)
        rc = apply_topic(admin, &items[i], replication_max, err);
    config_done(TOPICS_FIELDS, &file, sizeof(file));
    return rc;
}

/* ---- rights ---- */

static enum rc apply_acl(struct kafka_admin *admin, const struct acl_item *item, struct err *err)
{
    char *const *operations = item->operations.items;
    for (size_t i = 0; i < item->operations.count; i++) {
        struct kafka_admin_acl acl = {.principal = item->principal,
                                      .host = item->host,
                                      .resource = item->resource,
                                      .name = item->name,
                                      .is_prefix = item->is_prefix,
                                      .operation = operations[i]};
        enum kafka_admin_outcome outcome;
        enum rc rc = kafka_admin_apply_acl(admin, &acl, &outcome, err);
        if (rc != RC_OK)
            return rc;
        printf("%s may %s %s %s: %s\n", item->principal, operations[i], item->resource, item->name,
               kafka_admin_outcome_name(outcome));
    }
    return RC_OK;
}

static enum rc apply_acls(struct kafka_admin *admin, const char *path, struct err *err)
{
    struct acls_file file;
    enum rc rc = config_load(path, 0, ACLS_FIELDS, &file, sizeof(file), err);
    if (rc != RC_OK)
        return rc;
    const struct acl_item *items = file.acls.items;
    for (size_t i = 0; rc == RC_OK && i < file.acls.count; i++)
        rc = apply_acl(admin, &items[i], err);
    config_done(ACLS_FIELDS, &file, sizeof(file));
    return rc;
}

static int run_apply(struct cli *cli)
{
    struct kafka_config config = cli_kafka_config(cli);
    struct kafka_admin *admin;
    struct err err;
    enum rc rc = kafka_admin_new(&config, WAIT_MS, &admin, &err);
    if (rc != RC_OK)
        return cli_fail(&err);
    rc = apply_topics(admin, cli, &err);
    if (rc == RC_OK && cli_has(cli, "acls"))
        rc = apply_acls(admin, cli_value(cli, "acls"), &err);
    kafka_admin_free(admin);
    return rc == RC_OK ? CLI_OK : cli_fail(&err);
}

static const struct cli_option APPLY_OPTIONS[] = {
    {"file", "FILE", 1, "topics to make (deploy/kafka/topics.yaml)"},
    {"acls", "FILE", 0, "rights to give, too (deploy/kafka/acls.yaml)"},
    {"fewer-copies", NULL, 0,
     "on a cluster with fewer brokers than copies wanted, as many as it can"},
    CLI_KAFKA_OPTIONS("on this machine"),
    {0},
};

const struct cli_verb topics_verbs[] = {
    {.group = "topics",
     .verb = "apply",
     .summary = "make Kafka's topics as a file says",
     .details = "Missing topics are created and differing settings set. Nothing is deleted, and\n"
                "partitions and copies of a topic that is there are never changed.",
     .options = APPLY_OPTIONS,
     .run = run_apply},
    {0},
};
