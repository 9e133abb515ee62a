/*
 * How many frames of our own may be sent (base/limits.h, REPLIES_*): so many a
 * second of one worker, and of these a share because of one workload's traffic,
 * so that one cannot silence the denials of the others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/image.h"
#include "base/limits.h"

/* All zero: nothing was sent yet. One thread. */
struct replies {
	/* When the allowance will be whole again; see replies.c. */
	uint64_t all_us, share_us[ENDPOINTS_MAX];
};

/*
 * One more, because of `endpoint` (ENDPOINT_NONE: only the worker's limit).
 * false: not now, and nothing has changed. now does not run backwards.
 */
bool replies_take(struct replies *r, uint16_t endpoint, usec_t now);
/* That workload is gone: its index's next one begins with all its share. */
void replies_forget(struct replies *r, uint16_t endpoint);

void replies_save(const struct replies *r, struct image_writer *w);
/* false: they are not there; *to is as it was. */
bool replies_load(struct replies *to, const struct image_reader *r);
