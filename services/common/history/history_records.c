/* Records with their categories, answers and sightings, page by page.
   Invariant: every query of a page is ordered by record, so each list is walked once beside the
   records and nothing is looked up. */
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/history/history_load.h"

static const char RECORDS[] =
    "select record_id, kind, replaces, target_id, site, concerned_site, occurred_start, "
    "occurred_end, recorded_at, channel, direction, outcome, is_training, revision, matter, "
    "happening_ref, talk_us, hold_us from kasumori.record "
    "where tenant = $1 and record_id > $2 order by record_id limit $3";

enum {
    RECORD_ID,
    RECORD_KIND,
    RECORD_REPLACES,
    RECORD_TARGET,
    RECORD_SITE,
    RECORD_CONCERNED_SITE,
    RECORD_START,
    RECORD_END,
    RECORD_RECORDED_AT,
    RECORD_CHANNEL,
    RECORD_DIRECTION,
    RECORD_OUTCOME,
    RECORD_IS_TRAINING,
    RECORD_REVISION,
    RECORD_MATTER,
    RECORD_REF,
    RECORD_TALK,
    RECORD_HOLD,
};

static const char CATEGORIES[] =
    "select record_id, category from kasumori.record "
    "cross join lateral unnest(categories) with ordinality as list (category, place) "
    "where tenant = $1 and record_id > $2 and record_id <= $3 order by record_id, place";

static const char ANSWERS[] =
    "select record_id, matter_answered, answered_at, is_final from kasumori.record "
    "cross join lateral unnest(answer_matters, answer_recorded_at, answer_is_final) "
    "with ordinality as list (matter_answered, answered_at, is_final, place) "
    "where tenant = $1 and record_id > $2 and record_id <= $3 order by record_id, place";

enum { ANSWER_MATTER = 1, ANSWER_AT, ANSWER_IS_FINAL };

static const char SIGHTINGS[] =
    "select record_id, person, item, kind, key_id, mac, role, assurance from kasumori.sighting "
    "where tenant = $1 and record_id > $2 and record_id <= $3 and person >= 0 "
    "order by record_id, person, item, key_id";

enum {
    SIGHTING_PERSON = 1,
    SIGHTING_ITEM,
    SIGHTING_KIND,
    SIGHTING_KEY_ID,
    SIGHTING_MAC,
    SIGHTING_ROLE,
    SIGHTING_ASSURANCE,
};

/* Rows of one query, walked forward; column 0 is the record. */
struct rows {
    struct db_result *result;
    size_t at;
};

struct page {
    struct page *next;
    struct fact_record *records;
    size_t count;
};

/* ---- queries ---- */

/* $1 tenant, $2 the record before the page, $3 a count or the page's last record. */
static enum rc query(struct history_load *load, const char *name, const char *sql,
                     const struct uuid *after, const struct uuid *last, struct db_result **ret_rows)
{
    const enum db_type types[] = {DB_TYPE_TEXT, DB_TYPE_UUID,
                                  last == NULL ? DB_TYPE_INT8 : DB_TYPE_UUID};
    static const int IS_ARRAY[] = {0, 0, 0};
    struct db_params *params = db_params_new(3, types, IS_ARRAY, LIMIT_STRING_BYTES);
    if (params == NULL)
        return err_set(load->err, RC_RETRY, "out of memory");
    db_put_text(params, 0, slice_str(load->tenant));
    db_put_uuid(params, 1, after);
    if (last == NULL)
        db_put_int(params, 2, LIMIT_HISTORY_PAGE);
    else
        db_put_uuid(params, 2, last);
    enum rc rc = db_run(load->db, name, sql, params, ret_rows, load->err);
    db_params_free(params);
    return rc;
}

/* End of the rows from rows->at on that are about the record. */
static size_t end_of(const struct rows *rows, const struct uuid *record)
{
    size_t end = rows->at;
    while (end < db_result_rows(rows->result)) {
        struct uuid id = db_result_uuid(rows->result, end, 0);
        if (uuid_compare(&id, record) != 0)
            break;
        end++;
    }
    return end;
}

/* ---- lists of a record ---- */

static int add_categories(struct history_load *load, struct rows *rows, struct fact_record *record)
{
    size_t end = end_of(rows, &record->id), count = end - rows->at;
    struct slice *categories = count == 0 ? NULL : history_take(load, count, sizeof(*categories));
    if (count > 0 && categories == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!history_keep(load, db_result_bytes(rows->result, rows->at + i, 1), &categories[i]))
            return 0;
    record->categories = categories;
    record->categories_count = count;
    rows->at = end;
    return 1;
}

static int add_answers(struct history_load *load, struct rows *rows, struct fact_record *record)
{
    size_t end = end_of(rows, &record->id), count = end - rows->at;
    struct fact_answer *answers = count == 0 ? NULL : history_take(load, count, sizeof(*answers));
    if (count > 0 && answers == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows->at + i;
        struct slice matter = db_result_bytes(rows->result, row, ANSWER_MATTER);
        if (!history_keep(load, matter, &answers[i].matter))
            return 0;
        answers[i].recorded_at_us = db_result_time(rows->result, row, ANSWER_AT);
        answers[i].is_final = db_result_int(rows->result, row, ANSWER_IS_FINAL) != 0;
    }
    record->answers = answers;
    record->answers_count = count;
    rows->at = end;
    return 1;
}

/* ---- persons ---- */

static int starts_person(const struct rows *rows, size_t row)
{
    return row == rows->at || db_result_int(rows->result, row, SIGHTING_PERSON) !=
                                  db_result_int(rows->result, row - 1, SIGHTING_PERSON);
}

static int starts_identifier(const struct rows *rows, size_t row)
{
    return starts_person(rows, row) || db_result_int(rows->result, row, SIGHTING_ITEM) !=
                                           db_result_int(rows->result, row - 1, SIGHTING_ITEM);
}

static struct fact_token token_at(const struct rows *rows, size_t row)
{
    struct uuid mac = db_result_uuid(rows->result, row, SIGHTING_MAC);
    struct fact_token token = {
        .kind = (uint32_t)db_result_int(rows->result, row, SIGHTING_KIND),
        .key_id = (uint32_t)db_result_int(rows->result, row, SIGHTING_KEY_ID),
    };
    memcpy(token.mac, mac.bytes, FACT_MAC_BYTES);
    return token;
}

/* Rows from rows->at to end become persons, identifiers and tokens, each a stretch of the one
   below. */
static void fill_persons(const struct rows *rows, size_t end, struct fact_person *persons,
                         struct fact_identifier *identifiers, struct fact_token *tokens)
{
    struct fact_person *person = NULL;
    struct fact_identifier *identifier = NULL;
    for (size_t row = rows->at; row < end; row++, tokens++) {
        *tokens = token_at(rows, row);
        if (starts_identifier(rows, row)) {
            identifier = identifier == NULL ? identifiers : identifier + 1;
            identifier->kind = tokens->kind;
            identifier->assurance = (uint32_t)db_result_int(rows->result, row, SIGHTING_ASSURANCE);
            identifier->tokens = tokens;
        }
        if (starts_person(rows, row)) {
            person = person == NULL ? persons : person + 1;
            person->role = (uint32_t)db_result_int(rows->result, row, SIGHTING_ROLE);
            person->ordinal = (uint32_t)db_result_int(rows->result, row, SIGHTING_PERSON);
            person->identifiers = identifier;
        }
        identifier->tokens_count++;
        person->identifiers_count += identifier->tokens_count == 1;
    }
}

static int add_persons(struct history_load *load, struct rows *rows, struct fact_record *record)
{
    size_t end = end_of(rows, &record->id), persons_count = 0, identifiers_count = 0;
    if (end == rows->at)
        return 1;
    for (size_t row = rows->at; row < end; row++) {
        persons_count += (size_t)starts_person(rows, row);
        identifiers_count += (size_t)starts_identifier(rows, row);
    }
    struct fact_person *persons = history_take(load, persons_count, sizeof(*persons));
    struct fact_identifier *identifiers =
        history_take(load, identifiers_count, sizeof(*identifiers));
    struct fact_token *tokens = history_take(load, end - rows->at, sizeof(*tokens));
    if (persons == NULL || identifiers == NULL || tokens == NULL)
        return 0;
    fill_persons(rows, end, persons, identifiers, tokens);
    record->persons = persons;
    record->persons_count = persons_count;
    rows->at = end;
    return 1;
}

/* ---- pages ---- */

static int fill_record(struct history_load *load, const struct db_result *rows, size_t row,
                       struct fact_record *record)
{
    *record = (struct fact_record){
        .id = db_result_uuid(rows, row, RECORD_ID),
        .kind = (enum fact_body)db_result_int(rows, row, RECORD_KIND),
        .replaces = (enum fact_body)db_result_int(rows, row, RECORD_REPLACES),
        .target = db_result_uuid(rows, row, RECORD_TARGET),
        .start_us = db_result_time(rows, row, RECORD_START),
        .end_us = db_result_time(rows, row, RECORD_END),
        .recorded_at_us = db_result_time(rows, row, RECORD_RECORDED_AT),
        .channel = (uint32_t)db_result_int(rows, row, RECORD_CHANNEL),
        .direction = (uint32_t)db_result_int(rows, row, RECORD_DIRECTION),
        .outcome = (uint32_t)db_result_int(rows, row, RECORD_OUTCOME),
        .is_training = db_result_int(rows, row, RECORD_IS_TRAINING) != 0,
        .revision = db_result_int(rows, row, RECORD_REVISION),
        .talk_us = db_result_int(rows, row, RECORD_TALK),
        .hold_us = db_result_int(rows, row, RECORD_HOLD),
    };
    return history_keep(load, db_result_bytes(rows, row, RECORD_SITE), &record->site) &&
           history_keep(load, db_result_bytes(rows, row, RECORD_CONCERNED_SITE),
                        &record->concerned_site) &&
           history_keep(load, db_result_bytes(rows, row, RECORD_MATTER), &record->matter) &&
           history_keep(load, db_result_bytes(rows, row, RECORD_REF), &record->ref);
}

struct list_query {
    const char *name;
    const char *sql;
    int (*add)(struct history_load *load, struct rows *rows, struct fact_record *record);
};

static const struct list_query LISTS[] = {
    {"history_categories", CATEGORIES, add_categories},
    {"history_answers", ANSWERS, add_answers},
    {"history_sightings", SIGHTINGS, add_persons},
};

static enum rc add_list(struct history_load *load, const struct list_query *list,
                        const struct uuid *after, struct page *page)
{
    struct rows rows = {0};
    const struct uuid *last = &page->records[page->count - 1].id;
    enum rc rc = query(load, list->name, list->sql, after, last, &rows.result);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; rc == RC_OK && i < page->count; i++)
        if (!list->add(load, &rows, &page->records[i]))
            rc = load->err->rc;
    db_result_free(rows.result);
    return rc;
}

static enum rc fill_page(struct history_load *load, const struct db_result *rows, struct page *page)
{
    page->count = db_result_rows(rows);
    page->records = history_take(load, page->count, sizeof(*page->records));
    if (page->records == NULL)
        return load->err->rc;
    for (size_t i = 0; i < page->count; i++)
        if (!fill_record(load, rows, i, &page->records[i]))
            return load->err->rc;
    return RC_OK;
}

static enum rc load_page(struct history_load *load, const struct uuid *after, struct page *page)
{
    struct db_result *rows;
    enum rc rc = query(load, "history_records", RECORDS, after, NULL, &rows);
    if (rc != RC_OK)
        return rc;
    rc = fill_page(load, rows, page);
    db_result_free(rows);
    for (size_t i = 0; rc == RC_OK && page->count > 0 && i < sizeof(LISTS) / sizeof(LISTS[0]); i++)
        rc = add_list(load, &LISTS[i], after, page);
    return rc;
}

static enum rc join_pages(struct history_load *load, const struct page *first, size_t count)
{
    struct fact_record *records = history_take(load, count, sizeof(*records));
    size_t at = 0;
    if (records == NULL)
        return load->err->rc;
    for (const struct page *page = first; page != NULL; page = page->next) {
        if (page->count > 0)
            memcpy(records + at, page->records, page->count * sizeof(*records));
        at += page->count;
    }
    load->facts.records = records;
    load->facts.records_count = count;
    return RC_OK;
}

enum rc history_load_records(struct history_load *load)
{
    struct page *first = NULL;
    struct page **link = &first;
    struct uuid after = {{0}};
    size_t count = 0;
    for (;;) {
        struct page *page = history_take(load, 1, sizeof(*page));
        if (page == NULL)
            return load->err->rc;
        enum rc rc = load_page(load, &after, page);
        if (rc != RC_OK)
            return rc;
        *link = page;
        link = &page->next;
        count += page->count;
        if (page->count < LIMIT_HISTORY_PAGE)
            return join_pages(load, first, count);
        after = page->records[page->count - 1].id;
    }
}
