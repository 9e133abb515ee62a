#include "ring/ring.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "ring/ops.h"

int ring_recv(struct ring *r)
{
	return r->ops->recv(r);
}

struct ring_frame ring_frame(const struct ring *r, unsigned i)
{
	return r->ops->frame(r, i);
}

void ring_keep(struct ring *r, unsigned i)
{
	r->ops->keep(r, i);
}

const struct ring_refused *ring_flush(struct ring *r, struct ring *out)
{
	r->refused.n = 0;
	r->ops->flush(r, out);
	return &r->refused;
}

bool ring_send(struct ring *r, struct bytes frame)
{
	return r->ops->send(r, frame);
}

int ring_fd(const struct ring *r)
{
	return r->ops->fd(r);
}

struct ring_counts ring_counts(struct ring *r)
{
	return r->ops->counts(r);
}

struct ring_buffer ring_buffer(const struct ring *r)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof mem;

	/* what is no socket has no such buffer */
	if (getsockopt(ring_fd(r), SOL_SOCKET, SO_MEMINFO, mem, &len) < 0)
		return (struct ring_buffer){ 0 };
	return (struct ring_buffer){ mem[SK_MEMINFO_RMEM_ALLOC],
				     mem[SK_MEMINFO_RCVBUF] };
}

void ring_counts_add(struct ring_counts *to, struct ring_counts c)
{
	to->received += c.received;
	to->sent += c.sent;
	to->receive_lost += c.receive_lost;
	to->receive_errors += c.receive_errors;
	to->send_failed += c.send_failed;
}

void ring_free(struct ring *r)
{
	if (r)
		r->ops->free(r);
}
