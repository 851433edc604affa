#ifndef KASUMORI_KAFKA_KAFKA_ADMIN_H
#define KASUMORI_KAFKA_KAFKA_ADMIN_H

#include <stddef.h>

#include "services/common/base/rc.h"
#include "services/common/kafka/kafka.h"

/* What the cluster shall look like, made so: every call may be repeated. For the operator's command
   only; blocks up to wait_ms a request. */
struct kafka_admin;

enum rc kafka_admin_new(const struct kafka_config *config, int wait_ms,
                        struct kafka_admin **ret_admin, struct err *err) MUST_CHECK;
void kafka_admin_free(struct kafka_admin *admin);

enum kafka_admin_outcome {
    KAFKA_ADMIN_OUTCOME_CREATED,
    KAFKA_ADMIN_OUTCOME_UNCHANGED, /* it was as wanted */
    KAFKA_ADMIN_OUTCOME_ALTERED,   /* settings were changed */
};
const char *kafka_admin_outcome_name(enum kafka_admin_outcome outcome); /* "created", … */

enum { KAFKA_ADMIN_SETTINGS_MAX = 32 };

struct kafka_admin_setting {
    const char *name; /* Kafka's: retention.ms */
    const char *value;
};

struct kafka_admin_topic {
    const char *name;
    int partitions;
    int replication; /* copies; 0: the cluster's default */
    /* A smaller cluster than the file was written for: no more copies than this, and a setting
       min.insync.replicas no higher than one less, but 1 at least. 0: as written. */
    int replication_max;
    const struct kafka_admin_setting *settings;
    size_t settings_count; /* at most KAFKA_ADMIN_SETTINGS_MAX */
};

/* Creates the topic, or sets those of its settings that differ; settings not named here stay as
   they are. RC_REJECT with a sentence when partitions or replication differ (keys would move to
   other partitions; copies are moved by Kafka's own tool) or the cluster refuses; RC_RETRY. */
enum rc kafka_admin_apply_topic(struct kafka_admin *admin, const struct kafka_admin_topic *topic,
                                enum kafka_admin_outcome *ret_outcome, struct err *err) MUST_CHECK;

/* Brokers in the cluster: a demo has one, where three copies cannot be made. */
enum rc kafka_admin_broker_count(struct kafka_admin *admin, size_t *ret_count,
                                 struct err *err) MUST_CHECK;

struct kafka_admin_acl {
    const char *principal; /* User:kasumori-agent */
    const char *host;      /* NULL: from anywhere */
    const char *resource;  /* topic, group, cluster */
    const char *name;      /* of the resource; kafka-cluster for cluster */
    int is_prefix;         /* name is a prefix */
    const char *operation; /* read, write, create, delete, alter, describe, describe_configs,
                              alter_configs, cluster_action, idempotent_write, all */
};

/* Allows what the entry says; CREATED or UNCHANGED. Entries not given are left alone. RC_REJECT for
   an unknown word or when the cluster keeps no ACLs; RC_RETRY. */
enum rc kafka_admin_apply_acl(struct kafka_admin *admin, const struct kafka_admin_acl *acl,
                              enum kafka_admin_outcome *ret_outcome, struct err *err) MUST_CHECK;

#endif
