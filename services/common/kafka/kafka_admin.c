/* Makes topics what the operator's file says. Invariant: nothing that would move a key to another
   partition or lose a copy is ever done here; it is said instead. */
#include "services/common/kafka/kafka_admin.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/kafka/kafka_admin_int.h"
#include "services/common/kafka/kafka_close.h"
#include "services/common/kafka/kafka_config.h"
#include "services/common/kafka/kafka_error.h"

enum { CLOSE_WAIT_MS = 2000, PROPAGATION_MS = 30000, PAUSE_MS = 20 };

const char *kafka_admin_outcome_name(enum kafka_admin_outcome outcome)
{
    switch (outcome) {
    case KAFKA_ADMIN_OUTCOME_CREATED:
        return "created";
    case KAFKA_ADMIN_OUTCOME_UNCHANGED:
        return "unchanged";
    case KAFKA_ADMIN_OUTCOME_ALTERED:
        return "altered";
    }
    return "?";
}

/* ---- asking ---- */

rd_kafka_AdminOptions_t *kafka_admin_options(struct kafka_admin *admin, rd_kafka_admin_op_t op)
{
    char text[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->rk, op);
    if (options != NULL)
        (void)rd_kafka_AdminOptions_set_request_timeout(options, admin->wait_ms, text,
                                                        sizeof(text));
    return options;
}

enum rc kafka_admin_answer(struct kafka_admin *admin, rd_kafka_event_type_t type, const char *what,
                           rd_kafka_event_t **ret_event, struct err *err)
{
    /* The library ends the request at its own time-out; the second more lets that be the answer. */
    int64_t end_us = clock_mono_us(clock_real()) + (admin->wait_ms + 1000) * CLOCK_US_PER_MS;
    rd_kafka_event_t *event = NULL;
    for (int64_t left_us; (left_us = end_us - clock_mono_us(clock_real())) > 0;) {
        event = rd_kafka_queue_poll(admin->queue, (int)(left_us / CLOCK_US_PER_MS) + 1);
        if (event != NULL && rd_kafka_event_type(event) == type)
            break;
        if (event != NULL)
            rd_kafka_event_destroy(event);
        event = NULL;
    }
    if (event == NULL)
        return err_set(err, RC_RETRY, "%s: the brokers did not answer", what);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_event = event;
        return RC_OK;
    }
    enum rc rc = err_set(err, kafka_error_rc(code, KAFKA_ERROR_PLACE_ADMIN), "%s: %s", what,
                         rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    return rc;
}

int kafka_admin_look_again(struct kafka_admin *admin, int *tries)
{
    if (*tries * PAUSE_MS >= admin->wait_ms)
        return 0;
    if ((*tries)++ > 0)
        (void)poll(NULL, 0, PAUSE_MS);
    return 1;
}

static enum rc get_metadata(struct kafka_admin *admin, const rd_kafka_metadata_t **ret_metadata,
                            struct err *err)
{
    /* Of all topics: asking for one by name may create it where brokers do that by themselves. */
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->rk, 1, NULL, ret_metadata, admin->wait_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return RC_OK;
    return err_set(err, RC_RETRY, "kafka: could not ask what there is: %s", rd_kafka_err2str(code));
}

enum rc kafka_admin_broker_count(struct kafka_admin *admin, size_t *ret_count, struct err *err)
{
    const rd_kafka_metadata_t *metadata;
    enum rc rc = get_metadata(admin, &metadata, err);
    if (rc != RC_OK)
        return rc;
    *ret_count = (size_t)metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return RC_OK;
}

/* ---- creating ---- */

static enum rc new_topic(const struct kafka_admin_topic *topic, rd_kafka_NewTopic_t **ret_new,
                         struct err *err)
{
    char text[192];
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(
        topic->name, topic->partitions, topic->replication == 0 ? -1 : topic->replication, text,
        sizeof(text));
    if (made == NULL)
        return err_set(err, RC_REJECT, "%s: %s", topic->name, text);
    for (size_t i = 0; i < topic->settings_count; i++) {
        const struct kafka_admin_setting *setting = &topic->settings[i];
        if (rd_kafka_NewTopic_set_config(made, setting->name, setting->value) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_NewTopic_destroy(made);
            return err_set(err, RC_REJECT, "%s: cannot set %s", topic->name, setting->name);
        }
    }
    *ret_new = made;
    return RC_OK;
}

static enum rc create_topic(struct kafka_admin *admin, const struct kafka_admin_topic *topic,
                            struct err *err)
{
    char text[128];
    size_t count;
    rd_kafka_NewTopic_t *made;
    rd_kafka_event_t *event;
    enum rc rc = new_topic(topic, &made, err);
    if (rc != RC_OK)
        return rc;
    rd_kafka_AdminOptions_t *options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    if (options != NULL)
        (void)rd_kafka_AdminOptions_set_operation_timeout(options, PROPAGATION_MS, text,
                                                          sizeof(text));
    rd_kafka_CreateTopics(admin->rk, &made, 1, options, admin->queue);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(made);
    rc = kafka_admin_answer(admin, RD_KAFKA_EVENT_CREATETOPICS_RESULT, topic->name, &event, err);
    if (rc != RC_OK)
        return rc;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code =
        count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char *why = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL;
        rc = err_set(err, kafka_error_rc(code, KAFKA_ERROR_PLACE_ADMIN), "%s: could not create: %s",
                     topic->name, why != NULL ? why : rd_kafka_err2str(code));
    }
    rd_kafka_event_destroy(event);
    return rc;
}

/* ---- comparing and altering ---- */

static const char *wanted_value(const struct kafka_admin_topic *topic, const char *name)
{
    for (size_t i = 0; i < topic->settings_count; i++) {
        if (strcmp(topic->settings[i].name, name) == 0)
            return topic->settings[i].value;
    }
    return NULL;
}

static enum rc describe(struct kafka_admin *admin, const char *name, rd_kafka_event_t **ret_event,
                        struct err *err)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_AdminOptions_t *options =
        kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(admin->rk, &resource, 1, options, admin->queue);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    return kafka_admin_answer(admin, RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT, name, ret_event, err);
}

static enum rc resource_error(const rd_kafka_ConfigResource_t **resources, size_t count,
                              const char *name, struct err *err)
{
    if (count != 1)
        return err_set(err, RC_RETRY, "%s: the broker did not answer for it", name);
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return RC_OK;
    const char *why = rd_kafka_ConfigResource_error_string(resources[0]);
    return err_set(err, kafka_error_rc(code, KAFKA_ERROR_PLACE_ADMIN), "%s: %s", name,
                   why != NULL ? why : rd_kafka_err2str(code));
}

/* Fills target with what an AlterConfigs must say: it replaces all that was set on the topic, so
   what others set goes in again. Returns how many settings differ. */
static size_t merge_settings(const struct kafka_admin_topic *topic,
                             const rd_kafka_ConfigResource_t *found,
                             rd_kafka_ConfigResource_t *target)
{
    size_t count, differing = topic->settings_count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(found, &count);
    for (size_t i = 0; i < topic->settings_count; i++)
        (void)rd_kafka_ConfigResource_set_config(target, topic->settings[i].name,
                                                 topic->settings[i].value);
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        const char *wanted = wanted_value(topic, name);
        if (wanted == NULL) {
            if (rd_kafka_ConfigEntry_source(entries[i]) ==
                    RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
                value != NULL)
                (void)rd_kafka_ConfigResource_set_config(target, name, value);
        } else if (value != NULL && strcmp(value, wanted) == 0) {
            differing--;
        }
    }
    return differing;
}

static enum rc alter(struct kafka_admin *admin, const char *name, rd_kafka_ConfigResource_t *target,
                     struct err *err)
{
    size_t count;
    rd_kafka_event_t *event;
    rd_kafka_AdminOptions_t *options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_AlterConfigs(admin->rk, &target, 1, options, admin->queue);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
    enum rc rc = kafka_admin_answer(admin, RD_KAFKA_EVENT_ALTERCONFIGS_RESULT, name, &event, err);
    if (rc != RC_OK)
        return rc;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
    rc = resource_error(resources, count, name, err);
    rd_kafka_event_destroy(event);
    return rc;
}

/* How many settings differ, and the request that would set them. */
static enum rc compare(struct kafka_admin *admin, const struct kafka_admin_topic *topic,
                       rd_kafka_ConfigResource_t *target, size_t *ret_differing, struct err *err)
{
    size_t count;
    rd_kafka_event_t *event;
    enum rc rc = describe(admin, topic->name, &event, err);
    if (rc != RC_OK)
        return rc;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    rc = resource_error(resources, count, topic->name, err);
    if (rc == RC_OK)
        *ret_differing = merge_settings(topic, resources[0], target);
    rd_kafka_event_destroy(event);
    return rc;
}

static enum rc match_settings(struct kafka_admin *admin, const struct kafka_admin_topic *topic,
                              enum kafka_admin_outcome *ret_outcome, struct err *err)
{
    int tries = 0;
    size_t differing;
    rd_kafka_ConfigResource_t *target =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name);
    enum rc rc = compare(admin, topic, target, &differing, err);
    if (rc != RC_OK || differing == 0) {
        if (rc == RC_OK)
            *ret_outcome = KAFKA_ADMIN_OUTCOME_UNCHANGED;
        goto err0;
    }
    rc = alter(admin, topic->name, target, err);
    while (rc == RC_OK && differing > 0 && kafka_admin_look_again(admin, &tries))
        rc = compare(admin, topic, target, &differing, err);
    if (rc == RC_OK)
        *ret_outcome = KAFKA_ADMIN_OUTCOME_ALTERED;
err0:
    rd_kafka_ConfigResource_destroy(target);
    return rc;
}

/* ---- applying ---- */

struct shape {
    int is_there;
    int partitions;
    int replication;
};

static enum rc find_shape(struct kafka_admin *admin, const char *name, struct shape *ret_shape,
                          struct err *err)
{
    struct shape shape = {0};
    const rd_kafka_metadata_t *metadata;
    enum rc rc = get_metadata(admin, &metadata, err);
    if (rc != RC_OK)
        return rc;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
        if (strcmp(topic->topic, name) != 0 || topic->partition_cnt == 0)
            continue;
        shape = (struct shape){.is_there = 1,
                               .partitions = topic->partition_cnt,
                               .replication = topic->partitions[0].replica_cnt};
    }
    rd_kafka_metadata_destroy(metadata);
    *ret_shape = shape;
    return RC_OK;
}

static enum rc check_shape(const struct kafka_admin_topic *topic, const struct shape *shape,
                           struct err *err)
{
    if (shape->partitions != topic->partitions)
        return err_set(err, RC_REJECT,
                       "%s: it has %d partitions, %d are wanted; that cannot be changed here, keys "
                       "would move to other partitions",
                       topic->name, shape->partitions, topic->partitions);
    if (topic->replication != 0 && shape->replication != topic->replication)
        return err_set(
            err, RC_REJECT,
            "%s: it has %d copies, %d are wanted; reassign its partitions by Kafka's own "
            "tool",
            topic->name, shape->replication, topic->replication);
    return RC_OK;
}

static enum rc apply(struct kafka_admin *admin, const struct kafka_admin_topic *topic,
                     enum kafka_admin_outcome *ret_outcome, struct err *err)
{
    struct shape shape;
    enum rc rc = find_shape(admin, topic->name, &shape, err);
    if (rc != RC_OK)
        return rc;
    if (!shape.is_there) {
        int tries = 0;
        rc = create_topic(admin, topic, err);
        while (rc == RC_OK && !shape.is_there && kafka_admin_look_again(admin, &tries))
            rc = find_shape(admin, topic->name, &shape, err);
        if (rc == RC_OK)
            *ret_outcome = KAFKA_ADMIN_OUTCOME_CREATED;
        return rc;
    }
    rc = check_shape(topic, &shape, err);
    return rc != RC_OK ? rc : match_settings(admin, topic, ret_outcome, err);
}

enum rc kafka_admin_apply_topic(struct kafka_admin *admin, const struct kafka_admin_topic *topic,
                                enum kafka_admin_outcome *ret_outcome, struct err *err)
{
    struct kafka_admin_setting settings[KAFKA_ADMIN_SETTINGS_MAX];
    struct kafka_admin_topic capped = *topic;
    char in_sync[16];
    if (topic->settings_count > KAFKA_ADMIN_SETTINGS_MAX)
        return err_set(err, RC_REJECT, "%s: %zu settings, at most %d are allowed", topic->name,
                       topic->settings_count, (int)KAFKA_ADMIN_SETTINGS_MAX);
    if (topic->replication_max < 1 || topic->replication <= topic->replication_max)
        return apply(admin, topic, ret_outcome, err);
    /* As many in sync as there are copies would stop all writing when one broker restarts. */
    snprintf(in_sync, sizeof(in_sync), "%d",
             topic->replication_max > 1 ? topic->replication_max - 1 : 1);
    for (size_t i = 0; i < topic->settings_count; i++) {
        settings[i] = topic->settings[i];
        if (strcmp(settings[i].name, "min.insync.replicas") == 0)
            settings[i].value = in_sync;
    }
    capped.settings = settings;
    capped.replication = topic->replication_max;
    return apply(admin, &capped, ret_outcome, err);
}

/* ---- life ---- */

enum rc kafka_admin_new(const struct kafka_config *config, int wait_ms,
                        struct kafka_admin **ret_admin, struct err *err)
{
    char text[192];
    rd_kafka_conf_t *conf;
    struct kafka_admin *admin = mem_zalloc(sizeof(*admin));
    if (admin == NULL)
        return err_set(err, RC_RETRY, "kafka: out of memory");
    admin->wait_ms = wait_ms;
    enum rc rc = kafka_config_new(config, &conf, err);
    if (rc != RC_OK)
        goto err0;
    admin->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (admin->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        rc = err_set(err, RC_REJECT, "kafka: cannot make a client: %s", text);
        goto err0;
    }
    admin->queue = rd_kafka_queue_new(admin->rk);
    *ret_admin = admin;
    return RC_OK;

err0:
    kafka_admin_free(admin);
    return rc;
}

void kafka_admin_free(struct kafka_admin *admin)
{
    if (admin == NULL)
        return;
    if (admin->queue != NULL)
        rd_kafka_queue_destroy(admin->queue);
    if (admin->rk != NULL)
        (void)kafka_close_bounded(admin->rk, 0, CLOSE_WAIT_MS);
    mem_free(admin);
}
