/*
 * What has been reported of a flow so far, kept with the flow and written by
 * inspect/report.c alone. All zero: nothing yet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct flow_told {
	uint64_t bytes;	       /* both sides, in reports so far */
	uint32_t packets;      /* likewise, modulo 2^32 */
	uint32_t at_s : 30;    /* last report or try, seconds of usec_t */
	uint32_t started : 1;  /* it is counted in .sessions of a record */
	uint32_t deferred : 1; /* the table was full; tried again later */
};
_Static_assert(sizeof(struct flow_told) == 16, "flows are many");
