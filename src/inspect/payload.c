/*
 * Theory. A reader sees the bytes of one side in order. It reads within the
 * call, so nothing is kept but what is out of order or a message's beginning.
 *
 *   UDP    payload ------------------------> dialogue: which application is it?
 *   TCP    segment -> stream -> chunk -----> then its parser tells (hear.h);
 *                                            none of ours: nDPI (broad.h)
 *
 * A flow is listened to (struct talk) until it is known what it is, or that it
 * will not be; then for as long as somebody waits for what its parser tells: a
 * rule, a sensor, a resolver's question, or whoever wants the beginning of each
 * (which software answers, a threat): the first answer, as far as is set. Then
 * its stream and dialogue are given back, and the kernel may have it.
 *
 * A resolver's messages are read by the parser of DNS; where that does not read
 * (not recognised, no place, given back), as they come here.
 *
 * What cannot be put in order has a cause; what is done then is set (PASS,
 * DROP, BYPASS), and a drop is told by a reason. Where frames are only watched
 * (a tap, a capture) nothing can be dropped: the stream is opened so that DROP
 * is PASS. A reader that has lost its place (a gap in DNS over TCP, whose
 * messages are found by their lengths) is through with the flow.
 */
#include "inspect/payload.h"

#include "inspect/broad.h"
#include "inspect/detection.h"
#include "inspect/exception.h"
#include "inspect/forwarded.h"
#include "inspect/hear.h"
#include "inspect/judge.h"
#include "inspect/names.h"
#include "inspect/silent.h"
#include "inspect/trail.h"
#include "proto/dns.h"

/* One packet of a flow on its way to the reader. */
struct reading {
	struct hearing h;
	bool lost; /* there is no use in going on */
};

static struct talk *talk_of(const struct inspect *in, const struct flow *f)
{
	return f->talk ? talk_at(in->talks, f->talk) : NULL;
}

static bool is_reading(const struct inspect *in, const struct talk *t,
		       enum dialogue_state state)
{
	return t->dialogue &&
	       dialogue_state(in->dialogues, t->dialogue) == state;
}

/* --- who reads ------------------------------------------------------------ */

static size_t by_dialogue(struct reading *r, const struct proto_chunk *c)
{
	struct hearing *h = &r->h;
	struct proto_sink sink = hear_sink(h);
	size_t n = dialogue_read(h->w->in->dialogues, h->t->dialogue, c, &sink);

	hear_recognised(h);
	if (dialogue_was_lost(h->w->in->dialogues, h->t->dialogue)) {
		exception_met(h, LIMIT_PARSER);
		if (h->f->key.proto == PROTO_TCP)
			hear_lost(h);
	}
	return n;
}

/* DNS without its parser. */
static size_t by_length(struct reading *r, const struct stream_chunk *c)
{
	struct hearing *h = &r->h;
	struct bytes rest = c->bytes, message;

	if (h->t->lost || !names_are_asked(h->f)) {
		r->lost = true;
		return bytes_len(rest);
	}
	while (dns_take_framed(&rest, &message)) {
		trail_dns(h->w->in, h->f, (enum proto_side)c->side, message);
		names_message(h->w->in, h->f, c->side, message, h->w->now);
	}
	return bytes_len(c->bytes) - bytes_len(rest);
}

/* None of ours knows it. What was shown to it before is not again. */
static size_t by_others(struct reading *r, const struct stream_chunk *c)
{
	struct talk *t = r->h.t;
	struct bytes b = c->bytes;
	size_t skip = t->broad_begun && !c->gap_before ? t->left[c->side] : 0;

	if (names_are_asked(r->h.f))
		return by_length(r, c);
	if (skip > bytes_len(b))
		skip = bytes_len(b);
	b.begin += skip;
	t->left[c->side] = 0;
	broad_read(&r->h, c->side, b);
	return bytes_len(c->bytes);
}

static size_t read_first(struct reading *r, const struct stream_chunk *c)
{
	struct talk *t = r->h.t;
	const struct inspect *in = r->h.w->in;
	struct proto_chunk chunk = { .bytes = c->bytes,
				     .side = (uint8_t)c->side,
				     .gap_before = c->gap_before,
				     .last = c->last };
	size_t n;

	t->lost |= c->gap_before;
	if (!t->dialogue || is_reading(in, t, DIALOGUE_UNKNOWN))
		return by_others(r, c);
	n = by_dialogue(r, &chunk);
	if (is_reading(in, t, DIALOGUE_UNKNOWN))
		return by_others(r, c);
	/* by_length() would have to begin in the middle */
	t->lost |= n > 0;
	if (is_reading(in, t, DIALOGUE_OPENING))
		t->left[c->side] = (uint16_t)(bytes_len(c->bytes) - n);
	return n;
}

/* What is found stops the packet: nobody reads on. */
static size_t read_chunk(void *arg, const struct stream_chunk *c)
{
	struct reading *r = arg;
	struct hearing *h = &r->h;
	size_t len = bytes_len(c->bytes), n;

	if (h->stop || h->refused)
		return len;
	n = read_first(r, c);
	if (!h->refused)
		detection_bytes(h, (enum proto_side)c->side, c->bytes,
				c->gap_before);
	detection_left(h, (enum proto_side)c->side, len - n);
	return n;
}

static void datagram(struct reading *r, enum flow_side side)
{
	struct hearing *h = &r->h;
	const struct inspect *in = h->w->in;
	const struct packet *p = &h->w->packet;
	struct proto_chunk chunk = { .bytes = p->payload,
				     .side = (uint8_t)side };

	if (h->t && h->t->dialogue) {
		(void)by_dialogue(r, &chunk);
		if (is_reading(in, h->t, DIALOGUE_UNKNOWN))
			broad_read(h, side, p->payload);
	}
	if (!h->refused && bytes_len(p->payload) == p->payload_len)
		detection_bytes(h, (enum proto_side)side, p->payload, false);
	/* a capture may have cut it */
	if (!h->dns_told && bytes_len(p->payload) == p->payload_len &&
	    names_are_asked(h->f)) {
		trail_dns(h->w->in, h->f, (enum proto_side)side, p->payload);
		names_message(h->w->in, h->f, side, p->payload, h->w->now);
	}
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

/* --- TCP -------------------------------------------------------------------- */

static void close_stream(struct inspect *in, struct talk *t)
{
	stream_close(in->streams, t->stream);
	t->stream = 0;
}

/* true: the packet is to be dropped. */
static bool is_refused(struct reading *r, struct stream_result result)
{
	if (result.exception == STREAM_BYPASS)
		r->lost = true;
	if (result.exception != STREAM_DROP)
		return false;
	passage_drop(r->h.w, reason_of(result.cause));
	return true;
}

static void segment(struct reading *r, enum flow_side side)
{
	struct passage *w = r->h.w;
	const struct packet *p = &w->packet;
	struct stream_pool *streams = w->in->streams;
	uint32_t stream = r->h.t->stream;
	struct stream_reader reader = { read_chunk, r };
	struct stream_segment s = {
		.seq = p->tcp_seq,
		.bytes = p->payload,
		.len = p->payload_len,
		.syn = p->tcp_flags & TCP_SYN,
		.fin = p->tcp_flags & TCP_FIN,
	};
	bool refused;

	if (p->tcp_flags & TCP_RST) {
		r->lost = r->h.f->side[side].reset;
		return;
	}
	refused =
		is_refused(r, stream_push(streams, stream, side, &s, &reader));
	if (!refused && !r->lost && p->tcp_flags & TCP_ACK)
		(void)is_refused(r, stream_ack(streams, stream, side,
					       p->tcp_ack, &reader));
}

/* --- who listens, and for how long ------------------------------------------- */

static void give_back(struct inspect *in, struct flow *f)
{
	struct talk *t = talk_of(in, f);

	close_stream(in, t);
	dialogue_close(in->dialogues, t->dialogue);
	t->dialogue = 0;
	broad_end(in, t);
	detection_end(in, f, t);
	trail_talk_end(in, f, t);
	/* when it is judged anew, that is asked for again */
	if (t->request.known && (t->host_wanted || judge_waits_for_requests(f)))
		return;
	talk_give_back(in->talks, f->talk);
	f->talk = 0;
}

/* Without one, the flow goes on unread; or its packet is dropped. */
static bool open_stream(struct passage *w, struct talk *t)
{
	/* both sides begin by their SYN, or where they are met */
	static const struct stream_start unknown[FLOW_SIDE__MAX];
	struct stream_pool *streams = w->in->streams;
	bool watched = passage_is_watched(w) || w->in->capture;

	t->stream = stream_open(streams, unknown);
	if (t->stream && watched)
		stream_watch(streams, t->stream);
	if (!t->stream && !watched &&
	    stream_on(streams, STREAM_CAUSE_NO_STREAM) == STREAM_DROP)
		passage_drop(w, REASON_STREAM_LIMIT);
	return t->stream;
}

/* Somebody has it, or would read it. */
static bool is_in_use(const struct talk *t)
{
	return t->dialogue || t->stream || t->signatures || t->sensors;
}

/* The flow is new. Nobody listens if there is no use in it, or no place. */
static void begin(struct reading *r)
{
	struct passage *w = r->h.w;
	struct flow *f = r->h.f;
	struct inspect *in = w->in;
	bool tcp = f->key.proto == PROTO_TCP;
	bool says = tcp || f->key.proto == PROTO_UDP;
	bool look = says && in->settings.applications.on;
	bool detect = says && detection_is_on(in, w->endpoint);
	struct talk *t;

	if (!look && !detect && !(tcp && names_are_asked(f)))
		return;
	f->talk = talk_take(in->talks);
	if (!f->talk) {
		in->counts.talks_full++;
		r->h.unheard = true;
		return;
	}
	t = talk_of(in, f);
	t->flow = f;
	if (look)
		t->dialogue = dialogue_open(in->dialogues, !tcp, f->midstream,
					    f->client_is_own ? f->key.peer_port
							     : f->key.own_port);
	r->h.t = t;
	r->h.unheard = look && !t->dialogue;
	if (detect)
		detection_begin(&r->h);
	if ((tcp && !open_stream(w, t)) || !is_in_use(t))
		give_back(in, f);
}

/*
 * Packets of a stream may be of a byte each: then they count when there are as
 * many bytes as both sides are recognised by, or very many packets.
 */
static bool is_far_enough(const struct inspect *in, const struct flow *f,
			  const struct talk *t)
{
	const struct look_settings *look = &in->settings.applications;
	const uint32_t openings = PROTO_SIDE__MAX * OPENING_BYTES_MAX;

	if (t->bytes >= look->bytes)
		return true;
	return t->packets >= look->packets &&
	       (f->key.proto != PROTO_TCP || t->bytes >= openings ||
		t->packets / LOOK_TINY_TIMES >= look->packets);
}

/* Is there still somebody to tell it? */
static bool may_become_known(const struct inspect *in, const struct flow *f,
			     const struct talk *t)
{
	if (f->app)
		return is_reading(in, t, DIALOGUE_READING);
	return is_reading(in, t, DIALOGUE_OPENING) ||
	       (is_reading(in, t, DIALOGUE_UNKNOWN) && broad_may_tell(in, t));
}

/*
 * What is not known by now (hear.c), may it still become so? http2 may be grpc,
 * and the first request says so.
 */
static void settle(struct hearing *h)
{
	struct inspect *in = h->w->in;
	struct flow *f = h->f;
	const struct talk *t = talk_of(in, f);

	if (f->app_state != FLOW_APP_OPEN ||
	    (t && !is_far_enough(in, f, t) && may_become_known(in, f, t)))
		return;
	f->app_state = f->app ? FLOW_APP_KNOWN : FLOW_APP_NEVER;
	if (f->app)
		in->counts.app_known++;
	else
		in->counts.app_never++;
	if (!f->app && t)
		detection_known(h, 0);
}

/* Is what a resolver says over TCP still understood? */
static bool may_name(const struct inspect *in, const struct flow *f,
		     const struct talk *t)
{
	return f->key.proto == PROTO_TCP && names_are_asked(f) &&
	       (!t->lost || is_reading(in, t, DIALOGUE_READING));
}

/* All that either side has said was acknowledged: nothing more can be. */
static bool is_over(const struct flow *f)
{
	return f->side[FLOW_CLIENT].fin_acked && f->side[FLOW_SERVER].fin_acked;
}

static bool is_wanted(const struct inspect *in, const struct flow *f,
		      const struct talk *t)
{
	if (f->verdict.blocked || f->cut || is_over(f))
		return false;
	if (may_name(in, f, t))
		return true;
	if (f->app_state == FLOW_APP_OPEN || detection_is_wanted(in, f, t))
		return true;
	/* heard late, or again: where a message begins is still looked for */
	if (f->app && is_reading(in, t, DIALOGUE_OPENING) &&
	    detection_may_find(in, t))
		return true;
	if (!is_reading(in, t, DIALOGUE_READING))
		return false;
	return in->settings.applications.all || t->host_wanted ||
	       silent_is_wanted(in, f) || forwarded_is_wanted(in, f) ||
	       judge_waits_for_requests(f) ||
	       (!t->answered && !is_far_enough(in, f, t));
}

/* What is known of f is not asked again: it is that, or its bytes are bytes. */
static void open_known(struct inspect *in, const struct flow *f, struct talk *t)
{
	const struct proto_parser *p = f->app ? proto_parser_of(f->app) : NULL;
	bool udp = f->key.proto == PROTO_UDP;

	if (!p || !p->read || !in->settings.applications.on)
		return;
	t->dialogue = dialogue_open(in->dialogues, udp, true,
				    f->client_is_own ? f->key.peer_port
						     : f->key.own_port);
	dialogue_expect(in->dialogues, t->dialogue, p);
}

void payload_sensors_came(struct passage *w, struct flow *f)
{
	struct inspect *in = w->in;
	struct hearing h = { .w = w, .f = f, .t = talk_of(in, f) };
	bool tcp = f->key.proto == PROTO_TCP;

	if ((!tcp && f->key.proto != PROTO_UDP) || f->verdict.blocked ||
	    is_over(f) || (h.t && is_in_use(h.t)) ||
	    !detection_is_on(in, w->endpoint))
		return;
	if (!f->talk)
		f->talk = talk_take(in->talks);
	h.t = talk_of(in, f);
	if (!h.t) {
		in->counts.talks_full++;
		return;
	}
	h.t->flow = f;
	h.t->packets = 0;
	h.t->bytes = 0;
	if (detection_begin_late(&h))
		open_known(in, f, h.t);
	if (!h.t->sensors || (tcp && !open_stream(w, h.t)))
		give_back(in, f);
}

void payload_met_again(struct inspect *in, struct flow *f)
{
	struct passage w = { .in = in,
			     .endpoint = snapshot_endpoint(in->snapshot,
							   f->key.endpoint),
			     .index = f->key.endpoint,
			     .copy = f->tap,
			     .now = in->now };
	struct reading r = { .h = { .w = &w, .f = f } };
	struct talk *t;

	f->midstream = true;
	begin(&r);
	if (r.h.unheard)
		exception_met(&r.h, LIMIT_PLACE);
	f->unheard = r.h.stop == REASON_NO_PLACE;
	t = talk_of(in, f);
	if (t && f->app) {
		dialogue_close(in->dialogues, t->dialogue);
		t->dialogue = 0;
		open_known(in, f, t);
	}
	payload_judged(in, f);
}

void payload_judged(struct inspect *in, struct flow *f)
{
	struct talk *t = talk_of(in, f);

	if (!t)
		return;
	if (f->verdict.action == POLICY_CHECK_VH)
		t->host_wanted = true;
	if (is_in_use(t) && !is_wanted(in, f, t))
		give_back(in, f);
}

static void count_packet(struct passage *w, struct talk *t)
{
	uint32_t len = w->packet.payload_len;

	if (len == 0)
		return;
	t->packets += t->packets < UINT16_MAX;
	t->bytes = len > UINT32_MAX - t->bytes ? UINT32_MAX : t->bytes + len;
	if (t->parser && is_reading(w->in, t, DIALOGUE_READING))
		w->in->counts.parser_packets[t->parser - 1]++;
}

/* Datagrams of resolvers are read with or without a talk. */
static void read_packet(struct reading *r)
{
	struct hearing *h = &r->h;
	struct passage *w = h->w;
	enum flow_side side = flow_sender(h->f, w->ingress);

	if (h->f->key.proto == PROTO_UDP && w->packet.payload_len)
		datagram(r, side);
	else if (h->t && h->t->stream)
		segment(r, side);
	if (h->t)
		count_packet(w, h->t);
	if (h->t && h->t->dialogue)
		silent_waits(w->in, h->f);
	if ((r->lost || h->bypass) && h->t)
		give_back(w->in, h->f);
}

/*
 * Picked up in its middle, and no telling what it is: it was there before us
 * (a restart), and whoever let it begin knew. To call it unidentified would be
 * to cut it; a rule that waits for its application goes on waiting.
 */
static bool is_heard_too_late(const struct flow *f)
{
	return f->midstream && !f->app;
}

/* Does its parser still read, to tell what is asked? */
static bool may_ask(const struct inspect *in, const struct talk *t)
{
	return t && is_reading(in, t, DIALOGUE_READING);
}

/* Only these call their servers by name. */
static bool names_its_server(const struct flow *f)
{
	return f->app == APP_HTTP || f->app == APP_HTTP2 || f->app == APP_TLS ||
	       f->app == APP_QUIC;
}

/* t: of f, or NULL; ask: what may_ask() says of it. */
static bool host_is_known(const struct flow *f, const struct talk *t, bool ask)
{
	if (t && t->request.known)
		return true;
	return f->app_state != FLOW_APP_OPEN && !(names_its_server(f) && ask);
}

static bool request_is_known(const struct flow *f, const struct talk *t,
			     bool ask)
{
	if (t && t->request.known)
		return true;
	return f->app_state != FLOW_APP_OPEN && !ask && !is_heard_too_late(f);
}

/* What policy is asked with, as far as it may tell another thing later. */
struct known {
	uint32_t app;
	bool unanswered, host, request;
};

static struct known known_of(const struct inspect *in, const struct flow *f)
{
	const struct talk *t = talk_of(in, f);
	bool ask = may_ask(in, t);

	return (struct known){ payload_policy_app(f), ask && !t->answered,
			       host_is_known(f, t, ask),
			       request_is_known(f, t, ask) };
}

/* Is there more to judge by? */
static bool is_news(const struct flow *f, struct known before, struct known now)
{
	if (f->verdict.reason != REASON_APP_PENDING)
		return before.app != now.app &&
		       before.app != POLICY_APP_UNKNOWN_YET;
	return before.app != now.app || before.unanswered != now.unanswered ||
	       before.host != now.host || before.request != now.request;
}

enum payload_news payload_packet(struct passage *w, struct flow *f, bool fresh)
{
	struct known before = { .app = POLICY_APP_UNKNOWN_YET };
	struct reading r = { .h = { .w = w, .f = f } };
	uint64_t searches;

	/* most frames: all is known, and nobody waits for more */
	if (!fresh && !f->talk && !f->unheard &&
	    !detection_wants_packets(w->in, w->endpoint, f) &&
	    (f->key.proto != PROTO_UDP || !names_are_asked(f)))
		return PAYLOAD_NONE;
	if (fresh)
		begin(&r);
	else
		before = known_of(w->in, f);
	if (r.h.unheard || f->unheard)
		exception_met(&r.h, LIMIT_PLACE);
	/* else it is not listened to, and nothing more is asked */
	if (fresh)
		f->unheard = r.h.stop == REASON_NO_PLACE;
	r.h.t = talk_of(w->in, f);
	searches = exception_searches_before(&r.h);
	detection_packet_begin(&r.h);
	detection_packet(&r.h, (enum proto_side)flow_sender(f, w->ingress));
	if (!r.h.stop)
		read_packet(&r);
	exception_searches(&r.h, searches);
	settle(&r.h);
	detection_packet_end(&r.h);
	if (r.h.refused || r.h.stop)
		hear_stop(&r.h);
	else if (is_news(f, before, known_of(w->in, f)))
		return PAYLOAD_TOLD;
	payload_judged(w->in, f);
	return r.h.judged ? PAYLOAD_JUDGED : PAYLOAD_NONE;
}

bool payload_is_read(const struct inspect *in, const struct flow *f)
{
	const struct talk *t = talk_of(in, f);

	return t && is_in_use(t);
}

uint32_t payload_stream(const struct inspect *in, const struct flow *f)
{
	const struct talk *t = talk_of(in, f);

	return t ? t->stream : 0;
}

void payload_end(struct inspect *in, struct flow *f)
{
	struct talk *t = talk_of(in, f);

	if (!t)
		return;
	asked_clear(&t->request); /* nobody will ask any more */
	give_back(in, f);
}

uint32_t payload_policy_app(const struct flow *f)
{
	switch ((enum flow_app_state)f->app_state) {
	case FLOW_APP_KNOWN: return payload_app(f);
	case FLOW_APP_NEVER:
		return is_heard_too_late(f) ? POLICY_APP_UNKNOWN_YET
					    : POLICY_APP_UNIDENTIFIED;
	case FLOW_APP_OPEN: break;
	}
	return POLICY_APP_UNKNOWN_YET;
}

bool payload_is_unanswered(const struct inspect *in, const struct flow *f)
{
	const struct talk *t = talk_of(in, f);

	return may_ask(in, t) && !t->answered;
}

const char *payload_host(const struct inspect *in, const struct flow *f)
{
	const struct talk *t = talk_of(in, f);

	if (!host_is_known(f, t, may_ask(in, t)))
		return NULL;
	return t && t->request.known ? asked_host(&t->request) : "";
}

const struct request *payload_request(const struct inspect *in,
				      const struct flow *f, struct request *buf)
{
	const struct talk *t = talk_of(in, f);

	if (!request_is_known(f, t, may_ask(in, t)))
		return NULL;
	if (!t || !t->request.known)
		return &request_none;
	*buf = asked_request(&t->request);
	return buf;
}
