/*
 * Numbers as a person reads them, in a buffer that the caller has.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HUMAN_MAX 32 /* every result and its NUL */

/* "0", "999", "1.2k", "35M": powers of 1000, two or three digits. */
const char *human_count(uint64_t n, char buf[static HUMAN_MAX]);
/* "999 B", "1.2 kB", "35 MB": powers of 1000. */
const char *human_bytes(uint64_t n, char buf[static HUMAN_MAX]);
/* "940 kbit/s", "7.9 Gbit/s", "38.2 Gbit/s". */
const char *human_rate(double bits_per_s, char buf[static HUMAN_MAX]);
/* "0s", "59s", "12m", "3h", "8d". */
const char *human_age(uint64_t seconds, char buf[static HUMAN_MAX]);
/* "1,234,567" */
const char *human_exact(int64_t n, char buf[static HUMAN_MAX]);

#define HUMAN_RAW_BYTES 16
#define HUMAN_RAW_MAX	80
/*
 * "0010  2f 41 44                                         /AD": HUMAN_RAW_BYTES of
 * those that hex says, from `at` on. NULL: there are none.
 */
const char *human_raw(const char *hex, size_t at,
		      char buf[static HUMAN_RAW_MAX]);
