#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/mem.h"
#include "services/common/record/alert.h"
#include "services/common/record/record.h"

enum { ARENA_BYTES = 1 << 20, VALUE_BYTES = 1 << 16 };

static uint8_t an_id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct sample {
    Kasumori__V1__Alert alert;
    ProtobufCBinaryData records[2];
    char *sites[1];
};

static void fill_alert(struct sample *s)
{
    const Kasumori__V1__Alert init = KASUMORI__V1__ALERT__INIT;
    s->alert = init;
    s->records[0] = s->records[1] = (ProtobufCBinaryData){sizeof(an_id), an_id};
    s->sites[0] = (char *)"s001";
    s->alert.schema_major = RECORD_SCHEMA_MAJOR;
    s->alert.alert_id = s->records[0];
    s->alert.change_no = 3;
    s->alert.tenant = (char *)"acme";
    s->alert.matter = (char *)"用件";
    s->alert.n_record_ids = 2;
    s->alert.record_ids = s->records;
    s->alert.n_sites = 1;
    s->alert.sites = s->sites;
    s->alert.first_at_us = 1777000000000000;
}

static enum rc encode(const Kasumori__V1__Alert *alert, struct buf *out, struct err *err)
{
    buf_init(out, VALUE_BYTES);
    enum rc rc = alert_encode(alert, out, err);
    if (rc != RC_OK)
        buf_done(out);
    return rc;
}

static void an_alert_comes_back_as_it_went(void **state)
{
    (void)state;
    struct sample s;
    struct buf out;
    Kasumori__V1__Alert *read;
    struct arena *arena = arena_new(ARENA_BYTES);
    fill_alert(&s);
    assert_int_equal(encode(&s.alert, &out, NULL), RC_OK);
    assert_int_equal(alert_decode(buf_slice(&out), arena, &read, NULL), RC_OK);
    assert_memory_equal(read->alert_id.data, an_id, sizeof(an_id));
    assert_int_equal(read->change_no, 3);
    assert_string_equal(read->tenant, "acme");
    assert_string_equal(read->matter, "用件");
    assert_int_equal(read->n_record_ids, 2);
    assert_string_equal(read->sites[0], "s001");
    assert_int_equal(read->first_at_us, INT64_C(1777000000000000));
    buf_done(&out);
    arena_free(arena);
}

static void a_wrong_alert_is_neither_written_nor_read(void **state)
{
    (void)state;
    static const char *const ERRORS[] = {
        "schema_major: 2 instead of 1",
        "tenant: missing",
        "change_no: missing",
        "alert_id: 15 bytes instead of 16",
        "merged_into: 3 bytes instead of 16",
        "record_ids: 0 bytes instead of 16",
    };
    for (size_t i = 0; i < sizeof(ERRORS) / sizeof(ERRORS[0]); i++) {
        struct sample s;
        struct buf out;
        struct err err;
        fill_alert(&s);
        if (i == 0)
            s.alert.schema_major++;
        else if (i == 1)
            s.alert.tenant = (char *)"";
        else if (i == 2)
            s.alert.change_no = 0;
        else if (i == 3)
            s.alert.alert_id.len--;
        else if (i == 4)
            s.alert.merged_into = (ProtobufCBinaryData){3, an_id};
        else
            s.records[1].len = 0;
        assert_int_equal(encode(&s.alert, &out, &err), RC_REJECT);
        assert_string_equal(err.text, ERRORS[i]);
    }
}

static void a_watch_entry_comes_back_as_it_went(void **state)
{
    (void)state;
    Kasumori__V1__WatchEntry entry = KASUMORI__V1__WATCH_ENTRY__INIT;
    Kasumori__V1__Token token = KASUMORI__V1__TOKEN__INIT, *tokens[] = {&token};
    Kasumori__V1__WatchEntry *read;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct buf out;
    struct err err;
    token.key_id = 7;
    token.mac = (ProtobufCBinaryData){sizeof(an_id), an_id};
    entry.schema_major = RECORD_SCHEMA_MAJOR;
    entry.entry_id = token.mac;
    entry.change_no = 1;
    entry.tenant = (char *)"acme";
    entry.n_tokens = 1;
    entry.tokens = tokens;
    buf_init(&out, VALUE_BYTES);
    assert_int_equal(alert_encode_watch(&entry, &out, NULL), RC_OK);
    assert_int_equal(alert_decode_watch(buf_slice(&out), arena, &read, NULL), RC_OK);
    assert_int_equal(read->tokens[0]->key_id, 7);
    assert_memory_equal(read->tokens[0]->mac.data, an_id, sizeof(an_id));
    token.mac.len = 4;
    assert_int_equal(alert_encode_watch(&entry, &out, &err), RC_REJECT);
    assert_string_equal(err.text, "tokens[0].mac: 4 bytes instead of 16");
    buf_done(&out);
    arena_free(arena);
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    static const char GARBAGE[] = "\xff\xff\xff\xff";
    Kasumori__V1__Alert *alert;
    Kasumori__V1__WatchEntry *entry;
    struct arena *arena = arena_new(ARENA_BYTES);
    assert_int_equal(alert_decode(slice_str(GARBAGE), arena, &alert, NULL), RC_REJECT);
    assert_int_equal(alert_decode_watch(slice_str(GARBAGE), arena, &entry, NULL), RC_REJECT);
    assert_int_equal(alert_decode(slice_of(NULL, 0), arena, &alert, NULL), RC_REJECT);
    arena_free(arena);
}

/* A value cut anywhere is refused or still whole in what must be there; never read beyond. */
static void a_cut_value_is_never_half_an_alert(void **state)
{
    (void)state;
    struct sample s;
    struct buf out;
    fill_alert(&s);
    assert_int_equal(encode(&s.alert, &out, NULL), RC_OK);
    for (size_t size = 0; size < out.size; size++) {
        struct arena *arena = arena_new(ARENA_BYTES);
        uint8_t *copy = mem_alloc(size + 1); /* its own block, so that a checker sees the end */
        Kasumori__V1__Alert *read;
        memcpy(copy, out.data, size);
        if (alert_decode(slice_of(copy, size), arena, &read, NULL) == RC_OK) {
            assert_int_equal(read->alert_id.len, sizeof(an_id));
            assert_string_equal(read->tenant, "acme");
        }
        mem_free(copy);
        arena_free(arena);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_comes_back_as_it_went),
        cmocka_unit_test(a_wrong_alert_is_neither_written_nor_read),
        cmocka_unit_test(a_watch_entry_comes_back_as_it_went),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_cut_value_is_never_half_an_alert),
    };
    return UNIT_MAIN(tests);
}
