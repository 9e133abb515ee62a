/*
 * Theory. A field is whole, or comes in pieces (sig_scan.c tells how these are put
 * behind each other). Of a whole one that only one search asks of, that search is
 * made before anything else: nearly always nothing is in it, and then that was all.
 * That nothing is in it is remembered for fields that are known to come again
 * (proto_piece.same), and what searches found in general (sig_memo.h). Neither
 * says anything about connections: who waits, or is tried without a pattern, is
 * asked each time.
 */
#include <string.h>

#include "base/unset.h"
#include "detect/sig_scan_own.h"

/* A whole field that may be asked of later goes to the request's block. */
static void keep_field(struct sig_look *l, struct bytes bytes)
{
	struct sig_scanner *s = l->s;
	struct sig_side *side = l->side;
	size_t n = bytes_len(bytes);
	uint8_t *to;

	if (side->kept == 0)
		side->kept = sig_block_take(s);
	if (side->kept == 0)
		return;
	if (n + 3 > SIG_BLOCK_BYTES - (size_t)side->kept_len) {
		s->counts.kept_full++;
		return;
	}
	to = s->blocks[side->kept] + side->kept_len;
	to[0] = l->place;
	to[1] = (uint8_t)(n >> 8);
	to[2] = (uint8_t)n;
	if (n > 0)
		memcpy(to + 3, bytes.begin, n);
	side->kept_len = (uint16_t)(side->kept_len + n + 3);
}

static void whole_field(struct sig_look *l, struct bytes bytes)
{
	const struct sig_set *set = l->flow->lane->set;

	l->view.bytes = bytes;
	l->view.ended = true;
	if (set->kept[l->place])
		keep_field(l, bytes);
	sig_look(l);
}

enum search_answer {
	SEARCH_LATER, /* it takes more than one search */
	SEARCH_HITS,  /* that was made (lane->hits) */
	SEARCH_QUIET, /* nothing is in it, and nobody waits for it */
};

static enum search_answer search_first(struct sig_scanner *s,
				       struct sig_lane *lane,
				       const struct proto_piece *p)
{
	const struct sig_set *set = lane->set;
	uint32_t i = set->channels_at[p->field];
	uint32_t n = set->channels_at[p->field + 1] - i;
	const struct sig_channel *c = &set->channels[i];

	if (n == 0)
		return SEARCH_QUIET;
	if (n > 1 || c->n_transforms > 0 || c->n_unfiltered > 0)
		return SEARCH_LATER;
	return sig_search(s, lane, c, p->bytes, 0) > 0 ? SEARCH_HITS
						       : SEARCH_QUIET;
}

/*
 * Of a whole field. Nearly all are quiet, and those of a head that came before
 * are so again: then nothing is to be done.
 */
static enum search_answer search_field(struct sig_scanner *s,
				       const struct sig_flow *f,
				       const struct proto_piece *p)
{
	uint64_t *quiet = &f->lane->quiet[p->same % SIG_QUIET_PLACES];
	enum search_answer answer;

	if (f->sides[p->side].waiting || !p->begin || !p->end ||
	    bytes_len(p->bytes) > SIG_PIECE_MAX)
		return SEARCH_LATER;
	f->lane->n_hits = 0;
	if (p->same && p->same == *quiet)
		return SEARCH_QUIET;
	answer = search_first(s, f->lane, p);
	if (p->same && answer == SEARCH_QUIET)
		*quiet = p->same;
	return answer;
}

static void slice_of_field(struct sig_look *l, struct sig_buf *b,
			   struct bytes slice, bool end)
{
	if (b)
		sig_append(l, b, slice);
	else
		l->view = (struct sig_view){ .bytes = slice };
	l->view.ended = end;
	if (b)
		b->ended = end;
	/* many small pieces: looked at together */
	if (l->place == FIELD_HTTP_HEADER && b && b->block && !end &&
	    b->len + 512u < SIG_BLOCK_BYTES)
		return;
	if (l->place == FIELD_HTTP_HEADER)
		l->fresh = 0;
	sig_look(l);
}

static void field_in_pieces(struct sig_look *l, const struct proto_piece *p)
{
	bool alone = p->begin && p->end &&
		     bytes_len(p->bytes) <= SIG_PIECE_MAX &&
		     !l->flow->lane->set->kept[l->place];
	struct sig_buf *b;
	struct bytes bytes = p->bytes;

	if (alone) {
		l->view = (struct sig_view){ .bytes = bytes, .ended = true };
		sig_look(l);
		return;
	}
	b = sig_buf_of(l->side, l->place);
	if (!b)
		l->s->counts.no_block++;
	if (b && p->begin) {
		b->len = 0;
		b->pos = 0;
		b->ended = false;
	}
	do {
		struct bytes slice = bytes;

		if (bytes_len(slice) > SIG_PIECE_MAX)
			slice.end = slice.begin + SIG_PIECE_MAX;
		bytes.begin = slice.end;
		slice_of_field(l, b, slice, p->end && bytes_len(bytes) == 0);
	} while (bytes_len(bytes) > 0);
}

void sig_piece(struct sig_scanner *s, uint32_t flow,
	       const struct proto_piece *p)
{
	struct sig_flow *f = sig_flow_of(s, flow);
	enum search_answer answer;
	const struct sig_set *set;
	UNSET struct sig_look l;

	if (!f || !f->lane->set->wanted[p->field])
		return;
	set = f->lane->set;
	f->established = true;
	answer = search_field(s, f, p);
	if (answer == SEARCH_QUIET && !set->kept[p->field])
		return;
	sig_look_at(&l, s, f, p->side, p->field);
	l.searched = answer != SEARCH_LATER;
	if (proto_field_in_pieces((enum proto_field)p->field))
		field_in_pieces(&l, p);
	else if (answer == SEARCH_QUIET)
		keep_field(&l, p->bytes);
	else
		whole_field(&l, p->bytes);
	sig_flush(&l);
}
