/*
 * From conversations to rules, in steps over one list of facts:
 *
 *   1. Those that were learned, and that no rule allows or forbids at any end.
 *   2. Without sweeps: who tries many ports of a server with next to nothing
 *      said on each is looking around.
 *   3. Both ends by name of group; outside by DNS name, else by address; many
 *      of the same group and port: "external".
 *   4. Where all that was seen of a pair's port is one product's protocol (mysql,
 *      redis), that is what is allowed, wherever it listens. Else the port: a base
 *      protocol carries anything, and the application would be wrong of a
 *      connection that was closed before it said a word.
 *   5. Many near ports become a range, and ports that systems choose by
 *      themselves all of those.
 *
 * Each step sorts the facts as it needs them and looks at runs of equal ones.
 */
#include "intent/propose.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "intent/ends.h"
#include "intent/proposal.h"
#include "intent/words.h"
#include "wire/app.h"
#include "wire/words.h"

struct fact {
	const struct intent_talk *talk;
	const char *from, *to; /* words, each once: pointers say who is who */
	bool from_outside, to_outside;
	bool noise;
	uint32_t app;	      /* 0: the port is what is allowed */
	uint16_t first, last; /* ports */
};

struct proposing {
	struct ends ends;
	struct fact *facts;
	size_t n;
	json_t *out;
};

static const struct fact *fact_of(const void *p)
{
	return p;
}

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_text(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

static void sort(struct proposing *p, int (*order)(const void *, const void *))
{
	if (p->n)
		qsort(p->facts, p->n, sizeof *p->facts, order);
}

/* Behind the last fact of the run that begins at n. */
static size_t run_end(const struct proposing *p, size_t n,
		      int (*order)(const void *, const void *))
{
	size_t end = n + 1;

	while (end < p->n && order(&p->facts[n], &p->facts[end]) == 0)
		end++;
	return end;
}

/* --- 1: what is to be learned ----------------------------------------- */

bool proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_SCTP;
}

static uint32_t known_app(uint32_t app)
{
	return app != POLICY_APP_UNIDENTIFIED && app_name(app) ? app : 0;
}

/* A rule decides, and not to learn: nothing is to be proposed for that end. */
static bool is_settled(const struct intent_judge *j,
		       const struct intent_connection *c, bool client_side)
{
	struct intent_verdict v = intent_judge_end(j, c, client_side);

	return !v.judged || (v.rule_id != 0 && v.action != POLICY_LEARN);
}

/* Does a rule forbid it, or tell of it? */
static bool is_refused(const struct intent_judge *j,
		       const struct intent_connection *c, bool client_side)
{
	struct intent_verdict v = intent_judge_end(j, c, client_side);

	return v.judged && v.rule_id != 0 && v.action >= POLICY_VIOLATE;
}

static bool is_wanted(const struct intent_judge *j, const struct intent_talk *t)
{
	struct intent_connection c = t->who;

	/* what is over will not be identified any more */
	c.app = known_app(c.app) ? c.app : POLICY_APP_UNIDENTIFIED;
	return t->action == POLICY_LEARN &&
	       !(is_settled(j, &c, true) && is_settled(j, &c, false)) &&
	       !is_refused(j, &c, true) && !is_refused(j, &c, false);
}

static void collect(struct proposing *p, const struct intent_judge *j,
		    const struct intent_talk *talks, size_t n)
{
	for (size_t k = 0; k < n && !p->ends.failed; k++) {
		const struct intent_talk *t = &talks[k];
		bool ports = proto_has_ports(t->who.proto);
		struct fact f = { .talk = t,
				  .app = known_app(t->who.app),
				  .first = ports ? t->who.port : 0,
				  .last = ports ? t->who.port : 0 };

		if (!is_wanted(j, t))
			continue;
		f.from = ends_word(&p->ends, &t->who, true, &f.from_outside);
		f.to = ends_word(&p->ends, &t->who, false, &f.to_outside);
		if (f.from && f.to)
			p->facts[p->n++] = f;
	}
}

/* --- 2: sweeps -------------------------------------------------------- */

static int same_machines(const void *a, const void *b)
{
	const struct intent_connection *x = &fact_of(a)->talk->who;
	const struct intent_connection *y = &fact_of(b)->talk->who;
	int order = by_number(x->client, y->client);

	order = order ? order : ip_compare(x->client_addr, y->client_addr);
	order = order ? order : by_number(x->server, y->server);
	order = order ? order : ip_compare(x->server_addr, y->server_addr);
	return order ? order : by_number(x->proto, y->proto);
}

static bool is_tiny(const struct fact *f)
{
	const struct intent_talk *t = f->talk;

	return proto_has_ports(t->who.proto) && !f->app &&
	       t->sessions <= PROPOSE_SWEEP_SESSIONS &&
	       t->bytes <= t->sessions * PROPOSE_SWEEP_BYTES;
}

static void drop_noise(struct proposing *p)
{
	size_t out = 0;

	for (size_t n = 0; n < p->n; n++)
		if (!p->facts[n].noise)
			p->facts[out++] = p->facts[n];
	p->n = out;
}

/* Two records of one port are one: the run is sorted by machines only. */
static size_t count_tiny(const struct proposing *p, size_t n, size_t end)
{
	uint8_t seen[65536 / 8] = { 0 };
	size_t tiny = 0;

	for (size_t k = n; k < end; k++) {
		uint16_t port = p->facts[k].first;

		if (!is_tiny(&p->facts[k]) || seen[port / 8] & 1 << port % 8)
			continue;
		seen[port / 8] |= (uint8_t)(1 << port % 8);
		tiny++;
	}
	return tiny;
}

static void drop_sweeps(struct proposing *p)
{
	sort(p, same_machines);
	for (size_t n = 0, end; n < p->n; n = end) {
		end = run_end(p, n, same_machines);
		if (end - n < PROPOSE_SWEEP_PORTS ||
		    count_tiny(p, n, end) < PROPOSE_SWEEP_PORTS)
			continue;
		for (size_t k = n; k < end; k++)
			p->facts[k].noise = is_tiny(&p->facts[k]);
	}
	drop_noise(p);
}

/* --- 3: outside ------------------------------------------------------- */

/* Of the same group inside and the same port; outside is not looked at. */
static int same_inside(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int order = by_number(x->from_outside, y->from_outside);

	order = order ? order : by_number(x->to_outside, y->to_outside);
	if (!order && !x->from_outside)
		order = by_text(x->from, y->from);
	if (!order && !x->to_outside)
		order = by_text(x->to, y->to);
	order = order ? order
		      : by_number(x->talk->who.proto, y->talk->who.proto);
	return order ? order : by_number(x->first, y->first);
}

static int with_outside(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int order = same_inside(a, b);

	order = order ? order : by_text(x->from, y->from);
	return order ? order : by_text(x->to, y->to);
}

static void join_outside(struct proposing *p)
{
	const char *word = ends_intern(&p->ends, "external");

	sort(p, with_outside);
	for (size_t n = 0, end; n < p->n && word; n = end) {
		size_t different = 1;

		end = run_end(p, n, same_inside);
		for (size_t k = n + 1; k < end; k++)
			different += with_outside(&p->facts[k - 1],
						  &p->facts[k]) != 0;
		if (different <= PROPOSE_PEERS_MAX)
			continue;
		for (size_t k = n; k < end; k++) {
			struct fact *f = &p->facts[k];

			f->from = f->from_outside ? word : f->from;
			f->to = f->to_outside ? word : f->to;
		}
	}
}

/* --- 4, 5: applications and ports ------------------------------------- */

static int same_pair(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int order = by_text(x->from, y->from);

	order = order ? order : by_text(x->to, y->to);
	return order ? order
		     : by_number(x->talk->who.proto, y->talk->who.proto);
}

static int same_port(const void *a, const void *b)
{
	int order = same_pair(a, b);

	return order ? order : by_number(fact_of(a)->first, fact_of(b)->first);
}

/* What one proposal is made of. */
static int same_rule(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int order = by_text(x->from, y->from);

	order = order ? order : by_text(x->to, y->to);
	order = order ? order : by_number(x->app, y->app);
	if (order || x->app)
		return order;
	order = by_number(x->talk->who.proto, y->talk->who.proto);
	order = order ? order : by_number(x->first, y->first);
	return order ? order : by_number(x->last, y->last);
}

/* In a row, those of one proposal in the order in which they were recorded. */
static int by_rule(const void *a, const void *b)
{
	int order = same_rule(a, b);

	return order ? order
		     : by_number((uintptr_t)fact_of(a)->talk,
				 (uintptr_t)fact_of(b)->talk);
}

bool app_is_product(uint32_t app)
{
	return app >= APP_ID_PRODUCTS && app != POLICY_APP_UNIDENTIFIED;
}

static void choose_apps(struct proposing *p)
{
	sort(p, same_port);
	for (size_t n = 0, end; n < p->n; n = end) {
		bool certain = app_is_product(p->facts[n].app);

		end = run_end(p, n, same_port);
		for (size_t k = n; k < end; k++)
			certain &= p->facts[k].app == p->facts[n].app;
		for (size_t k = n; k < end; k++)
			if (!certain)
				p->facts[k].app = 0;
	}
}

/* Different ports without application in a run; those in first..last. */
static size_t count_ports(const struct proposing *p, size_t n, size_t end,
			  uint16_t first, uint16_t last)
{
	size_t ports = 0;
	uint32_t before = UINT32_MAX;

	for (size_t k = n; k < end; k++) {
		const struct fact *f = &p->facts[k];

		if (f->app || f->first < first || f->last > last ||
		    f->first == before)
			continue;
		before = f->first;
		ports++;
	}
	return ports;
}

static void widen(struct proposing *p, size_t n, size_t end, uint16_t first,
		  uint16_t last)
{
	for (size_t k = n; k < end; k++) {
		struct fact *f = &p->facts[k];

		if (f->app || f->first < first || f->last > last)
			continue;
		f->first = first;
		f->last = last;
	}
}

/* The run is sorted by port. Near ones of at least three become a range. */
static void join_near(struct proposing *p, size_t n, size_t end)
{
	for (size_t k = n, stop; k < end; k = stop) {
		uint16_t first = p->facts[k].first, last = first;

		stop = k + 1;
		if (p->facts[k].app)
			continue;
		while (stop < end && !p->facts[stop].app &&
		       p->facts[stop].first - last <= PROPOSE_PORTS_NEAR)
			last = p->facts[stop++].first;
		if (count_ports(p, k, stop, first, last) >= PROPOSE_RANGE_MIN)
			widen(p, k, stop, first, last);
	}
}

static int by_app_and_port(const void *a, const void *b)
{
	int order = same_pair(a, b);

	order = order ? order : by_number(fact_of(a)->app, fact_of(b)->app);
	return order ? order : by_number(fact_of(a)->first, fact_of(b)->first);
}

static void join_ports(struct proposing *p)
{
	sort(p, by_app_and_port);
	for (size_t n = 0, end; n < p->n; n = end) {
		end = run_end(p, n, same_pair);
		if (!proto_has_ports(p->facts[n].talk->who.proto))
			continue;
		if (count_ports(p, n, end, PROPOSE_EPHEMERAL, UINT16_MAX) >
		    PROPOSE_EPHEMERAL_MAX)
			widen(p, n, end, PROPOSE_EPHEMERAL, UINT16_MAX);
		if (count_ports(p, n, end, 0, UINT16_MAX) > PROPOSE_PORTS_MAX)
			join_near(p, n, end);
	}
}

/* --- telling ---------------------------------------------------------- */

static struct port_word port_word_of(const struct fact *f)
{
	return (struct port_word){ .proto = f->talk->who.proto,
				   .all = !proto_has_ports(f->talk->who.proto),
				   .first = f->first,
				   .last = f->last };
}

static const char *port_of(const struct fact *f, char buf[static PORT_WORD_MAX])
{
	struct port_word w = port_word_of(f);

	return port_word_format(&w, buf);
}

/*
 * Of a range what will be the same when it has grown: about where it begins. A
 * port alone is itself.
 */
json_t *proposal_key(const char *from, const char *to, uint32_t app,
		     const struct port_word *w)
{
	char port[PORT_WORD_MAX];
	struct port_word proto = { .proto = w->proto, .all = true };

	if (app)
		return json_sprintf("%s %s %s", from, to, app_name(app));
	if (w->first == w->last || w->all)
		return json_sprintf("%s %s %s", from, to,
				    port_word_format(w, port));
	return json_sprintf("%s %s %s/range-%u", from, to,
			    port_word_format(&proto, port), w->first / 1024);
}

static json_t *key_of(const struct fact *f)
{
	struct port_word w = port_word_of(f);

	return proposal_key(f->from, f->to, f->app, &w);
}

json_t *intent_proposal_id(const char *key)
{
	struct bytes b = bytes_of(key, strlen(key));

	return json_sprintf("%08x", crc32c_end(crc32c_add(CRC32C_START, b)));
}

static json_t *rule_of(const struct fact *f)
{
	char port[PORT_WORD_MAX];
	json_t *r = json_pack("{s:[s], s:[s]}", "from", f->from, "to", f->to);
	json_t *what =
		json_pack("[s]", f->app ? app_name(f->app) : port_of(f, port));

	/* each fails where r or what is NULL */
	if (json_object_set_new(r, f->app ? "applications" : "ports", what) <
		    0 ||
	    json_object_set_new(r, "action", json_string("allow")) < 0 ||
	    json_object_set_new(r, "origin", json_string("learned")) < 0) {
		json_decref(r);
		return NULL;
	}
	return r;
}

static json_t *provenance_of(const struct proposing *p, size_t n, size_t end)
{
	uint64_t first = UINT64_MAX, last = 0, sessions = 0;
	json_t *ids = json_array(), *o;
	size_t more = 0;
	bool ok = ids != NULL;

	for (size_t k = n; k < end && ok; k++) {
		const struct intent_talk *t = p->facts[k].talk;

		first = t->first_s < first ? t->first_s : first;
		last = t->last_s > last ? t->last_s : last;
		sessions += t->sessions;
		ok = ends_note_workload(&p->ends, t->who.client, ids, &more) &&
		     ends_note_workload(&p->ends, t->who.server, ids, &more);
	}
	o = json_pack("{s:I, s:I, s:I, s:o}", "first_seen", (json_int_t)first,
		      "last_seen", (json_int_t)last, "sessions",
		      (json_int_t)sessions, "workloads", ids);
	if (ok && o && more)
		ok = json_object_set_new(o, "more_workloads",
					 json_integer((json_int_t)more)) == 0;
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static bool tell(struct proposing *p)
{
	bool ok = true;

	sort(p, by_rule);
	for (size_t n = 0, end; n < p->n && ok; n = end) {
		const struct fact *f = &p->facts[n];

		end = run_end(p, n, same_rule);
		ok = json_array_append_new(
			     p->out,
			     json_pack("{s:o, s:o, s:o}", "key", key_of(f),
				       "rule", rule_of(f), "provenance",
				       provenance_of(p, n, end))) == 0;
	}
	return ok;
}

json_t *intent_propose(const struct intent *i, const struct intent_world *world,
		       const struct intent_judge *j,
		       const struct intent_talk *talks, size_t n)
{
	struct proposing p = { .facts = calloc(n + 1, sizeof *p.facts),
			       .out = json_array() };
	bool ok = ends_init(&p.ends, i, world) && p.facts && p.out;

	if (ok) {
		collect(&p, j, talks, n);
		drop_sweeps(&p);
		join_outside(&p);
		choose_apps(&p);
		join_ports(&p);
		ok = tell(&p) && !p.ends.failed;
	}
	ends_done(&p.ends);
	free(p.facts);
	if (ok)
		return p.out;
	json_decref(p.out);
	return NULL;
}
