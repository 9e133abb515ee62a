/*
 * Theory. One side of a stream, by sequence numbers:
 *
 *      kept              next        held
 *   ----[..........|......]- - - -[....]- - -[..]- - - - - - -[.]x
 *       ^base      ^read   missing                               ^fin_seq
 *
 * [base, next) has been shown; of it [read, next) was left by the reader, and
 * what is before read is kept only to compare retransmissions with, until it
 * is acknowledged. Behind next are the pieces that came out of order.
 *
 * Invariants. kept has no hole and covers [base, next), base <= read <= next;
 * it is empty when nothing is to be kept. Blocks of held begin behind next.
 * acked <= next. Once the FIN's place is known, nothing lies behind it; ended
 * means next has come there and the reader was told. `fresh`: nothing was
 * taken yet, so another SYN may still move the start.
 *
 * gather() makes one run of what was left, the segment, and what is held behind
 * it: the segment's own memory when that is all, else scratch; show() gives it
 * to the reader, settle() keeps what is to be kept. A run ends at a hole (bytes
 * that a capture cut off); skip_to() makes a gap of it, and a new run begins.
 * stream_give_up() does the same for bytes that will not come.
 *
 * Whatever is held came before the segment that now fills the hole in front of
 * it, so with "first wins" its bytes are taken and the segment fills only what
 * is between; with "last wins" the segment has been written over it.
 */
#include "flow/stream_run.h"

#include "base/bug.h"
#include "base/limits.h"

/* In-order bytes from s->read on. */
struct stream_run {
	struct bytes bytes;
	uint32_t end;	  /* sequence number behind them */
	uint32_t hole_to; /* behind that: a hole up to here; end: none */
};

static void forget_kept(struct stream_pool *p, struct stream_side *s)
{
	chain_free(&p->blocks, &s->kept);
	s->read = s->next;
}

void stream_forget_held(struct stream_pool *p, struct stream_side *s)
{
	chain_free(&p->blocks, &s->held);
	s->held_bytes = s->held_blocks = 0;
}

void stream_end(struct stream_pool *p, struct stream *st, enum stream_mode mode,
		enum stream_cause why)
{
	for (int i = 0; i < FLOW_SIDE__MAX; i++) {
		forget_kept(p, &st->side[i]);
		stream_forget_held(p, &st->side[i]);
	}
	st->mode = (uint8_t)mode;
	st->why = (uint8_t)why;
}

/* --- causes -------------------------------------------------------------------- */

bool stream_may_pass(struct stream_work *w, enum stream_cause cause)
{
	enum stream_exception e = stream_on(w->p, cause);
	struct stream_result *r = &w->result;

	if (e == STREAM_DROP && w->st->watched)
		e = STREAM_PASS;
	w->p->counts.causes[cause]++;
	if (r->cause == STREAM_CAUSE_NONE || e != STREAM_PASS) {
		r->cause = cause;
		r->exception = e;
	}
	if (e == STREAM_PASS)
		return true;
	r->outcome = e == STREAM_DROP ? STREAM_REFUSED : STREAM_BYPASSED;
	if (e == STREAM_BYPASS)
		stream_end(w->p, w->st, STREAM_OVER, cause);
	return false;
}

/* The same for what the reader has been shown: it can't be refused alone. */
static bool may_lose(struct stream_work *w, enum stream_cause cause)
{
	bool pass = stream_may_pass(w, cause);

	if (!pass && w->st->mode == STREAM_RUNNING)
		stream_end(w->p, w->st, STREAM_STOPPED, cause);
	return pass;
}

/* --- moving on -------------------------------------------------------------------- */

static void add_gap(struct stream_side *s, uint32_t len)
{
	s->gap = true;
	s->gap_len = len > UINT32_MAX - s->gap_len ? UINT32_MAX
						   : s->gap_len + len;
}

/* What the reader left up to `to`, which is read or behind, is given up. */
static void lose_unread(struct stream_work *w, uint32_t to)
{
	uint32_t len = to - w->s->read;

	if (len)
		add_gap(w->s, len);
	w->p->counts.unread_lost_bytes += len;
	w->s->read = to;
}

/* Without acknowledgements (tap), acked must not fall back for ever. */
static void drag_acked(struct stream_side *s)
{
	if (s->next - s->acked > STREAM_REACH)
		s->acked = s->next - STREAM_REACH;
}

/* [next, to) is missing for good. */
static void skip_to(struct stream_work *w, uint32_t to)
{
	struct stream_side *s = w->s;

	if (to == s->next)
		return;
	lose_unread(w, s->next);
	chain_free(&w->p->blocks, &s->kept);
	add_gap(s, to - s->next);
	w->p->counts.gaps++;
	w->p->counts.gap_bytes += to - s->next;
	s->fresh = false;
	s->next = s->read = to;
	drag_acked(s);
}

static uint32_t base_of(const struct stream_work *w)
{
	const struct stream_side *s = w->s;

	return s->kept.first ? w->p->blocks.blocks[s->kept.first].seq : s->next;
}

uint32_t stream_wanted_base(const struct stream_work *w, uint32_t read,
			    uint32_t end)
{
	uint32_t most = w->p->options.unacked_max;
	uint32_t base = seq_min(read, w->s->acked);

	if (end - base > most)
		base = seq_min(read, end - most);
	return base;
}

/*
 * Keeps the run from `from` on, which is not before base. false: that were more
 * blocks than there are, or than is one side's share.
 */
static bool keep_from(struct stream_work *w, const struct stream_run *run,
		      uint32_t from)
{
	struct block_pool *blocks = &w->p->blocks;
	struct stream_side *s = w->s;
	uint32_t first = seq_max(from, s->next), len = run->end - first;
	uint32_t share = block_pool_free(blocks) / STREAM_FREE_SHARE, needs;

	chain_trim(blocks, &s->kept, from);
	needs = chain_needs(blocks, &s->kept, len);
	if (needs > share || (needs && blocks_for(run->end - from) > share))
		return false;
	if (len)
		chain_append(blocks, &s->kept, first,
			     bytes_of(run->bytes.end - len, len));
	return true;
}

/* Read bytes are kept only while there are blocks for other things, too. */
static bool keep_read(struct stream_work *w, const struct stream_run *run,
		      uint32_t from)
{
	const struct block_pool *blocks = &w->p->blocks;

	return blocks->used < blocks->limit / 2 && keep_from(w, run, from);
}

/* The run was shown, and all before `read` is read. */
static void settle(struct stream_work *w, const struct stream_run *run,
		   uint32_t read)
{
	struct stream_side *s = w->s;
	uint32_t open = seq_max(seq_min(read, s->acked), base_of(w));
	uint32_t from = stream_wanted_base(w, read, run->end);

	if (from != read && !keep_read(w, run, from))
		from = read;
	if (from == read && !keep_from(w, run, from)) {
		if (!may_lose(w, STREAM_CAUSE_NO_BLOCK_UNREAD))
			return;
		chain_free(&w->p->blocks, &s->kept);
		s->read = read;
		lose_unread(w, run->end);
		read = from = run->end;
	}
	if (w->p->options.unacked_max && seq_after(from, open))
		w->p->counts.unchecked_bytes += from - open;
	s->read = read;
	s->next = run->end;
	drag_acked(s);
}

static bool is_end(const struct stream_side *s, uint32_t seq)
{
	return s->fin_seen && !s->ended && seq == s->fin_seq;
}

/* Shows a run to the reader. */
static void show(struct stream_work *w, const struct stream_run *run)
{
	struct stream_side *s = w->s;
	struct stream_chunk chunk = {
		.bytes = run->bytes,
		.side = w->side,
		.gap_before = s->gap,
		.gap_len = s->gap_len,
		.last = is_end(s, run->end),
	};
	size_t len = bytes_len(run->bytes);
	size_t consumed = w->reader->fn(w->reader->arg, &chunk);
	uint32_t read = s->read + (uint32_t)consumed;

	BUG_ON(consumed > len);
	w->p->counts.shown_bytes += run->end - s->next;
	s->fresh = s->gap = false;
	s->gap_len = 0;
	if (chunk.last) {
		s->ended = true;
		read = run->end;
	}
	if (run->end - read > w->p->options.unread_max) {
		if (!may_lose(w, STREAM_CAUSE_UNREAD_MAX))
			return;
		s->read = read;
		lose_unread(w, run->end);
		read = run->end;
	}
	settle(w, run, read);
}

static void pop_held(struct stream_work *w)
{
	struct stream_side *s = w->s;
	const struct block *b = &w->p->blocks.blocks[s->held.first];

	s->held_bytes -= b->hole ? 0 : b->len;
	s->held_blocks--;
	chain_pop(&w->p->blocks, &s->held);
}

static void put_scratch(struct stream_work *w, struct stream_run *run,
			struct bytes more)
{
	size_t len = bytes_len(run->bytes);

	BUG_ON(len + bytes_len(more) > w->p->scratch_bytes);
	memcpy(w->p->scratch + len, more.begin, bytes_len(more));
	run->bytes = bytes_of(w->p->scratch, len + bytes_len(more));
	run->end += (uint32_t)bytes_len(more);
	run->hole_to = run->end;
}

/* Takes the first held block, at the run's end. true: it has bytes. */
static bool gather_held(struct stream_work *w, struct stream_run *run)
{
	const struct block *b = &w->p->blocks.blocks[w->s->held.first];
	bool hole = b->hole;

	if (hole)
		run->hole_to = block_end(b);
	else
		put_scratch(w, run, block_bytes(&w->p->blocks, b));
	pop_held(w);
	return !hole;
}

/* The segment's part from `seq` on, up to what is held behind that. */
static struct piece piece_from(const struct stream_work *w, uint32_t seq)
{
	uint32_t end = w->piece.seq + w->piece.len, held = w->s->held.first;

	if (held)
		end = seq_min(end, w->p->blocks.blocks[held].seq);
	if (seq_after(w->piece.seq, seq) || !seq_after(end, seq))
		return (struct piece){ .seq = seq };
	return piece_part(&w->piece, seq, end);
}

/* Takes the segment's part at the run's end. true: it has bytes. */
static bool gather_piece(struct stream_work *w, struct stream_run *run)
{
	struct piece part = piece_from(w, run->end);

	if (!bytes_len(part.bytes)) {
		run->hole_to = run->end + part.len;
		return false;
	}
	put_scratch(w, run, part.bytes);
	return true;
}

/* Is a held block the next? */
static bool held_is_at(const struct stream_work *w, uint32_t seq)
{
	uint32_t first = w->s->held.first;

	BUG_ON(first && seq_after(seq, w->p->blocks.blocks[first].seq));
	return first && w->p->blocks.blocks[first].seq == seq;
}

static struct stream_run gather(struct stream_work *w)
{
	struct stream_side *s = w->s;
	struct stream_run run = { .end = s->next, .hole_to = s->next };
	struct piece part = piece_from(w, s->next);
	uint32_t have = (uint32_t)bytes_len(part.bytes);

	if (s->read == s->next && have && !held_is_at(w, s->next + have)) {
		run.bytes = part.bytes;
		run.end = s->next + have;
		run.hole_to = s->next + part.len;
		return run;
	}
	chain_copy(&w->p->blocks, &s->kept, s->read, s->next, w->p->scratch);
	run.bytes = bytes_of(w->p->scratch, s->next - s->read);
	while (held_is_at(w, run.end) ? gather_held(w, &run)
				      : gather_piece(w, &run))
		;
	return run;
}

void stream_advance(struct stream_work *w)
{
	struct stream_side *s = w->s;
	bool more = true;

	while (more && w->st->mode == STREAM_RUNNING) {
		struct stream_run run = gather(w);

		if (run.end != s->next || is_end(s, run.end))
			show(w, &run);
		more = run.hole_to != run.end && w->st->mode == STREAM_RUNNING;
		if (more)
			skip_to(w, run.hole_to);
	}
}

void stream_give_up(struct stream_work *w, uint32_t until)
{
	struct stream_side *s = w->s;

	while (w->st->mode == STREAM_RUNNING && seq_after(until, s->next)) {
		uint32_t to = seq_min(w->piece.seq, until);
		uint32_t held = s->held.first;

		if (held)
			to = seq_min(to, w->p->blocks.blocks[held].seq);
		skip_to(w, to);
		stream_advance(w);
	}
}
