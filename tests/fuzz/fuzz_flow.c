/*
 * Packets made of the input, given to a small table. After each: the counts
 * are those of a walk, each flow is found by its key, ids differ, and no side
 * has acknowledged what the other was not seen to send.
 *
 * A packet is 16 bytes:
 *   0 what to do, protocol   1 TCP flags   2 ports, direction   3 seconds
 *   4..7 seq   8..11 ack   12..13 window   14..15 payload length
 * The sequence numbers are added to the sender's next and acknowledged ones,
 * so that small ones in the input are near the window.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "flow/flow.h"

#define EVENTS_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct event {
	uint8_t what, flags, place, seconds;
	uint32_t seq, ack;
	uint16_t window, len;
};

static bool take_event(struct bytes *b, struct event *e)
{
	return take_u8(b, &e->what) && take_u8(b, &e->flags) &&
	       take_u8(b, &e->place) && take_u8(b, &e->seconds) &&
	       take_be32(b, &e->seq) && take_be32(b, &e->ack) &&
	       take_be16(b, &e->window) && take_be16(b, &e->len);
}

static void check_tcp(const struct flow *f, enum flow_side side)
{
	const struct flow_side_state *a = &f->side[side], *b = &f->side[!side];

	BUG_ON(a->state > TCP_S_CLOSING);
	if (a->acked_any)
		BUG_ON(!b->has_seq || (int32_t)(a->acked - b->next_seq) > 0);
	if (a->acked_any)
		BUG_ON((int32_t)(a->edge - a->acked) < 0);
}

static void check_table(struct flow_table *t)
{
	struct flow_counts want = flow_counts(t), got = { 0 };
	uint32_t cursor = 0;
	struct flow *f;

	while ((f = flow_next(t, &cursor))) {
		bool icmp = f->key.proto == PROTO_ICMP;

		got.total++;
		got.tcp += f->key.proto == PROTO_TCP;
		got.udp += f->key.proto == PROTO_UDP;
		got.icmp += icmp;
		BUG_ON(flow_find(t, &f->key) != f);
		BUG_ON(f->id == 0 || f->class >= FLOW_CLASS__MAX);
		if (f->key.proto == PROTO_TCP) {
			check_tcp(f, FLOW_CLIENT);
			check_tcp(f, FLOW_SERVER);
		}
	}
	got.other = got.total - got.tcp - got.udp - got.icmp;
	BUG_ON(want.total != got.total || want.tcp != got.tcp);
	BUG_ON(want.udp != got.udp || want.icmp != got.icmp);
	BUG_ON(want.other != got.other || want.total > want.limit);
}

static struct packet packet_of(const struct event *e)
{
	static const uint8_t protos[] = { PROTO_TCP, PROTO_TCP, PROTO_UDP,
					  PROTO_ICMP, PROTO_SCTP };
	bool ingress = e->place & 1;
	uint16_t own_port = (uint16_t)(1000 + (e->place >> 2 & 15));
	uint16_t peer_port = e->place & 2 ? 53 : 80;
	struct packet p = {
		.ethertype = ETHERTYPE_IP4,
		.ip_version = 4,
		.proto = protos[e->what % 5],
		.saddr = ip_from_v4(ingress ? 2 : 1),
		.daddr = ip_from_v4(ingress ? 1 : 2),
		.payload_len = e->len,
	};

	if (p.proto == PROTO_ICMP) {
		p.icmp_type = e->flags & 1 ? 8 : 0;
		p.icmp_id = own_port;
		return p;
	}
	p.sport = ingress ? peer_port : own_port;
	p.dport = ingress ? own_port : peer_port;
	if (p.proto == PROTO_TCP) {
		p.tcp_flags = e->flags & 0x3f;
		p.tcp_window = e->window;
		p.tcp_has_wscale = e->flags & 0x40;
		p.tcp_wscale = e->seconds % 15;
	}
	return p;
}

static void follow(struct flow_table *t, const struct event *e, usec_t now)
{
	struct packet p = packet_of(e);
	bool ingress = e->place & 1, midstream, own;
	struct flow_key k = flow_key_of(&p, 0, ingress);
	struct flow *f = flow_find(t, &k);
	enum flow_side side;

	own = flow_opener_is_own(&p, ingress, &midstream);
	if (!f)
		f = flow_make(t, &k, &p, own, midstream, now);
	if (!f)
		return;
	side = flow_sender(f, ingress);
	p.tcp_seq = f->side[side].next_seq + e->seq;
	p.tcp_ack = f->side[!side].next_seq + e->ack;
	(void)flow_follow(t, f, &p, side, now); /* all outcomes are fine */
}

static void end_id(struct flow_table *t, uint32_t id)
{
	struct flow_pick pick = { FLOW_PICK_ID, id };
	uint32_t cursor = 0, n = 0;

	BUG_ON(flow_sweep(t, pick, &cursor, &n) || n > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	struct bytes in = bytes_of(data, len);
	usec_t now = { 0 };
	struct event e;

	BUG_ON(!t);
	for (int i = 0; i < EVENTS_MAX && take_event(&in, &e); i++) {
		now = usec_add(now, e.seconds * USEC_PER_SEC / 4);
		follow(t, &e, now);
		if (e.what > 240)
			(void)flow_expire(t, now, e.what - 240);
		if (e.what == 240)
			end_id(t, e.seq % 100 + 1);
		check_table(t);
	}
	flow_table_free(t);
	return 0;
}
