/*
 * The in-place layout: nothing of the workload's is touched. The programs stand
 * at the host's side of its port (a veth's other end, a VM's tap).
 *
 *      port ingress ──▶ inplace_out ──┬─ marks source ──────▶ vth ingress
 *      port egress ───▶ inplace_in ───┼─ marks destination ─▶ vth ingress
 *                                     └─ or lets it go on: the next program
 *      vth egress ────▶ inplace_back ─┬─ unmarked destination ─▶ port egress
 *                                     └─ unmarked source ──────▶ port ingress
 *
 * vth's other end, vbr, carries nothing here: a frame that crossed it would go
 * through two more devices and one more softirq, each way.
 *
 * What comes back meets the port's hook again, with a bit in skb->mark that
 * says so; it is cleared, and the frame goes on as if nothing had been:
 * whatever else is attached there sees it once.
 *
 * What is diverted, and what is dropped because nobody could judge it, is as in
 * divert.bpf.c: IP of the workload's MAC, with or without VLAN tags; not IP and
 * multicast go straight. Only MAC addresses are written, so GSO size, unfinished
 * checksum and VLAN tag stay.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf/allow.h"
#include "bpf/cache.h"
#include "bpf/frame.h"
#include "bpf/inplace.h"

/* TCX_NEXT has the same number. */
#define GO_ON TC_ACT_UNSPEC

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, INPLACE_ENDPOINTS_MAX);
	__type(key, __u32);
	__type(value, struct inplace_endpoint);
} inplace_eps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, INPLACE_ENDPOINTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} inplace_marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, INPLACE_ENDPOINTS_MAX + 1);
	__type(key, __u32);
	__type(value, struct inplace_counts);
} inplace_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct inplace_dp);
} inplace_dp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, INPLACE_FLOWS_MAX);
	__type(key, struct inplace_flow_key);
	__type(value, struct inplace_flow);
} inplace_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INPLACE_FLOWS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct inplace_seen);
} inplace_seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, INPLACE_ALLOW_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct inplace_allow_key);
	__type(value, __u8);
} inplace_allow SEC(".maps");

static __always_inline void count(const struct __sk_buff *skb, __u32 endpoint,
				  enum inplace_way way,
				  enum inplace_counter which)
{
	struct inplace_counts *c =
		bpf_map_lookup_elem(&inplace_count, &endpoint);

	if (!c)
		return;
	c->frames[way][which]++;
	c->bytes[way][which] += skb->len;
}

static __always_inline int drop(const struct __sk_buff *skb,
				enum inplace_way way, enum inplace_counter why)
{
	count(skb, port_of(skb), way, why);
	return TC_ACT_SHOT;
}

/* Of a frame that has no port yet. */
static __always_inline int drop_unknown(const struct __sk_buff *skb,
					enum inplace_counter why)
{
	count(skb, 0, INPLACE_IN, why);
	return TC_ACT_SHOT;
}

static __always_inline int go_on(const struct __sk_buff *skb,
				 enum inplace_way way, enum inplace_counter why)
{
	count(skb, port_of(skb), way, why);
	return GO_ON;
}

/*
 * The data plane's, if it is alive at that time; else NULL. The time is the
 * coarse one, up to a tick old, and cheaper by a tenth of what a frame costs.
 */
static __always_inline const struct inplace_dp *living_dp(__u64 now)
{
	__u32 zero = 0;
	const struct inplace_dp *dp = bpf_map_lookup_elem(&inplace_dp, &zero);

	/* it may have beaten between our asking for the time and now */
	if (!dp || (__s64)(now - dp->beat_ns) >= (__s64)INPLACE_STALE_NS)
		return NULL;
	return dp;
}

/* As of `generation`; what the cache decides is counted there. */
static __always_inline enum cache_answer
cache_asked(const struct __sk_buff *skb, const struct inplace_endpoint *ep,
	    enum inplace_way way, __u32 ip, __u64 generation, __u64 now)
{
	struct cache_frame f = { .key.mark = (__u16)mark_of(ep->mark) };
	const struct inplace_flow *flow;
	struct inplace_seen *seen;
	__u32 slot;

	if (!cache_frame(skb, ip, way, &f))
		return CACHE_MISS;
	flow = bpf_map_lookup_elem(&inplace_flows, &f.key);
	if (!flow || flow->generation != generation)
		return CACHE_MISS;
	if (flow->verdict == INPLACE_VERDICT_PASS &&
	    f.key.proto == IPPROTO_TCP && f.l4.flags & L4_TCP_SYN_FIN_RST)
		return CACHE_MISS;
	slot = flow->slot;
	seen = bpf_map_lookup_elem(&inplace_seen, &slot);
	if (!seen)
		return CACHE_MISS;
	cache_count(skb, &f, &seen->way[way], now);
	return flow->verdict == INPLACE_VERDICT_PASS ? CACHE_PASS : CACHE_DROP;
}

static __always_inline int is_copy_marked(const __u8 *mac)
{
	return mac[0] == (DIVERT_MARK_PREFIX >> 24) &&
	       mac[1] == (DIVERT_MARK_PREFIX >> 16 & 0xff) &&
	       mac[2] == (DIVERT_MARK_PREFIX >> 8 & 0xff) &&
	       mac[3] == INPLACE_COPY_MARK;
}

/* ff:ff:ff:00:HH:LL, and that of copies */
static __always_inline int is_any_broadcast_mark(const __u8 *mac)
{
	return mac[0] == 0xff && mac[1] == 0xff && mac[2] == 0xff &&
	       mac[3] <= 1;
}

static __always_inline int wears_mark(const __u8 *mac)
{
	return is_marked(mac) || is_copy_marked(mac);
}

/* The address that is replaced: the destination inward, the source outward. */
static __always_inline __u8 *own_mac(struct ethhdr *eth, enum inplace_way way)
{
	return way == INPLACE_IN ? eth->h_dest : eth->h_source;
}

static __always_inline void put_mark(__u8 *mac,
				     const struct inplace_endpoint *ep,
				     int copy)
{
	if (is_broadcast(mac)) {
		mac[3] = (__u8)copy;
		mac[4] = ep->mark[4];
		mac[5] = ep->mark[5];
		return;
	}
	set_mac(mac, ep->mark);
	if (copy)
		mac[3] = INPLACE_COPY_MARK;
}

/* Comes it with what only we may write? */
static __always_inline int is_spoofed(const struct ethhdr *eth)
{
	return is_group(eth->h_source) || wears_mark(eth->h_source) ||
	       wears_mark(eth->h_dest) || is_any_broadcast_mark(eth->h_dest);
}

/*
 * Can it be judged, by its MAC on the workload's side? Inward a broadcast can:
 * it has a mark of its own.
 */
static __always_inline int is_own(const struct ethhdr *eth,
				  const struct inplace_endpoint *ep,
				  enum inplace_way way)
{
	if (way == INPLACE_OUT)
		return same_mac(eth->h_source, ep->mac);
	return same_mac(eth->h_dest, ep->mac) || is_broadcast(eth->h_dest);
}

static __always_inline int tap(struct __sk_buff *skb, struct ethhdr *eth,
			       const struct inplace_endpoint *ep,
			       enum inplace_way way, __u32 ip)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	const struct inplace_dp *dp = living_dp(now);
	__u8 before[ETH_ALEN];

	/* only copies are spared: here nothing is dropped */
	if (dp && is_own(eth, ep, way) &&
	    cache_asked(skb, ep, way, ip, dp->generation, now) == CACHE_PASS)
		return go_on(skb, way, INPLACE_COUNT_CACHED);
	eth = header(skb);
	if (!eth)
		return drop(skb, way, INPLACE_COUNT_TOO_SHORT);
	set_mac(before, own_mac(eth, way));
	put_mark(own_mac(eth, way), ep, 1);
	/* a copy that finds no room is counted as lost where it was lost */
	bpf_clone_redirect(skb, ep->vth, BPF_F_INGRESS);
	eth = header(skb);
	if (!eth)
		return drop(skb, way, INPLACE_COUNT_TOO_SHORT);
	set_mac(own_mac(eth, way), before);
	return go_on(skb, way, INPLACE_COUNT_COPY);
}

static __always_inline int divert(struct __sk_buff *skb, struct ethhdr *eth,
				  const struct inplace_endpoint *ep,
				  enum inplace_way way, __u32 ip)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	const struct inplace_dp *dp = living_dp(now);
	enum cache_answer known;

	if (!is_own(eth, ep, way))
		return drop(skb, way, INPLACE_COUNT_FOREIGN);
	if (!dp)
		return ep->failure == INPLACE_OPEN
			       ? go_on(skb, way, INPLACE_COUNT_FAIL_OPEN)
			       : drop(skb, way, INPLACE_COUNT_FAIL_CLOSED);
	known = cache_asked(skb, ep, way, ip, dp->generation, now);
	if (known == CACHE_PASS)
		return go_on(skb, way, INPLACE_COUNT_CACHED);
	if (known == CACHE_DROP)
		return drop(skb, way, INPLACE_COUNT_CACHED_DROP);
	eth = header(skb);
	if (!eth)
		return drop(skb, way, INPLACE_COUNT_TOO_SHORT);
	put_mark(own_mac(eth, way), ep, 0);
	count(skb, port_of(skb), way, INPLACE_COUNT_TO_DP);
	return bpf_redirect(ep->vth, BPF_F_INGRESS);
}

static __always_inline int is_arp(const struct ethhdr *eth)
{
	return eth->h_proto == bpf_htons(ETH_P_ARP);
}

/* Nothing passes; `why` is what the rest is dropped for. */
static __always_inline int shut(struct __sk_buff *skb, const struct ethhdr *eth,
				const struct inplace_endpoint *ep,
				enum inplace_way way, __u32 ip,
				enum inplace_counter why)
{
	struct inplace_allow_key key = { 0 };

	if (is_arp(eth) || (ip && is_neighbour_discovery(skb, ip)))
		return go_on(skb, way, INPLACE_COUNT_STRAIGHT);
	if (ip && is_own(eth, ep, way) && allow_key(skb, ip, way, &key) &&
	    bpf_map_lookup_elem(&inplace_allow, &key))
		return go_on(skb, way, INPLACE_COUNT_ALLOWED);
	return drop(skb, way, why);
}

static __always_inline int at_port(struct __sk_buff *skb, enum inplace_way way)
{
	struct inplace_endpoint *ep;
	__u32 port = port_of(skb), ip;
	struct ethhdr *eth;

	if (skb->mark & INPLACE_SKB_BIT) {
		skb->mark &= ~INPLACE_SKB_BIT;
		return GO_ON;
	}
	ep = bpf_map_lookup_elem(&inplace_eps, &port);
	if (!ep) /* it has just been released */
		return GO_ON;
	eth = header(skb);
	if (!eth)
		return drop(skb, way, INPLACE_COUNT_TOO_SHORT);
	if (ep->mode == INPLACE_PASS)
		return go_on(skb, way, INPLACE_COUNT_PASS);
	if (ep->mode == INPLACE_HOLD && ep->hold == INPLACE_HOLD_PASS)
		return go_on(skb, way, INPLACE_COUNT_HELD_PASS);
	if (is_spoofed(eth))
		return drop(skb, way, INPLACE_COUNT_SPOOF);
	ip = find_ip(skb, eth->h_proto);
	if (ep->mode == INPLACE_QUARANTINE)
		return shut(skb, eth, ep, way, ip, INPLACE_COUNT_QUARANTINE);
	if (ep->mode == INPLACE_HOLD)
		return shut(skb, eth, ep, way, ip, INPLACE_COUNT_HOLD);
	if (!ip && ep->only_ip && !is_arp(eth))
		return drop(skb, way, INPLACE_COUNT_NOT_IP);
	if (!ip || (is_group(eth->h_dest) && is_for_ip_group(skb, ip)))
		return go_on(skb, way, INPLACE_COUNT_STRAIGHT);
	if (ep->mode == INPLACE_TAP)
		return tap(skb, eth, ep, way, ip);
	return divert(skb, eth, ep, way, ip);
}

SEC("tc")
int inplace_in(struct __sk_buff *skb)
{
	return at_port(skb, INPLACE_IN);
}

SEC("tc")
int inplace_out(struct __sk_buff *skb)
{
	return at_port(skb, INPLACE_OUT);
}

SEC("tc")
int inplace_back(struct __sk_buff *skb)
{
	struct ethhdr *eth = header(skb);
	struct inplace_endpoint *ep;
	enum inplace_way way;
	__u32 *port, mark;
	int broadcast;

	if (!eth)
		return drop_unknown(skb, INPLACE_COUNT_TOO_SHORT);
	broadcast = is_broadcast_mark(eth->h_dest);
	way = broadcast || is_marked(eth->h_dest) ? INPLACE_IN : INPLACE_OUT;
	if (way == INPLACE_OUT && !is_marked(eth->h_source))
		return drop_unknown(skb, INPLACE_COUNT_NO_MARK);
	mark = mark_of(own_mac(eth, way));
	port = bpf_map_lookup_elem(&inplace_marks, &mark);
	if (!port)
		return drop_unknown(skb, INPLACE_COUNT_NO_MARK);
	ep = bpf_map_lookup_elem(&inplace_eps, port);
	if (!ep)
		return drop_unknown(skb, INPLACE_COUNT_NO_MARK);
	if (broadcast)
		__builtin_memset(eth->h_dest, 0xff, ETH_ALEN);
	else
		set_mac(own_mac(eth, way), ep->mac);
	count(skb, *port, way, INPLACE_COUNT_FROM_DP);
	skb->mark |= INPLACE_SKB_BIT;
	return bpf_redirect(*port, way == INPLACE_IN ? 0 : BPF_F_INGRESS);
}

/* No helper used here is reserved for GPL programs. */
char inplace_license[] SEC("license") = "Apache-2.0";
