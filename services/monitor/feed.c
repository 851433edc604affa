/* Who listens, and what they may hear. Invariant: the ring holds the events seq - RING + 1 to seq,
   of which those after least are all there were. */
#include "services/monitor/feed.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/base/mem.h"

enum {
    RING = 512,         /* events kept */
    EVENT_BYTES = 4096, /* one with its frame */
    BEHIND_BYTES = 96,
    /* of events told in one go to who comes back, so that more may come while they are written */
    RESUMED_BYTES = FEED_BACKLOG_BYTES / 2,
};

static_assert(EVENT_BYTES < RESUMED_BYTES, "any one event can be told again");

struct kept {
    char *sites;
    char *text;
    int is_case; /* of a record or an alert: not an administrator's */
};

struct feed {
    struct listener *listeners;
    struct kept ring[RING];
    uint64_t boot;
    uint64_t seq;   /* of the newest event */
    uint64_t least; /* who has seen less cannot go on */
    char behind[BEHIND_BYTES];
};

struct feed *feed_new(uint64_t boot)
{
    struct feed *feed = mem_zalloc(sizeof(*feed));
    if (feed != NULL)
        feed->boot = boot;
    return feed;
}

void feed_listener_free(struct listener *listener)
{
    if (listener == NULL)
        return;
    mem_free(listener->sites);
    mem_free(listener);
}

void feed_free(struct feed *feed)
{
    if (feed == NULL)
        return;
    while (feed->listeners != NULL) {
        struct listener *next = feed->listeners->next;
        feed_listener_free(feed->listeners);
        feed->listeners = next;
    }
    for (size_t i = 0; i < RING; i++) {
        mem_free(feed->ring[i].sites);
        mem_free(feed->ring[i].text);
    }
    mem_free(feed);
}

int feed_is_heard(const struct feed *feed)
{
    return feed->listeners != NULL;
}

/* ---- who may hear ---- */

/* Whether one of the names in a, parted by commas, is in b. */
static int is_shared(const char *a, const char *b)
{
    for (const char *at = a; *at != '\0';) {
        size_t size = strcspn(at, ",");
        for (const char *in = b; *in != '\0';) {
            size_t other = strcspn(in, ",");
            if (other == size && memcmp(at, in, size) == 0)
                return 1;
            in += other + (in[other] == ',');
        }
        at += size + (at[size] == ',');
    }
    return 0;
}

static int may_hear(const struct listener *listener, const struct kept *event)
{
    if (event->is_case &&
        (!listener->sees_cases || (listener->sites[0] != '\0' && event->sites[0] == '\0')))
        return 0;
    return listener->sites[0] == '\0' || event->sites[0] == '\0' ||
           is_shared(listener->sites, event->sites);
}

static void tell(struct listener *listener, const char *text)
{
    if (listener->stream != NULL && text[0] != '\0')
        (void)http_stream_write(listener->stream, slice_str(text));
}

void feed_tell(struct feed *feed, const char *text)
{
    for (struct listener *one = feed->listeners; one != NULL; one = one->next)
        tell(one, text);
}

void feed_set_behind(struct feed *feed, struct slice data)
{
    snprintf(feed->behind, sizeof(feed->behind), "event: behind\ndata: %.*s\n\n", (int)data.size,
             (const char *)data.data);
}

void feed_break(struct feed *feed)
{
    feed->least = ++feed->seq;
}

/* ---- events ---- */

static char *copy_text(const void *data, size_t size)
{
    char *copy = mem_alloc(size + 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

/* What cannot be kept is not told either; it has no number, so nobody notices: the pages read the
   API and not the stream. */
void feed_publish(struct feed *feed, struct slice kind, struct slice sites, struct slice data)
{
    char text[EVENT_BYTES];
    struct kept *place = &feed->ring[(feed->seq + 1) % RING];
    int size =
        snprintf(text, sizeof(text), "id: %016" PRIx64 "-%" PRIu64 "\nevent: %.*s\ndata: %.*s\n\n",
                 feed->boot, feed->seq + 1, (int)kind.size, (const char *)kind.data, (int)data.size,
                 (const char *)data.data);
    if (size < 0 || (size_t)size >= sizeof(text))
        return;
    char *kept_sites = copy_text(sites.data, sites.size);
    char *kept_text = copy_text(text, (size_t)size);
    if (kept_sites == NULL || kept_text == NULL) {
        mem_free(kept_sites);
        mem_free(kept_text);
        return;
    }
    mem_free(place->sites);
    mem_free(place->text);
    *place = (struct kept){.sites = kept_sites,
                           .text = kept_text,
                           .is_case = slice_is_equal(kind, slice_str("record")) ||
                                      slice_is_equal(kind, slice_str("alert"))};
    feed->seq++;
    for (struct listener *one = feed->listeners; one != NULL; one = one->next)
        if (may_hear(one, place))
            tell(one, place->text);
}

/* Whether one can go on from last_id. */
static int find_place(const struct feed *feed, const char *last_id, uint64_t *ret_seq)
{
    char *end = NULL;
    uint64_t boot = strtoull(last_id, &end, 16);
    uint64_t seq = *end == '-' ? strtoull(end + 1, &end, 10) : UINT64_MAX;
    if (*end != '\0' || boot != feed->boot || seq < feed->least || seq > feed->seq ||
        feed->seq - seq >= RING)
        return 0;
    *ret_seq = seq;
    return 1;
}

static size_t missed_bytes(const struct feed *feed, const struct listener *listener, uint64_t seq)
{
    size_t bytes = 0;
    for (seq++; seq <= feed->seq; seq++)
        if (may_hear(listener, &feed->ring[seq % RING]))
            bytes += strlen(feed->ring[seq % RING].text);
    return bytes;
}

/* An id and nothing else: who hears nothing more can come back to here. */
static void tell_place(const struct feed *feed, struct listener *listener, const char *event)
{
    char text[96];
    snprintf(text, sizeof(text), "id: %016" PRIx64 "-%" PRIu64 "\n%s\n", feed->boot, feed->seq,
             event);
    tell(listener, text);
}

static void resume(const struct feed *feed, struct listener *listener, const char *last_id)
{
    uint64_t seq;
    if (last_id[0] == '\0') {
        tell_place(feed, listener, "");
        return;
    }
    if (!find_place(feed, last_id, &seq) || missed_bytes(feed, listener, seq) > RESUMED_BYTES) {
        tell_place(feed, listener, "event: reset\ndata: {}\n");
        return;
    }
    for (seq++; seq <= feed->seq; seq++)
        if (may_hear(listener, &feed->ring[seq % RING]))
            tell(listener, feed->ring[seq % RING].text);
}

/* ---- listeners ---- */

void feed_join(struct feed *feed, struct listener *listener, const char *last_id)
{
    listener->next = feed->listeners;
    feed->listeners = listener;
    tell(listener, feed->behind);
    resume(feed, listener, last_id);
}

void feed_sweep(struct feed *feed, int64_t now_us, int is_beat)
{
    for (struct listener *one = feed->listeners; one != NULL; one = one->next) {
        if (is_beat)
            tell(one, ":\n\n");
        if (one->stream != NULL && one->expires_at_us <= now_us) {
            http_stream_end(one->stream);
            one->stream = NULL;
        }
    }
}

size_t feed_forget(struct feed *feed)
{
    size_t forgotten = 0;
    for (struct listener **link = &feed->listeners; *link != NULL;) {
        struct listener *one = *link;
        if (one->stream != NULL) {
            link = &one->next;
            continue;
        }
        *link = one->next;
        feed_listener_free(one);
        forgotten++;
    }
    return forgotten;
}
