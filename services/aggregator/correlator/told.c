/* Watch entries, told by difference. Invariant: what a site knows is the value stored here with the
   greatest change number; an entry that is gone is said to be gone, never left to age. */
#include "services/aggregator/correlator/told.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/correlate/steps.h"
#include "services/common/record/alert.h"
#include "services/common/record/record.h"
#include "services/common/tables/tables.h"

enum { COLUMN_BYTES_MAX = 64 * 1024 * 1024 };
enum { TENANT, ENTRY, DECISION_NO, REASON, KIND, CHANGE_NO, IS_WITHDRAWN, VALUE, COLUMNS };

/* 9999-12-31T23:59:59.999999Z: the last instant a message may name. */
#define UNTIL_MAX_US INT64_C(253402300799999999)

struct told {
    struct db_params *tenant; /* one value */
    struct db_params *near;   /* tenant, entries */
    struct db_params *rows;
    struct buf text;
};

/* As it should be known. */
struct entry {
    struct uuid id;
    const struct fact_decision *decision;
    size_t class;
    const struct slice *sites;
    size_t sites_count;
};

static const char LOAD_SQL[] =
    "select entry, decision_no, reason, kind, change_no, is_withdrawn, value "
    "from kasumori.watch_told where tenant = $1 order by entry";

static const char LOAD_NEAR_SQL[] =
    "select t.entry, t.decision_no, t.reason, t.kind, t.change_no, t.is_withdrawn, t.value "
    "from (select distinct id from unnest($2) as u (id)) as w cross join lateral ("
    "select * from kasumori.watch_told where tenant = $1 and entry = w.id offset 0) as t "
    "order by t.entry";

static const char STORE_SQL[] =
    "insert into kasumori.watch_told (tenant, entry, decision_no, reason, kind, change_no, "
    "is_withdrawn, value) select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8) as u "
    "on conflict (tenant, entry) do update set change_no = excluded.change_no, "
    "is_withdrawn = excluded.is_withdrawn, value = excluded.value";

struct told *told_new(void)
{
    static const enum db_type TYPES[COLUMNS] = {DB_TYPE_TEXT, DB_TYPE_UUID, DB_TYPE_INT8,
                                                DB_TYPE_TEXT, DB_TYPE_INT2, DB_TYPE_INT8,
                                                DB_TYPE_BOOL, DB_TYPE_BYTEA};
    static const int IS_ARRAY[COLUMNS] = {0, 1, 1, 1, 1, 1, 1, 1};
    struct told *told = mem_zalloc(sizeof(*told));
    if (told == NULL)
        return NULL;
    buf_init(&told->text, LIMIT_VALUE_BYTES);
    told->tenant = db_params_new(1, TYPES, IS_ARRAY, 1024);
    told->near = db_params_new(2, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
    told->rows = db_params_new(COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
    if (told->tenant == NULL || told->near == NULL || told->rows == NULL) {
        told_free(told);
        return NULL;
    }
    return told;
}

void told_free(struct told *told)
{
    if (told == NULL)
        return;
    db_params_free(told->tenant);
    db_params_free(told->near);
    db_params_free(told->rows);
    buf_done(&told->text);
    mem_free(told);
}

/* ---- entries wanted ---- */

static void add_be(struct buf *text, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_add_char(text, (char)(value >> (8 * i)));
}

static struct uuid entry_id(struct told *told, const struct told_source *source,
                            const struct watch_entry *watch, size_t part)
{
    const struct derived *d = source->derived;
    const struct fact_token *token = &d->tokens[d->classes[watch->class].tokens[0]];
    buf_reset(&told->text);
    buf_add(&told->text, source->tenant.data, source->tenant.size);
    buf_add_char(&told->text, 0);
    add_be(&told->text, (uint64_t)watch->decision->no, 8);
    add_be(&told->text, part, 4);
    add_be(&told->text, token->kind, 4);
    add_be(&told->text, token->key_id, 4);
    buf_add(&told->text, token->mac, FACT_MAC_BYTES);
    return tables_hash(buf_slice(&told->text));
}

static int compare_slices(const void *a, const void *b)
{
    return derived_slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Sorted and without doubles; NULL: the arena is full. */
static const struct slice *sites_of(const struct fact_decision *decision, struct arena *arena,
                                    size_t *ret_count)
{
    size_t kept = 0;
    struct slice *sites = arena_alloc(arena, (decision->scope_count + 1) * sizeof(*sites));
    if (sites == NULL)
        return NULL;
    for (size_t i = 0; i < decision->scope_count; i++)
        sites[i] = decision->scope[i];
    qsort(sites, decision->scope_count, sizeof(*sites), compare_slices);
    for (size_t i = 0; i < decision->scope_count; i++)
        if (kept == 0 || compare_slices(&sites[kept - 1], &sites[i]) != 0)
            sites[kept++] = sites[i];
    *ret_count = kept;
    return sites;
}

static int compare_entries(const void *a, const void *b)
{
    return uuid_compare(&((const struct entry *)a)->id, &((const struct entry *)b)->id);
}

static size_t parts_of(size_t sites)
{
    return sites == 0 ? 1 : (sites + LIMIT_REPEATED - 1) / LIMIT_REPEATED;
}

static enum rc take_entries(struct told *told, const struct told_source *source,
                            struct entry **ret_entries, size_t *ret_count, struct err *err)
{
    const struct derived *d = source->derived;
    size_t most = 0, count = 0, kept = 0;
    for (size_t i = 0; i < d->watch.count; i++)
        most += parts_of(d->watch.items[i].decision->scope_count);
    struct entry *entries = arena_alloc(source->arena, (most + 1) * sizeof(*entries));
    for (size_t i = 0; entries != NULL && i < d->watch.count; i++) {
        const struct watch_entry *watch = &d->watch.items[i];
        size_t sites_count;
        const struct slice *sites = sites_of(watch->decision, source->arena, &sites_count);
        if (sites == NULL)
            return err_set(err, RC_FULL, "watch entries need more memory than allowed");
        for (size_t part = 0; part < parts_of(sites_count); part++) {
            size_t left = sites_count - part * LIMIT_REPEATED;
            entries[count++] = (struct entry){
                .id = entry_id(told, source, watch, part),
                .decision = watch->decision,
                .class = watch->class,
                .sites = sites + part * LIMIT_REPEATED,
                .sites_count = left < LIMIT_REPEATED ? left : LIMIT_REPEATED,
            };
        }
    }
    if (entries == NULL)
        return err_set(err, RC_FULL, "watch entries need more memory than allowed");
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < count; i++) /* one class named twice */
        if (kept == 0 || compare_entries(&entries[kept - 1], &entries[i]) != 0)
            entries[kept++] = entries[i];
    *ret_entries = entries;
    *ret_count = kept;
    return RC_OK;
}

/* ---- messages ---- */

struct telling {
    struct told *told;
    const struct told_source *source;
    struct outbox *outbox;
    uint64_t *ret_changes;
    struct err *err;
};

static char *text_of(struct arena *arena, struct slice text)
{
    return arena_copy(arena, text.data == NULL ? (const uint8_t *)"" : text.data, text.size);
}

static int fill_tokens(const struct derived *d, const struct class *class, struct arena *arena,
                       Kasumori__V1__WatchEntry *message)
{
    Kasumori__V1__Token *tokens = arena_alloc(arena, class->tokens_count * sizeof(*tokens));
    message->tokens = arena_alloc(arena, class->tokens_count * sizeof(*message->tokens));
    if (tokens == NULL || message->tokens == NULL)
        return 0;
    for (size_t i = 0; i < class->tokens_count; i++) {
        const struct fact_token *token = &d->tokens[class->tokens[i]];
        kasumori__v1__token__init(&tokens[i]);
        tokens[i].key_id = token->key_id;
        tokens[i].mac = (ProtobufCBinaryData){FACT_MAC_BYTES, (uint8_t *)(uintptr_t)token->mac};
        message->tokens[i] = &tokens[i];
    }
    message->n_tokens = class->tokens_count;
    return 1;
}

static int fill_sites(const struct entry *entry, struct arena *arena,
                      Kasumori__V1__WatchEntry *message)
{
    message->sites = arena_alloc(arena, (entry->sites_count + 1) * sizeof(*message->sites));
    for (size_t i = 0; message->sites != NULL && i < entry->sites_count; i++) {
        message->sites[i] = text_of(arena, entry->sites[i]);
        if (message->sites[i] == NULL)
            return 0;
    }
    message->n_sites = entry->sites_count;
    return message->sites != NULL;
}

static const char *reason_name(const struct fact_decision *decision)
{
    return decision->kind == FACT_DECISION_RESTRICT ? "restrict" : "confirm_person";
}

static Kasumori__V1__WatchReason wire_reason(struct slice name)
{
    return slice_is_equal(name, slice_str("restrict"))
               ? KASUMORI__V1__WATCH_REASON__WATCH_REASON_RESTRICTED
               : KASUMORI__V1__WATCH_REASON__WATCH_REASON_CONFIRMED_PERSON;
}

/* What every message of an entry says; entry NULL: it is taken back. */
struct head {
    struct uuid id;
    int64_t decision_no;
    struct slice reason;
    uint32_t kind;
    int64_t change_no;
    const struct entry *entry;
};

static enum rc encode(struct telling *t, const struct head *head)
{
    Kasumori__V1__WatchEntry message = KASUMORI__V1__WATCH_ENTRY__INIT;
    struct arena *arena = t->source->arena;
    const struct derived *d = t->source->derived;
    message.schema_major = RECORD_SCHEMA_MAJOR;
    message.schema_minor = RECORD_SCHEMA_MINOR;
    message.entry_id = (ProtobufCBinaryData){UUID_BYTES, (uint8_t *)(uintptr_t)head->id.bytes};
    message.tenant = text_of(arena, t->source->tenant);
    message.decision_no = (uint64_t)head->decision_no;
    message.reason = wire_reason(head->reason);
    message.kind = (Kasumori__V1__IdentifierKind)head->kind;
    message.change_no = (uint64_t)head->change_no;
    message.withdrawn = head->entry == NULL;
    int is_well = message.tenant != NULL;
    if (is_well && head->entry != NULL) {
        int64_t until_us = head->entry->decision->until_us;
        message.until_us = until_us < UNTIL_MAX_US ? until_us : UNTIL_MAX_US;
        is_well = fill_tokens(d, &d->classes[head->entry->class], arena, &message) &&
                  fill_sites(head->entry, arena, &message);
    }
    if (!is_well)
        return err_set(t->err, RC_FULL, "watch entries need more memory than allowed");
    buf_reset(&t->told->text);
    return alert_encode_watch(&message, &t->told->text, t->err);
}

static void put(struct telling *t, const struct head *head)
{
    struct db_params *rows = t->told->rows;
    struct slice value = buf_slice(&t->told->text);
    db_put_uuid(rows, ENTRY, &head->id);
    db_put_int(rows, DECISION_NO, head->decision_no);
    db_put_text(rows, REASON, head->reason);
    db_put_int(rows, KIND, head->kind);
    db_put_int(rows, CHANGE_NO, head->change_no);
    db_put_bool(rows, IS_WITHDRAWN, head->entry == NULL);
    db_put_bytes(rows, VALUE, value);
    outbox_add(t->outbox, t->source->topic, &head->id, value);
    ++*t->ret_changes;
}

/* Tells of an entry unless exactly that was told last (in that row of stored; past its end: nothing
 * yet). */
static enum rc tell(struct telling *t, const struct entry *entry, const struct db_result *stored,
                    size_t row)
{
    int is_known = row < db_result_rows(stored);
    struct head head = {
        .id = entry->id,
        .decision_no = entry->decision->no,
        .reason = slice_str(reason_name(entry->decision)),
        .kind = t->source->derived->classes[entry->class].kind,
        .change_no = is_known ? db_result_int(stored, row, 4) : 1,
        .entry = entry,
    };
    enum rc rc = encode(t, &head);
    if (rc != RC_OK)
        return rc;
    if (is_known && slice_is_equal(db_result_bytes(stored, row, 6), buf_slice(&t->told->text)))
        return RC_OK;
    if (is_known) {
        head.change_no++;
        rc = encode(t, &head);
    }
    if (rc == RC_OK)
        put(t, &head);
    return rc;
}

static enum rc take_back(struct telling *t, const struct db_result *stored, size_t row)
{
    if (db_result_int(stored, row, 5))
        return RC_OK;
    const struct head head = {
        .id = db_result_uuid(stored, row, 0),
        .decision_no = db_result_int(stored, row, 1),
        .reason = db_result_bytes(stored, row, 2),
        .kind = (uint32_t)db_result_int(stored, row, 3),
        .change_no = db_result_int(stored, row, 4) + 1,
    };
    enum rc rc = encode(t, &head);
    if (rc == RC_OK)
        put(t, &head);
    return rc;
}

/* Both are in the order of ids. */
static enum rc compare(struct telling *t, const struct entry *entries, size_t count,
                       const struct db_result *stored)
{
    size_t rows = db_result_rows(stored), row = 0, i = 0;
    enum rc rc = RC_OK;
    while (rc == RC_OK && (i < count || row < rows)) {
        int order = 1;
        if (row == rows) {
            order = -1;
        } else if (i < count) {
            struct uuid id = db_result_uuid(stored, row, 0);
            order = uuid_compare(&entries[i].id, &id);
        }
        if (order > 0) {
            rc = take_back(t, stored, row++);
            continue;
        }
        rc = tell(t, &entries[i++], stored, order == 0 ? row : rows);
        row += order == 0;
    }
    return rc;
}

/* What is stored of all entries, or of those that one of the two says. */
static enum rc load(struct told *told, struct db *db, const struct told_source *source,
                    const struct entry *entries, size_t count, struct db_result **ret_stored,
                    struct err *err)
{
    struct told_source old = *source;
    struct entry *gone;
    size_t gone_count;
    if (source->before == NULL)
        return db_run(db, "told_load", LOAD_SQL, told->tenant, ret_stored, err);
    old.derived = source->before;
    enum rc rc = take_entries(told, &old, &gone, &gone_count, err);
    if (rc != RC_OK)
        return rc;
    db_params_reset(told->near);
    db_put_text(told->near, TENANT, source->tenant);
    for (size_t i = 0; i < gone_count; i++)
        db_put_uuid(told->near, ENTRY, &gone[i].id);
    for (size_t i = 0; i < count; i++)
        db_put_uuid(told->near, ENTRY, &entries[i].id);
    return db_run(db, "told_load_near", LOAD_NEAR_SQL, told->near, ret_stored, err);
}

static int has_nothing(const struct told_source *source)
{
    return source->before != NULL && source->before->watch.count == 0 &&
           source->derived->watch.count == 0;
}

enum rc told_store(struct told *told, struct db *db, const struct told_source *source,
                   struct outbox *outbox, uint64_t *ret_changes, struct err *err)
{
    struct telling telling = {told, source, outbox, ret_changes, err};
    struct db_result *stored;
    struct entry *entries;
    size_t count;
    if (has_nothing(source))
        return RC_OK;
    db_params_reset(told->tenant);
    db_params_reset(told->rows);
    db_put_text(told->tenant, TENANT, source->tenant);
    db_put_text(told->rows, TENANT, source->tenant);
    enum rc rc = take_entries(told, source, &entries, &count, err);
    if (rc == RC_OK)
        rc = load(told, db, source, entries, count, &stored, err);
    if (rc != RC_OK)
        return rc;
    rc = compare(&telling, entries, count, stored);
    if (rc == RC_OK && db_params_rows(told->rows, ENTRY) > 0)
        rc = db_run(db, "told_store", STORE_SQL, told->rows, NULL, err);
    db_result_free(stored);
    return rc;
}
