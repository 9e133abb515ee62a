/*
 * Items from several threads to one that polls: a bounded queue. Who puts waits
 * while it is full; who takes never waits.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* All 0 is none, which may be closed and done. */
struct mailbox {
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t room;
	bool closed;
	int fd; /* an eventfd, readable while there is something */
	size_t item_size, max, first, n;
	void (*item_done)(void *item);
	char *items; /* owned; max of item_size bytes */
};

/*
 * For `max` items of that size, which are copied. item_done gives back what one owns
 * that nobody takes.
 */
int mailbox_init(struct mailbox *m, size_t item_size, size_t max,
		 void (*item_done)(void *item), struct err *reterr);
/* No thread may be using it. What is in it is given back. */
void mailbox_done(struct mailbox *m);

/*
 * Takes what the item owns, whatever comes of it. -ECANCELED: closed. Any thread.
 */
int mailbox_put(struct mailbox *m, void *item);
/* false: empty. One thread. */
bool mailbox_take(struct mailbox *m, void *ret);
/* From now on nobody waits, and what is put is given back. */
void mailbox_close(struct mailbox *m);
