/* The options of a decision. */
#include <string.h>
#include <strings.h>

#include "services/cli/decide.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/decision/decision.h"
#include "services/common/history/history_names.h"

/* ---- single values ---- */

/* What is wrong, behind the option that said it. */
static enum rc at_option(const char *what, enum rc rc, struct err *err)
{
    return rc == RC_OK ? rc : err_prefix(err, "%s", what);
}

static enum rc read_value(const char *text, struct fact_decision *fact, struct err *err)
{
    if (fact->kind == FACT_DECISION_VERDICT)
        return history_verdict_find(slice_str(text), &fact->verdict)
                   ? RC_OK
                   : err_set(err, RC_REJECT,
                             "--value: want complaint, suspected, confirmed or rejected");
    fact->is_yes = strcmp(text, "yes") == 0;
    if (!fact->is_yes && strcmp(text, "no") != 0)
        return err_set(err, RC_REJECT, "--value: want yes or no");
    return RC_OK;
}

static enum rc read_rule(const char *text, struct fact_decision *fact, struct err *err)
{
    fact->name = slice_str(text);
    return at_option("--rule", decision_check_rule(fact->name, err), err);
}

static enum rc read_until(const char *text, int64_t now_us, struct fact_decision *fact,
                          struct err *err)
{
    struct err why;
    if (timefmt_parse_rfc3339(text, &fact->until_us, &why) != RC_OK)
        return err_set(err, RC_REJECT, "--until: %s", why.text);
    if (fact->until_us <= now_us)
        return err_set(err, RC_REJECT, "--until: the end has passed already");
    return RC_OK;
}

/* ---- lists ---- */

static enum rc read_records(const char *text, struct decide *decide, struct err *err)
{
    struct slice list = slice_str(text), item;
    size_t count = 0;
    enum rc rc = RC_OK;
    while (rc == RC_OK && naming_next(&list, &item)) {
        if (count == DECISION_NAMES_MAX)
            return err_set(err, RC_REJECT, "--record: more than %d", DECISION_NAMES_MAX);
        rc = naming_parse_uuid("--record", item, &decide->records[count++], err);
    }
    decide->fact.records_count = count;
    return rc;
}

static enum rc read_classes(const char *text, struct decide *decide, struct err *err)
{
    struct slice list = slice_str(text), item;
    size_t count = 0;
    enum rc rc = RC_OK;
    while (rc == RC_OK && naming_next(&list, &item)) {
        if (count == DECISION_NAMES_MAX)
            return err_set(err, RC_REJECT, "--class: more than %d", DECISION_NAMES_MAX);
        rc = naming_parse_class("--class", item, &decide->names[count++], err);
    }
    decide->classes_count = count;
    return rc;
}

static enum rc read_scope(const char *text, struct decide *decide, struct err *err)
{
    struct slice list = slice_str(text), item;
    size_t count = 0;
    while (naming_next(&list, &item)) {
        if (count == DECISION_NAMES_MAX)
            return err_set(err, RC_REJECT, "--scope: more than %d", DECISION_NAMES_MAX);
        if (!cli_is_name(item))
            return err_set(err, RC_REJECT, "--scope: want sites, parted by commas");
        decide->scope[count++] = item;
    }
    decide->fact.scope_count = count;
    return RC_OK;
}

/* ---- all ---- */

/* NULL also when the verb has no such option. */
static const char *value_of(const struct cli *cli, const char *name)
{
    for (const struct cli_option *option = cli->verb->options; option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return cli_value(cli, name);
    return NULL;
}

static enum rc read_persons(const struct cli *cli, struct fact_decision *fact, struct err *err)
{
    const char *by = cli_value(cli, "by"), *second = cli_value(cli, "second");
    enum rc rc = cli_check_name("--by", by, err);
    if (rc == RC_OK && second != NULL)
        rc = cli_check_name("--second", second, err);
    if (rc != RC_OK)
        return rc;
    if (decision_needs_two(fact->kind) && second == NULL)
        return err_set(err, RC_REJECT, "--second: this decision needs a second person");
    if (second != NULL && strcasecmp(by, second) == 0)
        return err_set(err, RC_REJECT, "--second: the second person is the first");
    fact->made_by = slice_str(by);
    fact->second_by = slice_str(second);
    return at_option(
        "--reason",
        decision_check_text(slice_str(cli_value(cli, "reason")), DECISION_REASON_BYTES, err), err);
}

static enum rc read_numbers(const struct cli *cli, struct fact_decision *fact, struct err *err)
{
    int64_t ordinal = 0;
    const char *text = value_of(cli, "ordinal");
    enum rc rc = RC_OK;
    if (text != NULL)
        rc = cli_number("--ordinal", text, 0, INT16_MAX, &ordinal, err);
    fact->ordinal = (uint32_t)ordinal;
    text = value_of(cli, "no");
    if (rc == RC_OK && text != NULL)
        rc = cli_number("--no", text, 1, INT64_MAX, &fact->revoked_no, err);
    text = value_of(cli, "handle");
    if (rc == RC_OK && text != NULL && hex_parse(text, fact->handle, FACT_MAC_BYTES) != RC_OK)
        rc = err_set(err, RC_REJECT, "--handle: want %d hexadecimal digits", 2 * FACT_MAC_BYTES);
    return rc;
}

static enum rc read_words(const struct cli *cli, int64_t now_us, struct decide *decide,
                          struct err *err)
{
    struct fact_decision *fact = &decide->fact;
    enum rc rc = RC_OK;
    const char *text = value_of(cli, "value");
    if (text != NULL)
        rc = read_value(text, fact, err);
    text = value_of(cli, "rule");
    if (rc == RC_OK && text != NULL)
        rc = read_rule(text, fact, err);
    text = value_of(cli, "until");
    if (rc == RC_OK && text != NULL)
        rc = read_until(text, now_us, fact, err);
    text = value_of(cli, "name");
    if (rc == RC_OK && text != NULL) {
        fact->name = slice_str(text);
        rc = at_option("--name", decision_check_text(fact->name, LIMIT_STRING_BYTES, err), err);
    }
    return rc;
}

/* The classes are names still; they are counted as what they will be. */
static enum rc check_counts(const struct decide *decide, struct err *err)
{
    struct fact_decision fact = decide->fact;
    enum decision_part part;
    fact.classes_count = decide->classes_count;
    enum rc rc = decision_check_counts(&fact, &part, err);
    return at_option(part == DECISION_PART_RECORDS ? "--record" : "--class", rc, err);
}

enum rc decide_read(const struct cli *cli, int64_t now_us, struct decide *ret_decide,
                    struct err *err)
{
    struct decide *decide = ret_decide;
    *decide = (struct decide){0};
    const char *records = value_of(cli, "record"), *classes = value_of(cli, "class");
    const char *scope = value_of(cli, "scope");
    if (!history_decision_find(slice_str(cli->verb->verb), &decide->fact.kind))
        return err_set(err, RC_REJECT, "%s is no decision", cli->verb->verb);
    enum rc rc = cli_check_name("--tenant", cli_value(cli, "tenant"), err);
    if (rc == RC_OK)
        rc = read_persons(cli, &decide->fact, err);
    if (rc == RC_OK)
        rc = read_numbers(cli, &decide->fact, err);
    if (rc == RC_OK)
        rc = read_words(cli, now_us, decide, err);
    if (rc == RC_OK && records != NULL)
        rc = read_records(records, decide, err);
    if (rc == RC_OK && classes != NULL)
        rc = read_classes(classes, decide, err);
    if (rc == RC_OK && scope != NULL)
        rc = read_scope(scope, decide, err);
    if (rc == RC_OK)
        rc = check_counts(decide, err);
    decide->fact.records = decide->records;
    decide->fact.classes = decide->classes;
    decide->fact.scope = decide->scope;
    return rc;
}
