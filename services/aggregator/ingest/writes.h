#ifndef KASUMORI_INGEST_WRITES_H
#define KASUMORI_INGEST_WRITES_H

#include "services/common/base/rc.h"
#include "services/common/db/db.h"

/* The tables T1 writes, in the order it writes them: one statement a table and batch, its rows as
   arrays. Columns are numbered as in the tables of writes.c. */
enum write {
    WRITE_EXTERNAL_KEY,
    WRITE_RECORD,
    WRITE_RECORD_TEXT,
    WRITE_SEALED_IDENTITY,
    WRITE_SIGHTING,
    WRITE_INGEST_LOG,
    WRITE_BAD_RECORD,
    WRITE_AGENT_SEQ,
    WRITE_COUNT,
};

enum {
    EXTERNAL_KEY_TENANT,
    EXTERNAL_KEY_SITE,
    EXTERNAL_KEY_SOURCE,
    EXTERNAL_KEY_HASH,
    EXTERNAL_KEY_RECORD_ID
};

enum {
    RECORD_TENANT,
    RECORD_RECORD_ID,
    RECORD_KIND,
    RECORD_SITE,
    RECORD_CONCERNED_SITE,
    RECORD_AGENT,
    RECORD_SOURCE,
    RECORD_EXTERNAL_ID,
    RECORD_REVISION,
    RECORD_OCCURRED_START,
    RECORD_OCCURRED_END,
    RECORD_RECORDED_AT,
    RECORD_APPENDED_AT,
    RECORD_CLOCK_STATE,
    RECORD_CHANNEL,
    RECORD_DIRECTION,
    RECORD_IS_TRAINING,
    RECORD_MATTER,
    RECORD_HAPPENING_REF,
    RECORD_TARGET_ID,
    RECORD_REPLACES,
    RECORD_IS_CONNECTED,
    RECORD_OUTCOME,
    RECORD_WITHHELD,
    RECORD_TALK_US,
    RECORD_HOLD_US,
    RECORD_CATEGORIES,
    RECORD_ANSWER_MATTERS,
    RECORD_ANSWER_RECORDED_AT,
    RECORD_ANSWER_IS_FINAL,
    RECORD_BODY_HASH,
    RECORD_DETAIL,
    RECORD_HAS_UNKNOWN_FIELDS,
    RECORD_BARE_PERSONS,
    RECORD_BARE_ROLES,
    RECORD_STREAM_NO,
    RECORD_OFFSET,
};

enum {
    RECORD_TEXT_TENANT,
    RECORD_TEXT_RECORD_ID,
    RECORD_TEXT_PLACE,
    RECORD_TEXT_TEXT,
    RECORD_TEXT_MASKED,
    RECORD_TEXT_SAID_AT,
    RECORD_TEXT_RAW
};

enum { SEALED_TENANT, SEALED_RECORD_ID, SEALED_PERSON, SEALED_ITEM, SEALED_KIND, SEALED_SEALED };

enum {
    SIGHTING_TENANT,
    SIGHTING_RECORD_ID,
    SIGHTING_PERSON,
    SIGHTING_ITEM,
    SIGHTING_KEY_ID,
    SIGHTING_KIND,
    SIGHTING_MAC,
    SIGHTING_ROLE,
    SIGHTING_ASSURANCE,
    SIGHTING_DIRECTION,
    SIGHTING_SITE,
    SIGHTING_OCCURRED_START,
};

enum { INGEST_LOG_STREAM_NO, INGEST_LOG_OFFSET, INGEST_LOG_TENANT, INGEST_LOG_RECORD_ID };

enum {
    BAD_RECORD_STREAM_NO,
    BAD_RECORD_OFFSET,
    BAD_RECORD_CLASS,
    BAD_RECORD_REASON,
    BAD_RECORD_APPENDED_AT,
    BAD_RECORD_TENANT,
    BAD_RECORD_SITE,
    BAD_RECORD_AGENT,
    BAD_RECORD_EPOCH,
    BAD_RECORD_SEQUENCE,
    BAD_RECORD_RECORD_ID,
    BAD_RECORD_MESSAGE_KEY,
    BAD_RECORD_HEADERS,
    BAD_RECORD_VALUE,
};

enum { AGENT_SEQ_TENANT, AGENT_SEQ_AGENT, AGENT_SEQ_EPOCH, AGENT_SEQ_RECEIVED };

struct writes;

/* NULL when memory is out. Must outlive the connections it runs on. */
struct writes *writes_new(void) MUST_CHECK;
void writes_free(struct writes *writes);
/* Forgets all rows, keeps the memory. */
void writes_reset(struct writes *writes);

/* Every column gets one value a row. */
struct db_params *writes_to(struct writes *writes, enum write write);

/* Runs the statements that have rows, in the caller's transaction. db_run's results. */
enum rc writes_run(const struct writes *writes, struct db *db, struct err *err) MUST_CHECK;

#endif
