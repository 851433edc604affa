/* The rules of a decision's form, once. Invariant: a body written here is what history_load reads.
 */
#include "services/common/decision/decision.h"

#include <inttypes.h>

#include "services/common/base/hex.h"
#include "services/common/base/jsontext.h"
#include "services/common/base/utf8.h"
#include "services/common/correlate/rule.h"
#include "services/common/history/history_names.h"

int decision_needs_two(enum fact_decision_kind kind)
{
    return kind == FACT_DECISION_RESTRICT || kind == FACT_DECISION_CONFIRM_PERSON;
}

unsigned decision_parts(enum fact_decision_kind kind)
{
    switch (kind) {
    case FACT_DECISION_VERDICT:
        return DECISION_PART_RECORDS | DECISION_PART_VALUE;
    case FACT_DECISION_LINK:
    case FACT_DECISION_SUPPRESS:
    case FACT_DECISION_NOT_LISTABLE:
        return DECISION_PART_CLASSES;
    case FACT_DECISION_PIN_SHARED:
        return DECISION_PART_CLASSES | DECISION_PART_VALUE;
    case FACT_DECISION_ATTACH:
        return DECISION_PART_RECORDS | DECISION_PART_ORDINAL | DECISION_PART_HANDLE;
    case FACT_DECISION_SAME_OCCURRENCE:
        return DECISION_PART_RECORDS;
    case FACT_DECISION_MATTER:
    case FACT_DECISION_ACK:
        return DECISION_PART_RECORDS | DECISION_PART_NAME;
    case FACT_DECISION_RESTRICT:
        return DECISION_PART_CLASSES | DECISION_PART_SCOPE | DECISION_PART_UNTIL;
    case FACT_DECISION_CONFIRM_PERSON:
        return DECISION_PART_CLASSES | DECISION_PART_UNTIL;
    case FACT_DECISION_REVOKE:
        return DECISION_PART_REVOKED;
    }
    return 0;
}

static enum rc check_records(const struct fact_decision *fact, struct err *err)
{
    if (fact->records_count == 0)
        return err_set(err, RC_REJECT, "want a UUID");
    if (fact->kind == FACT_DECISION_ATTACH && fact->records_count != 1)
        return err_set(err, RC_REJECT, "want one record");
    if (fact->kind == FACT_DECISION_SAME_OCCURRENCE && fact->records_count < 2)
        return err_set(err, RC_REJECT, "want two records or more");
    return RC_OK;
}

static enum rc check_classes(const struct fact_decision *fact, struct err *err)
{
    int is_pair = fact->kind == FACT_DECISION_LINK || fact->kind == FACT_DECISION_SUPPRESS;
    if (fact->classes_count == 0)
        return err_set(err, RC_REJECT, "want kind:key_id:mac@time");
    if (is_pair && fact->classes_count != 2)
        return err_set(err, RC_REJECT, "want two classes");
    if (fact->kind == FACT_DECISION_PIN_SHARED && fact->classes_count != 1)
        return err_set(err, RC_REJECT, "want one class");
    return RC_OK;
}

enum rc decision_check_counts(const struct fact_decision *fact, enum decision_part *ret_part,
                              struct err *err)
{
    unsigned parts = decision_parts(fact->kind);
    enum rc rc = RC_OK;
    *ret_part = DECISION_PART_RECORDS;
    if ((parts & DECISION_PART_RECORDS) != 0)
        rc = check_records(fact, err);
    if (rc != RC_OK)
        return rc;
    *ret_part = DECISION_PART_CLASSES;
    return (parts & DECISION_PART_CLASSES) != 0 ? check_classes(fact, err) : RC_OK;
}

enum rc decision_check_text(struct slice text, size_t bytes_max, struct err *err)
{
    int is_blank = 1;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return err_set(err, RC_REJECT, "holds a control character");
        is_blank &= text.data[i] == ' ';
    }
    if (is_blank || text.size > bytes_max || !utf8_is_valid(text))
        return err_set(err, RC_REJECT, "want 1 to %zu bytes of UTF-8", bytes_max);
    return RC_OK;
}

enum rc decision_check_rule(struct slice rule, struct err *err)
{
    for (int i = 0; i < RULE_COUNT; i++)
        if (slice_is_equal(slice_str(rule_name((enum rule)i)), rule))
            return RC_OK;
    return err_set(err, RC_REJECT,
                   "want confinement, repetition, repeat_matter, cross_site or escalation");
}

/* ---- body ---- */

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
        jsontext_add(out, slice_str(history_verdict_name(fact->verdict)));
    }
    if (fact->kind == FACT_DECISION_PIN_SHARED) {
        put_key(out, "value");
        buf_add_str(out, fact->is_yes ? "true" : "false");
    }
    if (fact->name.size > 0) {
        put_key(out, fact->kind == FACT_DECISION_ACK ? "rule" : "name");
        jsontext_add(out, fact->name);
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

void decision_write_body(const struct fact_decision *fact, const char *more, struct buf *out)
{
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
        jsontext_add(out, fact->scope[i]);
    }
    if (fact->scope_count > 0)
        buf_add_char(out, ']');
    if (fact->until_us != 0) {
        put_key(out, "until");
        buf_addf(out, "%" PRId64, fact->until_us);
    }
    buf_add_str(out, more);
    buf_add_char(out, '}');
}
