/*
 * Theory. Rules that are whole are gathered in one call and told at its end, in
 * order: pass, drop, reject, alert; those that set flowbits before those that ask
 * for them; then by priority. Who has still to wait (its application is not
 * known, a pass rule may come, a flowbit is not set) goes to the side's list,
 * whole, and is looked at again when that changes, or the request is over.
 */
#include <string.h>

#include "base/bug.h"
#include "detect/sig_scan_own.h"
#include "wire/app.h"

bool sig_wait(struct sig_look *l, uint32_t rule, uint32_t done, bool whole,
	      uint8_t buffer, struct sig_spot spot)
{
	struct sig_scanner *s = l->s;
	const struct sig_rule *r = &l->flow->lane->set->rules[rule];
	uint32_t i = s->free_waiting;
	struct sig_waiting *w;

	if (l->side->n_waiting == SIG_WAITING_SIDE ||
	    (i == 0 && s->waiting_ever == s->opt.waiting)) {
		s->counts.no_waiting++;
		return false;
	}
	if (i == 0)
		i = ++s->waiting_ever;
	w = &s->waiting[i];
	if (i == s->free_waiting)
		s->free_waiting = w->next;
	*w = (struct sig_waiting){
		.rule = rule,
		.done = done,
		.next = l->side->waiting,
		.whole = whole,
		.buffer = buffer,
		.at = spot.at,
		.len = spot.len,
	};
	if (!r->fields)
		w->until = whole ? UINT64_MAX
				 : l->view.pos + bytes_len(l->view.bytes) +
					   SIG_WINDOW;
	l->side->waiting = i;
	l->side->n_waiting++;
	s->counts.waiting++;
	return true;
}

/* Told already in this request? */
static bool is_told(const struct sig_look *l, uint32_t rule)
{
	for (unsigned i = 0; i < SIG_TOLD; i++)
		if (l->side->told[i] == rule + 1)
			return true;
	return false;
}

static void note_around(struct sig_ready *to, const struct sig_view *v)
{
	uint64_t end = v->pos + bytes_len(v->bytes);
	uint64_t from = to->at > SIG_AROUND_BYTES ? to->at - SIG_AROUND_BYTES
						  : 0;
	uint64_t until = to->at + to->len + SIG_AROUND_BYTES;

	if (to->at < v->pos || to->at + to->len > end)
		return;
	from = from < v->pos ? v->pos : from;
	until = until > end ? end : until;
	to->around.begin = v->bytes.begin + (from - v->pos);
	to->around.end = v->bytes.begin + (until - v->pos);
	to->around_at = from;
}

void sig_add_ready(struct sig_look *l, uint32_t rule, uint8_t buffer,
		   struct sig_spot spot, const struct sig_view *v)
{
	struct sig_scanner *s = l->s;
	const struct sig_rule *r = &l->flow->lane->set->rules[rule];
	struct sig_ready *to;

	if (r->fields && is_told(l, rule))
		return;
	for (unsigned i = 0; i < s->n_ready; i++)
		if (s->ready[i].rule == rule)
			return;
	s->counts.confirmed++;
	if (r->fields && l->flow->lane->set->has_pass &&
	    r->s->action != SIG_PASS &&
	    sig_wait(l, rule, r->all, true, buffer, spot))
		return;
	if (s->n_ready == SIG_READY_MAX)
		sig_flush(l);
	to = &s->ready[s->n_ready++];
	*to = (struct sig_ready){
		.rule = rule, .buffer = buffer, .at = spot.at, .len = spot.len
	};
	note_around(to, v);
}

/* Is the one to be told before the other? */
static bool before(const struct sig_rule *rules, uint32_t a, uint32_t b)
{
	const struct sig_rule *x = &rules[a], *y = &rules[b];

	if (x->s->action != y->s->action)
		return x->s->action < y->s->action;
	if (x->asks_bits != y->asks_bits)
		return y->asks_bits;
	if (x->s->priority != y->s->priority)
		return x->s->priority < y->s->priority;
	return a < b;
}

static void sort_ready(struct sig_scanner *s, const struct sig_rule *rules)
{
	for (unsigned i = 1; i < s->n_ready; i++) {
		struct sig_ready one = s->ready[i];
		unsigned k = i;

		for (; k > 0 && before(rules, one.rule, s->ready[k - 1].rule);
		     k--)
			s->ready[k] = s->ready[k - 1];
		s->ready[k] = one;
	}
}

enum app_answer { APP_YES, APP_NO, APP_LATER };

/* HTTP is spoken by HTTP/2 and gRPC, too. */
static bool speaks(const struct sig_flow *f, uint32_t app)
{
	for (unsigned i = 0; i < f->n_apps; i++)
		if (f->apps[i] == app ||
		    (app == APP_HTTP &&
		     (f->apps[i] == APP_HTTP2 || f->apps[i] == APP_GRPC)) ||
		    (app == APP_HTTP2 && f->apps[i] == APP_GRPC))
			return true;
	return false;
}

static enum app_answer app_matches(const struct sig_flow *f,
				   const struct signature *s)
{
	bool known = f->n_apps > 0 || f->app_final;
	bool no = (s->app && !speaks(f, s->app)) ||
		  (s->on_app && speaks(f, s->on_app) == s->not_app);

	if (!s->app && !s->on_app)
		return APP_YES;
	if (!known)
		return APP_LATER;
	return no ? APP_NO : APP_YES;
}

static bool has_bit(const struct sig_flow *f, uint16_t bit)
{
	for (unsigned i = 0; i < f->n_bits; i++)
		if (f->bits[i] == bit)
			return true;
	return false;
}

static bool bits_match(const struct sig_flow *f, const struct sig_rule *r)
{
	const uint16_t *names = r->bits;

	for (unsigned i = 0; r->asks_bits && i < r->s->n_bits; i++) {
		const struct sig_bit *b = &r->s->bits[i];
		bool any = false;

		for (unsigned k = 0; k < b->n; k++)
			any |= has_bit(f, *names++);
		if ((b->verb == SIG_BIT_ISSET && !any) ||
		    (b->verb == SIG_BIT_ISNOTSET && any))
			return false;
	}
	return true;
}

static void set_bit(struct sig_scanner *s, struct sig_flow *f, uint16_t bit,
		    bool set)
{
	unsigned i = 0;

	while (i < f->n_bits && f->bits[i] != bit)
		i++;
	if (i < f->n_bits && !set)
		f->bits[i] = f->bits[--f->n_bits];
	else if (i == SIG_FLOW_BITS && set)
		s->counts.bits_full++;
	else if (i == f->n_bits && set)
		f->bits[f->n_bits++] = bit;
}

static void change_bits(struct sig_scanner *s, struct sig_flow *f,
			const struct sig_rule *r)
{
	const uint16_t *names = r->bits;

	for (unsigned i = 0; i < r->s->n_bits; i++) {
		const struct sig_bit *b = &r->s->bits[i];

		if (b->verb < SIG_BIT_ISSET)
			set_bit(s, f, *names,
				b->verb == SIG_BIT_SET ||
					(b->verb == SIG_BIT_TOGGLE &&
					 !has_bit(f, *names)));
		names += b->n;
	}
}

static bool same_rated(const struct sig_rated *a, const struct sig_rated *b)
{
	return a->gid == b->gid && a->sid == b->sid && a->kind == b->kind &&
	       ip_equal(a->src, b->src) && ip_equal(a->dst, b->dst);
}

static uint32_t rated_hash(const struct sig_rated *r)
{
	struct {
		uint32_t gid, sid, kind;
		struct ip_addr src, dst;
	} key = { r->gid, r->sid, r->kind, r->src, r->dst };

	return (uint32_t)hash_of_bytes(&key, sizeof key);
}

/* The counter of that rule and those it tracks; a new one if need be. */
static struct sig_rated *rated_of(struct sig_look *l, const struct signature *s,
				  const struct sig_rate *rate)
{
	struct sig_scanner *sc = l->s;
	const struct sig_facts *f = &l->flow->facts;
	bool client = l->side_no == PROTO_CLIENT;
	struct sig_rated want = { .gid = s->gid,
				  .sid = s->sid,
				  .kind = rate->kind };
	uint32_t i, hash;

	if (rate->track == SIG_BY_SRC || rate->track == SIG_BY_BOTH)
		want.src = client ? f->client : f->server;
	if (rate->track == SIG_BY_DST || rate->track == SIG_BY_BOTH)
		want.dst = client ? f->server : f->client;
	hash = rated_hash(&want);
	for (i = lru_find(&sc->rates, hash); i; i = lru_same(&sc->rates, i))
		if (same_rated(&sc->rated[i], &want))
			break;
	if (i) {
		lru_move(&sc->rates, i, 0);
		return &sc->rated[i];
	}
	i = lru_take(&sc->rates, hash, 0);
	if (!i) {
		lru_release(&sc->rates, lru_oldest(&sc->rates, 0));
		sc->counts.rates_evicted++;
		i = lru_take(&sc->rates, hash, 0);
	}
	want.since = sc->now;
	sc->rated[i] = want;
	return &sc->rated[i];
}

enum rate_answer { RATE_TELL, RATE_SILENT, RATE_NO };

static enum rate_answer count_rate(struct sig_look *l,
				   const struct signature *s,
				   const struct sig_rate *rate)
{
	struct sig_rated *r;

	if (rate->kind == SIG_RATE_NONE)
		return RATE_TELL;
	r = rated_of(l, s, rate);
	if (usec_since(l->s->now, r->since) >= rate->seconds * USEC_PER_SEC) {
		r->since = l->s->now;
		r->count = 0;
	}
	if (r->count < UINT32_MAX)
		r->count++;
	switch ((enum sig_rate_kind)rate->kind) {
	case SIG_RATE_LIMIT:
		return r->count <= rate->count ? RATE_TELL : RATE_SILENT;
	case SIG_RATE_THRESHOLD:
		if (r->count < rate->count)
			return RATE_NO;
		r->count = 0;
		return RATE_TELL;
	case SIG_RATE_BOTH:
		if (r->count < rate->count)
			return RATE_NO;
		return r->count == rate->count ? RATE_TELL : RATE_SILENT;
	default: return r->count > rate->count ? RATE_TELL : RATE_NO;
	}
}

static void remember_told(struct sig_look *l, const struct sig_rule *r,
			  uint32_t rule)
{
	if (!r->fields)
		return;
	l->side->told[l->side->n_told] = rule + 1;
	l->side->n_told = (uint8_t)((l->side->n_told + 1) % SIG_TOLD);
}

static void tell(struct sig_look *l, const struct sig_ready *one,
		 const struct signature *s, bool silent)
{
	struct sig_scanner *sc = l->s;
	struct sig_told t = {
		.signature = s,
		.side = (enum proto_side)l->side_no,
		.silent = silent,
		.buffer = one->buffer,
		.at = one->at,
		.len = one->len,
		.around = one->around,
		.around_at = one->around_at,
	};

	sc->counts.told += !silent;
	sc->counts.silenced += silent;
	if (sc->opt.told && (!silent || s->action != SIG_ALERT))
		sc->opt.told(sc->opt.arg, (uint32_t)(l->flow - sc->flows), &t);
}

/* It goes on waiting; of packets nothing waits. */
static void wait_on(struct sig_look *l, const struct sig_ready *one)
{
	const struct sig_rule *r = &l->flow->lane->set->rules[one->rule];

	if (!l->packet)
		(void)sig_wait(l, one->rule, r->all, true, one->buffer,
			       (struct sig_spot){ one->at, one->len });
}

static void deliver(struct sig_look *l, const struct sig_ready *one)
{
	const struct sig_rule *r = &l->flow->lane->set->rules[one->rule];
	const struct signature *s = r->s;
	enum app_answer app = app_matches(l->flow, s);
	enum rate_answer filter, rate;

	if (app == APP_LATER || (r->fields && !bits_match(l->flow, r)))
		wait_on(l, one);
	if (app != APP_YES || !bits_match(l->flow, r))
		return;
	if ((l->side->passed || l->flow->passed) && s->action != SIG_PASS) {
		l->s->counts.passed_over++;
		return;
	}
	filter = count_rate(l, s, &s->filter);
	rate = filter == RATE_NO ? RATE_NO : count_rate(l, s, &s->rate);
	if (rate == RATE_NO) {
		l->s->counts.silenced++;
		return;
	}
	change_bits(l->s, l->flow, r);
	remember_told(l, r, one->rule);
	if (s->action == SIG_PASS) {
		if (r->fields)
			l->side->passed = true;
		else if (!l->packet)
			l->flow->passed = true;
		else
			l->packet_passed = true;
	}
	tell(l, one, s, rate == RATE_SILENT || s->noalert);
}

void sig_flush(struct sig_look *l)
{
	struct sig_scanner *s = l->s;
	const struct sig_rule *rules;
	unsigned n = s->n_ready;

	if (n == 0)
		return;
	rules = l->flow->lane->set->rules;
	sort_ready(s, rules);
	for (unsigned i = 0; i < n; i++)
		if (!l->packet_passed ||
		    rules[s->ready[i].rule].s->action == SIG_PASS)
			deliver(l, &s->ready[i]);
		else
			s->counts.passed_over++;
	s->n_ready = 0;
}

void sig_release(struct sig_look *l, bool at_end)
{
	struct sig_scanner *s = l->s;
	uint32_t *link = &l->side->waiting;

	while (*link && s->n_ready < SIG_READY_MAX) {
		struct sig_waiting w = s->waiting[*link];
		const struct sig_rule *r = &l->flow->lane->set->rules[w.rule];

		/* others wait for something else than this */
		if (!w.whole ||
		    (!at_end && (app_matches(l->flow, r->s) == APP_LATER ||
				 (r->fields && l->flow->lane->set->has_pass &&
				  r->s->action != SIG_PASS)))) {
			link = &s->waiting[*link].next;
			continue;
		}
		sig_waiting_remove(s, l->side, link);
		s->ready[s->n_ready++] = (struct sig_ready){
			.rule = w.rule,
			.buffer = w.buffer,
			.at = w.at,
			.len = w.len,
		};
	}
}
