#include <string.h>

#include "services/cli/agent_bundle.h"
#include "services/common/base/hex.h"
#include "tests/support/unit.h"

static struct agent_bundle make(const char *kinds)
{
    struct agent_bundle bundle = {
        .tenant = "acme",
        .site = "s001",
        .agent = "s001-a",
        .mac_key = {.key_id = 7, .key = {0xab}},
        .vault_public = {0xcd},
        .token_masters = {.count = 2, .items = {{.key_id = 1}, {.key_id = 9}}},
        .kinds = kinds,
        .kafka = {.brokers = "k1:9092,k2:9092"},
        .topic_records = "r",
        .topic_health = "h",
    };
    return bundle;
}

static int set_up(void **state)
{
    (void)state;
    return token_init(NULL) == RC_OK ? 0 : -1;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void test_one_key_a_kind_and_master(void **state)
{
    struct agent_bundle bundle = make("phone,mail");
    struct token_key key;
    char digits[2 * TOKEN_KEY_BYTES + 1];
    struct buf out;
    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(agent_bundle_write(&bundle, &out, NULL), RC_OK);
    const char *text = (const char *)out.data;
    assert_int_equal(count_of(text, "  - kind: phone\n"), 2);
    assert_int_equal(count_of(text, "  - kind: mail\n"), 2);
    assert_int_equal(count_of(text, "    key_id: 9\n"), 2);
    token_derive_key(bundle.token_masters.items[1].master, "acme", 4, 9, &key);
    hex_format(key.key, sizeof(key.key), digits);
    assert_int_equal(count_of(text, digits), 1);
    assert_non_null(strstr(text, "\nmac_key_id: 7\nmac_key: \"ab00"));
    assert_non_null(strstr(text, "\nvault_public_key: \"cd00"));
    assert_non_null(
        strstr(text, "kafka:\n  brokers: \"k1:9092,k2:9092\"\n  topic_records: \"r\"\n"));
    assert_null(strstr(text, "sasl")); /* what was not given is not there */
    buf_done(&out);
}

static void test_all_kinds_by_default(void **state)
{
    struct agent_bundle bundle = make(agent_bundle_kinds);
    struct buf out;
    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(agent_bundle_write(&bundle, &out, NULL), RC_OK);
    assert_int_equal(count_of((const char *)out.data, "  - kind: "), 2 * 10);
    buf_done(&out);
}

static void test_strings_cannot_say_more(void **state)
{
    struct agent_bundle bundle = make("phone");
    struct buf out;
    (void)state;
    bundle.kafka.brokers = "k1\"\nmac_key: x\\";
    buf_init(&out, 65536);
    assert_int_equal(agent_bundle_write(&bundle, &out, NULL), RC_OK);
    assert_non_null(strstr((const char *)out.data, "  brokers: \"k1\\\"\\x0amac_key: x\\\\\"\n"));
    buf_done(&out);
}

static void test_bad_kinds(void **state)
{
    static const char *const BAD[] = {"",      "phone,",     ",phone", "fax", "phone,phone",
                                      "Phone", "unspecified"};
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct agent_bundle bundle = make(BAD[i]);
        struct buf out;
        struct err err;
        buf_init(&out, 65536);
        assert_int_equal(agent_bundle_write(&bundle, &out, &err), RC_REJECT);
        assert_non_null(strstr(err.text, "--kinds: "));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_key_a_kind_and_master),
        cmocka_unit_test(test_all_kinds_by_default),
        cmocka_unit_test(test_strings_cannot_say_more),
        cmocka_unit_test(test_bad_kinds),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
