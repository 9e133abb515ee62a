/*
 * What tells whether two processes have compiled the same: a number that each makes
 * of all that matters, in the same order. Only equal ones mean anything.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

static inline void fingerprint_bytes(uint64_t *f, const void *bytes, size_t n)
{
	*f = XXH3_64bits_withSeed(bytes, n, *f);
}

static inline void fingerprint_number(uint64_t *f, uint64_t n)
{
	fingerprint_bytes(f, &n, sizeof n);
}

/* text: NULL is another one than "". */
static inline void fingerprint_text(uint64_t *f, const char *text)
{
	fingerprint_number(f, text ? strlen(text) : UINT64_MAX);
	if (text)
		fingerprint_bytes(f, text, strlen(text));
}
