/*
 * The eventfd is written when the queue gets its first news and read when the last
 * is taken, both under the lock, so that it is readable exactly while there is some.
 */
#include "fleet/news.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"

void fleet_news_done(struct fleet_news *n)
{
	free(n->text);
	free(n->reply);
	json_decref(n->about);
	n->text = n->reply = NULL;
	n->about = NULL;
}

int news_init(struct news_queue *q, struct err *reterr)
{
	*q = (struct news_queue){ .fd = -1 };
	q->at = calloc(FLEET_NEWS_MAX, sizeof *q->at);
	if (!q->at)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0) {
		free(q->at);
		q->at = NULL;
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	}
	BUG_ON(pthread_mutex_init(&q->lock, NULL) != 0);
	BUG_ON(pthread_cond_init(&q->room, NULL) != 0);
	return 0;
}

void news_done(struct news_queue *q)
{
	struct fleet_news n;

	if (!q->at)
		return;
	while (news_take(q, &n))
		fleet_news_done(&n);
	free(q->at);
	close(q->fd);
	pthread_cond_destroy(&q->room);
	pthread_mutex_destroy(&q->lock);
	*q = (struct news_queue){ .fd = -1 };
}

void news_put(struct news_queue *q, const struct fleet_news *n)
{
	struct fleet_news lost = *n;
	uint64_t one = 1;
	bool closed;

	pthread_mutex_lock(&q->lock);
	while (q->n == FLEET_NEWS_MAX && !q->closed)
		pthread_cond_wait(&q->room, &q->lock);
	closed = q->closed;
	if (!closed) {
		q->at[(q->first + q->n) % FLEET_NEWS_MAX] = *n;
		/* a counter of 1 cannot be full */
		if (q->n++ == 0)
			BUG_ON(write(q->fd, &one, sizeof one) != sizeof one);
	}
	pthread_mutex_unlock(&q->lock);
	if (closed)
		fleet_news_done(&lost);
}

bool news_take(struct news_queue *q, struct fleet_news *ret)
{
	uint64_t count;
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->n > 0;
	if (any) {
		*ret = q->at[q->first];
		q->first = (q->first + 1) % FLEET_NEWS_MAX;
		if (--q->n == 0)
			BUG_ON(read(q->fd, &count, sizeof count) !=
			       sizeof count);
		pthread_cond_signal(&q->room);
	}
	pthread_mutex_unlock(&q->lock);
	return any;
}

void news_close(struct news_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->room);
	pthread_mutex_unlock(&q->lock);
}
