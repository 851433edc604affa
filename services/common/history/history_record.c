/* One record from its rows, with its categories, answers and persons.
   Invariant: every query is ordered by record, so each list is walked once beside the records and
   nothing is looked up. */
#include <stdlib.h>
#include <string.h>

#include "services/common/history/history_load.h"

/* Where a list comes from: a page, or records by their ids. There lateral keeps the planner from
   any order but ids first, and from reading a whole month of a table it believes to be empty. */
#define RANGE " where tenant = $1 and record_id > $2 and record_id <= $3 "
#define BY_ID(table)                                                              \
    "unnest($2) as wanted (id) cross join lateral (select * from kasumori." table \
    " as t where t.tenant = $1 and t.record_id = wanted.id offset 0) as " table " "

#define CATEGORIES(from, where)                                                             \
    "select record_id, category from " from                                                 \
    "cross join lateral unnest(categories) with ordinality as list (category, place)" where \
    "order by record_id, place"

#define ANSWERS(from, where)                                                          \
    "select record_id, matter_answered, answered_at, is_final from " from             \
    "cross join lateral unnest(answer_matters, answer_recorded_at, answer_is_final) " \
    "with ordinality as list (matter_answered, answered_at, is_final, place)" where   \
    "order by record_id, place"

enum { ANSWER_MATTER = 1, ANSWER_AT, ANSWER_IS_FINAL };

#define SIGHTINGS(from, where)                                                            \
    "select record_id, person, item, kind, key_id, mac, role, assurance from " from where \
    "and person >= 0 order by record_id, person, item, key_id"

enum {
    SIGHTING_PERSON = 1,
    SIGHTING_ITEM,
    SIGHTING_KIND,
    SIGHTING_KEY_ID,
    SIGHTING_MAC,
    SIGHTING_ROLE,
    SIGHTING_ASSURANCE,
};

#define BARE(from, where)                                  \
    "select record_id, bare_person, bare_role from " from  \
    "cross join lateral unnest(bare_persons, bare_roles) " \
    "with ordinality as list (bare_person, bare_role, place)" where "order by record_id, place"

/* Rows of one query, walked forward; column 0 is the record. */
struct rows {
    struct db_result *result;
    size_t at;
};

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

static int compare_persons(const void *a, const void *b)
{
    uint32_t x = ((const struct fact_person *)a)->ordinal;
    uint32_t y = ((const struct fact_person *)b)->ordinal;
    return x < y ? -1 : x > y;
}

/* Persons without identifiers, after those with them: all by ordinal again. */
static int add_bare(struct history_load *load, struct rows *rows, struct fact_record *record)
{
    size_t end = end_of(rows, &record->id), count = end - rows->at;
    if (count == 0)
        return 1;
    struct fact_person *persons =
        history_take(load, record->persons_count + count, sizeof(*persons));
    if (persons == NULL)
        return 0;
    if (record->persons_count > 0)
        memcpy(persons, record->persons, record->persons_count * sizeof(*persons));
    for (size_t i = 0; i < count; i++)
        persons[record->persons_count + i] =
            (struct fact_person){.ordinal = (uint32_t)db_result_int(rows->result, rows->at + i, 1),
                                 .role = (uint32_t)db_result_int(rows->result, rows->at + i, 2)};
    qsort(persons, record->persons_count + count, sizeof(*persons), compare_persons);
    record->persons = persons;
    record->persons_count += count;
    rows->at = end;
    return 1;
}

/* ---- records ---- */

int history_fill_record(struct history_load *load, const struct db_result *rows, size_t row,
                        struct fact_record *record)
{
    *record = (struct fact_record){
        .id = db_result_uuid(rows, row, HISTORY_RECORD_ID),
        .kind = (enum fact_body)db_result_int(rows, row, HISTORY_RECORD_KIND),
        .replaces = (enum fact_body)db_result_int(rows, row, HISTORY_RECORD_REPLACES),
        .target = db_result_uuid(rows, row, HISTORY_RECORD_TARGET),
        .start_us = db_result_time(rows, row, HISTORY_RECORD_START),
        .end_us = db_result_time(rows, row, HISTORY_RECORD_END),
        .recorded_at_us = db_result_time(rows, row, HISTORY_RECORD_RECORDED_AT),
        .channel = (uint32_t)db_result_int(rows, row, HISTORY_RECORD_CHANNEL),
        .direction = (uint32_t)db_result_int(rows, row, HISTORY_RECORD_DIRECTION),
        .outcome = (uint32_t)db_result_int(rows, row, HISTORY_RECORD_OUTCOME),
        .is_training = db_result_int(rows, row, HISTORY_RECORD_IS_TRAINING) != 0,
        .revision = db_result_int(rows, row, HISTORY_RECORD_REVISION),
        .talk_us = db_result_int(rows, row, HISTORY_RECORD_TALK),
        .hold_us = db_result_int(rows, row, HISTORY_RECORD_HOLD),
        .appended_us = db_result_time(rows, row, HISTORY_RECORD_APPENDED_AT),
        .staff_minutes = db_result_int(rows, row, HISTORY_RECORD_STAFF_MINUTES),
    };
    return history_keep(load, db_result_bytes(rows, row, HISTORY_RECORD_SITE), &record->site) &&
           history_keep(load, db_result_bytes(rows, row, HISTORY_RECORD_CONCERNED_SITE),
                        &record->concerned_site) &&
           history_keep(load, db_result_bytes(rows, row, HISTORY_RECORD_MATTER), &record->matter) &&
           history_keep(load, db_result_bytes(rows, row, HISTORY_RECORD_REF), &record->ref);
}

struct list_query {
    const char *names[2], *sqls[2]; /* of a range, by ids */
    int (*add)(struct history_load *load, struct rows *rows, struct fact_record *record);
};

static const struct list_query LISTS[] = {
    {{"history_categories", "history_near_categories"},
     {CATEGORIES("kasumori.record ", RANGE), CATEGORIES(BY_ID("record"), " ")},
     add_categories},
    {{"history_answers", "history_near_answers"},
     {ANSWERS("kasumori.record ", RANGE), ANSWERS(BY_ID("record"), " ")},
     add_answers},
    {{"history_sightings", "history_near_sightings"},
     {SIGHTINGS("kasumori.sighting ", RANGE), SIGHTINGS(BY_ID("sighting"), "where true ")},
     add_persons},
    {{"history_bare", "history_near_bare"},
     {BARE("kasumori.record ", RANGE), BARE(BY_ID("record"), " ")},
     add_bare}, /* after add_persons */
};

static enum rc fill_list(struct history_load *load, const struct list_query *list, int is_by_ids,
                         const struct db_params *params, const struct history_page *page)
{
    struct rows rows = {0};
    struct fact_record *records = page->items;
    enum rc rc = db_run(load->db, list->names[is_by_ids], list->sqls[is_by_ids], params,
                        &rows.result, load->err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; rc == RC_OK && i < page->count; i++)
        if (!list->add(load, &rows, &records[i]))
            rc = load->err->rc;
    db_result_free(rows.result);
    return rc;
}

enum rc history_fill_lists(struct history_load *load, int is_by_ids, const struct db_params *params,
                           const struct history_page *page)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof(LISTS) / sizeof(LISTS[0]); i++)
        rc = fill_list(load, &LISTS[i], is_by_ids, params, page);
    return rc;
}
