#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/base/file.h"
#include "services/common/base/mem.h"
#include "services/common/http/http.h"
#include "services/common/loop/loop.h"

struct place {
    char dir[64];
    char key_file[96];
    char unix_path[96];
};

static int place_make(void **state)
{
    static struct place place = {.dir = "/tmp/kasumori-http-XXXXXX"};
    if (mkdtemp(place.dir) == NULL)
        return -1;
    snprintf(place.key_file, sizeof(place.key_file), "%s/key", place.dir);
    snprintf(place.unix_path, sizeof(place.unix_path), "%s/sock", place.dir);
    *state = &place;
    return file_write_secret(place.key_file, slice_str("0123456789abcdef\n"), NULL) != RC_OK;
}

static int place_remove(void **state)
{
    struct place *place = *state;
    unlink(place->key_file);
    return rmdir(place->dir);
}

static void on_any(void *ctx, struct http_request *request)
{
    (void)ctx;
    http_reply(request, 204, NULL, slice_of(NULL, 0));
}

static void a_start_without_memory_leaves_nothing(void **state)
{
    const struct place *place = *state;
    static const struct http_route ROUTES[] = {{HTTP_METHOD_GET, "/", on_any, 0, 0}};
    struct http_config config = {
        .address = "127.0.0.1", .unix_path = place->unix_path, .key_file = place->key_file};
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop, NULL), RC_OK);
    for (long n = 1;; n++) {
        struct http_server *server = NULL;
        struct err err;
        mem_fail_nth(n);
        enum rc rc = http_server_new(loop, &config, ROUTES, 1, NULL, &server, &err);
        int is_over = mem_fail_pending();
        mem_fail_nth(0);
        if (is_over) {
            assert_int_equal(rc, RC_OK);
            assert_true(n > 4);
            assert_int_equal(access(place->unix_path, F_OK), 0);
            http_server_stop(server);
            http_server_free(server);
            break;
        }
        assert_int_not_equal(rc, RC_OK);
        assert_null(server);
        assert_int_equal(access(place->unix_path, F_OK), -1);
    }
    assert_int_equal(access(place->unix_path, F_OK), -1);
    http_server_free(NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_start_without_memory_leaves_nothing, place_make,
                                        place_remove),
    };
    return UNIT_MAIN(tests);
}
