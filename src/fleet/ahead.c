#include "fleet/ahead.h"

#include <errno.h>

static void drop(struct ahead *a, struct ahead_news *n)
{
	a->bytes -= (size_t)natsMsg_GetDataLength(n->m);
	a->n--;
	natsMsg_Destroy(n->m);
	n->m = NULL;
}

int ahead_keep(struct ahead *a, uint64_t heard, uint64_t seq, uint64_t at_us,
	       natsMsg *m)
{
	struct ahead_news *n = &a->ring[seq % FLEET_AHEAD_MAX];
	size_t bytes = (size_t)natsMsg_GetDataLength(m);

	if (seq > a->last)
		a->last = seq;
	if (n->m && n->seq == seq)
		return 0;
	if (seq - heard > FLEET_AHEAD_MAX ||
	    bytes > FLEET_AHEAD_BYTES_MAX - a->bytes)
		return -ENOSPC;
	if (n->m) /* of what was taken meanwhile */
		drop(a, n);
	*n = (struct ahead_news){ .m = m, .seq = seq, .at_us = at_us };
	a->n++;
	a->bytes += bytes;
	return 1;
}

natsMsg *ahead_take(struct ahead *a, uint64_t seq, uint64_t *ret_at_us)
{
	struct ahead_news *n = &a->ring[seq % FLEET_AHEAD_MAX];
	natsMsg *m = n->m;

	if (!m || n->seq != seq)
		return NULL;
	a->bytes -= (size_t)natsMsg_GetDataLength(m);
	a->n--;
	n->m = NULL;
	*ret_at_us = n->at_us;
	return m;
}

void ahead_pass(struct ahead *a, uint64_t heard)
{
	for (size_t i = 0; i < FLEET_AHEAD_MAX && a->n > 0; i++)
		if (a->ring[i].m && a->ring[i].seq <= heard)
			drop(a, &a->ring[i]);
}

void ahead_done(struct ahead *a)
{
	ahead_pass(a, UINT64_MAX);
	a->last = 0;
}
