#ifndef KASUMORI_CLI_EXPLAIN_WORDS_H
#define KASUMORI_CLI_EXPLAIN_WORDS_H

#include "services/cli/explain.h"

/* The words of explanations: Japanese as on the screens, English beside it. Whatever comes from
   facts is printed without control characters, tokens only as their beginnings. */

static inline const char *explain_word(const struct explain *x, const char *ja, const char *en)
{
    return x->is_english ? en : ja;
}
void explain_put(const struct explain *x, const char *ja, const char *en);

const char *explain_kind(const struct explain *x, uint32_t kind);
const char *explain_assurance(const struct explain *x, uint32_t assurance);
const char *explain_channel(const struct explain *x, uint32_t channel);
const char *explain_direction(const struct explain *x, uint32_t direction);
const char *explain_verdict(const struct explain *x, enum fact_verdict verdict);
const char *explain_rule(const struct explain *x, enum rule rule);
const char *explain_state(const struct explain *x, enum occurrence_state state);

void explain_put_text(const struct explain *x, struct slice text);
void explain_put_id(const struct explain *x, const uint8_t bytes[16]);
/* "2026-10-01 09:12" in Japan */
void explain_put_time(const struct explain *x, int64_t at_us);
/* "12分", "2日" */
void explain_put_span(const struct explain *x, int64_t us);
/* "電話番号 phone:1:0a1b2c3d" */
void explain_put_class(const struct explain *x, size_t class);
/* a name that "kasumori explain subject" takes */
void explain_put_subject(const struct explain *x, size_t subject);
/* "決定 12 (sato)" */
void explain_put_decision(const struct explain *x, const struct fact_decision *decision);
/* id, kind, time, site, channel, direction */
void explain_put_record(const struct explain *x, size_t effective);
/* start, name, state, counts of one part */
void explain_put_part(const struct explain *x, const struct part *part);

#endif
