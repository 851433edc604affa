/* D3: mentions, their linking classes, sightings and runs. */
#include "services/common/correlate/steps.h"

#include <string.h>

static int is_live(const struct effective *e)
{
    const struct fact_record *r = e->winner;
    return r->channel == FACT_CHANNEL_FACE_TO_FACE || r->channel == FACT_CHANNEL_VISIT ||
           r->direction == FACT_DIRECTION_INBOUND ||
           (e->body == FACT_BODY_INCIDENT && r->direction == FACT_DIRECTION_NONE);
}

static int is_linking(const struct derived *d, const struct fact_identifier *identifier)
{
    return identifier->kind < FACT_KINDS && d->facts->linking.is_linking[identifier->kind] &&
           identifier->assurance > FACT_ASSURANCE_TYPED && identifier->assurance <= 4;
}

static void add_class(struct mention *mention, size_t class)
{
    for (size_t i = 0; i < mention->classes_count; i++)
        if (mention->classes[i] == class)
            return;
    if (mention->classes_count < MENTION_CLASSES_MAX)
        mention->classes[mention->classes_count++] = class;
}

static void add_handles(const struct derived *d, struct mention *mention)
{
    for (size_t i = 0; i < d->decisions_count; i++) {
        const struct fact_decision *decision = d->decisions[i];
        if (!d->is_in_force[i] || decision->kind != FACT_DECISION_ATTACH ||
            decision->ordinal != mention->ordinal || decision->records_count != 1)
            continue;
        const struct fact_record *named = derived_find_named(d, &decision->records[0]);
        if (named == NULL || uuid_compare(&named->id, derived_id(d, mention->effective)) != 0)
            continue;
        struct fact_token handle = {.kind = FACT_KIND_HANDLE};
        memcpy(handle.mac, decision->handle, FACT_MAC_BYTES);
        add_class(mention, derived_find_class(d, &handle));
    }
}

static void add_identifiers(const struct derived *d, struct mention *mention)
{
    for (size_t i = 0; i < mention->person->identifiers_count; i++) {
        const struct fact_identifier *identifier = &mention->person->identifiers[i];
        size_t class = derived_class_of(d, identifier);
        if (class != NONE && is_linking(d, identifier))
            add_class(mention, class);
    }
}

static void collect_mentions(struct derived *d)
{
    size_t count = 0;
    for (size_t e = 0; e < d->effectives_count; e++)
        for (size_t p = 0; p < d->effectives[e].persons_count; p++)
            count += d->effectives[e].persons[p].role == FACT_ROLE_SUBJECT;
    d->mentions = derived_take(d, count, sizeof(*d->mentions));
    for (size_t e = 0; e < d->effectives_count; e++)
        for (size_t p = 0; p < d->effectives[e].persons_count; p++) {
            const struct fact_person *person = &d->effectives[e].persons[p];
            if (person->role != FACT_ROLE_SUBJECT)
                continue;
            struct mention *mention = &d->mentions[d->mentions_count++];
            *mention = (struct mention){.effective = e,
                                        .ordinal = person->ordinal,
                                        .person = person,
                                        .is_live = is_live(&d->effectives[e]),
                                        .owner = NONE,
                                        .subject = NONE};
            if (mention->is_live) /* else the decision is inert */
                add_handles(d, mention);
            add_identifiers(d, mention);
        }
}

static int compare_sightings(const void *a, const void *b, const struct derived *d)
{
    (void)d;
    const struct sighting *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return x->mention < y->mention ? -1 : x->mention > y->mention;
}

static void collect_sightings(struct derived *d)
{
    d->sightings = derived_take(d, d->mentions_count * MENTION_CLASSES_MAX, sizeof(*d->sightings));
    for (size_t m = 0; m < d->mentions_count; m++) {
        const struct mention *mention = &d->mentions[m];
        if (!mention->is_live)
            continue;
        int64_t start_us = d->effectives[mention->effective].winner->start_us;
        for (size_t i = 0; i < mention->classes_count; i++)
            d->sightings[d->sightings_count++] =
                (struct sighting){mention->classes[i], start_us, m};
    }
    derived_sort(d, d->sightings, d->sightings_count, sizeof(*d->sightings), compare_sightings);
}

/* Cuts each class's sightings where the pause is longer than the kind's expiry. */
static void cut_runs(struct derived *d)
{
    d->nodes = derived_take(d, d->sightings_count, sizeof(*d->nodes));
    for (size_t i = 0; i < d->sightings_count; i++) {
        const struct sighting *s = &d->sightings[i];
        struct class *class = &d->classes[s->class];
        if (class->sightings_count++ == 0) {
            class->first_sighting = i;
            class->first_node = d->nodes_count;
        }
        struct node *node = class->nodes_count == 0 ? NULL : &d->nodes[d->nodes_count - 1];
        int64_t expiry_us = d->facts->linking.expiry_us[class->kind % FACT_KINDS];
        if (node == NULL || s->start_us - node->last_us > expiry_us) {
            node = &d->nodes[d->nodes_count++];
            *node = (struct node){
                .class = s->class, .first_us = s->start_us, .first_sighting = i, .subject = NONE};
            class->nodes_count++;
        }
        node->last_us = s->start_us;
        node->sightings_count++;
    }
}

void run_derive(struct derived *d)
{
    collect_mentions(d);
    collect_sightings(d);
    cut_runs(d);
    for (size_t m = 0; m < d->mentions_count; m++) {
        struct mention *mention = &d->mentions[m];
        int64_t start_us = d->effectives[mention->effective].winner->start_us;
        for (size_t i = 0; mention->is_live && i < mention->classes_count; i++)
            mention->nodes[i] = derived_resolve(d, mention->classes[i], start_us);
    }
}
