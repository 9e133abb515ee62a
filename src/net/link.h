/*
 * Network devices and their addresses, by rtnetlink.
 *
 * All act in the namespace of the `struct nl` they are given (see nl_open).
 * Everything returns 0 or -errno with the kernel's own words in *reterr.
 */
#pragma once

#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/limits.h"
#include "net/netns.h"
#include "net/nl.h"

#define LINK_ALIAS_MAX 256 /* IFALIASZ: 255 bytes and NUL */

struct link_stat {
	uint32_t ifindex;
	uint32_t flags;	 /* IFF_* */
	uint32_t mtu;	 /* bytes */
	uint32_t txqlen; /* frames */
	uint32_t group;
	uint32_t master;   /* ifindex, 0 = none */
	uint32_t peer;	   /* IFLA_LINK: veth peer or lower device; 0 = none */
	int32_t peer_nsid; /* namespace id of it; -1 = the same namespace */
	uint32_t gso_max_size, gso_max_segs, gro_max_size;
	uint32_t gso_ipv4_max_size, gro_ipv4_max_size; /* 0 = kernel has none */
	int8_t addrgen; /* IN6_ADDR_GEN_MODE_*; -1 = no IPv6 on it */
	bool is_ethernet;
	struct mac mac;
	char name[IFNAMSIZ];
	char kind[32]; /* "veth", "macvlan"; "" = a real device */
	char alias[LINK_ALIAS_MAX];
};

/* -ENODEV when there is none of that name / index. */
int link_get(struct nl *nl, const char *name, struct link_stat *ret,
	     struct err *reterr);
int link_get_index(struct nl *nl, uint32_t ifindex, struct link_stat *ret,
		   struct err *reterr);
/* The ifindex of a name. */
int link_index(struct nl *nl, const char *name, uint32_t *ret,
	       struct err *reterr);
/* The device that of->peer names, in whatever namespace it is. */
int link_get_peer(struct nl *nl, const struct link_stat *of,
		  struct link_stat *ret, struct err *reterr);
/* All devices, by index; *ret is the caller's to free(). */
int link_list(struct nl *nl, struct link_stat **ret, size_t *ret_count,
	      struct err *reterr);

/* What an RTM_NEWLINK or RTM_DELLINK of the kernel tells, into *s. */
void link_from_msg(const struct nlmsghdr *msg, struct link_stat *s);

/* An address of a device. */
struct link_addr {
	uint32_t ifindex;
	struct ip_addr addr;
	uint8_t prefix_bits; /* of its family's form: 0..32, 0..128 */
	uint8_t scope;	     /* RT_SCOPE_*: 0 global, 253 link, 254 host */
};

/* Of all devices, in the kernel's order; *ret is the caller's to free(). */
int link_list_addrs(struct nl *nl, struct link_addr **ret, size_t *ret_count,
		    struct err *reterr);
/* Of the namespace that has this id in the namespace of nl. */
int link_list_addrs_in(struct nl *nl, int32_t nsid, struct link_addr **ret,
		       size_t *ret_count, struct err *reterr);

/* One end of a new veth pair; what is zero is the kernel's choice. */
struct veth_end {
	const char *name;
	const struct netns *ns; /* NULL = the namespace of nl */
	struct mac mac;
	uint32_t ifindex;
	uint32_t mtu, txqlen, group;
};

/*
 * Makes a pair. An ifindex for b is honoured only together with one for a
 * (a rule of the kernel). a must be in the namespace of nl (a->ns NULL).
 */
int link_add_veth(struct nl *nl, const struct veth_end *a,
		  const struct veth_end *b, struct err *reterr);
/* A Linux bridge, down and without ports. */
int link_add_bridge(struct nl *nl, const char *name, uint32_t *ret_ifindex,
		    struct err *reterr);
/* master: ifindex of a bridge */
int link_set_master(struct nl *nl, uint32_t ifindex, uint32_t master,
		    struct err *reterr);
/* Also 0 where it is gone: an end of a pair goes when the other's namespace ends. */
int link_delete(struct nl *nl, uint32_t ifindex, struct err *reterr);
int link_set_up(struct nl *nl, uint32_t ifindex, bool up, struct err *reterr);
/* The device may have to be down (kernels before 6.3). */
int link_rename(struct nl *nl, uint32_t ifindex, const char *name,
		struct err *reterr);
int link_set_mac(struct nl *nl, uint32_t ifindex, struct mac mac,
		 struct err *reterr);
int link_set_mtu(struct nl *nl, uint32_t ifindex, uint32_t mtu,
		 struct err *reterr);
int link_set_alias(struct nl *nl, uint32_t ifindex, const char *alias,
		   struct err *reterr);
/* The kernel makes no IPv6 address on it by itself; 0 where IPv6 is off. */
int link_set_quiet(struct nl *nl, uint32_t ifindex, struct err *reterr);
/* Into another namespace; name NULL = keep. It arrives down, addressless. */
int link_move(struct nl *nl, uint32_t ifindex, const struct netns *to,
	      const char *name, struct err *reterr);

/*
 * Adds an address with its prefix route. IPv4: prefix_bits 0..32; IPv6:
 * 0..128 and usable at once (no duplicate address detection).
 */
int link_add_addr(struct nl *nl, uint32_t ifindex, struct ip_addr addr,
		  unsigned prefix_bits, struct err *reterr);

/*
 * The same changes as requests for a batch; buf gets a whole message. These
 * cannot fail.
 */
struct link_move {
	uint32_t ifindex;
	const struct netns *to;
	const char *name;     /* NULL = keep */
	uint32_t new_ifindex; /* 0 = keep if free; kernels before 5.13 ignore */
	const char *alias;    /* NULL = keep */
};

void link_build_veth(char buf[static NL_REQUEST_MAX], const struct veth_end *a,
		     const struct veth_end *b);
void link_build_move(char buf[static NL_REQUEST_MAX],
		     const struct link_move *move);
/* IFF_* flags in `change` get the value they have in `flags`. */
void link_build_flags(char buf[static NL_REQUEST_MAX], uint32_t ifindex,
		      uint32_t flags, uint32_t change);
void link_build_alias(char buf[static NL_REQUEST_MAX], uint32_t ifindex,
		      const char *alias);
/*
 * MTU, transmit queue length and GSO/GRO limits of `like`, for the device with
 * like->ifindex. The one request of type RTM_SETLINK, so that a caller can
 * tell it from the others when a device does not take such limits.
 */
void link_build_limits(char buf[static NL_REQUEST_MAX],
		       const struct link_stat *like);
/* mode: IN6_ADDR_GEN_MODE_* */
void link_build_addrgen(char buf[static NL_REQUEST_MAX], uint32_t ifindex,
			uint8_t mode);
