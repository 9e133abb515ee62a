/*
 * Theory. Vectorscan says which fast patterns are in the new bytes; each is of
 * some rules, whose header is looked at first (cheap), then the group that the
 * pattern is of, then the other groups, on what is kept of the request. What is
 * still missing is waited for.
 *
 * A group in pieces may match later, with bytes that follow; its chains are
 * found one by one, and remembered in done. When its buffer ends without it, they
 * are forgotten again.
 */
#include <string.h>

#include "base/bug.h"
#include "detect/sig_scan_own.h"
#include "detect/sig_transform.h"
#include "packet/packet.h"

static bool in_addrs(const struct sig_addrs *a, struct ip_addr ip)
{
	bool in = true;

	for (unsigned i = 0; i < a->n; i++)
		in &= a->ranges[i].not ; /* only those are there: all others */
	for (unsigned i = 0; i < a->n; i++) {
		const struct sig_addr_range *r = &a->ranges[i];

		if (ip_compare(ip, r->low) < 0 || ip_compare(ip, r->high) > 0)
			continue;
		if (r->not )
			return false;
		in = true;
	}
	return in;
}

static bool in_ports(const struct sig_ports *p, uint16_t port)
{
	bool in = true;

	for (unsigned i = 0; i < p->n; i++)
		in &= p->ranges[i].not ;
	for (unsigned i = 0; i < p->n; i++) {
		const struct sig_port_range *r = &p->ranges[i];

		if (port < r->low || port > r->high)
			continue;
		if (r->not )
			return false;
		in = true;
	}
	return in;
}

static bool ends_match(const struct signature *s, const struct sig_facts *f,
		       bool from_client)
{
	return in_ports(&s->from_ports,
			from_client ? f->client_port : f->server_port) &&
	       in_ports(&s->to_ports,
			from_client ? f->server_port : f->client_port) &&
	       in_addrs(&s->from, from_client ? f->client : f->server) &&
	       in_addrs(&s->to, from_client ? f->server : f->client);
}

static uint8_t transport_of(uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP: return SIG_TCP;
	case PROTO_UDP: return SIG_UDP;
	case PROTO_ICMP:
	case PROTO_ICMPV6: return SIG_ICMP;
	default: return SIG_OTHER;
	}
}

bool sig_header_matches(const struct sig_look *l, const struct sig_rule *r)
{
	const struct signature *s = r->s;
	const struct sig_facts *f = &l->flow->facts;
	bool client = l->side_no == PROTO_CLIENT;

	if (s->flow & (client ? SIG_FLOW_TO_CLIENT : SIG_FLOW_TO_SERVER))
		return false;
	if (!(s->transports & transport_of(f->proto)))
		return false;
	if ((s->flow & SIG_FLOW_ESTABLISHED && !l->flow->established) ||
	    (s->flow & SIG_FLOW_NOT_EST && l->flow->established))
		return false;
	if (s->family && ip_is_v4(f->client) != (s->family == 4))
		return false;
	return ends_match(s, f, client) ||
	       (s->both_ways && ends_match(s, f, !client));
}

static bool flags_match(const struct sig_header_test *t, uint8_t flags)
{
	uint32_t got = flags & ~t->hi & 0xff, want = t->lo & ~t->hi;

	switch ((enum sig_flags_how)t->compare) {
	case SIG_FLAGS_EXACT: return got == want;
	case SIG_FLAGS_ALL: return (got & want) == want;
	case SIG_FLAGS_ANY: return (got & want) != 0;
	case SIG_FLAGS_NOT: return (got & want) != want;
	}
	return false;
}

static bool header_test(const struct sig_header_test *t,
			const struct sig_facts *f, const struct sig_packet *p)
{
	uint32_t v = 0;

	switch ((enum sig_header)t->header) {
	case SIG_TCP_FLAGS:
		return f->proto == PROTO_TCP && flags_match(t, p->tcp_flags);
	case SIG_SAME_IP: return ip_equal(f->client, f->server);
	case SIG_DSIZE: v = p->payload_len; break;
	case SIG_TTL: v = p->ttl; break;
	case SIG_IP_PROTO: v = f->proto; break;
	case SIG_ITYPE:
	case SIG_ICODE:
		if (f->proto != PROTO_ICMP && f->proto != PROTO_ICMPV6)
			return false;
		v = t->header == SIG_ITYPE ? p->icmp_type : p->icmp_code;
		break;
	case SIG_HEADER__MAX: return false;
	}
	return (v >= t->lo && v <= t->hi) != t->not ;
}

bool sig_packet_matches(const struct sig_rule *r, const struct sig_facts *f,
			const struct sig_packet *p)
{
	for (unsigned i = 0; i < r->s->n_headers; i++)
		if (!header_test(&r->s->headers[i], f, p))
			return false;
	return true;
}

/* ip_proto is all that a rule about a stream asks of headers. */
static bool protocol_matches(const struct sig_look *l, const struct sig_rule *r)
{
	static const struct sig_packet none;

	return sig_packet_matches(r, &l->flow->facts,
				  l->packet ? l->packet : &none);
}

void sig_waiting_remove(struct sig_scanner *s, struct sig_side *side,
			uint32_t *link)
{
	uint32_t i = *link;

	*link = s->waiting[i].next;
	s->waiting[i].next = s->free_waiting;
	s->free_waiting = i;
	s->counts.waiting--;
	side->n_waiting--;
}

/* The view after a group's transforms, in that memory. */
static struct sig_view transformed(const struct sig_view *v, const uint8_t *t,
				   unsigned n, uint8_t *memory, size_t size)
{
	struct sig_view w = *v;
	size_t len = bytes_len(v->bytes);

	if (n == 0)
		return w;
	BUG_ON(len > size);
	if (len > 0)
		memcpy(memory, v->bytes.begin, len);
	for (unsigned i = 0; i < n; i++)
		len = sig_transform_apply((enum sig_transform)t[i], memory,
					  len);
	w.bytes = bytes_of(memory, len);
	return w;
}

/* What is looked at, after transforms; valid until the next look. */
static struct sig_view changed_view(struct sig_look *l, const uint8_t *t,
				    unsigned n)
{
	struct sig_scanner *s = l->s;
	struct sig_changed *c = s->changed;
	struct sig_view v = l->view;

	if (n == 0)
		return v;
	for (; c < s->changed + SIG_CHANGED_KEPT; c++) {
		if (c->look != s->look || c->n != n ||
		    memcmp(c->transforms, t, n) != 0)
			continue;
		v.bytes = bytes_of(c->bytes, c->len);
		return v;
	}
	c = &s->changed[s->changed_next++ % SIG_CHANGED_KEPT];
	c->look = s->look;
	c->n = (uint8_t)n;
	memcpy(c->transforms, t, n);
	v = transformed(&l->view, t, n, c->bytes, sizeof c->bytes);
	c->len = bytes_len(v.bytes);
	return v;
}

/*
 * Chains of the group that match, as bits, with those that did before. min_end:
 * of the chain with the fast pattern, see sig_match(). Where one does not, and
 * nothing that follows can change it, the others are not tried any more: so a
 * content spares an expression behind it.
 */
static uint32_t match_group(struct sig_scanner *s,
			    const struct sig_set_group *g,
			    const struct sig_view *v, uint64_t min_end,
			    uint32_t done, struct sig_spot *spot, bool *more)
{
	bool over = v->ended && g->group->buffer != SIG_BUFFER_PAYLOAD;

	for (unsigned i = 0; i < g->n_chains; i++) {
		uint32_t bit = 1u << (g->first_bit + i);
		struct sig_spot at;
		bool later = false;

		if (done & bit)
			continue;
		if (sig_match(s->matcher, &g->chains[i], v,
			      i == g->fast_chain ? min_end : 0, &at, &later)) {
			done |= bit;
			if (i == g->fast_chain)
				*spot = at;
		} else if (over) {
			break;
		}
		*more |= later;
	}
	return done;
}

static bool is_body(unsigned field)
{
	return field == FIELD_HTTP_REQUEST_BODY ||
	       field == FIELD_HTTP_RESPONSE_BODY || field == FIELD_SMTP_BODY;
}

static bool is_raw(unsigned place)
{
	return place >= FIELD__MAX && place < SIG_PLACE__MAX;
}

static bool is_of(const struct sig_set_group *g, unsigned place)
{
	switch (g->group->buffer) {
	case SIG_BUFFER_PAYLOAD: return is_raw(place);
	case SIG_BUFFER_FILE: return is_body(place);
	case SIG_BUFFER_NOTE: return false;
	default: return g->group->buffer == place;
	}
}

/* As match_group(), on l's view; raw bytes also as a packet of their own. */
static uint32_t match_here(struct sig_look *l, const struct sig_set_group *g,
			   const struct sig_view *v, uint64_t min_end,
			   uint32_t done, struct sig_spot *spot, bool *more)
{
	struct sig_view alone = *v;

	done = match_group(l->s, g, v, min_end, done, spot, more);
	if ((done & g->bits) == g->bits || l->place < FIELD__MAX ||
	    v->pos + l->fresh == 0)
		return done;
	/* offset and depth count from the segment's beginning, too */
	for (unsigned i = 0; i < g->n_chains; i++) {
		if (!g->chains[i].absolute || done >> (g->first_bit + i) & 1)
			continue;
		alone.bytes.begin = v->bytes.begin + l->fresh;
		alone.pos = 0;
		return match_group(l->s, g, &alone, 0, done, spot,
				   &(bool){ false });
	}
	return done;
}

/* On one buffer that is kept. */
static uint32_t match_kept(struct sig_look *l, const struct sig_set_group *g,
			   const struct sig_view *v, uint32_t done)
{
	struct sig_view w =
		transformed(v, g->group->transforms, g->group->n_transforms,
			    l->s->changed_other, sizeof l->s->changed_other);
	struct sig_spot spot;
	uint32_t now =
		match_group(l->s, g, &w, 0, done, &spot, &(bool){ false });

	/* parts of one instance are none of another */
	return v->ended && (now & g->bits) != g->bits ? done : now;
}

/* A group that is not the trigger: on what is there of the request. */
static uint32_t match_other(struct sig_look *l, const struct sig_set_group *g,
			    uint32_t done)
{
	struct sig_side *side = l->side;
	struct sig_view v;

	if (g->group->buffer == SIG_BUFFER_NOTE)
		return side->notes >> g->group->note & 1 ? done | g->bits
							 : done;
	if (is_of(g, l->place))
		return match_kept(l, g, &l->view, done);
	for (unsigned i = 0; i < SIG_BUFS; i++) {
		const struct sig_buf *b = &side->bufs[i];

		if (!b->used || !b->block || !is_of(g, b->place))
			continue;
		v.bytes = bytes_of(l->s->blocks[b->block], b->len);
		v.pos = b->pos;
		v.ended = b->ended || b->place >= FIELD__MAX;
		done = match_kept(l, g, &v, done);
	}
	if (side->kept == 0)
		return done;
	for (size_t at = 0; at < side->kept_len;) {
		const uint8_t *r = l->s->blocks[side->kept] + at;
		size_t n = (size_t)r[1] << 8 | r[2];

		at += n + 3;
		if (!is_of(g, r[0]) || (done & g->bits) == g->bits)
			continue;
		v = (struct sig_view){ .bytes = bytes_of(r + 3, n),
				       .ended = true };
		done = match_kept(l, g, &v, done);
	}
	return done;
}

static uint32_t match_others(struct sig_look *l, const struct sig_rule *r,
			     uint32_t done)
{
	for (unsigned i = 0; i < r->n_groups; i++)
		if (i != r->trigger &&
		    (done & r->groups[i].bits) != r->groups[i].bits)
			done = match_other(l, &r->groups[i], done);
	return done;
}

static bool is_waiting(const struct sig_look *l, uint32_t rule)
{
	for (uint32_t i = l->side->waiting; i; i = l->s->waiting[i].next)
		if (l->s->waiting[i].rule == rule)
			return true;
	return false;
}

/* A rule whose trigger may be in v (l's view, transformed). */
static void try_rule(struct sig_look *l, uint32_t rule,
		     const struct sig_view *v)
{
	const struct sig_rule *r = &l->flow->lane->set->rules[rule];
	const struct sig_set_group *g = &r->groups[r->trigger];
	struct sig_spot spot = { .at = v->pos };
	bool more = false, whole;
	/* raw bytes: what has matched with an earlier segment is over */
	uint64_t min_end =
		is_raw(l->place) && l->fresh > 0 ? l->view.pos + l->fresh : 0;
	uint32_t done;

	l->s->counts.candidates++;
	if (!sig_header_matches(l, r) || !protocol_matches(l, r) ||
	    (l->side->waiting && is_waiting(l, rule)))
		return;
	done = match_here(l, g, v, min_end, 0, &spot, &more);
	whole = (done & g->bits) == g->bits;
	/* nothing follows that could make it whole */
	more &= !l->packet && (l->place >= FIELD__MAX || !l->view.ended) &&
		l->place != SIG_PLACE_UDP_CLIENT &&
		l->place != SIG_PLACE_UDP_SERVER;
	if (!whole && !more)
		return;
	if (whole)
		done = match_others(l, r, done);
	if (done == r->all)
		sig_add_ready(l, rule, g->group->buffer, spot, v);
	else
		(void)sig_wait(l, rule, done, false, g->group->buffer, spot);
}

/* One that waits: its groups that ask of what is looked at. false: it is over */
static bool advance(struct sig_look *l, struct sig_waiting *w)
{
	const struct sig_rule *r = &l->flow->lane->set->rules[w->rule];
	bool raw = is_raw(l->place);

	for (unsigned i = 0; i < r->n_groups; i++) {
		const struct sig_set_group *g = &r->groups[i];
		struct sig_spot spot = { w->at, w->len };
		struct sig_view v;
		bool more = false;

		if ((w->done & g->bits) == g->bits || !is_of(g, l->place))
			continue;
		v = changed_view(l, g->group->transforms,
				 g->group->n_transforms);
		w->done = match_here(l, g, &v, 0, w->done, &spot, &more);
		if (i == r->trigger) {
			w->at = spot.at;
			w->len = spot.len;
		}
		if (!raw && l->view.ended && (w->done & g->bits) != g->bits)
			w->done &= ~g->bits;
	}
	if (r->n_groups > 1)
		w->done = match_others(l, r, w->done);
	if (!is_of(&r->groups[r->trigger], l->place))
		return true;
	return raw ? l->view.pos <= w->until
		   : !l->view.ended ||
			       (w->done & r->groups[r->trigger].bits) != 0;
}

static void advance_all(struct sig_look *l)
{
	struct sig_scanner *s = l->s;
	uint32_t *link = &l->side->waiting;

	while (*link) {
		struct sig_waiting *w = &s->waiting[*link];
		const struct sig_rule *r = &l->flow->lane->set->rules[w->rule];
		bool goes_on = w->whole || advance(l, w);

		if (!w->whole && w->done == r->all) {
			struct sig_waiting now = *w;

			sig_waiting_remove(s, l->side, link);
			sig_add_ready(l, now.rule, now.buffer,
				      (struct sig_spot){ now.at, now.len },
				      &l->view);
		} else if (!goes_on) {
			sig_waiting_remove(s, l->side, link);
		} else {
			link = &w->next;
		}
	}
}

static int found(unsigned id, unsigned long long from, unsigned long long to,
		 unsigned flags, void *arg)
{
	struct sig_lane *l = arg;

	if (to > l->old && l->seen_here[id] != l->scan) {
		l->seen_here[id] = l->scan;
		l->hits[l->n_hits++] = id;
	}
	return 0;
}

static void search(struct sig_scanner *s, struct sig_lane *lane,
		   const struct sig_channel *c, struct bytes b)
{
	hs_error_t e;

	if (++lane->scan == 0) {
		memset(lane->seen, 0,
		       lane->set->size.patterns * sizeof *lane->seen);
		lane->scan = 1;
	}
	lane->seen_here = lane->seen + c->first_pattern;
	s->counts.scans++;
	s->counts.scanned_bytes += bytes_len(b);
	e = hs_scan(c->db, (const char *)b.begin, (unsigned)bytes_len(b), 0,
		    lane->scratch, found, lane);
	BUG_ON(e != HS_SUCCESS);
}

uint32_t sig_search(struct sig_scanner *s, struct sig_lane *lane,
		    const struct sig_channel *c, struct bytes b, size_t old)
{
	struct sig_search what = { .bytes = b,
				   .channel =
					   (uint32_t)(c - lane->set->channels),
				   .old = (uint32_t)old };

	lane->n_hits = 0;
	lane->old = old;
	if (!c->db || bytes_len(b) < c->shortest)
		return 0;
	if (sig_memo_recall(lane->memo, &what, lane->hits, &lane->n_hits)) {
		s->counts.recalled++;
		return lane->n_hits;
	}
	search(s, lane, c, b);
	sig_memo_learn(lane->memo, &what, lane->hits, lane->n_hits);
	return lane->n_hits;
}

static void look_in(struct sig_look *l, const struct sig_channel *c)
{
	struct sig_view v = changed_view(l, c->transforms, c->n_transforms);
	struct bytes b = v.bytes;
	struct sig_lane *lane = l->flow->lane;
	size_t old;

	/* what was there before has been searched: only what ends behind it */
	old = c->n_transforms == 0 ? l->fresh : 0;
	if (old > SIG_FAST_BYTES - 1) {
		b.begin += old - (SIG_FAST_BYTES - 1);
		old = SIG_FAST_BYTES - 1;
	}
	if (!l->searched)
		(void)sig_search(l->s, lane, c, b, old); /* lane->hits */
	for (uint32_t i = 0; i < lane->n_hits; i++) {
		uint32_t p = lane->hits[i];

		for (uint32_t k = c->refs_at[p]; k < c->refs_at[p + 1]; k++)
			try_rule(l, c->refs[k], &v);
	}
	for (uint32_t i = 0; i < c->n_unfiltered; i++)
		try_rule(l, c->unfiltered[i], &v);
}

void sig_look(struct sig_look *l)
{
	const struct sig_set *set = l->flow->lane->set;
	size_t len = bytes_len(l->view.bytes);
	/* only its end has come: who can match now waits for it */
	bool nothing_new = l->fresh > 0 && l->fresh == len;

	l->s->look++;
	if (l->side->waiting && !l->packet)
		advance_all(l);
	if (nothing_new)
		return;
	for (uint32_t i = set->channels_at[l->place];
	     i < set->channels_at[l->place + 1]; i++)
		look_in(l, &set->channels[i]);
}

void sig_look_note(struct sig_look *l, enum proto_note n)
{
	const struct sig_set *set = l->flow->lane->set;
	static const struct sig_view none = { .ended = true };

	/* no place: only what is kept is asked */
	l->place = SIG_PLACE__MAX;
	l->view = none;
	l->s->look++;
	if (l->side->waiting)
		advance_all(l);
	for (uint32_t i = 0; i < set->n_notes[n]; i++) {
		uint32_t rule = set->notes[n][i];
		const struct sig_rule *r = &set->rules[rule];
		const struct sig_set_group *g = &r->groups[r->trigger];
		uint32_t done;

		if (g->group->buffer != SIG_BUFFER_NOTE ||
		    g->group->note != n || !sig_header_matches(l, r) ||
		    is_waiting(l, rule))
			continue;
		done = match_others(l, r, g->bits);
		if (done == r->all)
			sig_add_ready(l, rule, SIG_BUFFER_NOTE,
				      (struct sig_spot){ 0 }, &none);
		else
			(void)sig_wait(l, rule, done, false, SIG_BUFFER_NOTE,
				       (struct sig_spot){ 0 });
	}
}
