#ifndef KASUMORI_INGEST_BEATS_H
#define KASUMORI_INGEST_BEATS_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/db/db.h"
#include "services/common/kafka/kafka.h"
#include "services/common/mac/mac.h"

/* Heartbeats on their way to kasumori.agent_health. Not part of the promise: one that is forged,
   malformed or older than what is stored is dropped and counted. One thread owns it. */
struct beats;

struct beats_counts {
    int64_t stored; /* taken as an agent's last one, newer than the stored one or not */
    int64_t bad;
};

struct beats *beats_new(const uint8_t mac_master[MAC_KEY_BYTES]) MUST_CHECK;
void beats_free(struct beats *beats);

/* Copies a message event. RC_FULL: store first. RC_RETRY: memory is out. */
enum rc beats_add(struct beats *beats, const struct kafka_event *event, struct err *err) MUST_CHECK;
size_t beats_count(const struct beats *beats);
int beats_is_full(const struct beats *beats);

/* Verifies, keeps the last one of each agent and writes these in one statement; empties beats when
   RC_OK. Calling again after any failure is safe. db_run's results. */
enum rc beats_store(struct beats *beats, struct db *db, struct beats_counts *counts,
                    struct err *err) MUST_CHECK;

#endif
