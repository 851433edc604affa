#ifndef KASUMORI_TESTS_AGGREGATOR_LETTER_H
#define KASUMORI_TESTS_AGGREGATOR_LETTER_H

#include "services/aggregator/ingest/message.h"
#include "services/common/mac/mac.h"
#include "services/common/record/record.h"

/* A message as an agent would send it. All memory is the letter's own, so letters may be kept. */
struct letter {
    char agent[80];
    char key[160];
    char epoch[24];
    char sequence[24];
    uint8_t mac[MAC_HEADER_BYTES];
    uint8_t *value; /* heap: letter_done */
    size_t value_size;
    struct kafka_event event;
};

extern const uint8_t LETTER_MASTER[MAC_KEY_BYTES];

struct letter_from {
    const char *tenant, *site, *agent; /* what key and headers say */
    uint64_t epoch, sequence;
    int32_t partition;
    int64_t offset;
    int64_t appended_at_us;
};

/* Signed with the agent's derived key 1 over value; value NULL: a null value. */
void letter_write(struct letter *letter, const struct letter_from *from, const void *value,
                  size_t value_size);
void letter_write_record(struct letter *letter, const struct letter_from *from,
                         const Kasumori__V1__Record *record);
/* Signs again after a change of value, sequence or agent. */
void letter_sign(struct letter *letter, const struct letter_from *from);
struct kafka_header *letter_header(struct letter *letter, const char *name);
void letter_done(struct letter *letter);

/* The event as the message that the steps see, borrowing from the letter. */
struct message letter_message(const struct letter *letter);

#endif
