#ifndef KASUMORI_INGEST_BODY_H
#define KASUMORI_INGEST_BODY_H

#include "kasumori/v1/record.pb-c.h"
#include "services/common/base/buf.h"

/* The body of a record whatever carries it: itself, a correction's replacement, a supplement. */
struct body {
    int kind;                               /* 1 contact, 2 incident, 3 supplement, 0 retraction */
    const Kasumori__V1__Contact *contact;   /* or NULL */
    const Kasumori__V1__Incident *incident; /* or NULL; of a supplement too */
    /* First those of the incident, then the supplement's own. */
    Kasumori__V1__Answer **answers[2];
    size_t answers_count[2];
};

struct body body_of(const Kasumori__V1__Record *record);

/* PostgreSQL array literals, replacing out's content; 0 when there is nothing to write. */
int body_write_categories(const struct body *body, struct buf *out);
int body_write_answer_matters(const struct body *body, struct buf *out);
int body_write_answer_times(const struct body *body, struct buf *out);
int body_write_answer_finals(const struct body *body, struct buf *out);
/* Of the persons without any token. */
int body_write_bare_persons(const Kasumori__V1__Record *record, struct buf *out);
int body_write_bare_roles(const Kasumori__V1__Record *record, struct buf *out);

/* One element of an array literal, quoted; with a comma unless it is the first after "{". */
void body_quote(struct buf *out, const char *text);

#endif
