#ifndef KASUMORI_TESTS_SUPPORT_UNIT_H
#define KASUMORI_TESTS_SUPPORT_UNIT_H

/* What every cmocka program includes, in the order cmocka demands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIT_MAIN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
