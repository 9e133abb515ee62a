/*
 * Theory. inspect_frame() asks its questions in an order in which each answer
 * is final for the frames it decides:
 *
 *   1 whose is it, which way?   no workload: dropped, never flooded; one of
 *                               another worker's likewise
 *   2 is it well formed?        else dropped, and counted by what is wrong
 *   3 does policy speak of it?  not IP, group destinations, neighbour
 *                               discovery: forwarded unjudged
 *   4 is it intact and whole?   bad checksums: dropped; fragments: held until
 *                               their datagram is complete (inspect/whole.c)
 *   5 which flow is it?         ICMP errors by the packet they quote
 *   6 flood, threat?            its action says (inspect/guard.c)
 *   7 may that flow be?         judged when it is new or was judged under
 *                               another snapshot; else what was found then
 *   8 follow it                 state, counters, time-out, reports, payload
 *   9 is it a tunnel?           then, if it is to be looked into, 3 to 9 for
 *                               the packet in it (look_inside())
 *
 * Invariants. No frame that belongs to no flow is forwarded unjudged, whatever
 * its flags. A denied frame makes no flow, so a scan fills no table. A flow
 * that was allowed and is denied by a newer policy stays in the table, blocked,
 * until it ages out or a newer policy allows it again. A workload that is
 * tapped gets all of this, but nothing of it is forwarded - or all of it, where
 * it comes from an NFQUEUE, which has no other way on.
 */
#include "inspect/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/spread.h"
#include "base/unset.h"
#include "inspect/cache_use.h"
#include "inspect/detection.h"
#include "inspect/guard.h"
#include "inspect/hear.h"
#include "inspect/judge.h"
#include "inspect/passage.h"
#include "inspect/pools_own.h"
#include "inspect/ports.h"
#include "inspect/session.h"
#include "inspect/silent.h"
#include "inspect/talk.h"
#include "inspect/tell.h"
#include "inspect/trail.h"
#include "inspect/whole.h"

bool inspect_begin_listening(struct inspect *in, bool detection, uint64_t seed)
{
	struct stream_options streams = pools_streams(&in->pools);
	struct dialogue_limits dialogues = pools_dialogues(&in->pools);

	in->streams = stream_pool_new(&streams);
	in->dialogues = dialogue_pool_new(&dialogues, seed);
	in->talks = talks_new(dialogues.dialogues);
	return (!detection || detection_new(in)) && in->streams &&
	       in->dialogues && in->talks;
}

void inspect_end_listening(struct inspect *in)
{
	detection_free(in);
	talks_free(in->talks);
	dialogue_pool_free(in->dialogues);
	stream_pool_free(in->streams);
}

struct inspect *inspect_new(const struct inspect_options *opt)
{
	struct defrag_options defrag = defrag_defaults(opt->seed);
	struct inspect_settings settings = inspect_settings_default();
	struct inspect *in = calloc(1, sizeof *in);
	bool breadth;

	if (!in)
		return NULL;
	in->capture = opt->capture;
	in->workers = opt->workers;
	in->number = opt->number;
	in->leaving = ENDPOINT_NONE;
	in->blocks.seed = opt->seed;
	in->pools = opt->pools ? *opt->pools : pools_default(opt->max_flows);
	in->flows = flow_table_new(in->pools.n[POOL_FLOWS], opt->seed);
	in->defrag = defrag_new(&defrag);
	in->grace = grace_new(opt->seed);
	in->meters = meters_new(&settings.meters, METER_SOURCES_MAX, opt->seed);
	in->threats = threat_log_new(THREAT_SLOTS_MAX, opt->seed);
	in->findings = finding_log_new(FINDING_SLOTS_MAX, opt->seed);
	in->reports = reports_new(REPORTS_MAX, opt->seed);
	in->traffic = traffic_new();
	in->port_news = port_news_new(opt->seed);
	in->trail = trail_new();
	breadth = opt->breadth && in->pools.n[POOL_APPLICATIONS] > 0;
	if (breadth)
		in->breadth = breadth_new(in->pools.n[POOL_APPLICATIONS]);
	in->learned = learned_new(&learned_limits_default, opt->seed);
	if (!inspect_begin_listening(in, opt->detection, opt->seed) ||
	    !in->flows || !in->defrag || !in->grace || !in->meters ||
	    !in->threats || !in->findings || !in->reports || !in->traffic ||
	    !in->port_news || !in->trail || !in->learned ||
	    (breadth && !in->breadth)) {
		inspect_free(in);
		return NULL;
	}
	hear_begin(in);
	flow_table_on_end(in->flows, tell_flow_ended, in);
	if (in->workers > 1)
		flow_table_number(in->flows, in->number + 1, in->workers);
	defrag_on_gone(in->defrag, whole_gone, in);
	inspect_configure(in, &settings);
	return in;
}

void inspect_free(struct inspect *in)
{
	if (!in)
		return;
	flow_table_free(in->flows);
	inspect_end_listening(in);
	breadth_free(in->breadth);
	defrag_free(in->defrag);
	grace_free(in->grace);
	meters_free(in->meters);
	threat_log_free(in->threats);
	finding_log_free(in->findings);
	reports_free(in->reports);
	traffic_free(in->traffic);
	port_news_free(in->port_news);
	trail_free(in->trail);
	learned_free(in->learned);
	free(in);
}

const struct snapshot *inspect_adopt(struct inspect *in,
				     const struct snapshot *s)
{
	const struct snapshot *before = in->snapshot;

	if (detection_is_news(in, before, s))
		in->sensors_since = snapshot_version(s);
	in->sensors_news = false;
	in->snapshot = s;
	in->detection_epoch++; /* who has which sensors may be another */
	return before;
}

/*
 * The mark that a copy's (bpf/inplace.h) stands for: 4e:65:75:57:HH:LL for
 * ...:56:HH:LL, ff:ff:ff:01:HH:LL for ...:00:HH:LL. true: it was one.
 */
static bool is_copy_mark(struct mac *m)
{
	static const uint8_t unicast[] = { 0x4e, 0x65, 0x75, 0x57 };
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff, 0x01 };

	if (memcmp(m->b, unicast, 4) != 0 && memcmp(m->b, broadcast, 4) != 0)
		return false;
	m->b[3]--;
	return true;
}

/* Service port and capture: whose is told by the addresses. */
static uint16_t find_marked(struct passage *w)
{
	const struct snapshot *s = w->in->snapshot;
	enum mac_role role = w->in->capture ? MAC_REAL : MAC_MARK;
	struct mac src = w->packet.src, dst = w->packet.dst;
	uint16_t index = ENDPOINT_NONE;

	if (!w->in->capture)
		w->copy = is_copy_mark(&src) || is_copy_mark(&dst);
	w->ingress = false;
	if (!mac_is_group(src))
		index = snapshot_find_mac(s, src, role);
	/* it would get past the one it is for; the kernel marks one address */
	if (index != ENDPOINT_NONE && !w->in->capture &&
	    snapshot_find_mac(s, dst, role) != ENDPOINT_NONE)
		return ENDPOINT_NONE;
	if (index == ENDPOINT_NONE) {
		w->ingress = true;
		index = snapshot_find_mac(s, dst, role);
	}
	return index;
}

/*
 * Other ports: whose is told by the port, and the addresses only say which way.
 * What is from neither side is nobody's, but for what comes to all.
 */
static uint16_t find_by_port(struct passage *w, const struct frame_port *port)
{
	const struct packet *p = &w->packet;

	w->ingress = !mac_equal(p->src, port->workload);
	/* of a pair the side tells for sure, and no address may contradict */
	if (port->kind == FRAME_PORT_PAIR && w->ingress == port->inside)
		return ENDPOINT_NONE;
	if (w->ingress && !mac_equal(p->dst, port->workload) &&
	    !mac_is_group(p->dst))
		return ENDPOINT_NONE;
	return snapshot_find_mac(w->in->snapshot, port->workload, MAC_REAL);
}

/*
 * Step 1. A mark in the source wins: that frame comes from the workload. The
 * broadcast mark is one of destinations only.
 */
static bool find_endpoint(struct passage *w)
{
	const struct frame_port *port = w->packet.frame.port;

	if (port && port->kind != FRAME_PORT_SERVICE)
		w->index = find_by_port(w, port);
	else
		w->index = find_marked(w);
	w->endpoint = snapshot_endpoint(w->in->snapshot, w->index);
	return w->endpoint != NULL;
}

/*
 * Else all that is known of the workload is elsewhere. Frames are spread so that
 * it is, but for moments in which sockets come and go (ring/packet_group.c).
 */
static bool is_own(const struct passage *w)
{
	const struct inspect *in = w->in;
	const struct endpoint *e = w->endpoint;

	return in->workers <= 1 || !e ||
	       spread_workload(e->mac, e->ucmac, in->workers) == in->number;
}

/* Then nothing passes but what every port of a network hears. */
static bool is_quarantined(const struct passage *w, enum packet_outcome outcome)
{
	const struct packet *p = &w->packet;

	if (!p->frame.port || !p->frame.port->quarantined)
		return false;
	if (!mac_is_group(p->dst))
		return true;
	if (outcome != PACKET_OK)
		return outcome != PACKET_NOT_IP;
	return !ip_is_multicast(p->daddr) && !packet_is_neighbour_discovery(p);
}

/*
 * Nobody has said what it may, and then it may nothing (policy.absent). What is
 * only watched goes its way anyway, and is worth seeing.
 */
static bool is_untold(const struct passage *w)
{
	return w->endpoint && !w->endpoint->policy &&
	       w->in->settings.policy_absent == POLICY_ABSENT_DROP &&
	       !passage_is_watched(w);
}

/* What is nobody's (capture) is seen from the end with the lower address. */
static bool is_lower(struct ip_addr a, uint16_t a_port, struct ip_addr b,
		     uint16_t b_port)
{
	int order = ip_compare(a, b);

	return order < 0 || (order == 0 && a_port < b_port);
}

/* The flow with that key. One whose time is over is none: it is ended. */
static struct flow *find_live(struct passage *w, const struct flow_key *k)
{
	struct flow *f = flow_find(w->in->flows, k);

	if (f && f->cached)
		cache_catch_up(w->in, f);
	if (!f || flow_life_s(f, w->now) > 0)
		return f;
	flow_end(w->in->flows, f);
	return NULL;
}

/* Step 5 for ICMP errors: they live by the flow they speak of. */
static void icmp_error(struct passage *w)
{
	const struct packet_quote *q = &w->packet.quote;
	enum reason why = REASON_NO_POLICY;
	struct flow *f = NULL;
	struct flow_key k;

	if (w->packet.has_quote) {
		if (!w->endpoint)
			w->ingress = is_lower(q->saddr, q->sport, q->daddr,
					      q->dport);
		k = flow_key_of_quote(&w->packet, w->index, w->ingress);
		f = find_live(w, &k);
	} else {
		k = flow_key_of(&w->packet, w->index, w->ingress);
	}
	/* an error that comes in speaks of what the workload has sent */
	if (f && judge_is_allowed(w, f))
		passage_forward(w, REASON_ICMP_RELATED);
	else if (!w->endpoint || (!f && judge_is_open(w, &k, w->ingress, &why)))
		passage_forward(w, why);
	else
		passage_drop(w, REASON_ICMP_UNRELATED);
}

/* Steps 5 to 8, of a whole packet. */
static void one_packet(struct passage *w)
{
	const struct packet *p = &w->packet;
	struct flow_key k;
	struct flow *f;

	/* of this packet: what it is carried in has its own flow */
	w->threat = 0;
	w->marked = false;
	w->flow_id = w->rule_id = 0;
	if (p->icmp_is_error) {
		icmp_error(w);
		return;
	}
	if (!w->endpoint)
		w->ingress = is_lower(p->daddr, p->dport, p->saddr, p->sport);
	k = flow_key_of(p, w->index, w->ingress);
	f = find_live(w, &k);
	if (f)
		w->flow_id = f->id;
	if (guard_packet(w, f)) {
		if (w->marked)
			session_threat(w->in, f);
	} else if (f) {
		judge_known_flow(w, f);
	} else if (!guard_new_flow(w)) {
		judge_new_flow(w, &k);
	}
}

/* Step 3. true: that decides it. */
static bool is_unjudged(struct passage *w)
{
	const struct packet *p = &w->packet;

	if (ip_is_multicast(p->daddr))
		passage_forward(w, REASON_MULTICAST);
	else if (packet_is_neighbour_discovery(p))
		passage_forward(w, REASON_NEIGHBOUR);
	else
		return false;
	return true;
}

static void inner_packet(struct passage *w)
{
	if (is_unjudged(w) || !whole_is_intact(w))
		return;
	/* to hold it would be to hold what is around it */
	if (w->packet.is_fragment)
		passage_drop(w, REASON_TUNNEL_FRAGMENT);
	else
		one_packet(w);
}

/*
 * Step 9. The outer packet may go on; so must all that it carries. A denial in
 * a tunnel is never answered: the answer would have to go through the tunnel.
 */
static void look_inside(struct passage *w)
{
	enum reason outer = (enum reason)w->verdict.reason;

	while (w->verdict.forward) {
		enum packet_outcome why;
		UNSET struct packet inner;
		enum tunnel_outcome outcome = packet_inner(
			&w->packet, &w->in->settings.tunnels, &inner, &why);

		if (outcome != TUNNEL_NONE)
			w->in->counts.tunnels[outcome]++;
		if (outcome == TUNNEL_MALFORMED ||
		    outcome == TUNNEL_INNER_MALFORMED)
			passage_drop(w, REASON_TUNNEL_MALFORMED);
		else if (outcome == TUNNEL_DEPTH)
			passage_drop(w, REASON_TUNNEL_DEPTH);
		if (outcome != TUNNEL_INNER)
			return;
		w->packet = inner;
		inner_packet(w);
		if (w->verdict.forward)
			w->verdict.reason = (uint8_t)outer;
	}
}

static void ip_packet(struct passage *w)
{
	const struct packet *p = &w->packet;

	if (is_unjudged(w) || !whole_is_intact(w) ||
	    (p->is_fragment && !whole_packet(w)))
		return;
	one_packet(w);
	look_inside(w);
}

/* What the device tells of protocols (reference 1.9, kind 4). */
static void count_packet(struct inspect_counts *c, const struct packet *p)
{
	enum inspect_packets what = INSPECT_OTHER;

	if (p->proto == PROTO_TCP)
		what = INSPECT_TCP;
	else if (p->proto == PROTO_UDP)
		what = INSPECT_UDP;
	else if (p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6)
		what = INSPECT_ICMP;
	c->packets[p->ip_version == 4 ? INSPECT_IPV4 : INSPECT_IPV6]++;
	c->packets[what]++;
}

static void decide(struct passage *w, struct frame frame)
{
	enum packet_outcome outcome = packet_decode(&w->packet, frame);

	if (frame.too_long) {
		passage_drop(w, REASON_FRAME_TOO_LONG);
		return;
	}
	if (outcome == PACKET_SHORT || outcome == PACKET_VLAN_DEPTH) {
		whole_malformed(w, outcome);
		return;
	}
	if (!find_endpoint(w) && !w->in->capture) {
		passage_drop(w, REASON_NO_ENDPOINT);
		return;
	}
	if (!is_own(w)) {
		passage_drop(w, REASON_OTHER_WORKER);
		return;
	}
	if (outcome == PACKET_OK)
		count_packet(&w->in->counts, &w->packet);
	if (is_quarantined(w, outcome))
		passage_drop(w, REASON_QUARANTINED);
	else if (is_untold(w))
		passage_drop(w, REASON_POLICY_ABSENT);
	else if (outcome == PACKET_OK)
		ip_packet(w);
	else if (outcome == PACKET_NOT_IP)
		passage_forward(w, REASON_NOT_IP);
	else
		whole_malformed(w, outcome);
}

/* To be told once it is decided; a datagram's frames count by its verdict. */
static void count(struct passage *w, size_t len)
{
	struct inspect_counts *c = &w->in->counts;

	if (w->held)
		c->held++;
	else if (w->verdict.forward)
		c->forwarded[w->verdict.reason] += w->frames;
	else
		c->dropped[w->verdict.reason] += w->frames;
	if (!w->endpoint)
		return;
	traffic_frame(w->in->traffic, w->index, w->ingress, len, w->now);
	if (w->ingress) {
		c->frames_in++;
		c->bytes_in += len;
	} else {
		c->frames_out++;
		c->bytes_out += len;
	}
}

/* What came by a packet port goes on by another way; by a queue, by this one. */
static void only_watch(struct passage *w)
{
	const struct frame_port *port = w->packet.frame.port;

	if (!port || port->kind != FRAME_PORT_NFQ) {
		if (w->verdict.forward)
			passage_drop(w, REASON_TAP);
		return;
	}
	if (!w->verdict.forward)
		passage_forward(w, REASON_WATCHED);
}

static void tell_capturers(struct passage *w)
{
	w->verdict.captures = w->endpoint->captures;
	w->verdict.ingress = w->ingress;
	w->verdict.watched = passage_is_watched(w);
	w->verdict.judged = w->verdict.reason;
	w->verdict.flow_id = w->flow_id;
	w->verdict.rule_id = w->rule_id;
}

struct verdict inspect_frame(struct inspect *in, struct frame frame, usec_t now)
{
	UNSET struct passage w;

	memset(&w, 0, offsetof(struct passage, packet));
	w.in = in;
	w.now = in->now = now;
	w.index = ENDPOINT_NONE;
	w.frames = 1;
	decide(&w, frame);
	if (w.endpoint && w.endpoint->captures)
		tell_capturers(&w);
	if (passage_is_watched(&w))
		only_watch(&w);
	if (w.verdict.forward && frame.port && frame.port->no_way_on)
		passage_drop(&w, REASON_IFACE_TX);
	count(&w, frame.wire_len);
	return w.verdict;
}

void inspect_unsent(struct inspect *in, enum reason why)
{
	struct inspect_counts *c = &in->counts;

	BUG_ON(c->forwarded[why] == 0);
	c->forwarded[why]--;
	c->dropped[REASON_SEND_REFUSED]++;
}

bool inspect_age(struct inspect *in, usec_t now)
{
	bool more;

	in->now = now;
	more = flow_expire(in->flows, now, EXPIRE_PER_BATCH) ==
	       EXPIRE_PER_BATCH;
	more |= silent_age(in, now);
	more |= cache_age(in, now);
	if (usec_since(now, in->aged) < AGE_EVERY_US)
		return more;
	in->aged = now;
	(void)defrag_age(in->defrag, now, EXPIRE_PER_BATCH);
	meters_age(in->meters, now);
	threat_age(in->threats, now);
	finding_age(in->findings, now);
	return more;
}

void inspect_on_match(struct inspect *in,
		      void (*fn)(void *arg, const struct sig_facts *of,
				 const struct sig_told *t),
		      void *arg)
{
	in->on_match = fn;
	in->on_match_arg = arg;
}

bool inspect_end_flows(struct inspect *in, struct flow_pick pick,
		       uint32_t *cursor, uint32_t *ended)
{
	return flow_sweep(in->flows, pick, cursor, ended);
}

void inspect_endpoint_leaves(struct inspect *in, uint16_t endpoint,
			     struct mac mac)
{
	in->leaving = endpoint;
	in->leaving_mac = mac;
}

void inspect_forget_endpoint(struct inspect *in, uint16_t endpoint)
{
	blocks_forget_endpoint(&in->blocks, endpoint);
	defrag_forget_endpoint(in->defrag, endpoint);
	meters_forget_endpoint(in->meters, endpoint);
	threat_forget_endpoint(in->threats, endpoint, in->now);
	finding_forget_endpoint(in->findings, endpoint, in->now);
	traffic_forget(in->traffic, endpoint);
	learned_forget(in->learned, endpoint);
	ports_forget(in->port_news, endpoint);
	replies_forget(&in->reply_limit, endpoint);
	cache_forget_endpoint(in, endpoint);
	if (in->leaving == endpoint)
		in->leaving = ENDPOINT_NONE;
}
