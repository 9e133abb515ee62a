/*
 *   at:   oldest ... | flying  | waiting ...        | free
 *                      taken     put, not taken yet
 *
 * `seen` is up to what was offered, `done` up to what left at the front. An empty
 * queue is done with all it has seen, also with what it was not to send.
 */
#include "export/queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bug.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue_limits limits;
	struct item **at; /* a ring of limits.lines */
	uint32_t first, n, flying;
	bool woken;
	struct cursor seen, done;
	struct queue_counts counts;
};

/* --- cursors -------------------------------------------------------------------- */

static struct cursor_plane *find(struct cursor *c, uint64_t plane)
{
	for (size_t i = 0; i < EXPORT_PLANES_MAX; i++)
		if (c->planes[i].plane == plane)
			return &c->planes[i];
	return NULL;
}

bool cursor_has(const struct cursor *c, const struct item *i)
{
	if (i->source == ITEM_OF_EVENTS)
		return i->number <= c->event;
	if (i->source == ITEM_OF_TRAIL)
		for (size_t k = 0; k < EXPORT_PLANES_MAX; k++)
			if (c->planes[k].plane == i->plane && i->plane)
				return i->number <= c->planes[k].number;
	return false;
}

void cursor_pass(struct cursor *c, const struct item *i)
{
	struct cursor_plane *p;
	uint64_t last = 0;

	if (i->source == ITEM_OF_EVENTS)
		c->event = i->number;
	if (i->source != ITEM_OF_TRAIL || !i->plane)
		return;
	p = find(c, i->plane);
	for (size_t k = 0; k < EXPORT_PLANES_MAX; k++) {
		if (c->planes[k].used > last)
			last = c->planes[k].used;
		if (!p || (p->plane != i->plane && c->planes[k].used < p->used))
			p = &c->planes[k];
	}
	*p = (struct cursor_plane){ i->plane, i->number, last + 1 };
}

/* --- the queue ------------------------------------------------------------------ */

struct queue *queue_new(const struct queue_limits *l)
{
	struct queue *q = calloc(1, sizeof *q);
	pthread_condattr_t attr;

	BUG_ON(l->lines <= EXPORT_BATCH_MAX);
	if (!q)
		return NULL;
	q->at = calloc(l->lines, sizeof *q->at);
	if (!q->at) {
		free(q);
		return NULL;
	}
	q->limits = *l;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->more, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

static struct item **place(struct queue *q, uint32_t i)
{
	return &q->at[(q->first + i) % q->limits.lines];
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	for (uint32_t i = 0; i < q->n; i++)
		item_put(*place(q, i));
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->more);
	free(q->at);
	free(q);
}

/* The oldest that is not under way; those that are move up by one. */
static void drop_oldest(struct queue *q)
{
	struct item *i = *place(q, q->flying);

	for (uint32_t k = q->flying; k > 0; k--)
		*place(q, k) = *place(q, k - 1);
	q->first = (q->first + 1) % q->limits.lines;
	q->n--;
	q->counts.bytes -= item_size(i);
	q->counts.lost++;
	item_put(i);
}

unsigned queue_put(struct queue *q, struct item *i, bool wanted)
{
	size_t size = item_size(i);
	unsigned gone = 0;

	pthread_mutex_lock(&q->lock);
	if (cursor_has(&q->seen, i)) {
		pthread_mutex_unlock(&q->lock);
		return 0;
	}
	cursor_pass(&q->seen, i);
	if (wanted) {
		while (q->n > q->flying &&
		       (q->n == q->limits.lines ||
			q->counts.bytes + size > q->limits.bytes)) {
			drop_oldest(q);
			gone++;
		}
		*place(q, q->n++) = item_get(i);
		q->counts.bytes += size;
		q->counts.put++;
		pthread_cond_signal(&q->more);
	}
	if (q->n == 0)
		q->done = q->seen;
	pthread_mutex_unlock(&q->lock);
	return gone;
}

size_t queue_peek(struct queue *q, const struct item **ret, size_t max,
		  uint64_t until_us)
{
	struct timespec until = { .tv_sec = (time_t)(until_us / 1000000),
				  .tv_nsec =
					  (long)(until_us % 1000000) * 1000 };
	size_t n = 0;
	int rc = 0;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->woken && rc == 0)
		rc = pthread_cond_timedwait(&q->more, &q->lock, &until);
	q->woken = false;
	for (; n < max && n < q->n; n++)
		ret[n] = *place(q, (uint32_t)n);
	q->flying = (uint32_t)n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_done(struct queue *q, size_t n, bool ok)
{
	pthread_mutex_lock(&q->lock);
	BUG_ON(n > q->flying);
	for (size_t k = 0; k < n; k++) {
		struct item *i = *place(q, 0);

		cursor_pass(&q->done, i);
		q->counts.bytes -= item_size(i);
		q->first = (q->first + 1) % q->limits.lines;
		q->n--;
		item_put(i);
	}
	q->flying = 0;
	if (ok)
		q->counts.sent += n;
	else
		q->counts.lost += n;
	if (q->n == 0)
		q->done = q->seen;
	pthread_mutex_unlock(&q->lock);
}

void queue_wake(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->woken = true;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
}

bool queue_is_filling(struct queue *q)
{
	bool filling;

	pthread_mutex_lock(&q->lock);
	filling = q->n > q->limits.lines / 4 * 3 ||
		  q->counts.bytes > q->limits.bytes / 4 * 3;
	pthread_mutex_unlock(&q->lock);
	return filling;
}

struct queue_counts queue_counts(struct queue *q)
{
	struct queue_counts c;

	pthread_mutex_lock(&q->lock);
	c = q->counts;
	c.waiting = q->n;
	pthread_mutex_unlock(&q->lock);
	return c;
}

struct cursor queue_cursor(struct queue *q)
{
	struct cursor c;

	pthread_mutex_lock(&q->lock);
	c = q->done;
	pthread_mutex_unlock(&q->lock);
	return c;
}

void queue_begin(struct queue *q, const struct cursor *c)
{
	pthread_mutex_lock(&q->lock);
	q->seen = q->done = *c;
	pthread_mutex_unlock(&q->lock);
}

void queue_pass_events(struct queue *q, uint64_t number)
{
	pthread_mutex_lock(&q->lock);
	q->seen.event = number;
	if (q->n == 0)
		q->done = q->seen;
	pthread_mutex_unlock(&q->lock);
}

/* Nobody else has either of them yet, or any more. */
void queue_move(struct queue *to, struct queue *from)
{
	queue_begin(to, &from->done);
	for (uint32_t k = 0; k < from->n; k++)
		(void)queue_put(to, *place(from, k), true);
	to->counts.put = from->counts.put;
	to->counts.sent = from->counts.sent;
	to->counts.lost += from->counts.lost;
	pthread_mutex_lock(&to->lock);
	to->seen = from->seen;
	if (to->n == 0)
		to->done = to->seen;
	pthread_mutex_unlock(&to->lock);
}
