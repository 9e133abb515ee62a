/*
 * Theory. A parser tells while the packet is under way, so what is found out
 * stops that packet: a threat by its action, a request by policy. A TCP
 * connection is over then. Its bytes are read already, so if it went on, the
 * same bytes would come again and pass as old ones.
 *
 * What is only watched (a tap, a capture) is told of, and read on.
 */
#include "inspect/hear.h"

#include <string.h>

#include "inspect/detection.h"
#include "inspect/exception.h"
#include "inspect/forwarded.h"
#include "inspect/guard.h"
#include "inspect/judge.h"
#include "inspect/names.h"
#include "inspect/payload.h"
#include "inspect/ports.h"
#include "inspect/refuse.h"
#include "inspect/threat_of.h"
#include "inspect/trail.h"

bool hear_is_only_watched(const struct hearing *h)
{
	return passage_is_watched(h->w) || h->w->in->capture;
}

void hear_settle(struct hearing *h)
{
	if (h->f->app_state != FLOW_APP_OPEN)
		return;
	h->f->app_state = FLOW_APP_KNOWN;
	h->w->in->counts.app_known++;
}

void hear_recognised(struct hearing *h)
{
	struct inspect *in = h->w->in;
	const struct proto_parser *p;

	if (h->t->parser)
		return;
	p = dialogue_recognised(in->dialogues, h->t->dialogue);
	if (!p)
		return;
	h->t->parser = (uint8_t)(proto_parser_place(p) + 1);
	in->counts.parser_flows[h->t->parser - 1]++;
	h->f->app = (uint16_t)p->app;
	ports_learn(in, h->f, p->app);
	detection_known(h, p->app);
	/* it may be grpc, and the first request says so */
	if (p->app != APP_HTTP2)
		hear_settle(h);
}

static bool piece(void *arg, const struct proto_piece *p)
{
	struct hearing *h = arg;

	if (!h->t->parser)
		hear_recognised(h);
	asked_tell(&h->t->request, p);
	if (p->unseen)
		return true;
	forwarded_piece(h, p);
	trail_piece(h, p);
	if (p->field == FIELD_DNS_MESSAGE) {
		h->dns_told = true;
		if (!p->cut)
			trail_dns(h->w->in, h->f, (enum proto_side)p->side,
				  p->bytes);
		if (!p->cut && names_are_asked(h->f))
			names_message(h->w->in, h->f, (enum flow_side)p->side,
				      p->bytes, h->w->now);
	}
	return detection_piece(h, p);
}

/* What keeps its parser from telling all. */
static void note_limit(struct hearing *h, enum proto_note n)
{
	switch (n) {
	case NOTE_MALFORMED:
	case NOTE_HTTP2_HPACK: exception_met(h, LIMIT_PARSER); break;
	case NOTE_LIMIT:
	case NOTE_HTTP2_HEAD:
	case NOTE_HTTP2_STREAMS: exception_met(h, LIMIT_DEPTH); break;
	case NOTE_HTTP_RATIO: exception_met(h, LIMIT_UNPACK); break;
	default: break;
	}
}

static bool note(void *arg, enum proto_side side, enum proto_note n)
{
	struct hearing *h = arg;
	uint32_t threat = threat_of_note(n);
	enum dpi_action action;

	hear_recognised(h);
	h->w->in->counts.notes[n]++;
	note_limit(h, n);
	if (h->stop)
		return false;
	if (!detection_note(h, side, n))
		return false;
	if (!threat || !h->w->endpoint)
		return true;
	action = guard_note(h->w, threat, 1, true, h->f);
	if (!dpi_action_drops(action) || hear_is_only_watched(h))
		return true;
	h->stop = REASON_THREAT;
	h->stop_id = threat;
	h->action = (uint8_t)action;
	return false;
}

/*
 * A head of HTTP/2 that was met in its middle, of which not all is known: it may
 * be gRPC's, and the message that follows will say so.
 */
static bool may_be_grpc(const struct hearing *h)
{
	const struct flow *f = h->f;

	return f->midstream && f->app == APP_HTTP2 &&
	       f->app_state == FLOW_APP_OPEN && h->t->request.cut &&
	       f->verdict.reason == REASON_APP_PENDING;
}

/* The rule that waits for its application waits for that message, too. */
static void unsettle(struct hearing *h)
{
	h->f->app_state = FLOW_APP_OPEN;
	h->w->in->counts.app_known--;
}

static bool asked(void *arg)
{
	struct hearing *h = arg;
	struct talk *t = h->t;
	struct flow_verdict before = h->f->verdict, *v = &h->f->verdict;
	bool open;

	hear_recognised(h);
	open = may_be_grpc(h);
	hear_settle(h);
	asked_whole(&t->request);
	if (!detection_asked(h) || !forwarded_asked(h))
		return false;
	if (!t->host_wanted && !judge_waits_for_requests(h->f) &&
	    !h->other_app && !open)
		return true;
	if (judge_request(h->w, h->f, t, h->other_app, &h->reject)) {
		if (open && v->reason == REASON_APP_PENDING)
			unsettle(h);
		h->judged |= v->action == POLICY_VIOLATE ||
			     v->action != before.action ||
			     v->rule_id != before.rule_id;
		return true;
	}
	h->judged = true;
	h->refused = !hear_is_only_watched(h);
	return !h->refused;
}

/* Not of what was met in its middle: there it may never have been understood. */
void hear_lost(struct hearing *h)
{
	struct talk *t = h->t;

	if (h->stop || h->refused || h->f->midstream || !t->parser ||
	    !judge_waits_for_requests(h->f))
		return;
	asked_clear(&t->request);
	t->request.cut = true;
	(void)asked(h); /* h->refused says it */
}

static bool ended(void *arg, enum proto_side side)
{
	struct hearing *h = arg;

	if (side == PROTO_CLIENT)
		asked_end(&h->t->request);
	else
		h->t->answered = true;
	trail_ended(h, side);
	return detection_ended(h, side);
}

static bool is_http2(uint32_t app)
{
	return app == APP_HTTP2 || app == APP_GRPC;
}

/*
 * Software that serves, and what is made with a protocol (reference 6.1). Couchbase
 * is another protocol, whose servers have a console, too.
 */
static bool is_of_the_port(uint32_t app)
{
	switch (app) {
	case APP_APACHE:
	case APP_NGINX:
	case APP_JETTY:
	case APP_NODEJS:
	case APP_WORDPRESS:
	case APP_COUCHDB:
	case APP_COUCHBASE:
	case APP_ETCD: return true;
	default: return false;
	}
}

static bool known(void *arg, uint32_t app)
{
	struct hearing *h = arg;

	hear_recognised(h);
	ports_learn(h->w->in, h->f, app);
	if (!is_of_the_port(app)) {
		/* both on one connection: each request is judged by its own */
		h->other_app |= h->f->app_state == FLOW_APP_KNOWN &&
				is_http2(app) && is_http2(payload_app(h->f)) &&
				payload_app(h->f) != app;
		h->f->product = (uint16_t)app;
	}
	detection_known(h, app);
	hear_settle(h);
	return true;
}

static void want(struct inspect *in, enum proto_field f)
{
	in->unwanted[f / 64] &= ~((uint64_t)1 << (f % 64));
}

/* Requests, and what resolvers say. */
void hear_begin(struct inspect *in)
{
	memset(in->unwanted, 0xff, sizeof in->unwanted);
	want(in, FIELD_DNS_MESSAGE);
	want(in, FIELD_HTTP_FORWARDED_FOR);
	for (unsigned i = 0; i < REQUEST__MAX; i++)
		want(in, asked_field((enum request_field)i));
	for (unsigned i = 0; proto_parser_at(i); i++)
		for (unsigned f = 0; f < FIELD__MAX; f++)
			if (proto_field_is_of((enum proto_field)f,
					      proto_parser_at(i)->name))
				in->parser_fields[i][f / 64] |= 1ULL << f % 64;
}

struct proto_sink hear_sink(struct hearing *h)
{
	struct proto_sink sink = { .piece = piece,
				   .note = note,
				   .asked = asked,
				   .ended = ended,
				   .known = known,
				   .arg = h };

	memcpy(sink.unwanted, h->w->in->unwanted, sizeof sink.unwanted);
	detection_wants_fields(h, sink.unwanted);
	trail_wants_fields(h->w->in, sink.unwanted);
	return sink;
}

void hear_stop(struct hearing *h)
{
	struct passage *w = h->w;
	struct flow *f = h->f;

	if (h->refused) {
		w->rule_id = f->verdict.rule_id;
		judge_note_block(w->in, &f->key, f->client_is_own, &f->verdict,
				 1);
		passage_drop(w, (enum reason)f->verdict.reason);
	} else {
		guard_stop(w, (enum reason)h->stop, h->stop_id);
	}
	if (f->key.proto != PROTO_TCP)
		return;
	/* not if it was HTTP/1 once, and has been upgraded */
	if (h->refused && h->reject && f->app == APP_HTTP &&
	    !is_http2(payload_app(f)))
		refuse_request(w, f->verdict.rule_id);
	else if (h->refused || h->action == DPI_RESET)
		refuse_both(w);
	flow_cut(w->in->flows, f, w->now);
	f->cut_why = h->refused ? 0 : h->stop;
	f->cut_id = h->stop_id;
}
