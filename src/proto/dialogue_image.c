/*
 * Theory. Dialogues are saved in the order of their handles; behind them, packed,
 * what each has in its place: the openings of one that is not recognised, or its
 * parser's state. A parser is its place in the list of proto/parsers.c, and the
 * list goes along, with the layout of each one's state (struct image_part); where
 * one of them is another, nothing is loaded. Large places get other numbers.
 *
 * The seal is a checksum over what is believed: the parsers' states, and which
 * parser's they are.
 */
#include <string.h>

#include "base/bug.h"
#include "base/crc32c.h"
#include "base/touch.h"
#include "proto/dialogue_own.h"
#include "proto/parsers.h"

#define OWNER "dialogues"

struct saved_head {
	uint32_t limit, large_limit;
	uint32_t seal;
	uint32_t reserved;
	struct dialogue_counts counts;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);

struct saved_parser {
	char name[IMAGE_NAME_MAX];
	struct image_part state; /* zero: it has none */
};
IMAGE_PART(saved_parsers, "parsers", struct saved_parser, 1);

enum {
	UDP = 1,
	MIDSTREAM = 2,
	SPOKEN = 4,
	LOST = 8,
	CUT = 16,
	GAP = 64,
	EXPECTED = 256
};

struct saved_dialogue {
	uint64_t candidates;
	uint32_t handle;
	uint32_t flags; /* UDP, ...; CUT and GAP also << 1, of the server */
	uint32_t skip[PROTO_SIDE__MAX];
	uint16_t said_len[PROTO_SIDE__MAX];
	uint16_t server_port;
	uint8_t parser; /* its place + 1; 0: none */
	uint8_t state;	/* enum dialogue_state */
	uint8_t first;	/* enum proto_side */
	uint8_t reserved[7];
};
IMAGE_PART(saved_dialogues, "dialogues", struct saved_dialogue, 1);
IMAGE_PART(saved_places, "places", uint8_t, 1);

/* --- saving --------------------------------------------------------------- */

static struct saved_parser parser_at(unsigned i)
{
	const struct proto_parser *p = proto_parser_at(i);
	struct saved_parser s = { 0 };

	BUG_ON(strlen(p->name) >= sizeof s.name);
	memcpy(s.name, p->name, strlen(p->name));
	if (p->state)
		s.state = *p->state;
	return s;
}

static unsigned n_parsers(void)
{
	unsigned n = 0;

	while (proto_parser_at(n))
		n++;
	return n;
}

static void save_parsers(struct image_writer *w)
{
	unsigned n = n_parsers();
	struct saved_parser *to = image_room(w, OWNER, &saved_parsers, n);

	for (unsigned i = 0; to && i < n; i++)
		to[i] = parser_at(i);
}

/* What is saved of its place. */
struct part {
	uint8_t *at;
	size_t len;
};

/* For i of 0 and 1: of the openings each side's, of a state all. */
static struct part part_of(const struct dialogue_pool *p, struct dialogue *d,
			   unsigned i)
{
	if (d->state == DIALOGUE_OVER || (d->state == DIALOGUE_READING && i))
		return (struct part){ NULL, 0 };
	if (d->state == DIALOGUE_READING)
		return (struct part){ dialogue_state_at(p, d),
				      proto_state_size(d->parser) };
	return (struct part){ d->place + (size_t)i * OPENING_BYTES_MAX,
			      d->said_len[i] };
}

static struct saved_dialogue saved_of(const struct dialogue *d, uint32_t handle)
{
	struct saved_dialogue s = {
		.candidates = d->candidates,
		.handle = handle,
		.flags = (d->udp ? UDP : 0u) | (d->midstream ? MIDSTREAM : 0u) |
			 (d->spoken ? SPOKEN : 0u) | (d->lost ? LOST : 0u) |
			 (d->expected ? EXPECTED : 0u),
		.server_port = d->server_port,
		.state = d->state,
		.first = d->first,
	};

	if (d->parser)
		s.parser = (uint8_t)(proto_parser_place(d->parser) + 1);
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++) {
		s.skip[side] = d->skip[side];
		s.said_len[side] = d->said_len[side];
		s.flags |= (d->cut[side] ? CUT : 0u) << side |
			   (d->gap[side] ? GAP : 0u) << side;
	}
	return s;
}

static uint64_t places_len(const struct dialogue_pool *p)
{
	uint64_t len = 0;

	for (uint32_t i = 1; i <= p->used_ever; i++)
		if (p->dialogues[i].used)
			len += part_of(p, &p->dialogues[i], 0).len +
			       part_of(p, &p->dialogues[i], 1).len;
	return len;
}

static void save_dialogue(const struct dialogue_pool *p, struct dialogue *d,
			  struct outbytes *places)
{
	for (unsigned i = 0; i < PROTO_SIDE__MAX; i++) {
		struct part part = part_of(p, d, i);

		if (part.len > 0)
			put_copy(places, part.at, part.len);
	}
}

static uint32_t seal_of(const struct saved_dialogue *s, uint64_t n,
			struct bytes places)
{
	uint32_t crc = crc32c_add(CRC32C_START, places);

	for (uint64_t i = 0; i < n; i++) {
		uint8_t whose[] = { s[i].parser, s[i].state };

		crc = crc32c_add(crc, bytes_of(whose, sizeof whose));
	}
	return crc32c_end(crc);
}

void dialogue_pool_save(const struct dialogue_pool *p, struct image_writer *w)
{
	struct saved_head head = {
		.limit = p->counts.limit,
		.large_limit = p->counts.large_limit,
		.counts = p->counts,
	};
	uint64_t n = 0, len = places_len(p);
	struct saved_dialogue *to;
	struct outbytes places;
	uint8_t *bytes;

	save_parsers(w);
	proto_worker_save(p->worker, OWNER, w);
	to = image_room(w, OWNER, &saved_dialogues, p->counts.in_use);
	bytes = image_room(w, OWNER, &saved_places, len);
	if (bytes) { /* the later one: there is room for both */
		places = outbytes_of(bytes, len);
		for (uint32_t i = 1; i <= p->used_ever; i++) {
			if (!p->dialogues[i].used)
				continue;
			to[n++] = saved_of(&p->dialogues[i], i);
			save_dialogue(p, &p->dialogues[i], &places);
		}
		BUG_ON(places.full || n != p->counts.in_use);
		head.seal = seal_of(to, n, bytes_of(bytes, len));
	}
	image_put(w, OWNER, &saved_head, &head, 1);
}

/* --- loading --------------------------------------------------------------- */

static bool are_same_parsers(const struct image_reader *r)
{
	uint64_t n;
	const struct saved_parser *s = image_get(r, OWNER, &saved_parsers, &n);

	if (!s || n != n_parsers())
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct saved_parser ours = parser_at(i);

		if (memcmp(&ours, &s[i], sizeof ours) != 0)
			return false;
	}
	return true;
}

static bool is_sound(const struct saved_dialogue *s,
		     const struct proto_parser *parser)
{
	if (s->first >= PROTO_SIDE__MAX)
		return false;
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++)
		if (s->said_len[side] > OPENING_BYTES_MAX ||
		    s->skip[side] > OPENING_BYTES_MAX)
			return false;
	switch (s->state) {
	case DIALOGUE_OPENING:
	case DIALOGUE_UNKNOWN: return !parser;
	case DIALOGUE_READING: return parser && parser->read;
	case DIALOGUE_OVER: return parser != NULL;
	default: return false;
	}
}

static void fill(struct dialogue *d, const struct saved_dialogue *s,
		 const struct proto_parser *parser)
{
	memset((uint8_t *)d + sizeof d->place, 0, sizeof *d - sizeof d->place);
	d->parser = parser;
	d->candidates = s->candidates;
	d->server_port = s->server_port;
	d->state = s->state;
	d->first = s->first;
	d->used = true;
	d->udp = s->flags & UDP;
	d->midstream = s->flags & MIDSTREAM;
	d->spoken = s->flags & SPOKEN;
	d->lost = s->flags & LOST;
	d->expected = s->flags & EXPECTED;
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++) {
		d->skip[side] = s->skip[side];
		d->said_len[side] = s->said_len[side];
		d->cut[side] = s->flags & CUT << side;
		d->gap[side] = s->flags & GAP << side;
	}
}

/* They come in the order of their handles. */
static bool load_dialogue(struct dialogue_pool *p,
			  const struct saved_dialogue *s, struct bytes *places)
{
	const struct proto_parser *parser =
		s->parser ? proto_parser_at(s->parser - 1u) : NULL;
	struct dialogue *d;

	if (s->handle <= p->used_ever || s->handle > p->counts.limit ||
	    (s->parser && !parser) || !is_sound(s, parser))
		return false;
	while (p->used_ever + 1 < s->handle) {
		d = &p->dialogues[++p->used_ever];
		d->used = false;
		d->next_free = p->free;
		p->free = p->used_ever;
	}
	d = &p->dialogues[++p->used_ever];
	fill(d, s, parser);
	p->counts.in_use++;
	if (d->state == DIALOGUE_READING && !dialogue_take_place(p, d))
		return false;
	for (unsigned i = 0; i < PROTO_SIDE__MAX; i++) {
		struct part part = part_of(p, d, i);

		if (part.len > 0 && !take_copy(places, part.at, part.len))
			return false;
	}
	return d->state != DIALOGUE_READING || !parser->adopt ||
	       parser->adopt(dialogue_state_at(p, d), p->worker);
}

static bool load_all(struct dialogue_pool *p, const struct saved_dialogue *s,
		     uint64_t n, struct bytes places)
{
	for (uint64_t i = 0; i < n; i++) {
		struct saved_dialogue one = s[i];

		if (!load_dialogue(p, &one, &places))
			return false;
	}
	return bytes_len(places) == 0;
}

/* As new; what the parsers had is taken back at once. */
static void forget_all(struct dialogue_pool *p,
		       const struct dialogue_counts *counts)
{
	for (uint32_t i = 1; i <= p->used_ever; i++)
		p->dialogues[i].used = false;
	p->used_ever = p->free = 0;
	p->large_used_ever = p->n_large_free = 0;
	p->counts = *counts;
	proto_worker_reset(p->worker);
}

bool dialogue_pool_load(struct dialogue_pool *p, const struct image_reader *r)
{
	const struct dialogue_counts fresh = p->counts;
	uint64_t n, len, cut = 0;
	const struct saved_dialogue *s =
		image_get(r, OWNER, &saved_dialogues, &n);
	const uint8_t *bytes = image_get(r, OWNER, &saved_places, &len);
	struct saved_head head;
	struct dialogue_counts live;

	BUG_ON(fresh.in_use > 0);
	if (!image_take(r, OWNER, &saved_head, &head, 1) || !s || !bytes ||
	    head.limit != fresh.limit ||
	    head.large_limit != fresh.large_limit || !are_same_parsers(r) ||
	    head.seal != seal_of(s, n, bytes_of(bytes, len)))
		return false;
	forget_all(p, &fresh);
	if (!proto_worker_load(p->worker, OWNER, r, &cut) ||
	    !load_all(p, s, n, bytes_of(bytes, len))) {
		forget_all(p, &fresh);
		return false;
	}
	proto_worker_settle(p->worker);
	live = p->counts;
	p->counts = head.counts;
	p->counts.in_use = live.in_use;
	p->counts.limit = live.limit;
	p->counts.large = live.large;
	p->counts.large_limit = live.large_limit;
	p->counts.bodies_cut += cut;
	return true;
}

void dialogue_pool_used(const struct dialogue_pool *p, uint32_t *ret_dialogues,
			uint32_t *ret_large)
{
	*ret_dialogues = p->used_ever;
	*ret_large = p->large_used_ever;
}

void dialogue_pool_touch(struct dialogue_pool *p, uint32_t dialogues,
			 uint32_t large)
{
	if (dialogues > p->counts.limit)
		dialogues = p->counts.limit;
	if (large > p->counts.large_limit)
		large = p->counts.large_limit;
	touch_memory(p->dialogues,
		     (dialogues + (size_t)1) * sizeof *p->dialogues);
	touch_memory(p->large, large * sizeof *p->large);
}
