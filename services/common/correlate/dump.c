/* The canonical dump: what two computations must agree on, a line a thing. */
#include "services/common/correlate/correlate.h"

#include <inttypes.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/correlate/rule.h"
#include "services/common/correlate/steps.h"

/* Keys are written in sorted order by hand: each line function says them so. */
struct dump {
    const struct derived *d;
    struct buf *text; /* all lines, unsorted */
};

static const char *const BODIES[] = {"retraction", "contact", "incident", "supplement",
                                     "correction"};

static void put(struct dump *dump, const char *text)
{
    buf_add_str(dump->text, text);
}

static void put_int(struct dump *dump, int64_t value)
{
    buf_addf(dump->text, "%" PRId64, value);
}

static void put_bool(struct dump *dump, int value)
{
    put(dump, value ? "true" : "false");
}

/* Escapes as Python's json with ensure_ascii off. */
static void put_text(struct dump *dump, struct slice text)
{
    buf_add_char(dump->text, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        const char *short_form = c == '"'    ? "\\\""
                                 : c == '\\' ? "\\\\"
                                 : c == '\n' ? "\\n"
                                 : c == '\r' ? "\\r"
                                 : c == '\t' ? "\\t"
                                 : c == '\b' ? "\\b"
                                 : c == '\f' ? "\\f"
                                             : NULL;
        if (short_form != NULL)
            put(dump, short_form);
        else if (c < 0x20)
            buf_addf(dump->text, "\\u%04x", c);
        else
            buf_add_char(dump->text, (char)c);
    }
    buf_add_char(dump->text, '"');
}

static void put_texts(struct dump *dump, const struct slice *texts, size_t count)
{
    put(dump, "[");
    for (size_t i = 0; i < count; i++) {
        put(dump, i > 0 ? "," : "");
        put_text(dump, texts[i]);
    }
    put(dump, "]");
}

static void put_hex(struct dump *dump, const uint8_t bytes[16])
{
    char hex[33];
    hex_format(bytes, 16, hex);
    buf_addf(dump->text, "\"%s\"", hex);
}

static void put_effectives(struct dump *dump, const size_t *effectives, size_t count)
{
    put(dump, "[");
    for (size_t i = 0; i < count; i++) {
        put(dump, i > 0 ? "," : "");
        put_hex(dump, derived_id(dump->d, effectives[i])->bytes);
    }
    put(dump, "]");
}

static void put_token(struct dump *dump, const struct fact_token *token)
{
    buf_addf(dump->text, "[%" PRIu32 ",%" PRIu32 ",", token->kind, token->key_id);
    put_hex(dump, token->mac);
    put(dump, "]");
}

static void put_tokens(struct dump *dump, const size_t *tokens, size_t count)
{
    put(dump, "[");
    for (size_t i = 0; i < count; i++) {
        put(dump, i > 0 ? "," : "");
        put_token(dump, &dump->d->tokens[tokens[i]]);
    }
    put(dump, "]");
}

static void put_class(struct dump *dump, size_t class)
{
    put_token(dump, &dump->d->tokens[dump->d->classes[class].tokens[0]]);
}

static void put_node(struct dump *dump, size_t node)
{
    if (node == NONE) {
        put(dump, "null");
        return;
    }
    put(dump, "{\"class\":");
    put_class(dump, dump->d->nodes[node].class);
    put(dump, ",\"first\":");
    put_int(dump, dump->d->nodes[node].first_us);
    put(dump, "}");
}

static void put_subject(struct dump *dump, size_t subject)
{
    if (subject == NONE) {
        put(dump, "null");
        return;
    }
    const struct subject_name *name = &dump->d->subjects[subject].name;
    put(dump, "[");
    put_hex(dump, name->record->bytes);
    buf_addf(dump->text, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",", name->ordinal, name->token->kind,
             name->token->key_id);
    put_hex(dump, name->token->mac);
    put(dump, "]");
}

static void dump_records(struct dump *dump)
{
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->inert.count; i++) {
        put(dump, "{\"record\":");
        put_hex(dump, d->inert.items[i]->id.bytes);
        put(dump, ",\"t\":\"inert\"}\n");
    }
    for (size_t i = 0; i < d->waiting.count; i++) {
        put(dump, "{\"record\":");
        put_hex(dump, d->waiting.items[i]->id.bytes);
        put(dump, ",\"t\":\"waiting\"}\n");
    }
    for (size_t i = 0; i < d->decisions_count; i++)
        if (d->is_inert[i])
            buf_addf(dump->text, "{\"decision\":%" PRId64 ",\"t\":\"inert\"}\n",
                     d->decisions[i]->no);
    for (size_t i = 0; i < d->effectives_count; i++) {
        const struct effective *e = &d->effectives[i];
        put(dump, "{\"by\":");
        put_hex(dump, e->winner->id.bytes);
        buf_addf(dump->text, ",\"kind\":\"%s\",\"record\":", BODIES[e->body]);
        put_hex(dump, e->original->id.bytes);
        put(dump, ",\"supplements\":[");
        for (size_t k = 0; k < e->supplements_count; k++) {
            put(dump, k > 0 ? "," : "");
            put_hex(dump, e->supplements[k]->id.bytes);
        }
        put(dump, "],\"t\":\"effective\"}\n");
    }
}

static void dump_identity(struct dump *dump)
{
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->alarms.count; i++) {
        const struct alarm *alarm = &d->alarms.items[i];
        buf_addf(dump->text, "{\"kind\":\"%s\",\"t\":\"alarm\",\"tokens\":",
                 alarm->is_conflict ? "class_conflict" : "void_alias");
        put_tokens(dump, alarm->tokens, alarm->tokens_count);
        put(dump, "}\n");
    }
    for (size_t i = 0; i < d->classes_count; i++) {
        if (d->classes[i].tokens_count < 2)
            continue;
        put(dump, "{\"t\":\"class\",\"tokens\":");
        put_tokens(dump, d->classes[i].tokens, d->classes[i].tokens_count);
        put(dump, "}\n");
    }
    for (size_t i = 0; i < d->nodes_count; i++) {
        const struct node *node = &d->nodes[i];
        put(dump, "{\"last\":");
        put_int(dump, node->last_us);
        put(dump, ",\"node\":");
        put_node(dump, i);
        put(dump, ",\"overgrown\":");
        put_bool(dump, node->is_overgrown);
        put(dump, ",\"shared\":");
        put_bool(dump, node->is_shared);
        put(dump, ",\"subject\":");
        put_subject(dump, node->subject);
        put(dump, ",\"t\":\"node\"}\n");
    }
}

static void dump_edges(struct dump *dump)
{
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->edges.count; i++) {
        const struct edge *edge = &d->edges.items[i];
        put(dump, "{\"a\":");
        put_node(dump, edge->a);
        put(dump, ",\"b\":");
        put_node(dump, edge->b);
        put(dump, ",\"decisions\":[");
        for (size_t k = 0; k < edge->decisions_count; k++) {
            put(dump, k > 0 ? "," : "");
            put_int(dump, edge->decisions[k]);
        }
        put(dump, "],\"records\":");
        put_effectives(dump, edge->effectives, edge->effectives_count);
        put(dump, ",\"suppressed\":");
        put_bool(dump, edge->is_suppressed);
        put(dump, ",\"t\":\"edge\"}\n");
    }
}

static void dump_mentions(struct dump *dump)
{
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->mentions_count; i++) {
        const struct mention *mention = &d->mentions[i];
        put(dump, "{\"node\":");
        put_node(dump, mention->owner);
        buf_addf(dump->text, ",\"ordinal\":%" PRIu32 ",\"record\":", mention->ordinal);
        put_hex(dump, derived_id(d, mention->effective)->bytes);
        put(dump, ",\"subject\":");
        put_subject(dump, mention->subject);
        put(dump, ",\"t\":\"owner\"}\n");
    }
    for (size_t i = 0; i < d->proposals.count; i++) {
        const struct proposal *proposal = &d->proposals.items[i];
        if (proposal->is_switchboard) {
            put(dump, "{\"kind\":\"switchboard\",\"node\":");
            put_node(dump, proposal->node);
            put(dump, ",\"t\":\"proposal\"}\n");
            continue;
        }
        const struct mention *mention = &d->mentions[proposal->mention];
        buf_addf(dump->text,
                 "{\"kind\":\"typed\",\"ordinal\":%" PRIu32 ",\"record\":", mention->ordinal);
        put_hex(dump, derived_id(d, mention->effective)->bytes);
        put(dump, ",\"subject\":");
        put_subject(dump, d->nodes[proposal->node].subject);
        put(dump, ",\"t\":\"proposal\",\"token\":");
        put_token(dump, proposal->token);
        put(dump, "}\n");
    }
}

static void put_part(struct dump *dump, const struct part *part)
{
    put(dump, "{\"incident\":");
    put_bool(dump, part->has_incident);
    put(dump, ",\"matters\":");
    put_texts(dump, part->matters, part->matters_count);
    put(dump, ",\"records\":");
    put_effectives(dump, part->effectives, part->effectives_count);
    put(dump, ",\"severity\":");
    if (part->severity > 0)
        put_int(dump, part->severity);
    else
        put(dump, "null");
    put(dump, ",\"sites\":");
    put_texts(dump, part->sites, part->sites_count);
    put(dump, ",\"start\":");
    if (part->is_counting)
        put_int(dump, part->start_us);
    else
        put(dump, "null");
    put(dump, ",\"subject\":");
    put_subject(dump, part->subject);
    put(dump, ",\"talk\":");
    put_int(dump, part->talk_us);
    put(dump, "}");
}

static void dump_occurrences(struct dump *dump)
{
    static const char *const STATES[] = {"open", "innocent", "disputed"};
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->occurrences_count; i++) {
        const struct occurrence *o = &d->occurrences[i];
        put(dump, "{\"name\":");
        put_hex(dump, derived_id(d, o->effectives[0])->bytes);
        put(dump, ",\"parts\":[");
        for (size_t p = 0; p < o->parts_count; p++) {
            put(dump, p > 0 ? "," : "");
            put_part(dump, &d->parts.items[o->first_part + p]);
        }
        put(dump, "],\"records\":");
        put_effectives(dump, o->effectives, o->effectives_count);
        buf_addf(dump->text, ",\"state\":\"%s\",\"t\":\"occurrence\"}\n", STATES[o->state]);
    }
}

static void dump_findings(struct dump *dump)
{
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->findings.count; i++) {
        const struct finding *finding = &d->findings.items[i];
        put(dump, "{\"id\":");
        put_hex(dump, finding->id);
        put(dump, ",\"matter\":");
        put_text(dump, finding->matter);
        put(dump, ",\"parts\":[");
        for (size_t k = 0; k < finding->parts_count; k++) {
            size_t occurrence = d->parts.items[finding->parts[k]].occurrence;
            put(dump, k > 0 ? "," : "");
            put_hex(dump, derived_id(d, d->occurrences[occurrence].effectives[0])->bytes);
        }
        buf_addf(dump->text, "],\"rule\":\"%s\",\"subject\":", rule_name(finding->rule));
        put_subject(dump, finding->subject);
        put(dump, ",\"t\":\"finding\"}\n");
    }
    for (size_t i = 0; i < d->notices.count; i++) {
        const struct notice *notice = &d->notices.items[i];
        put(dump, "{\"matter\":");
        put_text(dump, notice->matter);
        put(dump, ",\"record\":");
        put_hex(dump, derived_id(d, notice->effective)->bytes);
        buf_addf(dump->text, ",\"rule\":\"%s\",\"subject\":", rule_name(notice->rule));
        put_subject(dump, notice->subject);
        put(dump, ",\"t\":\"notice\"}\n");
    }
}

static void put_review(struct dump *dump, const struct review *review)
{
    static const char *const KINDS[] = {"tells_nobody", "joined", "retracted", "watch"};
    const struct derived *d = dump->d;
    if (review->kind == REVIEW_KIND_WATCH) {
        put(dump, "{\"class\":");
        put_class(dump, review->class);
        buf_addf(dump->text,
                 ",\"decision\":%" PRId64
                 ",\"kind\":\"watch\",\"reason\":\"%s\",\"t\":\"review\"}\n",
                 review->decision->no, review->reason);
        return;
    }
    put(dump, "{\"decision\":");
    if (review->decision == NULL)
        put(dump, "null");
    else
        put_int(dump, review->decision->no);
    buf_addf(dump->text, ",\"kind\":\"%s\",\"occurrence\":", KINDS[review->kind]);
    if (review->occurrence == NONE)
        put(dump, "null");
    else
        put_hex(dump, derived_id(d, d->occurrences[review->occurrence].effectives[0])->bytes);
    put(dump, ",\"record\":");
    put_hex(dump, review->record->bytes);
    put(dump, ",\"t\":\"review\"}\n");
}

static int compare_scopes(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    return derived_slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void dump_watch(struct dump *dump, struct derived *scratch)
{
    const struct derived *d = dump->d;
    for (size_t i = 0; i < d->watch.count; i++) {
        const struct fact_decision *decision = d->watch.items[i].decision;
        struct slice *scope = derived_take(scratch, decision->scope_count, sizeof(*scope));
        if (decision->scope_count > 0)
            memcpy(scope, decision->scope, decision->scope_count * sizeof(*scope));
        derived_sort(scratch, scope, decision->scope_count, sizeof(*scope), compare_scopes);
        put(dump, "{\"class\":");
        put_class(dump, d->watch.items[i].class);
        buf_addf(dump->text, ",\"decision\":%" PRId64 ",\"scope\":", decision->no);
        put_texts(dump, scope, decision->scope_count);
        put(dump, ",\"t\":\"watch\"}\n");
    }
    for (size_t i = 0; i < d->reviews.count; i++)
        put_review(dump, &d->reviews.items[i]);
}

/* Lines of text, sorted, without doubles, into out. */
static void sort_lines(struct derived *scratch, const struct buf *text, struct buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < text->size; i++)
        count += text->data[i] == '\n';
    struct slice *lines = derived_take(scratch, count, sizeof(*lines));
    const uint8_t *at = text->data;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *end = memchr(at, '\n', (size_t)(text->data + text->size - at));
        lines[i] = slice_of(at, (size_t)(end - at));
        at = end + 1;
    }
    count = derived_slice_set(scratch, lines, count);
    for (size_t i = 0; i < count; i++) {
        buf_add(out, lines[i].data, lines[i].size);
        buf_add_char(out, '\n');
    }
}

/* Its own frame, so that the jump back finds text where it was. */
static int dump_all(struct dump *dump, struct derived *scratch, struct buf *out)
{
    if (setjmp(scratch->full) != 0)
        return 0;
    dump_records(dump);
    dump_identity(dump);
    dump_edges(dump);
    dump_mentions(dump);
    dump_occurrences(dump);
    dump_findings(dump);
    dump_watch(dump, scratch);
    if (!dump->text->is_failed)
        sort_lines(scratch, dump->text, out);
    return !dump->text->is_failed && !out->is_failed;
}

enum rc correlate_dump(const struct derived *derived, struct arena *arena, struct buf *out,
                       struct err *err)
{
    struct buf text;
    struct derived *scratch = arena_zalloc(arena, sizeof(*scratch));
    struct dump dump = {.d = derived, .text = &text};
    int is_done = 0;
    buf_init(&text, out->size_max);
    if (scratch != NULL) {
        scratch->arena = arena;
        is_done = dump_all(&dump, scratch, out);
    }
    buf_done(&text);
    return is_done ? RC_OK : err_set(err, RC_FULL, "the dump needs more memory");
}
