/* Settings into the library: what is refused, what is set whether asked or not, and that a secret
   does not come back in a message. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/kafka/kafka_config.h"

static void write_file(char *path, const char *text, mode_t mode)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void assert_setting(const rd_kafka_conf_t *conf, const char *name, const char *wanted)
{
    char value[256];
    size_t size = sizeof(value);
    assert_int_equal(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, wanted);
}

static void sets_the_manners(void **state)
{
    (void)state;
    struct err err;
    rd_kafka_conf_t *conf;
    const struct kafka_config config = {.brokers = "127.0.0.1:9"};
    assert_int_equal(kafka_config_new(&config, &conf, &err), RC_OK);
    assert_setting(conf, "bootstrap.servers", "127.0.0.1:9");
    assert_setting(conf, "client.id", "kasumori");
    assert_setting(conf, "socket.nagle.disable", "true");
    assert_setting(conf, "statistics.interval.ms", "0");
    assert_setting(conf, "security.protocol", "plaintext");
    rd_kafka_conf_destroy(conf);
}

static void assert_refused(const struct kafka_config *config, const char *place)
{
    struct err err = {.rc = RC_OK};
    rd_kafka_conf_t *conf;
    assert_int_equal(kafka_config_new(config, &conf, &err), RC_REJECT);
    assert_int_equal(err.rc, RC_REJECT);
    assert_non_null(strstr(err.text, place));
    assert_null(strstr(err.text, "hunter2"));
}

static void refuses_what_cannot_work(void **state)
{
    (void)state;
    assert_refused(&(struct kafka_config){.brokers = NULL}, "brokers");
    assert_refused(&(struct kafka_config){.brokers = ""}, "brokers");
    assert_refused(&(struct kafka_config){.brokers = "h:1", .security_protocol = "tls"},
                   "security_protocol");
    assert_refused(&(struct kafka_config){.brokers = "h:1", .security_protocol = "sasl_ssl"},
                   "sasl_mechanism");
    assert_refused(&(struct kafka_config){.brokers = "h:1",
                                          .security_protocol = "sasl_ssl",
                                          .sasl_mechanism = "GSSAPI"},
                   "sasl_mechanism");
    assert_refused(&(struct kafka_config){.brokers = "h:1",
                                          .security_protocol = "sasl_ssl",
                                          .sasl_mechanism = "SCRAM-SHA-512",
                                          .sasl_username = "a"},
                   "sasl_password_file");
}

static void takes_the_password_from_a_private_file(void **state)
{
    (void)state;
    struct err err;
    rd_kafka_conf_t *conf;
    char good[] = "/tmp/kafka-config-XXXXXX", open_to_all[] = "/tmp/kafka-config-XXXXXX";
    char empty[] = "/tmp/kafka-config-XXXXXX";
    write_file(good, "hunter2\r\n", 0600);
    write_file(open_to_all, "hunter2\n", 0644);
    write_file(empty, "\n", 0600);
    struct kafka_config config = {
        .brokers = "h:1",
        .security_protocol = "SASL_PLAINTEXT",
        .sasl_mechanism = "SCRAM-SHA-512",
        .sasl_username = "kasumori-agent",
        .sasl_password_file = good,
    };
    assert_int_equal(kafka_config_new(&config, &conf, &err), RC_OK);
    assert_setting(conf, "sasl.password", "hunter2");
    rd_kafka_conf_destroy(conf);
    config.sasl_password_file = open_to_all;
    assert_refused(&config, open_to_all);
    config.sasl_password_file = empty;
    assert_refused(&config, empty);
    unlink(good);
    unlink(open_to_all);
    unlink(empty);
}

static void knows_the_librarys_features(void **state)
{
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_true(kafka_config_has_feature(conf, "lz4"));
    assert_true(kafka_config_has_feature(conf, "ssl"));
    assert_false(kafka_config_has_feature(conf, "lz"));
    assert_false(kafka_config_has_feature(conf, "telepathy"));
    rd_kafka_conf_destroy(conf);
}

/* A setting of another library version is no reason to fail, a misspelt one of ours is. */
static void tries_only_when_asked_to_try(void **state)
{
    (void)state;
    struct err err;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const struct kafka_config_setting unknown[] = {{"linger.mss", "5"}, {NULL, NULL}};
    kafka_config_try(conf, "linger.mss", "5");
    assert_int_equal(kafka_config_set_all(conf, unknown, &err), RC_REJECT);
    assert_non_null(strstr(err.text, "linger.mss"));
    assert_int_equal(kafka_config_set_int(conf, "linger.ms", 7, &err), RC_OK);
    assert_setting(conf, "linger.ms", "7");
    rd_kafka_conf_destroy(conf);
}

static void consumer_refuses_what_cannot_work(void **state)
{
    (void)state;
    struct err err;
    struct kafka_consumer *consumer = NULL;
    struct kafka_consumer_config good = {
        .kafka = {.brokers = "127.0.0.1:9"},
        .topic = "t",
        .group = "g",
        .session_ms = 10000,
        .queued_kib_max = 1024,
    };
    struct kafka_consumer_config bad = good;
    bad.topic = "";
    assert_int_equal(kafka_consumer_new(&bad, &consumer, &err), RC_REJECT);
    bad = good;
    bad.session_ms = 999;
    assert_int_equal(kafka_consumer_new(&bad, &consumer, &err), RC_REJECT);
    bad = good;
    bad.queued_kib_max = 1023;
    assert_int_equal(kafka_consumer_new(&bad, &consumer, &err), RC_REJECT);
    assert_null(consumer);
}

static void producer_refuses_what_cannot_work(void **state)
{
    (void)state;
    struct err err;
    struct kafka_producer *producer = NULL;
    const struct kafka_config config = {.brokers = "127.0.0.1:9"};
    assert_int_equal(kafka_producer_new(&config, 0, &producer, &err), RC_REJECT);
    assert_int_equal(kafka_producer_new(&config, 1000001, &producer, &err), RC_REJECT);
    assert_null(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_the_manners),
        cmocka_unit_test(refuses_what_cannot_work),
        cmocka_unit_test(takes_the_password_from_a_private_file),
        cmocka_unit_test(knows_the_librarys_features),
        cmocka_unit_test(tries_only_when_asked_to_try),
        cmocka_unit_test(consumer_refuses_what_cannot_work),
        cmocka_unit_test(producer_refuses_what_cannot_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
