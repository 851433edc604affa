/* The options of a decision, and its stored form. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "services/cli/decide.h"
#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/timefmt.h"
#include "services/common/base/utf8.h"
#include "services/common/correlate/rule.h"
#include "services/common/history/history_names.h"

/* ---- single values ---- */

static enum rc check_text(const char *what, const char *text, size_t bytes_max, struct err *err)
{
    struct slice slice = slice_str(text);
    int is_blank = 1;
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.data[i] < ' ' || slice.data[i] == 0x7f)
            return err_set(err, RC_REJECT, "%s: holds a control character", what);
        is_blank &= slice.data[i] == ' ';
    }
    if (is_blank || slice.size > bytes_max || !utf8_is_valid(slice))
        return err_set(err, RC_REJECT, "%s: want 1 to %zu bytes of UTF-8", what, bytes_max);
    return RC_OK;
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
    for (int rule = 0; rule < RULE_COUNT; rule++)
        if (strcmp(rule_name((enum rule)rule), text) == 0)
            return RC_OK;
    return err_set(err, RC_REJECT,
                   "--rule: want confinement, repetition, repeat_matter, cross_site or escalation");
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
        if (count == DECIDE_NAMES_MAX)
            return err_set(err, RC_REJECT, "--record: more than %d", DECIDE_NAMES_MAX);
        rc = naming_parse_uuid("--record", item, &decide->records[count++], err);
    }
    decide->fact.records_count = count;
    if (rc == RC_OK && count == 0)
        rc = err_set(err, RC_REJECT, "--record: want a UUID");
    if (rc == RC_OK && decide->fact.kind == FACT_DECISION_ATTACH && count != 1)
        rc = err_set(err, RC_REJECT, "--record: want one record");
    if (rc == RC_OK && decide->fact.kind == FACT_DECISION_SAME_OCCURRENCE && count < 2)
        rc = err_set(err, RC_REJECT, "--record: want two records or more");
    return rc;
}

static enum rc read_classes(const char *text, struct decide *decide, struct err *err)
{
    struct slice list = slice_str(text), item;
    enum fact_decision_kind kind = decide->fact.kind;
    size_t count = 0;
    enum rc rc = RC_OK;
    while (rc == RC_OK && naming_next(&list, &item)) {
        if (count == DECIDE_NAMES_MAX)
            return err_set(err, RC_REJECT, "--class: more than %d", DECIDE_NAMES_MAX);
        rc = naming_parse_class("--class", item, &decide->names[count++], err);
    }
    decide->classes_count = count;
    if (rc == RC_OK && count == 0)
        rc = err_set(err, RC_REJECT, "--class: want kind:key_id:mac@time");
    if (rc == RC_OK && (kind == FACT_DECISION_LINK || kind == FACT_DECISION_SUPPRESS) && count != 2)
        rc = err_set(err, RC_REJECT, "--class: want two classes");
    if (rc == RC_OK && kind == FACT_DECISION_PIN_SHARED && count != 1)
        rc = err_set(err, RC_REJECT, "--class: want one class");
    return rc;
}

static enum rc read_scope(const char *text, struct decide *decide, struct err *err)
{
    struct slice list = slice_str(text), item;
    size_t count = 0;
    while (naming_next(&list, &item)) {
        if (count == DECIDE_NAMES_MAX)
            return err_set(err, RC_REJECT, "--scope: more than %d", DECIDE_NAMES_MAX);
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
    int needs_two =
        fact->kind == FACT_DECISION_RESTRICT || fact->kind == FACT_DECISION_CONFIRM_PERSON;
    if (needs_two && second == NULL)
        return err_set(err, RC_REJECT, "--second: this decision needs a second person");
    if (second != NULL && strcasecmp(by, second) == 0)
        return err_set(err, RC_REJECT, "--second: the second person is the first");
    fact->made_by = slice_str(by);
    fact->second_by = slice_str(second);
    return check_text("--reason", cli_value(cli, "reason"), DECIDE_REASON_BYTES, err);
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
        rc = check_text("--name", text, LIMIT_STRING_BYTES, err);
        fact->name = slice_str(text);
    }
    return rc;
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
    decide->fact.records = decide->records;
    decide->fact.classes = decide->classes;
    decide->fact.scope = decide->scope;
    return rc;
}

/* ---- body ---- */

static void put_text(struct buf *out, struct slice text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.size; i++) { /* control characters were refused */
        if (text.data[i] == '"' || text.data[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, (char)text.data[i]);
    }
    buf_add_char(out, '"');
}

static void put_key(struct buf *out, const char *key)
{
    buf_addf(out, "%s\"%s\":", out->size > 1 ? "," : "", key);
}

static void put_hex(struct buf *out, const uint8_t bytes[FACT_MAC_BYTES])
{
    char digits[2 * FACT_MAC_BYTES + 1];
    hex_format(bytes, FACT_MAC_BYTES, digits);
    buf_addf(out, "\"%s\"", digits);
}

static void put_class(struct buf *out, const struct fact_class *class)
{
    buf_addf(out, "{\"token\":[%" PRIu32 ",%" PRIu32 ",", class->token.kind, class->token.key_id);
    put_hex(out, class->token.mac);
    buf_addf(out, "],\"at\":%" PRId64 "}", class->at_us);
}

static void put_records(struct buf *out, const struct fact_decision *fact)
{
    if (fact->kind == FACT_DECISION_ATTACH) {
        put_key(out, "record");
        put_hex(out, fact->records[0].bytes);
        return;
    }
    put_key(out, "records");
    for (size_t i = 0; i < fact->records_count; i++) {
        buf_add_char(out, i == 0 ? '[' : ',');
        put_hex(out, fact->records[i].bytes);
    }
    buf_add_char(out, ']');
}

static void put_classes(struct buf *out, const struct fact_decision *fact)
{
    int is_pair = fact->kind == FACT_DECISION_LINK || fact->kind == FACT_DECISION_SUPPRESS;
    if (is_pair || fact->kind == FACT_DECISION_PIN_SHARED) {
        for (size_t i = 0; i < fact->classes_count; i++) {
            put_key(out, !is_pair ? "class" : i == 0 ? "a" : "b");
            put_class(out, &fact->classes[i]);
        }
        return;
    }
    put_key(out, "classes");
    for (size_t i = 0; i < fact->classes_count; i++) {
        buf_add_char(out, i == 0 ? '[' : ',');
        put_class(out, &fact->classes[i]);
    }
    buf_add_char(out, ']');
}

static void put_words(struct buf *out, const struct fact_decision *fact)
{
    if (fact->kind == FACT_DECISION_VERDICT) {
        put_key(out, "value");
        put_text(out, slice_str(history_verdict_name(fact->verdict)));
    }
    if (fact->kind == FACT_DECISION_PIN_SHARED) {
        put_key(out, "value");
        buf_add_str(out, fact->is_yes ? "true" : "false");
    }
    if (fact->name.size > 0) {
        put_key(out, fact->kind == FACT_DECISION_ACK ? "rule" : "name");
        put_text(out, fact->name);
    }
    if (fact->kind == FACT_DECISION_ATTACH) {
        put_key(out, "ordinal");
        buf_addf(out, "%" PRIu32, fact->ordinal);
        put_key(out, "handle");
        put_hex(out, fact->handle);
    }
    if (fact->kind == FACT_DECISION_REVOKE) {
        put_key(out, "no_revoked");
        buf_addf(out, "%" PRId64, fact->revoked_no);
    }
}

void decide_write_body(const struct decide *decide, struct buf *out)
{
    const struct fact_decision *fact = &decide->fact;
    buf_add_char(out, '{');
    if (fact->records_count > 0)
        put_records(out, fact);
    if (fact->classes_count > 0)
        put_classes(out, fact);
    put_words(out, fact);
    for (size_t i = 0; i < fact->scope_count; i++) {
        if (i == 0)
            put_key(out, "scope");
        buf_add_char(out, i == 0 ? '[' : ',');
        put_text(out, fact->scope[i]);
    }
    if (fact->scope_count > 0)
        buf_add_char(out, ']');
    if (fact->until_us != 0) {
        put_key(out, "until");
        buf_addf(out, "%" PRId64, fact->until_us);
    }
    buf_add_char(out, '}');
}
