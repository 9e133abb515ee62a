#include "inspect/talk.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"

struct talks {
	struct talk *at; /* limit + 1; [0] is unused */
	uint32_t limit, free, used_ever;
	/* By what is waited for: lists, who waits longest first. */
	struct {
		uint32_t first, last;
	} waits[PROTO_WAITS__MAX];
};

struct talks *talks_new(uint32_t n)
{
	struct talks *t = calloc(1, sizeof *t);

	BUG_ON(n < 1 || n > DIALOGUES_MAX);
	if (!t)
		return NULL;
	t->limit = n;
	/* not touched before it is used */
	t->at = calloc((size_t)n + 1, sizeof *t->at);
	if (!t->at) {
		free(t);
		return NULL;
	}
	return t;
}

void talks_free(struct talks *t)
{
	if (!t)
		return;
	free(t->at);
	free(t);
}

static void clear(struct talk *t)
{
	memset(t, 0, offsetof(struct talk, request));
	asked_clear(&t->request);
}

uint32_t talk_take(struct talks *t)
{
	uint32_t handle = t->free;

	if (handle == 0 && t->used_ever == t->limit)
		return 0;
	if (handle)
		t->free = t->at[handle].next_free;
	else
		handle = ++t->used_ever;
	clear(&t->at[handle]);
	t->at[handle].used = true;
	return handle;
}

struct talk *talk_at(const struct talks *t, uint32_t handle)
{
	BUG_ON(handle == 0 || handle > t->used_ever || !t->at[handle].used);
	return &t->at[handle];
}

void talk_give_back(struct talks *t, uint32_t handle)
{
	struct talk *it = talk_at(t, handle);

	talk_wait_told(t, handle);
	it->used = false;
	it->next_free = t->free;
	t->free = handle;
}

static void append(struct talks *t, uint32_t handle)
{
	struct talk *it = &t->at[handle];
	uint32_t last = t->waits[it->waits].last;

	it->waits_listed = true;
	it->waits_before = last;
	it->waits_behind = 0;
	if (last)
		t->at[last].waits_behind = handle;
	else
		t->waits[it->waits].first = handle;
	t->waits[it->waits].last = handle;
}

void talk_wait_told(struct talks *t, uint32_t handle)
{
	struct talk *it = talk_at(t, handle);

	if (!it->waits_listed)
		return;
	it->waits_listed = false;
	if (it->waits_before)
		t->at[it->waits_before].waits_behind = it->waits_behind;
	else
		t->waits[it->waits].first = it->waits_behind;
	if (it->waits_behind)
		t->at[it->waits_behind].waits_before = it->waits_before;
	else
		t->waits[it->waits].last = it->waits_before;
}

void talk_wait(struct talks *t, uint32_t handle, enum proto_waits what,
	       uint32_t which, usec_t now)
{
	struct talk *it = talk_at(t, handle);

	if (it->waits == what && it->waits_for == which)
		return;
	talk_wait_told(t, handle);
	it->waits = (uint8_t)what;
	it->waits_for = which;
	it->waits_since = now;
	if (what != PROTO_WAITS_NOTHING)
		append(t, handle);
}

uint32_t talk_longest(const struct talks *t, enum proto_waits what)
{
	return t->waits[what].first;
}
