/* Fourth step: what becomes of each message, in rows.
   Invariant: each message leaves exactly one of: a row in record (and its ingest_log), a row in
   bad_record, or nothing because the same is stored; and a proven one closes its sequence whatever
   became of it. Rows are sorted by the keys of their tables, so that lanes lock in one order. */
#include "services/aggregator/ingest/rows.h"

#include <stdlib.h>
#include <string.h>

#include "services/aggregator/ingest/body.h"
#include "services/aggregator/ingest/sequences.h"
#include "services/common/base/utf8.h"
#include "services/common/record/record.h"

/* Persons that are not in Record.persons. */
enum {
    PERSON_WORKER = -1,
    PERSON_DECIDER = -2, /* of measure 0; of measure n: -2 - n */
};

static void put_text_or_null(struct db_params *params, size_t column, const char *text)
{
    if (text[0] == '\0')
        db_put_null(params, column);
    else
        db_put_text(params, column, slice_str(text));
}

static void put_list(struct db_params *params, size_t column, int is_given, const struct buf *list)
{
    if (is_given)
        db_put_text(params, column, buf_slice(list));
    else
        db_put_null(params, column);
}

static void put_envelope(struct db_params *to, const struct item *item)
{
    const Kasumori__V1__Record *record = item->record;
    int64_t start_us = record->occurred_start_us;
    int64_t end_us = record->occurred_end_us == 0 ? start_us : record->occurred_end_us;
    const char *concerned = record->concerned_site;
    db_put_text(to, RECORD_TENANT, slice_str(record->tenant));
    db_put_uuid(to, RECORD_RECORD_ID, &item->outcome.row_id);
    db_put_text(to, RECORD_SITE, slice_str(record->site));
    db_put_text(to, RECORD_CONCERNED_SITE, slice_str(concerned[0] ? concerned : record->site));
    db_put_text(to, RECORD_AGENT, item->sender.agent);
    db_put_text(to, RECORD_SOURCE, slice_str(record->source));
    put_text_or_null(to, RECORD_EXTERNAL_ID, record->external_id);
    db_put_int(to, RECORD_REVISION, record->revision);
    db_put_time(to, RECORD_OCCURRED_START, start_us);
    db_put_time(to, RECORD_OCCURRED_END, end_us);
    db_put_time(to, RECORD_RECORDED_AT, record->recorded_at_us);
    db_put_time(to, RECORD_APPENDED_AT, item->message->appended_at_us);
    db_put_int(to, RECORD_CLOCK_STATE, record->clock_state);
    db_put_int(to, RECORD_CHANNEL, record->channel);
    db_put_int(to, RECORD_DIRECTION, record->direction);
    db_put_bool(to, RECORD_IS_TRAINING, record->training);
    put_text_or_null(to, RECORD_MATTER, record->matter);
    put_text_or_null(to, RECORD_HAPPENING_REF, record->happening_ref);
    db_put_bytes(to, RECORD_BODY_HASH, slice_of(item->delivery.body_hash, DEDUP_HASH_BYTES));
    db_put_bool(to, RECORD_HAS_UNKNOWN_FIELDS, record_has_unknown_fields(record));
    db_put_int(to, RECORD_STREAM_NO, item->message->stream->stream_no);
    db_put_int(to, RECORD_OFFSET, item->message->offset);
}

/* A revision of a record is a correction that replaces its whole body by this one. */
static void put_kind(struct db_params *to, const struct item *item, const struct body *body)
{
    int is_revision = item->outcome.verdict == DEDUP_VERDICT_REVISION;
    int kind = is_revision ? DEDUP_KIND_CORRECTION : item->delivery.kind;
    db_put_int(to, RECORD_KIND, kind);
    if (is_revision)
        db_put_uuid(to, RECORD_TARGET_ID, &item->outcome.target);
    else if (item->delivery.has_target)
        db_put_uuid(to, RECORD_TARGET_ID, &item->delivery.target);
    else
        db_put_null(to, RECORD_TARGET_ID);
    if (kind == DEDUP_KIND_CORRECTION)
        db_put_int(to, RECORD_REPLACES, body->kind);
    else
        db_put_null(to, RECORD_REPLACES);
}

static void put_contact(struct db_params *to, const Kasumori__V1__Contact *contact)
{
    if (contact == NULL) {
        db_put_null(to, RECORD_IS_CONNECTED);
        db_put_null(to, RECORD_OUTCOME);
        db_put_null(to, RECORD_WITHHELD);
        db_put_null(to, RECORD_TALK_US);
        db_put_null(to, RECORD_HOLD_US);
        return;
    }
    db_put_bool(to, RECORD_IS_CONNECTED,
                contact->outcome == KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED);
    db_put_int(to, RECORD_OUTCOME, contact->outcome);
    db_put_int(to, RECORD_WITHHELD, contact->withheld);
    db_put_int(to, RECORD_TALK_US, contact->talk_us);
    db_put_int(to, RECORD_HOLD_US, contact->hold_us);
}

static void put_body(struct db_params *to, const struct item *item, struct buf *scratch)
{
    struct body body = body_of(item->record);
    put_kind(to, item, &body);
    put_contact(to, body.contact);
    put_list(to, RECORD_CATEGORIES, body_write_categories(&body, scratch), scratch);
    put_list(to, RECORD_ANSWER_MATTERS, body_write_answer_matters(&body, scratch), scratch);
    put_list(to, RECORD_ANSWER_RECORDED_AT, body_write_answer_times(&body, scratch), scratch);
    put_list(to, RECORD_ANSWER_IS_FINAL, body_write_answer_finals(&body, scratch), scratch);
    put_list(to, RECORD_BARE_PERSONS, body_write_bare_persons(item->record, scratch), scratch);
    put_list(to, RECORD_BARE_ROLES, body_write_bare_roles(item->record, scratch), scratch);
    buf_reset(scratch);
    record_write_json(item->record, scratch);
    put_list(to, RECORD_DETAIL, scratch->size > 2, scratch); /* more than "{}" */
}

struct text_rows {
    struct db_params *to;
    const struct item *item;
};

static enum rc put_text(void *ctx, const char *place, Kasumori__V1__Text *text)
{
    struct text_rows *rows = ctx;
    if (text->value[0] == '\0')
        return RC_OK;
    db_put_text(rows->to, RECORD_TEXT_TENANT, slice_str(rows->item->record->tenant));
    db_put_uuid(rows->to, RECORD_TEXT_RECORD_ID, &rows->item->outcome.row_id);
    db_put_text(rows->to, RECORD_TEXT_PLACE, slice_str(place));
    db_put_text(rows->to, RECORD_TEXT_TEXT, slice_str(text->value));
    db_put_int(rows->to, RECORD_TEXT_MASKED, text->masked > INT32_MAX ? INT32_MAX : text->masked);
    if (text->at_us == 0)
        db_put_null(rows->to, RECORD_TEXT_SAID_AT);
    else
        db_put_time(rows->to, RECORD_TEXT_SAID_AT, text->at_us);
    db_put_null(rows->to, RECORD_TEXT_RAW);
    return RC_OK;
}

/* What this program does not know, a later one may: the whole value is kept. */
static void put_wire(struct db_params *to, const struct item *item)
{
    db_put_text(to, RECORD_TEXT_TENANT, slice_str(item->record->tenant));
    db_put_uuid(to, RECORD_TEXT_RECORD_ID, &item->outcome.row_id);
    db_put_text(to, RECORD_TEXT_PLACE, slice_str("wire"));
    db_put_null(to, RECORD_TEXT_TEXT);
    db_put_int(to, RECORD_TEXT_MASKED, 0);
    db_put_null(to, RECORD_TEXT_SAID_AT);
    db_put_bytes(to, RECORD_TEXT_RAW, item->message->value);
}

static enum rc put_texts(struct writes *writes, const struct item *item)
{
    struct text_rows rows = {writes_to(writes, WRITE_RECORD_TEXT), item};
    if (record_has_unknown_fields(item->record))
        put_wire(rows.to, item);
    return record_each_text(item->record, put_text, &rows);
}

/* Where in the record an identifier stands. */
struct mention {
    int person;
    int role;
    size_t item;
};

static void put_sighting(struct db_params *to, const struct item *item,
                         const struct mention *mention, const Kasumori__V1__Identifier *identifier,
                         const Kasumori__V1__Token *token)
{
    const Kasumori__V1__Record *record = item->record;
    struct uuid mac;
    memcpy(mac.bytes, token->mac.data, UUID_BYTES); /* its size is validated */
    db_put_text(to, SIGHTING_TENANT, slice_str(record->tenant));
    db_put_uuid(to, SIGHTING_RECORD_ID, &item->outcome.row_id);
    db_put_int(to, SIGHTING_PERSON, mention->person);
    db_put_int(to, SIGHTING_ITEM, (int64_t)mention->item);
    db_put_int(to, SIGHTING_KEY_ID, token->key_id);
    db_put_int(to, SIGHTING_KIND, identifier->kind);
    db_put_uuid(to, SIGHTING_MAC, &mac);
    db_put_int(to, SIGHTING_ROLE, mention->role);
    db_put_int(to, SIGHTING_ASSURANCE, identifier->assurance);
    db_put_int(to, SIGHTING_DIRECTION, record->direction);
    db_put_text(to, SIGHTING_SITE, slice_str(record->site));
    db_put_time(to, SIGHTING_OCCURRED_START, record->occurred_start_us);
}

static void put_identifier(struct writes *writes, const struct item *item,
                           const struct mention *mention,
                           const Kasumori__V1__Identifier *identifier)
{
    struct db_params *sighting = writes_to(writes, WRITE_SIGHTING);
    struct db_params *sealed = writes_to(writes, WRITE_SEALED_IDENTITY);
    for (size_t i = 0; i < identifier->n_tokens; i++)
        put_sighting(sighting, item, mention, identifier, identifier->tokens[i]);
    if (identifier->sealed.len == 0)
        return;
    db_put_text(sealed, SEALED_TENANT, slice_str(item->record->tenant));
    db_put_uuid(sealed, SEALED_RECORD_ID, &item->outcome.row_id);
    db_put_int(sealed, SEALED_PERSON, mention->person);
    db_put_int(sealed, SEALED_ITEM, (int64_t)mention->item);
    db_put_int(sealed, SEALED_KIND, identifier->kind);
    db_put_bytes(sealed, SEALED_SEALED, slice_of(identifier->sealed.data, identifier->sealed.len));
}

static void put_identifiers(struct writes *writes, const struct item *item, struct mention mention,
                            Kasumori__V1__Identifier **identifiers, size_t count)
{
    for (mention.item = 0; mention.item < count; mention.item++)
        put_identifier(writes, item, &mention, identifiers[mention.item]);
}

static void put_persons(struct writes *writes, const struct item *item)
{
    Kasumori__V1__Record *record = item->record;
    for (size_t i = 0; i < record->n_persons; i++) {
        const Kasumori__V1__Person *person = record->persons[i];
        struct mention mention = {.person = (int)person->ordinal, .role = (int)person->role};
        put_identifiers(writes, item, mention, person->identifiers, person->n_identifiers);
    }
    if (record->worker != NULL)
        put_identifiers(writes, item, (struct mention){.person = PERSON_WORKER}, &record->worker,
                        1);
    const Kasumori__V1__Incident *incident = body_of(record).incident;
    for (size_t i = 0; incident != NULL && i < incident->n_measures; i++) {
        const Kasumori__V1__Measure *measure = incident->measures[i];
        struct mention mention = {.person = PERSON_DECIDER - (int)i};
        put_identifiers(writes, item, mention, measure->decided_by, measure->n_decided_by);
    }
}

static void put_log(struct db_params *to, const struct item *item)
{
    db_put_int(to, INGEST_LOG_STREAM_NO, item->message->stream->stream_no);
    db_put_int(to, INGEST_LOG_OFFSET, item->message->offset);
    db_put_text(to, INGEST_LOG_TENANT, slice_str(item->record->tenant));
    db_put_uuid(to, INGEST_LOG_RECORD_ID, &item->outcome.row_id);
}

enum rc rows_add_record(struct writes *writes, const struct item *item, struct buf *scratch,
                        struct err *err)
{
    put_envelope(writes_to(writes, WRITE_RECORD), item);
    put_body(writes_to(writes, WRITE_RECORD), item, scratch);
    put_persons(writes, item);
    put_log(writes_to(writes, WRITE_INGEST_LOG), item);
    enum rc rc = put_texts(writes, item);
    if (rc != RC_OK)
        return err_set(err, rc, "could not take the texts out of a record");
    if (scratch->is_failed)
        return err_set(err, RC_RETRY, "out of memory for the columns of a record");
    return RC_OK;
}

static void put_external(struct db_params *to, const struct item *item)
{
    const struct dedup_delivery *delivery = &item->delivery;
    db_put_text(to, EXTERNAL_KEY_TENANT, slice_str(delivery->tenant));
    db_put_text(to, EXTERNAL_KEY_SITE, slice_str(delivery->site));
    db_put_text(to, EXTERNAL_KEY_SOURCE, slice_str(delivery->source));
    db_put_bytes(to, EXTERNAL_KEY_HASH, slice_of(delivery->external_hash, DEDUP_HASH_BYTES));
    db_put_uuid(to, EXTERNAL_KEY_RECORD_ID, &item->outcome.original);
}

static void add_size(struct buf *out, size_t size, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        buf_add_char(out, (char)(size >> shift & 0xff));
}

static void write_headers(const struct message *message, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < message->headers_count; i++) {
        struct slice name = slice_str(message->headers[i].name);
        add_size(out, name.size, 2);
        buf_add(out, name.data, name.size);
        add_size(out, message->headers[i].value.size, 4);
        buf_add(out, message->headers[i].value.data, message->headers[i].value.size);
    }
}

static void put_sender(struct db_params *to, const struct sender *sender)
{
    if (sender->proven == NULL) {
        db_put_null(to, BAD_RECORD_TENANT);
        db_put_null(to, BAD_RECORD_SITE);
    } else {
        db_put_text(to, BAD_RECORD_TENANT, slice_str(sender->proven->tenant));
        db_put_text(to, BAD_RECORD_SITE, slice_str(sender->proven->site));
    }
    if (sender->agent.size == 0)
        db_put_null(to, BAD_RECORD_AGENT);
    else
        db_put_text(to, BAD_RECORD_AGENT, sender->agent);
    if (sender->is_numbered) {
        db_put_int(to, BAD_RECORD_EPOCH, sender->epoch);
        db_put_int(to, BAD_RECORD_SEQUENCE, sender->sequence);
    } else {
        db_put_null(to, BAD_RECORD_EPOCH);
        db_put_null(to, BAD_RECORD_SEQUENCE);
    }
}

static void put_bytes_or_null(struct db_params *to, size_t column, struct slice bytes)
{
    if (bytes.data == NULL)
        db_put_null(to, column);
    else
        db_put_bytes(to, column, bytes);
}

static void put_bad(struct db_params *to, const struct item *item, struct buf *scratch)
{
    const struct message *message = item->message;
    struct slice reason = slice_str(item->reason);
    if (!utf8_is_valid(reason)) /* a reason never keeps a message out of the table */
        reason = slice_str("the reason is not valid UTF-8");
    db_put_int(to, BAD_RECORD_STREAM_NO, message->stream->stream_no);
    db_put_int(to, BAD_RECORD_OFFSET, message->offset);
    db_put_text(to, BAD_RECORD_CLASS, slice_str(message_class_name(item->class)));
    db_put_text(to, BAD_RECORD_REASON, reason);
    db_put_time(to, BAD_RECORD_APPENDED_AT, message->appended_at_us);
    put_sender(to, &item->sender);
    if (item->has_id)
        db_put_uuid(to, BAD_RECORD_RECORD_ID, &item->id);
    else
        db_put_null(to, BAD_RECORD_RECORD_ID);
    put_bytes_or_null(to, BAD_RECORD_MESSAGE_KEY, message->key);
    write_headers(message, scratch);
    db_put_bytes(to, BAD_RECORD_HEADERS, buf_slice(scratch));
    put_bytes_or_null(to, BAD_RECORD_VALUE, message->value);
}

static int compare_by_row(const void *a, const void *b)
{
    const struct item *left = *(const struct item *const *)a;
    const struct item *right = *(const struct item *const *)b;
    int order = strcmp(left->delivery.tenant, right->delivery.tenant);
    return order != 0 ? order : uuid_compare(&left->outcome.row_id, &right->outcome.row_id);
}

static int compare_by_external(const void *a, const void *b)
{
    const struct dedup_delivery *left = &(*(const struct item *const *)a)->delivery;
    const struct dedup_delivery *right = &(*(const struct item *const *)b)->delivery;
    int order = strcmp(left->tenant, right->tenant);
    if (order == 0)
        order = strcmp(left->site, right->site);
    if (order == 0)
        order = strcmp(left->source, right->source);
    return order != 0 ? order : memcmp(left->external_hash, right->external_hash, DEDUP_HASH_BYTES);
}

static int is_stored(const struct item *item)
{
    return item->class == BAD_CLASS_NONE && (item->outcome.verdict == DEDUP_VERDICT_NEW ||
                                             item->outcome.verdict == DEDUP_VERDICT_REVISION);
}

static int is_external_added(const struct item *item)
{
    return item->class == BAD_CLASS_NONE && item->outcome.adds_external;
}

typedef int item_test(const struct item *item);
typedef int item_compare(const void *a, const void *b);

/* Fills list with the items that pass, sorted; returns how many. */
static size_t choose(const struct item *items, size_t count, item_test *test, item_compare *compare,
                     const struct item **list)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++)
        if (test(&items[i]))
            list[chosen++] = &items[i];
    qsort(list, chosen, sizeof(*list), compare);
    return chosen;
}

enum rc rows_fill(struct writes *writes, const struct item *items, size_t count,
                  struct arena *arena, struct buf *scratch, struct err *err)
{
    const struct item **list = arena_alloc(arena, count * sizeof(*list));
    if (list == NULL)
        return err_set(err, RC_FULL, "the batch's arena is full");
    size_t chosen = choose(items, count, is_external_added, compare_by_external, list);
    for (size_t i = 0; i < chosen; i++)
        put_external(writes_to(writes, WRITE_EXTERNAL_KEY), list[i]);
    chosen = choose(items, count, is_stored, compare_by_row, list);
    for (size_t i = 0; i < chosen; i++) {
        enum rc rc = rows_add_record(writes, list[i], scratch, err);
        if (rc != RC_OK)
            return rc;
    }
    for (size_t i = 0; i < count; i++)
        if (items[i].class != BAD_CLASS_NONE)
            put_bad(writes_to(writes, WRITE_BAD_RECORD), &items[i], scratch);
    if (scratch->is_failed)
        return err_set(err, RC_RETRY, "out of memory for a bad record");
    return sequences_fill(writes_to(writes, WRITE_AGENT_SEQ), items, count, arena, scratch, err);
}
