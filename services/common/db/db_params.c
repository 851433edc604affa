/* Parameters in PostgreSQL's binary form, built in place so that a batch of rows costs no copy.
   Invariant: a column's buffer is HEADER_BYTES of room for the array header, then elements, each a
   4-byte size (-1 for null) and its bytes; a single value is the first element without its size. */
#include <endian.h>
#include <limits.h>
#include <string.h>

#include "services/common/base/buf.h"
#include "services/common/base/check.h"
#include "services/common/base/mem.h"
#include "services/common/db/db_internal.h"

enum {
    HEADER_BYTES = 20, /* dimensions, has-null flag, element type, size, lower bound */
    EMPTY_BYTES = 12,  /* an empty array has no dimension, so the header ends after the type */
    SIZE_BYTES = 4,
    BINARY = 1,
};

struct type_info {
    unsigned int oid;
    unsigned int array_oid;
};

static const struct type_info TYPES[] = {
    [DB_TYPE_BOOL] = {DB_OID_BOOL, 1000},   [DB_TYPE_INT2] = {DB_OID_INT2, 1005},
    [DB_TYPE_INT4] = {DB_OID_INT4, 1007},   [DB_TYPE_INT8] = {DB_OID_INT8, 1016},
    [DB_TYPE_TEXT] = {DB_OID_TEXT, 1009},   [DB_TYPE_BYTEA] = {DB_OID_BYTEA, 1001},
    [DB_TYPE_UUID] = {DB_OID_UUID, 2951},   [DB_TYPE_TIMESTAMPTZ] = {DB_OID_TIMESTAMPTZ, 1185},
    [DB_TYPE_JSONB] = {DB_OID_JSONB, 3807},
};

enum failure { FAILURE_NONE, FAILURE_LIMIT, FAILURE_MEMORY, FAILURE_RANGE };

struct column {
    enum db_type type;
    int is_array;
    int has_null;
    enum failure failure;
    size_t rows;
    struct buf buf;
};

struct db_params {
    size_t count;
    struct column *columns;
    /* Filled by db_params_bind. */
    unsigned int *oids;
    const char **values;
    int *lengths;
    int *formats;
};

static void column_reset(struct column *column)
{
    static const uint8_t ROOM[HEADER_BYTES];
    buf_reset(&column->buf);
    buf_add(&column->buf, ROOM, sizeof(ROOM));
    column->rows = 0;
    column->has_null = 0;
    column->failure = column->buf.is_failed ? FAILURE_MEMORY : FAILURE_NONE;
}

struct db_params *db_params_new(size_t count, const enum db_type *types, const int *is_array,
                                size_t bytes_max)
{
    CHECK(count <= LIMIT_DB_COLUMNS);
    CHECK(bytes_max <= INT_MAX - HEADER_BYTES);
    struct db_params *params = mem_zalloc(sizeof(*params));
    if (params == NULL)
        return NULL;
    params->columns = mem_zalloc_array(count, sizeof(*params->columns));
    params->oids = mem_zalloc_array(count, sizeof(*params->oids));
    params->values = mem_zalloc_array(count, sizeof(*params->values));
    params->lengths = mem_zalloc_array(count, sizeof(*params->lengths));
    params->formats = mem_zalloc_array(count, sizeof(*params->formats));
    if (params->columns == NULL || params->oids == NULL || params->values == NULL ||
        params->lengths == NULL || params->formats == NULL) {
        db_params_free(params);
        return NULL;
    }
    params->count = count;
    for (size_t i = 0; i < count; i++) {
        struct column *column = &params->columns[i];
        column->type = types[i];
        column->is_array = is_array[i];
        buf_init(&column->buf, HEADER_BYTES + bytes_max);
        column_reset(column);
        params->oids[i] = is_array[i] ? TYPES[types[i]].array_oid : TYPES[types[i]].oid;
        params->formats[i] = BINARY;
    }
    return params;
}

void db_params_free(struct db_params *params)
{
    if (params == NULL)
        return;
    for (size_t i = 0; i < params->count; i++)
        buf_done(&params->columns[i].buf);
    mem_free(params->columns);
    mem_free(params->oids);
    mem_free(params->values);
    mem_free(params->lengths);
    mem_free(params->formats);
    mem_free(params);
}

void db_params_reset(struct db_params *params)
{
    for (size_t i = 0; i < params->count; i++)
        column_reset(&params->columns[i]);
}

size_t db_params_rows(const struct db_params *params, size_t column)
{
    CHECK(column < params->count);
    return params->columns[column].rows;
}

static struct column *column_at(struct db_params *params, size_t column)
{
    CHECK(column < params->count);
    return &params->columns[column];
}

static void fail(struct column *column, enum failure failure)
{
    if (column->failure == FAILURE_NONE)
        column->failure = failure;
}

/* Adds one element: lead, then data (a JSONB's version byte is the one lead there is). */
static void put(struct column *column, struct slice lead, struct slice data)
{
    size_t room = column->buf.size_max - column->buf.size;
    if (column->failure != FAILURE_NONE)
        return;
    if (room < SIZE_BYTES + lead.size || data.size > room - SIZE_BYTES - lead.size) {
        fail(column, FAILURE_LIMIT);
        return;
    }
    uint32_t size = htobe32((uint32_t)(lead.size + data.size));
    buf_add(&column->buf, &size, sizeof(size));
    buf_add(&column->buf, lead.data, lead.size);
    buf_add(&column->buf, data.data, data.size);
    if (column->buf.is_failed)
        fail(column, FAILURE_MEMORY);
    column->rows++;
}

void db_put_null(struct db_params *params, size_t column_no)
{
    struct column *column = column_at(params, column_no);
    uint32_t none = UINT32_MAX;
    if (column->failure != FAILURE_NONE)
        return;
    if (column->buf.size_max - column->buf.size < sizeof(none)) {
        fail(column, FAILURE_LIMIT);
        return;
    }
    buf_add(&column->buf, &none, sizeof(none));
    if (column->buf.is_failed)
        fail(column, FAILURE_MEMORY);
    column->has_null = 1;
    column->rows++;
}

void db_put_bool(struct db_params *params, size_t column_no, int value)
{
    struct column *column = column_at(params, column_no);
    CHECK(column->type == DB_TYPE_BOOL);
    uint8_t byte = value != 0;
    put(column, slice_of(NULL, 0), slice_of(&byte, 1));
}

static void put_int16(struct column *column, int64_t value)
{
    uint16_t wire = htobe16((uint16_t)value);
    if (value < INT16_MIN || value > INT16_MAX)
        fail(column, FAILURE_RANGE);
    put(column, slice_of(NULL, 0), slice_of(&wire, sizeof(wire)));
}

static void put_int32(struct column *column, int64_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    if (value < INT32_MIN || value > INT32_MAX)
        fail(column, FAILURE_RANGE);
    put(column, slice_of(NULL, 0), slice_of(&wire, sizeof(wire)));
}

static void put_int64(struct column *column, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    put(column, slice_of(NULL, 0), slice_of(&wire, sizeof(wire)));
}

void db_put_int(struct db_params *params, size_t column_no, int64_t value)
{
    struct column *column = column_at(params, column_no);
    if (column->type == DB_TYPE_INT2) {
        put_int16(column, value);
    } else if (column->type == DB_TYPE_INT4) {
        put_int32(column, value);
    } else {
        CHECK(column->type == DB_TYPE_INT8);
        put_int64(column, value);
    }
}

void db_put_text(struct db_params *params, size_t column_no, struct slice value)
{
    static const uint8_t JSONB_VERSION = 1;
    struct column *column = column_at(params, column_no);
    CHECK(column->type == DB_TYPE_TEXT || column->type == DB_TYPE_JSONB);
    put(column, slice_of(&JSONB_VERSION, column->type == DB_TYPE_JSONB ? 1 : 0), value);
}

void db_put_bytes(struct db_params *params, size_t column_no, struct slice value)
{
    struct column *column = column_at(params, column_no);
    CHECK(column->type == DB_TYPE_BYTEA);
    put(column, slice_of(NULL, 0), value);
}

void db_put_uuid(struct db_params *params, size_t column_no, const struct uuid *value)
{
    struct column *column = column_at(params, column_no);
    CHECK(column->type == DB_TYPE_UUID);
    put(column, slice_of(NULL, 0), slice_of(value->bytes, UUID_BYTES));
}

void db_put_time(struct db_params *params, size_t column_no, int64_t at_us)
{
    struct column *column = column_at(params, column_no);
    CHECK(column->type == DB_TYPE_TIMESTAMPTZ);
    if (at_us == INT64_MAX || at_us == INT64_MIN) { /* ±infinity has the same two numbers there */
        put_int64(column, at_us);
        return;
    }
    if (at_us < INT64_MIN + DB_EPOCH_US)
        fail(column, FAILURE_RANGE);
    else
        put_int64(column, at_us - DB_EPOCH_US);
}

int db_params_next(const struct db_params *params, size_t column_no, size_t *at,
                   struct slice *ret_element)
{
    CHECK(column_no < params->count);
    const struct column *column = &params->columns[column_no];
    size_t from = HEADER_BYTES + *at;
    uint32_t wire;
    if (column->failure != FAILURE_NONE || from >= column->buf.size)
        return 0;
    memcpy(&wire, column->buf.data + from, sizeof(wire));
    size_t size = SIZE_BYTES + (wire == UINT32_MAX ? 0 : be32toh(wire));
    *ret_element = slice_of(column->buf.data + from, size);
    *at += size;
    return 1;
}

void db_put_element(struct db_params *params, size_t column_no, struct slice element)
{
    struct column *column = column_at(params, column_no);
    CHECK(element.size >= SIZE_BYTES);
    if (element.size == SIZE_BYTES && memcmp(element.data, "\xff\xff\xff\xff", SIZE_BYTES) == 0)
        db_put_null(params, column_no);
    else
        put(column, slice_of(NULL, 0),
            slice_of(element.data + SIZE_BYTES, element.size - SIZE_BYTES));
}

static void write_be32(uint8_t *at, uint32_t value)
{
    uint32_t wire = htobe32(value);
    memcpy(at, &wire, sizeof(wire));
}

static void bind_array(const struct db_params *params, size_t i)
{
    const struct column *column = &params->columns[i];
    uint8_t *header = column->buf.data;
    write_be32(header, column->rows > 0);
    write_be32(header + 4, (uint32_t)column->has_null);
    write_be32(header + 8, TYPES[column->type].oid);
    write_be32(header + 12, (uint32_t)column->rows);
    write_be32(header + 16, 1);
    params->values[i] = (const char *)header;
    params->lengths[i] = column->rows > 0 ? (int)column->buf.size : EMPTY_BYTES;
}

static void bind_single(const struct db_params *params, size_t i)
{
    const struct column *column = &params->columns[i];
    CHECK(column->rows == 1);
    const uint8_t *element = column->buf.data + HEADER_BYTES;
    params->values[i] = column->has_null ? NULL : (const char *)element + SIZE_BYTES;
    params->lengths[i] = (int)(column->buf.size - HEADER_BYTES - SIZE_BYTES);
}

static enum rc report(const struct column *column, size_t i, struct err *err)
{
    switch (column->failure) {
    case FAILURE_LIMIT:
        return err_set(err, RC_REJECT, "parameter %zu is larger than %zu bytes", i + 1,
                       column->buf.size_max - HEADER_BYTES);
    case FAILURE_RANGE:
        return err_set(err, RC_REJECT, "parameter %zu holds a value out of its type's range",
                       i + 1);
    case FAILURE_MEMORY:
        return err_set(err, RC_RETRY, "out of memory");
    case FAILURE_NONE:
        break;
    }
    return RC_OK;
}

enum rc db_params_check(const struct db_params *params, struct err *err)
{
    for (size_t i = 0; i < params->count; i++) {
        enum rc rc = report(&params->columns[i], i, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc db_params_bind(const struct db_params *params, struct db_bound *ret_bound, struct err *err)
{
    if (params == NULL) {
        *ret_bound = (struct db_bound){0};
        return RC_OK;
    }
    enum rc rc = db_params_check(params, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < params->count; i++) {
        if (params->columns[i].is_array)
            bind_array(params, i);
        else
            bind_single(params, i);
    }
    *ret_bound = (struct db_bound){(int)params->count, params->oids, params->values,
                                   params->lengths, params->formats};
    return RC_OK;
}
