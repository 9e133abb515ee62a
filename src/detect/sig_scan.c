/*
 * Theory. What comes in pieces is looked at piece by piece. Of what was before,
 * a block keeps the last bytes (SIG_WINDOW at least), and the piece is put
 * behind them, so a match over any number of borders is found as long as it fits
 * a window:
 *
 *	block   [......tail][piece]      fast patterns: from 31 bytes before the
 *	         ^pos       ^fresh       piece on; confirming: all of it
 *
 * A piece that is larger than the block is joined with the tail elsewhere. Raw
 * bytes are judged as they are there (Suricata does so); of a field it is known
 * when it ends.
 *
 * Of a request's whole fields those are kept (one block a request) that a
 * signature may ask of after another one of it was found. http.header comes in
 * many small pieces: it is gathered, and looked at when it is over.
 *
 * A signature that was found in part waits in a list of its side, until the
 * request or answer is over. All places come from pools; when one is exhausted,
 * something is not found, and counted.
 */
#include "detect/sig_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/unset.h"
#include "detect/sig_scan_own.h"
#include "packet/packet.h"

struct sig_lane *sig_lane_new(const struct sig_set *set)
{
	struct sig_lane *l = calloc(1, sizeof *l);
	size_t n = (size_t)set->size.patterns + SIG_MEMO_HITS;

	if (!l)
		return NULL;
	l->set = set;
	l->seen = calloc(n, sizeof *l->seen);
	l->hits = calloc(n, sizeof *l->hits);
	l->memo = sig_memo_new();
	if (!l->seen || !l->hits || !l->memo ||
	    (set->scratch &&
	     hs_clone_scratch(set->scratch, &l->scratch) != HS_SUCCESS)) {
		sig_lane_free(l);
		return NULL;
	}
	return l;
}

void sig_lane_free(struct sig_lane *l)
{
	if (!l)
		return;
	(void)hs_free_scratch(l->scratch); /* is valid, or NULL */
	sig_memo_free(l->memo);
	free(l->hits);
	free(l->seen);
	free(l);
}

const struct sig_set *sig_lane_set(const struct sig_lane *l)
{
	return l->set;
}

struct sig_scanner_options sig_scanner_options_default(void)
{
	return (struct sig_scanner_options){
		.flows = SIG_FLOWS_DEFAULT,
		.blocks = SIG_BLOCKS_DEFAULT,
		.waiting = SIG_WAITING_DEFAULT,
		.rates = SIG_RATES_DEFAULT,
		.payload_depth = SIG_PAYLOAD_DEPTH_DEFAULT,
	};
}

size_t sig_scanner_bytes(const struct sig_scanner_options *o)
{
	const struct sig_scanner *s = NULL;

	return o->flows * sizeof *s->flows + o->waiting * sizeof *s->waiting +
	       o->blocks * (sizeof *s->blocks + sizeof *s->free_blocks);
}

struct sig_scanner *sig_scanner_new(const struct sig_scanner_options *o)
{
	struct sig_scanner *s = calloc(1, sizeof *s);

	BUG_ON(o->flows < 1 || o->flows > SIG_FLOWS_MAX || o->blocks < 1 ||
	       o->blocks > SIG_BLOCKS_MAX || o->waiting < 1 ||
	       o->waiting > SIG_WAITING_MAX || o->rates < 1 ||
	       o->rates > SIG_RATES_MAX);
	if (!s)
		return NULL;
	s->opt = *o;
	s->counts.flows_limit = o->flows;
	s->counts.blocks_limit = o->blocks;
	s->counts.waiting_limit = o->waiting;
	s->counts.rates_limit = o->rates;
	s->flows = calloc((size_t)o->flows + 1, sizeof *s->flows);
	s->waiting = calloc((size_t)o->waiting + 1, sizeof *s->waiting);
	s->blocks = calloc((size_t)o->blocks + 1, sizeof *s->blocks);
	s->free_blocks = calloc((size_t)o->blocks + 1, sizeof *s->free_blocks);
	s->rated = calloc((size_t)o->rates + 1, sizeof *s->rated);
	s->matcher = sig_matcher_new();
	if (!s->flows || !s->waiting || !s->blocks || !s->free_blocks ||
	    !s->rated || !s->matcher || lru_init(&s->rates, o->rates) < 0) {
		sig_scanner_free(s);
		return NULL;
	}
	return s;
}

void sig_scanner_free(struct sig_scanner *s)
{
	if (!s)
		return;
	lru_done(&s->rates);
	sig_matcher_free(s->matcher);
	free(s->rated);
	free(s->free_blocks);
	free(s->blocks);
	free(s->waiting);
	free(s->flows);
	free(s);
}

void sig_scanner_tell(struct sig_scanner *s,
		      void (*told)(void *arg, uint32_t flow,
				   const struct sig_told *t),
		      void *arg)
{
	s->opt.told = told;
	s->opt.arg = arg;
}

void sig_scanner_time(struct sig_scanner *s, usec_t now)
{
	s->now = now;
}

void sig_scanner_depth(struct sig_scanner *s, uint64_t payload_depth)
{
	s->opt.payload_depth = payload_depth;
}

uint32_t sig_block_take(struct sig_scanner *s)
{
	uint32_t block = 0;

	if (s->n_free_blocks > 0)
		block = s->free_blocks[--s->n_free_blocks];
	else if (s->blocks_ever < s->opt.blocks)
		block = ++s->blocks_ever;
	if (block)
		s->counts.blocks++;
	else
		s->counts.no_block++;
	return block;
}

void sig_block_release(struct sig_scanner *s, uint32_t block)
{
	if (block == 0)
		return;
	s->free_blocks[s->n_free_blocks++] = block;
	s->counts.blocks--;
}

static void free_buf(struct sig_scanner *s, struct sig_buf *b)
{
	sig_block_release(s, b->block);
	*b = (struct sig_buf){ 0 };
}

static void empty_side(struct sig_scanner *s, struct sig_side *side)
{
	while (side->waiting)
		sig_waiting_remove(s, side, &side->waiting);
	for (unsigned i = 0; i < SIG_BUFS; i++)
		free_buf(s, &side->bufs[i]);
	sig_block_release(s, side->kept);
	*side = (struct sig_side){ 0 };
}

void sig_flow_empty(struct sig_scanner *s, struct sig_flow *f)
{
	empty_side(s, &f->sides[PROTO_CLIENT]);
	empty_side(s, &f->sides[PROTO_SERVER]);
	if (f->lane)
		f->lane->flows--;
	f->lane = NULL;
}

/* Lanes that nobody needs are put aside for who asks; the others move up. */
static void sort_out_lanes(struct sig_scanner *s)
{
	unsigned to = s->has_current;

	for (unsigned i = s->has_current; i < SIG_SETS_MAX; i++) {
		struct sig_lane *l = s->lanes[i];

		s->lanes[i] = NULL;
		if (!l)
			continue;
		if (l->flows > 0) {
			s->lanes[to++] = l;
			continue;
		}
		BUG_ON(s->n_gone > SIG_SETS_MAX);
		s->gone[s->n_gone++] = l;
	}
}

/* Connections of the oldest lane are no longer looked at. */
static void drop_lane(struct sig_scanner *s, struct sig_lane *l)
{
	for (uint32_t i = 1; l && i <= s->flows_ever; i++) {
		if (!s->flows[i].used || s->flows[i].lane != l)
			continue;
		s->counts.sets_dropped++;
		sig_flow_empty(s, &s->flows[i]);
	}
}

void sig_scanner_adopt(struct sig_scanner *s, struct sig_lane *l)
{
	unsigned last = SIG_SETS_MAX - 1;

	/* without a current one an older one may be there */
	if (s->lanes[0]) {
		drop_lane(s, s->lanes[last]);
		sort_out_lanes(s);
		memmove(&s->lanes[1], &s->lanes[0], last * sizeof *s->lanes);
	}
	s->lanes[0] = l;
	s->has_current = l != NULL;
	/* it may be of a scanner that is gone, with its connections */
	if (l) {
		l->flows = 0;
		memset(l->quiet, 0, sizeof l->quiet);
	}
	sort_out_lanes(s);
}

struct sig_lane *sig_scanner_give_back(struct sig_scanner *s)
{
	if (s->n_gone == 0)
		sort_out_lanes(s);
	return s->n_gone ? s->gone[--s->n_gone] : NULL;
}

void sig_scanner_drop_set(struct sig_scanner *s, const struct sig_set *set)
{
	for (unsigned i = 0; i < SIG_SETS_MAX; i++)
		if (s->lanes[i] && s->lanes[i]->set == set)
			drop_lane(s, s->lanes[i]);
}

void sig_scanner_drop(struct sig_scanner *s)
{
	for (uint32_t i = 1; i <= s->flows_ever; i++)
		if (s->flows[i].used)
			sig_flow_empty(s, &s->flows[i]);
	sig_scanner_adopt(s, NULL);
}

uint32_t sig_open(struct sig_scanner *s, const struct sig_facts *facts)
{
	uint32_t handle = s->free_flow;
	struct sig_flow *f;

	if (!s->has_current)
		return 0;
	if (handle == 0 && s->flows_ever == s->opt.flows) {
		s->counts.no_flow++;
		return 0;
	}
	if (handle == 0)
		handle = ++s->flows_ever;
	f = &s->flows[handle];
	if (handle == s->free_flow)
		s->free_flow = f->next_free;
	memset(f, 0, sizeof *f);
	f->used = true;
	f->facts = *facts;
	f->lane = s->lanes[0];
	f->lane->flows++;
	s->counts.flows++;
	return handle;
}

struct sig_flow *sig_flow_of(const struct sig_scanner *s, uint32_t handle)
{
	struct sig_flow *f = &s->flows[handle];

	if (handle == 0)
		return NULL;
	BUG_ON(handle > s->flows_ever || !f->used);
	return f->lane ? f : NULL;
}

bool sig_is_open(const struct sig_scanner *s, uint32_t flow)
{
	return flow > 0 && flow <= s->flows_ever && s->flows[flow].used;
}

void sig_close(struct sig_scanner *s, uint32_t flow)
{
	struct sig_flow *f = &s->flows[flow];

	if (flow == 0)
		return;
	BUG_ON(flow > s->flows_ever || !f->used);
	sig_flow_empty(s, f);
	f->used = false;
	f->next_free = s->free_flow;
	s->free_flow = flow;
	s->counts.flows--;
}

void sig_look_at(struct sig_look *l, struct sig_scanner *s, struct sig_flow *f,
		 unsigned side, unsigned place)
{
	sig_matcher_begin(s->matcher);
	l->s = s;
	l->flow = f;
	l->side = &f->sides[side];
	l->side_no = (uint8_t)side;
	l->place = (uint8_t)place;
	l->view.bytes = (struct bytes){ NULL, NULL };
	l->view.pos = 0;
	l->view.ended = false;
	l->fresh = 0;
	l->searched = false;
	l->packet = NULL;
	l->packet_passed = false;
}

void sig_known(struct sig_scanner *s, uint32_t flow, uint32_t app)
{
	struct sig_flow *f = sig_flow_of(s, flow);

	if (!f)
		return;
	if (app == 0)
		f->app_final = true;
	else if (f->n_apps < SIG_APPS)
		f->apps[f->n_apps++] = app;
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++) {
		UNSET struct sig_look l;

		sig_look_at(&l, s, f, side, SIG_PLACE__MAX);
		sig_release(&l, false);
		sig_flush(&l);
	}
}

struct sig_buf *sig_buf_of(struct sig_side *side, unsigned place)
{
	struct sig_buf *free = NULL;

	for (unsigned i = 0; i < SIG_BUFS; i++) {
		struct sig_buf *b = &side->bufs[i];

		if (b->used && b->place == place)
			return b;
		if (!b->used && !free)
			free = b;
	}
	if (!free)
		return NULL;
	*free = (struct sig_buf){ .place = (uint8_t)place, .used = true };
	return free;
}

/* Makes place for more in the block: the tail moves to its beginning. */
static void slide(struct sig_scanner *s, struct sig_buf *b)
{
	uint8_t *block = s->blocks[b->block];
	uint16_t gone;

	if (b->len <= SIG_WINDOW)
		return;
	gone = (uint16_t)(b->len - SIG_WINDOW);
	memmove(block, block + gone, SIG_WINDOW);
	b->len = SIG_WINDOW;
	b->pos += gone;
}

void sig_append(struct sig_look *l, struct sig_buf *b, struct bytes bytes)
{
	struct sig_scanner *s = l->s;
	size_t n = bytes_len(bytes), keep;
	uint8_t *to;

	if (b->block == 0)
		b->block = sig_block_take(s);
	if (b->block == 0) {
		l->view = (struct sig_view){ .bytes = bytes, .pos = b->pos };
		l->fresh = 0;
		b->pos += n;
		return;
	}
	if (n > SIG_BLOCK_BYTES - (size_t)b->len)
		slide(s, b);
	l->fresh = b->len;
	if (n <= SIG_BLOCK_BYTES - (size_t)b->len) {
		to = s->blocks[b->block];
		if (n > 0)
			memcpy(to + b->len, bytes.begin, n);
		b->len = (uint16_t)(b->len + n);
		l->view = (struct sig_view){ .bytes = bytes_of(to, b->len),
					     .pos = b->pos };
		return;
	}
	memcpy(s->joined, s->blocks[b->block], b->len);
	memcpy(s->joined + b->len, bytes.begin, n);
	n += b->len;
	l->view = (struct sig_view){ .bytes = bytes_of(s->joined, n),
				     .pos = b->pos };
	keep = n < SIG_WINDOW ? n : SIG_WINDOW;
	memcpy(s->blocks[b->block], s->joined + n - keep, keep);
	b->pos += n - keep;
	b->len = (uint16_t)keep;
}

static unsigned payload_place(const struct sig_flow *f, unsigned side)
{
	return (f->facts.proto == PROTO_UDP ? SIG_PLACE_UDP_CLIENT
					    : SIG_PLACE_TCP_CLIENT) +
	       side;
}

static bool has_port(const uint64_t *ports, uint16_t port)
{
	return ports[port / 64] >> port % 64 & 1;
}

bool sig_wants_payload(const struct sig_scanner *s, uint32_t flow,
		       enum proto_side side)
{
	const struct sig_flow *f = sig_flow_of(s, flow);
	const struct sig_set *set;
	unsigned place, i;

	if (!f || f->passed ||
	    (f->facts.proto != PROTO_TCP && f->facts.proto != PROTO_UDP))
		return false;
	place = payload_place(f, side);
	if (s->opt.payload_depth &&
	    f->sides[side].payload >= s->opt.payload_depth)
		return false;
	set = f->lane->set;
	i = place - SIG_PLACE_TCP_CLIENT;
	return set->wanted[place] &&
	       has_port(set->server_ports[i], f->facts.server_port) &&
	       has_port(set->client_ports[i], f->facts.client_port);
}

static void payload_slice(struct sig_look *l, struct sig_buf *b,
			  struct bytes bytes)
{
	if (b)
		sig_append(l, b, bytes);
	else
		l->view = (struct sig_view){ .bytes = bytes,
					     .pos = l->side->payload };
	l->view.ended = true;
	l->side->payload += bytes_len(bytes);
	sig_look(l);
	sig_flush(l);
}

void sig_payload(struct sig_scanner *s, uint32_t flow, enum proto_side side,
		 struct bytes bytes, bool gap_before)
{
	struct sig_flow *f = sig_flow_of(s, flow);
	UNSET struct sig_look l;
	struct sig_buf *b;

	if (!sig_wants_payload(s, flow, side)) {
		if (f && f->lane->set->wanted[payload_place(f, side)])
			s->counts.beyond_depth += bytes_len(bytes);
		return;
	}
	f->established = true;
	sig_look_at(&l, s, f, side, payload_place(f, side));
	if (f->facts.proto == PROTO_UDP) {
		l.side->payload = 0; /* each begins anew */
		payload_slice(&l, NULL, bytes);
		return;
	}
	b = sig_buf_of(l.side, l.place);
	if (gap_before && b) {
		b->pos += b->len;
		b->len = 0;
	}
	while (bytes_len(bytes) > 0) {
		struct bytes slice = bytes;

		if (bytes_len(slice) > SIG_PIECE_MAX)
			slice.end = slice.begin + SIG_PIECE_MAX;
		bytes.begin = slice.end;
		payload_slice(&l, b, slice);
	}
}

void sig_note(struct sig_scanner *s, uint32_t flow, enum proto_side side,
	      enum proto_note n)
{
	struct sig_flow *f = sig_flow_of(s, flow);
	UNSET struct sig_look l;

	if (!f || f->lane->set->n_notes[n] == 0)
		return;
	f->established = true;
	sig_look_at(&l, s, f, side, SIG_PLACE__MAX);
	l.side->notes |= 1ull << n;
	sig_look_note(&l, n);
	sig_flush(&l);
}

void sig_asked(struct sig_scanner *s, uint32_t flow)
{
	struct sig_flow *f = sig_flow_of(s, flow);
	UNSET struct sig_look l;

	if (!f || f->sides[PROTO_CLIENT].waiting == 0)
		return;
	sig_look_at(&l, s, f, PROTO_CLIENT, SIG_PLACE__MAX);
	sig_release(&l, true);
	sig_flush(&l);
}

/* Raw bytes go on; all else is of the request that is over. */
static void end_request(struct sig_scanner *s, struct sig_side *side)
{
	uint32_t *link = &side->waiting;

	while (*link) {
		struct sig_waiting *w = &s->waiting[*link];

		if (w->until > 0)
			link = &w->next;
		else
			sig_waiting_remove(s, side, link);
	}
	for (unsigned i = 0; i < SIG_BUFS; i++)
		if (side->bufs[i].used && side->bufs[i].place < FIELD__MAX)
			free_buf(s, &side->bufs[i]);
	sig_block_release(s, side->kept);
	side->kept = 0;
	side->kept_len = 0;
	side->notes = 0;
	side->passed = false;
	side->n_told = 0;
	memset(side->told, 0, sizeof side->told);
}

void sig_ended(struct sig_scanner *s, uint32_t flow, enum proto_side side)
{
	struct sig_flow *f = sig_flow_of(s, flow);
	UNSET struct sig_look l;

	if (!f)
		return;
	sig_look_at(&l, s, f, side, SIG_PLACE__MAX);
	if (l.side->waiting) {
		sig_release(&l, true);
		sig_flush(&l);
	}
	end_request(s, l.side);
}

static unsigned packet_place(uint8_t proto)
{
	return proto == PROTO_TCP   ? SIG_PLACE_PACKET_TCP
	       : proto == PROTO_UDP ? SIG_PLACE_PACKET_UDP
				    : SIG_PLACE_PACKET_OTHER;
}

bool sig_wants_packets(const struct sig_scanner *s, uint8_t proto)
{
	return s->has_current &&
	       s->lanes[0]->set->packet_wanted[packet_place(proto) -
					       SIG_PLACE_PACKET_TCP];
}

/* Rules that ask of nothing but addresses: once a direction. */
static void try_headers(struct sig_look *l)
{
	const struct sig_set *set = l->flow->lane->set;
	bool first = !l->side->seen_header;
	bool first_established = l->packet->established &&
				 !l->side->seen_established;

	l->side->seen_header = true;
	l->side->seen_established |= l->packet->established;
	for (uint32_t i = 0; (first || first_established) && i < set->n_headers;
	     i++) {
		const struct sig_rule *r = &set->rules[set->headers[i]];
		bool asks = (r->s->flow & SIG_FLOW_ESTABLISHED) != 0;

		if ((asks ? first_established : first) &&
		    sig_header_matches(l, r) &&
		    sig_packet_matches(r, &l->flow->facts, l->packet))
			sig_add_ready(l, set->headers[i], SIG_BUFFER_PAYLOAD,
				      (struct sig_spot){ 0 }, &l->view);
	}
}

void sig_packet(struct sig_scanner *s, uint32_t flow,
		const struct sig_facts *facts, enum proto_side side,
		const struct sig_packet *p)
{
	struct sig_flow *f = sig_flow_of(s, flow);
	const struct sig_set *set;
	UNSET struct sig_look l;

	if (flow == 0 && s->has_current) {
		f = &s->flows[0];
		memset(f, 0, sizeof *f);
		f->facts = *facts;
		f->lane = s->lanes[0];
		f->app_final = true;
	}
	if (!f || f->passed)
		return;
	set = f->lane->set;
	sig_look_at(&l, s, f, side, packet_place(f->facts.proto));
	if (!set->packet_wanted[l.place - SIG_PLACE_PACKET_TCP])
		return;
	f->established |= p->established;
	l.packet = p;
	l.view = (struct sig_view){ .bytes = p->payload, .ended = true };
	try_headers(&l);
	for (uint32_t i = 0; i < set->n_packets; i++) {
		const struct sig_rule *r = &set->rules[set->packets[i]];

		if (sig_packet_matches(r, &f->facts, p) &&
		    sig_header_matches(&l, r))
			sig_add_ready(&l, set->packets[i], SIG_BUFFER_PAYLOAD,
				      (struct sig_spot){ 0 }, &l.view);
	}
	if (bytes_len(p->payload) <= SIG_PIECE_MAX)
		sig_look(&l);
	sig_flush(&l);
	if (flow == 0)
		empty_side(s, l.side);
}

struct sig_scanner_counts sig_scanner_counts(const struct sig_scanner *s)
{
	struct sig_scanner_counts c = s->counts;
	struct sig_matcher_counts m = sig_matcher_counts(s->matcher);

	c.pcre_limit = m.pcre_limit;
	c.work_limit = m.work_limit;
	c.rates = s->rates.in_use;
	return c;
}

uint64_t sig_limits_met(const struct sig_scanner *s)
{
	struct sig_matcher_counts m = sig_matcher_counts(s->matcher);

	return m.pcre_limit + m.work_limit;
}
