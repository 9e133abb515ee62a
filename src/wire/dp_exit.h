/*
 * What weir-dp ends with, beside 0 and 1, for who starts it (man weir-dp, EXIT
 * STATUS).
 */
#pragma once

/*
 * Its worker was killed (SIGKILL) by somebody else than its watchdog: an operator,
 * the kernel's memory killer. Nothing that it did itself ends it that way.
 */
#define DP_EXIT_KILLED 4
