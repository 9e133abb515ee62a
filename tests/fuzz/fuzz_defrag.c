/*
 * Fragments made of the input, and raw frames, given to a small table. All
 * frames that came are kept; each datagram that is called whole is checked
 * against them: its fragments are among them, as they came, belong together and
 * join without gap or overlap from the first to the last, and the one frame is
 * made of their bytes. No fragment is lost: each is held, part of a whole one,
 * refused, or told to be gone.
 *
 * A step is a byte, and what it says:
 *   0x00..0x7f  a fragment of 7 more bytes: key, place, length, bytes of its
 *               content, flags, padding, seconds
 *   0x80..0xff  a raw frame behind its length (two bytes)
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "packet/defrag.h"

#define STEPS_MAX	 300
#define FRAME_ROOM	 4500
#define MORE		 0x01
#define V6		 0x02
#define INGRESS		 0x04
#define CUT		 0x08
#define IP6_HEADER	 40
#define IP6_FRAG_HEADER	 8
#define IP6_FRAGMENT	 44
#define IP6_EXPERIMENTAL 253

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct step {
	uint8_t key, place, len, fill, flags, padding, seconds;
};

struct kept {
	uint8_t *frame;
	size_t len;
	struct packet p;
	bool ingress;
	bool used; /* part of a whole one: not again */
};

struct run {
	struct defrag *table;
	struct kept kept[STEPS_MAX];
	unsigned n;
	usec_t now;
	uint64_t held, gone;
};

static bool take_step(struct bytes *b, struct step *s)
{
	return take_u8(b, &s->key) && take_u8(b, &s->place) &&
	       take_u8(b, &s->len) && take_u8(b, &s->fill) &&
	       take_u8(b, &s->flags) && take_u8(b, &s->padding) &&
	       take_u8(b, &s->seconds);
}

static void put_headers(struct outbytes *o, const struct step *s, uint16_t off,
			uint16_t len)
{
	bool more = s->flags & MORE;

	put_copy(o, (uint8_t[]){ 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 }, 12);
	if (s->flags & V6) {
		put_be16(o, ETHERTYPE_IP6);
		put_be32(o, 0x60000000);
		put_be16(o, (uint16_t)(IP6_FRAG_HEADER + len));
		put_be16(o, IP6_FRAGMENT << 8 | 9);
		put_be32(o, 0x20010db8);
		put_zero(o, 11);
		put_u8(o, 1 + (s->key & 3));
		put_be32(o, 0x20010db8);
		put_zero(o, 11);
		put_u8(o, 9);
		put_be16(o, IP6_EXPERIMENTAL << 8);
		put_be16(o, off | more);
		put_be32(o, s->key >> 2);
		return;
	}
	put_be16(o, ETHERTYPE_IP4);
	put_be16(o, 0x4500 | (s->padding & 3));
	put_be16(o, 20 + len);
	put_be16(o, s->key >> 2);
	put_be16(o, (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
	put_be16(o, 9 << 8 | IP6_EXPERIMENTAL);
	put_be16(o, 0);
	put_be32(o, 0x0a000001 + (s->key & 3));
	put_be32(o, 0x0a000009);
}

/* Lengths of more than a block, too; places close to each other. */
static size_t make_fragment(uint8_t *buf, const struct step *s)
{
	struct outbytes o = outbytes_of(buf, FRAME_ROOM);
	uint16_t unit = s->key & 4 ? 1600 : 8;
	uint16_t len = (uint16_t)((1 + s->len % 2) * unit);

	if (!(s->flags & MORE))
		len -= s->len >> 4 & 7;
	put_headers(&o, s, (uint16_t)(s->place % 16 * unit), len);
	for (uint16_t i = 0; i < len; i++)
		put_u8(&o, s->fill);
	put_zero(&o, s->padding);
	BUG_ON(o.full);
	return outbytes_len(&o);
}

/* --- checking ----------------------------------------------------------- */

static void count_gone(void *arg, const struct defrag_gone *g)
{
	struct run *r = arg;

	BUG_ON(g->n_fragments > r->held);
	r->gone += g->n_fragments;
	r->held -= g->n_fragments;
}

static struct kept *find_kept(struct run *r, struct bytes frame, bool ingress)
{
	for (unsigned i = r->n; i-- > 0;) {
		struct kept *k = &r->kept[i];

		if (!k->used && k->ingress == ingress &&
		    k->len == bytes_len(frame) &&
		    memcmp(k->frame, frame.begin, k->len) == 0)
			return k;
	}
	BUG_ON(true);
	return NULL;
}

/* The fragment's bytes begin there: found from its end, not from its front. */
static size_t content_of(const struct packet *p)
{
	size_t end = p->l4_off + p->l4_len, at;
	struct bytes b = p->frame.bytes;
	uint8_t next, len;

	if (p->ip_version == 4)
		return p->l4_off;
	(void)take_skip(&b, p->l3_off + 6u);
	BUG_ON(!take_u8(&b, &next) || !take_skip(&b, IP6_HEADER - 7));
	while (next != IP6_FRAGMENT) {
		bool is_auth = next == 51;

		BUG_ON(!take_u8(&b, &next) || !take_u8(&b, &len));
		BUG_ON(!take_skip(&b, is_auth ? len * 4u + 6 : len * 8u + 6));
	}
	at = (size_t)(b.begin - p->frame.bytes.begin) + IP6_FRAG_HEADER;
	BUG_ON(at >= end);
	return at;
}

static void check_together(const struct packet *a, const struct packet *b)
{
	BUG_ON(ip_compare(a->saddr, b->saddr) ||
	       ip_compare(a->daddr, b->daddr));
	BUG_ON(a->frag_id != b->frag_id || a->vlans != b->vlans);
	BUG_ON(a->ip_version != b->ip_version);
	BUG_ON(a->ip_version == 4 && a->proto != b->proto);
}

/* How far along the whole datagram the check has come. */
struct progress {
	struct bytes at; /* what is left of its captured bytes */
	size_t next;	 /* the offset it has come to */
	bool cut;	 /* nothing of what follows is in the frame */
};

static void check_piece(struct progress *at, const struct kept *k, bool last)
{
	size_t from = content_of(&k->p);
	size_t len = k->p.l4_off + k->p.l4_len - from;
	size_t captured = k->len < from + len ? k->len - from : len;

	BUG_ON(k->p.frag_off != at->next || k->p.more_fragments == last);
	at->next += len;
	if (at->cut)
		return;
	BUG_ON(bytes_len(at->at) < captured ||
	       memcmp(at->at.begin, k->frame + from, captured) != 0);
	BUG_ON(!take_skip(&at->at, captured));
	at->cut = captured < len;
}

static void check_whole(struct run *r, const struct defrag_datagram *w,
			bool ingress)
{
	struct progress at = { .at = w->frame.bytes };
	struct kept *first = find_kept(r, w->fragments[0], ingress);
	size_t headers = content_of(&first->p);
	struct packet whole;

	if (first->p.ip_version == 6)
		headers -= IP6_FRAG_HEADER;
	BUG_ON(w->n_fragments < 2 || w->n_fragments > DEFRAG_FRAGMENTS_MAX);
	BUG_ON(bytes_len(at.at) > FRAME_MAX ||
	       bytes_len(at.at) > w->frame.wire_len);
	(void)packet_decode(&whole, w->frame); /* may be malformed */
	BUG_ON(whole.is_fragment || !take_skip(&at.at, headers));
	for (unsigned i = 0; i < w->n_fragments; i++) {
		struct kept *k = find_kept(r, w->fragments[i], ingress);

		check_together(&first->p, &k->p);
		check_piece(&at, k, i + 1 == w->n_fragments);
		k->used = true;
	}
	BUG_ON(bytes_len(at.at) > 0);
	BUG_ON(headers + at.next != w->frame.wire_len);
}

static void check_counts(const struct run *r)
{
	struct defrag_stats s = defrag_stats(r->table);
	uint64_t answers = 0;

	for (int o = 0; o < DEFRAG_LOST_FIRST; o++)
		answers += s.count[o];
	BUG_ON(answers != r->n || s.fragments != r->held);
	BUG_ON(s.datagrams > s.datagrams_limit || s.bytes > s.bytes_limit);
	BUG_ON(s.sources > s.datagrams);
}

static void one_frame(struct run *r, struct bytes frame, size_t cut,
		      bool ingress)
{
	struct kept *k = &r->kept[r->n];
	struct defrag_datagram whole;
	enum defrag_outcome o;

	*k = (struct kept){ .ingress = ingress };
	k->len = bytes_len(frame) - cut;
	k->frame = malloc(k->len ? k->len : 1);
	BUG_ON(!k->frame);
	if (k->len)
		memcpy(k->frame, frame.begin, k->len);
	if (packet_decode(&k->p,
			  (struct frame){ .bytes = bytes_of(k->frame, k->len),
					  .wire_len = bytes_len(frame) }) !=
		    PACKET_OK ||
	    !k->p.is_fragment) {
		free(k->frame);
		return;
	}
	r->n++;
	o = defrag_push(r->table, &k->p, 1, ingress, r->now, &whole);
	if (o == DEFRAG_HELD)
		r->held++;
	if (o != DEFRAG_COMPLETE)
		return;
	r->held -= whole.n_fragments - 1;
	check_whole(r, &whole, ingress);
}

static bool one_step(struct run *r, struct bytes *in)
{
	static uint8_t buf[FRAME_ROOM];
	struct bytes frame;
	struct step s;
	uint16_t len;
	uint8_t what;

	if (!take_u8(in, &what))
		return false;
	if (what & 0x80) {
		if (!take_be16(in, &len) || !take_bytes(in, len, &frame))
			return false;
		one_frame(r, frame, 0, what & INGRESS);
		return true;
	}
	if (!take_step(in, &s))
		return false;
	r->now = usec_add(r->now, s.seconds % 16 * USEC_PER_SEC);
	frame = bytes_of(buf, make_fragment(buf, &s));
	one_frame(r, frame, s.flags & CUT ? what % 8 : 0, s.flags & INGRESS);
	if (what == 1)
		(void)defrag_age(r->table, r->now, 2);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct run r;
	struct defrag_options opt = { .datagrams = 9,
				      .blocks = 24,
				      .source_datagrams = 5,
				      .source_blocks = 14,
				      .seed = 1 };
	struct bytes in = bytes_of(data, len);

	if (len > 0 && data[len - 1] & 1)
		opt.overlap = DEFRAG_OVERLAP_FIRST;
	r.n = 0;
	r.held = r.gone = 0;
	r.now = (usec_t){ 0 };
	r.table = defrag_new(&opt);
	BUG_ON(!r.table);
	defrag_on_gone(r.table, count_gone, &r);
	while (r.n < STEPS_MAX && one_step(&r, &in))
		check_counts(&r);
	defrag_forget_endpoint(r.table, 1);
	BUG_ON(r.held > 0 || defrag_stats(r.table).datagrams > 0);
	defrag_free(r.table);
	for (unsigned i = 0; i < r.n; i++)
		free(r.kept[i].frame);
	return 0;
}
