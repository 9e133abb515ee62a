/*
 * News from several threads to one that polls: a bounded queue. Who puts waits
 * while it is full; who takes never waits.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "runtime/runtime.h"

struct mailbox {
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t room;
	bool closed;
	int fd; /* an eventfd, readable while there is something */
	size_t first, n;
	struct runtime_news *news; /* RUNTIME_NEWS_MAX */
};

int mailbox_init(struct mailbox *m, struct err *reterr);
/* No thread may be using it. What is in it is given back. */
void mailbox_done(struct mailbox *m);

/*
 * Takes what news owns, whatever comes of it. -ECANCELED: closed. Any thread.
 */
int mailbox_put(struct mailbox *m, struct runtime_news *news);
/* false: empty. One thread. */
bool mailbox_take(struct mailbox *m, struct runtime_news *ret);
/* From now on nobody waits. */
void mailbox_close(struct mailbox *m);
