#include "tests/unit/aggregator/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/check.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"

const uint8_t LETTER_MASTER[MAC_KEY_BYTES] = "a master key of thirty-two bytes";

void letter_sign(struct letter *letter, const struct letter_from *from)
{
    struct mac_key key;
    mac_derive_agent_key(LETTER_MASTER, from->agent, 1, &key);
    const struct mac_message message = {letter->event.value, from->agent, from->epoch,
                                        from->sequence};
    mac_make(&key, &message, letter->mac);
}

static void add_header(struct kafka_event *event, const char *name, const void *data, size_t size)
{
    event->headers[event->headers_count++] = (struct kafka_header){name, slice_of(data, size)};
}

void letter_write(struct letter *letter, const struct letter_from *from, const void *value,
                  size_t value_size)
{
    static const char TYPE[] = "application/x-protobuf";
    struct kafka_event *event = &letter->event;
    *letter = (struct letter){.value_size = value_size};
    if (value != NULL) {
        letter->value = mem_alloc(value_size + 1);
        CHECK(letter->value != NULL);
        memcpy(letter->value, value, value_size);
    }
    snprintf(letter->agent, sizeof(letter->agent), "%s", from->agent);
    snprintf(letter->key, sizeof(letter->key), "%s/%s", from->tenant, from->site);
    snprintf(letter->epoch, sizeof(letter->epoch), "%" PRIu64, from->epoch);
    snprintf(letter->sequence, sizeof(letter->sequence), "%" PRIu64, from->sequence);
    event->type = KAFKA_EVENT_TYPE_MESSAGE;
    event->partition = from->partition;
    event->offset = from->offset;
    event->appended_at_us = from->appended_at_us;
    event->key = slice_str(letter->key);
    event->value = slice_of(letter->value, value_size);
    add_header(event, "content-type", TYPE, sizeof(TYPE) - 1);
    add_header(event, "ks-agent", letter->agent, strlen(letter->agent));
    add_header(event, "ks-epoch", letter->epoch, strlen(letter->epoch));
    add_header(event, "ks-sequence", letter->sequence, strlen(letter->sequence));
    add_header(event, "ks-mac", letter->mac, sizeof(letter->mac));
    letter_sign(letter, from);
}

void letter_write_record(struct letter *letter, const struct letter_from *from,
                         const Kasumori__V1__Record *record)
{
    struct buf value;
    buf_init(&value, LIMIT_VALUE_BYTES);
    enum rc rc = record_encode(record, &value, NULL);
    CHECK(rc == RC_OK);
    letter_write(letter, from, value.data, value.size);
    buf_done(&value);
}

struct kafka_header *letter_header(struct letter *letter, const char *name)
{
    for (size_t i = 0; i < letter->event.headers_count; i++)
        if (strcmp(letter->event.headers[i].name, name) == 0)
            return &letter->event.headers[i];
    return NULL;
}

void letter_done(struct letter *letter)
{
    mem_free(letter->value);
    letter->value = NULL;
}

struct message letter_message(const struct letter *letter)
{
    return (struct message){
        .offset = letter->event.offset,
        .appended_at_us = letter->event.appended_at_us,
        .key = letter->event.key,
        .value = letter->event.value,
        .value_size = letter->event.value.size,
        .headers = letter->event.headers,
        .headers_count = letter->event.headers_count,
    };
}
