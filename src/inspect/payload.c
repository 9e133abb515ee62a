/*
 * Theory. A reader sees the bytes of one side in order. It reads within the
 * call, so nothing is kept but what is out of order or a message's beginning.
 *
 *   UDP    payload ------------------------------> message
 *   TCP    segment -> stream -> chunk -> framing -> message, message, ...
 *
 * What cannot be put in order has a cause; what is done then is set (PASS,
 * DROP, BYPASS), and a drop is told by a reason. Where frames are only watched
 * (a tap, a capture) nothing can be dropped: the stream is opened so that DROP
 * is PASS. A reader that has lost its place (a gap in DNS over TCP, whose
 * messages are found by their lengths) is through with the flow.
 */
#include "inspect/payload.h"

#include "inspect/names.h"
#include "proto/dns.h"

/* One packet of a flow on its way to the reader. */
struct reading {
	struct passage *w;
	struct flow *f;
	bool lost; /* there is no use in going on */
};

static size_t read_chunk(void *arg, const struct stream_chunk *chunk)
{
	struct reading *r = arg;
	struct bytes rest = chunk->bytes, message;

	r->lost |= chunk->gap_before;
	if (r->lost)
		return bytes_len(rest);
	while (dns_take_framed(&rest, &message))
		names_message(r->w->in, r->f, chunk->side, message, r->w->now);
	return bytes_len(chunk->bytes) - bytes_len(rest);
}

static enum reason reason_of(enum stream_cause cause)
{
	switch (cause) {
	case STREAM_CAUSE_CONFLICT: return REASON_STREAM_CONFLICT;
	case STREAM_CAUSE_FIN: return REASON_STREAM_FIN;
	case STREAM_CAUSE_OUTSIDE: return REASON_STREAM_OUTSIDE;
	case STREAM_CAUSE_UNSEEN_ACK: return REASON_STREAM_UNSEEN_ACK;
	case STREAM_CAUSE_NO_STREAM:
	case STREAM_CAUSE_HELD_MAX:
	case STREAM_CAUSE_NO_BLOCK_HELD:
	case STREAM_CAUSE_UNREAD_MAX:
	case STREAM_CAUSE_NO_BLOCK_UNREAD:
	case STREAM_CAUSE_NONE:
	case STREAM_CAUSE__MAX: break;
	}
	return REASON_STREAM_LIMIT;
}

static void stop_reading(struct passage *w, struct flow *f)
{
	stream_close(w->in->streams, f->stream);
	f->stream = 0;
}

/* true: the packet is to be dropped. */
static bool is_refused(struct passage *w, struct flow *f,
		       struct stream_result result)
{
	if (result.exception == STREAM_BYPASS)
		stop_reading(w, f);
	if (result.exception != STREAM_DROP)
		return false;
	passage_drop(w, reason_of(result.cause));
	return true;
}

static void segment(struct passage *w, struct flow *f, enum flow_side side)
{
	const struct packet *p = &w->packet;
	struct stream_pool *streams = w->in->streams;
	struct reading r = { .w = w, .f = f };
	struct stream_reader reader = { read_chunk, &r };
	struct stream_segment s = {
		.seq = p->tcp_seq,
		.bytes = p->payload,
		.len = p->payload_len,
		.syn = p->tcp_flags & TCP_SYN,
		.fin = p->tcp_flags & TCP_FIN,
	};
	bool refused;

	if (p->tcp_flags & TCP_RST) {
		if (f->side[side].reset)
			stop_reading(w, f);
		return;
	}
	refused = is_refused(
		w, f, stream_push(streams, f->stream, side, &s, &reader));
	if (!refused && f->stream && p->tcp_flags & TCP_ACK)
		(void)is_refused(w, f,
				 stream_ack(streams, f->stream, side,
					    p->tcp_ack, &reader));
	if (f->stream && r.lost)
		stop_reading(w, f);
}

/* Without one, the flow goes on unread; or its packet is dropped. */
static void open_stream(struct passage *w, struct flow *f)
{
	/* both sides begin by their SYN, or where they are met */
	static const struct stream_start unknown[FLOW_SIDE__MAX];
	struct stream_pool *streams = w->in->streams;
	bool watched = passage_is_watched(w) || w->in->capture;

	f->stream = stream_open(streams, unknown);
	if (f->stream && watched)
		stream_watch(streams, f->stream);
	if (!f->stream && !watched &&
	    stream_on(streams, STREAM_CAUSE_NO_STREAM) == STREAM_DROP)
		passage_drop(w, REASON_STREAM_LIMIT);
}

void payload_packet(struct passage *w, struct flow *f, bool fresh)
{
	const struct packet *p = &w->packet;
	enum flow_side side = flow_sender(f, w->ingress);

	if (f->key.proto == PROTO_TCP) {
		if (fresh && names_are_asked(f))
			open_stream(w, f);
		if (f->stream)
			segment(w, f, side);
		return;
	}
	/* a capture may have cut it */
	if (p->payload_len && bytes_len(p->payload) == p->payload_len &&
	    names_are_asked(f))
		names_message(w->in, f, side, p->payload, w->now);
}

void payload_end(struct inspect *in, const struct flow *f)
{
	stream_close(in->streams, f->stream);
}
