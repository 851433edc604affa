/* linking.yaml by table.
   Invariant: the standards written here are the built-in linking policy of correlate/facts.c; a
   test holds an empty file against them. */
#include "services/common/history/history_policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/clock.h"
#include "services/common/base/hex.h"
#include "services/common/config/config.h"
#include "services/common/history/history_names.h"

enum { SHARED_MAX = 8192 };

#define HOUR_US CLOCK_US_PER_HOUR
#define EXPIRY_MAX_US (36600 * CLOCK_US_PER_DAY)

/* ---- words ---- */

static enum rc check_kind(const char *text, struct err *err)
{
    uint32_t kind;
    if (!history_kind_find(slice_str(text), &kind))
        return err_set(err, RC_REJECT,
                       "want handle, member, account, phone, mail, vehicle, sns or "
                       "name");
    return RC_OK;
}

enum rc history_token_parse(const char *text, struct fact_token *ret_token, struct err *err)
{
    struct fact_token token;
    const char *colon = strchr(text, ':');
    const char *digits = colon == NULL ? "" : colon + 1;
    char *end;
    errno = 0;
    unsigned long long key_id = strtoull(digits, &end, 10);
    int is_good = colon != NULL && isdigit((unsigned char)digits[0]) && errno == 0 &&
                  key_id <= UINT32_MAX && *end == ':' &&
                  history_kind_find(slice_of(text, (size_t)(colon - text)), &token.kind) &&
                  hex_parse(end + 1, token.mac, FACT_MAC_BYTES) == RC_OK;
    if (!is_good)
        return err_set(err, RC_REJECT, "want kind:key_id:mac with %d hexadecimal digits",
                       2 * FACT_MAC_BYTES);
    token.key_id = (uint32_t)key_id;
    *ret_token = token;
    return RC_OK;
}

static enum rc check_token(const char *text, struct err *err)
{
    struct fact_token token;
    return history_token_parse(text, &token, err);
}

/* ---- the file ---- */

struct cap_line {
    char *kind, *neighbour;
    int64_t cap;
};

struct linking_file {
    struct fact_linking linking;
    struct config_list kinds;
    struct config_list caps;
    struct config_list shared;
};

#define EXPIRY(name, number, standard_)                                                          \
    {                                                                                            \
        .key = (name), .type = CONFIG_TYPE_DURATION,                                             \
        .offset = offsetof(struct linking_file, linking.expiry_us) + (number) * sizeof(int64_t), \
        .standard = (standard_), .min = HOUR_US, .max = EXPIRY_MAX_US,                           \
    }

static const struct config_field EXPIRIES[] = {
    EXPIRY("handle", FACT_KIND_HANDLE, "1825d"),
    EXPIRY("member", FACT_KIND_MEMBER, "1825d"),
    EXPIRY("account", FACT_KIND_ACCOUNT, "1825d"),
    EXPIRY("phone", FACT_KIND_PHONE, "730d"),
    EXPIRY("mail", FACT_KIND_MAIL, "1825d"),
    EXPIRY("vehicle", FACT_KIND_VEHICLE, "730d"),
    EXPIRY("sns", FACT_KIND_SNS, "1825d"),
    EXPIRY("name", FACT_KIND_NAME, "1825d"),
    {0},
};

static const struct config_field CAP[] = {
    {.key = "kind",
     .type = CONFIG_TYPE_STRING,
     .offset = offsetof(struct cap_line, kind),
     .is_required = 1,
     .check = check_kind},
    {.key = "neighbour",
     .type = CONFIG_TYPE_STRING,
     .offset = offsetof(struct cap_line, neighbour),
     .is_required = 1,
     .check = check_kind},
    {.key = "cap",
     .type = CONFIG_TYPE_INT,
     .offset = offsetof(struct cap_line, cap),
     .is_required = 1,
     .max = 1000},
    {0},
};

#define LINKING(name, member, type_, standard_, min_, max_, help_)                               \
    {                                                                                            \
        .key = (name), .type = (type_), .offset = offsetof(struct linking_file, linking.member), \
        .standard = (standard_), .min = (min_), .max = (max_), .help = (help_)                   \
    }

static const struct config_field LINKING_FILE[] = {
    {.key = "kinds",
     .type = CONFIG_TYPE_STRINGS,
     .offset = offsetof(struct linking_file, kinds),
     .items_min = 1,
     .items_max = FACT_KINDS,
     .check = check_kind,
     .help = "kinds of identifiers that link"},
    {.key = "expiry",
     .type = CONFIG_TYPE_SECTION,
     .fields = EXPIRIES,
     .help = "time after which an unseen identifier may have a new owner"},
    LINKING("subject_nodes", subject_nodes_max, CONFIG_TYPE_INT, "32", 2, 1024,
            "nodes of a subject at most"),
    LINKING("gap", gap_us, CONFIG_TYPE_DURATION, "10m", 0, CLOCK_US_PER_DAY,
            "time between records of one occurrence"),
    LINKING("gap_attempt", gap_attempt_us, CONFIG_TYPE_DURATION, "5m", 0, CLOCK_US_PER_DAY,
            "the same for busy and abandoned contacts"),
    LINKING("overlap", overlap_us, CONFIG_TYPE_DURATION, "60s", 0, CLOCK_US_PER_DAY,
            "overlap of two calls of a switchboard"),
    LINKING("pairs", pairs, CONFIG_TYPE_INT, "3", 1, 1000,
            "neighbouring pairs of overlapping calls that make a switchboard"),
    LINKING("cap", cap, CONFIG_TYPE_INT, "3", 0, 1000,
            "neighbours of one kind beyond which a number is shared"),
    {.key = "caps",
     .type = CONFIG_TYPE_LIST,
     .offset = offsetof(struct linking_file, caps),
     .fields = CAP,
     .item_size = sizeof(struct cap_line),
     .items_max = FACT_KINDS * FACT_KINDS,
     .help = "caps of pairs of kinds, before the built-in ones"},
    {.key = "shared",
     .type = CONFIG_TYPE_STRINGS,
     .offset = offsetof(struct linking_file, shared),
     .items_max = SHARED_MAX,
     .check = check_token,
     .help = "tokens known to be shared"},
    {0},
};

/* Words were checked when they were read. */
static uint32_t kind_of(const char *word)
{
    uint32_t kind = 0;
    return history_kind_find(slice_str(word), &kind) ? kind : 0;
}

static void keep_kinds(const struct config_list *words, struct fact_linking *linking)
{
    char *const *word = words->items;
    memcpy(linking->is_linking, facts_linking_standard.is_linking, sizeof(linking->is_linking));
    if (words->count > 0)
        memset(linking->is_linking, 0, sizeof(linking->is_linking));
    for (size_t i = 0; i < words->count; i++)
        linking->is_linking[kind_of(word[i])] = 1;
}

static enum rc keep_lists(const struct linking_file *file, struct arena *arena,
                          struct fact_linking *linking, struct err *err)
{
    const struct cap_line *line = file->caps.items;
    char *const *text = file->shared.items;
    struct fact_cap *caps = arena_zalloc(arena, (file->caps.count + 1) * sizeof(*caps));
    struct fact_token *shared = arena_zalloc(arena, (file->shared.count + 1) * sizeof(*shared));
    if (caps == NULL || shared == NULL)
        return err_set(err, RC_FULL, "the policy needs more memory than may be taken");
    for (size_t i = 0; i < file->caps.count; i++)
        caps[i] = (struct fact_cap){kind_of(line[i].kind), kind_of(line[i].neighbour), line[i].cap};
    for (size_t i = 0; i < file->shared.count; i++) {
        enum rc rc = history_token_parse(text[i], &shared[i], err);
        if (rc != RC_OK)
            return rc;
    }
    linking->caps = caps;
    linking->caps_count = file->caps.count;
    linking->shared = shared;
    linking->shared_count = file->shared.count;
    return RC_OK;
}

/* Kinds beyond those a policy may name. */
static void keep_expiries(struct fact_linking *linking)
{
    for (size_t kind = 0; kind < FACT_KINDS; kind++)
        if (linking->expiry_us[kind] == 0)
            linking->expiry_us[kind] = facts_linking_standard.expiry_us[kind];
}

enum rc history_linking_parse(const char *name, struct slice text, struct arena *arena,
                              struct fact_linking *ret_linking, struct err *err)
{
    struct linking_file file;
    enum rc rc = config_parse(name, text, LINKING_FILE, &file, sizeof(file), err);
    if (rc != RC_OK)
        return rc;
    struct fact_linking linking = file.linking;
    keep_kinds(&file.kinds, &linking);
    keep_expiries(&linking);
    rc = keep_lists(&file, arena, &linking, err);
    config_done(LINKING_FILE, &file, sizeof(file));
    if (rc == RC_OK)
        *ret_linking = linking;
    return rc;
}
