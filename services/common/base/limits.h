#ifndef KASUMORI_BASE_LIMITS_H
#define KASUMORI_BASE_LIMITS_H

#include <assert.h>
#include <stddef.h>

#include "services/common/base/clock.h"

/* Every limit of the system, in one place. Wire limits bind agent and aggregator alike; changing
   one is a change of the wire (proto/README.md). */
enum {
    /* wire */
    LIMIT_VALUE_BYTES = 64 * 1024, /* an encoded record */
    LIMIT_PERSONS = 4,             /* in a record */
    LIMIT_IDENTIFIERS = 8,         /* of a person */
    LIMIT_TOKENS = 4,              /* of an identifier: live key ids */
    LIMIT_NAME_BYTES = 64,         /* tenant, site, agent, source, scheme, code, … */
    LIMIT_STRING_BYTES = 256,      /* any other string field */
    LIMIT_URI_BYTES = 1024,
    LIMIT_TEXT_BYTES = 8 * 1024, /* one Text.value */
    LIMIT_REPEATED = 64,         /* items of any other repeated field */
    LIMIT_SEALED_BYTES = 512,
    LIMIT_RAW_IDENTIFIER_BYTES = 256,
    LIMIT_UNKNOWN_BYTES = 16 * 1024,        /* unknown fields of one message */
    LIMIT_UNKNOWN_FIELDS = 1024,            /* unknown fields of one message, count */
    LIMIT_DECODE_ARENA_BYTES = 1024 * 1024, /* what decoding one value may take */

    /* agent */
    LIMIT_HTTP_HEADERS_BYTES = 8 * 1024,
    LIMIT_HTTP_BODY_BYTES = 4 * 1024 * 1024,
    LIMIT_HTTP_HEADERS = 64, /* header lines of one request */
    LIMIT_HTTP_TARGET_BYTES = 2 * 1024,
    LIMIT_HTTP_BODIES_BYTES = 64 * 1024 * 1024, /* bodies under way on all connections */
    LIMIT_HTTP_KEY_BYTES = 512,
    LIMIT_BATCH_LINES = 1000, /* records in one NDJSON batch */
    LIMIT_JSON_DEPTH = 16,
    LIMIT_CSV_ROW_BYTES = 16 * 1024,
    LIMIT_CALL_LEGS = 256, /* rows of one call */
    LIMIT_ROSTER_BYTES = 4 * 1024 * 1024,
    LIMIT_ROSTER_NAMES = 100 * 1000,
    LIMIT_CSV_FIELDS = 64,                    /* fields of one row */
    LIMIT_COMMIT_RECORDS = 4096,              /* records in one spool transaction */
    LIMIT_INTAKE_ARENA_BYTES = 1024 * 1024,   /* one record being taken in */
    LIMIT_INTAKE_QUEUE = 4096,                /* requests waiting for the spool */
    LIMIT_INTAKE_BYTES = 16 * 1024 * 1024,    /* encoded records waiting for the spool */
    LIMIT_IN_FLIGHT = 4096,                   /* records handed to librdkafka, not yet delivered */
    LIMIT_SPOOL_PATH_BYTES = 1024,            /* of a file in the spool */
    LIMIT_SPOOL_PAGE_BYTES = 4096,            /* SQLite page of a segment */
    LIMIT_SPOOL_LOG_PAGES = 1000,             /* in a write-ahead log, then moved to the file */
    LIMIT_SPOOL_READ_BYTES = 1024 * 1024,     /* values of one spool_read */
    LIMIT_SPOOL_ROW_BYTES = 48,               /* what a value costs beside itself, about */
    LIMIT_SPOOL_ROW_BYTES_MIN = 16,           /* and at the very least */
    LIMIT_SPOOL_ROOM_BYTES = 4 * 1024 * 1024, /* free on the disk before a full spool retries */
    LIMIT_KEPT_BYTES = 1024 * 1024,           /* one kept value */
    LIMIT_PRODUCER_QUEUE = 1000000,           /* messages a Kafka producer may be asked to hold */
    LIMIT_PRODUCER_KIB = 16 * 1024,           /* keys and values held by a Kafka producer */
    LIMIT_HEADERS_BYTES = 4 * 1024, /* key, header names and values of one Kafka message */
    LIMIT_PARTITIONS = 1024,        /* of one topic */
    LIMIT_WORKERS = 1000,           /* who may sign in at a site */
    LIMIT_WORKERS_BYTES = 256 * 1024,
    LIMIT_FETCH_JOBS = 32, /* questions to one server under way */
    LIMIT_FETCH_ANSWER_BYTES = 256 * 1024,

    /* aggregator */
    LIMIT_LANE_BATCH = 2000, /* messages of one T1 transaction */
    LIMIT_LANES = 16,
    LIMIT_DB_STATEMENTS = 192,        /* prepared statements of one connection */
    LIMIT_DB_COLUMNS = 64,            /* parameters of one statement */
    LIMIT_CORRELATE_RECORDS = 300000, /* of a tenant that is computed anew as a whole */
    LIMIT_TENANTS = 10000,
    LIMIT_STREAMS = 4096,       /* partitions of record topics, with those of topics before */
    LIMIT_DUE_ROWS = 20000,     /* of the ingest log, looked at at once */
    LIMIT_DUE_PENDING = 200000, /* of the ingest log, looked at and not yet correlated */
    LIMIT_STEP_RECORDS = 2000,  /* new ones in one transaction of T2 */
    LIMIT_NEAR_RECORDS = 20000, /* in the closed set around them */
    LIMIT_NEAR_IDS = 40000,     /* found by one round of look-ups */
    LIMIT_HUB_RECORDS = 1000,   /* that carry one token and are followed whatever it is */
    LIMIT_HUB_CALLS = 20000,    /* of a shared node at one site, counted */
    LIMIT_OUTBOX_BATCH = 500,   /* messages of the outbox sent at once */
    LIMIT_TABLES_COLUMN_BYTES = 256 * 1024 * 1024, /* one column of a tenant's derived rows */

    LIMIT_HISTORY_PAGE = 5000, /* records or decisions read at once by history_load */

    /* monitor */
    LIMIT_MONITOR_ANSWER_BYTES = 8 * 1024 * 1024, /* one answer that does not go on */
    LIMIT_MONITOR_ARENA_BYTES = 8 * 1024 * 1024,  /* what making it may take */
    LIMIT_MONITOR_PARAM_BYTES = 128 * 1024,       /* one parameter of a statement */
    LIMIT_MONITOR_BODY_BYTES = 64 * 1024,         /* of a request */
    LIMIT_MONITOR_PURPOSE_CHARS = 256,
    LIMIT_MONITOR_WAITING = 256, /* requests waiting for a thread */
    LIMIT_MONITOR_LOOKUPS = 32,  /* look-ups answered by one statement */
    LIMIT_MONITOR_THREADS = 64,
    LIMIT_MONITOR_SEALED = 5000, /* audit rows of a tenant sealed in one transaction */

    /* files */
    LIMIT_CONFIG_BYTES = 256 * 1024,
    LIMIT_SITE_FILE_BYTES = 16 * 1024 * 1024,   /* a list of sites */
    LIMIT_SITE_ARENA_BYTES = 256 * 1024 * 1024, /* what planning its import may take */
};

#define LIMIT_HISTORY_BYTES ((size_t)4 << 30) /* a tenant's facts and all derived from them */
#define LIMIT_STEP_BYTES ((size_t)1 << 30)    /* what one step of T2 may take */
#define LIMIT_KNOWN_BYTES ((size_t)64 << 20)  /* a tenant's decisions kept between steps */
#define LIMIT_DUMP_BYTES ((size_t)1 << 30)    /* a canonical dump */
#define LIMIT_SPOOL_READ_PATIENCE_US (60 * CLOCK_US_PER_S) /* an I/O error is damage after that */
#define LIMIT_RECORD_SPAN_US CLOCK_US_PER_DAY              /* occurred_end - occurred_start */
#define LIMIT_ID_AGE_US (400 * CLOCK_US_PER_DAY)           /* id time before LogAppendTime */
#define LIMIT_ID_AHEAD_US CLOCK_US_PER_HOUR                /* id time after LogAppendTime */
#define LIMIT_OCCURRED_AGE_US                                          \
    (3660 * CLOCK_US_PER_DAY) /* occurred_start before the record's id \
                               */

#define LIMIT_OCCURRED_AHEAD_US CLOCK_US_PER_HOUR /* occurred_start after the record's id */

static_assert(LIMIT_TEXT_BYTES < LIMIT_VALUE_BYTES, "a text fits a value");
static_assert(LIMIT_VALUE_BYTES <= LIMIT_HTTP_BODY_BYTES, "a record fits a request");
static_assert(LIMIT_UNKNOWN_BYTES < LIMIT_VALUE_BYTES, "unknown fields fit a value");
static_assert(LIMIT_BATCH_LINES <= LIMIT_COMMIT_RECORDS, "a batch is one transaction");
static_assert(LIMIT_VALUE_BYTES <= LIMIT_SPOOL_READ_BYTES, "every value can be read");
static_assert(LIMIT_DECODE_ARENA_BYTES >= 8 * LIMIT_VALUE_BYTES, "decoding has room");

#endif
