/*
 * A frame as a checked view of its L2-L4 headers.
 *
 *   frame    +-----------+------+-------+------------+---------+
 *            | Ethernet  | tags | IP    | L4 header  | payload |
 *            +-----------+------+-------+------------+---------+
 *            ^begin             ^l3_off ^l4_off      ^payload
 *
 * packet_decode() reads every byte through the cursor and checks what it
 * reads; whoever holds a packet with outcome PACKET_OK may trust its fields.
 * Nothing is allocated and nothing is written to the frame. Offloads are
 * respected: a frame can be a 64 KiB GSO frame. No checksum is looked at here
 * (packet/checksum.h), and nothing in a tunnel (packet/tunnel.h). A capture may
 * have cut the payload off, but the headers must be there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/frame_csum.h"

#define ETHERTYPE_IP4	0x0800
#define ETHERTYPE_IP6	0x86dd
#define ETHERTYPE_ARP	0x0806
#define ETHERTYPE_VLAN	0x8100
#define ETHERTYPE_QINQ	0x88a8
#define ETHERTYPE_Q9100 0x9100 /* outer tag before 802.1ad had its own */

#define PROTO_ICMP   1
#define PROTO_IPIP   4 /* IPv4 in IP */
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_IP6    41 /* IPv6 in IP */
#define PROTO_GRE    47
#define PROTO_ICMPV6 58
#define PROTO_SCTP   132

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* How the frames of a port name their workload and direction. */
enum frame_port_kind {
	FRAME_PORT_SERVICE, /* by marks in the MAC addresses; also a capture */
	FRAME_PORT_PAIR,    /* by the workload's MAC, of one side of a pair */
	FRAME_PORT_TAP,	    /* likewise; only watched, nothing can be sent */
	FRAME_PORT_NFQ,	    /* likewise; packets of an NFQUEUE */
};

struct frame_port {
	enum frame_port_kind kind;
	struct mac workload; /* whose port it is; zero: service */
	bool inside;	     /* pair: the side the workload is on */
	bool quarantined;    /* pair: nothing but groups passes */
	bool no_way_on;	     /* pair: the other side is lost, nothing passes */
};

/* A frame as it comes from a ring or a capture. Borrowed until the next one. */
struct frame {
	struct bytes bytes; /* from the destination MAC on */
	/* Length on the wire; more than bytes when cut by a snaplen. Less
	 * cannot be, it is taken for the length of bytes then. */
	size_t wire_len;
	bool too_long; /* live: longer than FRAME_MAX, cannot go on */
	struct frame_csum csum;
	const struct frame_port *port; /* NULL: service port, or capture */
};

enum packet_outcome {
	PACKET_OK,	   /* IPv4 or IPv6, all fields below valid */
	PACKET_NOT_IP,	   /* L2 fields valid, ethertype is something else */
	PACKET_SHORT,	   /* no whole Ethernet header, or tags cut short */
	PACKET_VLAN_DEPTH, /* more than VLAN_TAGS_MAX tags */
	/* Lengths, addresses, fragment position; or a source route that is not
	 * at its end: the packet goes elsewhere than its header says. */
	PACKET_IP_MALFORMED,
	PACKET_EXT_MALFORMED, /* the same, in IPv6 extension headers */
	/*
	 * Lengths, TCP options and SCTP chunks too. Also ICMP on IPv6 and
	 * ICMPv6 on IPv4, so proto tells the family.
	 */
	PACKET_L4_MALFORMED,
	PACKET_TCP_FLAGS, /* a set of flags no TCP sends (reference 3.4) */
	PACKET_FRAG_TINY, /* RFC 1858, 3128, 7112 */
	PACKET__MAX
};

/*
 * What an ICMP error speaks of: the first bytes of the packet that caused it,
 * so source and destination are seen from the one who sent that.
 */
struct packet_quote {
	struct ip_addr saddr, daddr;
	/* 0 where the protocol has none; ICMP requests and replies: id, 0 */
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t icmp_type, icmp_code; /* quoted ICMP and ICMPv6 only */
};

struct packet {
	/* What stands in a tunnel without an Ethernet header of its own begins
	 * with the IP header. */
	struct frame frame;

	/* 0: not in a tunnel. Else see packet/tunnel.h. */
	uint8_t depth;	    /* tunnels around it, 0..TUNNEL_DEPTH_MAX */
	uint8_t tunnel;	    /* enum tunnel_kind, of the innermost of them */
	uint32_t tunnel_id; /* VNI; GRE: key; 0 where there is none */

	/* L2: valid unless PACKET_SHORT or PACKET_VLAN_DEPTH. */
	struct mac dst, src;
	uint16_t ethertype; /* behind the tags */
	uint32_t vlans; /* outer VID << 12 | inner VID; one tag: the VID; 0 */
	uint8_t n_tags;

	/* L3: valid when PACKET_OK. Offsets are from frame.bytes.begin. */
	uint16_t l3_off, l4_off;
	uint8_t ip_version; /* 4 or 6 */
	uint8_t proto;	    /* behind the extension headers */
	uint8_t ttl;	    /* or hop limit */
	struct ip_addr saddr, daddr;
	uint32_t l4_len; /* bytes behind l4_off, on the wire */

	/*
	 * Fragments; all 0 in a whole packet. A later fragment has no L4
	 * fields (ports are 0), and an IPv6 one's proto may be that of an
	 * extension header: the first fragment knows better (packet/defrag.h).
	 */
	bool is_fragment; /* MF set or offset > 0 (atomic ones: false) */
	bool is_later;	  /* offset > 0 */
	bool more_fragments;
	uint32_t frag_id;
	uint16_t frag_off; /* bytes */

	/* L4, by proto; all 0 for what has none or is a later fragment. */
	uint16_t sport, dport; /* TCP, UDP, SCTP */
	uint32_t tcp_seq, tcp_ack;
	uint8_t tcp_flags;
	uint16_t tcp_window; /* unscaled */
	/* SYN only: MSS (0: none said), and what it offers. */
	uint16_t tcp_mss;
	bool tcp_has_sack;
	bool tcp_has_wscale;
	uint8_t tcp_wscale;	 /* 0..14 bits, if so */
	bool tcp_has_timestamps; /* this segment carries them */
	uint32_t sctp_vtag;	 /* verification tag; an INIT has 0 */
	uint8_t sctp_chunk;	 /* type of the first chunk */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id;   /* of a request or reply (see below); else 0 */
	uint16_t icmp_seq;  /* likewise */
	bool icmp_is_error; /* then quote says what about, if has_quote */
	bool has_quote;
	struct packet_quote quote;

	/*
	 * L4 payload: captured part, and length on the wire. What has no L4
	 * header that is known here, a later fragment too, is all payload.
	 */
	struct bytes payload;
	uint32_t payload_len;
};

/*
 * Fills *ret as far as its outcome allows (see above). *ret borrows from the
 * frame. Never asserts on input. Any thread, no state.
 */
enum packet_outcome packet_decode(struct packet *ret, struct frame frame);

/* Static storage: "ok", "not ip", ... for debug and tests. */
const char *packet_outcome_name(enum packet_outcome o);

/*
 * Is it an echo, timestamp, information or mask request (reply)? Echo only in
 * ICMPv6. false for any proto but PROTO_ICMP and PROTO_ICMPV6.
 */
bool icmp_is_request(uint8_t proto, uint8_t type);
bool icmp_is_reply(uint8_t proto, uint8_t type);
/* The request's type for a reply's; any other type stays what it is. */
uint8_t icmp_request_type(uint8_t proto, uint8_t type);

bool packet_icmp_is_request(const struct packet *p);
bool packet_icmp_is_reply(const struct packet *p);
/* ... of echoes, whose answers are what was asked (RFC 792, 4443 4.2). */
bool packet_is_echo(const struct packet *p);
/*
 * ICMPv6 133..137 (RS RA NS NA redirect) that a receiver would believe: it has
 * not passed a router (hop limit 255, RFC 4861) and is whole (RFC 6980).
 */
bool packet_is_neighbour_discovery(const struct packet *p);
