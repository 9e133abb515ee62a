#include "base/clock.h"

#include <time.h>

usec_t clock_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists on every kernel we run on. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t){ (uint64_t)ts.tv_sec * USEC_PER_SEC +
			 (uint64_t)ts.tv_nsec / 1000 };
}
