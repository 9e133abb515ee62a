#include "api/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/link.h"
#include "base/limits_api.h"

#define STACK_BYTES (256u << 10)

struct asker {
	struct pool *pool;
	pthread_t thread;
	struct link link;
};

struct pool {
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t news;
	struct job *first, **last;
	size_t n_waiting;
	bool stopped;

	struct asker *askers; /* each its thread's; owned */
	size_t n_askers;
};

static struct job *take_job(struct pool *p)
{
	struct job *j;

	pthread_mutex_lock(&p->lock);
	while (!p->first && !p->stopped)
		pthread_cond_wait(&p->news, &p->lock);
	j = p->first;
	if (j) {
		p->first = j->next;
		if (!p->first)
			p->last = &p->first;
		p->n_waiting--;
		j->next = NULL;
	}
	pthread_mutex_unlock(&p->lock);
	return j;
}

static void *run_thread(void *arg)
{
	struct asker *a = arg;
	struct job *j;

	while ((j = take_job(a->pool))) {
		j->run(j, a);
		link_trim(&a->link);
	}
	return NULL;
}

static int start_threads(struct pool *p, size_t threads, const char *agent,
			 struct err *reterr)
{
	pthread_attr_t attr;
	int rc = 0;

	pthread_attr_init(&attr);
	/* in bounds: cannot fail */
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (rc == 0 && p->n_askers < threads) {
		struct asker *a = &p->askers[p->n_askers];

		a->pool = p;
		link_init(&a->link, agent, API_AGENT_WAIT_S);
		rc = pthread_create(&a->thread, &attr, run_thread, a);
		if (rc == 0)
			p->n_askers++;
		else
			link_done(&a->link);
	}
	pthread_attr_destroy(&attr);
	return rc == 0 ? 0
		       : err_set(reterr, rc, NULL, "no thread: %s",
				 strerror(rc));
}

struct pool *pool_new(size_t threads, const char *agent, struct err *reterr)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->news, NULL);
	p->askers = calloc(threads, sizeof *p->askers);
	if (!p->askers)
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	else if (start_threads(p, threads, agent, reterr) == 0)
		return p;
	pool_free(p);
	return NULL;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopped = true;
	pthread_cond_broadcast(&p->news);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n_askers; i++)
		link_cut(&p->askers[i].link);
	for (size_t i = 0; i < p->n_askers; i++) {
		pthread_join(p->askers[i].thread, NULL);
		link_done(&p->askers[i].link);
	}
	pthread_cond_destroy(&p->news);
	pthread_mutex_destroy(&p->lock);
	free(p->askers);
	free(p);
}

bool pool_submit(struct pool *p, struct job *j)
{
	bool taken;

	pthread_mutex_lock(&p->lock);
	taken = p->n_waiting < API_JOBS_MAX && !p->stopped;
	if (taken) {
		j->next = NULL;
		*p->last = j;
		p->last = &j->next;
		p->n_waiting++;
		pthread_cond_signal(&p->news);
	}
	pthread_mutex_unlock(&p->lock);
	return taken;
}

struct link *asker_link(struct asker *a)
{
	return &a->link;
}
