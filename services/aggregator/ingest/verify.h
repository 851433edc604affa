#ifndef KASUMORI_INGEST_VERIFY_H
#define KASUMORI_INGEST_VERIFY_H

#include <stdint.h>

#include "services/aggregator/ingest/message.h"
#include "services/aggregator/ingest/registry.h"
#include "services/common/base/rc.h"

/* Who sent a message, as far as its headers say and its MAC proves. */
struct sender {
    struct slice agent; /* as named, valid UTF-8 of 1..LIMIT_NAME_BYTES; size 0: not readable */
    int is_numbered;    /* epoch and sequence are readable */
    int64_t epoch;
    int64_t sequence;
    const struct registry_agent *proven; /* the MAC holds and the agent was valid; else NULL */
};

/* Reads the headers, looks the agent up and checks its MAC over value. sequence_least: 1 for
   records, 0 for heartbeats. NONE when proven; MALFORMED when a header is missing or unreadable;
   FORGED otherwise; *why then holds one sentence. */
enum bad_class verify_sender(struct registry *registry, const struct message *message,
                             int64_t sequence_least, struct sender *ret_sender, struct err *why);

/* The header of that name, data NULL when absent. */
struct slice verify_header(const struct message *message, const char *name);

/* Plain decimal without sign or leading zeros, so that one number has one spelling. 0: it is none.
 */
int verify_number(struct slice text, int64_t *ret_number);

#endif
