#include "detect/breadth_memory.h"

#include <stdlib.h>
#include <string.h>

/*
 * Sizes by what nDPI takes for a flow: words, names, lines, a packet, a few
 * packets. 4 MiB in all.
 */
static const struct {
	uint32_t size, n;
} kinds[] = {
	{ 64, 8192 },  { 256, 4096 }, { 1024, 1024 },
	{ 4096, 256 }, { 16384, 24 },
};
#define KINDS (sizeof kinds / sizeof *kinds)
/* Of each kind, before nDPI is asked about one more packet. */
#define SPARE 8

struct breadth_memory {
	uint8_t *begin[KINDS + 1]; /* one block; [KINDS]: its end */
	/* A stack of free places by number, and those never used. */
	uint32_t *free[KINDS], n_free[KINDS], used_ever[KINDS];
	uint32_t in_use;
};

uint32_t breadth_memory_limit(void)
{
	uint32_t sum = 0;

	for (size_t k = 0; k < KINDS; k++)
		sum += kinds[k].size * kinds[k].n;
	return sum;
}

struct breadth_memory *breadth_memory_new(void)
{
	struct breadth_memory *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	/* not touched before it is used */
	m->begin[0] = malloc(breadth_memory_limit());
	if (!m->begin[0]) {
		breadth_memory_free(m);
		return NULL;
	}
	for (size_t k = 0; k < KINDS; k++) {
		m->begin[k + 1] =
			m->begin[k] + (size_t)kinds[k].size * kinds[k].n;
		m->free[k] = calloc(kinds[k].n, sizeof *m->free[k]);
		if (!m->free[k]) {
			breadth_memory_free(m);
			return NULL;
		}
	}
	return m;
}

void breadth_memory_free(struct breadth_memory *m)
{
	if (!m)
		return;
	for (size_t k = 0; k < KINDS; k++)
		free(m->free[k]);
	free(m->begin[0]);
	free(m);
}

static uint32_t left(const struct breadth_memory *m, size_t k)
{
	return kinds[k].n - m->used_ever[k] + m->n_free[k];
}

void *breadth_memory_take(struct breadth_memory *m, size_t size)
{
	size_t k = 0;
	uint32_t at;

	while (k < KINDS && (kinds[k].size < size || left(m, k) == 0))
		k++;
	if (k == KINDS)
		return NULL;
	at = m->n_free[k] ? m->free[k][--m->n_free[k]] : m->used_ever[k]++;
	m->in_use += kinds[k].size;
	return m->begin[k] + (size_t)at * kinds[k].size;
}

bool breadth_memory_give_back(struct breadth_memory *m, void *p)
{
	uint8_t *at = p;
	size_t k = 0;

	if (at < m->begin[0] || at >= m->begin[KINDS])
		return false;
	while (at >= m->begin[k + 1])
		k++;
	m->free[k][m->n_free[k]++] =
		(uint32_t)((size_t)(at - m->begin[k]) / kinds[k].size);
	m->in_use -= kinds[k].size;
	return true;
}

bool breadth_memory_suffices(const struct breadth_memory *m)
{
	for (size_t k = 0; k < KINDS; k++)
		if (left(m, k) < SPARE)
			return false;
	return true;
}

uint32_t breadth_memory_in_use(const struct breadth_memory *m)
{
	return m->in_use;
}
