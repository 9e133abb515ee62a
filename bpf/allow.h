/*
 * Quarantine's allow-list: may this frame pass all the same? Included by
 * inplace.bpf.c; for bpf/ only.
 *
 * By the peer's address alone, so fragments need no care, and whatever stands
 * behind the IP header does not matter.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/in6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/cache.h"
#include "bpf/frame.h"
#include "bpf/inplace.h"

/* Router and neighbour solicitation and advertisement; RFC 4861 4.1 to 4.4 */
#define ND_FIRST 133
#define ND_LAST	 136

/*
 * Is it what ARP is to IPv4? A hop limit of 255 says that no router has sent it
 * on (RFC 4861 3.1).
 */
static __always_inline int is_neighbour_discovery(const struct __sk_buff *skb,
						  __u32 ip)
{
	struct ip6_header h;
	__u8 type;

	return bpf_skb_load_bytes(skb, ip, &h, sizeof(h)) == 0 &&
	       (h.version_class_label & bpf_htonl(0xf0000000)) ==
		       bpf_htonl(0x60000000) &&
	       h.next == IPPROTO_ICMPV6 && h.hop_limit == 255 &&
	       bpf_skb_load_bytes(skb, ip + sizeof(h), &type, 1) == 0 &&
	       type >= ND_FIRST && type <= ND_LAST;
}

/* The key of one peer of a port. false: no IP header can be read. */
static __always_inline int allow_key(const struct __sk_buff *skb, __u32 ip,
				     enum inplace_way way,
				     struct inplace_allow_key *key)
{
	struct ip6_header h6;
	struct ip4_header h4;
	__u8 version;

	if (bpf_skb_load_bytes(skb, ip, &version, 1) < 0)
		return 0;
	key->prefix_bits = INPLACE_ALLOW_PREFIX + 128;
	key->port = port_of(skb);
	if (version >> 4 == 4 &&
	    bpf_skb_load_bytes(skb, ip, &h4, sizeof(h4)) == 0) {
		key->family = 4;
		set_v4(key->peer, way == INPLACE_IN ? h4.from : h4.to);
		return 1;
	}
	if (version >> 4 == 6 &&
	    bpf_skb_load_bytes(skb, ip, &h6, sizeof(h6)) == 0) {
		key->family = 6;
		__builtin_memcpy(key->peer, way == INPLACE_IN ? h6.from : h6.to,
				 16);
		return 1;
	}
	return 0;
}
