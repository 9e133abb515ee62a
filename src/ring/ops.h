/* What a kind of ring provides; for files of this folder, and bench/swap.c. */
#pragma once

#include "ring/ring.h"

struct ring_ops {
	int (*recv)(struct ring *r);
	struct ring_frame (*frame)(const struct ring *r, unsigned i);
	void (*keep)(struct ring *r, unsigned i);
	void (*flush)(struct ring *r, struct ring *out);
	bool (*send)(struct ring *r, struct bytes frame);
	int (*fd)(const struct ring *r);
	struct ring_counts (*counts)(struct ring *r);
	void (*free)(struct ring *r);
};

/* First member of every kind of ring. */
struct ring {
	const struct ring_ops *ops;
	struct ring_refused refused; /* by the last flush */
};

/* For flush(): that one, which was kept, was not taken. */
static inline void ring_refuse(struct ring *r, unsigned i)
{
	r->refused.frame[r->refused.n++] = (uint16_t)i;
}
