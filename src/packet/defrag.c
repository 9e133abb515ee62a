/*
 * Three pools, each with a free list, all made by defrag_new():
 *
 *   datagram   found by a hash of its key; on two lists, both by age: of all,
 *              and of its source. Since all live equally long, age is also the
 *              order in which they expire.
 *   source     found by a hash; exists while it has a datagram, so there are
 *              never more sources than datagrams. What a workload sends is one
 *              source whatever addresses it writes; what comes to a workload is
 *              one source an address.
 *   block      a part of a frame (packet/frame_store.h). What is known of a
 *              frame held is at the index of its first block; those of one
 *              datagram are a list by offset.
 *
 * A datagram's states:
 *
 *   (none) ──first to come──▶ waiting ──contradiction, limit──▶ dead
 *     ▲                        │  │                               │
 *     └──complete, time over───┘  └──evicted──▶ (none) ◀──────────┘
 *
 * Invariants. Pieces held never overlap and never go beyond a known end, so a
 * datagram is complete exactly when its length is known and as many bytes are
 * there. The fragment that completes it is not copied: it lies in the caller's
 * frame, and needs no room. The one being added to is never evicted to make
 * room for itself; if there is no other, it is too large for its source.
 */
#include "packet/defrag.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bug.h"
#include "base/limits.h"
#include "packet/defrag_own.h"

#define POOL_MAX (1u << 20)

/* A fragment on its way in; lives on the stack of defrag_push(). */
struct arrival {
	const struct packet *p;
	struct frag_piece piece;
	uint32_t after; /* the piece held that it comes behind */
	usec_t now;
};

/* --- beginning and end -------------------------------------------------- */

struct defrag_options defrag_defaults(uint64_t seed)
{
	return (struct defrag_options){
		.datagrams = DEFRAG_DATAGRAMS_MAX,
		.blocks = DEFRAG_BLOCKS_MAX,
		.source_datagrams = DEFRAG_SOURCE_DATAGRAMS_MAX,
		.source_blocks = DEFRAG_SOURCE_BLOCKS_MAX,
		.overlap = DEFRAG_OVERLAP_KILL,
		.seed = seed,
	};
}

static bool options_ok(const struct defrag_options *o)
{
	return o->datagrams > 0 && o->datagrams <= POOL_MAX && o->blocks > 0 &&
	       o->blocks <= POOL_MAX && o->source_datagrams > 0 &&
	       o->source_datagrams <= o->datagrams && o->source_blocks > 0 &&
	       o->source_blocks <= o->blocks;
}

static bool allocate(struct defrag *t, uint32_t n_buckets)
{
	size_t datagrams = (size_t)t->opt.datagrams + 1;
	size_t blocks = (size_t)t->opt.blocks + 1;

	t->datagrams = calloc(datagrams, sizeof *t->datagrams);
	t->sources = calloc(datagrams, sizeof *t->sources);
	t->held = calloc(blocks, sizeof *t->held);
	t->datagram_buckets = calloc(n_buckets, sizeof *t->datagram_buckets);
	t->source_buckets = calloc(n_buckets, sizeof *t->source_buckets);
	return t->datagrams && t->sources && t->held && t->datagram_buckets &&
	       t->source_buckets && frame_store_init(&t->store, t->opt.blocks);
}

struct defrag *defrag_new(const struct defrag_options *opt)
{
	struct defrag *t = calloc(1, sizeof *t);
	uint32_t n_buckets = 1;

	BUG_ON(!options_ok(opt));
	if (!t)
		return NULL;
	t->opt = *opt;
	while (n_buckets < opt->datagrams)
		n_buckets *= 2;
	t->bucket_mask = n_buckets - 1;
	if (!allocate(t, n_buckets)) {
		defrag_free(t);
		return NULL;
	}
	for (uint32_t i = 1; i < opt->datagrams; i++)
		t->datagrams[i].next = t->sources[i].next = i + 1;
	t->free_datagram = t->free_source = 1;
	t->stats.datagrams_limit = opt->datagrams;
	t->stats.bytes_limit = (uint64_t)opt->blocks * DEFRAG_BLOCK_BYTES;
	return t;
}

void defrag_configure(struct defrag *t, enum defrag_overlap overlap)
{
	BUG_ON(overlap >= DEFRAG_OVERLAP__MAX);
	t->opt.overlap = overlap;
}

void defrag_free(struct defrag *t)
{
	if (!t)
		return;
	frame_store_done(&t->store);
	free(t->source_buckets);
	free(t->datagram_buckets);
	free(t->held);
	free(t->sources);
	free(t->datagrams);
	free(t);
}

void defrag_on_gone(struct defrag *t,
		    void (*fn)(void *arg, const struct defrag_gone *gone),
		    void *arg)
{
	t->on_gone = fn;
	t->on_gone_arg = arg;
}

/* --- frames held -------------------------------------------------------- */

static void drop_pieces(struct defrag *t, uint32_t piece)
{
	while (piece) {
		uint32_t next = t->held[piece].next;

		frame_store_drop(&t->store, piece);
		piece = next;
	}
}

/* --- sources and lists -------------------------------------------------- */

static struct age_list *list_of(struct defrag *t, const struct datagram *d,
				enum list which)
{
	return which == OF_ALL ? &t->by_age : &t->sources[d->source].datagrams;
}

static void list_append(struct defrag *t, uint32_t i, enum list which)
{
	struct datagram *d = &t->datagrams[i];
	struct age_list *l = list_of(t, d, which);

	d->link[which] = (struct age_link){ .older = l->newest };
	if (l->newest)
		t->datagrams[l->newest].link[which].newer = i;
	else
		l->oldest = i;
	l->newest = i;
}

static void list_remove(struct defrag *t, uint32_t i, enum list which)
{
	struct datagram *d = &t->datagrams[i];
	struct age_list *l = list_of(t, d, which);
	struct age_link link = d->link[which];

	if (link.older)
		t->datagrams[link.older].link[which].newer = link.newer;
	else
		l->oldest = link.newer;
	if (link.newer)
		t->datagrams[link.newer].link[which].older = link.older;
	else
		l->newest = link.older;
}

/* The oldest one that is not `but`; 0: there is no other. */
static uint32_t oldest_but(const struct defrag *t, const struct age_list *l,
			   enum list which, uint32_t but)
{
	uint32_t i = l->oldest;

	return i && i == but ? t->datagrams[i].link[which].newer : i;
}

static struct source_key source_key_of(const struct datagram_key *k)
{
	return (struct source_key){
		.saddr = k->ingress ? k->saddr : (struct ip_addr){ { 0 } },
		.endpoint = k->endpoint,
		.ingress = k->ingress,
	};
}

static uint32_t find_source(const struct defrag *t, const struct source_key *k,
			    uint32_t hash)
{
	uint32_t i = t->source_buckets[hash & t->bucket_mask];

	while (i && (t->sources[i].hash != hash ||
		     memcmp(&t->sources[i].key, k, sizeof *k) != 0))
		i = t->sources[i].next;
	return i;
}

/* There is room: there are as many sources as datagrams. */
static uint32_t make_source(struct defrag *t, const struct source_key *k,
			    uint32_t hash)
{
	uint32_t *bucket = &t->source_buckets[hash & t->bucket_mask];
	uint32_t i = t->free_source;

	BUG_ON(!i);
	t->free_source = t->sources[i].next;
	t->sources[i] = (struct source){
		.key = *k,
		.hash = hash,
		.next = *bucket,
	};
	*bucket = i;
	t->stats.sources++;
	return i;
}

static void forget_source(struct defrag *t, uint32_t i)
{
	struct source *s = &t->sources[i];
	uint32_t *link = &t->source_buckets[s->hash & t->bucket_mask];

	while (*link != i)
		link = &t->sources[*link].next;
	*link = s->next;
	s->next = t->free_source;
	t->free_source = i;
	t->stats.sources--;
}

/* --- the end of a datagram ---------------------------------------------- */

static bool is_expired(const struct datagram *d, usec_t now)
{
	return usec_since(now, d->since) >= DEFRAG_LIFE_S * USEC_PER_SEC;
}

/* Out of all lists; its pieces are the caller's. */
static void forget(struct defrag *t, uint32_t i)
{
	struct datagram *d = &t->datagrams[i];
	struct source *s = &t->sources[d->source];
	uint32_t *link = &t->datagram_buckets[d->hash & t->bucket_mask];

	while (*link != i)
		link = &t->datagrams[*link].next;
	*link = d->next;
	list_remove(t, i, OF_ALL);
	list_remove(t, i, OF_SOURCE);
	s->n_blocks -= d->n_blocks;
	t->stats.fragments -= d->n_fragments;
	if (--s->n_datagrams == 0)
		forget_source(t, d->source);
	d->next = t->free_datagram;
	t->free_datagram = i;
	t->stats.datagrams--;
}

void defrag_drop(struct defrag *t, uint32_t i)
{
	drop_pieces(t, t->datagrams[i].first);
	forget(t, i);
}

static enum defrag_outcome what_is_lost(const struct defrag *t,
					const struct datagram *d)
{
	if (!d->first || t->held[d->first].piece.off > 0)
		return DEFRAG_LOST_FIRST;
	return d->total ? DEFRAG_LOST_MIDDLE : DEFRAG_LOST_LAST;
}

static void tell(struct defrag *t, const struct datagram *d,
		 enum defrag_outcome why)
{
	struct defrag_gone gone = {
		.why = why,
		.n_fragments = d->n_fragments,
		.frame_bytes = d->frame_bytes,
		.saddr = d->key.saddr,
		.daddr = d->key.daddr,
		.frag_id = d->key.id,
		.vlans = d->key.vlans,
		.endpoint = d->key.endpoint,
		.ingress = d->key.ingress,
		.ip_version = d->ip_version,
		.proto = d->proto,
	};

	if (t->on_gone)
		t->on_gone(t->on_gone_arg, &gone);
}

/* A dead one was told of when it was killed. */
static void end(struct defrag *t, uint32_t i, enum defrag_outcome why,
		usec_t now)
{
	struct datagram *d = &t->datagrams[i];

	if (!d->dead) {
		if (is_expired(d, now))
			why = what_is_lost(t, d);
		t->stats.count[why]++;
		tell(t, d, why);
	}
	defrag_drop(t, i);
}

static void kill_datagram(struct defrag *t, uint32_t i, enum defrag_outcome why)
{
	struct datagram *d = &t->datagrams[i];

	tell(t, d, why);
	drop_pieces(t, d->first);
	t->sources[d->source].n_blocks -= d->n_blocks;
	t->stats.fragments -= d->n_fragments;
	d->first = d->last = 0;
	d->n_blocks = 0;
	d->n_fragments = 0;
	d->dead = true;
}

/* --- a datagram's beginning --------------------------------------------- */

struct datagram_key defrag_key_of(const struct packet *p, uint16_t endpoint,
				  bool ingress)
{
	return (struct datagram_key){
		.saddr = p->saddr,
		.daddr = p->daddr,
		.id = p->frag_id,
		.vlans = p->vlans,
		.endpoint = endpoint,
		.ingress = ingress,
		.proto = p->ip_version == 4 ? p->proto : 0,
	};
}

uint32_t defrag_hash(const struct defrag *t, const void *key, size_t len)
{
	return (uint32_t)XXH3_64bits_withSeed(key, len, t->opt.seed);
}

uint32_t defrag_find(const struct defrag *t, const struct datagram_key *key,
		     uint32_t hash)
{
	uint32_t i = t->datagram_buckets[hash & t->bucket_mask];

	while (i && (t->datagrams[i].hash != hash ||
		     memcmp(&t->datagrams[i].key, key, sizeof *key) != 0))
		i = t->datagrams[i].next;
	return i;
}

uint32_t defrag_source(struct defrag *t, const struct datagram_key *key)
{
	struct source_key sk = source_key_of(key);
	uint32_t hash = defrag_hash(t, &sk, sizeof sk);
	uint32_t s = find_source(t, &sk, hash);

	return s ? s : make_source(t, &sk, hash);
}

/* There is room for one more datagram then. */
static void admit(struct defrag *t, const struct datagram_key *key, usec_t now)
{
	struct source_key sk = source_key_of(key);
	uint32_t s = find_source(t, &sk, defrag_hash(t, &sk, sizeof sk));

	if (s && t->sources[s].n_datagrams == t->opt.source_datagrams)
		end(t, t->sources[s].datagrams.oldest, DEFRAG_EVICTED_SOURCE,
		    now);
	if (!t->free_datagram)
		end(t, t->by_age.oldest, DEFRAG_EVICTED, now);
}

uint32_t defrag_begin(struct defrag *t, const struct datagram_key *key,
		      uint32_t hash, uint32_t source, usec_t since)
{
	uint32_t *bucket = &t->datagram_buckets[hash & t->bucket_mask];
	uint32_t i = t->free_datagram;

	t->free_datagram = t->datagrams[i].next;
	t->datagrams[i] = (struct datagram){
		.key = *key,
		.hash = hash,
		.next = *bucket,
		.since = since,
		.source = source,
	};
	*bucket = i;
	list_append(t, i, OF_ALL);
	list_append(t, i, OF_SOURCE);
	t->sources[source].n_datagrams++;
	t->stats.datagrams++;
	return i;
}

static uint32_t begin(struct defrag *t, const struct datagram_key *key,
		      uint32_t hash, const struct arrival *a)
{
	uint32_t i;

	admit(t, key, a->now);
	/* its source may just have gone with its last datagram */
	i = defrag_begin(t, key, hash, defrag_source(t, key), a->now);
	t->datagrams[i].ip_version = a->p->ip_version;
	t->datagrams[i].proto = a->p->proto;
	return i;
}

/* --- one fragment more -------------------------------------------------- */

/* Behind which held piece the new one comes; 0: it is the first. */
static uint32_t place_of(const struct defrag *t, const struct datagram *d,
			 const struct frag_piece *f)
{
	uint32_t after = 0;

	if (d->last && t->held[d->last].piece.off <= f->off)
		return d->last;
	for (uint32_t i = d->first; i && t->held[i].piece.off <= f->off;
	     i = t->held[i].next)
		after = i;
	return after;
}

static bool is_duplicate(const struct defrag *t, const struct arrival *a)
{
	const struct frag_piece *held = &t->held[a->after].piece;
	const struct frag_piece *f = &a->piece;
	const uint8_t *content = a->p->frame.bytes.begin + f->content_at;
	/* as far as both were captured */
	size_t len = held->captured < f->captured ? held->captured
						  : f->captured;

	if (!a->after || held->off != f->off || held->len != f->len ||
	    held->more != f->more)
		return false;
	return frame_store_equal(&t->store, a->after, held->content_at,
				 bytes_of(content, len));
}

static bool end_fits(const struct defrag *t, const struct datagram *d,
		     const struct frag_piece *f)
{
	uint32_t reach = 0;

	if (d->total)
		return f->more ? frag_piece_end(f) < d->total
			       : frag_piece_end(f) == d->total;
	if (d->last)
		reach = frag_piece_end(&t->held[d->last].piece);
	return f->more || frag_piece_end(f) >= reach;
}

static bool overlaps(const struct defrag *t, const struct datagram *d,
		     const struct arrival *a)
{
	const struct frag_piece *f = &a->piece;
	uint32_t next = a->after ? t->held[a->after].next : d->first;

	if (a->after && frag_piece_end(&t->held[a->after].piece) > f->off)
		return true;
	return next && t->held[next].piece.off < frag_piece_end(f);
}

static enum defrag_outcome consider(const struct defrag *t,
				    const struct datagram *d,
				    const struct arrival *a)
{
	if (is_duplicate(t, a))
		return DEFRAG_DUPLICATE;
	if (!end_fits(t, d, &a->piece))
		return DEFRAG_END;
	if (overlaps(t, d, a))
		return DEFRAG_OVERLAP;
	if (d->n_fragments == DEFRAG_FRAGMENTS_MAX)
		return DEFRAG_TOO_MANY;
	return DEFRAG_HELD;
}

static bool make_room(struct defrag *t, uint32_t i, uint32_t blocks, usec_t now)
{
	struct source *s = &t->sources[t->datagrams[i].source];
	uint32_t victim;

	while (s->n_blocks + blocks > t->opt.source_blocks) {
		victim = oldest_but(t, &s->datagrams, OF_SOURCE, i);
		if (!victim)
			return false;
		end(t, victim, DEFRAG_EVICTED_SOURCE, now);
	}
	/* never without another one: a source has no more than all have */
	while (frame_store_room(&t->store) < blocks)
		end(t, oldest_but(t, &t->by_age, OF_ALL, i), DEFRAG_EVICTED,
		    now);
	return true;
}

void defrag_hold(struct defrag *t, uint32_t i, uint32_t after,
		 const struct frag_piece *piece, struct bytes frame)
{
	struct datagram *d = &t->datagrams[i];
	uint32_t blocks = frame_store_need(bytes_len(frame));
	uint32_t at = frame_store_put(&t->store, frame);
	uint32_t *link = after ? &t->held[after].next : &d->first;

	t->held[at].frame_len = (uint32_t)bytes_len(frame);
	t->held[at].piece = *piece;
	t->held[at].next = *link;
	*link = at;
	if (after == d->last)
		d->last = at;
	d->n_fragments++;
	d->frame_bytes += (uint32_t)bytes_len(frame);
	d->n_blocks += blocks;
	t->sources[d->source].n_blocks += blocks;
	t->stats.fragments++;
}

static enum defrag_outcome hold(struct defrag *t, uint32_t i,
				const struct arrival *a)
{
	struct bytes frame = a->p->frame.bytes;

	if (t->datagrams[i].frame_bytes + bytes_len(frame) >
		    DEFRAG_FRAMES_BYTES ||
	    !make_room(t, i, frame_store_need(bytes_len(frame)), a->now))
		return DEFRAG_TOO_LARGE;
	defrag_hold(t, i, a->after, &a->piece, frame);
	return DEFRAG_HELD;
}

/* --- a whole datagram --------------------------------------------------- */

static struct bytes frame_of(const struct defrag *t, uint32_t i,
			     struct outbytes *linear)
{
	return frame_store_get(&t->store, i, t->held[i].frame_len, linear);
}

/* All frames and pieces in order, the new one in its place; how many. */
static unsigned gather(struct defrag *t, const struct datagram *d,
		       const struct arrival *a)
{
	struct outbytes linear = outbytes_of(t->linear, sizeof t->linear);
	uint32_t i = a->after ? d->first : 0;
	unsigned n = 0;

	for (; i; i = t->held[i].next) {
		t->frames[n] = frame_of(t, i, &linear);
		t->pieces[n++] = t->held[i].piece;
		if (i == a->after)
			break;
	}
	t->frames[n] = a->p->frame.bytes;
	t->pieces[n++] = a->piece;
	for (i = i ? t->held[i].next : d->first; i; i = t->held[i].next) {
		t->frames[n] = frame_of(t, i, &linear);
		t->pieces[n++] = t->held[i].piece;
	}
	return n;
}

static enum defrag_outcome complete(struct defrag *t, uint32_t i,
				    const struct arrival *a,
				    struct defrag_datagram *ret)
{
	struct datagram *d = &t->datagrams[i];
	struct outbytes out = outbytes_of(t->joined, sizeof t->joined);
	unsigned n;
	size_t wire_len;

	/* ECN-capable or not: a sender does not change its mind within one */
	if ((d->ecn_seen & 1) && d->ecn_seen != 1)
		return DEFRAG_ECN;
	n = gather(t, d, a);
	if (!frag_join(&out, t->frames, t->pieces, n, &wire_len))
		return DEFRAG_TOO_LONG;
	t->whole = d->first;
	forget(t, i);
	*ret = (struct defrag_datagram){
		.frame = a->p->frame, /* port; what of the checksum */
		.fragments = t->frames,
		.n_fragments = n,
	};
	ret->frame.bytes = bytes_of(t->joined, outbytes_len(&out));
	ret->frame.wire_len = wire_len;
	ret->frame.too_long = false;
	/* a word about a part's checksum is none about the whole's */
	if (ret->frame.csum.state != FRAME_CSUM_CAPTURED)
		ret->frame.csum = (struct frame_csum){ 0 };
	return DEFRAG_COMPLETE;
}

static bool kills(const struct defrag *t, enum defrag_outcome o)
{
	switch (o) {
	case DEFRAG_OVERLAP:
	case DEFRAG_END: return t->opt.overlap == DEFRAG_OVERLAP_KILL;
	case DEFRAG_TOO_MANY:
	case DEFRAG_TOO_LARGE:
	case DEFRAG_TOO_LONG:
	case DEFRAG_ECN: return true;
	default: return false;
	}
}

static enum defrag_outcome add(struct defrag *t, uint32_t i, struct arrival *a,
			       struct defrag_datagram *ret)
{
	struct datagram *d = &t->datagrams[i];
	enum defrag_outcome outcome;

	if (d->dead)
		return DEFRAG_DEAD;
	a->after = place_of(t, d, &a->piece);
	outcome = consider(t, d, a);
	if (outcome == DEFRAG_HELD) {
		d->have += a->piece.len;
		d->ecn_seen |= (uint8_t)(1 << frag_ecn(a->p));
		if (!a->piece.more)
			d->total = frag_piece_end(&a->piece);
		if (a->piece.off == 0)
			d->proto = a->p->proto;
		outcome = d->have == d->total ? complete(t, i, a, ret)
					      : hold(t, i, a);
	}
	if (kills(t, outcome))
		kill_datagram(t, i, outcome);
	return outcome;
}

enum defrag_outcome defrag_push(struct defrag *t, const struct packet *p,
				uint16_t endpoint, bool ingress, usec_t now,
				struct defrag_datagram *ret)
{
	struct arrival a = { .p = p, .now = now };
	struct datagram_key key = defrag_key_of(p, endpoint, ingress);
	uint32_t hash = defrag_hash(t, &key, sizeof key);
	uint32_t i = defrag_find(t, &key, hash);
	enum defrag_outcome outcome;

	BUG_ON(!p->is_fragment);
	defrag_release(t);
	a.piece = frag_piece_of(p);
	if (i && is_expired(&t->datagrams[i], now)) {
		end(t, i, DEFRAG_LOST_FIRST, now); /* or what is lost */
		i = 0;
	}
	if (!i)
		i = begin(t, &key, hash, &a);
	outcome = add(t, i, &a, ret);
	t->stats.count[outcome]++;
	return outcome;
}

void defrag_release(struct defrag *t)
{
	drop_pieces(t, t->whole);
	t->whole = 0;
}

uint32_t defrag_age(struct defrag *t, usec_t now, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && t->by_age.oldest &&
	       is_expired(&t->datagrams[t->by_age.oldest], now)) {
		end(t, t->by_age.oldest, DEFRAG_LOST_FIRST, now);
		n++;
	}
	return n;
}

void defrag_forget_endpoint(struct defrag *t, uint16_t endpoint)
{
	uint32_t next;

	for (uint32_t i = t->by_age.oldest; i; i = next) {
		struct datagram *d = &t->datagrams[i];

		next = d->link[OF_ALL].newer;
		if (d->key.endpoint == endpoint)
			end(t, i, DEFRAG_FORGOTTEN, d->since);
	}
}

struct defrag_stats defrag_stats(const struct defrag *t)
{
	struct defrag_stats s = t->stats;

	s.bytes = (uint64_t)t->store.in_use * DEFRAG_BLOCK_BYTES;
	return s;
}

const char *defrag_outcome_name(enum defrag_outcome o)
{
	static const char *const names[] = {
		[DEFRAG_HELD] = "held",
		[DEFRAG_COMPLETE] = "complete",
		[DEFRAG_DUPLICATE] = "duplicate",
		[DEFRAG_OVERLAP] = "overlap",
		[DEFRAG_END] = "end",
		[DEFRAG_TOO_MANY] = "too many",
		[DEFRAG_TOO_LARGE] = "too large",
		[DEFRAG_TOO_LONG] = "too long",
		[DEFRAG_ECN] = "ecn",
		[DEFRAG_DEAD] = "dead",
		[DEFRAG_LOST_FIRST] = "lost first",
		[DEFRAG_LOST_LAST] = "lost last",
		[DEFRAG_LOST_MIDDLE] = "lost middle",
		[DEFRAG_EVICTED_SOURCE] = "evicted source",
		[DEFRAG_EVICTED] = "evicted",
		[DEFRAG_FORGOTTEN] = "forgotten",
	};

	_Static_assert(sizeof names / sizeof names[0] == DEFRAG__MAX,
		       "one name each");
	return (unsigned)o < DEFRAG__MAX ? names[o] : "?";
}
