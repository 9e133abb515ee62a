/*
 * The eventfd counts nothing: it is written when the queue gets its first news
 * and read when the last is taken, both under the lock, so that it is readable
 * exactly while there is some.
 */
#include "runtime/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"

int mailbox_init(struct mailbox *m, struct err *reterr)
{
	*m = (struct mailbox){ .fd = -1 };
	m->news = calloc(RUNTIME_NEWS_MAX, sizeof *m->news);
	if (!m->news)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0) {
		free(m->news);
		m->news = NULL;
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	}
	BUG_ON(pthread_mutex_init(&m->lock, NULL) != 0);
	BUG_ON(pthread_cond_init(&m->room, NULL) != 0);
	return 0;
}

void mailbox_done(struct mailbox *m)
{
	struct runtime_news news;

	if (!m->news)
		return;
	while (mailbox_take(m, &news))
		runtime_news_done(&news);
	free(m->news);
	close(m->fd);
	pthread_cond_destroy(&m->room);
	pthread_mutex_destroy(&m->lock);
	*m = (struct mailbox){ .fd = -1 };
}

int mailbox_put(struct mailbox *m, struct runtime_news *news)
{
	uint64_t one = 1;
	bool closed;

	pthread_mutex_lock(&m->lock);
	while (m->n == RUNTIME_NEWS_MAX && !m->closed)
		pthread_cond_wait(&m->room, &m->lock);
	closed = m->closed;
	if (!closed) {
		m->news[(m->first + m->n) % RUNTIME_NEWS_MAX] = *news;
		/* a counter of 1 cannot be full */
		if (m->n++ == 0)
			BUG_ON(write(m->fd, &one, sizeof one) != sizeof one);
	}
	pthread_mutex_unlock(&m->lock);
	if (!closed)
		return 0;
	runtime_news_done(news);
	return -ECANCELED;
}

bool mailbox_take(struct mailbox *m, struct runtime_news *ret)
{
	uint64_t count;
	bool any;

	pthread_mutex_lock(&m->lock);
	any = m->n > 0;
	if (any) {
		*ret = m->news[m->first];
		m->first = (m->first + 1) % RUNTIME_NEWS_MAX;
		if (--m->n == 0)
			BUG_ON(read(m->fd, &count, sizeof count) !=
			       sizeof count);
		pthread_cond_signal(&m->room);
	}
	pthread_mutex_unlock(&m->lock);
	return any;
}

void mailbox_close(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->closed = true;
	pthread_cond_broadcast(&m->room);
	pthread_mutex_unlock(&m->lock);
}
