/*
 * Theory. Streams are saved with how many blocks each side has kept and holds;
 * the blocks follow in that order, and their bytes, packed. Blocks get other
 * numbers when they are loaded, one after the other, so there are no links to go
 * wrong; that the invariants of flow/stream_run.c hold is checked side by side.
 */
#include <string.h>

#include "base/bug.h"
#include "base/image.h"
#include "base/limits.h"
#include "base/touch.h"
#include "flow/stream_run.h"

#define OWNER "streams"

struct saved_head {
	uint32_t streams, blocks, held_max, unread_max, unacked_max;
	uint32_t reserved;
	uint64_t blocks_taken;
	struct stream_counts counts;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);

enum { KNOWN = 1, FRESH = 2, GAP = 4, FIN_SEEN = 8, ENDED = 16 };

struct saved_side {
	uint32_t next, read, acked, start, fin_seq, gap_len;
	uint32_t n_kept, n_held; /* blocks */
	uint32_t flags;		 /* KNOWN, ... */
};

struct saved_stream {
	uint32_t handle;
	uint8_t watched;
	uint8_t mode; /* enum stream_mode */
	uint8_t why;  /* enum stream_cause */
	uint8_t reserved;
	struct saved_side side[FLOW_SIDE__MAX];
};
IMAGE_PART(saved_streams, "streams", struct saved_stream, 1);

struct saved_block {
	uint32_t seq, len;
	uint16_t off;
	uint16_t hole;
};
IMAGE_PART(saved_blocks, "blocks", struct saved_block, 1);
IMAGE_PART(saved_bytes, "bytes", uint8_t, 1);

/* --- saving --------------------------------------------------------------- */

/* The blocks and their bytes; NULL: these are only counted. */
struct saving {
	const struct block_pool *pool;
	struct saved_block *block;
	uint8_t *bytes;
	uint64_t n_bytes;
};

static uint32_t save_chain(struct saving *s, const struct chain *c)
{
	const struct block *b;
	uint32_t n = 0;

	for (uint32_t at = c->first; at; at = b->next, n++) {
		b = &s->pool->blocks[at];
		if (s->block)
			*s->block++ = (struct saved_block){ b->seq, b->len,
							    b->off, b->hole };
		if (b->hole)
			continue;
		if (s->bytes)
			memcpy(s->bytes + s->n_bytes,
			       block_bytes(s->pool, b).begin, b->len);
		s->n_bytes += b->len;
	}
	return n;
}

static struct saved_side save_side(struct saving *s,
				   const struct stream_side *side)
{
	return (struct saved_side){
		.next = side->next,
		.read = side->read,
		.acked = side->acked,
		.start = side->start,
		.fin_seq = side->fin_seq,
		.gap_len = side->gap_len,
		.n_kept = save_chain(s, &side->kept),
		.n_held = save_chain(s, &side->held),
		.flags = (side->known ? KNOWN : 0u) |
			 (side->fresh ? FRESH : 0u) | (side->gap ? GAP : 0u) |
			 (side->fin_seen ? FIN_SEEN : 0u) |
			 (side->ended ? ENDED : 0u),
	};
}

/* to: NULL: nothing is written but by *s. */
static void save_streams(const struct stream_pool *p, struct saving *s,
			 struct saved_stream *to)
{
	for (uint32_t at = 1; at <= p->used_ever; at++) {
		const struct stream *st = &p->streams[at];
		struct saved_stream one = { .handle = at,
					    .watched = st->watched,
					    .mode = st->mode,
					    .why = st->why };

		if (!st->used)
			continue;
		one.side[FLOW_CLIENT] = save_side(s, &st->side[FLOW_CLIENT]);
		one.side[FLOW_SERVER] = save_side(s, &st->side[FLOW_SERVER]);
		if (to)
			*to++ = one;
	}
}

void stream_pool_save(const struct stream_pool *p, struct image_writer *w)
{
	struct saved_head head = {
		.streams = p->options.streams,
		.blocks = p->options.blocks,
		.held_max = p->options.held_max,
		.unread_max = p->options.unread_max,
		.unacked_max = p->options.unacked_max,
		.blocks_taken = p->blocks.taken,
		.counts = p->counts,
	};
	struct saving count = { .pool = &p->blocks }, s = count;
	struct saved_stream *to;

	save_streams(p, &count, NULL);
	image_put(w, OWNER, &saved_head, &head, 1);
	to = image_room(w, OWNER, &saved_streams, p->counts.streams);
	s.block = image_room(w, OWNER, &saved_blocks, p->blocks.used);
	s.bytes = image_room(w, OWNER, &saved_bytes, count.n_bytes);
	if (s.bytes) /* the last one: there is room for all */
		save_streams(p, &s, to);
}

/* --- loading -------------------------------------------------------------- */

struct loading {
	struct stream_pool *p;
	const struct saved_block *block;
	uint64_t blocks_left;
	struct bytes bytes;
};

/* The next block, behind the others of the chain; false: it is none. */
static bool load_block(struct loading *l, struct chain *c)
{
	struct block_pool *pool = &l->p->blocks;
	uint32_t at = pool->used_ever + 1;
	struct block *b = &pool->blocks[at];
	struct saved_block s;

	if (l->blocks_left == 0 || pool->used_ever == pool->limit)
		return false;
	s = *l->block++;
	l->blocks_left--;
	*b = (struct block){ .seq = s.seq, .len = s.len, .hole = s.hole };
	if (b->len == 0)
		return false;
	if (!b->hole) {
		b->off = s.off;
		if (s.off >= STREAM_BLOCK_BYTES ||
		    b->len > (uint32_t)STREAM_BLOCK_BYTES - b->off ||
		    !take_copy(&l->bytes,
			       pool->memory + (size_t)at * STREAM_BLOCK_BYTES +
				       b->off,
			       b->len))
			return false;
	}
	if (c->last)
		pool->blocks[c->last].next = at;
	else
		c->first = at;
	c->last = at;
	pool->used = ++pool->used_ever;
	return true;
}

/* Bytes, one behind the other, up to next; read lies among them. */
static bool load_kept(struct loading *l, struct stream_side *s, uint32_t n)
{
	const struct stream_options *o = &l->p->options;
	uint32_t unread = s->next - s->read, all = 0, most = o->unread_max;
	const struct block *b;

	if (most < o->unacked_max)
		most = o->unacked_max;
	for (; n > 0; n--) {
		uint32_t last = s->kept.last;

		if (!load_block(l, &s->kept))
			return false;
		b = &l->p->blocks.blocks[s->kept.last];
		all += b->len;
		if (b->hole || all > most ||
		    (last && block_end(&l->p->blocks.blocks[last]) != b->seq))
			return false;
	}
	if (s->kept.last &&
	    block_end(&l->p->blocks.blocks[s->kept.last]) != s->next)
		return false;
	return unread <= all && unread <= o->unread_max;
}

/* Blocks behind next, in order, none over another. */
static bool load_held(struct loading *l, struct stream_side *s, uint32_t n)
{
	uint32_t end = 1; /* behind next; what begins there is not held */
	const struct block *b;

	for (; n > 0; n--) {
		if (!load_block(l, &s->held))
			return false;
		b = &l->p->blocks.blocks[s->held.last];
		if (b->seq - s->next < end || b->seq - s->next > STREAM_REACH ||
		    b->len > STREAM_REACH - (b->seq - s->next))
			return false;
		end = block_end(b) - s->next;
		s->held_blocks++;
		s->held_bytes += b->hole ? 0 : b->len;
		if (s->held_bytes > l->p->options.held_max)
			return false;
	}
	return true;
}

/* Nothing is behind the FIN, and it is not further than anything may be. */
static bool is_sound_fin(const struct loading *l, const struct stream_side *s)
{
	uint32_t end = s->held.last
			       ? block_end(&l->p->blocks.blocks[s->held.last])
			       : s->next;

	if (!s->fin_seen)
		return !s->ended;
	return s->fin_seq - s->next <= STREAM_REACH &&
	       !seq_after(end, s->fin_seq) &&
	       (!s->ended || s->fin_seq == s->next);
}

static bool load_side(struct loading *l, struct stream_side *s,
		      const struct saved_side *from)
{
	*s = (struct stream_side){ 0 };
	if (!(from->flags & KNOWN))
		return from->n_kept == 0 && from->n_held == 0;
	s->next = from->next;
	s->read = from->read;
	s->acked = from->acked;
	s->start = from->start;
	s->fin_seq = from->fin_seq;
	s->gap_len = from->gap_len;
	s->known = true;
	s->fresh = from->flags & FRESH;
	s->gap = from->flags & GAP;
	s->fin_seen = from->flags & FIN_SEEN;
	s->ended = from->flags & ENDED;
	return s->next - s->acked <= STREAM_REACH &&
	       load_kept(l, s, from->n_kept) && load_held(l, s, from->n_held) &&
	       is_sound_fin(l, s);
}

/* Streams come in the order of their handles. */
static bool load_stream(struct loading *l, const struct saved_stream *s)
{
	struct stream_pool *p = l->p;
	struct stream *st;

	if (s->handle <= p->used_ever || s->handle > p->options.streams ||
	    s->mode > STREAM_OVER || s->why >= STREAM_CAUSE__MAX)
		return false;
	while (p->used_ever + 1 < s->handle)
		p->streams[++p->used_ever].used = false;
	st = &p->streams[++p->used_ever];
	st->used = true;
	st->watched = s->watched != 0;
	st->mode = s->mode;
	st->why = s->why;
	p->counts.streams++;
	for (unsigned i = 0; i < FLOW_SIDE__MAX; i++)
		if (!load_side(l, &st->side[i], &s->side[i]) ||
		    (st->mode != STREAM_RUNNING &&
		     (st->side[i].kept.first || st->side[i].held.first)))
			return false;
	return true;
}

static bool load_all(struct loading *l, const struct saved_stream *s,
		     uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct saved_stream one = s[i];

		if (!load_stream(l, &one))
			return false;
	}
	return l->blocks_left == 0 && bytes_len(l->bytes) == 0;
}

static bool is_same_size(const struct saved_head *h,
			 const struct stream_options *o)
{
	return h->streams == o->streams && h->blocks == o->blocks &&
	       h->held_max == o->held_max && h->unread_max == o->unread_max &&
	       h->unacked_max == o->unacked_max;
}

static void stack_free(struct stream_pool *p)
{
	for (uint32_t at = p->used_ever; at > 0; at--)
		if (!p->streams[at].used) {
			p->streams[at].next_free = p->free;
			p->free = at;
		}
}

bool stream_pool_load(struct stream_pool *p, const struct image_reader *r)
{
	struct loading l = { .p = p };
	uint64_t n_streams, n_bytes;
	const struct saved_stream *streams =
		image_get(r, OWNER, &saved_streams, &n_streams);
	const uint8_t *bytes = image_get(r, OWNER, &saved_bytes, &n_bytes);
	struct stream_counts counts = p->counts;
	struct saved_head head;

	BUG_ON(p->used_ever > 0 || p->blocks.used_ever > 0);
	l.block = image_get(r, OWNER, &saved_blocks, &l.blocks_left);
	if (!image_take(r, OWNER, &saved_head, &head, 1) || !streams ||
	    !l.block || !bytes || !is_same_size(&head, &p->options))
		return false;
	l.bytes = bytes_of(bytes, n_bytes);
	if (!load_all(&l, streams, n_streams)) {
		p->used_ever = 0;
		p->blocks.used = p->blocks.used_ever = 0;
		p->counts = counts;
		return false;
	}
	stack_free(p);
	p->blocks.taken = head.blocks_taken;
	counts = p->counts;
	p->counts = head.counts;
	p->counts.streams = counts.streams;
	p->counts.streams_limit = counts.streams_limit;
	p->counts.blocks_limit = counts.blocks_limit;
	return true;
}

void stream_pool_used(const struct stream_pool *p, uint32_t *ret_streams,
		      uint32_t *ret_blocks)
{
	*ret_streams = p->used_ever;
	*ret_blocks = p->blocks.used;
}

void stream_pool_touch(struct stream_pool *p, uint32_t streams, uint32_t blocks)
{
	if (streams > p->options.streams)
		streams = p->options.streams;
	if (blocks > p->blocks.limit)
		blocks = p->blocks.limit;
	touch_memory(p->streams, (streams + (size_t)1) * sizeof *p->streams);
	touch_memory(p->blocks.blocks,
		     (blocks + (size_t)1) * sizeof *p->blocks.blocks);
	touch_memory(p->blocks.memory,
		     (blocks + (size_t)1) * STREAM_BLOCK_BYTES);
}
