/* kasumori-correlate-dump: reads histories (tests/model/README.md) on standard input, separated by
   empty lines, and prints their canonical dumps, separated likewise; with --batches SEED instead
   what batches_check says. For tests: it stops at bad input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/hex.h"
#include "services/common/correlate/correlate.h"
#include "services/common/jsonio/jsonio.h"
#include "tests/model/correlate_batches.h"

enum { FACTS_MAX = 4096, ARENA_BYTES = 1 << 30, DUMP_BYTES = 1 << 28, LINE_DEPTH = 16 };

struct history {
    struct arena *arena;
    struct fact_record records[FACTS_MAX];
    struct fact_decision decisions[FACTS_MAX];
    struct fact_policy policies[FACTS_MAX];
    struct facts facts;
};

static const struct jsonio_value *get(const struct jsonio_value *object, const char *key)
{
    const struct jsonio_value *value = jsonio_find(object, key);
    return value == NULL || jsonio_type(value) == JSONIO_TYPE_NULL ? NULL : value;
}

static int64_t get_int(const struct jsonio_value *object, const char *key)
{
    const struct jsonio_value *value = get(object, key);
    if (value == NULL)
        return 0;
    if (jsonio_type(value) == JSONIO_TYPE_BOOL)
        return jsonio_bool(value);
    CHECK(jsonio_type(value) == JSONIO_TYPE_INTEGER);
    return jsonio_integer(value);
}

static struct slice keep(struct history *h, struct slice text)
{
    return slice_of(arena_copy(h->arena, text.data, text.size), text.size);
}

static struct slice get_text(struct history *h, const struct jsonio_value *object, const char *key)
{
    const struct jsonio_value *value = get(object, key);
    return value == NULL ? slice_of(NULL, 0) : keep(h, jsonio_string(value));
}

static void read_hex(const struct jsonio_value *value, uint8_t bytes[16])
{
    CHECK(value != NULL && hex_parse((const char *)jsonio_string(value).data, bytes, 16) == RC_OK);
}

static size_t count_of(const struct jsonio_value *array)
{
    return array == NULL ? 0 : jsonio_count(array);
}

static struct slice *get_texts(struct history *h, const struct jsonio_value *object,
                               const char *key, size_t *ret_count)
{
    const struct jsonio_value *array = get(object, key);
    size_t count = count_of(array);
    struct slice *texts = arena_zalloc(h->arena, count * sizeof(*texts));
    for (size_t i = 0; i < count; i++)
        texts[i] = keep(h, jsonio_string(jsonio_item(array, i)));
    *ret_count = count;
    return texts;
}

static struct fact_token read_token(const struct jsonio_value *array)
{
    struct fact_token token = {.kind = (uint32_t)jsonio_integer(jsonio_item(array, 0)),
                               .key_id = (uint32_t)jsonio_integer(jsonio_item(array, 1))};
    read_hex(jsonio_item(array, 2), token.mac);
    return token;
}

static void read_identifier(struct history *h, const struct jsonio_value *value,
                            struct fact_identifier *identifier)
{
    const struct jsonio_value *array = get(value, "tokens");
    size_t count = count_of(array);
    struct fact_token *tokens = arena_zalloc(h->arena, count * sizeof(*tokens));
    identifier->kind = (uint32_t)get_int(value, "kind");
    identifier->assurance = (uint32_t)get_int(value, "assurance");
    for (size_t i = 0; i < count; i++) {
        const struct jsonio_value *pair = jsonio_item(array, i);
        tokens[i].kind = identifier->kind;
        tokens[i].key_id = (uint32_t)jsonio_integer(jsonio_item(pair, 0));
        read_hex(jsonio_item(pair, 1), tokens[i].mac);
    }
    identifier->tokens = tokens;
    identifier->tokens_count = count;
}

static void read_person(struct history *h, const struct jsonio_value *value,
                        struct fact_person *person)
{
    const struct jsonio_value *array = get(value, "identifiers");
    size_t count = count_of(array);
    struct fact_identifier *identifiers = arena_zalloc(h->arena, count * sizeof(*identifiers));
    person->role = (uint32_t)get_int(value, "role");
    person->ordinal = (uint32_t)get_int(value, "ordinal");
    for (size_t i = 0; i < count; i++)
        read_identifier(h, jsonio_item(array, i), &identifiers[i]);
    person->identifiers = identifiers;
    person->identifiers_count = count;
}

static enum fact_body body_named(struct slice name)
{
    static const char *const NAMES[] = {"retraction", "contact", "incident", "supplement",
                                        "correction"};
    for (size_t i = 0; i < 5; i++)
        if (slice_is_equal(name, slice_str(NAMES[i])))
            return (enum fact_body)i;
    CHECK(name.size == 0);
    return FACT_BODY_RETRACTION;
}

static void read_lists(struct history *h, const struct jsonio_value *value,
                       struct fact_record *record)
{
    const struct jsonio_value *array = get(value, "answers");
    struct fact_answer *answers = arena_zalloc(h->arena, count_of(array) * sizeof(*answers));
    for (size_t i = 0; i < count_of(array); i++) {
        const struct jsonio_value *item = jsonio_item(array, i);
        answers[i] = (struct fact_answer){.matter = get_text(h, item, "matter"),
                                          .recorded_at_us = get_int(item, "recorded_at"),
                                          .is_final = get_int(item, "final") != 0};
    }
    record->answers = answers;
    record->answers_count = count_of(array);
    array = get(value, "persons");
    struct fact_person *persons = arena_zalloc(h->arena, count_of(array) * sizeof(*persons));
    for (size_t i = 0; i < count_of(array); i++)
        read_person(h, jsonio_item(array, i), &persons[i]);
    record->persons = persons;
    record->persons_count = count_of(array);
    record->categories = get_texts(h, value, "categories", &record->categories_count);
}

static void read_record(struct history *h, const struct jsonio_value *value)
{
    struct fact_record *record = &h->records[h->facts.records_count++];
    *record = (struct fact_record){
        .kind = body_named(get_text(h, value, "kind")),
        .replaces = body_named(get_text(h, value, "replaces")),
        .site = get_text(h, value, "site"),
        .concerned_site = get_text(h, value, "concerned_site"),
        .start_us = get_int(value, "start"),
        .end_us = get_int(value, get(value, "end") == NULL ? "start" : "end"),
        .recorded_at_us = get_int(value, "recorded_at"),
        .channel = (uint32_t)get_int(value, "channel"),
        .direction = (uint32_t)get_int(value, "direction"),
        .outcome = (uint32_t)get_int(value, "outcome"),
        .is_training = get_int(value, "training") != 0,
        .revision = get_int(value, "revision"),
        .matter = get_text(h, value, "matter"),
        .ref = get_text(h, value, "ref"),
        .talk_us = get_int(value, "talk"),
        .hold_us = get_int(value, "hold"),
    };
    read_hex(get(value, "id"), record->id.bytes);
    if (get(value, "target") != NULL)
        read_hex(get(value, "target"), record->target.bytes);
    read_lists(h, value, record);
    for (size_t i = 0; i + 1 < h->facts.records_count; i++) /* delivered again */
        if (uuid_compare(&h->records[i].id, &record->id) == 0) {
            h->facts.records_count--;
            return;
        }
}

static void read_classes(struct history *h, const struct jsonio_value *value,
                         struct fact_decision *decision)
{
    static const char *const SINGLE[] = {"a", "b", "class"};
    const struct jsonio_value *array = get(value, "classes");
    struct fact_class *classes = arena_zalloc(h->arena, (count_of(array) + 3) * sizeof(*classes));
    for (size_t i = 0; i < count_of(array); i++) {
        const struct jsonio_value *item = jsonio_item(array, i);
        classes[decision->classes_count++] =
            (struct fact_class){read_token(get(item, "token")), get_int(item, "at")};
    }
    for (size_t i = 0; i < 3; i++) {
        const struct jsonio_value *item = get(value, SINGLE[i]);
        if (item != NULL)
            classes[decision->classes_count++] =
                (struct fact_class){read_token(get(item, "token")), get_int(item, "at")};
    }
    decision->classes = classes;
}

static size_t index_named(struct slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is_equal(name, slice_str(names[i])))
            return i;
    CHECK(name.size == 0);
    return 0;
}

static void read_decision(struct history *h, const struct jsonio_value *value)
{
    static const char *const KINDS[] = {
        "verdict", "link",     "suppress",       "pin_shared",   "attach", "same_occurrence",
        "matter",  "restrict", "confirm_person", "not_listable", "ack",    "revoke"};
    static const char *const VERDICTS[] = {"complaint", "suspected", "confirmed", "rejected"};
    struct fact_decision *decision = &h->decisions[h->facts.decisions_count++];
    const struct jsonio_value *array = get(value, "records");
    const struct jsonio_value *single = get(value, "record");
    struct uuid *records = arena_zalloc(h->arena, (count_of(array) + 1) * sizeof(*records));
    *decision = (struct fact_decision){
        .no = get_int(value, "no"),
        .kind = (enum fact_decision_kind)index_named(get_text(h, value, "kind"), KINDS, 12),
        .revoked_no = get_int(value, "no_revoked"),
        .ordinal = (uint32_t)get_int(value, "ordinal"),
        .name = get_text(h, value, "name"),
        .until_us = get_int(value, "until"),
        .made_by = get_text(h, value, "made_by"),
        .second_by = get_text(h, value, "second_by"),
        .records = records,
    };
    if (decision->kind == FACT_DECISION_VERDICT)
        decision->verdict =
            (enum fact_verdict)index_named(get_text(h, value, "value"), VERDICTS, 4);
    if (decision->kind == FACT_DECISION_PIN_SHARED)
        decision->is_yes = get_int(value, "value") != 0;
    for (size_t i = 0; i < count_of(array); i++)
        read_hex(jsonio_item(array, i), records[decision->records_count++].bytes);
    if (single != NULL)
        read_hex(single, records[decision->records_count++].bytes);
    if (get(value, "handle") != NULL)
        read_hex(get(value, "handle"), decision->handle);
    read_classes(h, value, decision);
    decision->scope = get_texts(h, value, "scope", &decision->scope_count);
    for (size_t i = 0; i + 1 < h->facts.decisions_count; i++)
        if (h->decisions[i].no == decision->no) {
            h->facts.decisions_count--;
            return;
        }
}

static void take_int(const struct jsonio_value *object, const char *key, int64_t *place)
{
    if (get(object, key) != NULL)
        *place = get_int(object, key);
}

struct severities {
    struct history *history;
    struct fact_severity *items;
    size_t count;
};

static enum rc add_severity(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct severities *severities = ctx;
    severities->items[severities->count++] = (struct fact_severity){
        keep(severities->history, slice_str(key)), (int)jsonio_integer(value)};
    return RC_OK;
}

static void read_rules(struct history *h, const struct jsonio_value *rules,
                       struct fact_policy *policy)
{
    if (rules == NULL)
        return;
    take_int(rules, "confinement_talk", &policy->confinement_talk_us);
    take_int(rules, "repetition_window", &policy->repetition_window_us);
    take_int(rules, "matter_window", &policy->matter_window_us);
    take_int(rules, "cross_site_window", &policy->cross_site_window_us);
    take_int(rules, "cross_site_sites", &policy->cross_site_sites);
    take_int(rules, "escalation_window", &policy->escalation_window_us);
    take_int(rules, "escalation_severity", &policy->escalation_severity);
    const struct jsonio_value *table = get(rules, "severity");
    if (table == NULL)
        return;
    struct severities severities = {
        .history = h,
        .items = arena_zalloc(h->arena, count_of(table) * sizeof(struct fact_severity))};
    CHECK(jsonio_each(table, add_severity, &severities) == RC_OK);
    policy->severities = severities.items;
    policy->severities_count = severities.count;
}

static int compare_texts(const void *a, const void *b)
{
    struct slice x = *(const struct slice *)a, y = *(const struct slice *)b;
    int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);
    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

static void read_overrides(struct history *h, const struct jsonio_value *array,
                           struct fact_policy *policy)
{
    size_t count = count_of(array);
    struct fact_override *overrides = arena_zalloc(h->arena, count * sizeof(*overrides));
    for (size_t i = 0; i < count; i++) {
        const struct jsonio_value *item = jsonio_item(array, i);
        const struct jsonio_value *channels = get(item, "channels");
        struct slice *sites = get_texts(h, item, "sites", &overrides[i].sites_count);
        if (overrides[i].sites_count > 0)
            qsort(sites, overrides[i].sites_count, sizeof(*sites), compare_texts);
        overrides[i].sites = sites;
        overrides[i].channels = channels == NULL ? UINT32_MAX : 0;
        for (size_t k = 0; k < count_of(channels); k++)
            overrides[i].channels |= 1U << jsonio_integer(jsonio_item(channels, k)) % 32;
        overrides[i].policy = *policy;
        read_rules(h, get(item, "rules"), &overrides[i].policy);
    }
    policy->overrides = overrides;
    policy->overrides_count = count;
}

static void read_policy(struct history *h, const struct jsonio_value *value)
{
    struct fact_policy *policy = &h->policies[h->facts.policies_count++];
    *policy = facts_policy_standard;
    policy->version = get_int(value, "version");
    policy->effective_from_us = get_int(value, "effective_from");
    read_rules(h, get(value, "rules"), policy);
    read_overrides(h, get(value, "overrides"), policy);
}

static enum rc set_expiry(void *ctx, const char *key, const struct jsonio_value *value)
{
    struct fact_linking *linking = ctx;
    linking->expiry_us[strtol(key, NULL, 10) % FACT_KINDS] = jsonio_integer(value);
    return RC_OK;
}

static void read_linking(struct history *h, const struct jsonio_value *value)
{
    struct fact_linking *linking = &h->facts.linking;
    const struct jsonio_value *kinds = get(value, "kinds"), *caps = get(value, "caps");
    const struct jsonio_value *shared = get(value, "shared");
    if (kinds != NULL)
        memset(linking->is_linking, 0, sizeof(linking->is_linking));
    for (size_t i = 0; i < count_of(kinds); i++)
        linking->is_linking[jsonio_integer(jsonio_item(kinds, i)) % FACT_KINDS] = 1;
    if (get(value, "expiry") != NULL)
        CHECK(jsonio_each(get(value, "expiry"), set_expiry, linking) == RC_OK);
    take_int(value, "n", &linking->subject_nodes_max);
    take_int(value, "gap", &linking->gap_us);
    take_int(value, "gap_attempt", &linking->gap_attempt_us);
    take_int(value, "overlap", &linking->overlap_us);
    take_int(value, "pairs", &linking->pairs);
    take_int(value, "cap", &linking->cap);
    struct fact_cap *list = arena_zalloc(h->arena, count_of(caps) * sizeof(*list));
    for (size_t i = 0; i < count_of(caps); i++) {
        const struct jsonio_value *item = jsonio_item(caps, i);
        list[i] = (struct fact_cap){(uint32_t)jsonio_integer(jsonio_item(item, 0)),
                                    (uint32_t)jsonio_integer(jsonio_item(item, 1)),
                                    jsonio_integer(jsonio_item(item, 2))};
    }
    linking->caps = list;
    linking->caps_count = count_of(caps);
    struct fact_token *tokens = arena_zalloc(h->arena, count_of(shared) * sizeof(*tokens));
    for (size_t i = 0; i < count_of(shared); i++)
        tokens[i] = read_token(jsonio_item(shared, i));
    linking->shared = tokens;
    linking->shared_count = count_of(shared);
}

static void read_fact(struct history *h, struct slice line)
{
    struct jsonio_doc *doc;
    struct err err;
    if (jsonio_parse(line, LINE_DEPTH, &doc, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    const struct jsonio_value *value = jsonio_root(doc);
    struct slice fact = jsonio_string(get(value, "fact"));
    CHECK(h->facts.records_count < FACTS_MAX && h->facts.decisions_count < FACTS_MAX);
    if (slice_is_equal(fact, slice_str("record"))) {
        read_record(h, value);
    } else if (slice_is_equal(fact, slice_str("decision"))) {
        read_decision(h, value);
    } else if (slice_is_equal(fact, slice_str("policy"))) {
        read_policy(h, value);
    } else if (slice_is_equal(fact, slice_str("linking"))) {
        read_linking(h, value);
    } else {
        CHECK(slice_is_equal(fact, slice_str("tick")));
        int64_t as_of_us = get_int(value, "as_of");
        if (!h->facts.has_tick || as_of_us > h->facts.as_of_us)
            h->facts.as_of_us = as_of_us;
        h->facts.has_tick = 1;
    }
    jsonio_doc_free(doc);
}

static void dump(struct history *h)
{
    const struct derived *derived;
    struct buf out;
    struct err err;
    buf_init(&out, DUMP_BYTES);
    if (correlate_full(&h->facts, h->arena, &derived, &err) != RC_OK ||
        correlate_dump(derived, h->arena, &out, &err) != RC_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    fwrite(out.data, 1, out.size, stdout);
    buf_done(&out);
}

static void finish(struct history *h, const char *batches)
{
    h->facts.records = h->records;
    h->facts.decisions = h->decisions;
    h->facts.policies = h->policies;
    if (batches == NULL)
        dump(h);
    else
        batches_check(&h->facts, strtoull(batches, NULL, 10), h->arena);
    arena_reset(h->arena);
}

int main(int argc, char **argv)
{
    const char *batches =
        argc == 3 && strcmp(argv[1], "--batches") == 0 ? argv[2] : NULL; /* the seed */
    static struct history h;
    char *line = NULL;
    size_t capacity = 0;
    int is_first = 1, has_facts = 0;
    h.arena = arena_new(ARENA_BYTES);
    h.facts.linking = facts_linking_standard;
    for (;;) {
        ssize_t size = getline(&line, &capacity, stdin);
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        if (size > 0) {
            read_fact(&h, slice_of(line, (size_t)size));
            has_facts = 1;
            continue;
        }
        if (has_facts || size == 0) {
            if (!is_first)
                putchar('\n');
            is_first = 0;
            finish(&h, batches);
            struct arena *arena = h.arena;
            memset(&h.facts, 0, sizeof(h.facts));
            h.arena = arena;
            h.facts.linking = facts_linking_standard;
            has_facts = 0;
        }
        if (size < 0)
            break;
    }
    free(line);
    arena_free(h.arena);
    return 0;
}
