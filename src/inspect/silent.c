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
 */
#include "inspect/silent.h"

#include "inspect/guard.h"
#include "inspect/session.h"
#include "packet/build.h"

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
			    const struct endpoint *e, usec_t now)
{
	struct packet p = next_packet(f, FLOW_CLIENT);
	struct threat_event event = {
		.id = THREAT_NO_CLIENT_DATA,
		.count = 1,
		.endpoint = f->key.endpoint,
		.ep_mac = e->mac,
		.packet = &p, /* of no frame: only whose session it is */
		.decoded = true,
	};

	if (!f->client_is_own)
		event.flags |= THREAT_PACKET_INGRESS | THREAT_SESSION_INGRESS;
	if (e->tap || f->tap)
		event.flags |= THREAT_TAP;
	if (guard_mark(f, THREAT_NO_CLIENT_DATA))
		session_threat(in, f);
	return threat_note(in->threats, &event, now);
}

static void one_flow(struct inspect *in, struct flow *f, usec_t now)
{
	const struct endpoint *e =
		snapshot_endpoint(in->snapshot, f->key.endpoint);
	struct meter_answer a;
	enum dpi_action action;

	if (!e || f->verdict.blocked)
		return;
	a = meter_hit(in->meters, METER_TCP_NO_DATA, f->key.endpoint,
		      f->key.peer, now);
	if (!a.firing ||
	    threat_action(in->threats, THREAT_NO_CLIENT_DATA) == DPI_NONE)
		return;
	action = note(in, f, e, now);
	if (e->tap || f->tap || !dpi_action_drops(action))
		return;
	if (action == DPI_RESET) {
		reset(in, f, e, FLOW_CLIENT);
		reset(in, f, e, FLOW_SERVER);
	}
	flow_cut(in->flows, f, now);
}

bool silent_age(struct inspect *in, usec_t now)
{
	in->n_own_frames = 0;
	for (unsigned i = 0; i < SILENT_PER_BATCH; i++) {
		struct flow *f = flow_next_silent(in->flows, now);

		if (!f)
			return false;
		one_flow(in, f, now);
	}
	return true;
}

unsigned inspect_own_frames(const struct inspect *in,
			    const struct own_frame **ret)
{
	*ret = in->own_frames;
	return in->n_own_frames;
}
