/*
 * `weir rules test`: a capture is read as a data plane reads traffic, and
 * signatures look at it.
 */
#pragma once

#include "cli/out.h"
#include "detect/sig_set.h"

/*
 * Prints a line (-o json: an object) for each match, and what was seen. set:
 * borrowed. Returns the exit status.
 */
int rules_test(const struct out *out, const char *capture,
	       const struct sig_set *set);
