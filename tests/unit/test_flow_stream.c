/*
 * The reassembler by example: a client's segments and its server's ACKs, what
 * is answered to each, and what the reader is shown. The limits, to the byte.
 */
#include "flow/stream.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "test.h"

#define ISN 0xfffffffdu /* byte 2 is behind the wrap */

/* Reads whole lines, or all; writes down what it is shown. */
struct log {
	char text[400];
	size_t len;
	bool lines, nothing;
	const uint8_t *last_begin;
};

static void note(struct log *l, const char *text, size_t len)
{
	assert_true(l->len + len < sizeof l->text);
	memcpy(l->text + l->len, text, len);
	l->len += len;
	l->text[l->len] = 0;
}

/* "|bytes", a gap before them "~length~", the last ones "$" behind. */
static size_t read_chunk(void *arg, const struct stream_chunk *chunk)
{
	struct log *l = arg;
	size_t len = bytes_len(chunk->bytes), whole = len;
	char gap[20];
	int n = snprintf(gap, sizeof gap, "~%u~", chunk->gap_len);

	l->last_begin = chunk->bytes.begin;
	note(l, "|", 1);
	if (chunk->gap_before)
		note(l, gap, (size_t)n);
	if (len < 50)
		note(l, (const char *)chunk->bytes.begin, len);
	if (chunk->last)
		note(l, "$", 1);
	if (l->nothing)
		return 0;
	while (l->lines && whole && chunk->bytes.begin[whole - 1] != '\n')
		whole--;
	return whole;
}

/* What is done, and what is answered. A row that has no op is the end. */
struct step {
	enum { END, SEG, FIN, SYN, CUT, ACK } op; /* CUT: 2 more on the wire */
	int32_t at; /* 0: the first byte behind the SYN */
	const char *bytes;
	enum stream_outcome outcome;
	enum stream_cause cause;
};

#define CONFLICT STREAM_CAUSE_CONFLICT
#define UNSEEN	 STREAM_CAUSE_UNSEEN_ACK
#define BADFIN	 STREAM_CAUSE_FIN
#define OUTSIDE	 STREAM_CAUSE_OUTSIDE
#define TAKEN	 STREAM_TAKEN
#define HELD	 STREAM_HELD
#define OLD	 STREAM_OLD
#define EMPTY	 STREAM_EMPTY
#define REFUSED	 STREAM_REFUSED
#define PROBE	 STREAM_PROBE
#define BYPASSED STREAM_BYPASSED

/* limits: table */
static const struct scenario {
	const char *name, *shown;
	bool midstream;
	bool lines;	/* how it is read */
	bool last_wins; /* and PASS for everything */
	int on;		/* for everything; -1: the defaults */
	struct step steps[8];
} scenarios[] = {
	{ "in order", "|ab|cd", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN }, { SEG, 2, "cd", TAKEN } } },
	{ "pure ack", "|ab", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { SEG, 2, "", EMPTY },
		     { SEG, 500, "", EMPTY } } },
	{ "reordered", "|abcdef", .on = -1,
	  .steps = { { SEG, 4, "ef", HELD },
		     { SEG, 2, "cd", HELD },
		     { SEG, 0, "ab", TAKEN } } },
	{ "reordered, parts shown early", "|ab|cdef", .on = -1,
	  .steps = { { SEG, 4, "ef", HELD },
		     { SEG, 0, "ab", TAKEN },
		     { SEG, 2, "cd", TAKEN } } },
	{ "again", "|ab|cdef", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { SEG, 0, "ab", OLD },
		     { SEG, 4, "ef", HELD },
		     { SEG, 4, "ef", OLD },
		     { SEG, 1, "bcd", TAKEN },
		     { SEG, 0, "abcdef", OLD } } },
	{ "over what is held", "|abcdefgh", .on = -1,
	  .steps = { { SEG, 2, "c", HELD },
		     { SEG, 5, "f", HELD },
		     { SEG, 1, "bcdefg", HELD },
		     { SEG, 0, "abcdefgh", TAKEN } } },
	{ "other content, dropped", "|abcd", .on = -1,
	  .steps = { { SEG, 2, "cd", HELD },
		     { SEG, 1, "bX", REFUSED, CONFLICT },
		     { SEG, 0, "ab", TAKEN } } },
	{ "other content, first wins", "|abcd", .on = STREAM_PASS,
	  .steps = { { SEG, 2, "cd", HELD },
		     { SEG, 1, "bX", HELD, CONFLICT },
		     { SEG, 0, "a", TAKEN } } },
	{ "other content, last wins", "|abXd", .last_wins = true,
	  .steps = { { SEG, 2, "cd", HELD },
		     { SEG, 1, "bX", HELD, CONFLICT },
		     { SEG, 0, "a", TAKEN } } },
	{ "other content than was shown", "|ab|cd", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { SEG, 0, "aX", REFUSED, CONFLICT },
		     { SEG, 1, "Xcd", REFUSED, CONFLICT },
		     { SEG, 2, "cd", TAKEN } } },
	{ "what is acknowledged is not compared", "|ab", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { ACK, 2, "", EMPTY },
		     { SEG, 0, "aX", OLD } } },
	{ "shown is shown", "|ab\ncd|cde", .last_wins = true, .lines = true,
	  .steps = { { SEG, 0, "ab\ncd", TAKEN },
		     { SEG, 3, "XX", OLD, CONFLICT },
		     { SEG, 5, "e", TAKEN } } },
	{ "keep-alive", "|ab|c", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { ACK, 2, "", EMPTY },
		     { SEG, 1, "", PROBE },
		     { SEG, 1, "X", PROBE },
		     { SEG, 2, "c", TAKEN },
		     { SEG, 2, "X", REFUSED, CONFLICT } } },
	{ "unseen ack", "|ab|~3~fg", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { SEG, 6, "g", HELD },
		     { SEG, 5, "f", HELD },
		     { ACK, 7, "", TAKEN, UNSEEN } } },
	{ "unseen ack, nothing held", "|ab|~3~fg", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { ACK, 5, "", TAKEN, UNSEEN },
		     { SEG, 5, "fg", TAKEN } } },
	{ "unseen ack, dropped", "|ab|cde", .on = STREAM_DROP,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { ACK, 5, "", REFUSED, UNSEEN },
		     { SEG, 2, "cde", TAKEN },
		     { ACK, 5, "", EMPTY } } },
	{ "bypassed", "|ab", .on = STREAM_BYPASS,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { SEG, 4, "e", HELD },
		     { ACK, 5, "", BYPASSED, UNSEEN },
		     { SEG, 2, "cd", BYPASSED, UNSEEN },
		     { ACK, 2, "", BYPASSED, UNSEEN } } },
	{ "FIN", "|ab|cd$", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { FIN, 2, "cd", TAKEN },
		     { FIN, 2, "cd", OLD },
		     { FIN, 4, "", OLD },
		     { ACK, 5, "", EMPTY } } },
	{ "FIN alone", "|ab|$", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN }, { FIN, 2, "", TAKEN } } },
	{ "acknowledgements behind the FIN", "|ab$", .on = STREAM_DROP,
	  .steps = { { FIN, 0, "ab", TAKEN },
		     { SEG, 3, "", EMPTY },
		     { FIN, 0, "ab", OLD },
		     { SEG, 3, "", EMPTY },
		     { SEG, 3, "c", REFUSED, BADFIN } } },
	{ "FIN first", "|abcd$", .on = -1,
	  .steps = { { FIN, 4, "", HELD },
		     { SEG, 2, "cd", HELD },
		     { SEG, 0, "ab", TAKEN } } },
	{ "bytes behind the FIN", "|ab$", .on = -1,
	  .steps = { { FIN, 2, "", HELD },
		     { SEG, 1, "bc", REFUSED, BADFIN },
		     { SEG, 3, "d", REFUSED, BADFIN },
		     { SEG, 0, "ab", TAKEN } } },
	{ "bytes behind the FIN, cut off", "|ab$", .on = STREAM_PASS,
	  .steps = { { FIN, 2, "", HELD },
		     { SEG, 1, "bc", HELD, BADFIN },
		     { SEG, 3, "d", OLD, BADFIN },
		     { SEG, 0, "ab", TAKEN } } },
	{ "FIN before bytes", "|abcd|$", .on = STREAM_PASS,
	  .steps = { { SEG, 2, "cd", HELD },
		     { FIN, 0, "ab", TAKEN, BADFIN },
		     { FIN, 4, "", TAKEN },
		     { FIN, 5, "", OLD, BADFIN } } },
	{ "acknowledged FIN that came early", "|~2~$", .on = -1,
	  .steps = { { FIN, 2, "", HELD }, { ACK, 3, "", TAKEN, UNSEEN } } },
	{ "SYN with bytes, and again", "|ab|cd", .midstream = true, .on = -1,
	  .steps = { { SYN, 0, "ab", TAKEN },
		     { SYN, 0, "ab", OLD },
		     { SYN, 0, "", EMPTY },
		     { SEG, 2, "cd", TAKEN },
		     { SYN, 9, "", REFUSED, OUTSIDE } } },
	{ "another SYN before anything", "|cd", .on = -1,
	  .steps = { { SYN, 0, "", EMPTY },
		     { SEG, 4, "e", HELD },
		     { SYN, 9, "", EMPTY },
		     { SEG, 9, "cd", TAKEN } } },
	{ "from the middle", "|~0~ab|cd", .midstream = true, .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN }, { SEG, 2, "cd", TAKEN } } },
	{ "from the middle, by an ACK", "|~0~abcd", .midstream = true, .on = -1,
	  .steps = { { ACK, 0, "", EMPTY },
		     { SEG, 2, "cd", HELD },
		     { SEG, 0, "ab", TAKEN } } },
	{ "cut by a capture", "|ab|~2~ef", .on = -1,
	  .steps = { { CUT, 0, "ab", TAKEN },
		     { SEG, 4, "ef", TAKEN },
		     { SEG, 2, "XX", OLD } } },
	{ "cut and held", "|ab|cd|~2~gh", .on = -1,
	  .steps = { { SEG, 0, "ab", TAKEN },
		     { SEG, 6, "gh", HELD },
		     { CUT, 2, "cd", TAKEN } } },
	{ "cut out of order", "|abcd|~2~gh", .on = -1,
	  .steps = { { CUT, 2, "cd", HELD },
		     { SEG, 6, "gh", HELD },
		     { SEG, 0, "ab", TAKEN } } },
	{ "a rest is shown again", "|a\nb|bcd\n|e", .lines = true, .on = -1,
	  .steps = { { SEG, 0, "a\nb", TAKEN },
		     { SEG, 3, "cd\n", TAKEN },
		     { SEG, 6, "e", TAKEN } } },
	{ "a rest and what is held", "|a\nb|bcd", .lines = true, .on = -1,
	  .steps = { { SEG, 0, "a\nb", TAKEN },
		     { SEG, 4, "d", HELD },
		     { SEG, 3, "c", TAKEN } } },
	{ "a rest is lost in a gap", "|a\nb|~2~d", .lines = true, .on = -1,
	  .steps = { { SEG, 0, "a\nb", TAKEN },
		     { ACK, 4, "", TAKEN, UNSEEN },
		     { SEG, 4, "d", TAKEN } } },
	{ "far away", "|ab", .on = -1,
	  .steps = { { SEG, 1 << 30, "x", REFUSED, OUTSIDE },
		     { SEG, -(1 << 30) - 1, "x", REFUSED, OUTSIDE },
		     { ACK, (1 << 30) + 1, "", REFUSED, OUTSIDE },
		     { SEG, 0, "ab", TAKEN } } },
};

static struct stream_result do_step(struct stream_pool *p, uint32_t handle,
				    const struct step *step, struct log *l)
{
	struct stream_reader reader = { read_chunk, l };
	size_t len = strlen(step->bytes);
	struct stream_segment seg = {
		.seq = ISN + 1 + (uint32_t)step->at - (step->op == SYN),
		.bytes = bytes_of(step->bytes, len),
		.len = (uint32_t)len + (step->op == CUT ? 2 : 0),
		.syn = step->op == SYN,
		.fin = step->op == FIN,
	};

	if (step->op == ACK)
		return stream_ack(p, handle, FLOW_SERVER, seg.seq, &reader);
	return stream_push(p, handle, FLOW_CLIENT, &seg, &reader);
}

static struct stream_pool *pool_on(int on, bool last_wins)
{
	struct stream_options o = stream_options_default();
	struct stream_pool *p;

	o.streams = 2;
	p = stream_pool_new(&o);
	assert_non_null(p);
	if (last_wins)
		o.overlap = STREAM_LAST_WINS;
	if (on >= 0)
		memset(o.on, on, sizeof o.on);
	stream_pool_configure(p, (enum stream_overlap)o.overlap, o.on);
	return p;
}

static uint32_t open_known(struct stream_pool *p)
{
	uint32_t handle = stream_open(
		p, (struct stream_start[]){ { true, ISN }, { true, 0 } });

	assert_int_not_equal(handle, 0);
	return handle;
}

static bool is_answer(const struct step *step, struct stream_result r)
{
	return r.outcome == step->outcome && r.cause == step->cause;
}

static void run_scenario(const struct scenario *s, struct stream_pool *p)
{
	struct stream_start unknown[FLOW_SIDE__MAX] = { 0 };
	struct log l = { .lines = s->lines };
	uint32_t handle = s->midstream ? stream_open(p, unknown)
				       : open_known(p);

	for (const struct step *step = s->steps; step->op; step++)
		assert_row(s->name,
			   is_answer(step, do_step(p, handle, step, &l)));
	if (strcmp(l.text, s->shown) != 0)
		fail_msg("row \"%s\": %s", s->name, l.text);
	stream_close(p, handle);
	assert_int_equal(stream_counts(p).blocks, 0);
}

static void test_scenarios(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		struct stream_pool *p = pool_on(s->on, s->last_wins);

		run_scenario(s, p);
		stream_pool_free(p);
	}
}

static uint8_t many[STREAM_SEGMENT_MAX + 1];

static struct stream_result push_many(struct stream_pool *p, uint32_t handle,
				      uint32_t at, uint32_t len, struct log *l)
{
	struct stream_segment seg = {
		.seq = ISN + 1 + at,
		.bytes = bytes_of(many, len),
		.len = len,
	};
	struct stream_reader reader = { read_chunk, l };

	l->len = 0;
	return stream_push(p, handle, FLOW_CLIENT, &seg, &reader);
}

static struct stream_options small_options(void)
{
	struct stream_options o = stream_options_default();

	o.streams = 2;
	o.blocks = 1000;
	o.held_max = 8 * STREAM_BLOCK_BYTES;
	o.unread_max = 5000;
	o.unacked_max = 0;
	return o;
}

static struct stream_pool *small_pool(struct stream_options o)
{
	struct stream_pool *p = stream_pool_new(&o);

	assert_non_null(p);
	return p;
}

static void test_no_copy(void **state)
{
	struct stream_pool *p = small_pool(small_options());
	uint32_t h = open_known(p);
	struct log l = { 0 };
	struct stream_result r = push_many(p, h, 0, STREAM_SEGMENT_MAX, &l);

	assert_int_equal(r.outcome, TAKEN);
	assert_ptr_equal(l.last_begin, many);
	assert_int_equal(stream_counts(p).blocks, 0);
	/* also when something further on is held */
	(void)push_many(p, h, STREAM_SEGMENT_MAX + 200, 10, &l);
	r = push_many(p, h, STREAM_SEGMENT_MAX, 100, &l);
	assert_int_equal(r.outcome, TAKEN);
	assert_ptr_equal(l.last_begin, many);
	assert_int_equal(push_many(p, h, 0, STREAM_SEGMENT_MAX + 1, &l).cause,
			 OUTSIDE);
	stream_pool_free(p);
}

static void test_held_limit(void **state)
{
	struct stream_options o = small_options();
	struct stream_pool *p = small_pool(o);
	uint32_t h = open_known(p), n = 0;
	struct stream_result r;
	struct log l = { 0 };

	assert_int_equal(push_many(p, h, 10, o.held_max, &l).outcome, HELD);
	r = push_many(p, h, 10 + o.held_max, 1, &l);
	assert_int_equal(r.outcome, REFUSED);
	assert_int_equal(r.cause, STREAM_CAUSE_HELD_MAX);
	/* what is there already needs no room, and what is in order neither */
	assert_int_equal(push_many(p, h, 10, 9, &l).outcome, OLD);
	assert_int_equal(push_many(p, h, 0, 10, &l).outcome, TAKEN);
	assert_int_equal(stream_side_view(p, h, FLOW_CLIENT).held, 0);
	assert_int_equal(stream_counts(p).blocks, 0);
	/* crumbs: each takes a block */
	while (push_many(p, h, 20000 + 2 * n, 1, &l).outcome == HELD)
		n++;
	assert_int_equal(n, o.held_max / (STREAM_BLOCK_BYTES / 2));
	assert_int_equal(stream_counts(p).blocks, n);
	stream_pool_free(p);
}

/* PASS: what is missing before the segment is given up. */
static void test_held_limit_gap(void **state)
{
	struct stream_options o = small_options();
	struct stream_pool *p;
	struct log l = { 0 };
	uint32_t h;

	o.on[STREAM_CAUSE_HELD_MAX] = STREAM_PASS;
	p = small_pool(o);
	h = open_known(p);
	(void)push_many(p, h, 10, o.held_max, &l);
	assert_int_equal(push_many(p, h, 20 + o.held_max, 60, &l).outcome,
			 TAKEN);
	assert_string_equal(l.text, "|~10~|~10~");
	assert_int_equal(stream_counts(p).gaps, 2);
	assert_int_equal(stream_counts(p).gap_bytes, 20);
	assert_int_equal(stream_side_view(p, h, FLOW_CLIENT).next,
			 ISN + 1 + 80 + o.held_max);
	stream_pool_free(p);
}

static void test_unread_limit(void **state)
{
	struct stream_options o = small_options();
	struct stream_pool *p = small_pool(o);
	struct log l = { .nothing = true };
	uint32_t h = open_known(p);
	struct stream_result r = push_many(p, h, 0, o.unread_max, &l);

	assert_int_equal(r.cause, STREAM_CAUSE_NONE);
	assert_int_equal(stream_side_view(p, h, FLOW_CLIENT).unread, 5000);
	r = push_many(p, h, o.unread_max, 1, &l);
	assert_int_equal(r.outcome, TAKEN);
	assert_int_equal(r.cause, STREAM_CAUSE_UNREAD_MAX);
	assert_int_equal(stream_counts(p).unread_lost_bytes, 5001);
	assert_int_equal(stream_counts(p).blocks, 0);
	(void)push_many(p, h, o.unread_max + 1, 60, &l);
	assert_string_equal(l.text, "|~5001~");
	stream_pool_free(p);
	/* DROP: it refuses from then on, ACKs too */
	o.on[STREAM_CAUSE_UNREAD_MAX] = STREAM_DROP;
	p = small_pool(o);
	h = open_known(p);
	assert_int_equal(push_many(p, h, 0, 5001, &l).outcome, REFUSED);
	r = push_many(p, h, 0, 1, &l);
	assert_int_equal(r.outcome, REFUSED);
	assert_int_equal(r.cause, STREAM_CAUSE_UNREAD_MAX);
	assert_int_equal(r.exception, STREAM_DROP);
	stream_pool_free(p);
}

/* One side never takes more than its share of the free blocks. */
static void test_share(void **state)
{
	struct stream_options o = small_options();
	struct stream_pool *p;
	struct log l = { 0 };
	uint32_t a, b, n = 0;

	o.blocks = 100;
	o.held_max = STREAM_HELD_MAX;
	p = small_pool(o);
	a = open_known(p);
	b = open_known(p);
	while (push_many(p, a, 1 + 2 * n * STREAM_BLOCK_BYTES,
			 STREAM_BLOCK_BYTES, &l)
		       .outcome == HELD)
		n++;
	assert_int_equal(stream_counts(p).causes[STREAM_CAUSE_NO_BLOCK_HELD],
			 1);
	/* the n-th was held when n <= (101 - n) / 4 */
	assert_int_equal(n, 20);
	assert_int_equal(
		push_many(p, b, 1, 10 * STREAM_BLOCK_BYTES, &l).outcome, HELD);
	stream_pool_free(p);
}

/* Nor does what a reader leaves; and each side gets some. */
static void test_unread_share(void **state)
{
	struct stream_options o = small_options();
	struct log l = { .nothing = true };
	struct stream_pool *p;
	uint32_t a;

	o.blocks = 100;
	o.unread_max = STREAM_UNREAD_MAX;
	p = small_pool(o);
	a = open_known(p);
	/* 25 of 100 free; what is then added is weighed with all of it */
	assert_int_equal(push_many(p, a, 0, 25 * STREAM_BLOCK_BYTES, &l).cause,
			 STREAM_CAUSE_NONE);
	assert_int_equal(push_many(p, a, 25 * STREAM_BLOCK_BYTES, 1, &l).cause,
			 STREAM_CAUSE_NO_BLOCK_UNREAD);
	assert_int_equal(stream_counts(p).blocks, 0);
	stream_pool_free(p);
}

/* With half of the blocks in use, nothing is kept just to compare. */
static void test_unacked_share(void **state)
{
	static const uint32_t shares[] = { 25, 18, 14 }; /* 1/4 of the free */
	struct stream_options o = small_options();
	struct stream_pool *p;
	struct log l = { 0 };

	o.streams = 4;
	o.blocks = 100;
	o.unacked_max = STREAM_UNACKED_MAX;
	p = small_pool(o);
	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		(void)push_many(p, open_known(p), 0,
				shares[i] * STREAM_BLOCK_BYTES, &l);
	assert_int_equal(stream_counts(p).blocks, 57);
	assert_int_equal(stream_counts(p).unchecked_bytes, 0);
	(void)push_many(p, open_known(p), 0, 1, &l);
	assert_int_equal(stream_counts(p).blocks, 57);
	assert_int_equal(stream_counts(p).unchecked_bytes, 1);
	stream_pool_free(p);
}

static void test_streams_limit(void **state)
{
	struct stream_pool *p = small_pool(small_options());
	struct stream_start unknown[FLOW_SIDE__MAX] = { 0 };
	uint32_t a = stream_open(p, unknown), b = stream_open(p, unknown);

	assert_true(a && b && a != b);
	assert_int_equal(stream_open(p, unknown), 0);
	assert_int_equal(stream_counts(p).causes[STREAM_CAUSE_NO_STREAM], 1);
	assert_int_equal(stream_on(p, STREAM_CAUSE_NO_STREAM), STREAM_BYPASS);
	stream_close(p, a);
	assert_int_equal(stream_open(p, unknown), a);
	stream_close(p, 0);
	stream_pool_free(p);
}

/* 5 GiB of one side, and nobody acknowledges (tap of one direction). */
static void test_one_direction(void **state)
{
	struct stream_options o = small_options();
	struct stream_pool *p;
	struct log l = { 0 };
	struct stream_result r;
	uint32_t h, at = 0;

	o.unacked_max = 100;
	p = small_pool(o);
	h = open_known(p);
	for (uint64_t n = 0; n < 5ull << 30; n += STREAM_SEGMENT_MAX) {
		r = push_many(p, h, at, STREAM_SEGMENT_MAX, &l);
		assert_int_equal(r.outcome, TAKEN);
		at += STREAM_SEGMENT_MAX;
		assert_int_equal(stream_counts(p).blocks, 1);
	}
	many[0] ^= 1;
	r = push_many(p, h, at - 100, 1, &l);
	assert_int_equal(r.cause, CONFLICT);
	r = push_many(p, h, at - 101, 1, &l);
	assert_int_equal(r.cause, STREAM_CAUSE_NONE);
	many[0] ^= 1;
	assert_int_equal(stream_counts(p).unchecked_bytes, (5ull << 30) - 100);
	stream_pool_free(p);
}

/* Names are words that can be a counter's and an option's. */
static void test_names(void **state)
{
	for (int c = 0; c < STREAM_CAUSE__MAX; c++) {
		const char *name = stream_cause_name((enum stream_cause)c);

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(name));
		assert_true(strlen(stream_cause_text((enum stream_cause)c)));
	}
	assert_string_equal(stream_exception_name(STREAM_BYPASS), "bypass");
	assert_string_equal(stream_outcome_name(STREAM_BYPASSED), "bypassed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_held_limit),
		cmocka_unit_test(test_held_limit_gap),
		cmocka_unit_test(test_unread_limit),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_unread_share),
		cmocka_unit_test(test_unacked_share),
		cmocka_unit_test(test_streams_limit),
		cmocka_unit_test(test_one_direction),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
