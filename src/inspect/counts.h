/* Counts of several pipelines as if they were one's. */
#pragma once

#include "inspect/inspect.h"

/*
 * Adds each count of c, and how full its tables are and may be, to *sum, which
 * began as zeros.
 */
void inspect_counts_add(struct inspect_counts *sum,
			const struct inspect_counts *c);
