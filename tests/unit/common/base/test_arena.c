#include "tests/support/unit.h"

#include <string.h>

#include "services/common/base/arena.h"
#include "services/common/base/mem.h"

static void limit_is_hard(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1000);
    assert_non_null(arena_alloc(arena, 400));
    assert_non_null(arena_alloc(arena, 400));
    assert_null(arena_alloc(arena, 400));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_copy(arena, "", SIZE_MAX));
    arena_reset(arena);
    assert_int_equal(arena_used_bytes(arena), 0);
    assert_non_null(arena_alloc(arena, 900));
    arena_free(arena);
}

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    uint8_t *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(arena, i * 7);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(pieces[i][k], (uint8_t)i);
    assert_string_equal(arena_copy(arena, "abcdef", 3), "abc");
    arena_free(arena);
}

static void no_memory_is_null(void **state)
{
    (void)state;
    mem_fail_nth(1);
    assert_null(arena_new(10));
    struct arena *arena = arena_new(1000);
    mem_fail_nth(1);
    assert_null(arena_alloc(arena, 10));
    assert_non_null(arena_alloc(arena, 10));
    arena_free(arena);
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_is_hard),
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(no_memory_is_null),
    };
    return UNIT_MAIN(tests);
}
