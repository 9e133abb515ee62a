/*
 * Theory. Each entry in the kernel has a slot, which knows whose it is: a flow's,
 * or that of a tuple that was denied without ever being a flow.
 *
 *   free --take--> waiting --write--> in the kernel --release--> waiting
 *    ^                ^                     |                       |
 *    |                +----- outdated ------+                       |
 *    +----------------------- write (delete) -----------------------+
 *
 * What waits is a queue, so an entry is deleted before another is made for the
 * same key, and a burst of ending flows does not hold up frames: the worker
 * writes some of it between two batches. Until then frames still come up, which
 * does no harm.
 *
 * A flow that goes on without its entry keeps the slot until that is deleted, so
 * that the last frames it carried are the flow's, too.
 *
 * The kernel's counters only grow; told[] is what has been taken from them. That
 * is done once a second for each slot, so that a flow does not age here while it
 * lives there, and always before a flow is used: a frame that comes up (FIN, RST,
 * SYN) must find TCP's numbers where they are by now.
 *
 * A generation is a policy with settings. What was decided under an older one is
 * as if not there for the kernel, so its next frame comes up, is judged, and
 * renews the entry in its slot.
 *
 * Denied tuples make no flow. One that is tried as often as a flow must be long
 * gets an entry, too. Not where rules know peers by name: the next answer of DNS
 * may allow it, and no generation tells the kernel.
 *
 * Invariants. f->cached is slot + 1, and slots[slot].flow is f, or f->cached is 0
 * and no slot is f's. A slot is on exactly one of the two lists, free and
 * waiting, or on none.
 */
#include "inspect/cache.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/limits.h"
#include "inspect/cache_use.h"
#include "inspect/detection.h"
#include "inspect/guard.h"
#include "inspect/judge.h"
#include "inspect/names.h"
#include "inspect/payload.h"
#include "inspect/session.h"

#define WAYS	  4 /* of the table of denied tuples */
#define SWEEP_US  USEC_PER_SEC
#define NOT_AGAIN USEC_PER_SEC /* after the kernel has refused one */
/* Idle ones make room when less than an eighth is free. */
#define SCARCE	  8
#define EVICT_US  (10 * USEC_PER_SEC)
#define DENIED_US (30 * USEC_PER_SEC)
#define NO_SLOT	  0 /* lists and owners keep slot + 1 */

struct denied {
	struct flow_key key;
	struct flow_verdict verdict;
	bool client_is_own;
	uint32_t frames; /* 0: the place is free */
	uint32_t slot;	 /* + 1 */
	usec_t last;
};

struct counted {
	uint64_t frames, bytes, payload;
};

struct slot {
	struct flow *flow;
	struct denied *denied;
	struct cache_key key;
	uint64_t generation;
	struct counted told[CACHE_WAY__MAX];
	uint32_t next; /* of its list, + 1 */
	bool waiting, written, drop;
	bool leaving; /* its flow goes on without it, once it is deleted */
};

struct verdict_cache {
	struct cache_kernel kernel;
	uint32_t first, used_ever;
	struct slot *slots;
	uint32_t free;		    /* stack, + 1 */
	uint32_t head, tail;	    /* of what waits, + 1 */
	uint32_t n_waiting, swept;  /* swept: next slot, 0: none under way */
	usec_t swept_at, failed_at; /* 0: never */
	uint64_t generation, seed;
	struct cache_stats stats;
	struct denied denied[CACHE_DENIED_MAX];
};

struct verdict_cache *verdict_cache_new(uint32_t first, uint32_t n,
					const struct cache_kernel *hooks,
					uint64_t seed)
{
	struct verdict_cache *c = calloc(1, sizeof *c);

	BUG_ON(n == 0 || n > CACHE_SLOTS_MAX);
	if (!c)
		return NULL;
	/* not touched before it is used */
	c->slots = calloc(n, sizeof *c->slots);
	if (!c->slots) {
		free(c);
		return NULL;
	}
	c->kernel = *hooks;
	c->first = first;
	c->seed = seed;
	c->stats.limit = n;
	c->stats.denied_limit = CACHE_DENIED_MAX;
	return c;
}

void verdict_cache_free(struct verdict_cache *c)
{
	if (!c)
		return;
	free(c->slots);
	free(c);
}

struct cache_stats cache_stats(const struct verdict_cache *c)
{
	return c ? c->stats : (struct cache_stats){ 0 };
}

/* --- slots ---------------------------------------------------------------- */

static void wait_to_be_written(struct verdict_cache *c, struct slot *s)
{
	uint32_t at = (uint32_t)(s - c->slots) + 1;

	if (s->waiting)
		return;
	s->waiting = true;
	s->next = NO_SLOT;
	if (c->tail)
		c->slots[c->tail - 1].next = at;
	else
		c->head = at;
	c->tail = at;
	c->n_waiting++;
}

static struct slot *take_slot(struct verdict_cache *c)
{
	struct slot *s;

	if (c->free) {
		s = &c->slots[c->free - 1];
		c->free = s->next;
	} else if (c->used_ever < c->stats.limit) {
		s = &c->slots[c->used_ever++];
	} else {
		c->stats.full++;
		return NULL;
	}
	memset(s, 0, sizeof *s);
	c->stats.in_use++;
	return s;
}

/* Nobody's any more; the kernel is told, and then it is free. */
static void give_up(struct verdict_cache *c, struct slot *s)
{
	s->flow = NULL;
	s->denied = NULL;
	wait_to_be_written(c, s);
}

static void free_slot(struct verdict_cache *c, struct slot *s)
{
	s->next = c->free;
	c->free = (uint32_t)(s - c->slots) + 1;
	c->stats.in_use--;
}

static bool is_used(const struct slot *s)
{
	return s->flow || s->denied;
}

static struct cache_key key_of(const struct flow_key *k, struct mac ucmac)
{
	return (struct cache_key){
		.own = k->own,
		.peer = k->peer,
		.own_port = k->own_port,
		.peer_port = k->peer_port,
		.mark = (uint16_t)(ucmac.b[4] << 8 | ucmac.b[5]),
		.vlan = (uint16_t)k->vlans,
		.proto = k->proto,
	};
}

/* --- what the kernel has seen --------------------------------------------- */

/* Since the last time; true: something. */
static bool take_seen(struct verdict_cache *c, struct slot *s,
		      struct cache_seen *ret)
{
	bool any = false;

	if (!s->written)
		return false;
	c->kernel.seen(c->kernel.arg, c->first + (uint32_t)(s - c->slots), ret);
	for (int i = 0; i < CACHE_WAY__MAX; i++) {
		struct cache_seen_way *w = &ret->way[i];
		struct counted *told = &s->told[i];
		struct counted all = { w->frames, w->bytes, w->payload };

		w->frames -= told->frames;
		w->bytes -= told->bytes;
		w->payload -= told->payload;
		*told = all;
		any |= w->frames > 0;
	}
	return any;
}

static void count_stats(struct cache_stats *stats, const struct slot *s,
			const struct cache_seen *seen)
{
	for (int i = 0; i < CACHE_WAY__MAX; i++) {
		const struct cache_seen_way *w = &seen->way[i];

		(s->drop ? stats->dropped : stats->passed)[i] += w->frames;
		(s->drop ? stats->dropped_bytes : stats->passed_bytes)[i] +=
			w->bytes;
	}
}

static void count_seen(struct inspect *in, const struct slot *s,
		       uint16_t endpoint, const struct cache_seen *seen)
{
	count_stats(&in->cache->stats, s, seen);
	for (int i = 0; i < CACHE_WAY__MAX; i++) {
		const struct cache_seen_way *w = &seen->way[i];

		if (w->frames)
			traffic_frames(in->traffic, endpoint, i == CACHE_IN,
				       w->frames, w->bytes, in->now);
	}
}

static uint64_t frames_of(const struct cache_seen *seen)
{
	return seen->way[CACHE_IN].frames + seen->way[CACHE_OUT].frames;
}

static void flow_seen(struct inspect *in, const struct slot *s,
		      const struct cache_seen *seen)
{
	struct flow_carried by_side[FLOW_SIDE__MAX];
	struct flow *f = s->flow;

	for (int i = 0; i < CACHE_WAY__MAX; i++) {
		const struct cache_seen_way *w = &seen->way[i];

		by_side[flow_sender(f, i == CACHE_IN)] = (struct flow_carried){
			.packets = w->frames,
			.bytes = w->payload,
			.seq = w->seq,
			.ack = w->ack,
			.window = w->window,
		};
	}
	flow_carried(in->flows, f, by_side, seen->last);
	count_seen(in, s, f->key.endpoint, seen);
	if (s->drop)
		judge_note_block(in, &f->key, f->client_is_own, &f->verdict,
				 frames_of(seen));
	session_carried(in, f);
}

static void denied_seen(struct inspect *in, const struct slot *s,
			const struct cache_seen *seen)
{
	struct denied *d = s->denied;
	uint64_t n = frames_of(seen);

	d->last = seen->last;
	count_seen(in, s, d->key.endpoint, seen);
	judge_note_block(in, &d->key, d->client_is_own, &d->verdict, n);
	session_denied(in, &d->key, d->client_is_own, &d->verdict, 0, n);
}

static void catch_up(struct inspect *in, struct slot *s)
{
	struct cache_seen seen;

	if (!take_seen(in->cache, s, &seen))
		return;
	if (s->flow)
		flow_seen(in, s, &seen);
	else
		denied_seen(in, s, &seen);
}

void cache_catch_up(struct inspect *in, struct flow *f)
{
	catch_up(in, &in->cache->slots[f->cached - 1]);
}

void cache_catch_up_all(struct inspect *in)
{
	struct verdict_cache *c = in->cache;

	for (uint32_t i = 0; c && i < c->used_ever; i++)
		if (is_used(&c->slots[i]))
			catch_up(in, &c->slots[i]);
}

void cache_release(struct inspect *in, struct flow *f)
{
	struct slot *s = &in->cache->slots[f->cached - 1];

	s->leaving = true;
	wait_to_be_written(in->cache, s);
}

void cache_take_back(struct inspect *in, struct flow *f)
{
	struct verdict_cache *c = in->cache;
	struct slot *s = &c->slots[f->cached - 1];

	if (s->written) {
		/* one that is not there any more need not be removed */
		(void)c->kernel.del(c->kernel.arg, &s->key);
		c->stats.removed++;
	}
	catch_up(in, s); /* only now it is final */
	s->written = false;
	cache_release(in, f);
}

void cache_end(struct inspect *in, struct flow *f)
{
	struct slot *s = &in->cache->slots[f->cached - 1];

	catch_up(in, s);
	f->cached = NO_SLOT;
	give_up(in->cache, s);
}

/* --- what may be cached ------------------------------------------------------ */

static bool is_enough(const struct cache_settings *set, const struct flow *f)
{
	const struct flow_side_state *a = &f->side[FLOW_CLIENT];
	const struct flow_side_state *b = &f->side[FLOW_SERVER];

	return a->packets + b->packets >= set->frames &&
	       a->bytes + b->bytes >= set->depth;
}

/* Not if what it carries is looked into. */
static bool is_no_tunnel(const struct passage *w, const struct flow_key *k)
{
	const struct tunnel_options *t = &w->in->settings.tunnels;

	return k->proto != PROTO_UDP ||
	       (!tunnel_is_looked_for(t, k->own_port) &&
		!tunnel_is_looked_for(t, k->peer_port));
}

/* Has such a flow a key, and a kernel that asks for it? */
static bool has_place(const struct passage *w, const struct flow_key *k)
{
	const struct verdict_cache *c = w->in->cache;
	const struct frame_port *port = w->packet.frame.port;

	return w->in->settings.cache.on && c->generation && w->endpoint &&
	       (!port || port->kind == FRAME_PORT_SERVICE) &&
	       k->vlans <= CACHE_VLAN_MAX && k->tunnel == 0 &&
	       (k->proto == PROTO_TCP || k->proto == PROTO_UDP) &&
	       (c->failed_at.us == 0 ||
		usec_since(w->now, c->failed_at) >= NOT_AGAIN);
}

/* By the verdict that it has now. */
static bool is_final(const struct passage *w, const struct flow *f)
{
	const struct flow_verdict *v = &f->verdict;

	if (v->snapshot_version != snapshot_version(w->in->snapshot) || f->cut)
		return false;
	if (w->endpoint->captures)
		return false;
	/* what is not a copy goes no further; the kernel would let it */
	if (passage_is_watched(w) && !w->copy)
		return false;
	if (v->blocked) /* in a tap its frames go on all the same */
		return !passage_is_watched(w) &&
		       !snapshot_has_names(w->in->snapshot);
	/* how it ends is seen here, to the last ACK */
	if (f->side[FLOW_CLIENT].fin_seen || f->side[FLOW_SERVER].fin_seen)
		return false;
	return v->reason != REASON_APP_PENDING && !payload_is_read(w->in, f) &&
	       !names_are_asked(f) &&
	       !detection_wants_packets(w->in, w->endpoint, f) &&
	       is_no_tunnel(w, &f->key) && !guard_waits(w->in, f) &&
	       (f->key.proto != PROTO_TCP ||
		f->class == FLOW_CLASS_TCP_ESTABLISHED) &&
	       !f->silent;
}

/* --- flows ----------------------------------------------------------------- */

static struct denied *denied_set(struct verdict_cache *c,
				 const struct flow_key *k)
{
	uint64_t hash = XXH3_64bits_withSeed(k, sizeof *k, c->seed);

	return &c->denied[hash % (CACHE_DENIED_MAX / WAYS) * WAYS];
}

static struct denied *denied_find(struct verdict_cache *c,
				  const struct flow_key *k)
{
	struct denied *set = denied_set(c, k);

	for (int i = 0; i < WAYS; i++)
		if (set[i].frames && memcmp(&set[i].key, k, sizeof *k) == 0)
			return &set[i];
	return NULL;
}

static void denied_forget(struct inspect *in, struct denied *d)
{
	struct verdict_cache *c = in->cache;

	if (d->slot) {
		catch_up(in, &c->slots[d->slot - 1]);
		give_up(c, &c->slots[d->slot - 1]);
	}
	memset(d, 0, sizeof *d);
	c->stats.denied--;
}

static void add_flow(struct passage *w, struct flow *f)
{
	struct verdict_cache *c = w->in->cache;
	struct denied *d = denied_find(c, &f->key);
	struct slot *s;

	if (d) /* from before it was allowed; its entry has the same key */
		denied_forget(w->in, d);
	s = take_slot(c);
	if (!s)
		return;
	s->flow = f;
	s->key = key_of(&f->key, w->endpoint->ucmac);
	s->generation = c->generation;
	s->drop = f->verdict.blocked;
	f->cached = (uint32_t)(s - c->slots) + 1;
	wait_to_be_written(c, s);
}

static void renew_flow(struct passage *w, struct flow *f)
{
	struct verdict_cache *c = w->in->cache;
	struct slot *s = &c->slots[f->cached - 1];
	struct cache_key key = key_of(&f->key, w->endpoint->ucmac);

	if (s->generation == c->generation && s->drop == f->verdict.blocked &&
	    !s->leaving)
		return;
	if (key.mark != s->key.mark) { /* another entry altogether */
		cache_release(w->in, f);
		return;
	}
	catch_up(w->in, s); /* by the verdict that it had */
	s->generation = c->generation;
	s->drop = f->verdict.blocked;
	s->leaving = false;
	c->stats.renewed++;
	wait_to_be_written(c, s);
}

void cache_flow(struct passage *w, struct flow *f)
{
	struct inspect *in = w->in;

	if (!in->cache)
		return;
	if (!has_place(w, &f->key) || !is_final(w, f)) {
		if (f->cached)
			cache_release(in, f);
		return;
	}
	if (f->cached)
		renew_flow(w, f);
	else if (is_enough(&in->settings.cache, f))
		add_flow(w, f);
}

/* --- tuples that are denied -------------------------------------------------- */

/* A free place, or that of the one met least recently. */
static struct denied *denied_make(struct inspect *in, const struct flow_key *k)
{
	struct denied *set = denied_set(in->cache, k), *d = set;

	for (int i = 0; i < WAYS && d->frames; i++)
		if (!set[i].frames || usec_before(set[i].last, d->last))
			d = &set[i];
	if (d->frames) {
		denied_forget(in, d);
		in->cache->stats.denied_evicted++;
	}
	in->cache->stats.denied++;
	d->key = *k;
	return d;
}

void cache_denied(struct passage *w, const struct flow_key *k,
		  bool client_is_own, const struct flow_verdict *v)
{
	struct verdict_cache *c = w->in->cache;
	struct denied *d;
	struct slot *s;

	if (!c || !has_place(w, k) || passage_is_watched(w) ||
	    v->snapshot_version == 0 || w->endpoint->captures ||
	    snapshot_has_names(w->in->snapshot))
		return;
	d = denied_find(c, k);
	if (!d)
		d = denied_make(w->in, k);
	d->verdict = *v;
	d->client_is_own = client_is_own;
	d->last = w->now;
	if (++d->frames < w->in->settings.cache.frames)
		return;
	if (d->slot) {
		s = &c->slots[d->slot - 1];
		if (s->generation == c->generation)
			return;
		c->stats.renewed++;
	} else {
		s = take_slot(c);
		if (!s)
			return;
		s->denied = d;
		s->key = key_of(k, w->endpoint->ucmac);
		s->drop = true;
		d->slot = (uint32_t)(s - c->slots) + 1;
	}
	s->generation = c->generation;
	wait_to_be_written(c, s);
}

/* --- ageing -------------------------------------------------------------------- */

static void age_slot(struct inspect *in, struct slot *s, usec_t now)
{
	struct verdict_cache *c = in->cache;
	bool scarce = c->stats.limit - c->stats.in_use <
		      c->stats.limit / SCARCE;

	if (!is_used(s))
		return;
	catch_up(in, s);
	if (s->denied) {
		if (s->generation != c->generation ||
		    usec_since(now, s->denied->last) >= DENIED_US)
			denied_forget(in, s->denied);
	} else if (scarce && !s->leaving &&
		   usec_since(now, s->flow->last_seen) >= EVICT_US) {
		c->stats.evicted++;
		cache_release(in, s->flow);
	}
}

bool cache_age(struct inspect *in, usec_t now)
{
	struct verdict_cache *c = in->cache;

	if (!c)
		return false;
	if (c->swept == 0) {
		if (usec_since(now, c->swept_at) < SWEEP_US)
			return false;
		c->swept_at = now;
	}
	for (int i = 0; i < CACHE_SLOTS_PER_TURN && c->swept < c->used_ever;
	     i++)
		age_slot(in, &c->slots[c->swept++], now);
	if (c->swept >= c->used_ever)
		c->swept = 0;
	return c->swept > 0;
}

void cache_forget_endpoint(struct inspect *in, uint16_t endpoint)
{
	struct verdict_cache *c = in->cache;

	for (unsigned i = 0; c && i < CACHE_DENIED_MAX; i++)
		if (c->denied[i].frames &&
		    c->denied[i].key.endpoint == endpoint)
			denied_forget(in, &c->denied[i]);
}

/* --- to the kernel --------------------------------------------------------------- */

/* Up to that moment frames may have been carried by it. */
static void remove_entry(struct inspect *in, struct slot *s)
{
	struct verdict_cache *c = in->cache;
	struct cache_seen seen;

	if (s->written) {
		/* one that is not there any more need not be removed */
		(void)c->kernel.del(c->kernel.arg, &s->key);
		c->stats.removed++;
	}
	if (s->flow) {
		catch_up(in, s);
		s->flow->cached = NO_SLOT;
		s->flow = NULL;
	} else if (take_seen(c, s, &seen)) {
		count_stats(&c->stats, s, &seen);
	}
	free_slot(c, s);
}

/* Of what the kernel has counted before, all is told. */
static void write_entry(struct inspect *in, struct slot *s)
{
	struct verdict_cache *c = in->cache;
	const struct flow *f = s->flow;
	struct cache_entry e = {
		.key = s->key,
		.generation = s->generation,
		.slot = c->first + (uint32_t)(s - c->slots),
		.drop = s->drop,
	};

	for (int i = 0; f && i < CACHE_WAY__MAX; i++)
		e.seq[i] = f->side[flow_sender(f, i == CACHE_IN)].next_seq;
	if (c->kernel.put(c->kernel.arg, &e, !s->written) == 0) {
		c->stats.added += !s->written;
		s->written = true;
		return;
	}
	c->stats.failed++;
	c->failed_at = in->now;
	if (s->flow)
		cache_release(in, s->flow);
	else
		denied_forget(in, s->denied);
}

bool inspect_write_cache(struct inspect *in)
{
	struct verdict_cache *c = in->cache;

	for (int i = 0; c && c->head && i < CACHE_WRITES_PER_TURN; i++) {
		struct slot *s = &c->slots[c->head - 1];

		c->head = s->next;
		if (!c->head)
			c->tail = NO_SLOT;
		s->waiting = false;
		c->n_waiting--;
		if (is_used(s) && !s->leaving)
			write_entry(in, s);
		else
			remove_entry(in, s);
	}
	return c && c->head;
}

uint32_t inspect_cache_waiting(const struct inspect *in)
{
	return in->cache ? in->cache->n_waiting : 0;
}

void inspect_set_generation(struct inspect *in, uint64_t generation)
{
	if (in->cache)
		in->cache->generation = generation;
}

struct verdict_cache *inspect_set_cache(struct inspect *in,
					struct verdict_cache *c)
{
	struct verdict_cache *before = in->cache;

	for (uint32_t i = 0; before && i < before->used_ever; i++)
		if (before->slots[i].flow)
			cache_end(in, before->slots[i].flow);
	in->cache = c;
	return before;
}
