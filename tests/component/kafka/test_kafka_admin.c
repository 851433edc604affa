/* Applying topics and ACLs twice changes nothing; what cannot be changed is said. */
#include "tests/support/unit.h"

#include <string.h>

#include "services/common/kafka/kafka_admin.h"
#include "tests/component/kafka/broker.h"

enum { WAIT_MS = 20000 };

static struct kafka_admin *admin;

static int open_admin(void **state)
{
    (void)state;
    struct err err;
    const struct kafka_config config = {.brokers = broker_address()};
    return kafka_admin_new(&config, WAIT_MS, &admin, &err) == RC_OK ? 0 : -1;
}

static int close_admin(void **state)
{
    (void)state;
    kafka_admin_free(admin);
    return 0;
}

static void assert_applied(const struct kafka_admin_topic *topic, enum kafka_admin_outcome wanted)
{
    struct err err = {.text = ""};
    enum kafka_admin_outcome outcome;
    enum rc rc = kafka_admin_apply_topic(admin, topic, &outcome, &err);
    if (rc != RC_OK)
        fail_msg("%s", err.text);
    assert_string_equal(kafka_admin_outcome_name(outcome), kafka_admin_outcome_name(wanted));
}

static void assert_refused(const struct kafka_admin_topic *topic, const char *word)
{
    struct err err = {.text = ""};
    enum kafka_admin_outcome outcome;
    assert_int_equal(kafka_admin_apply_topic(admin, topic, &outcome, &err), RC_REJECT);
    assert_non_null(strstr(err.text, topic->name));
    assert_non_null(strstr(err.text, word));
}

static void topics_become_what_is_written(void **state)
{
    (void)state;
    struct kafka_admin_setting settings[] = {{"cleanup.policy", "compact"},
                                             {"message.timestamp.type", "LogAppendTime"},
                                             {"retention.ms", "1209600000"}};
    struct kafka_admin_topic topic = {.name = "applied",
                                      .partitions = 5,
                                      .replication = 1,
                                      .settings = settings,
                                      .settings_count = 3};
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_CREATED);
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_UNCHANGED);
    settings[0].value = "delete";
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_ALTERED);
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_UNCHANGED);

    /* A setting that is no longer named stays: naming it again finds it as it was. */
    topic.settings_count = 2;
    settings[0].value = "compact";
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_ALTERED);
    topic.settings_count = 3;
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_UNCHANGED);

    topic.partitions = 6;
    assert_refused(&topic, "partitions");
    topic.partitions = 5;
    topic.replication = 3;
    assert_refused(&topic, "copies");
    topic.replication = 0;
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_UNCHANGED);
    settings[0].value = "sideways";
    assert_refused(&topic, "sideways");
}

static void a_small_cluster_gets_fewer_copies(void **state)
{
    (void)state;
    size_t brokers = 0;
    struct err err;
    const struct kafka_admin_setting settings[] = {{"min.insync.replicas", "2"}};
    struct kafka_admin_topic topic = {.name = "small",
                                      .partitions = 1,
                                      .replication = 3,
                                      .settings = settings,
                                      .settings_count = 1};
    assert_int_equal(kafka_admin_broker_count(admin, &brokers, &err), RC_OK);
    assert_int_equal(brokers, 1);
    assert_refused(&topic, "could not create");
    topic.replication_max = 1;
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_CREATED);
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_UNCHANGED);
    const struct kafka_admin_setting one[] = {{"min.insync.replicas", "1"}};
    topic.replication = 1;
    topic.settings = one;
    assert_applied(&topic, KAFKA_ADMIN_OUTCOME_UNCHANGED);
}

static void acls_are_added_once(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    enum kafka_admin_outcome outcome;
    static const char *const resources[] = {"topic", "group", "cluster"};
    for (size_t i = 0; i < 3; i++) {
        const struct kafka_admin_acl acl = {
            .principal = "User:kasumori-agent",
            .resource = resources[i],
            .name = i == 2 ? "kafka-cluster" : "kasumori.records.v1",
            .operation = i == 2 ? "idempotent_write" : "read",
        };
        assert_int_equal(kafka_admin_apply_acl(admin, &acl, &outcome, &err), RC_OK);
        assert_int_equal(outcome, KAFKA_ADMIN_OUTCOME_CREATED);
        assert_int_equal(kafka_admin_apply_acl(admin, &acl, &outcome, &err), RC_OK);
        assert_int_equal(outcome, KAFKA_ADMIN_OUTCOME_UNCHANGED);
    }
    struct kafka_admin_acl other = {.principal = "User:kasumori-agent",
                                    .resource = "topic",
                                    .name = "kasumori.",
                                    .is_prefix = 1,
                                    .operation = "write"};
    assert_int_equal(kafka_admin_apply_acl(admin, &other, &outcome, &err), RC_OK);
    assert_int_equal(outcome, KAFKA_ADMIN_OUTCOME_CREATED);
    other.operation = "wriite";
    assert_int_equal(kafka_admin_apply_acl(admin, &other, &outcome, &err), RC_REJECT);
    assert_non_null(strstr(err.text, "wriite"));
    other.operation = "write";
    other.principal = "kasumori-agent";
    assert_int_equal(kafka_admin_apply_acl(admin, &other, &outcome, &err), RC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_become_what_is_written),
        cmocka_unit_test(a_small_cluster_gets_fewer_copies),
        cmocka_unit_test(acls_are_added_once),
    };
    return cmocka_run_group_tests(tests, open_admin, close_admin);
}
