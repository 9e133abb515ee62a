/*
 * Theory. A scanner in an image: connections as they are, by handle. What they have
 * of the pools, half matched signatures and the bytes of blocks, lies one behind the
 * other in the order of connections, sides, buffers; so no link is read, only how
 * many there are, and places are given out anew.
 *
 * Of whom no set is left, all is loaded, and then let go as ever.
 */
#include <string.h>

#include "base/bug.h"
#include "detect/sig_scan_own.h"

#define OWNER "signatures"

struct saved_scanner {
	uint64_t fingerprints[SIG_SETS_MAX]; /* of lanes; 0: none */
	usec_t now;
	struct sig_scanner_counts counts;
};
IMAGE_PART(saved_scanner, "head", struct saved_scanner, 1);
/* Handles 1, 2, ...; of links it says only that there is something. */
IMAGE_PART(saved_flows, "flows", struct sig_flow, 1);
/* Of each of them: which lane; SIG_SETS_MAX: none. */
IMAGE_PART(saved_lanes, "lanes", uint8_t, 1);
IMAGE_PART(saved_waiting, "waiting", struct sig_waiting, 1);
IMAGE_PART(saved_bytes, "bytes", uint8_t, 1);
/* Of places that are taken, in their order. */
IMAGE_PART(saved_rates, "rates", struct sig_rated, 1);

/* Further in a buffer nothing is: so sums with it are numbers. */
#define POS_MAX (1ull << 62)

/* --- save --------------------------------------------------------------- */

static uint64_t bytes_of_side(const struct sig_side *side)
{
	uint64_t n = side->kept_len;

	for (unsigned i = 0; i < SIG_BUFS; i++)
		n += side->bufs[i].len;
	return n;
}

static uint8_t *save_block(const struct sig_scanner *s, uint32_t block,
			   size_t len, uint8_t *to)
{
	if (len > 0)
		memcpy(to, s->blocks[block], len);
	return to + len;
}

static void save_bytes(const struct sig_scanner *s, struct image_writer *w)
{
	uint64_t n = 0;
	uint8_t *to;

	for (uint32_t i = 1; i <= s->flows_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++)
			n += bytes_of_side(&s->flows[i].sides[k]);
	to = image_room(w, OWNER, &saved_bytes, n);
	for (uint32_t i = 1; to && i <= s->flows_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++) {
			const struct sig_side *side = &s->flows[i].sides[k];

			for (unsigned b = 0; b < SIG_BUFS; b++)
				to = save_block(s, side->bufs[b].block,
						side->bufs[b].len, to);
			to = save_block(s, side->kept, side->kept_len, to);
		}
}

static void save_waiting(const struct sig_scanner *s, struct image_writer *w)
{
	struct sig_waiting *to =
		image_room(w, OWNER, &saved_waiting, s->counts.waiting);

	for (uint32_t i = 1; to && i <= s->flows_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++)
			for (uint32_t n = s->flows[i].sides[k].waiting; n;
			     n = s->waiting[n].next)
				*to++ = s->waiting[n];
}

static uint8_t number_of_lane(const struct sig_scanner *s,
			      const struct sig_flow *f)
{
	uint8_t i = 0;

	while (i < SIG_SETS_MAX && (!f->lane || s->lanes[i] != f->lane))
		i++;
	return i;
}

static void save_flows(const struct sig_scanner *s, struct image_writer *w)
{
	struct sig_flow *flows =
		image_room(w, OWNER, &saved_flows, s->flows_ever);
	uint8_t *lanes = image_room(w, OWNER, &saved_lanes, s->flows_ever);

	for (uint32_t i = 0; lanes && i < s->flows_ever; i++) {
		if (!s->flows[i + 1].used)
			continue;
		flows[i] = s->flows[i + 1];
		flows[i].lane = NULL;
		lanes[i] = number_of_lane(s, &s->flows[i + 1]);
	}
}

void sig_scanner_save(const struct sig_scanner *s, struct image_writer *w)
{
	struct saved_scanner head = { .now = s->now,
				      .counts = sig_scanner_counts(s) };
	struct sig_rated *rates;
	uint32_t cursor = 0, i;

	for (i = 0; i < SIG_SETS_MAX; i++)
		if (s->lanes[i])
			head.fingerprints[i] = s->lanes[i]->set->fingerprint;
	image_put(w, OWNER, &saved_scanner, &head, 1);
	save_flows(s, w);
	save_waiting(s, w);
	save_bytes(s, w);
	lru_save(&s->rates, OWNER, w);
	rates = image_room(w, OWNER, &saved_rates, s->rates.in_use);
	while (rates && (i = lru_walk(&s->rates, &cursor)))
		*rates++ = s->rated[i];
}

/* --- load --------------------------------------------------------------- */

struct loading {
	struct sig_scanner *s;
	struct saved_scanner head;
	/* What is left of them. */
	const struct sig_waiting *waiting;
	const uint8_t *bytes;
	uint64_t n_waiting, n_bytes;
};

/* *block: not 0, there is one. */
static bool load_block(struct loading *l, uint32_t *block, size_t len)
{
	struct sig_scanner *s = l->s;

	if (*block == 0)
		return len == 0;
	if (len > SIG_BLOCK_BYTES || len > l->n_bytes)
		return false;
	*block = sig_block_take(s);
	if (*block == 0)
		return false;
	if (len > 0)
		memcpy(s->blocks[*block], l->bytes, len);
	l->bytes += len;
	l->n_bytes -= len;
	return true;
}

static bool buf_is_sound(const struct sig_buf *b)
{
	return image_is_bool(&b->used) && image_is_bool(&b->ended) &&
	       (b->used || b->block == 0) && b->place < SIG_PLACE__MAX &&
	       b->pos < POS_MAX;
}

/* Fields, each with its place and length. */
static bool kept_is_sound(const uint8_t *kept, size_t len)
{
	size_t at = 0;

	while (len - at >= 3) {
		size_t n = 3 + ((size_t)kept[at + 1] << 8 | kept[at + 2]);

		if (kept[at] >= FIELD__MAX || n > len - at)
			return false;
		at += n;
	}
	return at == len;
}

/* set: NULL: it is not looked at any more. */
static bool waiting_is_sound(const struct sig_waiting *w,
			     const struct sig_set *set)
{
	const struct sig_rule *r;

	if (!image_is_bool(&w->whole) || w->buffer >= SIG_BUFFER__MAX ||
	    w->at >= POS_MAX)
		return false;
	if (!set)
		return true;
	if (w->rule >= set->n_rules)
		return false;
	r = &set->rules[w->rule];
	return !(w->done & ~r->all) && (w->whole || r->n_groups > 0);
}

/* The first n of those that are left; the list ends up in their order. */
static bool load_waiting(struct loading *l, struct sig_side *side,
			 const struct sig_set *set)
{
	struct sig_scanner *s = l->s;
	uint32_t *link = &side->waiting;
	unsigned n = side->n_waiting;

	side->waiting = 0;
	if (n > SIG_WAITING_SIDE || n > l->n_waiting ||
	    n > s->opt.waiting - s->waiting_ever)
		return false;
	l->n_waiting -= n;
	for (; n > 0; n--) {
		struct sig_waiting *w = &s->waiting[++s->waiting_ever];

		*w = *l->waiting++;
		w->next = 0;
		*link = s->waiting_ever;
		link = &w->next;
		s->counts.waiting++;
		if (!waiting_is_sound(w, set))
			return false;
	}
	return true;
}

static bool load_side(struct loading *l, struct sig_side *side,
		      const struct sig_set *set)
{
	if (!image_is_bool(&side->passed) ||
	    !image_is_bool(&side->seen_header) ||
	    !image_is_bool(&side->seen_established) ||
	    side->n_told >= SIG_TOLD || side->payload >= POS_MAX)
		return false;
	for (unsigned i = 0; i < SIG_BUFS; i++)
		if (!buf_is_sound(&side->bufs[i]) ||
		    !load_block(l, &side->bufs[i].block, side->bufs[i].len))
			return false;
	return load_block(l, &side->kept, side->kept_len) &&
	       kept_is_sound(l->s->blocks[side->kept], side->kept_len) &&
	       load_waiting(l, side, set);
}

/* f: as it was saved; lane: which it had. */
static bool load_flow(struct loading *l, struct sig_flow *f, uint8_t lane)
{
	struct sig_scanner *s = l->s;
	struct sig_lane *now = s->lanes[0];
	bool had = lane < SIG_SETS_MAX;

	f->lane = NULL;
	if (lane > SIG_SETS_MAX || !image_is_bool(&f->app_final) ||
	    !image_is_bool(&f->established) || !image_is_bool(&f->passed) ||
	    f->n_apps > SIG_APPS || f->n_bits > SIG_FLOW_BITS)
		return false;
	if (!had || !now || !now->set->fingerprint ||
	    now->set->fingerprint != l->head.fingerprints[lane])
		now = NULL;
	for (unsigned i = 0; i < PROTO_SIDE__MAX; i++)
		if (!load_side(l, &f->sides[i], now ? now->set : NULL))
			return false;
	s->counts.flows++;
	if (now) {
		f->lane = now;
		now->flows++;
		return true;
	}
	l->head.counts.sets_dropped += had;
	sig_flow_empty(s, f);
	return true;
}

static bool load_flows(struct loading *l, const struct image_reader *r)
{
	struct sig_scanner *s = l->s;
	uint64_t n, n_lanes;
	const struct sig_flow *flows = image_get(r, OWNER, &saved_flows, &n);
	const uint8_t *lanes = image_get(r, OWNER, &saved_lanes, &n_lanes);

	l->waiting = image_get(r, OWNER, &saved_waiting, &l->n_waiting);
	l->bytes = image_get(r, OWNER, &saved_bytes, &l->n_bytes);
	if (!flows || !lanes || !l->waiting || !l->bytes || n != n_lanes ||
	    n > s->opt.flows)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct sig_flow *f = &s->flows[++s->flows_ever];

		*f = flows[i];
		if (!image_is_bool(&f->used))
			return false;
		if (!f->used)
			*f = (struct sig_flow){ .used = false };
		else if (!load_flow(l, f, lanes[i]))
			return false;
	}
	for (uint32_t i = s->flows_ever; i > 0; i--)
		if (!s->flows[i].used) {
			s->flows[i].next_free = s->free_flow;
			s->free_flow = i;
		}
	return l->n_waiting == 0 && l->n_bytes == 0;
}

static bool load_rates(struct sig_scanner *s, const struct image_reader *r)
{
	uint32_t cursor = 0, i;
	uint64_t n;
	const struct sig_rated *rates = image_get(r, OWNER, &saved_rates, &n);

	if (!rates || !lru_load(&s->rates, OWNER, r) || n != s->rates.in_use)
		return false;
	while ((i = lru_walk(&s->rates, &cursor)))
		s->rated[i] = *rates++;
	/* who is in no list would never give way */
	return lru_count(&s->rates, 0) == n;
}

static void take_counts(struct sig_scanner *s, struct sig_scanner_counts was)
{
	const struct sig_scanner_counts now = s->counts;

	s->counts = was;
	s->counts.flows = now.flows;
	s->counts.flows_limit = now.flows_limit;
	s->counts.blocks = now.blocks;
	s->counts.blocks_limit = now.blocks_limit;
	s->counts.waiting = now.waiting;
	s->counts.waiting_limit = now.waiting_limit;
	s->counts.rates_limit = now.rates_limit;
	sig_matcher_count_from(s->matcher, (struct sig_matcher_counts){
						   .pcre_limit = was.pcre_limit,
						   .work_limit = was.work_limit,
					   });
}

static void forget_all(struct sig_scanner *s)
{
	uint32_t cursor = 0, i;

	memset(s->flows, 0, (s->flows_ever + 1u) * sizeof *s->flows);
	s->flows_ever = s->free_flow = 0;
	s->waiting_ever = s->free_waiting = 0;
	s->blocks_ever = s->n_free_blocks = 0;
	s->counts.flows = s->counts.waiting = s->counts.blocks = 0;
	take_counts(s, (struct sig_scanner_counts){ .flows = 0 });
	if (s->lanes[0])
		s->lanes[0]->flows = 0;
	while ((i = lru_walk(&s->rates, &cursor)))
		lru_release(&s->rates, i);
}

bool sig_scanner_load(struct sig_scanner *s, const struct image_reader *r)
{
	struct loading l = { .s = s };

	BUG_ON(s->flows_ever > 0);
	if (!image_take(r, OWNER, &saved_scanner, &l.head, 1))
		return false;
	if (!load_flows(&l, r) || !load_rates(s, r)) {
		forget_all(s);
		return false;
	}
	take_counts(s, l.head.counts);
	s->now = l.head.now;
	/* its numbers of fields are from now on those of the one before */
	if (s->lanes[0])
		memset(s->lanes[0]->quiet, 0, sizeof s->lanes[0]->quiet);
	return true;
}
