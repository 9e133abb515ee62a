/*
 * Random numbers of a test, the same ones for the same seed on every machine.
 */
#pragma once

#include <stdint.h>

#include "test.h"

#include <stdlib.h>
#include <time.h>

/* Another seed each run, printed; WEIR_SEED=n runs that one. */
static inline uint64_t seed_choose(void)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* 0..below-1; *random is not 0 (seed | 1 at first). xorshift64, Marsaglia. */
static inline uint32_t seed_draw(uint64_t *random, uint32_t below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (uint32_t)(*random >> 32) % below;
}
