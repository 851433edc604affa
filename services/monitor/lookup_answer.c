/* A look-up's answer from its rows. Here and not in the statement, where building JSON took a third
   of its time. Invariant: what is told of contacts, matters and answers is of the same contacts,
   the newest LOOKUP_CONTACTS_MAX, and when there are more the answer says so. */
#include "services/monitor/lookup_answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/jsontext.h"
#include "services/common/base/timefmt.h"

enum { LAST_CONTACTS = 10 };

/* Columns of sql/lookup.sql. */
enum {
    COLUMN_TURN,
    COLUMN_IS_SHARED,
    COLUMN_REASON,
    COLUMN_UNTIL,
    COLUMN_SCOPE,
    COLUMN_DECISION_NO,
    COLUMN_START_AT,
    COLUMN_OCCURRENCE,
    COLUMN_MATTERS,
    COLUMN_IS_JUDGED,
    COLUMN_SITE,
    COLUMN_CHANNEL,
    COLUMN_ANSWER_MATTERS,
    COLUMN_ANSWER_AT,
    COLUMN_ANSWER_IS_FINAL,
    COLUMN_OWN_MATTERS,
};

struct said {
    struct slice matter, site;
    int64_t at_us;
    int is_final;
};

struct matter {
    struct slice name;
    int64_t since_us;
};

struct found {
    const struct db_result *rows;
    size_t first, contacts, end; /* rows of identifiers, then of contacts */
    size_t contacts_count;
    int is_partial;
    struct said *said;
    size_t said_count;
    struct matter *open;
    size_t open_count;
};

/* ---- what the rows hold ---- */

static int is_contact(const struct found *found, size_t row)
{
    return !db_result_is_null(found->rows, row, COLUMN_START_AT);
}

/* Whether the row begins a contact. */
static int is_next(const struct found *found, size_t row)
{
    if (row == found->contacts)
        return 1;
    struct uuid a = db_result_uuid(found->rows, row, COLUMN_OCCURRENCE);
    struct uuid b = db_result_uuid(found->rows, row - 1, COLUMN_OCCURRENCE);
    return uuid_compare(&a, &b) != 0 || db_result_time(found->rows, row, COLUMN_START_AT) !=
                                            db_result_time(found->rows, row - 1, COLUMN_START_AT);
}

/* Finds where the rows of contacts begin and end; returns where the turn ends. */
static size_t divide(struct found *found, int64_t turn)
{
    size_t count = db_result_rows(found->rows);
    size_t row = found->first;
    while (row < count && db_result_int(found->rows, row, COLUMN_TURN) == turn &&
           !is_contact(found, row))
        row++;
    found->contacts = row;
    found->end = row;
    for (; row < count && db_result_int(found->rows, row, COLUMN_TURN) == turn; row++) {
        if (is_next(found, row) && !found->is_partial) {
            found->is_partial = found->contacts_count == LOOKUP_CONTACTS_MAX;
            found->contacts_count += !found->is_partial;
        }
        if (!found->is_partial)
            found->end = row + 1;
    }
    return row;
}

static size_t count_elements(const struct found *found, int column)
{
    size_t count = 0;
    struct slice element;
    for (size_t row = found->contacts; row < found->end; row++)
        for (size_t at = 0; db_result_element(found->rows, row, column, &at, &element);)
            count++;
    return count;
}

static void add_open(struct found *found, struct slice name, int64_t since_us)
{
    size_t i = 0;
    while (i < found->open_count && !slice_is_equal(found->open[i].name, name))
        i++;
    if (i == found->open_count)
        found->open[found->open_count++] = (struct matter){.name = name, .since_us = since_us};
    else if (since_us < found->open[i].since_us)
        found->open[i].since_us = since_us;
}

static void close_matter(struct found *found, struct slice name)
{
    for (size_t i = 0; i < found->open_count; i++)
        if (slice_is_equal(found->open[i].name, name)) {
            found->open[i] = found->open[--found->open_count];
            return;
        }
}

static void collect_matters(struct found *found, size_t row)
{
    struct slice name;
    for (size_t at = 0; db_result_element(found->rows, row, COLUMN_MATTERS, &at, &name);)
        if (name.size > 0)
            add_open(found, name, db_result_time(found->rows, row, COLUMN_START_AT));
}

/* An answer without a matter is about all of its record's. */
static struct slice close_own(struct found *found, size_t row, int is_final)
{
    struct slice first = slice_of("", 0), name;
    size_t count = 0;
    for (size_t at = 0; db_result_element(found->rows, row, COLUMN_OWN_MATTERS, &at, &name);) {
        first = count++ == 0 ? name : first;
        if (is_final)
            close_matter(found, name);
    }
    return first;
}

static void collect_answers(struct found *found, size_t row)
{
    struct slice matter, at_text, is_final;
    size_t a = 0, b = 0, c = 0;
    while (db_result_element(found->rows, row, COLUMN_ANSWER_MATTERS, &a, &matter) &&
           db_result_element(found->rows, row, COLUMN_ANSWER_AT, &b, &at_text) &&
           db_result_element(found->rows, row, COLUMN_ANSWER_IS_FINAL, &c, &is_final)) {
        struct said said = {.matter = matter,
                            .site = db_result_bytes(found->rows, row, COLUMN_SITE),
                            .at_us = db_element_time(at_text),
                            .is_final = is_final.size == 1 && is_final.data[0] != 0};
        if (matter.size == 0)
            said.matter = close_own(found, row, said.is_final);
        else if (said.is_final)
            close_matter(found, matter);
        found->said[found->said_count++] = said;
    }
}

static int compare_slices(struct slice a, struct slice b)
{
    int order = memcmp(a.size == 0 ? "" : (const char *)a.data,
                       b.size == 0 ? "" : (const char *)b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Newest first. */
static int compare_said(const void *a, const void *b)
{
    const struct said *x = a, *y = b;
    int order = (x->at_us < y->at_us) - (x->at_us > y->at_us);
    if (order == 0)
        order = compare_slices(x->site, y->site);
    if (order == 0)
        order = compare_slices(x->matter, y->matter);
    return order != 0 ? order : y->is_final - x->is_final;
}

static int compare_matters(const void *a, const void *b)
{
    const struct matter *x = a, *y = b;
    int order = (x->since_us > y->since_us) - (x->since_us < y->since_us);
    return order != 0 ? order : compare_slices(x->name, y->name);
}

static enum rc collect(struct found *found, struct arena *arena, struct err *err)
{
    size_t said = count_elements(found, COLUMN_ANSWER_MATTERS);
    size_t matters = count_elements(found, COLUMN_MATTERS);
    found->said = arena_alloc(arena, (said + 1) * sizeof(*found->said));
    found->open = arena_alloc(arena, (matters + 1) * sizeof(*found->open));
    if (found->said == NULL || found->open == NULL)
        return err_set(err, RC_FULL, "the answer needs more memory than may be taken");
    for (size_t row = found->contacts; row < found->end; row++)
        collect_matters(found, row);
    for (size_t row = found->contacts; row < found->end; row++)
        collect_answers(found, row);
    qsort(found->said, found->said_count, sizeof(*found->said), compare_said);
    qsort(found->open, found->open_count, sizeof(*found->open), compare_matters);
    return RC_OK;
}

/* ---- what is written ---- */

static void write_time(struct buf *out, const char *key, int64_t at_us)
{
    char text[TIMEFMT_TEXT_BYTES] = "9999-12-31T23:59:59.999999Z";
    if (at_us != INT64_MAX)
        timefmt_format_utc(at_us, text);
    buf_addf(out, "\"%s\":\"%s\"", key, text);
}

static void write_text(struct buf *out, const char *key, struct slice text)
{
    buf_addf(out, ",\"%s\":", key);
    jsontext_add(out, text);
}

static const char *bool_word(int value)
{
    return value ? "true" : "false";
}

static void write_contact(const struct found *found, size_t row, struct buf *out)
{
    struct slice matter;
    const char *gap = "";
    buf_add_char(out, '{');
    write_time(out, "at", db_result_time(found->rows, row, COLUMN_START_AT));
    write_text(out, "site", db_result_bytes(found->rows, row, COLUMN_SITE));
    write_text(out, "channel", db_result_bytes(found->rows, row, COLUMN_CHANNEL));
    buf_add_str(out, ",\"matters\":[");
    for (size_t at = 0; db_result_element(found->rows, row, COLUMN_MATTERS, &at, &matter);) {
        buf_add_str(out, gap);
        jsontext_add(out, matter);
        gap = ",";
    }
    int is_judged = db_result_int(found->rows, row, COLUMN_IS_JUDGED) != 0;
    buf_addf(out, "],\"judged\":%s}", bool_word(is_judged));
}

static void write_contacts(const struct found *found, struct buf *out)
{
    size_t written = 0;
    buf_addf(out, ",\"contacts\":%zu,\"partial\":%s,\"lastContacts\":[", found->contacts_count,
             bool_word(found->is_partial));
    for (size_t row = found->contacts; row < found->end && written < LAST_CONTACTS; row++)
        if (is_next(found, row)) {
            buf_add_str(out, written++ == 0 ? "" : ",");
            write_contact(found, row, out);
        }
    buf_add_char(out, ']');
}

static void write_matters(const struct found *found, struct buf *out)
{
    buf_add_str(out, ",\"openMatters\":[");
    for (size_t i = 0; i < found->open_count; i++) {
        buf_add_str(out, i == 0 ? "{" : ",{");
        write_time(out, "since", found->open[i].since_us);
        write_text(out, "matter", found->open[i].name);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static void write_answers(const struct found *found, struct buf *out)
{
    buf_add_str(out, ",\"answers\":[");
    for (size_t i = 0; i < found->said_count; i++) {
        const struct said *said = &found->said[i];
        /* A record that tells about two persons of this call comes twice. */
        if (i > 0 && compare_said(said - 1, said) == 0)
            continue;
        buf_add_str(out, i == 0 ? "{" : ",{");
        write_time(out, "at", said->at_us);
        write_text(out, "matter", said->matter);
        write_text(out, "site", said->site);
        buf_addf(out, ",\"final\":%s}", bool_word(said->is_final));
    }
    buf_add_char(out, ']');
}

/* ---- restrictions: rows of one decision stand together, by the sites of its scope ---- */

static int is_same_decision(const struct found *found, size_t a, size_t b)
{
    return db_result_int(found->rows, a, COLUMN_DECISION_NO) ==
           db_result_int(found->rows, b, COLUMN_DECISION_NO);
}

/* The row after the last of row's decision. */
static size_t decision_end(const struct found *found, size_t row)
{
    size_t end = row + 1;
    while (end < found->contacts && is_same_decision(found, row, end))
        end++;
    return end;
}

/* Whether it holds at the site: its scope is the chain, or names it. */
static int holds_at(const struct found *found, size_t row, struct slice site)
{
    size_t end = decision_end(found, row);
    int holds = 0;
    for (size_t i = row; i < end; i++) {
        struct slice scope = db_result_bytes(found->rows, i, COLUMN_SCOPE);
        holds |= scope.size == 0 || slice_is_equal(scope, site);
    }
    return holds && !db_result_is_null(found->rows, row, COLUMN_DECISION_NO);
}

static void write_scope(const struct found *found, size_t row, struct buf *out)
{
    size_t end = decision_end(found, row);
    struct slice before = slice_of(NULL, 0);
    const char *gap = "";
    buf_add_str(out, ",\"scope\":[");
    for (; row < end; row++) {
        struct slice scope = db_result_bytes(found->rows, row, COLUMN_SCOPE);
        if (scope.size == 0 || slice_is_equal(scope, before))
            continue;
        buf_add_str(out, gap);
        jsontext_add(out, scope);
        gap = ",";
        before = scope;
    }
    buf_add_char(out, ']');
}

static void write_restrictions(const struct found *found, struct slice site, struct buf *out)
{
    const char *gap = "";
    buf_add_str(out, ",\"restrictions\":[");
    for (size_t row = found->first; row < found->contacts; row = decision_end(found, row)) {
        if (!holds_at(found, row, site))
            continue;
        buf_addf(out, "%s{", gap);
        write_time(out, "until", db_result_time(found->rows, row, COLUMN_UNTIL));
        write_text(out, "kind", db_result_bytes(found->rows, row, COLUMN_REASON));
        write_scope(found, row, out);
        buf_add_char(out, '}');
        gap = ",";
    }
    buf_add_str(out, "]}");
}

/* ---- all ---- */

static void write_head(const struct found *found, struct slice site, struct buf *out)
{
    int is_shared = 0, is_confirmed = 0;
    for (size_t row = found->first; row < found->contacts; row++)
        is_shared |= db_result_int(found->rows, row, COLUMN_IS_SHARED) != 0;
    for (size_t row = found->first; row < found->contacts; row = decision_end(found, row)) {
        struct slice reason = db_result_bytes(found->rows, row, COLUMN_REASON);
        is_confirmed |=
            holds_at(found, row, site) && slice_is_equal(reason, slice_str("confirm_person"));
    }
    buf_addf(out, "{\"state\":\"%s\",\"certainty\":\"%s\",\"sharedNumber\":%s",
             found->first == found->contacts ? "unknown" : "known",
             is_confirmed ? "same_person_confirmed" : "same_number", bool_word(is_shared));
}

enum rc lookup_answer_write(struct call *call, struct lookup_rows *rows, int64_t turn,
                            struct slice site, struct err *err)
{
    struct found found = {.rows = rows->result, .first = rows->at};
    size_t end = divide(&found, turn);
    enum rc rc = collect(&found, call->arena, err);
    if (rc != RC_OK)
        return rc;
    write_head(&found, site, &call->out);
    write_contacts(&found, &call->out);
    write_matters(&found, &call->out);
    write_answers(&found, &call->out);
    write_restrictions(&found, site, &call->out);
    if (call->out.is_failed)
        return err_set(err, RC_FULL, "the answer is larger than may be sent");
    rows->at = end;
    return RC_OK;
}
