/*
 * The eventfd counts nothing: it is written when the queue gets its first item
 * and read when the last is taken, both under the lock, so that it is readable
 * exactly while there is some.
 */
#include "base/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"

int mailbox_init(struct mailbox *m, size_t item_size, size_t max,
		 void (*item_done)(void *item), struct err *reterr)
{
	struct mailbox made = { .item_size = item_size,
				.max = max,
				.item_done = item_done };

	*m = (struct mailbox){ .fd = -1 };
	made.items = calloc(max, item_size);
	if (!made.items)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	made.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made.fd < 0) {
		free(made.items);
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	}
	*m = made;
	BUG_ON(pthread_mutex_init(&m->lock, NULL) != 0);
	BUG_ON(pthread_cond_init(&m->room, NULL) != 0);
	return 0;
}

void mailbox_done(struct mailbox *m)
{
	if (!m->items)
		return;
	for (; m->n > 0; m->n--) {
		m->item_done(m->items + m->first * m->item_size);
		m->first = (m->first + 1) % m->max;
	}
	free(m->items);
	close(m->fd);
	pthread_cond_destroy(&m->room);
	pthread_mutex_destroy(&m->lock);
	*m = (struct mailbox){ .fd = -1 };
}

int mailbox_put(struct mailbox *m, void *item)
{
	uint64_t one = 1;
	bool closed;

	pthread_mutex_lock(&m->lock);
	while (m->n == m->max && !m->closed)
		pthread_cond_wait(&m->room, &m->lock);
	closed = m->closed;
	if (!closed) {
		size_t last = (m->first + m->n) % m->max;

		memcpy(m->items + last * m->item_size, item, m->item_size);
		/* a counter of 1 cannot be full */
		if (m->n++ == 0)
			BUG_ON(write(m->fd, &one, sizeof one) != sizeof one);
	}
	pthread_mutex_unlock(&m->lock);
	if (!closed)
		return 0;
	m->item_done(item);
	return -ECANCELED;
}

bool mailbox_take(struct mailbox *m, void *ret)
{
	uint64_t count;
	bool any;

	pthread_mutex_lock(&m->lock);
	any = m->n > 0;
	if (any) {
		memcpy(ret, m->items + m->first * m->item_size, m->item_size);
		m->first = (m->first + 1) % m->max;
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
	if (!m->items)
		return;
	pthread_mutex_lock(&m->lock);
	m->closed = true;
	pthread_cond_broadcast(&m->room);
	pthread_mutex_unlock(&m->lock);
}
