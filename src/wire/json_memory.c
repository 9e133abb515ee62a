/*
 * Theory. jansson 2.14 does not look everywhere whether it got memory: a string
 * that it reads becomes a shorter one, which it may end the process for (assert()),
 * and text that it writes lacks a character. So it always gets some: what malloc()
 * refuses comes from a reserve, and is counted as refused, and who asks for the
 * whole throws it away. When nothing of the reserve is used any more it is whole
 * again. Only where it is used up jansson is told.
 */
#include "wire/json_memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"

static _Thread_local uint64_t refused;

/* Under the lock, which is only taken when there is no memory. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(16) uint8_t reserve[JSON_RESERVE_BYTES];
static size_t reserve_used, reserve_live; /* bytes, pieces */

static void *take_reserve(size_t len)
{
	size_t room = (len + 15) & ~(size_t)15;
	void *p = NULL;

	(void)pthread_mutex_lock(&lock); /* never fails: it is a plain one */
	if (room >= len && room <= sizeof reserve - reserve_used) {
		p = reserve + reserve_used;
		reserve_used += room;
		reserve_live++;
	}
	(void)pthread_mutex_unlock(&lock);
	return p;
}

static void *take(size_t len)
{
	void *p = malloc(len);

	if (p)
		return p;
	refused++;
	return take_reserve(len);
}

static void give(void *p)
{
	uintptr_t at = (uintptr_t)p, begin = (uintptr_t)reserve;

	if (at < begin || at >= begin + sizeof reserve) {
		free(p);
		return;
	}
	(void)pthread_mutex_lock(&lock);
	if (--reserve_live == 0)
		reserve_used = 0;
	(void)pthread_mutex_unlock(&lock);
}

void json_memory_watch(void)
{
	json_set_alloc_funcs(take, give);
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
	if (text)
		give(text);
	return NULL;
}
