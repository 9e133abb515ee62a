/*
 * The verdict cache's side in the kernel: what has been decided about the flow
 * of a frame? Included by inplace.bpf.c behind its maps' types are known; for
 * bpf/ only.
 *
 * What has no key here, and what is malformed, is not in the cache: the data
 * plane looks at it. Sequence numbers are not checked, as in the data plane
 * what is out of window passes, too; they are only told.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/inplace.h"

enum cache_answer { CACHE_MISS, CACHE_PASS, CACHE_DROP };

/* Headers as they stand in the frame. */
struct ip4_header {
	__u8 version_ihl, tos;
	__be16 len, id, fragment;
	__u8 ttl, proto;
	__be16 checksum;
	__u8 from[4], to[4];
};
struct ip6_header {
	__be32 version_class_label;
	__be16 len;
	__u8 next, hop_limit;
	__u8 from[16], to[16];
};
/* TCP's first 16 bytes; of UDP's header the ports are the same. */
struct l4_header {
	__be16 from, to;
	__be32 seq, ack;
	__u8 offset, flags;
	__be16 window;
};

#define VLAN_VID	   0x0fff /* of a tag's 16 bits */
#define UDP_HEADER	   8
#define L4_TCP_SYN_FIN_RST 0x07
#define IP4_FRAGMENT	   0x3fff /* more fragments, or an offset */

/* What a frame is, as far as the cache has to know. */
struct cache_frame {
	struct inplace_flow_key key;
	struct l4_header l4;
	__u32 payload;
};

/* Headers are nearly always in the readable part; else a helper fetches them. */
static __always_inline int load(const struct __sk_buff *skb, __u32 at, void *to,
				__u32 len)
{
	const __u8 *from = (const __u8 *)(long)skb->data + at;

	if (from + len > (const __u8 *)(long)skb->data_end)
		return (int)bpf_skb_load_bytes(skb, at, to, len);
	__builtin_memcpy(to, from, len);
	return 0;
}

static __always_inline void set_v4(__u8 *to, const __u8 *from)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, from, 4);
}

/* The IP header at `at`. Returns where L4 begins and *ret_len is its length. */
static __always_inline __u32 cache_ip4(const struct __sk_buff *skb, __u32 at,
				       enum inplace_way way,
				       struct inplace_flow_key *key,
				       __u32 *ret_len)
{
	struct ip4_header h;
	__u32 len;

	if (load(skb, at, &h, sizeof(h)) < 0 || h.version_ihl != 0x45 ||
	    h.fragment & bpf_htons(IP4_FRAGMENT))
		return 0;
	/* 0: longer than 64 KiB (BIG TCP) */
	len = h.len ? bpf_ntohs(h.len) : skb->len - at;
	if (len < sizeof(h) || at + len > skb->len)
		return 0;
	set_v4(key->own, way == INPLACE_IN ? h.to : h.from);
	set_v4(key->peer, way == INPLACE_IN ? h.from : h.to);
	key->proto = h.proto;
	*ret_len = len - sizeof(h);
	return at + sizeof(h);
}

static __always_inline __u32 cache_ip6(const struct __sk_buff *skb, __u32 at,
				       enum inplace_way way,
				       struct inplace_flow_key *key,
				       __u32 *ret_len)
{
	struct ip6_header h;
	__u32 len;

	if (load(skb, at, &h, sizeof(h)) < 0 ||
	    (h.version_class_label & bpf_htonl(0xf0000000)) !=
		    bpf_htonl(0x60000000))
		return 0;
	at += sizeof(h);
	len = h.len ? bpf_ntohs(h.len) : skb->len - at;
	if (at + len > skb->len)
		return 0;
	__builtin_memcpy(key->own, way == INPLACE_IN ? h.to : h.from, 16);
	__builtin_memcpy(key->peer, way == INPLACE_IN ? h.from : h.to, 16);
	key->proto = h.next;
	*ret_len = len;
	return at;
}

/* true: it is of a kind that may have a key, and *f is filled in. */
static __always_inline int cache_frame(const struct __sk_buff *skb, __u32 ip,
				       enum inplace_way way,
				       struct cache_frame *f)
{
	__u32 at, len = 0, header = UDP_HEADER;

	if (ip != ETH_HLEN)
		return 0;
	if (skb->vlan_present)
		f->key.vlan = skb->vlan_tci & VLAN_VID;
	at = skb->protocol == bpf_htons(ETH_P_IP)
		     ? cache_ip4(skb, ip, way, &f->key, &len)
		     : cache_ip6(skb, ip, way, &f->key, &len);
	if (!at)
		return 0;
	if (f->key.proto == IPPROTO_TCP) {
		if (load(skb, at, &f->l4, sizeof(f->l4)) < 0)
			return 0;
		header = (f->l4.offset >> 4) * 4;
		if (header < 20)
			return 0;
	} else if (f->key.proto != IPPROTO_UDP ||
		   load(skb, at, &f->l4, UDP_HEADER) < 0) {
		return 0;
	}
	if (len < header)
		return 0;
	f->payload = len - header;
	f->key.own_port = way == INPLACE_IN ? f->l4.to : f->l4.from;
	f->key.peer_port = way == INPLACE_IN ? f->l4.from : f->l4.to;
	return 1;
}

static __always_inline void cache_count(const struct __sk_buff *skb,
					const struct cache_frame *f,
					struct inplace_seen_way *seen,
					__u64 now)
{
	__u32 end;

	__sync_fetch_and_add(&seen->frames, 1);
	__sync_fetch_and_add(&seen->bytes, skb->len);
	__sync_fetch_and_add(&seen->payload, f->payload);
	seen->last_ns = now;
	if (f->key.proto != IPPROTO_TCP)
		return;
	end = bpf_ntohl(f->l4.seq) + f->payload;
	if ((__s32)(end - seen->seq) > 0)
		seen->seq = end;
	seen->ack = bpf_ntohl(f->l4.ack);
	seen->window = bpf_ntohs(f->l4.window);
}
