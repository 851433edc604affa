/* Known answers were made with Python 3.11 alone:
     H = lambda k, d: hmac.new(k, d, hashlib.sha256).hexdigest(); m = bytes(range(32))
     agent key  H(m, b"kasumori agent key\0" + b"s001-a\0" + struct.pack(">I", 7))
     header     "00000007" + H(agent key, value + b"s001-a" + struct.pack(">QQQ", epoch, sequence,
   len(value))) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "services/common/base/hex.h"
#include "services/common/mac/mac.h"
#include "services/common/mac/mac_digest.h"

enum { THREADS = 4, ROUNDS = 20000 };

static const char AGENT[] = "s001-a";

static void expect_hex(const uint8_t *data, size_t size, const char *hex)
{
    char text[2 * 64 + 1];
    hex_format(data, size, text);
    assert_string_equal(text, hex);
}

static void make(const struct mac_key *key, struct slice value, uint64_t epoch, uint64_t sequence,
                 uint8_t header[MAC_HEADER_BYTES])
{
    const struct mac_message message = {value, AGENT, epoch, sequence};
    mac_make(key, &message, header);
}

static int is_valid(const struct mac_key *key, struct mac_message message, const uint8_t *header)
{
    return mac_is_valid(key, &message, header);
}

static struct mac_key agent_key(void)
{
    uint8_t master[MAC_KEY_BYTES];
    for (int i = 0; i < MAC_KEY_BYTES; i++)
        master[i] = (uint8_t)i;
    struct mac_key key;
    mac_derive_agent_key(master, AGENT, 7, &key);
    return key;
}

static void test_known_digests(void **state)
{
    (void)state;
    uint8_t out[MAC_SHA256_BYTES];
    mac_sha256(slice_str("abc"), out);
    expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    mac_sha256(slice_of(NULL, 0), out);
    expect_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* However the bytes are cut, the digest is that of all of them. */
static void test_digests_of_pieces(void **state)
{
    (void)state;
    uint8_t data[200], whole[MAC_SHA256_BYTES], pieces[MAC_SHA256_BYTES];
    memset(data, 'x', sizeof(data));
    mac_sha256(slice_of(data, sizeof(data)), whole);
    for (size_t step = 1; step <= sizeof(data); step++) {
        struct mac_digest *digest = mac_digest_new();
        assert_non_null(digest);
        for (size_t at = 0; at < sizeof(data); at += step)
            mac_digest_add(
                digest, slice_of(data + at, step < sizeof(data) - at ? step : sizeof(data) - at));
        mac_digest_add(digest, slice_of(NULL, 0));
        mac_digest_end(digest, pieces);
        mac_digest_free(digest);
        assert_memory_equal(whole, pieces, sizeof(whole));
    }
    struct mac_digest *digest = mac_digest_new();
    assert_non_null(digest);
    mac_digest_end(digest, pieces);
    expect_hex(pieces, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    mac_digest_free(digest);
    mac_digest_free(NULL);
}

static void test_known_hmacs(void **state)
{
    (void)state;
    uint8_t out[MAC_SHA256_BYTES];
    mac_hmac(slice_str("key"), slice_str("The quick brown fox jumps over the lazy dog"), out);
    expect_hex(out, 32, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    mac_hmac(slice_of(NULL, 0), slice_of(NULL, 0), out);
    expect_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    uint8_t key[131], data[1000];
    memset(key, 'k', sizeof(key));
    memset(data, 'x', sizeof(data));
    mac_hmac(slice_of(key, sizeof(key)), slice_of(data, sizeof(data)), out);
    expect_hex(out, 32, "8737d3431a8ec47589970f575b1ad7d955ebf58f1145ac92591dfdcae59f475b");
}

static void test_known_agent_key_and_headers(void **state)
{
    (void)state;
    struct mac_key key = agent_key();
    assert_int_equal(key.key_id, 7);
    expect_hex(key.key, 32, "a43d2dd9717fc2938db4e958a960cb47fc939571a729289e543f0c920a90da30");
    uint8_t header[MAC_HEADER_BYTES];
    make(&key, slice_str("a record"), 3, 258, header);
    expect_hex(header, sizeof(header),
               "0000000795a750654be1cbdfaa30b56b28e4fc8ff8333db7cfc836583d1e13bbd6c89c38");
    make(&key, slice_of(NULL, 0), UINT64_MAX, 0, header);
    expect_hex(header, sizeof(header),
               "0000000714692db938433d60fd4b6980a8d0cc3d72eacce5c949eafd72ac7e4a578d9c1d");
    assert_int_equal(mac_key_id(header), 7);
}

static void test_any_change_is_seen(void **state)
{
    (void)state;
    struct mac_key key = agent_key();
    uint8_t header[MAC_HEADER_BYTES];
    struct slice value = slice_str("a record");
    make(&key, value, 3, 258, header);
    assert_true(is_valid(&key, (struct mac_message){value, AGENT, 3, 258}, header));
    assert_false(
        is_valid(&key, (struct mac_message){slice_str("a Record"), AGENT, 3, 258}, header));
    assert_false(is_valid(&key, (struct mac_message){slice_str("a recor"), AGENT, 3, 258}, header));
    assert_false(is_valid(&key, (struct mac_message){value, "s001-b", 3, 258}, header));
    assert_false(is_valid(&key, (struct mac_message){value, AGENT, 4, 258}, header));
    assert_false(is_valid(&key, (struct mac_message){value, AGENT, 3, 259}, header));
    for (size_t bit = 0; bit < 8 * sizeof(header); bit++) {
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(is_valid(&key, (struct mac_message){value, AGENT, 3, 258}, header));
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    key.key[31] ^= 1;
    assert_false(is_valid(&key, (struct mac_message){value, AGENT, 3, 258}, header));
}

/* Bytes moved from the value's end to the agent's name are another message. */
static void test_value_and_agent_do_not_run_together(void **state)
{
    (void)state;
    struct mac_key key = agent_key();
    uint8_t a[MAC_HEADER_BYTES], b[MAC_HEADER_BYTES];
    mac_make(&key, &(struct mac_message){slice_str("value"), "x-agent", 1, 1}, a);
    mac_make(&key, &(struct mac_message){slice_str("valuex-"), "agent", 1, 1}, b);
    assert_memory_not_equal(a, b, sizeof(a));
}

static pthread_barrier_t together;

/* Each thread has a key of its own, so that a shared context would mix them. */
static void *make_many(void *arg)
{
    const uint8_t *seed = arg;
    struct mac_key key = agent_key();
    memcpy(key.key, seed, MAC_KEY_BYTES);
    uint8_t first[MAC_SHA256_BYTES];
    mac_hmac(slice_of(key.key, MAC_KEY_BYTES), slice_str("x"), first);
    pthread_barrier_wait(&together);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t header[MAC_HEADER_BYTES], again[MAC_SHA256_BYTES];
        struct slice value = slice_of(seed, 1 + i % 64);
        make(&key, value, 1, i, header);
        mac_hmac(slice_of(key.key, MAC_KEY_BYTES), slice_str("x"), again);
        if (!is_valid(&key, (struct mac_message){value, AGENT, 1, i}, header) ||
            memcmp(first, again, sizeof(first)) != 0)
            return arg;
    }
    return NULL;
}

static void test_threads_do_not_share_state(void **state)
{
    (void)state;
    static uint8_t seeds[THREADS][64];
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        memset(seeds[i], 'a' + i, sizeof(seeds[i]));
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    pthread_barrier_destroy(&together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_digests_of_pieces),
        cmocka_unit_test(test_known_hmacs),
        cmocka_unit_test(test_known_agent_key_and_headers),
        cmocka_unit_test(test_any_change_is_seen),
        cmocka_unit_test(test_value_and_agent_do_not_run_together),
        cmocka_unit_test(test_threads_do_not_share_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
