/*
 * What every unit test begins with: cmocka and the headers it wants first.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

/* For a table of rows: says which row it was. */
#define assert_row(name, cond)                                   \
	do {                                                     \
		if (!(cond))                                     \
			fail_msg("row \"%s\": %s", name, #cond); \
	} while (0)
