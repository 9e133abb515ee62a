/*
 * Theory. flow/ tells once of each established session whose client has sent no
 * byte for FLOW_SILENT_S. Each counts one for the workload's meter tcp-no-data;
 * one alone is no attack (a connection kept ready looks the same), but while the
 * meter fires, those that come due are threats.
 *
 * There is no frame at hand then, and waiting for one would be in vain: saying
 * nothing is the attack. So both ends are reset by frames made from what the
 * flow knows - MACs, addresses, and what each side sent last, which is what the
 * other expects next. What it does not know is how the VLAN tags were written:
 * one is taken for 802.1Q, two for 802.1ad. Into a tunnel, to an NFQUEUE and to
 * tapped workloads nothing can be sent. But for the last, the flow is cut all
 * the same: nothing of it passes any more.
 *
 * A session that is ended by hand (inspect_kill()) ends the same way, without a
 * threat. Its entry in the kernel goes first, and then what was seen there is asked
 * for, so the resets are where the two ends are. One that was under way all the same
 * is refused like what the two say later (judge.c): by a reset at its place.
 *
 * What a server waits for is told by the parser, after each packet (talk.h keeps
 * who waits longest): a head that has begun and is not whole, a body of which
 * nothing has come. That is told of when it has taken as long as the reference
 * says (6.2, 2015), also while nothing comes.
 */
#include "inspect/silent.h"

#include "inspect/cache_use.h"
#include "inspect/guard.h"
#include "inspect/payload.h"
#include "inspect/session.h"
#include "inspect/talk.h"
#include "packet/build.h"

/* Reference 6.2, 2015: how long a head may take, and a body's first byte. */
#define HEAD_US (3 * USEC_PER_SEC)
#define BODY_US (30 * USEC_PER_SEC)
/* Ethernet, with two tags. */
#define L2_MAX	      22
#define TPID_CUSTOMER 0x8100
#define TPID_SERVICE  0x88a8

static void put_l2(struct outbytes *out, const struct flow *f,
		   enum flow_side side)
{
	uint16_t outer = (uint16_t)(f->key.vlans >> 12);
	uint16_t inner = f->key.vlans & 0xfff;

	put_copy(out, f->side[!side].mac.b, 6);
	put_copy(out, f->side[side].mac.b, 6);
	if (outer) {
		put_be16(out, TPID_SERVICE);
		put_be16(out, outer);
	}
	if (f->key.vlans) {
		put_be16(out, TPID_CUSTOMER);
		put_be16(out, inner);
	}
	put_be16(out, flow_ethertype(f));
}

/* What `side` would send next, if it had nothing to say. */
static struct packet next_packet(const struct flow *f, enum flow_side side)
{
	const struct flow_key *k = &f->key;
	bool from_own = f->client_is_own == (side == FLOW_CLIENT);

	return (struct packet){
		.src = f->side[side].mac,
		.dst = f->side[!side].mac,
		.ip_version = flow_ethertype(f) == ETHERTYPE_IP4 ? 4 : 6,
		.ethertype = flow_ethertype(f),
		.vlans = k->vlans,
		.depth = k->tunnel != 0,
		.proto = k->proto,
		.saddr = from_own ? k->own : k->peer,
		.daddr = from_own ? k->peer : k->own,
		.sport = from_own ? k->own_port : k->peer_port,
		.dport = from_own ? k->peer_port : k->own_port,
		.tcp_seq = f->side[side].next_seq,
	};
}

/* A RST from that side to the other. */
static void reset(struct inspect *in, const struct flow *f,
		  const struct endpoint *e, enum flow_side side)
{
	bool from_own = f->client_is_own == (side == FLOW_CLIENT);
	uint8_t *buf = in->own_buf[in->n_own_frames], l2[L2_MAX];
	struct outbytes out = outbytes_of(buf, INJECT_FRAME_MAX);
	struct outbytes head = outbytes_of(l2, sizeof l2);
	struct packet p = next_packet(f, side);

	put_l2(&head, f, side);
	p.l3_off = (uint16_t)outbytes_len(&head);
	p.frame.bytes = bytes_of(l2, p.l3_off);
	if (!build_rst_forward(&out, &p))
		return;
	in->own_frames[in->n_own_frames++] = (struct own_frame){
		.bytes = bytes_of(buf, outbytes_len(&out)),
		.marked = mac_equal(from_own ? p.src : p.dst, e->ucmac),
		.workload = e->mac,
		.to_workload = !from_own,
	};
	in->counts.replies++;
}

static enum dpi_action note(struct inspect *in, struct flow *f,
			    const struct endpoint *e, uint32_t id, usec_t now)
{
	struct packet p = next_packet(f, FLOW_CLIENT);
	struct threat_event event = {
		.id = id,
		.count = 1,
		.endpoint = f->key.endpoint,
		.ep_mac = e->mac,
		.packet = &p, /* of no frame: only whose session it is */
		.decoded = true,
		.application = payload_app(f),
	};

	if (!f->client_is_own)
		event.flags |= THREAT_PACKET_INGRESS | THREAT_SESSION_INGRESS;
	if (e->tap || f->tap)
		event.flags |= THREAT_TAP;
	if (guard_mark(f, id))
		session_threat(in, f);
	return threat_note(in->threats, &event, now);
}

/* Tells of it, and carries out its action. */
static void met(struct inspect *in, struct flow *f, const struct endpoint *e,
		uint32_t id, usec_t now)
{
	enum dpi_action action = note(in, f, e, id, now);

	if (e->tap || f->tap || !dpi_action_drops(action))
		return;
	if (action == DPI_RESET) {
		reset(in, f, e, FLOW_CLIENT);
		reset(in, f, e, FLOW_SERVER);
	}
	flow_cut(in->flows, f, now);
	f->cut_why = REASON_THREAT;
	f->cut_id = id;
	payload_judged(in, f); /* nobody listens any more */
}

static void one_flow(struct inspect *in, struct flow *f, usec_t now)
{
	const struct endpoint *e =
		snapshot_endpoint(in->snapshot, f->key.endpoint);
	struct meter_answer a;

	if (!e || f->verdict.blocked)
		return;
	a = meter_hit(in->meters, METER_TCP_NO_DATA, f->key.endpoint,
		      f->key.peer, now);
	if (!a.firing ||
	    threat_action(in->threats, THREAT_NO_CLIENT_DATA) == DPI_NONE)
		return;
	met(in, f, e, THREAT_NO_CLIENT_DATA, now);
}

bool silent_is_wanted(const struct inspect *in, const struct flow *f)
{
	return (f->app == APP_HTTP || f->app == APP_HTTP2) &&
	       threat_action(in->threats, THREAT_SLOWLORIS) != DPI_NONE;
}

void silent_waits(struct inspect *in, struct flow *f)
{
	struct talk *t = talk_at(in->talks, f->talk);
	enum proto_waits what = PROTO_WAITS_NOTHING;
	uint32_t which = 0;

	if (f->key.proto == PROTO_TCP && !f->cut && silent_is_wanted(in, f))
		what = dialogue_waits(in->dialogues, t->dialogue, &which);
	talk_wait(in->talks, f->talk, what, which, in->now);
}

/* true: there may be more. */
static bool waits_age(struct inspect *in, enum proto_waits what, uint64_t most,
		      usec_t now)
{
	for (unsigned i = 0; i < SILENT_PER_BATCH / 2; i++) {
		uint32_t handle = talk_longest(in->talks, what);
		const struct endpoint *e;
		struct talk *t;

		if (!handle)
			return false;
		t = talk_at(in->talks, handle);
		if (usec_since(now, t->waits_since) < most)
			return false;
		talk_wait_told(in->talks, handle);
		e = snapshot_endpoint(in->snapshot, t->flow->key.endpoint);
		if (e && !t->flow->verdict.blocked &&
		    threat_action(in->threats, THREAT_SLOWLORIS) != DPI_NONE)
			met(in, t->flow, e, THREAT_SLOWLORIS, now);
	}
	return true;
}

static bool unused_age(struct inspect *in, usec_t now)
{
	for (unsigned i = 0; i < SILENT_PER_BATCH; i++) {
		struct flow *f = flow_next_silent(in->flows, now);

		if (!f)
			return false;
		one_flow(in, f, now);
	}
	return true;
}

/* Ended by hand. */
static void kill_one(struct inspect *in, struct flow *f, usec_t now)
{
	const struct endpoint *e =
		snapshot_endpoint(in->snapshot, f->key.endpoint);

	if (!e || f->cut)
		return;
	if (f->cached) /* what it has sent, for the resets; and no more of it */
		cache_take_back(in, f);
	if (f->key.proto == PROTO_TCP) {
		reset(in, f, e, FLOW_CLIENT);
		reset(in, f, e, FLOW_SERVER);
	}
	flow_cut(in->flows, f, now);
	f->cut_why = REASON_KILLED;
	f->cut_id = 0;
	payload_judged(in, f); /* nobody listens any more */
}

static void kill_waiting(struct inspect *in, usec_t now)
{
	for (unsigned i = 0; i < in->n_kills; i++) {
		struct flow *f = flow_at(in->flows, in->kills[i]);

		/* it may have ended by itself, and its place be another's */
		if (f->id == in->kill_ids[i])
			kill_one(in, f, now);
	}
	in->n_kills = 0;
}

static bool is_named(const struct kills *k, uint32_t id)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->ids[i] == id)
			return true;
	return false;
}

bool inspect_kill(struct inspect *in, struct kills *k)
{
	const struct endpoint *e;
	struct flow *f;

	for (unsigned left = FLOWS_PER_SWEEP; left > 0; left--) {
		if (in->n_kills == KILLS_WAITING_MAX)
			return true; /* they are done first */
		f = flow_next(in->flows, &k->cursor);
		if (!f)
			return false;
		if (!is_named(k, f->id) || f->cut) /* it has ended */
			continue;
		e = snapshot_endpoint(in->snapshot, f->key.endpoint);
		if (f->tap || (e && e->tap)) {
			k->watched++;
			continue;
		}
		in->kills[in->n_kills] = k->cursor;
		in->kill_ids[in->n_kills++] = f->id;
		k->killed++;
	}
	return true;
}

bool silent_age(struct inspect *in, usec_t now)
{
	bool more;

	in->n_own_frames = 0;
	kill_waiting(in, now);
	more = unused_age(in, now);
	more |= waits_age(in, PROTO_WAITS_HEAD, HEAD_US, now);
	more |= waits_age(in, PROTO_WAITS_BODY, BODY_US, now);
	return more;
}

unsigned inspect_own_frames(const struct inspect *in,
			    const struct own_frame **ret)
{
	*ret = in->own_frames;
	return in->n_own_frames;
}
