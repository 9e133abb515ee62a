/*
 * Theory. Datagrams are saved by age, oldest first, with the fragments of each by
 * offset, and the frames packed. Loading them is to begin each datagram and to
 * hold each fragment again: what is known of a fragment is read from its frame,
 * as it was when it came, and the saved words only say how much of it was
 * captured. So there is nothing that an image can say wrong, but what could have
 * come by the wire, and the limits hold.
 */
#include <string.h>

#include "base/bug.h"
#include "packet/decode.h"
#include "packet/defrag_own.h"

#define OWNER "defrag"

struct saved_head {
	uint32_t datagrams, blocks, source_datagrams, source_blocks;
	uint64_t count[DEFRAG__MAX];
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);

struct saved_datagram {
	struct datagram_key key;
	uint32_t n_fragments;
	usec_t since;
	uint8_t ip_version, proto;
	uint8_t dead;
	uint8_t reserved[5];
};
IMAGE_PART(saved_datagrams, "datagrams", struct saved_datagram, 1);

struct saved_fragment {
	uint32_t frame_len;
	uint32_t wire_len; /* of the frame, up to the end of its content */
};
IMAGE_PART(saved_fragments, "fragments", struct saved_fragment, 1);
IMAGE_PART(saved_bytes, "bytes", uint8_t, 1);

/* --- saving -------------------------------------------------------------- */

static uint64_t bytes_held(const struct defrag *t)
{
	uint64_t n = 0;

	for (uint32_t i = t->by_age.oldest; i;
	     i = t->datagrams[i].link[OF_ALL].newer)
		n += t->datagrams[i].dead ? 0 : t->datagrams[i].frame_bytes;
	return n;
}

static void save_fragments(const struct defrag *t, uint32_t piece,
			   struct saved_fragment **to, struct outbytes *out)
{
	for (; piece; piece = t->held[piece].next) {
		const struct held *h = &t->held[piece];
		uint32_t end = (uint32_t)h->piece.content_at + h->piece.len;
		struct bytes one;

		*(*to)++ = (struct saved_fragment){ h->frame_len, end };
		one = frame_store_get(&t->store, piece, h->frame_len, out);
		/* one of many blocks is there by now */
		if (bytes_len(one) > 0 && one.end != out->at)
			put_copy(out, one.begin, bytes_len(one));
	}
}

void defrag_save(const struct defrag *t, struct image_writer *w)
{
	struct saved_head head = {
		.datagrams = t->opt.datagrams,
		.blocks = t->opt.blocks,
		.source_datagrams = t->opt.source_datagrams,
		.source_blocks = t->opt.source_blocks,
	};
	uint64_t n_bytes = bytes_held(t);
	struct saved_datagram *datagrams;
	struct saved_fragment *fragments;
	struct outbytes out;
	uint8_t *bytes;

	memcpy(head.count, t->stats.count, sizeof head.count);
	image_put(w, OWNER, &saved_head, &head, 1);
	datagrams = image_room(w, OWNER, &saved_datagrams, t->stats.datagrams);
	fragments = image_room(w, OWNER, &saved_fragments, t->stats.fragments);
	bytes = image_room(w, OWNER, &saved_bytes, n_bytes);
	if (!bytes) /* the last one: there is room for all, or only counted */
		return;
	out = outbytes_of(bytes, n_bytes);
	for (uint32_t i = t->by_age.oldest; i;
	     i = t->datagrams[i].link[OF_ALL].newer) {
		const struct datagram *d = &t->datagrams[i];

		*datagrams++ = (struct saved_datagram){
			.key = d->key,
			.n_fragments = d->n_fragments,
			.since = d->since,
			.ip_version = d->ip_version,
			.proto = d->proto,
			.dead = d->dead,
		};
		save_fragments(t, d->first, &fragments, &out);
	}
	BUG_ON(out.full);
}

/* --- loading ------------------------------------------------------------- */

struct loading {
	struct defrag *t;
	const struct saved_fragment *fragment;
	uint64_t fragments_left;
	struct bytes bytes;
};

static bool is_fragment_of(const struct datagram *d, struct bytes frame,
			   uint32_t wire_len, struct packet *ret)
{
	struct frame f = { .bytes = frame, .wire_len = wire_len };
	struct datagram_key key;

	if (packet_decode(ret, f) != PACKET_OK || !ret->is_fragment)
		return false;
	key = defrag_key_of(ret, d->key.endpoint, d->key.ingress);
	return memcmp(&key, &d->key, sizeof key) == 0;
}

/* Behind the last one, and not beyond the datagram's end? */
static bool is_in_order(const struct defrag *t, const struct datagram *d,
			const struct frag_piece *piece)
{
	const struct frag_piece *last = &t->held[d->last].piece;

	if (piece->len == 0 || d->total)
		return false;
	return !d->last || frag_piece_end(last) <= piece->off;
}

static bool has_room(const struct defrag *t, const struct datagram *d,
		     uint32_t frame_len)
{
	uint32_t blocks = frame_store_need(frame_len);

	return d->n_fragments < DEFRAG_FRAGMENTS_MAX &&
	       frame_len <= DEFRAG_FRAMES_BYTES - d->frame_bytes &&
	       blocks <= frame_store_room(&t->store) &&
	       t->sources[d->source].n_blocks + blocks <= t->opt.source_blocks;
}

static bool load_fragment(struct loading *l, uint32_t i)
{
	struct defrag *t = l->t;
	struct datagram *d = &t->datagrams[i];
	struct saved_fragment s;
	struct frag_piece piece;
	struct packet p;

	if (l->fragments_left == 0)
		return false;
	l->fragments_left--;
	s = *l->fragment++;
	if (s.frame_len == 0 || !has_room(t, d, s.frame_len) ||
	    !take_copy(&l->bytes, t->linear, s.frame_len) ||
	    !is_fragment_of(d, bytes_of(t->linear, s.frame_len), s.wire_len,
			    &p))
		return false;
	piece = frag_piece_of(&p);
	if ((uint32_t)piece.content_at + piece.len != s.wire_len ||
	    !is_in_order(t, d, &piece))
		return false;
	defrag_hold(t, i, d->last, &piece, p.frame.bytes);
	d->have += piece.len;
	d->ecn_seen |= (uint8_t)(1 << frag_ecn(&p));
	if (!piece.more)
		d->total = frag_piece_end(&piece);
	return true;
}

static bool load_datagram(struct loading *l, const struct saved_datagram *s)
{
	struct defrag *t = l->t;
	uint32_t hash = defrag_hash(t, &s->key, sizeof s->key), source, i;

	if (s->key.ingress > 1 || t->free_datagram == 0 ||
	    defrag_find(t, &s->key, hash) || (s->dead && s->n_fragments > 0))
		return false;
	source = defrag_source(t, &s->key);
	i = defrag_begin(t, &s->key, hash, source, s->since);
	t->datagrams[i].ip_version = s->ip_version;
	t->datagrams[i].proto = s->proto;
	t->datagrams[i].dead = s->dead;
	if (t->sources[source].n_datagrams > t->opt.source_datagrams)
		return false;
	for (uint32_t n = s->n_fragments; n > 0; n--)
		if (!load_fragment(l, i))
			return false;
	return true;
}

static bool load_all(struct loading *l, const struct saved_datagram *s,
		     uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct saved_datagram one = s[i];

		if (!load_datagram(l, &one))
			return false;
	}
	return l->fragments_left == 0 && bytes_len(l->bytes) == 0;
}

static bool is_same_size(const struct saved_head *h,
			 const struct defrag_options *o)
{
	return h->datagrams == o->datagrams && h->blocks == o->blocks &&
	       h->source_datagrams == o->source_datagrams &&
	       h->source_blocks == o->source_blocks;
}

bool defrag_load(struct defrag *t, const struct image_reader *r)
{
	struct loading l = { .t = t };
	uint64_t n_datagrams, n_bytes;
	const struct saved_datagram *datagrams =
		image_get(r, OWNER, &saved_datagrams, &n_datagrams);
	const uint8_t *bytes = image_get(r, OWNER, &saved_bytes, &n_bytes);
	struct saved_head head;

	BUG_ON(t->stats.datagrams > 0);
	l.fragment = image_get(r, OWNER, &saved_fragments, &l.fragments_left);
	if (!image_take(r, OWNER, &saved_head, &head, 1) || !datagrams ||
	    !l.fragment || !bytes || !is_same_size(&head, &t->opt))
		return false;
	l.bytes = bytes_of(bytes, n_bytes);
	if (!load_all(&l, datagrams, n_datagrams)) {
		while (t->by_age.oldest)
			defrag_drop(t, t->by_age.oldest);
		return false;
	}
	memcpy(t->stats.count, head.count, sizeof head.count);
	return true;
}
