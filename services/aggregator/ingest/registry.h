#ifndef KASUMORI_INGEST_REGISTRY_H
#define KASUMORI_INGEST_REGISTRY_H

#include <stdint.h>

#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/db/db.h"
#include "services/common/mac/mac.h"

/* A lane's own copy of kasumori.agent and of the settings T1 judges by. One thread owns it. */
struct registry;

struct registry_agent {
    const char *tenant;
    const char *site;
    const char *agent;
    uint32_t mac_key_id;
    int64_t valid_from_us; /* inclusive */
    int64_t valid_to_us;   /* exclusive */
    int has_key;
    struct mac_key key; /* see registry_key */
};

/* master is copied. NULL when memory is out. */
struct registry *registry_new(const uint8_t master[MAC_KEY_BYTES]) MUST_CHECK;
void registry_free(struct registry *registry);

/* Reads the version in the caller's transaction, and all rows again when it has changed. Agents
   returned before are then gone. db_run's results; RC_RETRY when memory is out. On failure the copy
   stays what it was. */
enum rc registry_refresh(struct registry *registry, struct db *db, struct err *err) MUST_CHECK;

/* NULL when there is no such agent. Valid until the next refresh. */
struct registry_agent *registry_find(struct registry *registry, struct slice agent);
/* The agent's MAC key, derived on first use. */
const struct mac_key *registry_key(struct registry *registry, struct registry_agent *agent);

/* Ids of an earlier instant are class archived; INT64_MIN: none. */
int64_t registry_horizon_us(const struct registry *registry);

/* Adds a row as refresh does, ordered when registry_settle is called; for tests without a database.
 */
enum rc registry_put(struct registry *registry, const struct registry_agent *row) MUST_CHECK;
void registry_settle(struct registry *registry);
void registry_set_horizon(struct registry *registry, int64_t horizon_us);

#endif
