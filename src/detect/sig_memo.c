/*
 * Theory. Vectorscan in block mode is a function of the database, the bytes and
 * where they begin to count, and of nothing else: what it found in them it will
 * find again. So nothing of a connection is in here, and nothing of what rules
 * make of hits: where a rule waits, or is tried without a pattern, goes its way as
 * ever.
 *
 * Each place has one search, whole; all of its bytes are compared, so nobody can
 * make one pass for another. A place is found by a hash of some of them. What
 * comes once is not worth a copy: `seen` is the hash of what came by last and is
 * not kept; it is kept when it comes again. So what never repeats, as bulk data,
 * writes eight bytes and drives nothing out.
 */
#include "detect/sig_memo.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((SIG_MEMO_PLACES & (SIG_MEMO_PLACES - 1)) == 0, "a mask");

struct place {
	uint64_t seen; /* of what came by last */
	uint64_t hash; /* of what is kept; len 0: nothing is */
	uint32_t channel, old;
	uint16_t len, n_hits;
	uint32_t hits[SIG_MEMO_HITS];
};

struct sig_memo {
	struct place places[SIG_MEMO_PLACES];
	uint8_t bytes[SIG_MEMO_PLACES][SIG_MEMO_BYTES];
	/* Of the search that was not known: where it would be; NULL: nowhere. */
	struct place *wanted;
	uint64_t wanted_hash;
};

struct sig_memo *sig_memo_new(void)
{
	return calloc(1, sizeof(struct sig_memo));
}

void sig_memo_free(struct sig_memo *m)
{
	free(m);
}

static uint64_t mix(uint64_t h, const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

/* Of both ends and the middle. */
static uint64_t hash_of(const struct sig_search *s, size_t len)
{
	const uint8_t *b = s->bytes.begin;
	uint64_t h =
		((uint64_t)s->channel << 40 ^ (uint64_t)s->old << 20 ^ len) *
		0xd6e8feb86659fd93;

	if (len < 8) {
		uint8_t word[8] = { 0 };

		memcpy(word, b, len);
		return mix(h, word);
	}
	h = mix(h, b);
	h = mix(h, b + len - 8);
	if (len > 16) {
		h = mix(h, b + len / 2 - 8);
		h = mix(h, b + len / 2);
	}
	if (len > 32) {
		h = mix(h, b + 8);
		h = mix(h, b + len - 16);
	}
	return h;
}

static bool is_in(const struct sig_memo *m, const struct place *p,
		  const struct sig_search *s, uint64_t hash, size_t len)
{
	return p->hash == hash && p->len == len && p->channel == s->channel &&
	       p->old == s->old &&
	       memcmp(m->bytes[p - m->places], s->bytes.begin, len) == 0;
}

bool sig_memo_recall(struct sig_memo *m, const struct sig_search *s,
		     uint32_t hits[static SIG_MEMO_HITS], uint32_t *ret_n)
{
	size_t len = bytes_len(s->bytes);
	struct place *p;
	uint64_t hash;

	m->wanted = NULL;
	if (len == 0 || len > SIG_MEMO_BYTES)
		return false;
	hash = hash_of(s, len);
	p = &m->places[hash >> 32 & (SIG_MEMO_PLACES - 1)];
	if (is_in(m, p, s, hash, len)) {
		for (unsigned i = 0; i < p->n_hits; i++)
			hits[i] = p->hits[i];
		*ret_n = p->n_hits;
		return true;
	}
	if (p->seen == hash) {
		m->wanted = p;
		m->wanted_hash = hash;
	}
	p->seen = hash;
	return false;
}

void sig_memo_learn(struct sig_memo *m, const struct sig_search *s,
		    const uint32_t *hits, uint32_t n)
{
	size_t len = bytes_len(s->bytes);
	struct place *p = m->wanted;

	if (!p || n > SIG_MEMO_HITS)
		return;
	p->hash = m->wanted_hash;
	p->channel = s->channel;
	p->old = s->old;
	p->len = (uint16_t)len;
	p->n_hits = (uint16_t)n;
	for (unsigned i = 0; i < n; i++)
		p->hits[i] = hits[i];
	memcpy(m->bytes[p - m->places], s->bytes.begin, len);
	m->wanted = NULL;
}
