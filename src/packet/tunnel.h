/*
 * The packet in a packet: what a tunnel carries, as another struct packet.
 *
 *   outer  | Ethernet | IP | UDP | VXLAN | Ethernet | IP | TCP | ... |
 *   inner                                |<- frame.bytes ------------|
 *
 * Call it again with the inner packet to look deeper. The inner packet is
 * decoded and checked like any other; nothing is copied, it borrows from the
 * same frame. Its frame_csum says what is known of its own checksums, so
 * packet_checksums() works on it. It must not be answered (packet/build.h
 * refuses): what is sent there had to go through the tunnel.
 *
 * Looking inside is for who watches: the frame goes where the outer packet
 * says. Any thread, no state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "packet/packet.h"

enum tunnel_kind {
	TUNNEL_KIND_NONE,
	TUNNEL_KIND_IPIP, /* IPv4 in IPv4, RFC 2003 */
	TUNNEL_KIND_6IN4, /* RFC 4213 */
	TUNNEL_KIND_4IN6, /* RFC 2473 */
	TUNNEL_KIND_IP6IP6,
	TUNNEL_KIND_GRE,    /* version 0, RFC 2784, 2890 */
	TUNNEL_KIND_VXLAN,  /* RFC 7348 */
	TUNNEL_KIND_GENEVE, /* RFC 8926 */
	TUNNEL_KIND__MAX
};

struct tunnel_ports {
	uint8_t n; /* 0..TUNNEL_PORTS_MAX */
	uint16_t port[TUNNEL_PORTS_MAX];
};

struct tunnel_options {
	bool look[TUNNEL_KIND__MAX];	   /* into tunnels of this kind */
	struct tunnel_ports vxlan, geneve; /* destination ports */
};

enum tunnel_outcome {
	TUNNEL_INNER, /* *ret is the inner packet, PACKET_OK */
	TUNNEL_NONE,  /* no tunnel, or of a kind that is not looked into */
	/*
	 * A fragment: what it carries is seen when it is put together. Or a
	 * cut capture, in which the inner packet's headers are not whole.
	 */
	TUNNEL_INCOMPLETE,
	/* ARP and others; ERSPAN; a Geneve control packet. No inner packet. */
	TUNNEL_NOT_IP,
	/* Cut short, a version or flag no receiver takes, a bad GRE checksum. */
	TUNNEL_MALFORMED,
	/* packet_decode() refuses what is inside: *ret_inner says for what. */
	TUNNEL_INNER_MALFORMED,
	TUNNEL_DEPTH, /* outer is TUNNEL_DEPTH_MAX deep, and is one more */
	TUNNEL__MAX
};

/* Everything off; the usual ports: 4789 and 8472 (Linux), 6081. */
struct tunnel_options tunnel_options_off(void);
/* The same ports; every kind is looked into. */
struct tunnel_options tunnel_options_all(void);

/*
 * outer is PACKET_OK. *ret is written when TUNNEL_INNER only, *ret_inner when
 * TUNNEL_INNER_MALFORMED or TUNNEL_INNER. ret must not be outer. Beside what
 * packet_decode() fills in, depth, tunnel and tunnel_id; where the tunnel
 * carries no Ethernet, MACs and VLANs are outer's.
 */
enum tunnel_outcome packet_inner(const struct packet *outer,
				 const struct tunnel_options *opt,
				 struct packet *ret,
				 enum packet_outcome *ret_inner);

/* May UDP to that port carry what is looked into? */
bool tunnel_is_looked_for(const struct tunnel_options *opt, uint16_t port);

/* Static storage: "vxlan", ...; "inner", ... */
const char *tunnel_kind_name(enum tunnel_kind k);
const char *tunnel_outcome_name(enum tunnel_outcome o);
