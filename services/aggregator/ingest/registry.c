/* Which agent may speak for which site, held beside the lane so that a message costs no query.
   Invariant: rows are sorted by agent name, and version is the one they were read under. */
#include "services/aggregator/ingest/registry.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/base/mem.h"
#include "services/common/base/timefmt.h"

static const char VERSION_SQL[] =
    "select version, (select value from kasumori.setting where name = 'archive_horizon') "
    "from kasumori.registry_version";
static const char AGENTS_SQL[] = "select tenant, site, agent, mac_key_id, valid_from, valid_to "
                                 "from kasumori.agent order by agent collate \"C\"";

struct rows {
    struct registry_agent *items;
    size_t count;
    size_t capacity;
};

struct registry {
    uint8_t master[MAC_KEY_BYTES];
    int64_t version; /* -1: never read */
    int64_t horizon_us;
    struct rows rows;
};

struct registry *registry_new(const uint8_t master[MAC_KEY_BYTES])
{
    struct registry *registry = mem_zalloc(sizeof(*registry));
    if (registry == NULL)
        return NULL;
    memcpy(registry->master, master, MAC_KEY_BYTES);
    registry->version = -1;
    registry->horizon_us = INT64_MIN;
    return registry;
}

static void row_done(struct registry_agent *row)
{
    mem_free((char *)row->tenant);
    mem_free((char *)row->site);
    mem_free((char *)row->agent);
    explicit_bzero(row, sizeof(*row));
}

static void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        row_done(&rows->items[i]);
    mem_free(rows->items);
    *rows = (struct rows){0};
}

void registry_free(struct registry *registry)
{
    if (registry == NULL)
        return;
    rows_done(&registry->rows);
    explicit_bzero(registry->master, sizeof(registry->master));
    mem_free(registry);
}

static enum rc rows_put(struct rows *rows, const struct registry_agent *from)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 64 : 2 * rows->capacity;
        void *items = mem_realloc(rows->items, capacity * sizeof(*rows->items));
        if (items == NULL)
            return RC_RETRY;
        rows->items = items;
        rows->capacity = capacity;
    }
    struct registry_agent row = *from;
    row.has_key = 0;
    row.tenant = mem_strdup(from->tenant);
    row.site = mem_strdup(from->site);
    row.agent = mem_strdup(from->agent);
    if (row.tenant == NULL || row.site == NULL || row.agent == NULL) {
        row_done(&row);
        return RC_RETRY;
    }
    rows->items[rows->count++] = row;
    return RC_OK;
}

static enum rc rows_read(struct rows *rows, struct db *db, struct err *err)
{
    struct db_result *result;
    enum rc rc = db_run(db, "registry_agents", AGENTS_SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < db_result_rows(result) && rc == RC_OK; i++) {
        struct registry_agent row = {
            .tenant = (const char *)db_result_bytes(result, i, 0).data,
            .site = (const char *)db_result_bytes(result, i, 1).data,
            .agent = (const char *)db_result_bytes(result, i, 2).data,
            .mac_key_id = (uint32_t)db_result_int(result, i, 3),
            .valid_from_us = db_result_time(result, i, 4),
            .valid_to_us = db_result_time(result, i, 5),
        };
        rc = rows_put(rows, &row);
    }
    db_result_free(result);
    return rc == RC_OK ? RC_OK : err_set(err, rc, "out of memory for the registry of agents");
}

static enum rc read_version(struct db *db, int64_t *ret_version, int64_t *ret_horizon_us,
                            struct err *err)
{
    struct db_result *result;
    enum rc rc = db_run(db, "registry_version", VERSION_SQL, NULL, &result, err);
    if (rc != RC_OK)
        return rc;
    if (db_result_rows(result) != 1) {
        db_result_free(result);
        return err_set(err, RC_FATAL, "kasumori.registry_version has no row");
    }
    int64_t horizon_us = INT64_MIN;
    if (!db_result_is_null(result, 0, 1)) {
        const char *text = (const char *)db_result_bytes(result, 0, 1).data;
        rc = timefmt_parse_rfc3339(text, &horizon_us, err);
        if (rc != RC_OK)
            rc = err_set(err, RC_FATAL, "setting archive_horizon is not an RFC 3339 instant");
    }
    if (rc == RC_OK) {
        *ret_version = db_result_int(result, 0, 0);
        *ret_horizon_us = horizon_us;
    }
    db_result_free(result);
    return rc;
}

enum rc registry_refresh(struct registry *registry, struct db *db, struct err *err)
{
    int64_t version;
    int64_t horizon_us;
    enum rc rc = read_version(db, &version, &horizon_us, err);
    if (rc != RC_OK)
        return rc;
    if (version != registry->version) {
        struct rows rows = {0};
        rc = rows_read(&rows, db, err);
        if (rc != RC_OK) {
            rows_done(&rows);
            return rc;
        }
        rows_done(&registry->rows);
        registry->rows = rows;
        registry->version = version;
        registry_settle(registry);
    }
    registry->horizon_us = horizon_us;
    return RC_OK;
}

static int compare_names(struct slice a, struct slice b)
{
    size_t both = a.size < b.size ? a.size : b.size;
    int order = both == 0 ? 0 : memcmp(a.data, b.data, both);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

static int compare_rows(const void *a, const void *b)
{
    const struct registry_agent *left = a;
    const struct registry_agent *right = b;
    return compare_names(slice_str(left->agent), slice_str(right->agent));
}

void registry_settle(struct registry *registry)
{
    if (registry->rows.count > 0)
        qsort(registry->rows.items, registry->rows.count, sizeof(*registry->rows.items),
              compare_rows);
}

struct registry_agent *registry_find(struct registry *registry, struct slice agent)
{
    size_t low = 0;
    size_t high = registry->rows.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct registry_agent *row = &registry->rows.items[middle];
        int order = compare_names(agent, slice_str(row->agent));
        if (order == 0)
            return row;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct mac_key *registry_key(struct registry *registry, struct registry_agent *agent)
{
    if (!agent->has_key) {
        mac_derive_agent_key(registry->master, agent->agent, agent->mac_key_id, &agent->key);
        agent->has_key = 1;
    }
    return &agent->key;
}

int64_t registry_horizon_us(const struct registry *registry)
{
    return registry->horizon_us;
}

enum rc registry_put(struct registry *registry, const struct registry_agent *row)
{
    return rows_put(&registry->rows, row);
}

void registry_set_horizon(struct registry *registry, int64_t horizon_us)
{
    registry->horizon_us = horizon_us;
}
