/* Walks that ask one question of every message inside: where is free text, is anything unknown. */
#include <stdint.h>

#include "services/common/record/record.h"
#include "services/common/record/record_field.h"

struct text_walk {
    enum rc (*visit)(void *ctx, const char *place, Kasumori__V1__Text *text);
    void *ctx;
};

static enum rc walk_texts(const struct text_walk *walk, const ProtobufCMessage *message,
                          const struct record_place *up)
{
    if (message->descriptor == &kasumori__v1__text__descriptor) {
        char place[RECORD_PLACE_TEXT_BYTES];
        record_place_format(up, place, sizeof(place));
        /* The record came in as not const: record_each_text. */
        return walk->visit(walk->ctx, place, (Kasumori__V1__Text *)(uintptr_t)message);
    }
    for (unsigned f = 0; f < message->descriptor->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[f];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        size_t count = record_field_count(message, field);
        for (size_t i = 0; i < count; i++) {
            struct record_place place = {up, field, i};
            enum rc rc =
                walk_texts(walk, record_field_message(record_field_at(message, field, i)), &place);
            if (rc != RC_OK)
                return rc;
        }
    }
    return RC_OK;
}

enum rc record_each_text(Kasumori__V1__Record *record,
                         enum rc (*visit)(void *ctx, const char *place, Kasumori__V1__Text *text),
                         void *ctx)
{
    struct text_walk walk = {.visit = visit, .ctx = ctx};
    return walk_texts(&walk, &record->base, NULL);
}

static int has_unknown(const ProtobufCMessage *message)
{
    if (message->n_unknown_fields > 0)
        return 1;
    for (unsigned f = 0; f < message->descriptor->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[f];
        size_t count =
            field->type == PROTOBUF_C_TYPE_MESSAGE ? record_field_count(message, field) : 0;
        for (size_t i = 0; i < count; i++)
            if (has_unknown(record_field_message(record_field_at(message, field, i))))
                return 1;
    }
    return 0;
}

int record_has_unknown_fields(const Kasumori__V1__Record *record)
{
    return has_unknown(&record->base);
}
