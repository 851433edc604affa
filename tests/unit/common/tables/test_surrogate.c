/* Numbers from names: the same for the same set, and different, even with few bits to differ in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "services/common/tables/surrogate.h"

enum { NAMES = 100, FEW_BITS = 8 };

static void assign(size_t count, int bits, int64_t *numbers)
{
    char texts[NAMES][8];
    struct slice names[NAMES];
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%03zu", i);
        names[i] = slice_str(texts[i]);
    }
    assert_int_equal(surrogate_assign(names, count, bits, arena, numbers, NULL), RC_OK);
    arena_free(arena);
}

static size_t count_doubles(const int64_t *numbers, size_t count)
{
    size_t doubles = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            doubles += numbers[i] == numbers[k];
    return doubles;
}

static void test_collisions_are_parted(void **state)
{
    int64_t numbers[NAMES], again[NAMES];
    (void)state;
    assign(NAMES, FEW_BITS, numbers);
    assert_int_equal(count_doubles(numbers, NAMES), 0);
    assign(NAMES, FEW_BITS, again);
    assert_memory_equal(numbers, again, sizeof(numbers));
}

static void test_a_number_is_the_names_own(void **state)
{
    int64_t all[NAMES], first[1];
    (void)state;
    assign(NAMES, SURROGATE_BITS, all);
    assign(1, SURROGATE_BITS, first);
    assert_int_equal(all[0], first[0]);
    for (size_t i = 0; i < NAMES; i++)
        assert_true(all[i] >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collisions_are_parted),
        cmocka_unit_test(test_a_number_is_the_names_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
