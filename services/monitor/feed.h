#ifndef KASUMORI_MONITOR_FEED_H
#define KASUMORI_MONITOR_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "services/common/base/slice.h"
#include "services/common/http/http.h"

/* One tenant's events and who listens to them: the newest are kept, so that who was away for a
   moment hears what it missed. From the loop's thread. */
struct feed;

/* Bytes of events that wait for a reader; who is further behind is dropped. */
enum { FEED_BACKLOG_BYTES = 128 * 1024 };

/* Belongs to its feed from feed_join on. Its stream is NULL once it has ended. */
struct listener {
    struct listener *next;
    struct http_stream *stream;
    int64_t expires_at_us; /* wall; then the stream ends */
    char *sites;           /* "s001,s002": those it may see; empty: all */
    int sees_cases;        /* records and alerts */
};

/* boot: tells this process's ids from an earlier one's. NULL when memory is out. */
struct feed *feed_new(uint64_t boot);
void feed_free(struct feed *feed);
void feed_listener_free(struct listener *listener);

int feed_is_heard(const struct feed *feed);

/* Tells last_id's followers, or says "reset" when nobody can say what they missed, or when it is
   too much to be told in one go. last_id empty: whoever comes new. Takes the listener. */
void feed_join(struct feed *feed, struct listener *listener, const char *last_id);

/* Keeps an event and tells it to those who may hear it. sites: "s001,s002", those it concerns;
   empty: all. */
void feed_publish(struct feed *feed, struct slice kind, struct slice sites, struct slice data);
/* Tells everybody, keeps nothing. */
void feed_tell(struct feed *feed, const char *text);
/* How far derived rows are behind: also told to who comes later. */
void feed_set_behind(struct feed *feed, struct slice data);
/* What came until now is not known to be all there was: ids given so far are no places any more. */
void feed_break(struct feed *feed);

/* Ends what has expired; is_beat: sends a sign of life. */
void feed_sweep(struct feed *feed, int64_t now_us, int is_beat);
/* Frees listeners whose streams have ended; returns how many. */
size_t feed_forget(struct feed *feed);

#endif
