/*
 * What the kernel programs of both layouts ask of a frame. For bpf/ only.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/shared.h"

/* Two of them, as in src/base/limits.h. */
#define VLAN_TAGS_MAX 2

static __always_inline int same_mac(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] &&
	       a[4] == b[4] && a[5] == b[5];
}

static __always_inline void set_mac(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, ETH_ALEN);
}

static __always_inline int is_marked(const __u8 *mac)
{
	return mac[0] == (DIVERT_MARK_PREFIX >> 24) &&
	       mac[1] == (DIVERT_MARK_PREFIX >> 16 & 0xff) &&
	       mac[2] == (DIVERT_MARK_PREFIX >> 8 & 0xff) &&
	       mac[3] == (DIVERT_MARK_PREFIX & 0xff);
}

/* ff:ff:ff:00:HH:LL */
static __always_inline int is_broadcast_mark(const __u8 *mac)
{
	return mac[0] == 0xff && mac[1] == 0xff && mac[2] == 0xff &&
	       mac[3] == 0;
}

static __always_inline int is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline int is_broadcast(const __u8 *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static __always_inline __u32 mark_of(const __u8 *mac)
{
	return (__u32)mac[4] << 8 | mac[5];
}

static __always_inline int is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) ||
	       proto == bpf_htons(ETH_P_8021AD) ||
	       proto == bpf_htons(ETH_P_QINQ1);
}

/*
 * Is it IP behind the tags that stand in the frame? (The outermost one usually
 * does not; the kernel keeps it beside.) Read by a helper, because only the
 * first header is sure to be in the directly readable part. 0: no; else where
 * the IP header is.
 */
static __always_inline __u32 find_ip(const struct __sk_buff *skb, __be16 proto)
{
	__u32 at = ETH_HLEN + 2;

	for (int i = 0; i < VLAN_TAGS_MAX && is_tag(proto); i++) {
		if (bpf_skb_load_bytes(skb, at, &proto, sizeof(proto)) < 0)
			return 0;
		at += 4;
	}
	/* more tags than that are no way around: the data plane drops them */
	if (proto == bpf_htons(ETH_P_IP) || proto == bpf_htons(ETH_P_IPV6) ||
	    is_tag(proto))
		return at - 2;
	return 0;
}

/* Is the IP packet at `at` for a group? What cannot be read is not. */
static __always_inline int is_for_ip_group(const struct __sk_buff *skb,
					   __u32 at)
{
	__u8 version, first;
	__be32 to;

	if (bpf_skb_load_bytes(skb, at, &version, sizeof(version)) < 0)
		return 0;
	if (version >> 4 == 6)
		return bpf_skb_load_bytes(skb, at + 24, &first, 1) == 0 &&
		       first == 0xff;
	if (version >> 4 != 4 || bpf_skb_load_bytes(skb, at + 16, &to, 4) < 0)
		return 0;
	return (to & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) ||
	       to == bpf_htonl(0xffffffff);
}

/*
 * Where it is. One instruction: clang would compute the field's address once for
 * several readers, and the verifier takes none but the context's own.
 */
static __always_inline __u32 port_of(const struct __sk_buff *skb)
{
	__u32 port;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(port)
		     : "r"(skb),
		       "i"(__builtin_offsetof(struct __sk_buff, ifindex)));
	return port;
}

/* The whole Ethernet header, or NULL. */
static __always_inline struct ethhdr *header(const struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

	return (void *)(eth + 1) > (void *)(long)skb->data_end ? NULL : eth;
}
