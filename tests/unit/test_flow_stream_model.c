/*
 * The reassembler against a naive one: an array of bytes with a mark for each
 * that came. Random segments of a few streams (in order and not, twice,
 * overlapping, with other content, cut by a capture, with FINs at wrong places,
 * across the wrap of sequence numbers) and acknowledgements go to both; all
 * that the reader is shown and all that is answered is compared. Where a limit
 * of blocks was met is taken from the counts, for the model has no blocks; what
 * has to follow from it is compared. WEIR_SEED=n runs one seed again.
 * Now and then the pool is handed over to another one.
 */
#include "flow/stream.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "images.h"
#include "test.h"

#define STREAMS	   12
#define SPACE	   12000 /* bytes of one side */
#define BEFORE	   600	 /* and so many that come before its start */
#define OPERATIONS 30000
#define SHOWN_MAX  64 /* chunks of one push */

enum mark { MISSING, DATA, HOLE };
enum mode { RUNNING, STOPPED, OVER };

/* How a run is set up, and how bad its senders are. */
struct config {
	const char *name;
	struct stream_options options;
	uint32_t conflict, cut, fin; /* 1 of so many segments; 0: none */
	uint32_t ahead;		     /* 1 of so many ACKs */
	uint32_t far;		     /* segments begin up to so far ahead */
	uint32_t whole;		     /* percent of chunks read to the end */
	bool part;		     /* of the others: some, or nothing */
};

struct model_side {
	uint32_t origin; /* sequence number of byte 0 */
	uint8_t truth[SPACE], val[SPACE], mark[SPACE];
	int64_t start, next, read, acked, base, fin_at;
	uint32_t gap_len;
	bool known, fresh, gap, fin_seen, ended;
};

struct model_stream {
	uint32_t handle;
	enum mode mode;
	enum stream_cause why;
	struct model_side side[FLOW_SIDE__MAX];
};

struct shown {
	uint8_t bytes[SPACE];
	size_t len, consumed;
	struct stream_chunk chunk;
	uint64_t no_blocks; /* that cause's count before */
};

struct model {
	const struct config *config;
	struct stream_pool *pool;
	struct model_stream streams[STREAMS];
	uint64_t random;
	struct stream_counts before, after;
	struct shown shown[SHOWN_MAX];
	uint32_t n_shown, at; /* at: checked so far */
	struct stream_result want;
	uint64_t met[STREAM_CAUSE__MAX], outcomes[STREAM_OUTCOME__MAX];
};

static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static bool one_of(struct model *m, uint32_t n)
{
	return n && any(m, n) == 0;
}

static size_t read_some(void *arg, const struct stream_chunk *chunk)
{
	struct model *m = arg;
	struct shown *s = &m->shown[m->n_shown++];
	size_t len = bytes_len(chunk->bytes);
	struct stream_counts c = stream_counts(m->pool);

	assert_true(m->n_shown < SHOWN_MAX);
	assert_true(len <= SPACE);
	s->len = len;
	s->chunk = *chunk;
	s->no_blocks = c.causes[STREAM_CAUSE_NO_BLOCK_UNREAD];
	if (len)
		memcpy(s->bytes, chunk->bytes.begin, len);
	s->consumed = any(m, 100) < m->config->whole ? len
		      : m->config->part		     ? any(m, (uint32_t)len + 1)
						     : 0;
	return s->consumed;
}

/* --- the naive reassembler ------------------------------------------------ */

static enum stream_exception on(const struct model *m, enum stream_cause c)
{
	return (enum stream_exception)m->config->options.on[c];
}

static bool met(struct model *m, struct model_stream *st, enum stream_cause c)
{
	enum stream_exception e = on(m, c);

	m->met[c]++;
	if (m->want.cause == STREAM_CAUSE_NONE || e != STREAM_PASS) {
		m->want.cause = c;
		m->want.exception = e;
	}
	if (e == STREAM_DROP)
		m->want.outcome = STREAM_REFUSED;
	if (e == STREAM_BYPASS) {
		m->want.outcome = STREAM_BYPASSED;
		st->mode = OVER;
		st->why = c;
	}
	return e == STREAM_PASS;
}

static bool met_for_good(struct model *m, struct model_stream *st,
			 enum stream_cause c)
{
	bool pass = met(m, st, c);

	if (!pass && st->mode == RUNNING) {
		st->mode = STOPPED;
		st->why = c;
	}
	return pass;
}

static void lose(struct model_side *s, int64_t to)
{
	if (to > s->read) {
		s->gap = true;
		s->gap_len += (uint32_t)(to - s->read);
	}
	s->read = to;
}

static void settle(struct model *m, struct model_stream *st,
		   struct model_side *s, int64_t end, const struct shown *shown)
{
	uint64_t later =
		m->at < m->n_shown
			? m->shown[m->at].no_blocks
			: m->after.causes[STREAM_CAUSE_NO_BLOCK_UNREAD];
	int64_t base;

	if (end - s->read > m->config->options.unread_max) {
		if (!met_for_good(m, st, STREAM_CAUSE_UNREAD_MAX))
			return;
		lose(s, end);
	}
	if (later > shown->no_blocks) {
		assert_true(end > s->read);
		if (!met_for_good(m, st, STREAM_CAUSE_NO_BLOCK_UNREAD))
			return;
		lose(s, end);
	}
	base = s->read < s->acked ? s->read : s->acked;
	if (end - base > m->config->options.unacked_max)
		base = end - m->config->options.unacked_max;
	if (base > s->read)
		base = s->read;
	if (base > s->base)
		s->base = base;
	s->next = end;
}

/* What was shown next must be all from s->read to `end`. */
static void check_shown(struct model *m, struct model_stream *st,
			struct model_side *s, int64_t end)
{
	const struct shown *shown = &m->shown[m->at++];
	bool last = s->fin_seen && !s->ended && end == s->fin_at;

	assert_true(m->at <= m->n_shown);
	assert_int_equal(shown->len, end - s->read);
	assert_ptr_equal(&st->side[shown->chunk.side], s);
	assert_memory_equal(shown->bytes, s->val + s->read, shown->len);
	assert_int_equal(shown->chunk.gap_before, s->gap);
	assert_int_equal(shown->chunk.gap_len, s->gap_len);
	assert_int_equal(shown->chunk.last, last);
	s->gap = s->fresh = false;
	s->gap_len = 0;
	s->read += (int64_t)shown->consumed;
	if (last) {
		s->ended = true;
		s->read = end;
	}
	settle(m, st, s, end, shown);
}

static void skip_to(struct model_side *s, int64_t to)
{
	if (to == s->next)
		return;
	lose(s, s->next);
	s->gap = true;
	s->gap_len += (uint32_t)(to - s->next);
	s->fresh = false;
	s->next = s->read = s->base = to;
}

static void advance(struct model *m, struct model_stream *st,
		    struct model_side *s)
{
	while (st->mode == RUNNING) {
		int64_t end = s->next;

		while (end < SPACE && s->mark[end] == DATA)
			end++;
		if (end != s->next ||
		    (s->fin_seen && !s->ended && end == s->fin_at))
			check_shown(m, st, s, end);
		if (st->mode != RUNNING)
			return;
		if (end == SPACE || s->mark[end] != HOLE)
			return;
		while (end < SPACE && s->mark[end] == HOLE)
			end++;
		skip_to(s, end);
	}
}

static void give_up(struct model *m, struct model_stream *st,
		    struct model_side *s, int64_t until)
{
	while (st->mode == RUNNING && s->next < until) {
		int64_t to = s->next;

		while (to < until && s->mark[to] == MISSING)
			to++;
		skip_to(s, to);
		advance(m, st, s);
	}
}

static uint32_t held(const struct model_side *s)
{
	uint32_t n = 0;

	for (int64_t i = s->next; i < SPACE; i++)
		n += s->mark[i] == DATA;
	return n;
}

static int64_t seen_end(const struct model_side *s)
{
	int64_t end = SPACE;

	while (end > s->next && s->mark[end - 1] == MISSING)
		end--;
	return end;
}

static void start(struct model_side *s, int64_t at, bool midstream)
{
	s->start = s->next = s->read = s->acked = s->base = at;
	s->known = s->fresh = true;
	s->gap = midstream;
	s->gap_len = 0;
	s->fin_seen = s->ended = false;
	memset(s->mark, MISSING, sizeof s->mark);
}

/* A segment with places instead of sequence numbers. */
struct segment {
	int64_t at;	    /* of its first byte */
	uint32_t len, have; /* on the wire, captured */
	uint8_t bytes[BEFORE + SPACE];
	bool syn, fin;
};

/* FIN's rules. false: refused. Cuts the segment. */
static bool check_fin(struct model *m, struct model_stream *st,
		      struct model_side *s, struct segment *seg)
{
	int64_t end = seg->at + seg->len;
	bool beyond = s->fin_seen && end > s->fin_at;
	bool bad = s->fin_seen ? beyond || (seg->fin && end != s->fin_at)
			       : seg->fin && end < seen_end(s);

	if (bad && !met(m, st, STREAM_CAUSE_FIN))
		return false;
	if (bad)
		seg->fin = false;
	if (bad && beyond) {
		seg->len = seg->at > s->fin_at
				   ? 0
				   : (uint32_t)(s->fin_at - seg->at);
		if (seg->have > seg->len)
			seg->have = seg->len;
	}
	return true;
}

static bool check_conflict(struct model *m, struct model_stream *st,
			   struct model_side *s, const struct segment *seg)
{
	bool last_wins = m->config->options.overlap == STREAM_LAST_WINS;
	uint64_t n = 0;

	for (uint32_t i = 0; i < seg->have; i++) {
		int64_t at = seg->at + i;

		if (at >= s->base && at >= 0 && s->mark[at] == DATA)
			n += s->val[at] != seg->bytes[i];
	}
	assert_int_equal(m->after.conflict_bytes, m->before.conflict_bytes + n);
	if (n && !met(m, st, STREAM_CAUSE_CONFLICT))
		return false;
	for (uint32_t i = 0; n && last_wins && i < seg->have; i++) {
		int64_t at = seg->at + i;

		if (at >= s->next && s->mark[at] == DATA)
			s->val[at] = seg->bytes[i];
	}
	return true;
}

/* Marks what is new; returns how much of it is DATA. */
static uint32_t mark(struct model_side *s, const struct segment *seg,
		     bool really, bool *ret_any)
{
	uint32_t n = 0;

	*ret_any = false;
	for (uint32_t i = 0; i < seg->len; i++) {
		int64_t at = seg->at + i;

		if (at < s->next || s->mark[at] != MISSING)
			continue;
		*ret_any = true;
		n += i < seg->have;
		if (!really)
			continue;
		s->mark[at] = i < seg->have ? DATA : HOLE;
		s->val[at] = i < seg->have ? seg->bytes[i] : 0;
	}
	return n;
}

static uint64_t delta(const struct model *m, enum stream_cause c)
{
	return m->after.causes[c] - m->before.causes[c];
}

static void hold(struct model *m, struct model_stream *st, struct model_side *s,
		 const struct segment *seg)
{
	bool is_new, is_fin = seg->fin && !s->fin_seen;
	uint32_t n = mark(s, seg, false, &is_new);
	enum stream_cause c = STREAM_CAUSE_NONE;

	if (delta(m, STREAM_CAUSE_HELD_MAX))
		c = STREAM_CAUSE_HELD_MAX;
	if (delta(m, STREAM_CAUSE_NO_BLOCK_HELD))
		c = STREAM_CAUSE_NO_BLOCK_HELD;
	if (is_new && held(s) + n > m->config->options.held_max)
		assert_int_equal(c, STREAM_CAUSE_HELD_MAX);
	if (c != STREAM_CAUSE_NONE) {
		assert_true(is_new);
		if (!met(m, st, c))
			return;
	}
	(void)mark(s, seg, true, &is_new); /* is counted above */
	if (is_fin) {
		s->fin_seen = true;
		s->fin_at = seg->at + seg->len;
	}
	m->want.outcome = is_new || is_fin ? STREAM_HELD : STREAM_OLD;
	if (c != STREAM_CAUSE_NONE) {
		m->want.outcome = STREAM_TAKEN;
		give_up(m, st, s, seg->at + seg->len);
	}
}

static void model_take(struct model *m, struct model_stream *st,
		       struct model_side *s, struct segment *seg)
{
	bool is_new, is_fin;
	int64_t end;

	if (seg->len <= 1 && !seg->syn && !seg->fin && seg->at == s->next - 1 &&
	    s->acked == s->next) {
		m->want.outcome = STREAM_PROBE;
		return;
	}
	if (!seg->len && !seg->fin) {
		m->want.outcome = STREAM_EMPTY;
		return;
	}
	if (!check_fin(m, st, s, seg) || !check_conflict(m, st, s, seg))
		return;
	end = seg->at + seg->len;
	is_fin = seg->fin && !s->fin_seen;
	if (end <= s->next && !is_fin) {
		m->want.outcome = STREAM_OLD;
	} else if (seg->at > s->next) {
		hold(m, st, s, seg);
	} else {
		(void)mark(s, seg, true, &is_new); /* how many is no matter */
		if (is_fin) {
			s->fin_seen = true;
			s->fin_at = end;
		}
		m->want.outcome = STREAM_TAKEN;
		advance(m, st, s);
	}
}

static bool model_over(struct model *m, const struct model_stream *st)
{
	if (st->mode == RUNNING)
		return false;
	m->want.cause = st->why;
	m->want.outcome = st->mode == STOPPED ? STREAM_REFUSED
					      : STREAM_BYPASSED;
	m->want.exception = st->mode == STOPPED ? STREAM_DROP : STREAM_BYPASS;
	return true;
}

static void model_outside(struct model *m, struct model_stream *st)
{
	m->want.outcome = STREAM_REFUSED;
	(void)met(m, st, STREAM_CAUSE_OUTSIDE); /* not taken in any case */
}

static void model_push(struct model *m, struct model_stream *st,
		       enum flow_side side, struct segment *seg, bool is_far)
{
	struct model_side *s = &st->side[side];

	if (model_over(m, st))
		return;
	if (!s->known && !seg->syn && !seg->len && !seg->fin)
		return; /* EMPTY */
	if (seg->syn && s->known && seg->at != s->start && !s->fresh) {
		model_outside(m, st);
		return;
	}
	if (!s->known || (seg->syn && seg->at != s->start))
		start(s, seg->at, !seg->syn);
	if (is_far)
		model_outside(m, st);
	else
		model_take(m, st, s, seg);
}

static void model_ack(struct model *m, struct model_stream *st,
		      enum flow_side side, int64_t ack)
{
	struct model_side *s = &st->side[!side];
	int64_t base;

	if (model_over(m, st))
		return;
	if (!s->known) {
		start(s, ack, true);
		return;
	}
	if (ack > s->next + s->ended) {
		int64_t until = s->fin_seen && s->fin_at < ack ? s->fin_at
							       : ack;

		if (!met(m, st, STREAM_CAUSE_UNSEEN_ACK))
			return;
		m->want.outcome = STREAM_TAKEN;
		give_up(m, st, s, until);
		if (st->mode != RUNNING)
			return;
	}
	if (ack > s->next)
		ack = s->next;
	if (ack > s->acked)
		s->acked = ack;
	base = s->read < s->acked ? s->read : s->acked;
	if (base > s->base)
		s->base = base;
}

/* --- both -------------------------------------------------------------------- */

static void compare(struct model *m, struct model_stream *st,
		    struct stream_result got)
{
	struct stream_counts c = stream_counts(m->pool);

	assert_int_equal(m->at, m->n_shown);
	assert_string_equal(stream_outcome_name(got.outcome),
			    stream_outcome_name(m->want.outcome));
	assert_string_equal(stream_cause_name(got.cause),
			    stream_cause_name(m->want.cause));
	assert_int_equal(got.exception, m->want.exception);
	assert_memory_equal(c.causes, m->met, sizeof c.causes);
	assert_memory_equal(c.outcomes, m->outcomes, sizeof c.outcomes);
	assert_true(c.blocks <= c.blocks_limit);
	for (int i = 0; i < FLOW_SIDE__MAX && st->mode == RUNNING; i++) {
		const struct model_side *s = &st->side[i];
		struct stream_side_view v = stream_side_view(
			m->pool, st->handle, (enum flow_side)i);

		assert_int_equal(v.known, s->known);
		if (!s->known)
			continue;
		assert_int_equal(v.next, (uint32_t)(s->origin + s->next));
		assert_int_equal(v.unread, s->next - s->read);
		assert_int_equal(v.held, held(s));
		assert_true(v.held <= m->config->options.held_max);
		assert_int_equal(v.ended, s->ended);
	}
}

static void before(struct model *m)
{
	m->before = stream_counts(m->pool);
	m->n_shown = m->at = 0;
	m->want = (struct stream_result){ STREAM_EMPTY, STREAM_CAUSE_NONE,
					  STREAM_PASS };
}

static void random_place(struct model *m, const struct model_side *s,
			 struct segment *seg)
{
	uint32_t len = any(m, any(m, 20) ? 300 : 4000);
	int64_t at = s->known ? s->next : any(m, 100);

	switch (any(m, 6)) {
	case 0: at += any(m, m->config->far); break;
	case 1: at += any(m, 300); break;
	case 2: at -= any(m, 400); break;
	case 3: at = seen_end(s) - any(m, 3); break;
	default: break;
	}
	if (at < -BEFORE)
		at = -BEFORE;
	if (at > SPACE)
		at = SPACE;
	if (at + len > SPACE)
		len = (uint32_t)(SPACE - at);
	seg->at = at;
	seg->len = seg->have = one_of(m, 30) ? 0 : len;
}

static void random_segment(struct model *m, const struct model_side *s,
			   struct segment *seg)
{
	random_place(m, s, seg);
	seg->syn = s->known ? one_of(m, 100) : one_of(m, 2);
	if (seg->syn && !one_of(m, 10))
		seg->at = s->known ? s->start : any(m, 20);
	if (seg->syn && seg->at < 0)
		seg->at = 0;
	if (seg->at + seg->len > SPACE)
		seg->len = seg->have = 0;
	if (!s->known && seg->at < 0)
		seg->at = 0;
	for (uint32_t i = 0; i < seg->len; i++) {
		int64_t at = seg->at + i;

		seg->bytes[i] = at < 0 ? 7 : s->truth[at];
	}
	if (seg->len && one_of(m, m->config->conflict))
		seg->bytes[any(m, seg->len)] ^= 1;
	if (one_of(m, m->config->cut))
		seg->have = any(m, seg->len + 1);
	seg->fin = seg->at + seg->len == SPACE || one_of(m, m->config->fin);
}

static void op_push(struct model *m, struct model_stream *st)
{
	enum flow_side side = any(m, 2) ? FLOW_SERVER : FLOW_CLIENT;
	struct stream_reader reader = { read_some, m };
	const struct model_side *s = &st->side[side];
	bool is_far = s->known && one_of(m, 200);
	static struct segment seg;
	struct stream_segment in;
	struct stream_result got;
	uint8_t *copy;

	random_segment(m, s, &seg);
	if (is_far)
		seg.syn = false;
	/* just as long as it says: a byte further is a finding */
	copy = malloc(seg.have + 1);
	assert_non_null(copy);
	memcpy(copy + 1, seg.bytes, seg.have);
	in = (struct stream_segment){
		.seq = (uint32_t)(s->origin + seg.at - seg.syn),
		.bytes = bytes_of(copy + 1, seg.have),
		.len = seg.len,
		.syn = seg.syn,
		.fin = seg.fin,
	};
	if (is_far)
		in.seq = (uint32_t)(s->origin + s->next) + STREAM_REACH + 1 +
			 any(m, STREAM_REACH - SPACE);
	before(m);
	got = stream_push(m->pool, st->handle, side, &in, &reader);
	m->after = stream_counts(m->pool);
	model_push(m, st, side, &seg, is_far);
	m->outcomes[m->want.outcome]++;
	compare(m, st, got);
	free(copy);
}

static void op_ack(struct model *m, struct model_stream *st)
{
	enum flow_side side = any(m, 2) ? FLOW_SERVER : FLOW_CLIENT;
	struct stream_reader reader = { read_some, m };
	const struct model_side *s = &st->side[!side];
	int64_t ack = s->known ? s->next + s->ended : any(m, 20);
	struct stream_result got;

	if (s->known && any(m, 2))
		ack -= any(m, 300);
	if (s->known && one_of(m, m->config->ahead))
		ack += any(m, 500);
	if (ack > SPACE)
		ack = SPACE + s->fin_seen;
	before(m);
	got = stream_ack(m->pool, st->handle, side, (uint32_t)(s->origin + ack),
			 &reader);
	m->after = stream_counts(m->pool);
	model_ack(m, st, side, ack);
	compare(m, st, got);
}

static void reopen(struct model *m, struct model_stream *st)
{
	struct stream_start starts[FLOW_SIDE__MAX];

	stream_close(m->pool, st->handle);
	st->mode = RUNNING;
	for (int i = 0; i < FLOW_SIDE__MAX; i++) {
		struct model_side *s = &st->side[i];

		memset(s, 0, sizeof *s);
		s->origin = any(m, 2) ? 0u - any(m, SPACE) : any(m, UINT32_MAX);
		for (int k = 0; k < SPACE; k++)
			s->truth[k] = (uint8_t)any(m, 256);
		starts[i].known = any(m, 2);
		starts[i].isn = s->origin - 1;
		if (starts[i].known)
			start(s, 0, false);
	}
	st->handle = stream_open(m->pool, starts);
	assert_int_not_equal(st->handle, 0);
}

/* What goes on was loaded from an image. */
static void hand_over(struct model *m)
{
	struct stream_pool *next = stream_pool_new(&m->config->options);
	struct images i;

	IMAGES_OF(&i, stream_pool_save, m->pool);
	assert_true(stream_pool_load(next, &i.r));
	stream_pool_free(m->pool);
	m->pool = next;
	free(i.memory);
}

static bool is_done(const struct model_stream *st)
{
	return st->side[FLOW_CLIENT].ended && st->side[FLOW_SERVER].ended;
}

static void run(struct model *m, const struct config *config, uint64_t seed)
{
	struct stream_counts c;

	*m = (struct model){ .config = config, .random = seed | 1 };
	m->pool = stream_pool_new(&config->options);
	assert_non_null(m->pool);
	for (int i = 0; i < STREAMS; i++)
		reopen(m, &m->streams[i]);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		struct model_stream *st = &m->streams[any(m, STREAMS)];
		bool over = st->mode != RUNNING || is_done(st);

		if (one_of(m, 100))
			hand_over(m);
		if (one_of(m, over ? 10 : 2000))
			reopen(m, st);
		else if (any(m, 4))
			op_push(m, st);
		else
			op_ack(m, st);
	}
	for (int i = 0; i < STREAMS; i++)
		stream_close(m->pool, m->streams[i].handle);
	c = stream_counts(m->pool);
	assert_int_equal(c.blocks, 0);
	assert_int_equal(c.streams, 0);
	stream_pool_free(m->pool);
}

/* The same exception for every cause. */
static struct stream_options options(enum stream_exception e, uint32_t blocks,
				     uint32_t unread, uint32_t unacked,
				     enum stream_overlap overlap)
{
	struct stream_options o = {
		.streams = STREAMS,
		.blocks = blocks,
		.held_max = 4096,
		.unread_max = unread,
		.unacked_max = unacked,
		.overlap = (uint8_t)overlap,
	};

	memset(o.on, (int)e, sizeof o.on);
	return o;
}

static const struct config *all_configs(size_t *ret_n)
{
	static struct config configs[] = {
		{ "defaults", { 0 }, 30, 0, 400, 10, 900, 60, true },
		{ "clean", { 0 }, 0, 0, 0, 0, 5000, 60, true },
		{ "first", { 0 }, 9, 9, 200, 9, 5000, 60, true },
		{ "last", { 0 }, 9, 9, 200, 9, 5000, 20, true },
		{ "drop", { 0 }, 30, 30, 200, 30, 5000, 60, true },
		{ "bypass", { 0 }, 400, 30, 400, 400, 900, 40, true },
		{ "few blocks", { 0 }, 0, 0, 0, 99, 900, 3, false },
		{ "few, drop", { 0 }, 0, 20, 0, 0, 900, 3, false },
	};
	struct config *c = configs;

	c++->options = stream_options_default();
	c++->options = stream_options_default();
	c++->options = options(STREAM_PASS, 1000, 800, 2000, STREAM_FIRST_WINS);
	c++->options = options(STREAM_PASS, 1000, 3000, 0, STREAM_LAST_WINS);
	c++->options = options(STREAM_DROP, 1000, 3000, 700, STREAM_LAST_WINS);
	c++->options =
		options(STREAM_BYPASS, 1000, 3000, 700, STREAM_FIRST_WINS);
	c++->options = options(STREAM_PASS, STREAM_BLOCKS_MIN, SPACE, 9000,
			       STREAM_FIRST_WINS);
	c++->options = options(STREAM_DROP, STREAM_BLOCKS_MIN, SPACE, 0,
			       STREAM_FIRST_WINS);
	*ret_n = (size_t)(c - configs);
	return configs;
}

static void test_model(void **state)
{
	size_t n;
	const struct config *configs = all_configs(&n);
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;
	uint64_t met_ever[STREAM_CAUSE__MAX] = { 0 };
	uint64_t outcomes[STREAM_OUTCOME__MAX] = { 0 };

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	for (size_t i = 0; i < n; i++) {
		print_message("# %s\n", configs[i].name);
		run(&m, &configs[i], seed);
		for (int c = 0; c < STREAM_CAUSE__MAX; c++)
			met_ever[c] += m.met[c];
		for (int o = 0; o < STREAM_OUTCOME__MAX; o++)
			outcomes[o] += m.outcomes[o];
	}
	/* It was worth it. */
	for (int c = STREAM_CAUSE_NO_STREAM + 1; c < STREAM_CAUSE__MAX; c++)
		assert_row(stream_cause_name((enum stream_cause)c),
			   met_ever[c] > 0);
	for (int o = 0; o < STREAM_OUTCOME__MAX; o++)
		assert_row(stream_outcome_name((enum stream_outcome)o),
			   outcomes[o] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
