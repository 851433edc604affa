/* Asking headquarters how far reports are. Invariant: at most one question is under way; an answer
   is believed whole or not at all, and what it does not name stays as it was. */
#include "services/agent/review.h"

#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/clock.h"
#include "services/common/base/mem.h"
#include "services/common/fetch/fetch.h"
#include "services/common/jsonio/jsonio.h"
#include "services/common/log/log.h"

#define FRESH_US (5 * CLOCK_US_PER_S)        /* an answer needs no other so long */
#define CURRENT_US (60 * CLOCK_US_PER_S)     /* and holds so long while none comes */
#define PAUSE_US (5 * CLOCK_US_PER_S)        /* after a question that was not answered */
#define REFUSED_US (5 * 60 * CLOCK_US_PER_S) /* after one that an operator has to mend */
#define TIMEOUT_US (3 * CLOCK_US_PER_S)

enum { ENTRIES = 128, BATCH = 32, QUESTION_BYTES = 4096, ANSWER_DEPTH = 3 };

static const char *const STATES[] = {
    [REVIEW_RECEIVED] = "received",
    [REVIEW_IN_REVIEW] = "in_review",
    [REVIEW_JUDGED] = "judged",
    [REVIEW_WITHDRAWN] = "withdrawn",
};

enum { STATES_COUNT = sizeof(STATES) / sizeof(STATES[0]) };

struct entry {
    struct uuid record_id;
    enum review_state state;
    int64_t used_us; /* 0: free; all times monotonic */
    int64_t told_us; /* when headquarters last spoke of it; 0: never */
    int is_wanted, is_asked;
};

struct review {
    struct review_config config;
    struct fetch *fetch; /* NULL: not configured */
    struct queue *done;
    struct loop_watch *watch;
    struct entry entries[ENTRIES];
    struct fetch_job job;
    struct buf question;
    int is_asking;
    int64_t silent_until_us;
    int logged_status; /* so that one refusal is one line */
};

static int64_t now_us(void)
{
    return clock_mono_us(clock_real());
}

/* -- what is remembered -- */

static struct entry *find(struct review *review, const struct uuid *record_id)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (review->entries[i].used_us != 0 &&
            uuid_compare(&review->entries[i].record_id, record_id) == 0)
            return &review->entries[i];
    return NULL;
}

/* The entry not used for longest gives way; those under way are few enough to stay. */
static struct entry *take(struct review *review, const struct uuid *record_id)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *entry = &review->entries[i];
        if (!entry->is_asked && (oldest == NULL || entry->used_us < oldest->used_us))
            oldest = entry;
    }
    *oldest = (struct entry){.record_id = *record_id};
    return oldest;
}

/* -- answers -- */

static enum rc read_item(struct review *review, const struct jsonio_value *item, int is_stored)
{
    const struct jsonio_value *record = NULL, *state = NULL;
    struct uuid record_id;
    size_t at = REVIEW_RECEIVED;
    if (jsonio_type(item) == JSONIO_TYPE_OBJECT) {
        record = jsonio_find(item, "record");
        state = jsonio_find(item, "state");
    }
    if (record == NULL || state == NULL || jsonio_type(record) != JSONIO_TYPE_STRING ||
        jsonio_type(state) != JSONIO_TYPE_STRING ||
        uuid_parse((const char *)jsonio_string(record).data, &record_id) != RC_OK)
        return RC_REJECT;
    while (at < STATES_COUNT && !slice_is_equal(jsonio_string(state), slice_str(STATES[at])))
        at++;
    struct entry *entry = find(review, &record_id);
    if (at == STATES_COUNT || entry == NULL || !entry->is_asked)
        return RC_REJECT;
    if (is_stored)
        entry->state = (enum review_state)at;
    return RC_OK;
}

static enum rc read_items(struct review *review, const struct jsonio_value *root)
{
    const struct jsonio_value *items =
        jsonio_type(root) == JSONIO_TYPE_OBJECT ? jsonio_find(root, "items") : NULL;
    if (items == NULL || jsonio_type(items) != JSONIO_TYPE_ARRAY)
        return RC_REJECT;
    enum rc rc = RC_OK;
    for (int is_stored = 0; rc == RC_OK && is_stored <= 1; is_stored++)
        for (size_t i = 0; rc == RC_OK && i < jsonio_count(items); i++)
            rc = read_item(review, jsonio_item(items, i), is_stored);
    return rc;
}

static enum rc read_answer(struct review *review, struct slice text)
{
    struct jsonio_doc *doc;
    struct err err;
    if (jsonio_parse(text, ANSWER_DEPTH, &doc, &err) != RC_OK)
        return RC_REJECT;
    enum rc rc = read_items(review, jsonio_root(doc));
    jsonio_doc_free(doc);
    return rc;
}

static void log_refusal(struct review *review, int status)
{
    if (status != review->logged_status && status != 200)
        log_warn("headquarters does not tell how far reports are, status %d%s", status,
                 status == 403 ? ": the machine key lacks the scope receipt" : "");
    review->logged_status = status;
}

/* Whether it spoke: what it left out it has not got, which is an answer too. */
static int has_answered(struct review *review)
{
    const struct fetch_job *job = &review->job;
    int is_refused;
    if (job->outcome != FETCH_OUTCOME_ANSWERED) {
        review->silent_until_us = now_us() + PAUSE_US;
        return 0;
    }
    log_refusal(review, job->status);
    if (job->status == 200 && read_answer(review, buf_slice(&job->answer)) == RC_OK)
        return 1;
    is_refused = job->status >= 400 && job->status < 500 && job->status != 429;
    review->silent_until_us = now_us() + (is_refused ? REFUSED_US : PAUSE_US);
    return 0;
}

/* -- questions -- */

static void write_question(struct review *review)
{
    size_t count = 0;
    buf_reset(&review->question);
    buf_add_str(&review->question, "{\"site\":");
    jsonio_write_string(&review->question, slice_str(review->config.bundle->site));
    buf_add_str(&review->question, ",\"records\":[");
    for (size_t i = 0; i < ENTRIES && count < BATCH; i++) {
        struct entry *entry = &review->entries[i];
        char id[UUID_TEXT_BYTES];
        if (!entry->is_wanted)
            continue;
        uuid_format(&entry->record_id, id);
        buf_addf(&review->question, "%s\"%s\"", count++ == 0 ? "" : ",", id);
        entry->is_wanted = 0;
        entry->is_asked = 1;
    }
    buf_add_str(&review->question, "]}");
}

static void end_question(struct review *review, int is_answered)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *entry = &review->entries[i];
        if (entry->is_asked && is_answered)
            entry->told_us = now_us();
        entry->is_asked = 0;
    }
    buf_done(&review->job.answer);
    review->is_asking = 0;
}

static int is_wanted(const struct review *review)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (review->entries[i].is_wanted)
            return 1;
    return 0;
}

static void ask(struct review *review)
{
    if (review->fetch == NULL || review->is_asking || now_us() < review->silent_until_us ||
        !is_wanted(review))
        return;
    write_question(review);
    review->job = (struct fetch_job){
        .path = "/v1/receipts", .body = buf_slice(&review->question), .done = review->done};
    review->is_asking = 1;
    if (!review->question.is_failed && fetch_give(review->fetch, &review->job) == RC_OK)
        return;
    review->silent_until_us = now_us() + PAUSE_US;
    end_question(review, 0);
}

static void on_done(void *ctx)
{
    struct review *review = ctx;
    struct fetch_job *job;
    if (queue_take(review->done, (void **)&job, 1) != 1)
        return;
    end_question(review, has_answered(review));
    ask(review);
}

enum review_state review_of(struct review *review, const struct uuid *record_id,
                            int *ret_is_current)
{
    int64_t at_us = now_us();
    *ret_is_current = 0;
    if (review->fetch == NULL)
        return REVIEW_UNKNOWN;
    struct entry *entry = find(review, record_id);
    if (entry == NULL)
        entry = take(review, record_id);
    entry->used_us = at_us;
    int64_t age_us = entry->told_us == 0 ? INT64_MAX : at_us - entry->told_us;
    *ret_is_current = age_us < CURRENT_US;
    if (age_us >= FRESH_US && !entry->is_asked) {
        entry->is_wanted = 1;
        ask(review);
    }
    return entry->state;
}

/* -- start and stop -- */

static enum rc start_fetch(struct review *review, struct err *err)
{
    const struct agent_config *agent = review->config.agent;
    const struct fetch_config fetch = {
        .url = agent->lookup.url,
        .key_file = agent->lookup.key_file,
        .ca_file = agent->lookup.ca_file,
        .probe_path = "/readyz",
        .timeout_us = TIMEOUT_US,
    };
    review->done = queue_new(1);
    if (review->done != NULL)
        review->watch = loop_readable(review->config.loop, queue_fd(review->done), on_done, review);
    if (review->watch == NULL)
        return err_set(err, RC_RETRY, "out of memory or descriptors");
    return fetch_start(&fetch, &review->fetch, err);
}

enum rc review_start(const struct review_config *config, struct review **ret_review,
                     struct err *err)
{
    struct review *review = mem_zalloc(sizeof(*review));
    if (review == NULL)
        return err_set(err, RC_RETRY, "out of memory");
    review->config = *config;
    buf_init(&review->question, QUESTION_BYTES);
    enum rc rc = RC_OK;
    if (config->agent->form.is_enabled && config->agent->lookup.url != NULL)
        rc = start_fetch(review, err);
    if (rc != RC_OK) {
        review_stop(review);
        return rc;
    }
    *ret_review = review;
    return RC_OK;
}

void review_stop(struct review *review)
{
    struct fetch_job *job;
    if (review == NULL)
        return;
    fetch_stop(review->fetch);
    if (review->done != NULL && queue_take(review->done, (void **)&job, 1) == 1)
        end_question(review, 0);
    CHECK(!review->is_asking);
    loop_watch_free(review->watch);
    queue_free(review->done);
    buf_done(&review->question);
    mem_free(review);
}
