/*
 * Theory. While nobody has said yes, a side's bytes are left unread, so that
 * they are shown again, all of them, to the parser that will; what recognisers
 * look at beside them, the other side's first bytes, is a copy of
 * OPENING_BYTES_MAX. These copies lie where the parser's state will, so a
 * dialogue has one place all its life.
 *
 *   client  ....XXXX            X: shown again with the next chunk
 *   server        ..YES         the parser is given X (of the copy) first, if
 *                               the client spoke first; what it consumes of X
 *                               is skipped when X comes along again (skip[])
 *
 * A server that speaks first crosses nobody out: a client of HTTP may have come to one of
 * MySQL, and is to be known before a byte of it goes on. So whoever is greeted is
 * recognised by what the client says to that.
 *
 * A side that has said more than the copy holds, and is still not recognised,
 * goes on unread: its parser, if one comes, is told of a gap. When both have,
 * or no candidate is left, it is none of ours. Of UDP the first datagram of
 * each side must tell.
 *
 * Who is expected (dialogue_expect) is looked for at the beginning of each chunk: what
 * is none of it, the rest of a message whose beginning nobody remembers, is consumed.
 *
 * A parser that is through may name another one that reads on (proto_result.next):
 * the dialogue stays what it was recognised as, with that one's state.
 *
 * Invariants. A datagram is always consumed whole. A parser is never called
 * again after it was through. The sink hears of a byte once.
 */
#include "proto/dialogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "proto/dialogue_own.h"
#include "proto/parsers.h"

static struct dialogue_limits whole(const struct dialogue_limits *given)
{
	struct dialogue_limits l = *given;

	if (!l.hpack_decoders)
		l.hpack_decoders = HPACK_DECODERS_MAX;
	if (!l.inflaters)
		l.inflaters = INFLATERS_MAX;
	if (!l.brotlis)
		l.brotlis = BROTLIS_MAX;
	return l;
}

size_t dialogue_pool_bytes(const struct dialogue_limits *limits)
{
	struct dialogue_limits l = whole(limits);

	return l.dialogues * sizeof(struct dialogue) +
	       l.large * (size_t)(PARSER_STATE_MAX + sizeof(uint32_t)) +
	       l.hpack_decoders * (size_t)HPACK_ARENA_BYTES +
	       l.inflaters * (size_t)INFLATE_ARENA_BYTES +
	       l.brotlis * (size_t)BROTLI_ARENA_BYTES;
}

struct dialogue_pool *dialogue_pool_new(const struct dialogue_limits *limits,
					uint64_t seed)
{
	struct dialogue_pool *p = calloc(1, sizeof *p);
	struct dialogue_limits l = whole(limits);

	BUG_ON(limits->dialogues < 1 || limits->dialogues > DIALOGUES_MAX ||
	       limits->large > limits->dialogues);
	if (!p)
		return NULL;
	p->counts.limit = limits->dialogues;
	p->counts.large_limit = limits->large;
	p->asked = PARSERS_ALL;
	p->worker = proto_worker_new(seed);
	p->dialogues =
		calloc((size_t)limits->dialogues + 1, sizeof *p->dialogues);
	p->large = calloc((size_t)limits->large + 1, sizeof *p->large);
	p->large_free =
		calloc((size_t)limits->large + 1, sizeof *p->large_free);
	if (!p->worker || !p->dialogues || !p->large || !p->large_free) {
		dialogue_pool_free(p);
		return NULL;
	}
	proto_worker_limit(p->worker, l.hpack_decoders, l.inflaters, l.brotlis);
	return p;
}

void dialogue_pool_free(struct dialogue_pool *p)
{
	if (!p)
		return;
	for (uint32_t i = 1; p->dialogues && i <= p->used_ever; i++)
		if (p->dialogues[i].used)
			dialogue_close(p, i);
	free(p->large_free);
	free(p->large);
	free(p->dialogues);
	proto_worker_free(p->worker);
	free(p);
}

void dialogue_pool_ask(struct dialogue_pool *p, uint64_t parsers)
{
	p->asked = parsers;
}

bool dialogue_is_open(const struct dialogue_pool *p, uint32_t handle)
{
	return handle > 0 && handle <= p->used_ever &&
	       p->dialogues[handle].used;
}

static struct dialogue *get(const struct dialogue_pool *p, uint32_t handle)
{
	BUG_ON(!dialogue_is_open(p, handle));
	return &p->dialogues[handle];
}

uint32_t dialogue_open(struct dialogue_pool *p, bool udp, bool midstream,
		       uint16_t server_port)
{
	uint32_t handle = p->free;
	struct dialogue *d;

	if (handle == 0 && p->used_ever == p->counts.limit) {
		p->counts.no_place++;
		return 0;
	}
	if (handle == 0)
		handle = ++p->used_ever;
	d = &p->dialogues[handle];
	if (handle == p->free)
		p->free = d->next_free;
	memset((uint8_t *)d + sizeof d->place, 0, sizeof *d - sizeof d->place);
	d->used = true;
	d->udp = udp;
	d->midstream = midstream;
	d->server_port = server_port;
	d->candidates = p->asked;
	p->counts.opened++;
	p->counts.in_use++;
	return handle;
}

void dialogue_expect(struct dialogue_pool *p, uint32_t handle,
		     const struct proto_parser *parser)
{
	struct dialogue *d;

	if (handle == 0)
		return;
	d = get(p, handle);
	d->candidates &= (uint64_t)1 << proto_parser_place(parser);
	d->expected = d->candidates != 0;
}

/* Nothing more is read; what the parser has of the pools goes back. */
static void end_reading(struct dialogue_pool *p, struct dialogue *d)
{
	if (d->state != DIALOGUE_READING)
		return;
	if (d->parser->end)
		d->parser->end(dialogue_state_at(p, d), p->worker);
	if (d->large) {
		p->large_free[p->n_large_free++] = d->large - 1;
		p->counts.large--;
		d->large = 0;
	}
	d->state = DIALOGUE_OVER;
}

void dialogue_close(struct dialogue_pool *p, uint32_t handle)
{
	struct dialogue *d;

	if (handle == 0)
		return;
	d = get(p, handle);
	end_reading(p, d);
	d->used = false;
	d->next_free = p->free;
	p->free = handle;
	p->counts.in_use--;
}

bool dialogue_take_place(struct dialogue_pool *p, struct dialogue *d)
{
	uint32_t size = proto_state_size(d->parser);

	if (size <= sizeof d->place) {
		memset(d->place, 0, size);
		return true;
	}
	BUG_ON(size > PARSER_STATE_MAX);
	if (p->n_large_free > 0)
		d->large = p->large_free[--p->n_large_free] + 1;
	else if (p->large_used_ever < p->counts.large_limit)
		d->large = ++p->large_used_ever;
	if (!d->large) {
		p->counts.no_large++;
		return false;
	}
	memset(p->large[d->large - 1], 0, size);
	p->counts.large++;
	return true;
}

/* Another parser goes on; false: there is no place for its state. */
static bool hand_over(struct dialogue_pool *p, struct dialogue *d,
		      const struct proto_parser *next)
{
	end_reading(p, d);
	d->parser = next;
	d->midstream = false; /* its beginning is seen */
	if (!dialogue_take_place(p, d))
		return false;
	d->state = DIALOGUE_READING;
	return true;
}

/* How many bytes of the chunk the parser consumed; all, if it is through. */
static size_t parse(struct dialogue_pool *p, struct dialogue *d,
		    const struct proto_chunk *c, const struct proto_sink *sink)
{
	size_t len = bytes_len(c->bytes);
	struct proto_chunk chunk = *c;
	struct proto_result r;

	chunk.udp = d->udp;
	chunk.midstream = d->midstream;
	r = d->parser->read(dialogue_state_at(p, d), p->worker, &chunk, sink);
	while (r.state == PROTO_DONE && r.next) {
		BUG_ON(r.consumed > bytes_len(chunk.bytes));
		chunk.bytes.begin += r.consumed;
		chunk.gap_before = chunk.midstream = false;
		if (!hand_over(p, d, r.next))
			return len;
		r = d->parser->read(dialogue_state_at(p, d), p->worker, &chunk,
				    sink);
	}
	BUG_ON(r.consumed > bytes_len(chunk.bytes));
	if (r.state == PROTO_READING)
		return d->udp ? len : len - bytes_len(chunk.bytes) + r.consumed;
	if (r.state == PROTO_DONE)
		p->counts.done++;
	else if (r.state == PROTO_LOST)
		p->counts.lost++;
	else
		p->counts.stopped++;
	d->lost |= r.state == PROTO_LOST;
	if (!d->udp || r.state == PROTO_DONE)
		end_reading(p, d);
	return len;
}

static struct bytes copy_of(const struct dialogue *d, enum proto_side side)
{
	return bytes_of(d->place + (size_t)side * OPENING_BYTES_MAX,
			d->said_len[side]);
}

/*
 * The parser was found by a chunk of `now`; the other side's bytes are still
 * unread. *said is their copy, in other memory than the state's.
 */
static void read_other(struct dialogue_pool *p, struct dialogue *d,
		       enum proto_side other, struct bytes said,
		       const struct proto_sink *sink)
{
	struct proto_chunk c = { .bytes = said, .side = (uint8_t)other };

	if (d->udp || d->cut[other] || bytes_len(said) == 0)
		return;
	d->skip[other] = (uint32_t)parse(p, d, &c, sink);
}

static void begin(struct dialogue_pool *p, struct dialogue *d)
{
	p->counts.recognised++;
	d->recognised = d->parser;
	d->state = d->parser->read && dialogue_take_place(p, d)
			   ? DIALOGUE_READING
			   : DIALOGUE_OVER;
}

void dialogue_begin(struct dialogue_pool *p, uint32_t handle,
		    const struct proto_parser *parser)
{
	struct dialogue *d = get(p, handle);

	BUG_ON(d->spoken);
	d->parser = parser;
	begin(p, d);
}

/* Somebody said yes. Returns what is consumed of c. */
static size_t begin_reading(struct dialogue_pool *p, struct dialogue *d,
			    const struct proto_chunk *c,
			    const struct proto_sink *sink)
{
	enum proto_side other = !c->side;
	uint8_t copy[OPENING_BYTES_MAX];
	struct bytes said = copy_of(d, other);
	size_t len = bytes_len(said);

	if (len > 0)
		memcpy(copy, said.begin, len);
	begin(p, d);
	if (d->state == DIALOGUE_READING && d->first != c->side)
		read_other(p, d, other, bytes_of(copy, len), sink);
	if (d->state != DIALOGUE_READING)
		return bytes_len(c->bytes);
	return parse(p, d, c, sink);
}

static void remember(struct dialogue *d, const struct proto_chunk *c)
{
	uint8_t *copy = d->place + (size_t)c->side * OPENING_BYTES_MAX;
	size_t len = bytes_len(c->bytes);

	if (!d->spoken && len > 0) {
		d->spoken = true;
		d->first = c->side;
	}
	if (d->gap[c->side] || (d->udp && d->said_len[c->side] > 0))
		return;
	d->cut[c->side] = len > OPENING_BYTES_MAX;
	d->said_len[c->side] =
		(uint16_t)(d->cut[c->side] ? OPENING_BYTES_MAX : len);
	if (len > 0)
		memcpy(copy, c->bytes.begin, d->said_len[c->side]);
}

/* It may be with the next chunk; what was shown of the other side is shown again. */
static void seek_on(struct dialogue *d, uint64_t expected)
{
	d->candidates = expected;
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++) {
		d->said_len[side] = 0;
		d->cut[side] = false;
	}
}

/* Nobody has said yes yet. before: who might have. */
static size_t go_on_waiting(struct dialogue_pool *p, struct dialogue *d,
			    const struct proto_chunk *c, uint64_t before)
{
	bool both = d->said_len[PROTO_CLIENT] && d->said_len[PROTO_SERVER];

	if (d->expected && (d->candidates == 0 || d->cut[c->side])) {
		seek_on(d, before);
		return bytes_len(c->bytes);
	}
	if (d->candidates == 0 ||
	    (d->cut[PROTO_CLIENT] && d->cut[PROTO_SERVER]) ||
	    (both && d->udp)) {
		d->state = DIALOGUE_UNKNOWN;
		p->counts.unknown++;
		return bytes_len(c->bytes);
	}
	if (!d->cut[c->side] && !d->udp)
		return 0;
	if (!d->udp && !d->gap[c->side]) {
		d->gap[c->side] = true;
		p->counts.opening_cut++;
	}
	return bytes_len(c->bytes);
}

static size_t recognise(struct dialogue_pool *p, struct dialogue *d,
			const struct proto_chunk *c,
			const struct proto_sink *sink)
{
	struct proto_opening o = {
		.now = c->side,
		.udp = d->udp,
		.server_port = d->server_port,
	};
	uint64_t before = d->candidates;

	if (c->gap_before && d->said_len[c->side] > 0 && !d->expected)
		d->candidates = 0; /* its beginning is lost */
	d->midstream |= c->gap_before;
	remember(d, c);
	if (!d->spoken)
		return 0;
	o.midstream = d->midstream;
	o.first = d->first;
	for (int side = 0; side < PROTO_SIDE__MAX; side++) {
		o.said[side] = copy_of(d, (enum proto_side)side);
		o.cut[side] = d->cut[side];
	}
	d->parser = proto_recognise(&o, &d->candidates);
	if (d->parser)
		return begin_reading(p, d, c, sink);
	/* what its client speaks is not the server's to say */
	if (!d->udp && !d->midstream && d->said_len[PROTO_CLIENT] == 0)
		d->candidates = before;
	return go_on_waiting(p, d, c, before);
}

size_t dialogue_read(struct dialogue_pool *p, uint32_t handle,
		     const struct proto_chunk *c, const struct proto_sink *sink)
{
	struct dialogue *d = get(p, handle);
	size_t len = bytes_len(c->bytes), skip;
	struct proto_chunk rest = *c;

	d->lost = false;
	if (d->state == DIALOGUE_OPENING)
		return recognise(p, d, c, sink);
	if (d->state != DIALOGUE_READING)
		return len;
	skip = d->skip[c->side];
	d->skip[c->side] = 0;
	if (c->gap_before)
		skip = 0;
	if (skip > len) /* what was loaded does not fit its stream */
		skip = len;
	rest.bytes.begin += skip;
	rest.gap_before |= d->gap[c->side];
	d->gap[c->side] = rest.gap_before;
	if (bytes_len(rest.bytes) == 0 && !rest.last && !d->udp)
		return skip;
	d->gap[c->side] = false;
	return skip + parse(p, d, &rest, sink);
}

bool dialogue_was_lost(const struct dialogue_pool *p, uint32_t handle)
{
	return get(p, handle)->lost;
}

enum dialogue_state dialogue_state(const struct dialogue_pool *p,
				   uint32_t handle)
{
	return (enum dialogue_state)get(p, handle)->state;
}

const struct proto_parser *dialogue_parser(const struct dialogue_pool *p,
					   uint32_t handle)
{
	return get(p, handle)->parser;
}

const struct proto_parser *dialogue_recognised(const struct dialogue_pool *p,
					       uint32_t handle)
{
	const struct dialogue *d = get(p, handle);

	return d->recognised ? d->recognised : d->parser;
}

enum proto_waits dialogue_waits(const struct dialogue_pool *p, uint32_t handle,
				uint32_t *which)
{
	struct dialogue *d = get(p, handle);

	*which = 0;
	if (d->state != DIALOGUE_READING || !d->parser->waits)
		return PROTO_WAITS_NOTHING;
	return d->parser->waits(dialogue_state_at(p, d), which);
}

struct bytes dialogue_said(const struct dialogue_pool *p, uint32_t handle,
			   enum proto_side side)
{
	const struct dialogue *d = get(p, handle);

	if (d->state == DIALOGUE_OPENING || d->state == DIALOGUE_UNKNOWN)
		return copy_of(d, side);
	return (struct bytes){ NULL, NULL };
}

struct dialogue_counts dialogue_counts(const struct dialogue_pool *p)
{
	return p->counts;
}
