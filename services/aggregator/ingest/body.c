/* Lists of a body as PostgreSQL array literals: unnest cannot carry arrays of arrays, and most
   records have none of these, so a null or a short text is the cheapest road.
   Invariant: every text element is quoted, so no content can end the literal. */
#include "services/aggregator/ingest/body.h"

#include "services/common/base/timefmt.h"

static void take_contact(struct body *body, const Kasumori__V1__Contact *contact)
{
    body->kind = 1;
    body->contact = contact;
    body->answers[0] = contact->answers;
    body->answers_count[0] = contact->n_answers;
}

static void take_incident(struct body *body, const Kasumori__V1__Incident *incident)
{
    body->kind = 2;
    body->incident = incident;
    body->answers[0] = incident->answers;
    body->answers_count[0] = incident->n_answers;
}

static void take_supplement(struct body *body, const Kasumori__V1__Supplement *supplement)
{
    if (supplement->incident != NULL)
        take_incident(body, supplement->incident);
    body->kind = 3;
    body->answers[1] = supplement->answers;
    body->answers_count[1] = supplement->n_answers;
}

static void take_replacement(struct body *body, const Kasumori__V1__Correction *correction)
{
    switch (correction->replacement_case) {
    case KASUMORI__V1__CORRECTION__REPLACEMENT_CONTACT:
        take_contact(body, correction->contact);
        break;
    case KASUMORI__V1__CORRECTION__REPLACEMENT_INCIDENT:
        take_incident(body, correction->incident);
        break;
    case KASUMORI__V1__CORRECTION__REPLACEMENT_SUPPLEMENT:
        take_supplement(body, correction->supplement);
        break;
    case KASUMORI__V1__CORRECTION__REPLACEMENT_RETRACTION:
    case KASUMORI__V1__CORRECTION__REPLACEMENT__NOT_SET:
    case _KASUMORI__V1__CORRECTION__REPLACEMENT__CASE_IS_INT_SIZE:
        break;
    }
}

struct body body_of(const Kasumori__V1__Record *record)
{
    struct body body = {0};
    switch (record->body_case) {
    case KASUMORI__V1__RECORD__BODY_CONTACT:
        take_contact(&body, record->contact);
        break;
    case KASUMORI__V1__RECORD__BODY_INCIDENT:
        take_incident(&body, record->incident);
        break;
    case KASUMORI__V1__RECORD__BODY_SUPPLEMENT:
        take_supplement(&body, record->supplement);
        break;
    case KASUMORI__V1__RECORD__BODY_CORRECTION:
        take_replacement(&body, record->correction);
        break;
    case KASUMORI__V1__RECORD__BODY__NOT_SET:
    case _KASUMORI__V1__RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return body;
}

static void add_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

static void next_element(struct buf *out)
{
    if (out->size > 1)
        buf_add_char(out, ',');
}

void body_quote(struct buf *out, const char *text)
{
    next_element(out);
    buf_add_char(out, '"');
    add_escaped(out, text);
    buf_add_char(out, '"');
}

static void begin(struct buf *out)
{
    buf_reset(out);
    buf_add_char(out, '{');
}

int body_write_categories(const struct body *body, struct buf *out)
{
    const Kasumori__V1__Incident *incident = body->incident;
    if (incident == NULL || incident->n_categories == 0)
        return 0;
    begin(out);
    for (size_t i = 0; i < incident->n_categories; i++) {
        const Kasumori__V1__Category *category = incident->categories[i];
        next_element(out);
        buf_add_char(out, '"');
        add_escaped(out, category->scheme);
        buf_add_char(out, ':');
        add_escaped(out, category->version);
        buf_add_char(out, ':');
        add_escaped(out, category->code);
        buf_add_char(out, '"');
    }
    buf_add_char(out, '}');
    return 1;
}

typedef void write_answer(struct buf *out, const Kasumori__V1__Answer *answer);

static int write_answers(const struct body *body, struct buf *out, write_answer *write)
{
    if (body->answers_count[0] + body->answers_count[1] == 0)
        return 0;
    begin(out);
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < body->answers_count[list]; i++)
            write(out, body->answers[list][i]);
    buf_add_char(out, '}');
    return 1;
}

static void write_matter(struct buf *out, const Kasumori__V1__Answer *answer)
{
    body_quote(out, answer->matter);
}

static void write_time(struct buf *out, const Kasumori__V1__Answer *answer)
{
    char text[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(answer->recorded_at_us, text);
    next_element(out);
    buf_add_str(out, text);
}

static void write_final(struct buf *out, const Kasumori__V1__Answer *answer)
{
    next_element(out);
    buf_add_char(out, answer->final ? 't' : 'f');
}

int body_write_answer_matters(const struct body *body, struct buf *out)
{
    return write_answers(body, out, write_matter);
}

int body_write_answer_times(const struct body *body, struct buf *out)
{
    return write_answers(body, out, write_time);
}

int body_write_answer_finals(const struct body *body, struct buf *out)
{
    return write_answers(body, out, write_final);
}

static int is_bare(const Kasumori__V1__Person *person)
{
    for (size_t i = 0; i < person->n_identifiers; i++)
        if (person->identifiers[i]->n_tokens > 0)
            return 0;
    return 1;
}

static int write_bare(const Kasumori__V1__Record *record, int is_role, struct buf *out)
{
    begin(out);
    for (size_t i = 0; i < record->n_persons; i++) {
        const Kasumori__V1__Person *person = record->persons[i];
        if (!is_bare(person))
            continue;
        next_element(out);
        buf_addf(out, "%u", is_role ? (unsigned)person->role : (unsigned)person->ordinal);
    }
    if (out->size == 1)
        return 0;
    buf_add_char(out, '}');
    return 1;
}

int body_write_bare_persons(const Kasumori__V1__Record *record, struct buf *out)
{
    return write_bare(record, 0, out);
}

int body_write_bare_roles(const Kasumori__V1__Record *record, struct buf *out)
{
    return write_bare(record, 1, out);
}
