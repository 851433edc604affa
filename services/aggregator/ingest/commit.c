/* Last step: the offset moves with the rows it stands for, or nothing does.
   Invariant: an offset row moves only from exactly where this lane believes it is, under this
   lane's epoch and owner; so a zombie's transaction cannot commit, and none is applied twice. */
#include "services/aggregator/ingest/commit.h"

#include "services/common/base/check.h"
#include "services/common/base/mem.h"

enum { COLUMN_BYTES_MAX = 64 * 1024 };

enum { STREAM_NO, EPOCH, OWNER, FROM, TO, COLUMNS };
static const enum db_type TYPES[COLUMNS] = {DB_TYPE_INT4, DB_TYPE_INT8, DB_TYPE_UUID, DB_TYPE_INT8,
                                            DB_TYPE_INT8};
static const int IS_ARRAY[COLUMNS] = {1, 1, 1, 1, 1};

#define MINE                                                                           \
    "from (select unnest($1) as stream_no, unnest($2) as epoch, unnest($3) as owner, " \
    "unnest($4) as start, unnest($5) as finish) as mine "

static const char ADVANCE_SQL[] =
    "update kasumori.kafka_offset as stream set next_offset = mine.finish, updated_at = now() " MINE
    "where stream.stream_no = mine.stream_no and stream.epoch = mine.epoch "
    "and stream.owner = mine.owner and stream.next_offset = mine.start";

static const char FIND_OUT_SQL[] =
    "select count(*), count(*) filter (where stream.next_offset = mine.finish), "
    "count(*) filter (where stream.next_offset = mine.start) " MINE
    "join kasumori.kafka_offset as stream on stream.stream_no = mine.stream_no "
    "and stream.epoch = mine.epoch and stream.owner = mine.owner";

struct commit {
    struct db_params *params;
};

struct commit *commit_new(void)
{
    struct commit *commit = mem_zalloc(sizeof(*commit));
    if (commit == NULL)
        return NULL;
    commit->params = db_params_new(COLUMNS, TYPES, IS_ARRAY, COLUMN_BYTES_MAX);
    if (commit->params == NULL) {
        commit_free(commit);
        return NULL;
    }
    return commit;
}

void commit_free(struct commit *commit)
{
    if (commit == NULL)
        return;
    db_params_free(commit->params);
    mem_free(commit);
}

static void fill(struct commit *commit, const struct advance *advances, size_t count)
{
    db_params_reset(commit->params);
    for (size_t i = 0; i < count; i++) {
        const struct stream *stream = advances[i].stream;
        db_put_int(commit->params, STREAM_NO, stream->stream_no);
        db_put_int(commit->params, EPOCH, stream->epoch);
        db_put_uuid(commit->params, OWNER, &stream->owner);
        db_put_int(commit->params, FROM, stream->next_offset);
        db_put_int(commit->params, TO, advances[i].to);
    }
}

static enum rc look(struct commit *commit, struct db *db, size_t count,
                    enum commit_found *ret_found, struct err *err)
{
    struct db_result *result;
    enum rc rc = db_run(db, "commit_find_out", FIND_OUT_SQL, commit->params, &result, err);
    if (rc != RC_OK)
        return rc;
    size_t ours = (size_t)db_result_int(result, 0, 0);
    size_t done = (size_t)db_result_int(result, 0, 1);
    size_t undone = (size_t)db_result_int(result, 0, 2);
    db_result_free(result);
    if (ours != count)
        *ret_found = COMMIT_FOUND_TAKEN;
    else if (done == count)
        *ret_found = COMMIT_FOUND_DONE;
    else
        *ret_found = undone == count ? COMMIT_FOUND_UNDONE : COMMIT_FOUND_REWOUND;
    return RC_OK;
}

enum rc commit_advance(struct commit *commit, struct db *db, const struct advance *advances,
                       size_t count, enum commit_found *ret_found, struct err *err)
{
    struct db_result *result;
    fill(commit, advances, count);
    enum rc rc = db_run(db, "commit_advance", ADVANCE_SQL, commit->params, &result, err);
    if (rc != RC_OK)
        return rc;
    size_t moved = db_result_affected(result);
    db_result_free(result);
    CHECK(moved <= count);
    if (moved == count) {
        *ret_found = COMMIT_FOUND_DONE;
        return RC_OK;
    }
    rc = look(commit, db, count, ret_found, err);
    if (rc == RC_OK && *ret_found != COMMIT_FOUND_TAKEN)
        *ret_found =
            COMMIT_FOUND_REWOUND; /* some moved just now, so they seem to be where we want */
    return rc;
}

enum rc commit_find_out(struct commit *commit, struct db *db, const struct advance *advances,
                        size_t count, enum commit_found *ret_found, struct err *err)
{
    fill(commit, advances, count);
    return look(commit, db, count, ret_found, err);
}
