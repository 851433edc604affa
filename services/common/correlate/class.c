/* D2: which tokens are one value. */
#include "services/common/correlate/steps.h"

#include <string.h>

/* One direction of an alias. */
struct alias {
    size_t token, other;
};

struct aliases {
    VECTOR(struct alias) list; /* by token, other's key id, other; no doubles */
};

static int compare_tokens(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    return fact_token_compare(a, b);
}

static int compare_aliases(const void *a, const void *b, const struct derived *d)
{
    const struct alias *x = a, *y = b;
    if (x->token != y->token)
        return x->token < y->token ? -1 : 1;
    uint32_t key_x = d->tokens[x->other].key_id, key_y = d->tokens[y->other].key_id;
    if (key_x != key_y)
        return key_x < key_y ? -1 : 1;
    return x->other < y->other ? -1 : x->other > y->other;
}

static void collect_tokens(struct derived *d)
{
    VECTOR(struct fact_token) tokens = {0};
    for (size_t e = 0; e < d->effectives_count; e++)
        for (size_t p = 0; p < d->effectives[e].persons_count; p++) {
            const struct fact_person *person = &d->effectives[e].persons[p];
            for (size_t i = 0; i < person->identifiers_count; i++)
                for (size_t t = 0; t < person->identifiers[i].tokens_count; t++)
                    VECTOR_PUSH(d, &tokens, person->identifiers[i].tokens[t]);
        }
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_ATTACH)
            continue;
        struct fact_token handle = {.kind = FACT_KIND_HANDLE};
        memcpy(handle.mac, decision->handle, FACT_MAC_BYTES);
        VECTOR_PUSH(d, &tokens, handle);
    }
    for (size_t i = 0; i < d->facts->hubs_count; i++)
        for (size_t t = 0; t < d->facts->hubs[i].tokens_count; t++)
            VECTOR_PUSH(d, &tokens, d->facts->hubs[i].tokens[t]);
    derived_sort(d, tokens.items, tokens.count, sizeof(*tokens.items), compare_tokens);
    d->tokens = tokens.items;
    for (size_t i = 0; i < tokens.count; i++)
        if (d->tokens_count == 0 ||
            fact_token_compare(&d->tokens[d->tokens_count - 1], &tokens.items[i]) != 0)
            d->tokens[d->tokens_count++] = tokens.items[i];
}

static void add_aliases(struct derived *d, struct aliases *aliases, const struct fact_token *tokens,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            size_t a = derived_find_token(d, &tokens[i]);
            size_t b = derived_find_token(d, &tokens[k]);
            if (a != b)
                VECTOR_PUSH(d, &aliases->list, (struct alias){a, b});
        }
}

static void collect_aliases(struct derived *d, struct aliases *aliases)
{
    for (size_t e = 0; e < d->effectives_count; e++)
        for (size_t p = 0; p < d->effectives[e].persons_count; p++)
            for (size_t i = 0; i < d->effectives[e].persons[p].identifiers_count; i++) {
                const struct fact_identifier *identifier =
                    &d->effectives[e].persons[p].identifiers[i];
                add_aliases(d, aliases, identifier->tokens, identifier->tokens_count);
            }
    for (size_t i = 0; i < d->facts->hubs_count; i++)
        add_aliases(d, aliases, d->facts->hubs[i].tokens, d->facts->hubs[i].tokens_count);
    struct alias *items = aliases->list.items;
    size_t kept = 0;
    derived_sort(d, items, aliases->list.count, sizeof(*items), compare_aliases);
    for (size_t i = 0; i < aliases->list.count; i++)
        if (kept == 0 || items[kept - 1].token != items[i].token ||
            items[kept - 1].other != items[i].other)
            items[kept++] = items[i];
    aliases->list.count = kept;
}

static void push_alarm(struct derived *d, int is_conflict, const size_t *tokens, size_t count)
{
    VECTOR_PUSH(
        d, &d->alarms,
        (struct alarm){.is_conflict = is_conflict, .tokens = tokens, .tokens_count = count});
}

/* Tokens with two different aliases under one key id, or one under their own. */
static uint8_t *find_bad(struct derived *d, const struct aliases *aliases)
{
    uint8_t *is_bad = derived_take(d, d->tokens_count, 1);
    const struct alias *items = aliases->list.items;
    for (size_t i = 0; i < aliases->list.count; i++) {
        uint32_t key_id = d->tokens[items[i].other].key_id;
        int is_double = i > 0 && items[i - 1].token == items[i].token &&
                        d->tokens[items[i - 1].other].key_id == key_id;
        if (is_double || key_id == d->tokens[items[i].token].key_id)
            is_bad[items[i].token] = 1;
    }
    for (size_t i = 0; i < d->tokens_count; i++)
        if (is_bad[i]) {
            size_t *token = derived_take(d, 1, sizeof(*token));
            *token = i;
            push_alarm(d, 0, token, 1);
        }
    return is_bad;
}

/* Members of each root, ascending, as slices of one array. */
static size_t *group(struct derived *d, size_t *parents, size_t **ret_starts)
{
    size_t *starts = derived_take(d, d->tokens_count + 1, sizeof(*starts));
    size_t *members = derived_take(d, d->tokens_count, sizeof(*members));
    size_t *fill = derived_take(d, d->tokens_count, sizeof(*fill));
    for (size_t i = 0; i < d->tokens_count; i++)
        starts[derived_find(parents, i) + 1]++;
    for (size_t i = 0; i < d->tokens_count; i++)
        starts[i + 1] += starts[i];
    for (size_t i = 0; i < d->tokens_count; i++) {
        size_t root = derived_find(parents, i);
        members[starts[root] + fill[root]++] = i;
    }
    *ret_starts = starts;
    return members;
}

static int has_conflict(const struct derived *d, const size_t *tokens, size_t count)
{
    for (size_t i = 1; i < count; i++) /* tokens ascend by kind, then key id */
        if (d->tokens[tokens[i]].key_id == d->tokens[tokens[i - 1]].key_id)
            return 1;
    return 0;
}

static void push_class(struct derived *d, size_t *tokens, size_t count)
{
    size_t index = d->classes_count++;
    d->classes[index] =
        (struct class){.tokens = tokens, .tokens_count = count, .kind = d->tokens[tokens[0]].kind};
    for (size_t i = 0; i < count; i++)
        d->class_of[tokens[i]] = index;
}

static int compare_classes(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    size_t x = ((const struct class *)a)->tokens[0], y = ((const struct class *)b)->tokens[0];
    return x < y ? -1 : x > y;
}

void class_derive(struct derived *d)
{
    struct aliases aliases = {0};
    collect_tokens(d);
    collect_aliases(d, &aliases);
    const uint8_t *is_bad = find_bad(d, &aliases);
    size_t *parents = derived_singletons(d, d->tokens_count);
    for (size_t i = 0; i < aliases.list.count; i++) {
        const struct alias *alias = &aliases.list.items[i];
        if (!is_bad[alias->token] && !is_bad[alias->other])
            derived_join(parents, alias->token, alias->other);
    }
    size_t *starts;
    size_t *members = group(d, parents, &starts);
    d->classes = derived_take(d, d->tokens_count, sizeof(*d->classes));
    d->class_of = derived_take(d, d->tokens_count, sizeof(*d->class_of));
    for (size_t root = 0; root < d->tokens_count; root++) {
        size_t *tokens = members + starts[root];
        size_t count = starts[root + 1] - starts[root];
        if (count == 0)
            continue;
        if (!has_conflict(d, tokens, count)) {
            push_class(d, tokens, count);
            continue;
        }
        push_alarm(d, 1, tokens, count);
        for (size_t i = 0; i < count; i++)
            push_class(d, tokens + i, 1);
    }
    derived_sort(d, d->classes, d->classes_count, sizeof(*d->classes), compare_classes);
    for (size_t c = 0; c < d->classes_count; c++)
        for (size_t i = 0; i < d->classes[c].tokens_count; i++)
            d->class_of[d->classes[c].tokens[i]] = c;
}
