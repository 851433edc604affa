#ifndef KASUMORI_RECORD_RECORD_BUILD_H
#define KASUMORI_RECORD_RECORD_BUILD_H

#include "services/common/record/record.h"

/* Builds messages field by field from names, for adapters that read JSON or tables. All memory
   comes from the arena; field names are the proto's or their camel-case form. */
enum record_field_type {
    RECORD_FIELD_TYPE_STRING,
    RECORD_FIELD_TYPE_BYTES,
    RECORD_FIELD_TYPE_INTEGER,
    RECORD_FIELD_TYPE_TIME, /* an integer whose name ends in _at_us or that is a start or end in µs
                             */
    RECORD_FIELD_TYPE_BOOL,
    RECORD_FIELD_TYPE_ENUM,
    RECORD_FIELD_TYPE_MESSAGE,
};

struct record_field {
    enum record_field_type type;
    int is_repeated;
    const void *opaque; /* descriptor, of this module */
};

/* A message under construction: any message inside a record. */
struct record_node {
    void *message;
};

/* The root, empty: the schema version too is the caller's to set. RC_FULL when the arena is too
 * small. */
enum rc record_build_new(struct arena *arena, Kasumori__V1__Record **ret_record,
                         struct record_node *ret_node, struct err *err) MUST_CHECK;

/* 1 and *ret_field when the message has a field of that name. */
int record_build_find(struct record_node node, const char *name, struct record_field *ret_field);
/* "Record", "Identifier", … */
const char *record_build_name(struct record_node node);

/* Each sets a field or, for a repeated one, appends. RC_REJECT for a value out of the field's
   range, a second body of the oneof, an unknown enum name or too many items; RC_FULL for the arena.
 */
enum rc record_build_string(struct arena *arena, struct record_node node,
                            const struct record_field *field, struct slice value,
                            struct err *err) MUST_CHECK;
enum rc record_build_bytes(struct arena *arena, struct record_node node,
                           const struct record_field *field, struct slice value,
                           struct err *err) MUST_CHECK;
enum rc record_build_integer(struct arena *arena, struct record_node node,
                             const struct record_field *field, int64_t value, struct err *err)
    MUST_CHECK; /* INTEGER, TIME, ENUM (unknown kept), BOOL 0/1 */
enum rc record_build_enum(struct arena *arena, struct record_node node,
                          const struct record_field *field, const char *name,
                          struct err *err) MUST_CHECK; /* full name or without its prefix */
enum rc record_build_message(struct arena *arena, struct record_node node,
                             const struct record_field *field, struct record_node *ret_child,
                             struct err *err) MUST_CHECK;

/* 1 and the number of an IdentifierKind from its name in lower case without prefix ("phone"). */
int record_build_kind(const char *name, uint32_t *ret_kind);

#endif
