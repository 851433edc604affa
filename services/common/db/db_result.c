/* Rows in PostgreSQL's binary form.
   Invariant: a getter CHECKs place and type, so a statement and its reader cannot drift apart. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/db/db_internal.h"

struct db_result {
    PGresult *pg;
    size_t rows;
    size_t columns;
    size_t affected;
};

enum rc db_result_new(PGresult *pg_result, struct db_result **ret_result, struct err *err)
{
    struct db_result *result = mem_zalloc(sizeof(*result));
    if (result == NULL) {
        PQclear(pg_result);
        return err_set(err, RC_RETRY, "out of memory");
    }
    result->pg = pg_result;
    result->rows = (size_t)PQntuples(pg_result);
    result->columns = (size_t)PQnfields(pg_result);
    result->affected = strtoul(PQcmdTuples(pg_result), NULL, 10);
    *ret_result = result;
    return RC_OK;
}

void db_result_free(struct db_result *result)
{
    if (result == NULL)
        return;
    PQclear(result->pg);
    mem_free(result);
}

size_t db_result_rows(const struct db_result *result)
{
    return result->rows;
}

size_t db_result_affected(const struct db_result *result)
{
    return result->affected;
}

int db_result_is_null(const struct db_result *result, size_t row, size_t column)
{
    CHECK(row < result->rows && column < result->columns);
    return PQgetisnull(result->pg, (int)row, (int)column);
}

static struct slice value_at(const struct db_result *result, size_t row, size_t column)
{
    return slice_of(PQgetvalue(result->pg, (int)row, (int)column),
                    (size_t)PQgetlength(result->pg, (int)row, (int)column));
}

static int64_t read_int(struct slice value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.size; i++)
        number = number << 8 | value.data[i];
    unsigned int unused_bits = 64 - 8 * (unsigned int)value.size;
    return (int64_t)(number << unused_bits) >> unused_bits;
}

int64_t db_result_int(const struct db_result *result, size_t row, size_t column)
{
    if (db_result_is_null(result, row, column))
        return 0;
    Oid type = PQftype(result->pg, (int)column);
    CHECK(type == DB_OID_INT2 || type == DB_OID_INT4 || type == DB_OID_INT8 || type == DB_OID_BOOL);
    return read_int(value_at(result, row, column));
}

struct slice db_result_bytes(const struct db_result *result, size_t row, size_t column)
{
    if (db_result_is_null(result, row, column))
        return slice_of(NULL, 0);
    struct slice value = value_at(result, row, column);
    if (PQftype(result->pg, (int)column) == DB_OID_JSONB)
        return slice_of(value.data + 1, value.size - 1); /* past the format's version */
    return value;
}

struct uuid db_result_uuid(const struct db_result *result, size_t row, size_t column)
{
    struct uuid uuid = {{0}};
    if (db_result_is_null(result, row, column))
        return uuid;
    CHECK(PQftype(result->pg, (int)column) == DB_OID_UUID);
    memcpy(uuid.bytes, value_at(result, row, column).data, UUID_BYTES);
    return uuid;
}

int64_t db_element_time(struct slice element)
{
    int64_t at = read_int(element);
    if (at == INT64_MAX || at == INT64_MIN)
        return at;
    return at + DB_EPOCH_US; /* the server's last year, 294276, is far from the end of int64 */
}

int64_t db_result_time(const struct db_result *result, size_t row, size_t column)
{
    if (db_result_is_null(result, row, column))
        return 0;
    CHECK(PQftype(result->pg, (int)column) == DB_OID_TIMESTAMPTZ);
    return db_element_time(value_at(result, row, column));
}

int db_result_element(const struct db_result *result, size_t row, size_t column, size_t *at,
                      struct slice *ret_element)
{
    /* Dimensions, has-null flag, element type, size, lower bound; then each size and its bytes. */
    enum { HEADER_BYTES = 20, SIZE_BYTES = 4 };
    struct slice value = db_result_bytes(result, row, column);
    if (*at == 0)
        *at = HEADER_BYTES;
    if (value.size < *at + SIZE_BYTES)
        return 0; /* an empty one has no sizes */
    int64_t size = read_int(slice_of(value.data + *at, SIZE_BYTES));
    const uint8_t *data = value.data + *at + SIZE_BYTES;
    *at += SIZE_BYTES;
    *ret_element = size < 0 ? slice_of(NULL, 0) : slice_of(data, (size_t)size);
    *at += ret_element->size;
    CHECK(*at <= value.size);
    return 1;
}
