#include <string.h>

#include "services/cli/cli.h"
#include "services/common/base/limits.h"
#include "tests/support/unit.h"

static int run_nothing(struct cli *cli)
{
    (void)cli;
    return CLI_OK;
}

static const struct cli_option OPTIONS[] = {
    {"name", "NAME", 1, "a required one"}, {"all", NULL, 0, "a flag"}, {0}};

static const struct cli_verb ALONE[] = {
    {.group = "alone", .is_on_database = 1, .summary = "one word", .run = run_nothing},
    {0},
};
static const struct cli_verb GROUP[] = {
    {.group = "group",
     .verb = "one",
     .arguments = "FILE",
     .arguments_count = 1,
     .options = OPTIONS,
     .run = run_nothing},
    {.group = "group", .verb = "two", .run = run_nothing},
    {0},
};
static const struct cli_verb *const TABLES[] = {ALONE, GROUP, NULL};

static struct cli cli;
static struct err err;

#define PARSE(...)                                   \
    parse((char *[]){"kasumori", __VA_ARGS__, NULL}, \
          sizeof((char *[]){"kasumori", __VA_ARGS__}) / sizeof(char *))

static enum cli_parsed parse(char **argv, size_t argc)
{
    cli = (struct cli){0};
    err = (struct err){0};
    return cli_parse(TABLES, (int)argc, argv, &cli, &err);
}

static void test_what_runs(void **state)
{
    (void)state;
    assert_int_equal(PARSE("alone"), CLI_PARSED_RUN);
    assert_ptr_equal(cli.verb, &ALONE[0]);
    assert_null(cli.database);
    assert_int_equal(PARSE("alone", "--database", "dbname=x"), CLI_PARSED_RUN);
    assert_string_equal(cli.database, "dbname=x");
    assert_int_equal(PARSE("group", "one", "--name", "n", "file"), CLI_PARSED_RUN);
    assert_ptr_equal(cli.verb, &GROUP[0]);
    assert_string_equal(cli_value(&cli, "name"), "n");
    assert_false(cli_has(&cli, "all"));
    assert_string_equal(cli.arguments[0], "file");
    assert_int_equal(PARSE("group", "one", "file", "--all", "--name=n"), CLI_PARSED_RUN);
    assert_true(cli_has(&cli, "all"));
    assert_string_equal(cli.arguments[0], "file");
    assert_int_equal(PARSE("group", "two"), CLI_PARSED_RUN);
    assert_ptr_equal(cli.verb, &GROUP[1]);
}

static void test_help_and_version(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--version"), CLI_PARSED_VERSION);
    assert_int_equal(PARSE("help"), CLI_PARSED_HELP);
    assert_null(cli.verb);
    assert_int_equal(PARSE("--help"), CLI_PARSED_HELP);
    assert_int_equal(PARSE("alone", "--help"), CLI_PARSED_HELP);
    assert_ptr_equal(cli.verb, &ALONE[0]);
    assert_int_equal(PARSE("group", "--help"), CLI_PARSED_HELP);
    assert_null(cli.verb);
    assert_string_equal(cli.arguments[0], "group");
    /* Help is given although the required option is missing. */
    assert_int_equal(PARSE("group", "one", "--help"), CLI_PARSED_HELP);
    assert_ptr_equal(cli.verb, &GROUP[0]);
}

#define EXPECT_USAGE(sentence, ...)                             \
    do {                                                        \
        assert_int_equal(PARSE(__VA_ARGS__), CLI_PARSED_USAGE); \
        assert_string_equal(err.text, sentence);                \
    } while (0)

static void test_wrong_usage_is_said(void **state)
{
    char *nothing[] = {"kasumori", NULL};
    (void)state;
    assert_int_equal(parse(nothing, 1), CLI_PARSED_USAGE);
    EXPECT_USAGE("unknown command nope: see kasumori help", "nope");
    EXPECT_USAGE("kasumori group needs a second word: see kasumori help", "group");
    EXPECT_USAGE("kasumori group needs a second word: see kasumori help", "group", "three");
    EXPECT_USAGE("--name is missing", "group", "one", "file");
    EXPECT_USAGE("missing: FILE", "group", "one", "--name", "n");
    EXPECT_USAGE("cannot use \"more\": one argument too many", "group", "one", "--name", "n",
                 "file", "more");
    EXPECT_USAGE("unknown option --bad", "alone", "--bad");
    EXPECT_USAGE("unknown option --bad", "alone", "--database", "d", "--bad");
    EXPECT_USAGE("unknown option --bad=3", "alone", "--bad=3");
    EXPECT_USAGE("--name needs a value", "group", "one", "--name");
    EXPECT_USAGE("unknown option --database", "group", "two", "--database", "d");
}

static void test_names(void **state)
{
    static const char *const BAD[] = {"", ".hidden", "a/b", "a b", "店", "a\n"};
    char name[LIMIT_NAME_BYTES + 2];
    (void)state;
    assert_int_equal(cli_check_name("--site", "S001.a_b-c", &err), RC_OK);
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(cli_check_name("--site", BAD[i], &err), RC_REJECT);
    memset(name, 'a', sizeof(name));
    name[LIMIT_NAME_BYTES] = '\0';
    assert_int_equal(cli_check_name("--site", name, &err), RC_OK);
    name[LIMIT_NAME_BYTES] = 'a';
    name[LIMIT_NAME_BYTES + 1] = '\0';
    assert_int_equal(cli_check_name("--site", name, &err), RC_REJECT);
}

static void test_numbers(void **state)
{
    int64_t value;
    (void)state;
    assert_int_equal(cli_number("--n", "12", 0, 12, &value, &err), RC_OK);
    assert_int_equal(value, 12);
    assert_int_equal(cli_number("--n", "-3", -5, 12, &value, &err), RC_OK);
    assert_int_equal(value, -3);
    assert_int_equal(cli_number("--n", "13", 0, 12, &value, &err), RC_REJECT);
    assert_string_equal(err.text, "--n: want a number from 0 to 12");
    assert_int_equal(cli_number("--n", "1x", 0, 12, &value, &err), RC_REJECT);
    assert_int_equal(cli_number("--n", "", 0, 12, &value, &err), RC_REJECT);
    assert_int_equal(cli_number("--n", "-", 0, 12, &value, &err), RC_REJECT);
    assert_int_equal(cli_number("--n", " 1", 0, 12, &value, &err), RC_REJECT);
    assert_int_equal(cli_number("--n", "99999999999999999999", 0, INT64_MAX, &value, &err),
                     RC_REJECT);
    assert_int_equal(value, -3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_runs),
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_wrong_usage_is_said),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers),
    };
    return UNIT_MAIN(tests);
}
