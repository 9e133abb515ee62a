/*
 * Theory. Places that were given back are a stack through next_free. Texts of
 * requests lie beside the talks, so that only what was told is ever touched.
 *
 * In an image talks lie in the order of their flows, and behind them their texts,
 * one after the other; so neither says whose it is, and none can be two's.
 */
#include "inspect/talk.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/image.h"
#include "base/limits.h"
#include "base/touch.h"
#include "proto/parsers.h"

struct talks {
	/* limit + 1 each; [0] is unused */
	struct talk *at;
	char (*text)[REQUEST_TEXT_MAX]; /* talk.request.text */
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
	t->text = calloc((size_t)n + 1, sizeof *t->text);
	if (t->at && t->text)
		return t;
	talks_free(t);
	return NULL;
}

size_t talks_bytes(uint32_t n)
{
	const struct talks *t = NULL;

	return n * (sizeof *t->at + sizeof *t->text);
}

void talks_free(struct talks *t)
{
	if (!t)
		return;
	free(t->at);
	free(t->text);
	free(t);
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
	t->at[handle] = (struct talk){ .request.text = t->text[handle] };
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

/* --- images ------------------------------------------------------------------ */

#define OWNER "talks"

IMAGE_PART(saved_talks, "talks", struct talk, 2);
IMAGE_PART(saved_text, "text", char, 1);
IMAGE_PART(saved_waiting, "waiting", uint32_t, 1); /* list after list */

static struct flow *next_of(struct flow_table *flows, uint32_t *cursor)
{
	struct flow *f;

	do
		f = flow_next(flows, cursor);
	while (f && !f->talk);
	return f;
}

/* As another process goes on with it. */
static struct talk outside(const struct talk *t)
{
	struct talk ret = *t;

	ret.flow = NULL;
	ret.request.text = NULL;
	ret.broad_begun = t->broad_begun && !t->breadth;
	ret.breadth = 0;
	return ret;
}

static void save_waiting(const struct talks *t, struct image_writer *w)
{
	uint32_t *to;
	uint64_t n = 0;

	for (unsigned i = 0; i < PROTO_WAITS__MAX; i++)
		for (uint32_t at = t->waits[i].first; at;
		     at = t->at[at].waits_behind)
			n++;
	to = image_room(w, OWNER, &saved_waiting, n);
	for (unsigned i = 0; to && i < PROTO_WAITS__MAX; i++)
		for (uint32_t at = t->waits[i].first; at;
		     at = t->at[at].waits_behind)
			*to++ = at;
}

void talks_save(const struct talks *t, struct flow_table *flows,
		struct image_writer *w)
{
	uint32_t cursor = 0;
	uint64_t n = 0, len = 0;
	const struct flow *f;
	struct talk *to;
	char *text;

	while ((f = next_of(flows, &cursor))) {
		n++;
		len += t->at[f->talk].request.used;
	}
	to = image_room(w, OWNER, &saved_talks, n);
	text = image_room(w, OWNER, &saved_text, len);
	save_waiting(t, w);
	if (!text) /* the later one: there is room for both */
		return;
	for (cursor = 0; (f = next_of(flows, &cursor));) {
		const struct asked *a = &t->at[f->talk].request;

		*to++ = outside(&t->at[f->talk]);
		memcpy(text, a->text, a->used);
		text += a->used;
	}
}

static bool is_sound(const struct talk *t)
{
	return image_is_bool(&t->used) && t->used &&
	       image_is_bool(&t->broad_begun) && !t->breadth &&
	       image_is_bool(&t->answered) && image_is_bool(&t->lost) &&
	       image_is_bool(&t->host_wanted) &&
	       image_is_bool(&t->trail_tangled) &&
	       image_is_bool(&t->is_forwarded) &&
	       (t->parser == 0 || proto_parser_at(t->parser - 1u)) &&
	       t->waits < PROTO_WAITS__MAX && asked_is_sound(&t->request);
}

/* Of f, with the next bytes of text; false: it is none. */
static bool load_one(struct talks *t, struct flow *f, const struct talk *from,
		     struct bytes *text)
{
	struct talk *it;
	char *own;

	if (f->talk > t->limit || t->at[f->talk].used)
		return false;
	it = &t->at[f->talk];
	own = t->text[f->talk];
	if (t->used_ever < f->talk)
		t->used_ever = f->talk;
	memcpy(it, from, sizeof *it);
	it->flow = f;
	it->request.text = own;
	it->waits_listed = false;
	if (it->request.used <= REQUEST_TEXT_MAX &&
	    take_copy(text, own, it->request.used) && is_sound(it))
		return true;
	it->used = false;
	return false;
}

static bool load_waiting(struct talks *t, const uint32_t *at, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t handle = at[i];

		if (handle == 0 || handle > t->used_ever ||
		    !t->at[handle].used || t->at[handle].waits_listed ||
		    t->at[handle].waits == PROTO_WAITS_NOTHING)
			return false;
		append(t, handle);
	}
	return true;
}

static void stack_free(struct talks *t)
{
	for (uint32_t i = t->used_ever; i > 0; i--)
		if (!t->at[i].used) {
			t->at[i].next_free = t->free;
			t->free = i;
		}
}

static void forget_all(struct talks *t)
{
	for (uint32_t i = 1; i <= t->used_ever; i++)
		t->at[i].used = false;
	memset(t->waits, 0, sizeof t->waits);
	t->used_ever = t->free = 0;
}

bool talks_load(struct talks *t, struct flow_table *flows,
		const struct image_reader *r)
{
	uint64_t n, len, n_waiting, i = 0;
	const struct talk *from = image_get(r, OWNER, &saved_talks, &n);
	const void *text = image_get(r, OWNER, &saved_text, &len);
	const uint32_t *waiting =
		image_get(r, OWNER, &saved_waiting, &n_waiting);
	uint32_t cursor = 0;
	struct bytes rest;
	struct flow *f;
	bool sound;

	BUG_ON(t->used_ever > 0);
	if (!from || !text || !waiting)
		return false;
	rest = bytes_of(text, len);
	while ((f = next_of(flows, &cursor)) && i < n &&
	       load_one(t, f, &from[i], &rest))
		i++;
	sound = !f && i == n && load_waiting(t, waiting, n_waiting);
	if (sound)
		stack_free(t);
	else
		forget_all(t);
	return sound;
}

uint32_t talks_used(const struct talks *t)
{
	return t->used_ever;
}

void talks_touch(struct talks *t, uint32_t n)
{
	if (n > t->limit)
		n = t->limit;
	touch_memory(t->at, (n + (size_t)1) * sizeof *t->at);
	touch_memory(t->text, (n + (size_t)1) * sizeof *t->text);
}
