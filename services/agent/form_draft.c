/* The form's body to a record. Invariant: an identifier is CONFIRMED only by what the person did on
   the form, never by what the page claims about it. */
#include "services/agent/form_draft.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/normalise.h"
#include "services/common/base/clock.h"
#include "services/common/base/limits.h"
#include "services/common/record/record_build.h"

#define ENUM(name) KASUMORI__V1__##name

static const char SCHEME[] = "mhlw9";
static const char VERSION[] = "2022";
static const char SOURCE[] = "form";

static char *copy(struct arena *arena, struct slice text)
{
    return arena_copy(arena, text.data, text.size);
}

static enum rc no_room(struct err *err)
{
    return err_set(err, RC_FULL, "the form is too large");
}

static Kasumori__V1__Text *make_text(struct arena *arena, struct slice value)
{
    Kasumori__V1__Text *text = arena_alloc(arena, sizeof(*text));
    if (text == NULL)
        return NULL;
    kasumori__v1__text__init(text);
    text->value = copy(arena, value);
    return text->value == NULL ? NULL : text;
}

static Kasumori__V1__Identifier *make_identifier(struct arena *arena, struct draft *draft,
                                                 uint32_t kind, struct slice value)
{
    Kasumori__V1__Identifier *identifier = arena_alloc(arena, sizeof(*identifier));
    char *raw = copy(arena, value);
    if (identifier == NULL || raw == NULL)
        return NULL;
    kasumori__v1__identifier__init(identifier);
    identifier->kind = (Kasumori__V1__IdentifierKind)kind;
    identifier->assurance = ENUM(ASSURANCE__ASSURANCE_TYPED);
    draft->raws[draft->raws_count++] =
        (struct draft_raw){.identifier = identifier, .value = slice_of(raw, value.size)};
    return identifier;
}

/* -- persons -- */

static int is_same(const struct normalised *a, const struct normalised *b)
{
    return a->kind == b->kind && a->kind != 0 &&
           slice_is_equal(normalised_slice(a), normalised_slice(b));
}

static enum rc judge_assurance(const struct form_identifier *given,
                               Kasumori__V1__Assurance *ret_assurance, const char **ret_member,
                               struct err *err)
{
    struct normalised first, second;
    *ret_member = "value";
    enum rc rc = normalise_identifier(given->kind, given->value, &first, err);
    int is_confirmed = given->is_read_back;
    if (rc == RC_OK && given->again.size > 0) {
        *ret_member = "again";
        rc = normalise_identifier(given->kind, given->again, &second, err);
        if (rc == RC_OK && !is_same(&first, &second))
            rc = err_set(err, RC_REJECT, "the two writings differ");
        explicit_bzero(&second, sizeof(second));
        is_confirmed = 1;
    }
    explicit_bzero(&first, sizeof(first));
    if (rc == RC_OK)
        *ret_assurance =
            is_confirmed ? ENUM(ASSURANCE__ASSURANCE_CONFIRMED) : ENUM(ASSURANCE__ASSURANCE_TYPED);
    return rc;
}

static enum rc add_person(const struct form_entry *entry, struct arena *arena, struct draft *draft,
                          char *place, struct err *err)
{
    size_t count = entry->identifiers_count;
    if (count == 0)
        return RC_OK;
    Kasumori__V1__Person *person = arena_alloc(arena, sizeof(*person));
    Kasumori__V1__Person **persons = arena_alloc(arena, sizeof(*persons));
    Kasumori__V1__Identifier **list = arena_alloc(arena, count * sizeof(*list));
    if (person == NULL || persons == NULL || list == NULL)
        return no_room(err);
    kasumori__v1__person__init(person);
    person->role = ENUM(ROLE__ROLE_SUBJECT);
    for (size_t i = 0; i < count; i++) {
        const struct form_identifier *given = &entry->identifiers[i];
        const char *member;
        list[i] = make_identifier(arena, draft, given->kind, given->value);
        if (list[i] == NULL)
            return no_room(err);
        enum rc rc = judge_assurance(given, &list[i]->assurance, &member, err);
        if (rc != RC_OK) {
            snprintf(place, FORM_PLACE_BYTES, "identifiers[%zu].%s", i, member);
            return rc;
        }
    }
    person->identifiers = list;
    person->n_identifiers = count;
    persons[0] = person;
    draft->record->persons = persons;
    draft->record->n_persons = 1;
    return RC_OK;
}

static enum rc set_worker(const struct form_entry *entry, const char *worker, struct arena *arena,
                          struct draft *draft, struct err *err)
{
    if (worker == NULL || entry->is_anonymous)
        return RC_OK;
    draft->record->worker = make_identifier(
        arena, draft, ENUM(IDENTIFIER_KIND__IDENTIFIER_KIND_WORKER), slice_str(worker));
    if (draft->record->worker == NULL)
        return no_room(err);
    draft->record->worker->assurance = ENUM(ASSURANCE__ASSURANCE_CONFIRMED); /* by the PIN */
    return RC_OK;
}

/* -- the incident -- */

static int add_categories(const struct form_entry *entry, struct arena *arena,
                          Kasumori__V1__Incident *incident)
{
    size_t count = entry->categories_count;
    if (count == 0)
        return 1;
    Kasumori__V1__Category *items = arena_alloc(arena, count * sizeof(*items));
    Kasumori__V1__Category **list = arena_alloc(arena, count * sizeof(*list));
    if (items == NULL || list == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        kasumori__v1__category__init(&items[i]);
        items[i].scheme = (char *)SCHEME;
        items[i].version = (char *)VERSION;
        items[i].code = copy(arena, entry->categories[i]);
        items[i].assigned_by = ENUM(ASSIGNED_BY__ASSIGNED_BY_REPORTER);
        list[i] = &items[i];
        if (items[i].code == NULL)
            return 0;
    }
    incident->categories = list;
    incident->n_categories = count;
    return 1;
}

static int add_words(const struct form_entry *entry, struct arena *arena,
                     Kasumori__V1__Incident *incident)
{
    if (entry->note.size > 0 && (incident->note = make_text(arena, entry->note)) == NULL)
        return 0;
    if (entry->words.size == 0)
        return 1;
    incident->words = arena_alloc(arena, sizeof(*incident->words));
    if (incident->words == NULL || (incident->words[0] = make_text(arena, entry->words)) == NULL)
        return 0;
    incident->n_words = 1;
    return 1;
}

static int add_spot(const struct agent_spot *spot, struct arena *arena,
                    Kasumori__V1__Incident *incident)
{
    if (spot == NULL)
        return 1;
    incident->spot = arena_alloc(arena, sizeof(*incident->spot));
    if (incident->spot == NULL)
        return 0;
    kasumori__v1__spot__init(incident->spot);
    incident->spot->till = spot->name;
    if (spot->floor != NULL)
        incident->spot->floor = spot->floor;
    if (spot->landmark != NULL)
        incident->spot->landmark = spot->landmark;
    return 1;
}

static int add_victim(const struct form_entry *entry, struct arena *arena,
                      Kasumori__V1__Incident *incident)
{
    if (entry->hurt == 0 && !entry->is_anonymous)
        return 1;
    incident->victim = arena_alloc(arena, sizeof(*incident->victim));
    if (incident->victim == NULL)
        return 0;
    kasumori__v1__victim__init(incident->victim);
    incident->victim->injured = (Kasumori__V1__Tri)entry->hurt;
    incident->victim->anonymity_wanted = entry->is_anonymous;
    return 1;
}

static int add_police(const struct form_entry *entry, struct arena *arena,
                      Kasumori__V1__Incident *incident)
{
    if (!entry->is_police_called)
        return 1;
    Kasumori__V1__PoliceContact *police = arena_alloc(arena, sizeof(*police));
    incident->police = arena_alloc(arena, sizeof(*incident->police));
    if (police == NULL || incident->police == NULL)
        return 0;
    kasumori__v1__police_contact__init(police);
    police->line = ENUM(POLICE_LINE__POLICE_LINE_110);
    incident->police[0] = police;
    incident->n_police = 1;
    return 1;
}

static Kasumori__V1__Incident *make_incident(const struct form_entry *entry, struct arena *arena)
{
    Kasumori__V1__Incident *incident = arena_alloc(arena, sizeof(*incident));
    if (incident == NULL)
        return NULL;
    kasumori__v1__incident__init(incident);
    incident->still_present = (Kasumori__V1__Tri)entry->still_here;
    int is_whole = add_categories(entry, arena, incident) && add_words(entry, arena, incident) &&
                   add_spot(entry->spot, arena, incident) && add_victim(entry, arena, incident) &&
                   add_police(entry, arena, incident);
    return is_whole ? incident : NULL;
}

/* -- bodies -- */

static int copy_id(struct arena *arena, const struct uuid *id, ProtobufCBinaryData *ret_bytes)
{
    ret_bytes->data = (uint8_t *)arena_copy(arena, id->bytes, UUID_BYTES);
    ret_bytes->len = UUID_BYTES;
    return ret_bytes->data != NULL;
}

static int set_supplement(const struct form_frame *frame, Kasumori__V1__Incident *incident,
                          struct arena *arena, Kasumori__V1__Record *record)
{
    record->body_case = KASUMORI__V1__RECORD__BODY_SUPPLEMENT;
    record->supplement = arena_alloc(arena, sizeof(*record->supplement));
    if (record->supplement == NULL)
        return 0;
    kasumori__v1__supplement__init(record->supplement);
    record->supplement->incident = incident;
    return copy_id(arena, &frame->target_id, &record->supplement->target_id);
}

static int set_correction(const struct form_entry *entry, const struct form_frame *frame,
                          Kasumori__V1__Incident *incident, struct arena *arena,
                          Kasumori__V1__Record *record)
{
    Kasumori__V1__Correction *correction = arena_alloc(arena, sizeof(*correction));
    if (correction == NULL)
        return 0;
    kasumori__v1__correction__init(correction);
    record->revision = frame->revision;
    record->body_case = KASUMORI__V1__RECORD__BODY_CORRECTION;
    record->correction = correction;
    if (!copy_id(arena, &frame->target_id, &correction->target_id))
        return 0;
    if (entry->kind == FORM_KIND_CORRECTION) {
        correction->replacement_case = KASUMORI__V1__CORRECTION__REPLACEMENT_INCIDENT;
        correction->incident = incident;
        return 1;
    }
    Kasumori__V1__Retraction *retraction = arena_alloc(arena, sizeof(*retraction));
    if (retraction == NULL)
        return 0;
    kasumori__v1__retraction__init(retraction);
    retraction->reason_code = (char *)"reporter";
    if (entry->reason.size > 0 && (retraction->reason = make_text(arena, entry->reason)) == NULL)
        return 0;
    correction->replacement_case = KASUMORI__V1__CORRECTION__REPLACEMENT_RETRACTION;
    correction->retraction = retraction;
    return 1;
}

static int set_body(const struct form_entry *entry, const struct form_frame *frame,
                    struct arena *arena, Kasumori__V1__Record *record)
{
    Kasumori__V1__Incident *incident = make_incident(entry, arena);
    if (incident == NULL)
        return 0;
    switch (entry->kind) {
    case FORM_KIND_REPORT:
        record->body_case = KASUMORI__V1__RECORD__BODY_INCIDENT;
        record->incident = incident;
        return 1;
    case FORM_KIND_SUPPLEMENT:
        return set_supplement(frame, incident, arena, record);
    case FORM_KIND_CORRECTION:
    case FORM_KIND_RETRACTION:
        return set_correction(entry, frame, incident, arena, record);
    }
    return 0;
}

static int set_envelope(const struct form_entry *entry, const struct form_frame *frame,
                        struct arena *arena, Kasumori__V1__Record *record)
{
    char id[UUID_TEXT_BYTES];
    uuid_format(&entry->form_id, id);
    record->source = (char *)SOURCE;
    record->external_id = copy(arena, slice_str(id));
    record->occurred_start_us = frame->at_us - entry->minutes_ago * 60 * CLOCK_US_PER_S;
    record->recorded_at_us = frame->at_us;
    record->channel = (Kasumori__V1__Channel)entry->channel;
    if (record->channel == ENUM(CHANNEL__CHANNEL_FACE_TO_FACE))
        record->direction = ENUM(DIRECTION__DIRECTION_INBOUND);
    if (entry->call_id.size > 0)
        record->happening_ref = copy(arena, entry->call_id);
    return record->external_id != NULL && record->happening_ref != NULL &&
           copy_id(arena, &frame->record_id, &record->record_id);
}

enum rc form_build(const struct form_entry *entry, const struct form_frame *frame,
                   struct arena *arena, struct draft *ret_draft, char ret_place[FORM_PLACE_BYTES],
                   struct err *err)
{
    struct record_node root;
    ret_place[0] = '\0';
    ret_draft->raws_count = 0;
    enum rc rc = record_build_new(arena, &ret_draft->record, &root, err);
    if (rc != RC_OK)
        return rc;
    if (!set_envelope(entry, frame, arena, ret_draft->record) ||
        !set_body(entry, frame, arena, ret_draft->record))
        return no_room(err);
    rc = add_person(entry, arena, ret_draft, ret_place, err);
    if (rc == RC_OK)
        rc = set_worker(entry, frame->worker, arena, ret_draft, err);
    return rc;
}
