/*
 * The diversion in the kernel: three tc direct-action programs on the ingress
 * of vex, vin and vbr.
 *
 *      vex ──▶ divert_vex ──┬─ marks destination ──▶ vbr
 *                           └─ the rest ───────────▶ vin
 *      vin ──▶ divert_vin ──┬─ marks source ───────▶ vbr
 *                           └─ the rest ───────────▶ vex
 *      vbr ──▶ divert_vbr ──┬─ marked destination, unmarked ─▶ vin
 *                           ├─ marked source, unmarked ──────▶ vex
 *                           └─ neither ──▶ dropped
 *
 * Diverted is IPv4 and IPv6 to or from the workload's MAC, with or without VLAN
 * tags. ARP and other protocols go straight, and so does what is sent to a
 * group by both its MAC and its IP address. A unicast packet in a group frame
 * is no multicast - receivers take it, so it would be a way around - and is
 * diverted: from the workload as all else; to it a broadcast gets the broadcast
 * mark ff:ff:ff:00:HH:LL, while other group MACs could not be restored and are
 * dropped. IP with a foreign MAC on the workload's side is dropped, for nobody
 * could judge it (docs/decisions/0006). In mode pass all of this goes through.
 *
 * Only MAC addresses are written, so whatever the kernel keeps beside the
 * frame (GSO size, unfinished checksum, VLAN tag) stays as it is.
 *
 * A mark that comes from outside would be taken for ours by the data plane and
 * by divert_vbr, so a frame that already wears one where we would not have put
 * it is dropped, and so is one whose source is a group. No frame is given to the stack of the agent's namespace:
 * every way out is a redirect or a drop.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf/frame.h"
#include "bpf/shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DIVERT_ENDPOINTS_MAX);
	__type(key, __u32);
	__type(value, struct divert_endpoint);
} divert_eps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * DIVERT_ENDPOINTS_MAX);
	__type(key, struct divert_id);
	__type(value, __u32);
} divert_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, DIVERT_ENDPOINTS_MAX + 1);
	__type(key, __u32);
	__type(value, struct divert_counts);
} divert_count SEC(".maps");

static __always_inline void count(const struct __sk_buff *skb, __u32 endpoint,
				  enum divert_counter which)
{
	struct divert_counts *c = bpf_map_lookup_elem(&divert_count, &endpoint);

	if (!c)
		return;
	c->frames[which]++;
	c->bytes[which] += skb->len;
}

static __always_inline int drop(const struct __sk_buff *skb, __u32 endpoint,
				enum divert_counter why)
{
	count(skb, endpoint, why);
	return TC_ACT_SHOT;
}

static __always_inline int send(const struct __sk_buff *skb, __u32 endpoint,
				enum divert_counter why, __u32 to)
{
	count(skb, endpoint, why);
	return bpf_redirect(to, 0);
}

/* The endpoint id, or NULL. */
static __always_inline __u32 *find_id(__u32 kind, __u32 value)
{
	struct divert_id key = { kind, value };

	return bpf_map_lookup_elem(&divert_ids, &key);
}

SEC("tc")
int divert_vex(struct __sk_buff *skb)
{
	struct ethhdr *eth = header(skb);
	struct divert_endpoint *ep;
	__u32 id = skb->ifindex, ip;

	if (!eth)
		return drop(skb, 0, DIVERT_COUNT_TOO_SHORT);
	ep = bpf_map_lookup_elem(&divert_eps, &id);
	if (!ep)
		return drop(skb, 0, DIVERT_COUNT_NO_ENDPOINT);
	if (is_marked(eth->h_source) || is_group(eth->h_source) ||
	    is_broadcast_mark(eth->h_dest))
		return drop(skb, id, DIVERT_COUNT_SPOOF_IN);
	ip = find_ip(skb, eth->h_proto);
	if (!ip || (is_group(eth->h_dest) && is_for_ip_group(skb, ip)))
		return send(skb, id, DIVERT_COUNT_STRAIGHT_IN, ep->vin);
	if (ep->mode == DIVERT_PASS)
		return send(skb, id, DIVERT_COUNT_PASS_IN, ep->vin);
	if (same_mac(eth->h_dest, ep->mac)) {
		set_mac(eth->h_dest, ep->mark);
	} else if (is_broadcast(eth->h_dest)) {
		eth->h_dest[3] = 0;
		eth->h_dest[4] = ep->mark[4];
		eth->h_dest[5] = ep->mark[5];
	} else {
		return drop(skb, id, DIVERT_COUNT_FOREIGN_IN);
	}
	return send(skb, id, DIVERT_COUNT_TO_DP_IN, ep->vbr);
}

SEC("tc")
int divert_vin(struct __sk_buff *skb)
{
	struct ethhdr *eth = header(skb);
	struct divert_endpoint *ep;
	__u32 *id, ip;

	if (!eth)
		return drop(skb, 0, DIVERT_COUNT_TOO_SHORT);
	id = find_id(DIVERT_ID_VIN, skb->ifindex);
	ep = id ? bpf_map_lookup_elem(&divert_eps, id) : NULL;
	if (!id || !ep)
		return drop(skb, 0, DIVERT_COUNT_NO_ENDPOINT);
	if (is_marked(eth->h_dest) || is_broadcast_mark(eth->h_dest) ||
	    is_group(eth->h_source))
		return drop(skb, *id, DIVERT_COUNT_SPOOF_OUT);
	ip = find_ip(skb, eth->h_proto);
	if (!ip || (is_group(eth->h_dest) && is_for_ip_group(skb, ip)))
		return send(skb, *id, DIVERT_COUNT_STRAIGHT_OUT, ep->vex);
	if (ep->mode == DIVERT_PASS)
		return send(skb, *id, DIVERT_COUNT_PASS_OUT, ep->vex);
	if (!same_mac(eth->h_source, ep->mac))
		return drop(skb, *id, DIVERT_COUNT_FOREIGN_OUT);
	set_mac(eth->h_source, ep->mark);
	return send(skb, *id, DIVERT_COUNT_TO_DP_OUT, ep->vbr);
}

SEC("tc")
int divert_vbr(struct __sk_buff *skb)
{
	struct ethhdr *eth = header(skb);
	struct divert_endpoint *ep;
	int in, broadcast;
	__u32 *id;

	if (!eth)
		return drop(skb, 0, DIVERT_COUNT_TOO_SHORT);
	broadcast = is_broadcast_mark(eth->h_dest);
	in = broadcast || is_marked(eth->h_dest);
	if (!in && !is_marked(eth->h_source))
		return drop(skb, 0, DIVERT_COUNT_NO_MARK);
	id = find_id(DIVERT_ID_MARK, mark_of(in ? eth->h_dest : eth->h_source));
	if (!id)
		return drop(skb, 0, DIVERT_COUNT_NO_MARK);
	ep = bpf_map_lookup_elem(&divert_eps, id);
	if (!ep)
		return drop(skb, 0, DIVERT_COUNT_NO_ENDPOINT);
	if (in) {
		if (broadcast)
			__builtin_memset(eth->h_dest, 0xff, ETH_ALEN);
		else
			set_mac(eth->h_dest, ep->mac);
		return send(skb, *id, DIVERT_COUNT_FROM_DP_IN, ep->vin);
	}
	set_mac(eth->h_source, ep->mac);
	return send(skb, *id, DIVERT_COUNT_FROM_DP_OUT, ep->vex);
}

/* No helper used here is reserved for GPL programs. */
char divert_license[] SEC("license") = "Apache-2.0";
