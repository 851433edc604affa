#ifndef KASUMORI_AGENT_FORM_DRAFT_H
#define KASUMORI_AGENT_FORM_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "services/agent/agent_config.h"
#include "services/agent/draft.h"
#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/base/uuid.h"

/* What a person filled in on the staff form, and the record it becomes. */
enum form_kind {
    FORM_KIND_REPORT,
    FORM_KIND_SUPPLEMENT,
    FORM_KIND_CORRECTION, /* the whole of it anew */
    FORM_KIND_RETRACTION,
};

enum { FORM_CATEGORIES_MAX = 9, FORM_IDENTIFIERS_MAX = 4, FORM_PLACE_BYTES = 48 };

/* One identifier as typed. It is CONFIRMED when it was typed twice alike (compared as normalised)
   or read back to the customer, else TYPED. */
struct form_identifier {
    uint32_t kind;
    struct slice value;
    struct slice again; /* size 0: not typed a second time */
    int is_read_back;
};

struct form_entry {
    enum form_kind kind;
    struct uuid form_id;   /* made by the page, one for each form: names the record */
    struct slice receipt;  /* of the report meant; all but REPORT */
    struct uuid report_id; /* the form_id of that report; zeros: not known to the page */
    int64_t minutes_ago;
    uint32_t channel; /* of the wire */
    struct slice categories[FORM_CATEGORIES_MAX];
    size_t categories_count;
    const struct agent_spot *spot; /* NULL: not said */
    uint32_t still_here, hurt;     /* Tri of the wire */
    int is_police_called;
    int is_anonymous;
    struct slice words, note, reason, call_id;
    struct form_identifier identifiers[FORM_IDENTIFIERS_MAX];
    size_t identifiers_count;
};

/* Codes of table mhlw9, NULL at the end. */
extern const char *const form_categories[];

/* Reads a body of kind. Slices are the arena's, spots are borrowed. RC_REJECT: ret_place names the
   member at fault (as it also does for form_check), the message has no value; RC_FULL: the arena.
 */
enum rc form_read(struct slice text, enum form_kind kind, const struct config_list *spots,
                  struct arena *arena, struct form_entry *ret_entry,
                  char ret_place[FORM_PLACE_BYTES], struct err *err) MUST_CHECK;

/* What the entry is told from outside. */
struct form_frame {
    const char *worker;    /* code, or NULL: nobody signed in */
    int64_t at_us;         /* when the form was first received */
    struct uuid record_id; /* version 7 */
    struct uuid target_id; /* all but REPORT */
    uint32_t revision;     /* CORRECTION and RETRACTION */
};

/* The record, without tenant and site, and its raw identifiers. RC_REJECT with the place when two
   writings of an identifier differ or it cannot be read; RC_FULL: the arena. */
enum rc form_build(const struct form_entry *entry, const struct form_frame *frame,
                   struct arena *arena, struct draft *ret_draft, char ret_place[FORM_PLACE_BYTES],
                   struct err *err) MUST_CHECK;

#endif
