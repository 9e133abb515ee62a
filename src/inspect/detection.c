/*
 * Theory. Both engines call back from within (detection_told.c); in->hearing is
 * then the packet under way.
 *
 * Which fields an engine listens to is asked once for each flow and each
 * change (in->detection_epoch), not for each piece.
 *
 * What was not to be there and was not is known when a flow is over. There is
 * no packet then, and nothing to stop.
 */
#include "inspect/detection.h"

#include <string.h>

#include "base/bug.h"
#include "detect/sensor_scope.h"
#include "inspect/detection_told.h"
#include "inspect/pools_own.h"
#include "packet/packet.h"

static const struct endpoint *endpoint_of(const struct inspect *in,
					  const struct flow *f)
{
	return snapshot_endpoint(in->snapshot, f->key.endpoint);
}

/* --- sets ------------------------------------------------------------------- */

bool detection_new(struct inspect *in)
{
	struct sig_scanner_options sigs = pools_signatures(&in->pools);
	struct sensor_scanner_options sensors = pools_sensors(&in->pools);

	sensors.told = detection_sensor_told;
	sensors.arg = in;
	sigs.told = detection_signature_told;
	sigs.arg = in;
	in->signatures = sig_scanner_new(&sigs);
	in->sensors = sensor_scanner_new(&sensors);
	return in->signatures && in->sensors;
}

void detection_free(struct inspect *in)
{
	sig_scanner_free(in->signatures);
	sensor_scanner_free(in->sensors);
}

static void ask_wanted(struct inspect *in, const struct sig_set *set)
{
	for (unsigned f = 0; set && f < FIELD__MAX; f++)
		if (sig_set_wants(set, (enum proto_field)f))
			in->sig_fields[f / 64] |= 1ULL << f % 64;
}

/* What connections that go on with an older set want, is wanted as well. */
void inspect_adopt_signatures(struct inspect *in, struct sig_lane *lane)
{
	sig_scanner_adopt(in->signatures, lane);
	in->sig_lane = lane;
	in->sig_lanes += lane != NULL;
	in->detection_epoch++;
	ask_wanted(in, lane ? sig_lane_set(lane) : NULL);
}

struct sig_lane *inspect_give_back_signatures(struct inspect *in)
{
	struct sig_lane *lane = sig_scanner_give_back(in->signatures);

	if (!lane)
		return NULL;
	BUG_ON(in->sig_lanes == 0);
	if (--in->sig_lanes == (in->sig_lane ? 1u : 0u)) {
		memset(in->sig_fields, 0, sizeof in->sig_fields);
		ask_wanted(in,
			   in->sig_lane ? sig_lane_set(in->sig_lane) : NULL);
	}
	return lane;
}

void inspect_drop_set(struct inspect *in, const struct sig_set *set)
{
	sig_scanner_drop_set(in->signatures, set);
}

void inspect_drop_signatures(struct inspect *in)
{
	sig_scanner_drop(in->signatures);
	in->sig_lane = NULL;
}

struct sensor_lane *inspect_adopt_sensors(struct inspect *in,
					  struct sensor_lane *lane)
{
	in->detection_epoch++;
	in->sensors_news = true;
	in->sensor_lane = lane;
	return sensor_scanner_adopt(in->sensors, lane);
}

bool detection_is_news(const struct inspect *in, const struct snapshot *before,
		       const struct snapshot *next)
{
	const struct endpoint *was, *is;
	size_t n = before ? snapshot_spec_of(next).n_endpoints : 0;

	for (size_t i = 0; i < n && !in->sensors_news; i++) {
		was = snapshot_endpoint(before, (uint16_t)i);
		is = snapshot_endpoint(next, (uint16_t)i);
		if (sensing_of(is) && sensing_of(is) != sensing_of(was))
			return true;
	}
	return before && in->sensors_news;
}

/* --- who looks at a flow ------------------------------------------------------ */

static bool wants_signatures(const struct inspect *in, const struct endpoint *e)
{
	return in->sig_lane &&
	       sensing_signatures(sensing_of(e)) != SIGNATURES_OFF;
}

static bool wants_sensors(const struct inspect *in, const struct endpoint *e)
{
	return in->sensor_lane &&
	       sensing_uses(sensing_of(e), SENSING_DLP | SENSING_WAF).n > 0;
}

bool detection_is_on(const struct inspect *in, const struct endpoint *e)
{
	return wants_signatures(in, e) || wants_sensors(in, e);
}

struct sig_facts detection_facts(const struct flow *f)
{
	const struct flow_key *k = &f->key;
	bool own = f->client_is_own;

	return (struct sig_facts){
		.client = own ? k->own : k->peer,
		.server = own ? k->peer : k->own,
		.client_port = own ? k->own_port : k->peer_port,
		.server_port = own ? k->peer_port : k->own_port,
		.proto = k->proto,
	};
}

/* The widest: where NeuVector's look depends on what is not known yet. */
static void ask_sensors(struct inspect *in, const struct endpoint *e,
			struct talk *t)
{
	struct sensor_uses u =
		sensing_uses(sensing_of(e), SENSING_DLP | SENSING_WAF);

	for (unsigned f = 0; f < FIELD__MAX; f++)
		if (sensor_wants(in->sensors, u, (enum proto_field)f))
			t->sensor_fields[f / 64] |= 1ULL << f % 64;
}

/* Sensors may be told of by any packet; signatures only from the first one on. */
static void join(struct inspect *in, const struct endpoint *e,
		 const struct flow *f, struct talk *t)
{
	t->detection_epoch = in->detection_epoch;
	memset(t->sensor_fields, 0, sizeof t->sensor_fields);
	if (!wants_sensors(in, e))
		return; /* any more, maybe */
	if (!t->sensors) {
		t->sensors = sensor_open(in->sensors);
		if (t->sensors && f->app)
			sensor_known(in->sensors, t->sensors, f->app);
	}
	if (t->sensors)
		ask_sensors(in, e, t);
}

void detection_begin(struct hearing *h)
{
	struct inspect *in = h->w->in;
	const struct endpoint *e = h->w->endpoint;

	if (wants_signatures(in, e)) {
		struct sig_facts facts = detection_facts(h->f);

		h->t->signatures = sig_open(in->signatures, &facts);
		h->unheard |= !h->t->signatures;
	}
	join(in, e, h->f, h->t);
	h->unheard |= wants_sensors(in, e) && !h->t->sensors;
}

bool detection_begin_late(struct hearing *h)
{
	join(h->w->in, h->w->endpoint, h->f, h->t);
	return h->t->sensors;
}

void detection_goes_on(struct inspect *in, const struct flow *f, struct talk *t,
		       bool current)
{
	const struct endpoint *e = endpoint_of(in, f);

	t->detection_epoch = in->detection_epoch - !current;
	memset(t->sensor_fields, 0, sizeof t->sensor_fields);
	if (t->sensors && wants_sensors(in, e))
		ask_sensors(in, e, t);
}

void detection_packet_begin(struct hearing *h)
{
	struct inspect *in = h->w->in;

	in->hearing = h;
	if (!h->t)
		return;
	if (h->t->detection_epoch != in->detection_epoch)
		join(in, h->w->endpoint, h->f, h->t);
	if (h->t->signatures)
		sig_scanner_time(in->signatures, h->w->now);
}

void detection_packet_end(struct hearing *h)
{
	detection_tell_held(h);
	h->w->in->hearing = NULL;
}

void detection_known(struct hearing *h, uint32_t app)
{
	struct inspect *in = h->w->in;

	if (h->t && h->t->signatures)
		sig_known(in->signatures, h->t->signatures, app);
	if (h->t && h->t->sensors)
		sensor_known(in->sensors, h->t->sensors, app);
}

void detection_wants_fields(const struct hearing *h,
			    uint64_t unwanted[static FIELD_WORDS])
{
	for (unsigned i = 0; h->t && i < FIELD_WORDS; i++) {
		if (h->t->signatures)
			unwanted[i] &= ~h->w->in->sig_fields[i];
		if (h->t->sensors)
			unwanted[i] &= ~h->t->sensor_fields[i];
	}
}

/* --- what is shown ------------------------------------------------------------ */

/* Those whose scope f is in, as far as is known of it now. */
static struct sensor_uses uses_of(const struct inspect *in,
				  const struct endpoint *e,
				  const struct flow *f)
{
	const struct sensing *s = sensing_of(e);
	const struct sensor_scope *scope = sensing_scope(s);
	struct sensor_scope whole;
	struct sensor_traffic t;
	struct ip_addr peer;

	if (!scope)
		return sensing_uses(s, 0);
	whole = *scope;
	whole.default_deny = e->policy &&
			     policy_spec_of(e->policy)->defact == POLICY_DENY;
	peer = f->key.peer;
	t = (struct sensor_traffic){
		.session = true,
		.internal = snapshot_is_internal(in->snapshot, peer),
		.open = f->verdict.action == POLICY_OPEN,
		.rule = f->verdict.rule_id,
		.app = f->app,
	};
	return sensing_uses(s, sensor_scope_of(&whole, &t));
}

bool detection_piece(struct hearing *h, const struct proto_piece *p)
{
	struct inspect *in = h->w->in;
	const struct talk *t = h->t;

	if (!t || !(t->signatures | t->sensors))
		return true;
	if (t->signatures)
		sig_piece(in->signatures, t->signatures, p);
	if (t->sensors)
		(void)sensor_piece(in->sensors, t->sensors,
				   uses_of(in, h->w->endpoint, h->f), p);
	/* what is held is to have its request line: read on until it is known */
	return !h->stop || in->n_held > 0;
}

bool detection_note(struct hearing *h, enum proto_side side, enum proto_note n)
{
	if (h->t && h->t->signatures)
		sig_note(h->w->in->signatures, h->t->signatures, side, n);
	return !h->stop;
}

bool detection_asked(struct hearing *h)
{
	if (h->t && h->t->signatures)
		sig_asked(h->w->in->signatures, h->t->signatures);
	detection_tell_held(h);
	return !h->stop;
}

bool detection_ended(struct hearing *h, enum proto_side side)
{
	struct inspect *in = h->w->in;
	const struct talk *t = h->t;

	if (!t || !(t->signatures | t->sensors))
		return true;
	if (t->signatures)
		sig_ended(in->signatures, t->signatures, side);
	if (t->sensors)
		(void)sensor_ended(in->sensors, t->sensors,
				   uses_of(in, h->w->endpoint, h->f), side);
	return !h->stop;
}

/*
 * Has a side sent as much as they look at? Then the other's bytes are no reason
 * either to keep what is a long transfer from the kernel.
 */
static bool is_deep(const struct talk *t, uint32_t depth)
{
	return depth &&
	       (t->sent[FLOW_CLIENT] >= depth || t->sent[FLOW_SERVER] >= depth);
}

static void sensors_sent(struct hearing *h, enum proto_side side,
			 struct bytes b, bool gap_before)
{
	struct inspect *in = h->w->in;
	struct talk *t = h->t;
	struct sensor_uses u = uses_of(in, h->w->endpoint, h->f);
	size_t len = bytes_len(b);

	if (!sensor_wants_sent(in->sensors, t->sensors, u, side))
		return;
	if (is_deep(t, in->settings.sensor_depth)) {
		in->counts.sensors_beyond_depth += len;
		return;
	}
	(void)sensor_sent(in->sensors, t->sensors, u, side, b,
			  gap_before || h->f->key.proto == PROTO_UDP);
}

void detection_bytes(struct hearing *h, enum proto_side side, struct bytes b,
		     bool gap_before)
{
	struct inspect *in = h->w->in;
	struct talk *t = h->t;
	size_t again;

	if (!t || !(t->signatures | t->sensors) || h->stop)
		return;
	again = gap_before ? 0 : t->shown[side];
	t->shown[side] = 0;
	if (again >= bytes_len(b))
		return;
	b.begin += again;
	if (t->signatures &&
	    sig_wants_payload(in->signatures, t->signatures, side))
		sig_payload(in->signatures, t->signatures, side, b, gap_before);
	if (t->sensors)
		sensors_sent(h, side, b, gap_before);
	t->sent[side] = bytes_len(b) > UINT32_MAX - t->sent[side]
				? UINT32_MAX
				: t->sent[side] + (uint32_t)bytes_len(b);
}

void detection_left(struct hearing *h, enum proto_side side, size_t n)
{
	if (h->t)
		h->t->shown[side] = (uint32_t)n;
}

bool detection_wants_packets(const struct inspect *in, const struct endpoint *e,
			     const struct flow *f)
{
	uint32_t depth = in->settings.signature_depth;

	return wants_signatures(in, e) &&
	       sig_wants_packets(in->signatures, f->key.proto) &&
	       (!depth || (f->side[FLOW_CLIENT].bytes < depth &&
			   f->side[FLOW_SERVER].bytes < depth));
}

static bool is_established(const struct flow *f)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];

	return f->key.proto == PROTO_TCP ? c->syn_acked && s->syn_acked
					 : c->packets > 0 && s->packets > 0;
}

void detection_packet(struct hearing *h, enum proto_side side)
{
	struct inspect *in = h->w->in;
	const struct packet *p = &h->w->packet;
	struct sig_packet sp = { .payload = p->payload,
				 .payload_len = p->payload_len,
				 .ttl = p->ttl,
				 .tcp_flags = p->tcp_flags,
				 .icmp_type = p->icmp_type,
				 .icmp_code = p->icmp_code };
	struct sig_facts facts;

	if (!detection_wants_packets(in, h->w->endpoint, h->f))
		return;
	facts = detection_facts(h->f);
	sp.established = is_established(h->f);
	sig_scanner_time(in->signatures, h->w->now);
	sig_packet(in->signatures, h->t ? h->t->signatures : 0, &facts, side,
		   &sp);
}

/* --- for how long ------------------------------------------------------------- */

static bool tells_any(const uint64_t *tells, const uint64_t *fields)
{
	for (unsigned i = 0; i < FIELD_WORDS; i++)
		if (tells[i] & fields[i])
			return true;
	return false;
}

/* Somebody reads, who tells something that they listen to. */
static bool listens(const struct inspect *in, const struct talk *t)
{
	const struct proto_parser *p;
	const uint64_t *tells;

	if (!t->dialogue ||
	    dialogue_state(in->dialogues, t->dialogue) != DIALOGUE_READING)
		return false;
	p = dialogue_parser(in->dialogues, t->dialogue);
	tells = in->parser_fields[proto_parser_place(p)];
	return (t->signatures && tells_any(tells, in->sig_fields)) ||
	       (t->sensors && tells_any(tells, t->sensor_fields));
}

bool detection_is_wanted(const struct inspect *in, const struct flow *f,
			 const struct talk *t)
{
	const struct endpoint *e;

	if (!(t->signatures | t->sensors))
		return false;
	if (listens(in, t))
		return true;
	if (!is_deep(t, in->settings.signature_depth) &&
	    (sig_wants_payload(in->signatures, t->signatures, PROTO_CLIENT) ||
	     sig_wants_payload(in->signatures, t->signatures, PROTO_SERVER)))
		return true;
	if (!t->sensors || is_deep(t, in->settings.sensor_depth))
		return false;
	e = endpoint_of(in, f);
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++)
		if (sensor_wants_sent(in->sensors, t->sensors,
				      sensing_uses(sensing_of(e),
						   SENSING_DLP | SENSING_WAF),
				      (enum proto_side)side))
			return true;
	return false;
}

bool detection_may_find(const struct inspect *in, const struct talk *t)
{
	return (t->signatures && !is_deep(t, in->settings.signature_depth)) ||
	       (t->sensors && !is_deep(t, in->settings.sensor_depth));
}

void detection_end(struct inspect *in, struct flow *f, struct talk *t)
{
	const struct endpoint *e = endpoint_of(in, f);
	struct passage w = { .in = in,
			     .endpoint = e,
			     .index = f->key.endpoint,
			     .now = in->now };
	struct hearing over = { .w = &w, .f = f, .t = t };

	if (!(t->signatures | t->sensors))
		return;
	if (!in->hearing)
		in->hearing = &over;
	(void)sensor_close(in->sensors, t->sensors, uses_of(in, e, f));
	sig_close(in->signatures, t->signatures);
	t->sensors = t->signatures = 0;
	if (in->hearing == &over)
		in->hearing = NULL;
}
