/*
 * Clients that keep a server waiting: a request that does not end (threat 2015),
 * a window that takes nothing (2016); and echoes that are a tunnel (2020).
 */
#include "inspect/inspect.h"

#include <string.h>

#include "bench.h"
#include "conn.h"
#include "test.h"

static int start(void **state)
{
	*state = bench_new(FLOWS_MIN);
	judge_open(*state, false);
	return 0;
}

static void look_for(struct bench *b, uint32_t id, enum dpi_action action)
{
	struct inspect_settings s = inspect_settings_default();

	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == id)
			s.threats[i] =
				(struct threat_setting){ action != DPI_NONE,
							 (uint8_t)action };
	inspect_configure(b->in, &s);
}

/* How many were logged, and the first one. */
static unsigned threats(struct bench *b, struct threat_record *ret)
{
	static struct threat_record r[THREAT_RECORDS_MAX];
	size_t n = inspect_drain_threats(b->in, r, THREAT_RECORDS_MAX);

	if (n)
		*ret = r[0];
	return (unsigned)n;
}

/* Frames of our own after so long. */
static unsigned wait(struct bench *b, uint32_t ms)
{
	const struct own_frame *frames;

	b->now = usec_add(b->now, ms * 1000ull);
	(void)inspect_age(b->in, b->now); /* there may be more to do */
	return inspect_own_frames(b->in, &frames);
}

/* --- requests that do not end ------------------------------------------------ */

#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED \
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* HTTP/2's preface, settings; a request of stream 1, 3, and bytes of its body. */
#define H2	       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define H2_HEAD	       "\x82\x86\1\1h\x84"
#define H2_GET(n)      "\0\0\6\1\5\0\0\0" n H2_HEAD
#define H2_POST(n)     "\0\0\6\1\4\0\0\0" n H2_HEAD
#define H2_BODY(n)     "\0\0\1\0\0\0\0\0" n "a"
#define H2_OPEN	       "\0\0\2\1\1\0\0\0\1\x82\x86" /* a head goes on, */
#define H2_MORE	       "\0\0\1\x9\0\0\0\0\1\x84"    /* and on */
#define H2_END	       "\0\0\3\x9\4\0\0\0\1\1\1h"
#define H2_PING	       "\0\0\x8\6\0\0\0\0\0abcdefgh"
#define H2_OK(flag, n) "\0\0\1\1" flag "\0\0\0" n "\x88"

/* S: the server says it. */
#define C(text)                             \
	{                                   \
		'C', text, sizeof(text) - 1 \
	}
#define S(text)                             \
	{                                   \
		'S', text, sizeof(text) - 1 \
	}

static const struct waiting_row {
	const char *name;
	struct {
		char who;
		const char *text;
		size_t len;
	} said[4]; /* a second apart */
	uint32_t let_ms, then_ms;
	bool told;
} waiting_rows[] = {
	{ "a head that stops", { C(HEAD) }, 2900, 200, true },
	{ "a head by drops",
	  { C(HEAD), C("A: b\r\n"), C("C: d\r\n") },
	  900,
	  200,
	  true },
	{ "half a first line, after a request",
	  { C(HEAD "\r\nGET /") },
	  2900,
	  200,
	  true },
	{ "a whole head", { C(HEAD "\r\n") }, 60000, 60000, false },
	{ "nothing at all", { { 0 } }, 10000, 10000, false },
	{ "a head in time",
	  { C(HEAD), C("A: b\r\n"), C("\r\n") },
	  60000,
	  1,
	  false },
	{ "no body", { C(POST) }, 29900, 200, true },
	{ "no chunk", { C(CHUNKED) }, 29900, 200, true },
	{ "a body's beginning, with its head",
	  { C(POST "a") },
	  60000,
	  1,
	  false },
	{ "a body's beginning", { C(POST), C("a") }, 60000, 1, false },
	{ "a chunk's beginning", { C(CHUNKED), C("5") }, 60000, 1, false },
	{ "a body that is late", { C(HEAD "\r\n" POST) }, 29900, 200, true },
	{ "the next request's body: it is another one",
	  { C(POST), C("abcde" POST) },
	  29900,
	  200,
	  true },
	{ "HTTP/2: no request", { C(H2) }, 60000, 60000, false },
	{ "HTTP/2: a head that stops", { C(H2 H2_OPEN) }, 2900, 200, true },
	{ "HTTP/2: a head by drops",
	  { C(H2 H2_OPEN), C(H2_MORE), C("\0") },
	  900,
	  200,
	  true },
	{ "HTTP/2: a head in time",
	  { C(H2 H2_OPEN), C(H2_MORE), C(H2_END) },
	  60000,
	  1,
	  false },
	{ "HTTP/2: half a frame", { C(H2 "\0\0\6\1\5") }, 2900, 200, true },
	{ "HTTP/2: a whole head", { C(H2 H2_GET("\1")) }, 60000, 60000, false },
	{ "HTTP/2: no body", { C(H2 H2_POST("\1")) }, 29900, 200, true },
	{ "HTTP/2: no body, and other requests",
	  { C(H2 H2_POST("\1")), C(H2_GET("\3")), C(H2_PING H2_POST("\5")) },
	  27900,
	  200,
	  true },
	{ "HTTP/2: a body's beginning",
	  { C(H2 H2_POST("\1")), C(H2_BODY("\1")) },
	  60000,
	  1,
	  false },
	{ "HTTP/2: another one's, which is the second that is waited for",
	  { C(H2 H2_POST("\1") H2_POST("\3")), C(H2_BODY("\1")) },
	  29900,
	  200,
	  true },
	{ "HTTP/2: it was taken back",
	  { C(H2 H2_POST("\1")), C("\0\0\4\3\0\0\0\0\1\0\0\0\x8") },
	  60000,
	  1,
	  false },
	{ "HTTP/2: answered without a body",
	  { C(H2 H2_POST("\1")), S("\0\0\0\4\0\0\0\0\0" H2_OK("\4", "\1")) },
	  60000,
	  1,
	  false },
	{ "HTTP/2: told to go on",
	  { C(H2 H2_POST("\1")), S("\0\0\0\4\0\0\0\0\0"
				   "\0\0\5\1\4\0\0\0\1\x8\003100") },
	  28900,
	  200,
	  true },
};
#undef C
#undef S

static void assert_waited(struct bench *b, struct conn *c)
{
	static struct threat_record t;

	assert_int_equal(threats(b, &t), 1);
	assert_int_equal(t.id, THREAT_SLOWLORIS);
	assert_int_equal(t.action, DPI_RESET);
	assert_int_equal(t.dst_port, 80);
	assert_true(ip_equal(t.src, ip_of(PEER)));
	assert_int_equal(say(c, true, "a"), -REASON_THREAT);
}

static void one_waiting(struct bench *b, const struct waiting_row *r)
{
	static struct threat_record t;
	struct conn c;

	look_for(b, THREAT_SLOWLORIS, DPI_RESET);
	c = connected(b, false, 80);
	for (unsigned k = 0; k < ARRAY_LEN(r->said) && r->said[k].who; k++) {
		assert_int_equal(wait(b, k > 0 ? 1000 : 0), 0);
		if (say_bytes(&c, r->said[k].who == 'C', r->said[k].text,
			      r->said[k].len) <= 0)
			fail_msg("%s: not said", r->name);
	}
	assert_row(r->name, wait(b, r->let_ms) == 0);
	assert_row(r->name, threats(b, &t) == 0);
	assert_row(r->name, wait(b, r->then_ms) == (r->told ? 2 : 0));
	if (r->told)
		assert_waited(b, &c);
	else
		assert_row(r->name, threats(b, &t) == 0);
}

static void test_waiting(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(waiting_rows); i++) {
		(void)bench_stop(state);
		(void)start(state);
		one_waiting(*state, &waiting_rows[i]);
	}
}

/* The next request of a connection is one, too. */
static void test_waiting_again(void **state)
{
	struct bench *b = *state;
	struct conn c;

	look_for(b, THREAT_SLOWLORIS, DPI_RESET);
	c = connected(b, false, 80);
	for (int i = 0; i < 20; i++) {
		assert_true(say(&c, true, HEAD "\r\n") > 0);
		assert_true(say(&c, false, ANSWER) > 0);
		assert_int_equal(wait(b, 4000), 0);
	}
	assert_true(say(&c, true, HEAD) > 0);
	assert_int_equal(wait(b, 3100), 2);
}

static void test_waiting_by_action(void **state)
{
	static const struct {
		enum dpi_action action;
		bool tap;
		unsigned told, frames;
		bool passes;
	} rows[] = {
		{ DPI_NONE, false, 0, 0, true },
		{ DPI_ALLOW, false, 1, 0, true },
		{ DPI_DROP, false, 1, 0, false },
		{ DPI_RESET, false, 1, 2, false },
		{ DPI_RESET, true, 1, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct threat_record t;
		struct bench *b;
		struct conn c;

		(void)bench_stop(state);
		(void)start(state);
		b = *state;
		judge_open(b, rows[i].tap);
		look_for(b, THREAT_SLOWLORIS, rows[i].action);
		c = connected(b, false, 80);
		(void)say(&c, true, HEAD);
		assert_int_equal(wait(b, 3100), rows[i].frames);
		assert_int_equal(wait(b, 30000), 0);
		assert_int_equal(threats(b, &t), rows[i].told);
		assert_int_equal(say(&c, true, "A: b\r\n") > 0, rows[i].passes);
	}
}

/* Many at once: all of them, a bounded number at a time. */
static void test_many_wait(void **state)
{
	struct bench *b = *state;
	unsigned frames;

	look_for(b, THREAT_SLOWLORIS, DPI_RESET);
	for (int i = 0; i < 40; i++) {
		struct conn c = connected(b, false, 80);

		assert_true(say(&c, true, HEAD) > 0);
	}
	frames = wait(b, 3100);
	assert_true(frames > 0 && frames < 80);
	for (int i = 0; i < 10; i++)
		frames += wait(b, 0);
	assert_int_equal(frames, 80);
}

/* --- windows -------------------------------------------------------------------- */

static int with_window(struct conn *c, bool client, uint8_t flags,
		       uint16_t window, size_t len)
{
	struct frame_spec s = bench_frame(client == c->own, PEER, PROTO_TCP,
					  c->port, c->client_port);
	int reason;

	s.flags = flags;
	s.seq = c->seq[client];
	s.ack = flags & TCP_ACK ? c->seq[!client] : 0;
	s.has_window = true;
	s.window = window;
	s.payload_len = len;
	reason = bench_reason(c->b, s);
	if (reason > 0)
		c->seq[client] += (uint32_t)len + !!(flags & TCP_SYN);
	return reason;
}

static const struct window_row {
	const char *name;
	uint16_t first, then; /* windows of the client */
	uint16_t asked, sent; /* bytes */
	uint32_t ms;
	bool told;
} window_rows[] = {
	{ "nothing is taken", 65535, 0, 100, 0, 8100, true },
	{ "15 bytes", 65535, 15, 100, 1400, 8100, true },
	{ "16 bytes", 65535, 16, 100, 1400, 60000, false },
	{ "it was never wide", 4096, 0, 100, 0, 60000, false },
	{ "not for long", 65535, 0, 100, 0, 7900, false },
	{ "much was asked", 65535, 0, 9000, 0, 60000, false },
	{ "much was sent", 65535, 0, 100, 17000, 60000, false },
};

/* So many bytes, in segments. */
static void send_much(struct conn *c, bool client, uint16_t window, size_t len)
{
	while (len > 0) {
		size_t n = len > 1000 ? 1000 : len;

		(void)with_window(c, client, TCP_ACK, window, n);
		len -= n;
	}
}

/* The reason of its last ACK, with that window for so long. */
static int narrow(struct conn *c, uint16_t window, uint32_t ms)
{
	for (int i = 0; i < 2; i++) {
		assert_true(with_window(c, true, TCP_ACK, window, 0) > 0);
		c->b->now = usec_add(c->b->now, ms * 1000ull / 2);
	}
	return with_window(c, true, TCP_ACK, window, 0);
}

static void one_window(struct bench *b, const struct window_row *r)
{
	struct conn c = { .b = b, .port = 80, .client_port = b->port };
	static struct threat_record t;
	int reason;

	look_for(b, THREAT_SMALL_WINDOW, DPI_RESET);
	(void)with_window(&c, true, TCP_SYN, 65535, 0);
	(void)with_window(&c, false, TCP_SYN | TCP_ACK, 65535, 0);
	(void)with_window(&c, true, TCP_ACK, r->first, 0);
	send_much(&c, true, r->first, r->asked);
	send_much(&c, false, 65535, r->sent);
	reason = narrow(&c, r->then, r->ms);
	assert_row(r->name, r->told ? reason == -REASON_THREAT : reason > 0);
	assert_row(r->name, threats(b, &t) == (r->told ? 1 : 0));
	if (!r->told)
		return;
	assert_int_equal(t.id, THREAT_SMALL_WINDOW);
	assert_int_equal(b->verdict.n_send, 2);
	assert_int_equal(with_window(&c, false, TCP_ACK, 65535, 1),
			 -REASON_THREAT);
}

static void test_window(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(window_rows); i++) {
		(void)bench_stop(state);
		(void)start(state);
		one_window(*state, &window_rows[i]);
	}
}

/* One that opens again begins anew. */
static void test_window_opens(void **state)
{
	struct bench *b = *state;
	struct conn c = { .b = b, .port = 80, .client_port = b->port };

	look_for(b, THREAT_SMALL_WINDOW, DPI_RESET);
	(void)with_window(&c, true, TCP_SYN, 65535, 0);
	(void)with_window(&c, false, TCP_SYN | TCP_ACK, 65535, 0);
	(void)with_window(&c, true, TCP_ACK, 65535, 100);
	for (int i = 0; i < 10; i++) {
		assert_true(with_window(&c, true, TCP_ACK, 0, 0) > 0);
		b->now = usec_add(b->now, 6 * USEC_PER_SEC);
		assert_true(with_window(&c, true, TCP_ACK, 65535, 0) > 0);
	}
}

/* --- echoes ---------------------------------------------------------------------- */

static int echo(struct bench *b, bool v6, bool answer, uint16_t seq,
		const char *text)
{
	struct frame_spec s = bench_frame(!answer, v6 ? "2001:db8::6" : PEER,
					  v6 ? PROTO_ICMPV6 : PROTO_ICMP, 0, 0);

	if (v6 && answer)
		s.daddr = "2001:db8::5";
	else if (v6)
		s.saddr = "2001:db8::5";
	s.icmp_type = v6 ? (answer ? 129 : 128) : answer ? 0 : 8;
	s.icmp_id = 7;
	s.icmp_seq = seq;
	s.payload = (const uint8_t *)text;
	s.payload_len = strlen(text);
	return bench_reason(b, s);
}

static void test_echoes(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		static struct threat_record t;
		struct bench *b;
		uint16_t seq = 1;

		(void)bench_stop(state);
		(void)start(state);
		b = *state;
		/* what others say, but not three times in a row */
		for (int i = 0; i < 30; i++, seq++) {
			const char *said = i % 3 ? "another" : "abc";

			assert_true(echo(b, v6, false, seq, "abc") > 0);
			assert_true(echo(b, v6, true, seq, said) > 0);
		}
		/* late, or twice: nobody knows which bytes were asked */
		for (int i = 0; i < 10; i++, seq++) {
			assert_true(echo(b, v6, false, seq, "abc") > 0);
			assert_true(echo(b, v6, true, seq - 1, "old") > 0);
			assert_true(echo(b, v6, true, seq, "abc") > 0);
			assert_true(echo(b, v6, true, seq, "old") > 0);
		}
		assert_int_equal(threats(b, &t), 0);
		for (int i = 0; i < 3; i++, seq++) {
			assert_true(echo(b, v6, false, seq, "ask") > 0);
			assert_true(echo(b, v6, true, seq, "data") > 0);
		}
		assert_int_equal(threats(b, &t), 1);
		assert_int_equal(t.id, THREAT_ICMP_TUNNEL);
		assert_int_equal(t.action, DPI_ALLOW);
		/* where it is to be dropped, it is */
		look_for(b, THREAT_ICMP_TUNNEL, DPI_DROP);
		for (int i = 0; i < 3; i++, seq++) {
			assert_true(echo(b, v6, false, seq, "ask") > 0);
			assert_int_equal(echo(b, v6, true, seq, "data") > 0,
					 i < 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waiting, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_waiting_again, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_waiting_by_action, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_many_wait, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_window, start, bench_stop),
		cmocka_unit_test_setup_teardown(test_window_opens, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_echoes, start, bench_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
