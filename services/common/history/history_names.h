#ifndef KASUMORI_HISTORY_HISTORY_NAMES_H
#define KASUMORI_HISTORY_HISTORY_NAMES_H

#include "services/common/base/slice.h"
#include "services/common/correlate/facts.h"

/* The words by which enums are stored and typed: "restrict", "complaint", "phone". Unknown numbers
   give "unknown"; unknown words give 0 and leave the result alone. */
const char *history_decision_name(enum fact_decision_kind kind);
int history_decision_find(struct slice name, enum fact_decision_kind *ret_kind);

const char *history_verdict_name(enum fact_verdict verdict);
int history_verdict_find(struct slice name, enum fact_verdict *ret_verdict);

/* Identifier kinds that may link: handle to name. */
const char *history_kind_name(uint32_t kind);
int history_kind_find(struct slice name, uint32_t *ret_kind);

/* Channels: face_to_face to other. */
const char *history_channel_name(uint32_t channel);
int history_channel_find(struct slice name, uint32_t *ret_channel);

#endif
