/* Receipts as text, throttle, sessions, origins: what needs no server. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "services/agent/normalise.h"
#include "services/agent/origin.h"
#include "services/agent/receipt.h"
#include "services/agent/session.h"
#include "services/agent/throttle.h"
#include "services/common/base/clock.h"

static void receipts_survive_text(void **state)
{
    (void)state;
    struct receipt receipt = {.form_id = {{1}},
                              .record_id = {{2}},
                              .at_us = 7,
                              .epoch = 8,
                              .sequence = 9,
                              .revision = 10,
                              .code = "AB2CD3",
                              .worker = "w12",
                              .is_report = 1,
                              .digest = {11}};
    struct receipt read;
    struct buf text;
    buf_init(&text, 512);
    receipt_write(&receipt, &text);
    assert_int_equal(receipt_read(buf_slice(&text), &read), RC_OK);
    assert_memory_equal(&read, &receipt, sizeof(read));
    for (size_t cut = 0; cut + 4 < text.size; cut++) /* whatever was torn off is seen */
        assert_int_equal(receipt_read(slice_of(text.data, cut), &read), RC_CORRUPT);
    buf_done(&text);
}

static void codes_are_read_as_people_type_them(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"K7M4QX", "k7m-4qx", " K7M - 4QX ", "Ｋ７Ｍ－４ＱＸ",
                                       "k7mー4qx"};
    static const char *const BAD[] = {"", "K7M4Q", "K7M4QXX", "K7M4Q0", "K7M4QI", "K7M4Q☃", "\xff"};
    char code[RECEIPT_CODE_BYTES];
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        assert_int_equal(receipt_read_code(slice_str(GOOD[i]), code), RC_OK);
        assert_string_equal(code, "K7M4QX");
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(receipt_read_code(slice_str(BAD[i]), code), RC_REJECT);
    for (int i = 0; i < 100; i++) {
        char again[RECEIPT_CODE_BYTES];
        struct err err;
        assert_int_equal(receipt_make_code(code, &err), RC_OK);
        assert_int_equal(receipt_read_code(slice_str(code), again), RC_OK);
        assert_string_equal(code, again);
    }
}

static void guessing_gets_slower(void **state)
{
    (void)state;
    static struct throttle throttle;
    int64_t now_us = 0;
    for (int i = 0; i < 4; i++)
        throttle_fail(&throttle, "a", 5, now_us);
    assert_int_equal(throttle_wait_us(&throttle, "a", now_us), 0);
    int64_t last = 0;
    for (int i = 0; i < 5; i++) {
        throttle_fail(&throttle, "a", 5, now_us);
        int64_t wait_us = throttle_wait_us(&throttle, "a", now_us);
        assert_true(wait_us >= 30 * CLOCK_US_PER_S && wait_us > last);
        last = wait_us;
    }
    throttle_fail(&throttle, "a", 5, now_us);
    assert_int_equal(throttle_wait_us(&throttle, "a", now_us), 900 * CLOCK_US_PER_S);
    assert_int_equal(throttle_wait_us(&throttle, "b", now_us), 0);
    assert_int_equal(throttle_wait_us(&throttle, "a", now_us + 900 * CLOCK_US_PER_S), 0);
    throttle_succeed(&throttle, "a");
    assert_int_equal(throttle_wait_us(&throttle, "a", now_us), 0);
    for (int i = 0; i < 2 * THROTTLE_KEYS; i++) { /* others do not free the newest */
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        throttle_fail(&throttle, key, 1, ++now_us);
    }
    assert_true(throttle_wait_us(&throttle, "k511", now_us) > 0);
    for (int i = 0; i < 2 * THROTTLE_KEYS; i++) { /* nor do first failures free a lock */
        char key[16];
        snprintf(key, sizeof(key), "once%d", i);
        throttle_fail(&throttle, key, 5, ++now_us);
    }
    assert_true(throttle_wait_us(&throttle, "k511", now_us) > 0);
}

static void sessions_end(void **state)
{
    (void)state;
    static struct sessions sessions = {.idle_us = 10, .most_us = 25};
    char id[SESSION_TEXT_BYTES], cookie[200];
    struct err err;
    assert_int_equal(session_begin(&sessions, "w12", 0, id, &err), RC_OK);
    snprintf(cookie, sizeof(cookie), "a=b; " SESSION_COOKIE "=%s; c=d", id);
    assert_string_equal(session_worker(&sessions, cookie, 9), "w12");
    assert_string_equal(session_worker(&sessions, cookie, 18), "w12"); /* use keeps it */
    assert_null(session_worker(&sessions, cookie, 25));                /* but not for ever */
    assert_null(session_worker(&sessions, NULL, 0));
    assert_null(session_worker(&sessions, SESSION_COOKIE "=", 0));
    assert_int_equal(session_begin(&sessions, "w12", 0, id, &err), RC_OK);
    snprintf(cookie, sizeof(cookie), SESSION_COOKIE "=%s", id);
    assert_null(session_worker(&sessions, cookie, 10));
    assert_int_equal(session_begin(&sessions, "w12", 0, id, &err), RC_OK);
    snprintf(cookie, sizeof(cookie), SESSION_COOKIE "=%s", id);
    session_end_worker(&sessions, "w13");
    assert_non_null(session_worker(&sessions, cookie, 1));
    session_end_worker(&sessions, "w12");
    assert_null(session_worker(&sessions, cookie, 1));
}

static void sessions_are_bounded(void **state)
{
    (void)state;
    static struct sessions sessions = {.idle_us = 1000, .most_us = 1000};
    char first[SESSION_TEXT_BYTES], id[SESSION_TEXT_BYTES], cookie[200];
    struct err err;
    assert_int_equal(session_begin(&sessions, "w0", 0, first, &err), RC_OK);
    for (int i = 0; i < SESSIONS_MAX; i++)
        assert_int_equal(session_begin(&sessions, "w1", 1 + i, id, &err), RC_OK);
    snprintf(cookie, sizeof(cookie), SESSION_COOKIE "=%s", first);
    assert_null(session_worker(&sessions, cookie, 200)); /* the least used one gave way */
    snprintf(cookie, sizeof(cookie), SESSION_COOKIE "=%s", id);
    assert_string_equal(session_worker(&sessions, cookie, 200), "w1");
}

static void origins(void **state)
{
    (void)state;
    static const char BOARD[] = "https://board.example";
    static const struct {
        const char *origin, *host;
        int is_tls;
        enum origin wanted;
    } CASES[] = {
        {NULL, "127.0.0.1:8470", 0, ORIGIN_NONE},
        {NULL, "localhost:8470", 0, ORIGIN_NONE},
        {NULL, "[::1]:8470", 0, ORIGIN_NONE},
        {NULL, "evil.example", 0, ORIGIN_FOREIGN},
        {NULL, "127.0.0.1.evil.example", 0, ORIGIN_FOREIGN},
        {NULL, "localhost.evil.example", 0, ORIGIN_FOREIGN},
        {NULL, NULL, 0, ORIGIN_FOREIGN},
        {NULL, "till.example", 1, ORIGIN_NONE},
        {"http://127.0.0.1:8470", "127.0.0.1:8470", 0, ORIGIN_OWN},
        {"https://127.0.0.1:8470", "127.0.0.1:8470", 0, ORIGIN_FOREIGN},
        {"https://till.example", "till.example", 1, ORIGIN_OWN},
        {"http://127.0.0.1:8471", "127.0.0.1:8470", 0, ORIGIN_FOREIGN},
        {BOARD, "127.0.0.1:8470", 0, ORIGIN_ALLOWED},
        {BOARD, "evil.example", 0, ORIGIN_FOREIGN},
        {"null", "127.0.0.1", 0, ORIGIN_FOREIGN},
        {"", "127.0.0.1", 0, ORIGIN_FOREIGN},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        assert_int_equal(origin_judge(CASES[i].origin, CASES[i].host, CASES[i].is_tls, BOARD),
                         CASES[i].wanted);
    assert_int_equal(origin_judge(BOARD, "127.0.0.1", 0, NULL), ORIGIN_FOREIGN);
    assert_true(origin_is_one("https://board.example:8443"));
    assert_false(origin_is_one("https://board.example/"));
    assert_false(origin_is_one("https://Board.example"));
    assert_false(origin_is_one("board.example"));
    assert_false(origin_is_one("https://"));
}

/* Else who reported would not be known again when they judge. */
static void codes_of_workers_are_normalised_alike(void **state)
{
    (void)state;
    static const char ALL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char code[WORKERS_CODE_BYTES + 1] = "";
    for (size_t i = 0; i < 2000; i++) {
        size_t size = 1 + i % WORKERS_CODE_BYTES;
        char form[WORKERS_CODE_BYTES + 1];
        struct normalised normalised;
        struct err err;
        for (size_t k = 0; k < size; k++)
            code[k] = ALL[(i * 31 + k * (7 + i % 5) + k * k) % (sizeof(ALL) - 1)];
        code[size] = '\0';
        assert_true(workers_is_code(slice_str(code)));
        workers_token_form(code, form);
        enum rc rc = normalise_identifier(9 /* worker */, slice_str(code), &normalised, &err);
        assert_int_equal(rc == RC_OK, form[0] != '\0');
        if (rc == RC_OK)
            assert_true(slice_is_equal(normalised_slice(&normalised), slice_str(form)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipts_survive_text),
        cmocka_unit_test(codes_are_read_as_people_type_them),
        cmocka_unit_test(guessing_gets_slower),
        cmocka_unit_test(sessions_end),
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(origins),
        cmocka_unit_test(codes_of_workers_are_normalised_alike),
    };
    return UNIT_MAIN(tests);
}
