/* The C side of the cross-check with Python's protobuf (test_record_cross.py).

   record_tool read      frames (size as 4 bytes big-endian, value) from stdin; for each one line of
                         fields divided by tabs: class, "valid" or why not, body hash, encoding, has
                         unknown fields, body as JSON, texts as place=value; bytes in hexadecimal
   record_tool samples   the unit tests' records, one line each: name and encoding */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/base/limits.h"
#include "services/common/base/mem.h"
#include "services/common/record/record.h"
#include "tests/unit/common/record/sample.h"

enum { FRAME_BYTES_MAX = 1 << 20 };

static void print_hex(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static enum rc print_text(void *ctx, const char *place, Kasumori__V1__Text *text)
{
    int *count = ctx;
    printf("%s%s=", (*count)++ > 0 ? "," : "", place);
    print_hex(text->value, strlen(text->value));
    return RC_OK;
}

static enum rc print_record(Kasumori__V1__Record *record, struct buf *out, struct err *err)
{
    uint8_t hash[RECORD_HASH_BYTES];
    int texts = 0;
    enum rc rc = record_validate(record, err);
    printf("\t%s\t", rc == RC_OK ? "valid" : err->text);
    rc = record_body_hash(record, hash, err);
    if (rc != RC_OK)
        return rc;
    print_hex(hash, sizeof(hash));
    buf_reset(out);
    rc = record_encode(record, out, err);
    if (rc != RC_OK)
        return rc;
    printf("\t");
    print_hex(out->data, out->size);
    buf_reset(out);
    record_write_json(record, out);
    printf("\t%d\t%s\t", record_has_unknown_fields(record), (char *)out->data);
    return record_each_text(record, print_text, &texts);
}

static enum rc print_value(struct slice value, struct arena *arena, struct buf *out,
                           struct err *err)
{
    static const char *const CLASSES[] = {"ok", "malformed", "oversized", "newer"};
    Kasumori__V1__Record *record;
    enum record_class class = RECORD_CLASS_OK;
    enum rc rc = record_decode(value, arena, &record, &class, err);
    printf("%s", CLASSES[class]);
    if (rc == RC_REJECT) {
        printf("\t%s\n", err->text);
        return RC_OK;
    }
    if (rc == RC_OK)
        rc = print_record(record, out, err);
    printf("\n");
    return rc;
}

static int read_values(void)
{
    struct err err;
    struct buf out;
    uint8_t head[4];
    int status = 0;
    struct arena *arena = arena_new(LIMIT_DECODE_ARENA_BYTES);
    uint8_t *frame = mem_alloc(FRAME_BYTES_MAX);
    buf_init(&out, 4 * LIMIT_VALUE_BYTES);
    while (arena != NULL && frame != NULL && status == 0 && fread(head, 4, 1, stdin) == 1) {
        size_t size =
            (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        arena_reset(arena);
        if (size > FRAME_BYTES_MAX || (size > 0 && fread(frame, size, 1, stdin) != 1)) {
            fprintf(stderr, "record_tool: a frame of %zu bytes is cut short\n", size);
            status = 1;
        } else if (print_value(slice_of(frame, size), arena, &out, &err) != RC_OK) {
            fprintf(stderr, "record_tool: %s\n", err.text);
            status = 1;
        }
    }
    buf_done(&out);
    mem_free(frame);
    arena_free(arena);
    return status;
}

static int write_samples(void)
{
    struct err err;
    struct buf out;
    int status = 0;
    buf_init(&out, LIMIT_VALUE_BYTES);
    for (int kind = 0; status == 0 && kind < SAMPLE_KINDS; kind++) {
        buf_reset(&out);
        if (record_encode(sample_record(kind), &out, &err) != RC_OK) {
            fprintf(stderr, "record_tool: %s\n", err.text);
            status = 1;
            continue;
        }
        printf("%s\t", sample_name(kind));
        print_hex(out.data, out.size);
        printf("\n");
    }
    buf_done(&out);
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "read") == 0)
        return read_values();
    if (argc == 2 && strcmp(argv[1], "samples") == 0)
        return write_samples();
    fprintf(stderr, "usage: record_tool read|samples\n");
    return 2;
}
