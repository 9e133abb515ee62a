/*
 * A token bucket without a count: each frame puts off by one interval the time
 * at which the bucket will be full again. It is empty when that time is a whole
 * burst of intervals ahead.
 *
 *   now                 full at
 *    |--- used so far ---|------ left ------|
 *    |------------- burst x interval -------|
 */
#include "inspect/replies.h"

IMAGE_PART(saved_replies, "all", struct replies, 1);

#define INTERVAL_US	  (USEC_PER_SEC / REPLIES_PER_SEC)
#define INTERVAL_US_SHARE (USEC_PER_SEC / REPLIES_PER_SEC_SHARE)

/* When it will be full after one more; 0: there is none left. */
static uint64_t after_one(uint64_t full_us, uint64_t now_us,
			  uint64_t interval_us, uint64_t burst)
{
	uint64_t from = full_us > now_us ? full_us : now_us;
	uint64_t then = from + interval_us;

	return then - now_us > burst * interval_us ? 0 : then;
}

bool replies_take(struct replies *r, uint16_t endpoint, usec_t now)
{
	uint64_t all, share = 1;
	bool shares = endpoint < ENDPOINTS_MAX;

	all = after_one(r->all_us, now.us, INTERVAL_US, REPLIES_BURST);
	if (shares)
		share = after_one(r->share_us[endpoint], now.us,
				  INTERVAL_US_SHARE, REPLIES_BURST_SHARE);
	if (!all || !share)
		return false;
	r->all_us = all;
	if (shares)
		r->share_us[endpoint] = share;
	return true;
}

void replies_forget(struct replies *r, uint16_t endpoint)
{
	r->share_us[endpoint] = 0;
}

void replies_save(const struct replies *r, struct image_writer *w)
{
	image_put(w, "replies", &saved_replies, r, 1);
}

bool replies_load(struct replies *to, const struct image_reader *r)
{
	return image_take(r, "replies", &saved_replies, to, 1);
}
