/* policy.yaml by table.
   Invariant: the standards written here are the built-in policy of correlate/facts.c; a test holds
   an empty file against them. An override is kept whole: what it leaves out is copied. */
#include "services/common/history/history_policy.h"

#include <stdlib.h>
#include <string.h>

#include "services/common/base/limits.h"
#include "services/common/base/utf8.h"
#include "services/common/config/config.h"
#include "services/common/history/history_names.h"

#define WINDOW_MAX_US (3660 * CLOCK_US_PER_DAY)

/* ---- words ---- */

/* scheme:version:code */
static enum rc check_category(const char *text, struct err *err)
{
    size_t parts = 1, part_bytes = 0;
    int is_good = utf8_is_valid(slice_str(text));
    for (const char *c = text; is_good && *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte != ':') {
            part_bytes++;
            is_good = byte > ' ' && byte != 0x7f && part_bytes <= LIMIT_NAME_BYTES;
            continue;
        }
        is_good = part_bytes > 0;
        part_bytes = 0;
        parts++;
    }
    if (!is_good || parts != 3 || part_bytes == 0)
        return err_set(err, RC_REJECT,
                       "want scheme:version:code, each of 1 to %d bytes without spaces",
                       LIMIT_NAME_BYTES);
    return RC_OK;
}

static enum rc check_site(const char *text, struct err *err)
{
    size_t size = strlen(text);
    if (size == 0 || size > LIMIT_NAME_BYTES || !utf8_is_valid(slice_str(text)))
        return err_set(err, RC_REJECT, "want the name of a site, 1 to %d bytes of UTF-8",
                       LIMIT_NAME_BYTES);
    return RC_OK;
}

static enum rc check_channel(const char *text, struct err *err)
{
    uint32_t channel;
    if (!history_channel_find(slice_str(text), &channel))
        return err_set(err, RC_REJECT, "want face_to_face, phone, visit, mail, chat, sns or other");
    return RC_OK;
}

/* ---- rules ---- */

enum { SITES_MAX = 8192, OVERRIDES_MAX = 64 };

struct severity_line {
    char *category;
    int64_t severity;
};

struct rules_file {
    struct fact_policy policy;
    struct config_list severities;
    struct config_list overrides; /* of struct override_line */
};

/* A rule of 0 is left out. */
struct override_line {
    struct fact_policy policy;
    struct config_list severities;
    struct config_list sites; /* sorted once the item was checked */
    struct config_list channels;
};

#define GIVEN(text) text
#define LEFT_OUT(text) NULL

#define WINDOW(name, standard_, max_, help_)                                                  \
    {                                                                                         \
        .key = #name, .type = CONFIG_TYPE_DURATION,                                           \
        .offset = offsetof(struct fact_policy, name##_us), .standard = (standard_), .min = 1, \
        .max = (max_), .help = (help_)                                                        \
    }
#define NUMBER(name, standard_, max_, help_)                                                 \
    {                                                                                        \
        .key = #name, .type = CONFIG_TYPE_INT, .offset = offsetof(struct fact_policy, name), \
        .standard = (standard_), .min = 1, .max = (max_), .help = (help_)                    \
    }

/* The rules, with their standards or without. */
#define RULES(STANDARD)                                                                         \
    {                                                                                           \
        WINDOW(confinement_talk, STANDARD("60m"), CLOCK_US_PER_DAY,                             \
               "talk in one part that is confinement"),                                         \
            WINDOW(repetition_window, STANDARD("30d"), WINDOW_MAX_US,                           \
                   "time within which three incidents are repetition"),                         \
            WINDOW(matter_window, STANDARD("30d"), WINDOW_MAX_US,                               \
                   "time within which three contacts on one matter after the final answer are " \
                   "repetition"),                                                               \
            WINDOW(cross_site_window, STANDARD("90d"), WINDOW_MAX_US,                           \
                   "time within which incidents at several sites belong together"),             \
            NUMBER(cross_site_sites, STANDARD("2"), 1000,                                       \
                   "sites that two incidents must name together"),                              \
            WINDOW(escalation_window, STANDARD("180d"), WINDOW_MAX_US,                          \
                   "time within which severity may escalate"),                                  \
            NUMBER(escalation_severity, STANDARD("4"), 5,                                       \
                   "severity at which a second incident is escalation by itself"),              \
        {                                                                                       \
            0                                                                                   \
        }                                                                                       \
    }

static const struct config_field RULES_OF_FILE[] = RULES(GIVEN);
static const struct config_field RULES_OF_OVERRIDE[] = RULES(LEFT_OUT);

static const struct config_field SEVERITY[] = {
    {.key = "severity",
     .type = CONFIG_TYPE_STRING,
     .offset = offsetof(struct severity_line, category),
     .check = check_category},
    {.key = "severity",
     .type = CONFIG_TYPE_INT,
     .offset = offsetof(struct severity_line, severity),
     .min = 1,
     .max = 5},
    {0},
};

#define RULES_AND_SEVERITY(type_, rules_)                                                  \
    {.key = "rules",                                                                       \
     .type = CONFIG_TYPE_SECTION,                                                          \
     .offset = offsetof(type_, policy),                                                    \
     .fields = (rules_),                                                                   \
     .help = "windows and thresholds of the rules"},                                       \
    {                                                                                      \
        .key = "severity", .type = CONFIG_TYPE_MAP, .offset = offsetof(type_, severities), \
        .fields = SEVERITY, .item_size = sizeof(struct severity_line), .items_min = 1,     \
        .help = "severity of each category"                                                \
    }

static const struct config_field OVERRIDE[] = {
    {.key = "sites",
     .type = CONFIG_TYPE_STRINGS,
     .offset = offsetof(struct override_line, sites),
     .items_min = 1,
     .items_max = SITES_MAX,
     .check = check_site,
     .help = "sites whose records it is for; left out: all"},
    {.key = "channels",
     .type = CONFIG_TYPE_STRINGS,
     .offset = offsetof(struct override_line, channels),
     .items_min = 1,
     .check = check_channel,
     .help = "channels it is for; left out: all"},
    RULES_AND_SEVERITY(struct override_line, RULES_OF_OVERRIDE),
    {0},
};

static enum rc check_override(const struct config_list *list, struct err *err);

static const struct config_field RULES_FILE[] = {
    RULES_AND_SEVERITY(struct rules_file, RULES_OF_FILE),
    {.key = "overrides",
     .type = CONFIG_TYPE_LIST,
     .offset = offsetof(struct rules_file, overrides),
     .fields = OVERRIDE,
     .item_size = sizeof(struct override_line),
     .items_max = OVERRIDES_MAX,
     .check_last = check_override,
     .help = "what differs at some sites or for some channels; the first that fits holds"},
    {0},
};

/* ---- overrides ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Words were checked when they were read. None: all. */
static uint32_t channels_of(const struct override_line *line)
{
    char *const *word = line->channels.items;
    uint32_t channel = 0, channels = 0;
    for (size_t i = 0; i < line->channels.count; i++)
        if (history_channel_find(slice_str(word[i]), &channel))
            channels |= UINT32_C(1) << channel;
    return channels == 0 ? UINT32_MAX : channels;
}

/* site NULL: one that no list names. */
static int has_site(const struct override_line *line, const char *site)
{
    return line->sites.count == 0 ||
           (site != NULL && bsearch(&site, line->sites.items, line->sites.count, sizeof(char *),
                                    compare_texts) != NULL);
}

/* Whether those before the last hold for all its channels at the site. */
static int is_taken(const struct config_list *list, const char *site)
{
    const struct override_line *line = list->items, *last = &line[list->count - 1];
    uint32_t left = channels_of(last);
    for (; line < last; line++)
        if (has_site(line, site))
            left &= ~channels_of(line);
    return left == 0;
}

static int is_shadowed(const struct config_list *list)
{
    const struct override_line *last = (const struct override_line *)list->items + list->count - 1;
    char *const *site = last->sites.items;
    if (last->sites.count == 0)
        return is_taken(list, NULL);
    for (size_t i = 0; i < last->sites.count; i++)
        if (!is_taken(list, site[i]))
            return 0;
    return 1;
}

static int has_rules(const struct fact_policy *policy)
{
    return policy->confinement_talk_us != 0 || policy->repetition_window_us != 0 ||
           policy->matter_window_us != 0 || policy->cross_site_window_us != 0 ||
           policy->cross_site_sites != 0 || policy->escalation_window_us != 0 ||
           policy->escalation_severity != 0;
}

static enum rc check_override(const struct config_list *list, struct err *err)
{
    struct override_line *last = (struct override_line *)list->items + list->count - 1;
    if (last->sites.count == 0 && last->channels.count == 0)
        return err_set(err, RC_REJECT, "want sites or channels");
    if (last->severities.count == 0 && !has_rules(&last->policy))
        return err_set(err, RC_REJECT, "want rules or severity");
    if (last->sites.count > 0)
        qsort(last->sites.items, last->sites.count, sizeof(char *), compare_texts);
    if (is_shadowed(list))
        return err_set(err, RC_REJECT, "never holds: those before it hold wherever it would");
    return RC_OK;
}

/* ---- into the arena ---- */

static int keep_text(struct arena *arena, const char *text, struct slice *ret_text)
{
    size_t size = strlen(text);
    const char *copy = arena_copy(arena, text, size);
    if (copy != NULL)
        *ret_text = slice_of(copy, size);
    return copy != NULL;
}

/* 0: the arena is full. */
static int keep_severities(const struct config_list *lines, struct arena *arena,
                           struct fact_policy *policy)
{
    const struct severity_line *line = lines->items;
    if (lines->count == 0)
        return 1;
    struct fact_severity *severities = arena_zalloc(arena, lines->count * sizeof(*severities));
    if (severities == NULL)
        return 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (!keep_text(arena, line[i].category, &severities[i].category))
            return 0;
        severities[i].severity = (int)line[i].severity;
    }
    policy->severities = severities;
    policy->severities_count = lines->count;
    return 1;
}

static void set(int64_t *value, int64_t given)
{
    if (given != 0)
        *value = given;
}

static void merge_rules(struct fact_policy *policy, const struct fact_policy *given)
{
    set(&policy->confinement_talk_us, given->confinement_talk_us);
    set(&policy->repetition_window_us, given->repetition_window_us);
    set(&policy->matter_window_us, given->matter_window_us);
    set(&policy->cross_site_window_us, given->cross_site_window_us);
    set(&policy->cross_site_sites, given->cross_site_sites);
    set(&policy->escalation_window_us, given->escalation_window_us);
    set(&policy->escalation_severity, given->escalation_severity);
}

static int keep_override(const struct override_line *line, const struct fact_policy *around,
                         struct arena *arena, struct fact_override *override)
{
    char *const *site = line->sites.items;
    struct slice *sites = arena_zalloc(arena, (line->sites.count + 1) * sizeof(*sites));
    if (sites == NULL)
        return 0;
    for (size_t i = 0; i < line->sites.count; i++)
        if (!keep_text(arena, site[i], &sites[i]))
            return 0;
    override->sites = sites;
    override->sites_count = line->sites.count;
    override->channels = channels_of(line);
    override->policy = *around;
    merge_rules(&override->policy, &line->policy);
    return keep_severities(&line->severities, arena, &override->policy);
}

static int keep_all(const struct rules_file *file, struct arena *arena, struct fact_policy *policy)
{
    const struct override_line *line = file->overrides.items;
    size_t count = file->overrides.count;
    struct fact_override *overrides = NULL;
    policy->severities = facts_policy_standard.severities;
    policy->severities_count = facts_policy_standard.severities_count;
    if (!keep_severities(&file->severities, arena, policy))
        return 0;
    if (count > 0 && (overrides = arena_zalloc(arena, count * sizeof(*overrides))) == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!keep_override(&line[i], policy, arena, &overrides[i]))
            return 0;
    policy->overrides = overrides;
    policy->overrides_count = count;
    return 1;
}

enum rc history_policy_parse(const char *name, struct slice text, struct arena *arena,
                             struct fact_policy *ret_policy, struct err *err)
{
    struct rules_file file;
    enum rc rc = config_parse(name, text, RULES_FILE, &file, sizeof(file), err);
    if (rc != RC_OK)
        return rc;
    struct fact_policy policy = file.policy;
    if (!keep_all(&file, arena, &policy))
        rc = err_set(err, RC_FULL, "the policy needs more memory than may be taken");
    config_done(RULES_FILE, &file, sizeof(file));
    if (rc == RC_OK)
        *ret_policy = policy;
    return rc;
}
