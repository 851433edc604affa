/* A message outlives its event only as a copy; and the names of what can be wrong with one. */
#include "services/aggregator/ingest/message.h"

#include <string.h>

#include "services/common/base/check.h"

static const char *const NAMES[BAD_CLASS_COUNT] = {
    [BAD_CLASS_NONE] = "",
    [BAD_CLASS_MALFORMED] = "malformed",
    [BAD_CLASS_OVERSIZED] = "oversized",
    [BAD_CLASS_NEWER] = "newer",
    [BAD_CLASS_FORGED] = "forged",
    [BAD_CLASS_CLOCK] = "clock",
    [BAD_CLASS_ARCHIVED] = "archived",
    [BAD_CLASS_CONFLICT] = "conflict",
};

const char *message_class_name(enum bad_class class)
{
    CHECK(class < BAD_CLASS_COUNT);
    return NAMES[class];
}

static enum rc copy_slice(struct arena *arena, struct slice from, struct slice *ret_to)
{
    *ret_to = from;
    if (from.data == NULL)
        return RC_OK;
    *ret_to = slice_of(arena_copy(arena, from.data, from.size), from.size);
    return ret_to->data == NULL ? RC_RETRY : RC_OK;
}

static enum rc copy_header(struct arena *arena, const struct kafka_header *from,
                           struct kafka_header *ret_to)
{
    ret_to->name = arena_copy(arena, from->name, strlen(from->name));
    return ret_to->name == NULL ? RC_RETRY : copy_slice(arena, from->value, &ret_to->value);
}

static enum rc copy_headers(struct arena *arena, const struct kafka_event *event,
                            struct message *message)
{
    struct kafka_header *headers = arena_alloc(arena, event->headers_count * sizeof(*headers));
    if (headers == NULL)
        return RC_RETRY;
    for (size_t i = 0; i < event->headers_count; i++) {
        enum rc rc = copy_header(arena, &event->headers[i], &headers[i]);
        if (rc != RC_OK)
            return rc;
    }
    message->headers = headers;
    message->headers_count = event->headers_count;
    return RC_OK;
}

enum rc message_copy(struct arena *arena, const struct kafka_event *event, size_t held_max,
                     struct message *ret_message)
{
    struct message message = {
        .offset = event->offset,
        .appended_at_us = event->appended_at_us,
        .value_size = event->value.size,
    };
    struct slice held = event->value.size > held_max ? slice_of(NULL, 0) : event->value;
    enum rc rc = copy_slice(arena, event->key, &message.key);
    if (rc == RC_OK)
        rc = copy_slice(arena, held, &message.value);
    if (rc == RC_OK)
        rc = copy_headers(arena, event, &message);
    if (rc == RC_OK)
        *ret_message = message;
    return rc;
}
