/*
 * Theory. Flows are saved in the order of their places, as they lie, and beside
 * them their places in the order of the lists, one list after the other. What a
 * flow says of its links does not count: buckets and lists are made anew, so that
 * whatever is in an image, a flow is in one of each.
 *
 * What of a flow other folders write (verdict, app, talk, cached, ...) is believed
 * here as far as it is no bool; they know what it may be.
 */
#include <string.h>

#include "base/bug.h"
#include "base/image.h"
#include "base/touch.h"
#include "flow/flow_own.h"
#include "packet/tunnel.h"

#define OWNER	   "flows"
#define SCALE_MAX  14 /* RFC 7323 2.3 */
#define NOT_LISTED UINT32_MAX

struct saved_head {
	uint64_t seed;
	uint32_t next_id, first_id, id_step;
	uint32_t expire_first;
	uint32_t used_ever;
	uint32_t reserved;
	struct flow_counts counts;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);

struct saved_flow {
	uint32_t place, reserved;
	struct flow flow;
};
IMAGE_PART(saved_flows, "flows", struct saved_flow, 1);
IMAGE_PART(saved_order, "order", uint32_t, 1);

void flow_table_save(const struct flow_table *t, struct image_writer *w)
{
	struct saved_head head = {
		.seed = t->seed,
		.next_id = t->next_id,
		.first_id = t->first_id,
		.id_step = t->id_step,
		.expire_first = t->expire_first,
		.used_ever = t->used_ever,
		.counts = t->counts,
	};
	struct saved_flow *to;
	uint32_t *order;

	image_put(w, OWNER, &saved_head, &head, 1);
	to = image_room(w, OWNER, &saved_flows, t->counts.total);
	for (uint32_t at = 1; to && at <= t->used_ever; at++) {
		if (t->slots[at].id == 0)
			continue;
		to->place = at;
		to++->flow = t->slots[at];
	}
	order = image_room(w, OWNER, &saved_order, t->counts.total);
	for (unsigned i = 0; order && i < FLOW_LISTS; i++)
		for (uint32_t at = t->lists[i].oldest; at;
		     at = t->slots[at].newer)
			*order++ = at;
}

/* --- is it sound? ------------------------------------------------------- */

/* A bool that is neither 0 nor 1 must not be looked at as one. */
static bool is_bool(const bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, sizeof byte);
	return byte <= 1;
}

static bool is_sound_side(const struct flow_side_state *s)
{
	return s->state <= TCP_S_CLOSING && s->wscale <= SCALE_MAX;
}

static bool is_sound_union(const struct flow *f)
{
	if (f->key.proto != PROTO_TCP)
		return is_bool(&f->echo.pending);
	return f->challenge.wscale <= SCALE_MAX &&
	       f->challenge.side < FLOW_SIDE__MAX &&
	       is_bool(&f->challenge.has_wscale) &&
	       is_bool(&f->challenge.pending);
}

static bool is_sound_flow(const struct flow_table *t, const struct flow *f)
{
	return f->id != 0 && f->hash == flow_key_hash(t, &f->key) &&
	       f->key.tunnel < TUNNEL__MAX && f->class < FLOW_CLASS__MAX &&
	       (!f->silent || f->class == FLOW_CLASS_TCP_ESTABLISHED) &&
	       f->app_state <= FLOW_APP_NEVER &&
	       is_sound_side(&f->side[FLOW_CLIENT]) &&
	       is_sound_side(&f->side[FLOW_SERVER]) && is_sound_union(f) &&
	       is_bool(&f->verdict.blocked) && is_bool(&f->verdict.by_request);
}

static bool is_sound_head(const struct flow_table *t,
			  const struct saved_head *h)
{
	return h->counts.limit == t->counts.limit &&
	       h->first_id == t->first_id && h->id_step == t->id_step &&
	       h->next_id >= h->first_id &&
	       (h->next_id - h->first_id) % h->id_step == 0 &&
	       h->expire_first < FLOW_LISTS && h->used_ever <= t->counts.limit;
}

/* --- loading ------------------------------------------------------------- */

/* As if no flow had ever been in it. */
static void forget_all(struct flow_table *t, uint64_t seed)
{
	memset(t->buckets, 0, t->buckets_bytes);
	memset(t->lists, 0, sizeof t->lists);
	t->counts = (struct flow_counts){ .limit = t->counts.limit };
	t->used_ever = t->free = 0;
	t->seed = seed;
}

static bool load_flows(struct flow_table *t, const struct saved_flow *s,
		       uint64_t n)
{
	uint32_t before = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint32_t at = s[i].place;
		struct flow *f;

		if (at <= before || at > t->used_ever)
			return false;
		/* they were never used */
		while (++before < at)
			t->slots[before].id = 0;
		f = &t->slots[at];
		memcpy(f, &s[i].flow, sizeof *f);
		if (!is_sound_flow(t, f))
			return false;
		f->newer = NOT_LISTED;
		flow_put_in_bucket(t, f);
		flow_count_live(t, f->key.proto, 1);
	}
	while (++before <= t->used_ever)
		t->slots[before].id = 0;
	return true;
}

static bool load_order(struct flow_table *t, const uint32_t *order, uint64_t n)
{
	if (n != t->counts.total)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		uint32_t at = order[i];

		if (at == 0 || at > t->used_ever || t->slots[at].id == 0 ||
		    t->slots[at].newer != NOT_LISTED)
			return false;
		flow_put_in_list(t, &t->slots[at]);
	}
	return true;
}

static void stack_free(struct flow_table *t)
{
	for (uint32_t at = t->used_ever; at > 0; at--)
		if (t->slots[at].id == 0) {
			t->slots[at].next_in_bucket = t->free;
			t->free = at;
		}
}

/* What has been counted so far; the living are counted already. */
static void load_counts(struct flow_counts *c, const struct flow_counts *saved)
{
	c->made = saved->made;
	c->made_tcp = saved->made_tcp;
	c->made_udp = saved->made_udp;
	c->made_icmp = saved->made_icmp;
	c->made_other = saved->made_other;
	c->expired = saved->expired;
	c->refused_full = saved->refused_full;
}

bool flow_table_load(struct flow_table *t, const struct image_reader *r)
{
	uint64_t n_flows, n_order, seed = t->seed;
	const struct saved_flow *flows =
		image_get(r, OWNER, &saved_flows, &n_flows);
	const uint32_t *order = image_get(r, OWNER, &saved_order, &n_order);
	struct saved_head head;

	BUG_ON(t->used_ever > 0);
	if (!image_take(r, OWNER, &saved_head, &head, 1) || !flows || !order ||
	    !is_sound_head(t, &head))
		return false;
	t->seed = head.seed;
	t->used_ever = head.used_ever;
	if (!load_flows(t, flows, n_flows) || !load_order(t, order, n_order)) {
		forget_all(t, seed);
		return false;
	}
	stack_free(t);
	load_counts(&t->counts, &head.counts);
	t->next_id = head.next_id;
	t->expire_first = head.expire_first;
	return true;
}

uint32_t flow_table_used(const struct flow_table *t)
{
	return t->used_ever;
}

void flow_table_touch(struct flow_table *t, uint32_t n)
{
	if (n > t->counts.limit)
		n = t->counts.limit;
	touch_memory(t->slots, (n + (size_t)1) * sizeof *t->slots);
	if (n > 0)
		touch_memory(t->buckets, t->buckets_bytes);
}
