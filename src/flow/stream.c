/*
 * Theory. Here is what a segment goes through before any of it is believed;
 * what happens to its bytes then, and the picture of a side, is in
 * flow/stream_run.c. push() asks in order:
 *   place()     is it near enough to be of this connection; where does it go?
 *   is_probe()  is it a keep-alive, whose byte means nothing?
 *   fits_fin()  does it agree with the FIN, which is the end of all bytes?
 *   agrees()    does it say the same as what is here at its place?
 * and only then changes anything, so that a segment which its receiver never
 * sees (DROP) was never seen here, too. What begins at next or before is
 * advanced over; everything else is held, within the limits.
 *
 * Streams are numbers into one reserved mapping; closed ones are a stack, last
 * closed on top. A stream that is not RUNNING any more holds nothing and gives
 * the same answer for ever.
 */
#include "flow/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bug.h"
#include "base/limits.h"
#include "flow/stream_run.h"

static const struct {
	const char *name, *text;
	enum stream_exception standard;
} causes[] = {
#define X(name, text, standard, what) { text, what, STREAM_##standard },
	STREAM_CAUSES(X)
#undef X
};
_Static_assert(sizeof causes / sizeof *causes == STREAM_CAUSE__MAX,
	       "one row a cause");

static const char *const exceptions[] = { "pass", "drop", "bypass" };
_Static_assert(sizeof exceptions / sizeof *exceptions == STREAM_EXCEPTION__MAX,
	       "one name an exception");

static const char *const outcomes[] = {
	"empty", "probe", "taken", "held", "old", "refused", "bypassed",
};
_Static_assert(sizeof outcomes / sizeof *outcomes == STREAM_OUTCOME__MAX,
	       "one name an outcome");

const char *stream_cause_name(enum stream_cause c)
{
	return causes[c].name;
}

const char *stream_cause_text(enum stream_cause c)
{
	return causes[c].text;
}

const char *stream_exception_name(enum stream_exception e)
{
	return exceptions[e];
}

const char *stream_outcome_name(enum stream_outcome o)
{
	return outcomes[o];
}

/* --- the pool -------------------------------------------------------------- */

struct stream_options stream_options_default(void)
{
	struct stream_options o = {
		.streams = STREAMS_DEFAULT,
		.blocks = STREAM_BLOCKS_DEFAULT,
		.held_max = STREAM_HELD_DEFAULT,
		.unread_max = STREAM_UNREAD_DEFAULT,
		.unacked_max = STREAM_UNACKED_DEFAULT,
		.overlap = STREAM_FIRST_WINS,
	};

	for (int c = 0; c < STREAM_CAUSE__MAX; c++)
		o.on[c] = (uint8_t)causes[c].standard;
	return o;
}

static void check_options(const struct stream_options *o)
{
	BUG_ON(o->streams < 1 || o->streams > STREAMS_MAX);
	BUG_ON(o->blocks < STREAM_BLOCKS_MIN || o->blocks > STREAM_BLOCKS_MAX);
	BUG_ON(o->held_max < STREAM_HELD_MIN || o->held_max > STREAM_HELD_MAX);
	BUG_ON(o->unread_max > STREAM_UNREAD_MAX);
	BUG_ON(o->unacked_max > STREAM_UNACKED_MAX);
	BUG_ON(o->overlap >= STREAM_OVERLAP__MAX);
	for (int c = 0; c < STREAM_CAUSE__MAX; c++)
		BUG_ON(o->on[c] >= STREAM_EXCEPTION__MAX);
}

/* Reserved, not filled; NULL: out of memory. */
static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

size_t stream_pool_bytes(const struct stream_options *o)
{
	const struct stream_pool *p = NULL;

	return ((size_t)o->streams + 1) * sizeof *p->streams +
	       block_pool_bytes(o->blocks);
}

struct stream_pool *stream_pool_new(const struct stream_options *o)
{
	struct stream_pool *p = calloc(1, sizeof *p);

	check_options(o);
	if (!p)
		return NULL;
	p->options = *o;
	p->held_blocks_max = o->held_max / (STREAM_BLOCK_BYTES / 2);
	p->counts.streams_limit = o->streams;
	p->counts.blocks_limit = o->blocks;
	p->streams_bytes = ((size_t)o->streams + 1) * sizeof *p->streams;
	p->scratch_bytes =
		(size_t)o->unread_max + STREAM_SEGMENT_MAX + o->held_max;
	p->streams = reserve(p->streams_bytes);
	p->scratch = reserve(p->scratch_bytes);
	if (!block_pool_init(&p->blocks, o->blocks) || !p->streams ||
	    !p->scratch) {
		stream_pool_free(p);
		return NULL;
	}
	return p;
}

void stream_pool_configure(struct stream_pool *p, enum stream_overlap overlap,
			   const uint8_t on[static STREAM_CAUSE__MAX])
{
	p->options.overlap = (uint8_t)overlap;
	memcpy(p->options.on, on, sizeof p->options.on);
	check_options(&p->options);
}

void stream_pool_free(struct stream_pool *p)
{
	if (!p)
		return;
	block_pool_done(&p->blocks);
	/* unmapping what was mapped cannot fail */
	if (p->streams)
		(void)munmap(p->streams, p->streams_bytes);
	if (p->scratch)
		(void)munmap(p->scratch, p->scratch_bytes);
	free(p);
}

enum stream_exception stream_on(const struct stream_pool *p,
				enum stream_cause cause)
{
	return (enum stream_exception)p->options.on[cause];
}

struct stream_counts stream_counts(const struct stream_pool *p)
{
	struct stream_counts c = p->counts;

	c.blocks = p->blocks.used;
	c.blocks_taken = p->blocks.taken;
	return c;
}

bool stream_is_open(const struct stream_pool *p, uint32_t handle)
{
	return handle > 0 && handle <= p->used_ever && p->streams[handle].used;
}

static struct stream *at(const struct stream_pool *p, uint32_t handle)
{
	BUG_ON(!stream_is_open(p, handle));
	return &p->streams[handle];
}

struct stream_side_view stream_side_view(const struct stream_pool *p,
					 uint32_t handle, enum flow_side side)
{
	const struct stream_side *s = &at(p, handle)->side[side];

	return (struct stream_side_view){
		.known = s->known,
		.next = s->next,
		.unread = s->next - s->read,
		.held = s->held_bytes,
		.blocks = s->held_blocks,
		.ended = s->ended,
	};
}

/* --- one side ---------------------------------------------------------------- */

static void begin(struct stream_side *s, uint32_t seq, bool midstream)
{
	*s = (struct stream_side){
		.next = seq,
		.read = seq,
		.acked = seq,
		.start = seq,
		.known = true,
		.fresh = true,
		.gap = midstream,
	};
}

uint32_t stream_open(struct stream_pool *p,
		     const struct stream_start start[FLOW_SIDE__MAX])
{
	uint32_t handle = p->free;
	struct stream *st;

	if (p->counts.streams == p->options.streams) {
		p->counts.causes[STREAM_CAUSE_NO_STREAM]++;
		return 0;
	}
	if (handle)
		p->free = p->streams[handle].next_free;
	else
		handle = ++p->used_ever;
	st = &p->streams[handle];
	*st = (struct stream){ .used = true };
	for (int i = 0; i < FLOW_SIDE__MAX; i++)
		if (start[i].known)
			begin(&st->side[i], start[i].isn + 1, false);
	p->counts.streams++;
	p->counts.opened++;
	return handle;
}

void stream_watch(struct stream_pool *p, uint32_t handle)
{
	at(p, handle)->watched = true;
}

void stream_close(struct stream_pool *p, uint32_t handle)
{
	struct stream *st;

	if (!handle)
		return;
	st = at(p, handle);
	stream_end(p, st, STREAM_OVER, STREAM_CAUSE_NONE);
	st->used = false;
	st->next_free = p->free;
	p->free = handle;
	p->counts.streams--;
}

static struct stream_result already_over(const struct stream *st)
{
	bool stopped = st->mode == STREAM_STOPPED;

	return (struct stream_result){
		.outcome = stopped ? STREAM_REFUSED : STREAM_BYPASSED,
		.cause = (enum stream_cause)st->why,
		.exception = stopped ? STREAM_DROP : STREAM_BYPASS,
	};
}

/* --- segments ----------------------------------------------------------------------- */

static bool is_near(const struct stream_side *s, uint32_t seq)
{
	return seq - s->next + STREAM_REACH <= 2 * STREAM_REACH;
}

/* Makes the segment's piece; false: it is not to be looked at further. */
static bool place(struct stream_work *w, const struct stream_segment *seg)
{
	struct stream_side *s = w->s;
	uint32_t seq = seg->seq + seg->syn;
	bool moves = seg->syn && s->known && seq != s->start;

	if (!s->known && !seg->syn && !seg->len && !seg->fin)
		return false;
	if (seg->len > STREAM_SEGMENT_MAX || bytes_len(seg->bytes) > seg->len ||
	    (moves && !s->fresh))
		goto outside;
	if (moves)
		stream_forget_held(w->p, s);
	if (moves || !s->known)
		begin(s, seq, !seg->syn);
	if (!is_near(s, seq) || !is_near(s, seq + seg->len))
		goto outside;
	w->piece = (struct piece){ seq, seg->len, seg->bytes };
	return true;

outside:
	w->result.outcome = STREAM_REFUSED;
	(void)stream_may_pass(w,
			      STREAM_CAUSE_OUTSIDE); /* not taken in any case */
	return false;
}

/* Behind all that is known of a side. */
static uint32_t seen_end(const struct stream_work *w)
{
	uint32_t last = w->s->held.last;

	return last ? block_end(&w->p->blocks.blocks[last]) : w->s->next;
}

/* Does it agree with the FIN? Cuts off what does not; *fin: has it a new one? */
static bool fits_fin(struct stream_work *w, bool *fin)
{
	struct stream_side *s = w->s;
	uint32_t end = w->piece.seq + w->piece.len;
	bool bad;

	if (s->fin_seen)
		bad = seq_after(end, s->fin_seq) || (*fin && end != s->fin_seq);
	else
		bad = *fin && seq_after(seen_end(w), end);
	if (bad && !stream_may_pass(w, STREAM_CAUSE_FIN))
		return false;
	if (bad && s->fin_seen && seq_after(end, s->fin_seq))
		w->piece = piece_part(&w->piece, w->piece.seq,
				      seq_max(s->fin_seq, w->piece.seq));
	*fin = *fin && !bad && !s->fin_seen;
	return true;
}

/* Does it say the same as what is here? */
static bool agrees(struct stream_work *w)
{
	const struct stream_side *s = w->s;
	struct block_pool *blocks = &w->p->blocks;
	uint32_t n = 0;

	if (seq_after(s->next, w->piece.seq))
		n += chain_differs(blocks, &s->kept, &w->piece);
	n += chain_differs(blocks, &s->held, &w->piece);
	if (!n)
		return true;
	w->p->counts.conflict_bytes += n;
	if (!stream_may_pass(w, STREAM_CAUSE_CONFLICT))
		return false;
	if (w->p->options.overlap == STREAM_LAST_WINS)
		chain_overwrite(blocks, &s->held, &w->piece);
	return true;
}

/* The block of held behind which to look for the segment's place. */
static uint32_t search_from(const struct stream_work *w)
{
	uint32_t last = w->s->held.last;

	return last && !seq_after(block_end(&w->p->blocks.blocks[last]),
				  w->piece.seq)
		       ? last
		       : 0;
}

/* Which limit forbids to hold what of the segment is not there yet? */
static enum stream_cause why_not_hold(const struct stream_work *w)
{
	const struct stream_side *s = w->s;
	const struct stream_pool *p = w->p;
	uint32_t end = w->piece.seq + w->piece.len;
	uint32_t pos = w->piece.seq, prev = search_from(w), to;
	uint32_t bytes = s->held_bytes, blocks = s->held_blocks;

	while (chain_gap(&p->blocks, &s->held, &prev, &pos, end, &to)) {
		struct piece part = piece_part(&w->piece, pos, to);

		bytes += (uint32_t)bytes_len(part.bytes);
		blocks += piece_needs(&part);
		pos = to;
	}
	if (blocks == s->held_blocks)
		return STREAM_CAUSE_NONE;
	if (bytes > p->options.held_max || blocks > p->held_blocks_max)
		return STREAM_CAUSE_HELD_MAX;
	if (blocks > block_pool_free(&p->blocks) / STREAM_FREE_SHARE)
		return STREAM_CAUSE_NO_BLOCK_HELD;
	return STREAM_CAUSE_NONE;
}

/* Puts what is not there yet into held; false: nothing was new. */
static bool insert(struct stream_work *w)
{
	struct stream_side *s = w->s;
	struct block_pool *blocks = &w->p->blocks;
	uint32_t end = w->piece.seq + w->piece.len, used = blocks->used;
	uint32_t pos = w->piece.seq, prev = search_from(w), to;
	bool is_new = false;

	while (chain_gap(blocks, &s->held, &prev, &pos, end, &to)) {
		struct piece part = piece_part(&w->piece, pos, to);

		prev = chain_insert(blocks, &s->held, prev, &part);
		s->held_bytes += (uint32_t)bytes_len(part.bytes);
		pos = to;
		is_new = true;
	}
	s->held_blocks += blocks->used - used;
	return is_new;
}

static void take_fin(struct stream_work *w, bool fin)
{
	if (!fin)
		return;
	w->s->fin_seen = true;
	w->s->fin_seq = w->piece.seq + w->piece.len;
}

static void hold(struct stream_work *w, bool fin)
{
	enum stream_cause cause = why_not_hold(w);

	if (cause == STREAM_CAUSE_NONE) {
		w->result.outcome = insert(w) || fin ? STREAM_HELD : STREAM_OLD;
		take_fin(w, fin);
	} else if (stream_may_pass(w, cause)) {
		w->result.outcome = STREAM_TAKEN;
		take_fin(w, fin);
		stream_give_up(w, w->piece.seq + w->piece.len);
	}
}

/* The last acknowledged byte again, or none at its place (RFC 9293 3.8.4). */
static bool is_probe(const struct stream_work *w,
		     const struct stream_segment *seg)
{
	const struct stream_side *s = w->s;

	return seg->len <= 1 && !seg->syn && !seg->fin &&
	       w->piece.seq == s->next - 1 && s->acked == s->next;
}

static void push(struct stream_work *w, const struct stream_segment *seg)
{
	struct stream_side *s = w->s;
	bool fin = seg->fin;
	uint32_t end;

	if (!place(w, seg))
		return;
	if (is_probe(w, seg)) {
		w->result.outcome = STREAM_PROBE;
		return;
	}
	/* no bytes to disagree; behind the side's FIN, which takes a number, too */
	if (!seg->len && !seg->fin) {
		w->result.outcome = STREAM_EMPTY;
		return;
	}
	if (!fits_fin(w, &fin) || !agrees(w))
		return;
	end = w->piece.seq + w->piece.len;
	if (!seq_after(end, s->next) && !fin) {
		w->result.outcome = STREAM_OLD;
	} else if (seq_after(w->piece.seq, s->next)) {
		hold(w, fin);
	} else {
		w->result.outcome = STREAM_TAKEN;
		take_fin(w, fin);
		stream_advance(w);
	}
}

struct stream_result stream_push(struct stream_pool *p, uint32_t handle,
				 enum flow_side side,
				 const struct stream_segment *segment,
				 const struct stream_reader *reader)
{
	struct stream *st = at(p, handle);
	struct stream_work w = {
		.p = p,
		.st = st,
		.s = &st->side[side],
		.side = side,
		.reader = reader,
	};

	if (st->mode == STREAM_RUNNING)
		push(&w, segment);
	else
		w.result = already_over(st);
	p->counts.outcomes[w.result.outcome]++;
	return w.result;
}

/* --- acknowledgements ------------------------------------------------------------------- */

static void push_ack(struct stream_work *w, uint32_t ack)
{
	struct stream_side *s = w->s;

	if (!is_near(s, ack)) {
		w->result.outcome = STREAM_REFUSED;
		(void)stream_may_pass(
			w, STREAM_CAUSE_OUTSIDE); /* not taken anyway */
		return;
	}
	if (seq_after(ack, s->next + s->ended)) {
		if (!stream_may_pass(w, STREAM_CAUSE_UNSEEN_ACK))
			return;
		w->result.outcome = STREAM_TAKEN;
		w->piece.seq = s->fin_seen ? seq_min(ack, s->fin_seq) : ack;
		stream_give_up(w, w->piece.seq);
	}
	ack = seq_min(ack, s->next);
	if (seq_after(ack, s->acked)) {
		s->acked = ack;
		chain_trim(&w->p->blocks, &s->kept,
			   stream_wanted_base(w, s->read, s->next));
	}
}

struct stream_result stream_ack(struct stream_pool *p, uint32_t handle,
				enum flow_side side, uint32_t ack,
				const struct stream_reader *reader)
{
	struct stream *st = at(p, handle);
	enum flow_side other = side == FLOW_CLIENT ? FLOW_SERVER : FLOW_CLIENT;
	struct stream_work w = {
		.p = p,
		.st = st,
		.s = &st->side[other],
		.side = other,
		.reader = reader,
	};

	if (st->mode != STREAM_RUNNING)
		w.result = already_over(st);
	else if (w.s->known)
		push_ack(&w, ack);
	else
		begin(w.s, ack, true);
	return w.result;
}
