#include "proto/frames.h"

#include "base/bug.h"
#include "proto/tls.h"

/* What has begun is not there whole, and waiting for it has its limit. */
static enum proto_state wait_for(const struct proto_chunk *c, size_t len,
				 const struct proto_sink *sink)
{
	if (len <= FRAME_WAIT_MAX)
		return PROTO_READING;
	if (!sink->note(sink->arg, (enum proto_side)c->side, NOTE_LIMIT))
		return PROTO_STOPPED;
	return PROTO_LOST;
}

struct proto_result frames_read(struct frames *f, frame_next *next, void *state,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	static const enum proto_state states[] = {
		[FRAME_TAKEN] = PROTO_READING,	 [FRAME_MORE] = PROTO_READING,
		[FRAME_DONE] = PROTO_DONE,	 [FRAME_LOST] = PROTO_LOST,
		[FRAME_STOPPED] = PROTO_STOPPED, [FRAME_TLS] = PROTO_DONE,
	};
	struct proto_result r = { .state = PROTO_READING };
	enum proto_side side = (enum proto_side)c->side;
	uint64_t *pass = &f->pass[side];
	struct bytes rest = c->bytes;
	enum frame_step step;
	bool more = false;

	if (c->gap_before) {
		r.state = PROTO_LOST;
		return r;
	}
	while (r.state == PROTO_READING && !more) {
		struct bytes before = frames_first(rest, *pass);

		*pass -= bytes_len(before);
		rest.begin += bytes_len(before);
		before = rest;
		if (bytes_len(rest) == 0)
			break;
		step = next(state, side, &rest, sink);
		more = step == FRAME_MORE;
		if (step == FRAME_TLS)
			r.next = &proto_tls;
		if (more)
			r.state = wait_for(c, bytes_len(rest), sink);
		else
			r.state = states[step];
		BUG_ON(step == FRAME_TAKEN && rest.begin == before.begin &&
		       *pass == 0);
	}
	r.consumed = bytes_len(c->bytes) - bytes_len(rest);
	return r;
}

bool frames_piece(const struct proto_sink *sink, enum proto_side side,
		  enum proto_field field, struct bytes b, bool begin, bool end)
{
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)field,
				 .side = (uint8_t)side,
				 .begin = begin,
				 .end = end };

	return !proto_wanted(sink, field) || sink->piece(sink->arg, &p);
}

bool frames_number(const struct proto_sink *sink, enum proto_side side,
		   enum proto_field field, uint32_t n)
{
	uint8_t text[10];
	size_t at = sizeof text;

	do {
		text[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return frames_piece(sink, side, field,
			    bytes_of(text + at, sizeof text - at), true, true);
}
