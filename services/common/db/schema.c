/* Which schema the database has, asked by every program at its start.
   Invariant: only kasumori_meta.migration is read, which migrate keeps and every role may read. */
#include "services/common/db/schema.h"

static enum rc has_schema(struct db *db, int *ret_has, struct err *err)
{
    struct db_result *result;
    enum rc rc =
        db_run(db, "schema_exists", "select to_regclass('kasumori_meta.migration') is not null",
               NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    *ret_has = db_result_int(result, 0, 0) != 0;
    db_result_free(result);
    return RC_OK;
}

enum rc schema_version(struct db *db, int *ret_version, struct err *err)
{
    struct db_result *result;
    int has;
    enum rc rc = has_schema(db, &has, err);
    if (rc != RC_OK)
        return rc;
    if (!has) {
        *ret_version = 0;
        return RC_OK;
    }
    rc =
        db_run(db, "schema_version",
               "select coalesce(max(version), 0) from kasumori_meta.migration", NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    *ret_version = (int)db_result_int(result, 0, 0);
    db_result_free(result);
    return RC_OK;
}

enum rc schema_check(struct db *db, int least, int most, int *ret_version, struct err *err)
{
    int version;
    enum rc rc = schema_version(db, &version, err);
    if (rc != RC_OK)
        return rc;
    if (version == 0)
        return err_set(err, RC_RETRY,
                       "the database has no Kasumori schema yet: run kasumori migrate");
    if (version < least)
        return err_set(err, RC_RETRY,
                       "the database's schema is version %d, this program needs at least %d: run "
                       "kasumori migrate",
                       version, least);
    if (version > most)
        return err_set(
            err, RC_FATAL,
            "the database's schema is version %d, this program knows up to %d: install a "
            "newer one",
            version, most);
    *ret_version = version;
    return RC_OK;
}
