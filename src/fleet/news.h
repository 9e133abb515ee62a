/*
 * News for the one thread that polls, from the library's and our own: a bounded
 * queue. Who puts waits while it is full; who takes never waits.
 */
#pragma once

#include <pthread.h>

#include "fleet/fleet.h"

struct news_queue {
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t room;
	bool closed;
	int fd; /* an eventfd, readable while there is something */
	size_t first, n;
	struct fleet_news *at; /* FLEET_NEWS_MAX; owned */
};

int news_init(struct news_queue *q, struct err *reterr);
/* No thread may be using it. */
void news_done(struct news_queue *q);
/* Takes what n owns, whatever comes of it. Any thread. */
void news_put(struct news_queue *q, const struct fleet_news *n);
bool news_take(struct news_queue *q, struct fleet_news *ret);
/* From now on nobody waits, and what is put is gone. */
void news_close(struct news_queue *q);
