#include "base/clock.h"

#include <time.h>

/* Cannot fail: both clocks exist on every kernel we run on. */
static uint64_t read_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

usec_t clock_now(void)
{
	return (usec_t){ read_us(CLOCK_MONOTONIC) };
}

uint64_t clock_unix_us(void)
{
	return read_us(CLOCK_REALTIME);
}
