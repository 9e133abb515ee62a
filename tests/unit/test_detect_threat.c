/*
 * The threat log against a naive model: every slot asked every time. Then what
 * a record says, and that nothing is lost but what is counted as lost. The
 * seed is printed; WEIR_SEED=n runs that one.
 */
#include "detect/threat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image_of.h"
#include "test.h"

#define SLOTS	   12
#define OPERATIONS 60000
#define GAP_US	   (TALLY_GAP_S * USEC_PER_SEC)
#define QUIET_US   (TALLY_QUIET_S * USEC_PER_SEC)
#define LOOK_US	   250000

struct model_slot {
	bool used, logged_ever;
	uint32_t id;
	uint16_t endpoint;
	uint8_t flags;
	uint32_t count;
	uint16_t last_application; /* tells occurrences apart */
	usec_t seen, logged;
	uint64_t touched;
};

/* What is expected of a record. */
struct model_record {
	uint32_t id, count;
	uint16_t endpoint, application;
	uint8_t flags;
	uint64_t at_us;
};

struct model {
	struct threat_log *log;
	struct model_slot slots[SLOTS];
	struct model_record ring[THREAT_RECORDS_MAX];
	uint32_t n_ring;
	struct tally_stats want;
	uint64_t drained; /* occurrences told */
	uint64_t touches, random;
	usec_t now, looked;
};

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static const uint32_t ids[] = {
	THREAT_INVALID_PACKET, THREAT_PING_OF_DEATH, /* only first and flush */
	THREAT_SMALL_MSS, THREAT_SYN_WITH_DATA,	     /* not enabled */
};

static void model_log(struct model *m, struct model_slot *s)
{
	if (m->n_ring == THREAT_RECORDS_MAX) {
		m->want.ring_full++;
		return;
	}
	m->ring[m->n_ring++] = (struct model_record){
		.id = s->id,
		.count = s->count,
		.endpoint = s->endpoint,
		.application = s->last_application,
		.flags = s->flags,
		.at_us = s->seen.us,
	};
	s->count = 0;
	s->logged = m->now;
	s->logged_ever = true;
	m->want.logged++;
}

static bool model_gap_over(const struct model *m, const struct model_slot *s)
{
	return !s->logged_ever || m->now.us - s->logged.us >= GAP_US;
}

static void model_close(struct model *m, struct model_slot *s)
{
	if (s->count)
		model_log(m, s);
	m->want.lost += s->count;
	s->used = false;
}

static struct model_slot *model_room(struct model *m)
{
	struct model_slot *oldest = m->slots;

	for (int i = 0; i < SLOTS; i++) {
		if (!m->slots[i].used)
			return &m->slots[i];
		if (m->slots[i].touched < oldest->touched)
			oldest = &m->slots[i];
	}
	m->want.evicted += oldest->count || !model_gap_over(m, oldest);
	model_close(m, oldest);
	return oldest;
}

static struct model_slot *model_slot(struct model *m, uint32_t id,
				     uint16_t endpoint, uint8_t flags)
{
	struct model_slot *s;

	for (int i = 0; i < SLOTS; i++) {
		s = &m->slots[i];
		if (s->used && s->id == id && s->endpoint == endpoint &&
		    s->flags == flags)
			return s;
	}
	s = model_room(m);
	*s = (struct model_slot){
		.used = true,
		.id = id,
		.endpoint = endpoint,
		.flags = flags,
	};
	return s;
}

static void op_note(struct model *m)
{
	struct threat_event e = {
		.id = ids[any(m, ARRAY_LEN(ids))],
		.count = any(m, 5) ? 1 : 1 + any(m, 9),
		.endpoint = (uint16_t)any(m, 4),
		.flags = (uint8_t)any(m, 3),
		.application = (uint16_t)any(m, 65536),
	};
	bool enabled = e.id != THREAT_SYN_WITH_DATA;
	struct model_slot *s;

	assert_int_equal(threat_note(m->log, &e, m->now),
			 enabled ? DPI_DROP : DPI_NONE);
	if (!enabled)
		return;
	s = model_slot(m, e.id, e.endpoint, e.flags);
	s->count += e.count;
	s->seen = m->now;
	s->last_application = e.application;
	s->touched = ++m->touches;
	m->want.noted += e.count;
	if (!s->logged_ever ||
	    (model_gap_over(m, s) && e.id != THREAT_PING_OF_DEATH))
		model_log(m, s);
}

/*
 * The order in which slots are looked at is not promised, so after a look the
 * model takes over what was logged: it must be exactly what was due.
 */
static void op_age(struct model *m)
{
	bool due[SLOTS] = { false };
	uint32_t n_due = 0, room = THREAT_RECORDS_MAX - m->n_ring;
	bool looks = m->now.us - m->looked.us >= LOOK_US;

	/* A full ring would leave open who gets in. */
	for (int i = 0; i < SLOTS; i++) {
		const struct model_slot *s = &m->slots[i];

		due[i] =
			s->used && s->count && model_gap_over(m, s) &&
			(!s->logged_ever || m->now.us - s->seen.us >= QUIET_US);
		n_due += due[i];
	}
	if (n_due > room && room > 0)
		return;
	threat_age(m->log, m->now);
	if (!looks)
		return;
	m->looked = m->now;
	for (int i = 0; i < SLOTS; i++) {
		struct model_slot *s = &m->slots[i];

		if (due[i])
			model_log(m, s);
		else if (s->used && !s->count && model_gap_over(m, s))
			s->used = false;
	}
}

static bool is_record(const struct model_record *want,
		      const struct threat_record *got)
{
	return got->id == want->id && got->count == want->count &&
	       got->endpoint == want->endpoint &&
	       got->application == want->application &&
	       got->flags == want->flags && got->at_us == want->at_us;
}

/* Each that comes out is expected, and each expected one comes out. */
static void op_drain(struct model *m)
{
	static struct threat_record out[THREAT_RECORDS_MAX];
	size_t n = threat_drain(m->log, out, THREAT_RECORDS_MAX);

	assert_int_equal(n, m->n_ring);
	for (size_t i = 0; i < n; i++) {
		uint32_t at = 0;

		while (at < m->n_ring && !is_record(&m->ring[at], &out[i]))
			at++;
		assert_true(at < m->n_ring);
		m->ring[at] = m->ring[--m->n_ring];
		m->drained += out[i].count;
	}
	assert_int_equal(m->n_ring, 0);
}

static void op_forget(struct model *m)
{
	uint16_t endpoint = (uint16_t)any(m, 4);
	uint32_t n = 0;

	for (int i = 0; i < SLOTS; i++)
		n += m->slots[i].used && m->slots[i].endpoint == endpoint;
	if (n > THREAT_RECORDS_MAX - m->n_ring &&
	    m->n_ring < THREAT_RECORDS_MAX)
		return;
	threat_forget_endpoint(m->log, endpoint, m->now);
	for (int i = 0; i < SLOTS; i++)
		if (m->slots[i].used && m->slots[i].endpoint == endpoint)
			model_close(m, &m->slots[i]);
}

static void save(const void *log, struct image_writer *w)
{
	threat_log_save(log, w);
}

/* What is looked for is not handed over: that is set anew. */
static struct threat_log *new_log(uint64_t seed)
{
	struct threat_log *t = threat_log_new(SLOTS, seed);

	assert_non_null(t);
	return t;
}

static void op_hand_over(struct model *m)
{
	struct test_image i = test_image_of(save, m->log);
	struct threat_log *next = new_log(any(m, UINT32_MAX));

	assert_true(threat_log_load(next, &i.reader));
	test_image_free(&i);
	threat_log_free(m->log);
	m->log = next;
}

static void operate(struct model *m, bool draining)
{
	uint32_t what = any(m, 1000);

	if (what < 4)
		op_hand_over(m);
	else if (what < 500)
		op_note(m);
	else if (what < 700)
		op_age(m);
	else if (what < 705)
		op_forget(m);
	else if (what < 750 && draining)
		op_drain(m);
	else
		m->now = usec_add(m->now, any(m, 4) ? any(m, 300000)
						    : any(m, 3) * QUIET_US);
}

static void assert_stats(struct model *m)
{
	struct tally_stats got = threat_stats(m->log);
	uint64_t waiting = 0;

	m->want.slots = 0;
	for (int i = 0; i < SLOTS; i++) {
		m->want.slots += m->slots[i].used;
		if (m->slots[i].used)
			waiting += m->slots[i].count;
	}
	for (uint32_t i = 0; i < m->n_ring; i++)
		waiting += m->ring[i].count;
	m->want.records = m->n_ring;
	assert_memory_equal(&got, &m->want, sizeof got);
	/* never silently */
	assert_int_equal(got.noted, m->drained + waiting + got.lost);
}

static void test_model(void **state)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .now = { USEC_PER_SEC }, .random = seed | 1 };
	m.want.slots_limit = SLOTS;
	m.want.records_limit = THREAT_RECORDS_MAX;
	m.log = new_log(seed);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		/* at times the control thread is busy for long */
		operate(&m, i / 2000 % 3 != 2);
		assert_stats(&m);
	}
	assert_true(m.want.evicted > 0);
	assert_true(m.want.ring_full > 0);
	assert_true(m.want.lost > 0);
	threat_log_free(m.log);
	threat_log_free(NULL);
}

/* The reference's numbers: when a storm is logged, and with what counts. */
static const struct storm {
	const char *name;
	uint32_t id;
	uint32_t from_ms, to_ms, every_ms;
	struct {
		uint32_t at_ms, count;
	} logs[6]; /* at the look after it, at most 250 ms later */
} storms[] = {
	{ "one", THREAT_INVALID_PACKET, 0, 1, 1, { { 0, 1 } } },
	{ "two: the second when the gap is over",
	  THREAT_INVALID_PACKET,
	  0,
	  2000,
	  1000,
	  { { 0, 1 }, { 10000, 1 } } },
	{ "a long one, each 10 s, and the rest 5 s after it",
	  THREAT_INVALID_PACKET,
	  0,
	  26000,
	  100,
	  { { 0, 1 }, { 10000, 100 }, { 20000, 100 }, { 30900, 59 } } },
	{ "ping of death: its start and its end",
	  THREAT_PING_OF_DEATH,
	  0,
	  26000,
	  100,
	  { { 0, 1 }, { 30900, 259 } } },
	{ "after 10 s it is a new one",
	  THREAT_PING_OF_DEATH,
	  0,
	  24000,
	  11000,
	  { { 0, 1 }, { 11000, 1 }, { 22000, 1 } } },
};

static void assert_logged(const struct storm *s, uint32_t n, uint32_t ms,
			  const struct threat_record *r)
{
	assert_row(s->name, n < ARRAY_LEN(s->logs));
	assert_row(s->name, ms >= s->logs[n].at_ms);
	assert_row(s->name, ms <= s->logs[n].at_ms + 250);
	assert_row(s->name, r->count == s->logs[n].count);
}

static void run_storm(const struct storm *s)
{
	struct threat_log *t = threat_log_new(4, 1);
	struct threat_record r;
	uint32_t n = 0;

	assert_non_null(t);
	for (uint32_t ms = 0; ms < 60000; ms += 50) {
		struct threat_event e = { .id = s->id, .count = 1 };
		usec_t now = { 1 + ms * 1000ULL };

		if (ms >= s->from_ms && ms < s->to_ms && ms % s->every_ms == 0)
			(void)threat_note(t, &e, now);
		threat_age(t, now);
		if (threat_drain(t, &r, 1))
			assert_logged(s, n++, ms, &r);
	}
	assert_row(s->name, n == ARRAY_LEN(s->logs) || !s->logs[n].count);
	assert_row(s->name, threat_stats(t).slots == 0);
	threat_log_free(t);
}

static void test_storms(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(storms); i++)
		run_storm(&storms[i]);
}

static const struct mac real = { { 0x1a, 0x27, 0xf3, 0x87, 0x3a, 0x27 } };

/* 3000 bytes on the wire, with a mark in both addresses. */
static struct packet packet_of(uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i * 7);
	return (struct packet){
		.frame = { .bytes = bytes_of(buf, len), .wire_len = 3000 },
		.ethertype = ETHERTYPE_IP4,
		.proto = PROTO_TCP,
		.saddr = ip_from_v4(0x0a000001),
		.daddr = ip_from_v4(0x0a000002),
		.sport = 80,
		.dport = 4711,
	};
}

static void test_record(void **state)
{
	struct threat_log *t = threat_log_new(4, 1);
	static uint8_t buf[2500];
	struct packet p = packet_of(buf, sizeof buf);
	struct threat_event e = {
		.id = THREAT_SPLIT_HANDSHAKE,
		.count = 1,
		.endpoint = 7,
		.ep_mac = real,
		.flags = THREAT_PACKET_INGRESS,
		.packet = &p,
		.decoded = true,
		.swap = true,
		.application = 1001,
	};
	static struct threat_record r;

	assert_int_equal(threat_note(t, &e, (usec_t){ 99 }), DPI_ALLOW);
	assert_int_equal(threat_drain(t, &r, 1), 1);
	assert_int_equal(r.id, 2004);
	assert_int_equal(r.severity, 3);
	assert_int_equal(r.action, DPI_ALLOW);
	assert_int_equal(r.at_us, 99);
	assert_int_equal(r.endpoint, 7);
	assert_true(mac_equal(r.ep_mac, real));
	assert_int_equal(r.src_port, 4711);
	assert_int_equal(r.dst_port, 80);
	assert_true(ip_equal(r.src, p.daddr));
	assert_int_equal(r.packet_len, THREAT_PACKET_MAX);
	assert_int_equal(r.wire_len, 3000);
	assert_int_equal(r.ethertype, ETHERTYPE_IP4);
	assert_string_equal(r.text, "split handshake");
	/* the mark in the destination is the workload's MAC again */
	assert_memory_equal(r.packet, real.b, 6);
	assert_memory_equal(r.packet + 6, buf + 6, THREAT_PACKET_MAX - 6);
	assert_int_not_equal(buf[0], real.b[0]);
	threat_log_free(t);
}

/* A frame of which nothing is known but its first bytes. */
static void test_short_frames(void **state)
{
	struct threat_log *t = threat_log_new(16, 1);
	static struct threat_record r;
	static uint8_t buf[32];

	for (size_t len = 0; len < 14; len++) {
		struct packet p = packet_of(buf, len);
		struct threat_event e = {
			.id = THREAT_INVALID_PACKET,
			.count = 1,
			.endpoint = (uint16_t)len,
			.ep_mac = real,
			.packet = &p,
			.text = "a text that is much longer than what there is "
				"room for in a record, and is cut",
		};
		bool whole = len >= 12;

		p.frame.wire_len = 0;
		assert_int_equal(threat_note(t, &e, (usec_t){ 99 }), DPI_DROP);
		assert_int_equal(threat_drain(t, &r, 1), 1);
		assert_int_equal(r.packet_len, len);
		assert_int_equal(r.wire_len, len);
		assert_int_equal(r.proto, 0);
		assert_int_equal(r.ethertype, 0);
		assert_int_equal(r.src_port, 0);
		assert_int_equal(strlen(r.text), THREAT_TEXT_MAX - 1);
		assert_memory_equal(r.packet, buf, len < 6 ? len : 6);
		assert_true(!whole || memcmp(r.packet + 6, real.b, 6) == 0);
	}
	threat_log_free(t);
}

static void test_configure(void **state)
{
	struct threat_log *t = threat_log_new(4, 1);
	struct threat_event e = { .id = THREAT_SYN_WITH_DATA, .count = 1 };
	static struct threat_record r;

	assert_int_equal(threat_configure(t, 4711, true, DPI_DROP), -ENOENT);
	assert_int_equal(threat_action(t, 4711), DPI_NONE);
	assert_int_equal(threat_action(t, e.id), DPI_NONE);
	assert_int_equal(threat_note(t, &e, (usec_t){ 1 }), DPI_NONE);
	assert_int_equal(threat_drain(t, &r, 1), 0);
	assert_int_equal(threat_configure(t, e.id, true, DPI_RESET), 0);
	assert_int_equal(threat_action(t, e.id), DPI_RESET);
	assert_int_equal(threat_note(t, &e, (usec_t){ 1 }), DPI_RESET);
	assert_int_equal(threat_drain(t, &r, 1), 1);
	assert_int_equal(r.action, DPI_RESET);
	threat_log_free(t);
}

static void load_hostile(void *arg, const struct image_reader *r)
{
	static struct threat_record out[THREAT_RECORDS_MAX];
	struct threat_log *t = new_log(2);
	uint64_t *random = arg;
	size_t n;

	if (!threat_log_load(t, r))
		assert_int_equal(threat_stats(t).slots, 0);
	n = threat_drain(t, out, THREAT_RECORDS_MAX);
	for (uint32_t i = 0; i < 2 * SLOTS; i++) {
		struct threat_event e = {
			.id = ids[seed_draw(random, ARRAY_LEN(ids))],
			.count = 1,
			.endpoint = (uint16_t)seed_draw(random, 9),
		};

		(void)threat_note(t, &e, (usec_t){ 5 + i * LOOK_US });
		threat_age(t, (usec_t){ 5 + i * LOOK_US });
	}
	n += threat_drain(t, out + n, THREAT_RECORDS_MAX - n);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(threat_kind_find(out[i].id));
		assert_true(out[i].packet_len <= sizeof out[i].packet);
		assert_non_null(memchr(out[i].text, 0, sizeof out[i].text));
	}
	for (uint16_t i = 0; i < 9; i++)
		threat_forget_endpoint(t, i, (usec_t){ 9999 });
	threat_log_free(t);
}

static void test_hostile(void **state)
{
	static uint8_t buf[100];
	struct packet p = packet_of(buf, sizeof buf);
	struct threat_log *t = new_log(1);
	uint64_t random = seed_choose() | 1;
	struct test_image i;

	for (uint16_t n = 0; n < SLOTS / 3; n++) {
		struct threat_event e = { .id = ids[n % 2],
					  .count = 1,
					  .packet = &p,
					  .endpoint = n };

		(void)threat_note(t, &e, (usec_t){ 5 });
		(void)threat_note(t, &e, (usec_t){ 6 });
	}
	i = test_image_of(save, t);
	test_image_hostile(&i, 4000, &random, load_hostile, &random);
	test_image_free(&i);
	threat_log_free(t);
}

static const struct {
	const char *name;
	struct packet p;
	uint32_t want;
} packets[] = {
	{ "ping",
	  { .proto = PROTO_ICMP, .icmp_type = 8, .payload_len = 32000 },
	  0 },
	{ "ping of death",
	  { .proto = PROTO_ICMP, .icmp_type = 8, .payload_len = 32001 },
	  THREAT_PING_OF_DEATH },
	{ "ping6 of death",
	  { .proto = PROTO_ICMPV6, .icmp_type = 128, .payload_len = 40000 },
	  THREAT_PING_OF_DEATH },
	{ "reply",
	  { .proto = PROTO_ICMP, .icmp_type = 0, .payload_len = 40000 },
	  0 },
	{ "SYN", { .proto = PROTO_TCP, .tcp_flags = TCP_SYN }, 0 },
	{ "SYN, usual MSS",
	  { .proto = PROTO_TCP, .tcp_flags = TCP_SYN, .tcp_mss = 256 },
	  0 },
	{ "SYN, small MSS",
	  { .proto = PROTO_TCP, .tcp_flags = TCP_SYN, .tcp_mss = 255 },
	  THREAT_SMALL_MSS },
	{ "SYN+ACK, small MSS, data",
	  { .proto = PROTO_TCP,
	    .tcp_flags = TCP_SYN | TCP_ACK,
	    .tcp_mss = 1,
	    .payload_len = 9 },
	  THREAT_SMALL_MSS },
	{ "SYN with data",
	  { .proto = PROTO_TCP, .tcp_flags = TCP_SYN, .payload_len = 1 },
	  THREAT_SYN_WITH_DATA },
	{ "data",
	  { .proto = PROTO_TCP, .tcp_flags = TCP_ACK, .payload_len = 40000 },
	  0 },
	{ "UDP", { .proto = PROTO_UDP, .payload_len = 40000 }, 0 },
};

static void test_packets(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(packets); i++)
		assert_row(packets[i].name,
			   threat_in_packet(&packets[i].p) == packets[i].want);
}

/* Reference 6.2. */
static const struct {
	uint32_t id;
	uint8_t severity;
	bool enabled;
	enum dpi_action action;
} known[] = {
	{ 1001, 5, true, DPI_DROP },   { 1002, 5, true, DPI_DROP },
	{ 1003, 4, false, DPI_DROP },  { 2001, 3, true, DPI_DROP },
	{ 2002, 5, true, DPI_DROP },   { 2003, 3, false, DPI_DROP },
	{ 2004, 3, true, DPI_ALLOW },  { 2005, 3, false, DPI_RESET },
	{ 2006, 5, true, DPI_DROP },   { 2007, 5, true, DPI_DROP },
	{ 2008, 2, true, DPI_ALLOW },  { 2009, 5, true, DPI_DROP },
	{ 2010, 5, true, DPI_DROP },   { 2011, 3, true, DPI_DROP },
	{ 2012, 1, false, DPI_ALLOW }, { 2013, 4, true, DPI_DROP },
	{ 2014, 4, true, DPI_DROP },   { 2015, 5, false, DPI_RESET },
	{ 2016, 4, false, DPI_RESET }, { 2017, 5, true, DPI_ALLOW },
	{ 2018, 1, true, DPI_ALLOW },  { 2019, 5, true, DPI_DROP },
	{ 2020, 5, true, DPI_ALLOW },  { 2021, 5, false, DPI_ALLOW },
	{ 2022, 5, true, DPI_DROP },   { 2023, 5, true, DPI_DROP },
	{ 2025, 4, true, DPI_DROP },   { 2026, 5, true, DPI_DROP },
	{ 2027, 1, false, DPI_ALLOW },
};

static void test_kinds(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct threat_kind *k = threat_kind_find(known[i].id);

		assert_non_null(k);
		assert_int_equal(k->severity, known[i].severity);
		assert_int_equal(k->enabled, known[i].enabled);
		assert_int_equal(k->action, known[i].action);
		assert_true(strlen(k->name) < THREAT_TEXT_MAX);
	}
	assert_int_equal(ARRAY_LEN(known), THREAT_KINDS);
	assert_null(threat_kind_find(2024));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_storms),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_short_frames),
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
