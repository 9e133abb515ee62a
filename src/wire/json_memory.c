/*
 * Theory. jansson 2.14 does not look everywhere whether it got memory: a string
 * that it reads becomes a shorter one, which it may end the process for (assert()),
 * and text that it writes lacks a character. So it always gets some: what malloc()
 * refuses comes from pieces that were put aside, and is counted as refused. They
 * come from malloc(), too, so whoever has one frees it as any other; the next time
 * that there is memory others take their place. Only where there is none of the
 * size, or a larger one, jansson is told.
 */
#include "wire/json_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/limits.h"

struct reserve {
	size_t size; /* of each piece */
	unsigned limit, n;
	void *pieces[JSON_RESERVE_MAX];
};

/* By size. All under the lock, which is only taken while some are missing. */
static struct reserve reserves[] = {
	{ .size = 256, .limit = JSON_RESERVE_MAX },
	{ .size = 4096, .limit = JSON_RESERVE_MAX / 16 },
	{ .size = 65536, .limit = JSON_RESERVE_MAX / 256 },
};
#define RESERVES (sizeof reserves / sizeof *reserves)
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool missing;

static _Thread_local uint64_t refused;

/* 0: all are there; -ENOMEM. */
static int fill(void)
{
	int rc = 0;

	(void)pthread_mutex_lock(&lock); /* never fails: it is a plain one */
	for (size_t i = 0; rc == 0 && i < RESERVES; i++) {
		struct reserve *r = &reserves[i];

		while (rc == 0 && r->n < r->limit) {
			void *p = malloc(r->size);

			if (p)
				r->pieces[r->n++] = p;
			else
				rc = -ENOMEM;
		}
	}
	missing = rc < 0;
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

static void *take_reserve(size_t len)
{
	void *p = NULL;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; !p && i < RESERVES; i++) {
		struct reserve *r = &reserves[i];

		if (len <= r->size && r->n > 0)
			p = r->pieces[--r->n];
	}
	missing |= p != NULL;
	(void)pthread_mutex_unlock(&lock);
	return p;
}

static void *take(size_t len)
{
	void *p = malloc(len);

	if (!p) {
		refused++;
		return take_reserve(len);
	}
	if (missing)
		(void)fill(); /* or the next time */
	return p;
}

int json_memory_watch(void)
{
	json_set_alloc_funcs(take, free);
	return fill();
}

uint64_t json_memory_refused(void)
{
	return refused;
}

char *json_text_whole(const json_t *v)
{
	uint64_t before = refused;
	char *text = json_dumps(v, JSON_COMPACT);

	if (refused == before)
		return text;
	free(text);
	return NULL;
}
