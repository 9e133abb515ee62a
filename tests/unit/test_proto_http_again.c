/*
 * Random conversations of heads that come again and again, cut at random: a parser
 * that remembers heads tells what one tells that never does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http1.h"
#include "proto/http_again.h"
#include "proto/worker.h"
#include "proto/worker_own.h"
#include "seed.h"
#include "test.h"

#define HEADS	 24
#define HEAD_MAX 3000
#define CALLS	 12000
#define LOG_MAX	 (256u << 10)
#define SAME_MAX (1u << 20)

static uint64_t rnd;

static uint32_t draw(uint32_t below)
{
	return seed_draw(&rnd, below);
}

struct text {
	size_t len;
	char begin[HEAD_MAX];
};

/* What comes before a head's headers, and behind them, is drawn anew. */
static struct text heads[HEADS];

static void add(struct text *t, const char *more)
{
	size_t len = strlen(more);

	assert_true(t->len + len < HEAD_MAX);
	memcpy(t->begin + t->len, more, len);
	t->len += len;
}

static void random_head(struct text *t)
{
	static const char *const lines[] = {
		"Host: www.Example.test:80\r\n",
		"Host: b\r\n",
		"User-Agent: curl/7.88.1\r\n",
		"Accept: */*\r\n",
		"Cookie: a=b; c=d\r\n",
		"Server: nginx/1.22.1\r\n",
		"Server: Apache\r\n",
		"Content-Type: text/html\r\n",
		"Content-Length: 3\r\n",
		"Transfer-Encoding: chunked\r\n",
		"Date: Mon, 30 Nov 2026 07:42:44 GMT\r\n",
		"X-Forwarded-For: 10.0.0.1\r\n",
		"Referer: http://x/\r\n",
		"X-Consul-Index: 1\r\n",
		"Connection: keep-alive\r\n",
		/* told anew, noted, or both */
		"X:y\r\n",
		"X:  y \r\n",
		"Accept: */*\n",
		"X: a\r\n b\r\n",
		"no colon\r\n",
		"Host : c\r\n",
		"Content-Length: 3, 4\r\n",
		"Content-Length: -1\r\n",
		"Transfer-Encoding: chunked\r\n",
		"Content-Encoding: what\r\n",
		"X: \x01\r\n",
		"X: a\rb\r\n",
	};
	uint32_t n = 1 + draw(8), sane = draw(3) ? 15 : 27;
	static char filler[1400];

	*t = (struct text){ 0 };
	for (uint32_t i = 0; i < n; i++)
		add(t, lines[draw(sane)]);
	if (draw(8) == 0) { /* too long to be kept, or nearly */
		uint32_t len = 900 + draw(300);

		memset(filler, 'x', len);
		filler[len] = 0;
		add(t, "X-Long: ");
		add(t, filler);
		add(t, "\r\n");
	}
	add(t, draw(12) ? "\r\n" : "\n");
}

/* --- what is told -------------------------------------------------------- */

struct side {
	struct proto_worker *worker;
	_Alignas(8) uint8_t state[PARSER_STATE_SMALL];
	char *log;
	size_t len;
	bool remembers;
	uint32_t stop_in; /* calls of the sink; 0: never */
};

/* What the first piece with a number said: its field, its bytes. */
static struct text *same[SAME_MAX];
static unsigned n_same, n_bodies; /* bodies: of one piece */

static bool count(struct side *s)
{
	assert_true(s->len < LOG_MAX - 2 * HEAD_MAX);
	return s->stop_in == 0 || --s->stop_in > 0;
}

/* Equal numbers, equal bytes. */
static void check_same(const struct proto_piece *p)
{
	struct text **t = &same[p->same % SAME_MAX];
	size_t len = bytes_len(p->bytes);

	assert_true(p->same < SAME_MAX && p->begin && p->end && !p->cut);
	if (!*t) {
		*t = calloc(1, sizeof **t);
		assert_non_null(*t);
		(*t)->begin[0] = (char)p->field;
		if (len > 0)
			memcpy((*t)->begin + 1, p->bytes.begin, len);
		(*t)->len = len + 1;
		n_same++;
		return;
	}
	assert_int_equal((*t)->len, len + 1);
	assert_int_equal((*t)->begin[0], p->field);
	if (len > 0)
		assert_memory_equal((*t)->begin + 1, p->bytes.begin, len);
}

static bool piece(void *arg, const struct proto_piece *p)
{
	struct side *s = arg;

	s->len += (size_t)snprintf(s->log + s->len, LOG_MAX - s->len,
				   "%u %s %d%d%d ", p->side,
				   proto_field_name((enum proto_field)p->field),
				   p->begin, p->end, p->cut);
	if (bytes_len(p->bytes) > 0)
		memcpy(s->log + s->len, p->bytes.begin, bytes_len(p->bytes));
	s->len += bytes_len(p->bytes);
	n_bodies += p->field == FIELD_HTTP_RESPONSE_BODY && p->begin && p->end;
	/* the other one may remember during a call */
	if (p->same && s->remembers)
		check_same(p);
	return count(s);
}

static bool word(struct side *s, const char *what, uint32_t number)
{
	s->len += (size_t)snprintf(s->log + s->len, LOG_MAX - s->len,
				   "\n%s %u\n", what, number);
	return count(s);
}

static bool note(void *arg, enum proto_side side, enum proto_note n)
{
	return word(arg, proto_note_name(n), side);
}

static bool asked(void *arg)
{
	return word(arg, "asked", 0);
}

static bool ended(void *arg, enum proto_side side)
{
	return word(arg, "ended", side);
}

static bool known(void *arg, uint32_t app)
{
	return word(arg, "known", app);
}

static struct proto_result read_by(struct side *s, const struct proto_chunk *c,
				   const uint64_t *unwanted, uint32_t stop_in)
{
	struct proto_sink sink = { .piece = piece,
				   .note = note,
				   .asked = asked,
				   .ended = ended,
				   .known = known,
				   .arg = s };

	memcpy(sink.unwanted, unwanted, sizeof sink.unwanted);
	s->len = 0;
	s->stop_in = stop_in;
	return proto_http.read(s->state, s->worker, c, &sink);
}

/* --- conversations ------------------------------------------------------- */

struct conversation {
	uint8_t bytes[PROTO_SIDE__MAX][8 * HEAD_MAX];
	size_t len[PROTO_SIDE__MAX];
	size_t left[PROTO_SIDE__MAX]; /* unread: is shown again */
};

static void say(struct conversation *c, unsigned side)
{
	static const char *const requests[] = { "GET / HTTP/1.1\r\n",
						"HEAD /a?b HTTP/1.1\r\n",
						"POST  /x HTTP/1.0\r\n",
						"GET http://h/ HTTP/1.1\r\n",
						"GET /a\rb HTTP/1.1\r\n" };
	static const char *const answers[] = { "HTTP/1.1 200 OK\r\n",
					       "HTTP/1.1 304 Not Modified\r\n",
					       "HTTP/1.0 404 No\r\n",
					       "\r\nHTTP/1.1 100 Go\r\n" };
	const struct text *head = &heads[draw(HEADS)];
	struct text whole = { 0 };

	if (c->len[side] > 4 * (size_t)HEAD_MAX)
		return;
	add(&whole,
	    side == PROTO_CLIENT ? requests[draw(5)] : answers[draw(4)]);
	memcpy(whole.begin + whole.len, head->begin, head->len);
	whole.len += head->len;
	if (memmem(head->begin, head->len, "Length: 3\r", 10))
		add(&whole, draw(2) ? "abc" : "xyz");
	if (memmem(head->begin, head->len, "chunked", 7))
		add(&whole,
		    draw(2) ? "3\r\nabc\r\n0\r\n\r\n" : "0\r\nHost: d\r\n\r\n");
	memcpy(c->bytes[side] + c->len[side], whole.begin, whole.len);
	c->len[side] += whole.len;
}

static void begin(struct side s[2], struct conversation *c)
{
	for (unsigned i = 0; i < 2; i++) {
		if (proto_http.end)
			proto_http.end(s[i].state, s[i].worker);
		memset(s[i].state, 0, sizeof s[i].state);
	}
	memset(c->len, 0, sizeof c->len);
	memset(c->left, 0, sizeof c->left);
}

/* One call of both. */
static void one_call(struct side s[2], struct conversation *c)
{
	unsigned side = draw(2);
	struct proto_chunk chunk = { .side = (uint8_t)side };
	uint64_t unwanted[FIELD_WORDS] = { 0 };
	uint32_t stop_in = draw(400) == 0 ? 1 + draw(6) : 0;
	struct proto_result r[2];
	size_t n;

	say(c, side);
	n = c->len[side] - c->left[side];
	n = c->left[side] + (draw(3) ? n : draw((uint32_t)n + 1));
	chunk.bytes = bytes_of(c->bytes[side], n);
	chunk.gap_before = draw(300) == 0;
	chunk.last = draw(300) == 0;
	if (draw(4) == 0)
		unwanted[0] = (uint64_t)draw(UINT32_MAX) << 32 |
			      draw(UINT32_MAX);
	/* it forgets */
	http_again_free(s[1].worker->again);
	s[1].worker->again = http_again_new();
	assert_non_null(s[1].worker->again);
	for (unsigned i = 0; i < 2; i++)
		r[i] = read_by(&s[i], &chunk, unwanted, stop_in);
	if (s[0].len != s[1].len || memcmp(s[0].log, s[1].log, s[0].len) != 0)
		fail_msg("on \"%.*s\": told \"%.*s\", not \"%.*s\"", (int)n,
			 (const char *)chunk.bytes.begin, (int)s[0].len,
			 s[0].log, (int)s[1].len, s[1].log);
	assert_int_equal(r[0].state, r[1].state);
	assert_ptr_equal(r[0].next, r[1].next);
	if (r[0].state != PROTO_READING || chunk.last) {
		begin(s, c);
		return;
	}
	assert_int_equal(r[0].consumed, r[1].consumed);
	c->len[side] -= r[0].consumed;
	c->left[side] = n - r[0].consumed;
	memmove(c->bytes[side], c->bytes[side] + r[0].consumed, c->len[side]);
	if (draw(40) == 0)
		begin(s, c);
}

static void test_random(void **state)
{
	static struct side s[2];
	static struct conversation c;

	rnd = seed_choose() | 1;
	for (unsigned i = 0; i < 2; i++) {
		s[i].worker = proto_worker_new(1);
		s[i].log = malloc(LOG_MAX);
		assert_non_null(s[i].worker);
		assert_non_null(s[i].log);
	}
	for (unsigned i = 0; i < HEADS; i++)
		random_head(&heads[i]);
	s[0].remembers = true;
	begin(s, &c);
	for (unsigned i = 0; i < CALLS; i++) {
		one_call(s, &c);
		/* others come, and drive some out */
		if (draw(100) == 0)
			random_head(&heads[draw(HEADS)]);
	}
	/* it did remember */
	assert_true(n_same > 10);
	assert_true(n_bodies > 10);
	for (unsigned i = 0; i < SAME_MAX; i++)
		free(same[i]);
	for (unsigned i = 0; i < 2; i++) {
		if (proto_http.end)
			proto_http.end(s[i].state, s[i].worker);
		proto_worker_free(s[i].worker);
		free(s[i].log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
