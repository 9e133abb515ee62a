/*
 * Connection reports against a naive model: sessions come, carry bytes, change
 * and end at random; the model keeps its records in an array and compares all
 * that is taken out. Then the rules of when a session is told of, one by one.
 * The seed is printed; WEIR_SEED=n runs that one.
 */
#include "inspect/report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "images.h"
#include "packet/packet.h"
#include "test.h"
#include "wire/words.h"

#define LIMIT	   24
#define SESSIONS   40
#define OPERATIONS 100000

struct model_record {
	struct connection_record c;
	enum report_worth worth;
	uint64_t moved; /* when it came into the list of its worth */
};

struct model_session {
	struct report_session s;
	struct flow_told told;
	/* What the model holds to have been told. */
	bool started, tried;
	uint64_t bytes, packets;
	uint64_t tried_s;
};

struct model {
	struct reports *reports;
	struct model_record records[LIMIT];
	size_t n;
	struct model_session sessions[SESSIONS];
	struct report_stats want;
	uint64_t moves, random;
	usec_t now;
};

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

/* What one event is to add. */
struct model_event {
	uint64_t bytes, packets, first_us, last_us;
	uint32_t sessions, violations;
	uint16_t application;
	enum report_worth worth;
};

static bool same_key(const struct connection_record *c,
		     const struct report_session *s, uint16_t application)
{
	bool icmp = s->proto == PROTO_ICMP;

	return c->endpoint == s->endpoint && mac_equal(c->ep_mac, s->ep_mac) &&
	       ip_equal(c->client, s->client) &&
	       ip_equal(c->server, s->server) &&
	       c->server_port == (icmp ? 0 : s->server_port) &&
	       c->proto == s->proto && c->application == application &&
	       c->policy_id == s->policy_id && c->flags == s->flags;
}

static void model_remove(struct model *m, size_t i)
{
	m->records[i] = m->records[--m->n];
}

/* The first in its list of all worth less; LIMIT: none. */
static size_t model_gives_way(const struct model *m, enum report_worth worth)
{
	size_t at = LIMIT;

	for (size_t i = 0; i < m->n; i++) {
		const struct model_record *r = &m->records[i];

		if (r->worth >= worth)
			continue;
		if (at == LIMIT || r->worth < m->records[at].worth ||
		    (r->worth == m->records[at].worth &&
		     r->moved < m->records[at].moved))
			at = i;
	}
	return at;
}

static struct model_record *model_record(struct model *m,
					 const struct report_session *s,
					 const struct model_event *e)
{
	struct model_record *r;

	for (size_t i = 0; i < m->n; i++)
		if (same_key(&m->records[i].c, s, e->application))
			return &m->records[i];
	if (m->n == LIMIT) {
		size_t i = model_gives_way(m, e->worth);

		if (i == LIMIT)
			return NULL;
		m->want.evicted[m->records[i].worth]++;
		model_remove(m, i);
	}
	r = &m->records[m->n++];
	*r = (struct model_record){
		.c = { .endpoint = s->endpoint,
		       .ep_mac = s->ep_mac,
		       .proto = s->proto,
		       .server_port = s->proto == PROTO_ICMP ? 0
							     : s->server_port,
		       .client = s->client,
		       .server = s->server,
		       .flags = s->flags,
		       .application = e->application,
		       .policy_id = s->policy_id,
		       .first_us = e->first_us },
		.worth = e->worth,
		.moved = ++m->moves,
	};
	m->want.made++;
	return r;
}

static bool model_tell(struct model *m, const struct report_session *s,
		       const struct model_event *e)
{
	struct model_record *r = model_record(m, s, e);

	if (!r)
		return false;
	if (e->worth > r->worth) {
		r->worth = e->worth;
		r->moved = ++m->moves;
	}
	r->c.action = s->action;
	r->c.bytes += e->bytes;
	r->c.packets += e->packets;
	r->c.sessions += e->sessions;
	r->c.violations += e->violations;
	if (e->first_us < r->c.first_us)
		r->c.first_us = e->first_us;
	if (e->last_us > r->c.last_us)
		r->c.last_us = e->last_us;
	if (s->severity > r->c.severity) {
		r->c.severity = s->severity;
		r->c.threat_id = s->threat_id;
	}
	if (s->proto == PROTO_UDP && s->server_port == 53 &&
	    !(s->flags & CONNECTION_INGRESS) && s->client_bytes > 800)
		r->c.client_port = s->client_port;
	m->want.told++;
	return true;
}

static enum report_worth model_worth(const struct report_session *s)
{
	if (s->action == POLICY_VIOLATE || s->action == POLICY_DENY ||
	    s->threat_id)
		return REPORT_VIOLATION;
	return s->action == POLICY_LEARN ? REPORT_LEARN : REPORT_PLAIN;
}

/* The rules of the reference, one after the other. */
static bool model_speaks(const struct model *m, const struct model_session *x,
			 enum report_event what)
{
	const struct report_session *s = &x->s;
	bool worth = model_worth(s) == REPORT_VIOLATION;
	uint64_t now_s = m->now.us / USEC_PER_SEC;
	uint64_t every = s->proto == PROTO_UDP && s->server_port == 53 ? 15
								       : 60;

	if (what == REPORT_PACKET && x->tried && now_s - x->tried_s < every)
		return false;
	if (x->started && what == REPORT_END)
		return s->client_bytes + s->server_bytes > x->bytes ||
		       s->client_packets + s->server_packets > x->packets;
	if (x->started)
		return true;
	if (what == REPORT_END)
		return s->established || s->server_packets || worth;
	if ((what == REPORT_CHANGED || what == REPORT_THREAT) && worth)
		return true;
	if (!s->app_certain)
		return false;
	if (s->proto == PROTO_TCP)
		return s->established;
	return s->proto == PROTO_ICMP ? s->server_packets > 0 : true;
}

static void model_event(struct model *m, struct model_session *x,
			enum report_event what)
{
	const struct report_session *s = &x->s;
	bool starts = !x->started, violates = s->action >= POLICY_VIOLATE;
	struct model_event e = {
		.bytes = s->client_bytes + s->server_bytes - x->bytes,
		.packets = s->client_packets + s->server_packets - x->packets,
		.first_us = starts ? s->first_seen.us : s->last_seen.us,
		.last_us = s->last_seen.us,
		.sessions = starts,
		.violations = violates && (starts || what == REPORT_CHANGED),
		.application = s->application,
		.worth = model_worth(s),
	};

	if (!model_speaks(m, x, what))
		return;
	x->tried = true;
	x->tried_s = m->now.us / USEC_PER_SEC;
	if (model_tell(m, s, &e)) {
		x->started = true;
		x->bytes += e.bytes;
		x->packets += e.packets;
	} else if (what == REPORT_END || (!starts && e.violations)) {
		m->want.lost[e.worth]++;
	} else {
		m->want.deferred++;
	}
}

static void event(struct model *m, struct model_session *x,
		  enum report_event what)
{
	report_session(m->reports, &x->s, &x->told, what, m->now);
	model_event(m, x, what);
}

static const uint8_t actions[] = {
	POLICY_ALLOW, POLICY_ALLOW,   POLICY_OPEN,
	POLICY_LEARN, POLICY_VIOLATE, POLICY_DENY,
};

static struct report_session any_session(struct model *m)
{
	static const uint8_t protos[] = { PROTO_TCP, PROTO_UDP, PROTO_ICMP };
	static const uint16_t ports[] = { 53, 443 };

	return (struct report_session){
		.endpoint = (uint16_t)any(m, 2),
		.ep_mac = { { 2, 0, 0, 0, 0, (uint8_t)any(m, 2) } },
		.client = ip_from_v4(any(m, 3)),
		.server = ip_from_v4(9),
		.client_port = (uint16_t)(1000 + any(m, 9)),
		.server_port = ports[any(m, 2)],
		.proto = protos[any(m, 3)],
		.action = actions[any(m, ARRAY_LEN(actions))],
		.flags = any(m, 2) ? CONNECTION_INGRESS : 0,
		.policy_id = any(m, 2),
		.client_packets = 1,
		.client_bytes = any(m, 500),
		.first_seen = m->now,
		.last_seen = m->now,
	};
}

/* A packet, and what it may make known. */
static void op_packet(struct model *m)
{
	struct model_session *x = &m->sessions[any(m, SESSIONS)];
	bool dns, due;

	if (!x->s.client_packets) {
		*x = (struct model_session){ .s = any_session(m) };
	} else if (any(m, 2)) {
		x->s.server_packets++;
		x->s.server_bytes += any(m, 1500);
		x->s.established |= x->s.proto == PROTO_TCP;
	} else {
		x->s.client_packets++;
		x->s.client_bytes += any(m, 1500);
	}
	if (!any(m, 3) && !x->s.app_certain) {
		x->s.application = (uint16_t)(1001 + any(m, 2));
		x->s.app_certain = true;
	}
	x->s.last_seen = m->now;
	dns = report_is_dns(x->s.proto, x->s.server_port);
	due = report_is_due(&x->told, dns, m->now);
	/* nothing can be told of what is not due */
	assert_true(due || !model_speaks(m, x, REPORT_PACKET));
	event(m, x, REPORT_PACKET);
}

static void op_change(struct model *m)
{
	struct model_session *x = &m->sessions[any(m, SESSIONS)];

	if (!x->s.client_packets)
		return;
	if (any(m, 4)) {
		x->s.action = actions[any(m, ARRAY_LEN(actions))];
		x->s.policy_id = any(m, 2);
	} else {
		x->s.threat_id = 2000 + any(m, 3);
		x->s.severity = (uint8_t)(1 + any(m, 5));
	}
	event(m, x, REPORT_CHANGED);
}

static void op_end(struct model *m)
{
	struct model_session *x = &m->sessions[any(m, SESSIONS)];

	if (!x->s.client_packets)
		return;
	event(m, x, REPORT_END);
	*x = (struct model_session){ 0 };
}

static void op_denied(struct model *m)
{
	struct report_session s = any_session(m);
	struct model_event e = {
		.packets = 1,
		.first_us = m->now.us,
		.last_us = m->now.us,
		.violations = 1,
		.application = APPLICATION_NOT_CHECKED,
		.worth = REPORT_VIOLATION,
	};

	s.action = POLICY_DENY;
	report_denied(m->reports, &s, 1, m->now);
	if (!model_tell(m, &s, &e))
		m->want.lost[REPORT_VIOLATION]++;
}

/* The next one out: worth most, and of these the first in its list. */
static size_t model_next(const struct model *m)
{
	size_t at = 0;

	for (size_t i = 1; i < m->n; i++) {
		const struct model_record *a = &m->records[i];
		const struct model_record *b = &m->records[at];

		if (a->worth > b->worth ||
		    (a->worth == b->worth && a->moved < b->moved))
			at = i;
	}
	return at;
}

static void assert_record(const struct connection_record *got,
			  const struct connection_record *want)
{
	assert_int_equal(got->endpoint, want->endpoint);
	assert_memory_equal(&got->ep_mac, &want->ep_mac, 6);
	assert_int_equal(got->proto, want->proto);
	assert_int_equal(got->action, want->action);
	assert_int_equal(got->server_port, want->server_port);
	assert_int_equal(got->client_port, want->client_port);
	assert_true(ip_equal(got->client, want->client));
	assert_true(ip_equal(got->server, want->server));
	assert_int_equal(got->flags, want->flags);
	assert_int_equal(got->application, want->application);
	assert_int_equal(got->severity, want->severity);
	assert_int_equal(got->threat_id, want->threat_id);
	assert_int_equal(got->policy_id, want->policy_id);
	assert_int_equal(got->violations, want->violations);
	assert_int_equal(got->sessions, want->sessions);
	assert_int_equal(got->bytes, want->bytes);
	assert_int_equal(got->packets, want->packets);
	assert_int_equal(got->first_us, want->first_us);
	assert_int_equal(got->last_us, want->last_us);
}

static void op_drain(struct model *m)
{
	struct connection_record out[LIMIT + 1];
	size_t max = any(m, LIMIT + 2);
	size_t n, want = m->n < max ? m->n : max;

	assert_int_equal(reports_pending(m->reports), m->n);
	n = reports_drain(m->reports, out, max);
	assert_int_equal(n, want);
	for (size_t i = 0; i < n; i++) {
		size_t at = model_next(m);

		assert_record(&out[i], &m->records[at].c);
		model_remove(m, at);
	}
}

static void op_hand_over(struct model *m)
{
	struct reports *next = reports_new(LIMIT, m->random);
	struct images i;

	assert_non_null(next);
	images_count(&i);
	reports_save(m->reports, &i.w);
	images_write(&i);
	reports_save(m->reports, &i.w);
	images_read(&i);
	assert_true(reports_load(next, &i.r));
	free(i.memory);
	reports_free(m->reports);
	m->reports = next;
}

static void assert_stats(struct model *m)
{
	struct report_stats got = reports_stats(m->reports);

	m->want.in_use = (uint32_t)m->n;
	assert_memory_equal(&got, &m->want, sizeof got);
}

static void test_model(void **state)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .now = { USEC_PER_SEC }, .random = seed | 1 };
	m.want.limit = LIMIT;
	m.reports = reports_new(LIMIT, seed);
	assert_non_null(m.reports);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		uint32_t what = any(&m, 1000);

		if (what < 500)
			op_packet(&m);
		else if (what < 600)
			op_change(&m);
		else if (what < 690)
			op_end(&m);
		else if (what < 760)
			op_denied(&m);
		else if (what < (i / 1000 % 2 ? 764u : 840u))
			op_drain(&m);
		else if (what < 850)
			op_hand_over(&m);
		else
			m.now = usec_add(m.now, any(&m, 8 * USEC_PER_SEC));
		assert_stats(&m);
	}
	/* It was worth it. */
	assert_true(m.want.deferred > 0);
	assert_true(m.want.evicted[REPORT_PLAIN] > 0);
	assert_true(m.want.evicted[REPORT_LEARN] > 0);
	assert_int_equal(m.want.evicted[REPORT_VIOLATION], 0);
	for (int w = 0; w < REPORT_WORTH__MAX; w++)
		assert_true(m.want.lost[w] > 0);
	reports_free(m.reports);
	reports_free(NULL);
}

/* One session, one event after the other, and what they add up to. */
struct step {
	uint32_t at_s;
	enum report_event what;
	uint64_t client_packets, server_packets, bytes;
	bool app_certain, established;
	uint8_t action;
	/* Wanted: a record taken out after it; sessions UINT32_MAX: none. */
	uint32_t sessions, violations;
	uint64_t want_bytes;
};

#define NO_RECORD UINT32_MAX

static const struct life {
	const char *name;
	uint8_t proto;
	uint16_t port;
	struct step steps[6]; /* those without a client packet are none */
} lives[] = {
	{ "TCP: certain, each 60 s, end",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 1, 0, 0, 0, 0, 2, NO_RECORD },
	    { 1, REPORT_PACKET, 3, 2, 500, 1, 1, 2, 1, 0, 500 },
	    { 60, REPORT_PACKET, 9, 9, 800, 1, 1, 2, NO_RECORD },
	    { 61, REPORT_PACKET, 10, 9, 900, 1, 1, 2, 0, 0, 400 },
	    { 70, REPORT_PACKET, 11, 9, 950, 1, 1, 2, NO_RECORD },
	    { 99, REPORT_END, 11, 9, 950, 1, 1, 2, 0, 0, 50 } } },
	{ "a port scan is not told of",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 1, 0, 0, 0, 0, 2, NO_RECORD },
	    { 20, REPORT_END, 1, 0, 0, 0, 0, 2, NO_RECORD } } },
	{ "... even where the application is given by the port",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 1, 0, 0, 1, 0, 2, NO_RECORD },
	    { 20, REPORT_END, 1, 0, 0, 1, 0, 2, NO_RECORD } } },
	{ "... but one that violates is",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 1, 0, 0, 0, 0, 6, NO_RECORD },
	    { 20, REPORT_END, 1, 0, 0, 0, 0, 6, 1, 1, 0 } } },
	{ "refused: answered, so it is told of",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 1, 1, 0, 0, 0, 2, NO_RECORD },
	    { 15, REPORT_END, 1, 1, 0, 0, 0, 2, 1, 0, 0 } } },
	{ "one that never became certain: at its end",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 3, 2, 70, 0, 1, 2, NO_RECORD },
	    { 99, REPORT_END, 3, 2, 70, 0, 1, 2, 1, 0, 70 } } },
	{ "UDP DNS: each 15 s",
	  PROTO_UDP,
	  53,
	  { { 0, REPORT_PACKET, 1, 0, 40, 1, 0, 2, 1, 0, 40 },
	    { 14, REPORT_PACKET, 2, 2, 90, 1, 0, 2, NO_RECORD },
	    { 15, REPORT_PACKET, 3, 3, 99, 1, 0, 2, 0, 0, 59 },
	    { 45, REPORT_END, 3, 3, 99, 1, 0, 2, NO_RECORD } } },
	{ "TCP DNS: each 60 s",
	  PROTO_TCP,
	  53,
	  { { 0, REPORT_PACKET, 3, 1, 40, 1, 1, 2, 1, 0, 40 },
	    { 15, REPORT_PACKET, 4, 2, 90, 1, 1, 2, NO_RECORD },
	    { 60, REPORT_PACKET, 5, 3, 99, 1, 1, 2, 0, 0, 59 } } },
	{ "a ping: when it is answered",
	  PROTO_ICMP,
	  2048,
	  { { 0, REPORT_PACKET, 1, 0, 64, 1, 0, 2, NO_RECORD },
	    { 1, REPORT_PACKET, 1, 1, 128, 1, 0, 2, 1, 0, 128 },
	    { 9, REPORT_END, 1, 1, 128, 1, 0, 2, NO_RECORD } } },
	{ "judged anew: each time one violation",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 3, 1, 40, 1, 1, 2, 1, 0, 40 },
	    { 1, REPORT_CHANGED, 4, 1, 50, 1, 1, 6, 0, 1, 10 },
	    { 2, REPORT_CHANGED, 4, 1, 50, 1, 1, 7, 0, 1, 0 },
	    { 3, REPORT_CHANGED, 4, 1, 50, 1, 1, 2, 0, 0, 0 },
	    { 99, REPORT_END, 4, 1, 50, 1, 1, 2, NO_RECORD } } },
	{ "denied before it is certain: at once",
	  PROTO_TCP,
	  443,
	  { { 0, REPORT_PACKET, 3, 1, 40, 0, 1, 5, NO_RECORD },
	    { 1, REPORT_CHANGED, 4, 1, 50, 0, 1, 7, 1, 1, 50 } } },
};

static void live_step(const struct life *l, const struct step *x,
		      struct reports *r, struct flow_told *told)
{
	usec_t now = { (1000 + x->at_s) * USEC_PER_SEC };
	struct connection_record c;
	size_t n;
	struct report_session s = {
		.proto = l->proto,
		.server_port = l->port,
		.action = x->action,
		.app_certain = x->app_certain,
		.established = x->established,
		.client_packets = x->client_packets,
		.server_packets = x->server_packets,
		.client_bytes = x->bytes,
		.first_seen = { 1000 * USEC_PER_SEC },
		.last_seen = now,
	};

	report_session(r, &s, told, x->what, now);
	n = reports_drain(r, &c, 1);
	assert_row(l->name, n == (x->sessions != NO_RECORD));
	if (!n)
		return;
	assert_row(l->name, c.sessions == x->sessions);
	assert_row(l->name, c.violations == x->violations);
	assert_row(l->name, c.bytes == x->want_bytes);
	assert_row(l->name, c.action == x->action);
	assert_row(l->name, c.last_us == now.us);
}

static void live(const struct life *l)
{
	struct reports *r = reports_new(4, 1);
	struct flow_told told = { 0 };

	assert_non_null(r);
	for (size_t i = 0; i < ARRAY_LEN(l->steps); i++)
		if (l->steps[i].client_packets)
			live_step(l, &l->steps[i], r, &told);
	reports_free(r);
}

static void test_lives(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(lives); i++)
		live(&lives[i]);
}

/* However many are denied: each is told of, in one record. */
static void test_denied_merge(void **state)
{
	struct reports *r = reports_new(4, 1);
	struct report_session s = { .proto = PROTO_TCP,
				    .server_port = 22,
				    .policy_id = 9,
				    .client_bytes = 60,
				    .action = POLICY_DENY,
				    .server = ip_from_v4(7) };
	struct connection_record c;

	for (uint32_t i = 0; i < 1000; i++) {
		s.client_port = (uint16_t)i;
		report_denied(r, &s, 1, (usec_t){ 10 + i });
	}
	assert_int_equal(reports_drain(r, &c, 1), 1);
	assert_int_equal(c.sessions, 0);
	assert_int_equal(c.violations, 1000);
	assert_int_equal(c.packets, 1000);
	assert_int_equal(c.bytes, 0);
	assert_int_equal(c.application, 1);
	assert_int_equal(c.policy_id, 9);
	assert_int_equal(c.client_port, 0);
	assert_int_equal(c.first_us, 10);
	assert_int_equal(c.last_us, 1009);
	reports_free(r);
}

static void test_flags(void **state)
{
	static const struct {
		uint16_t session, connection;
	} rows[] = {
		{ SESSION_INGRESS, 0x0001 },
		{ SESSION_EXTERNAL, 0x0002 },
		{ SESSION_XFF, 0x0004 },
		{ SESSION_SVC_EXTIP, 0x0008 },
		{ SESSION_MESH, 0x0010 },
		{ SESSION_LINK_LOCAL, 0x0020 },
		{ SESSION_TMP_OPEN, 0x0040 },
		{ SESSION_UNMANAGED, 0x0080 },
		{ SESSION_NBE_CHECK, 0x0100 },
		{ SESSION_NBE_SAME, 0x0200 },
		{ SESSION_TAP, 0 },
		{ SESSION_MIDSTREAM, 0 },
		{ UINT16_MAX, 0x03ff },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(report_flags(rows[i].session),
				 rows[i].connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_denied_merge),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
