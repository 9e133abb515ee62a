/*
 * Are a packet's checksums right, as far as they are meant to be by now?
 *
 * A receiver drops what has a bad checksum. Who believes such a packet here
 * sees a conversation that the receiver does not have, and can be evaded by it:
 * a bad packet must not move a flow, be put in order, or tell a name. Sending
 * it on is then harmless and useless; dropping it saves the receiver the work.
 *
 * Any thread, no state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "packet/packet.h"

enum packet_csum {
	PACKET_CSUM_OK, /* all there is, or will be once it is filled in */
	/*
	 * The IPv4 header, which is looked at in any case: no offload leaves it
	 * unfilled, and Linux as a receiver checks it in any case, too.
	 */
	PACKET_CSUM_BAD_IP,
	/*
	 * TCP, UDP, ICMP, ICMPv6, SCTP. Also an unfilled one that is to be
	 * filled in where this packet has no checksum: it would overwrite
	 * something else after it was inspected.
	 */
	PACKET_CSUM_BAD_L4,
	/*
	 * The IPv4 header, if there is one, is right; nothing is known of the
	 * rest: fragments, cut captures, other protocols, tunnels that are to
	 * be cut into segments, and UDP in IPv6 without a checksum, which only
	 * tunnels accept (RFC 6935).
	 */
	PACKET_CSUM_NOT_CHECKED,
	PACKET_CSUM__MAX
};

/*
 * p is PACKET_OK, p->frame.csum says what the ring knows of it. Reads the whole
 * packet only when that is FRAME_CSUM_CHECK or FRAME_CSUM_CAPTURED.
 */
enum packet_csum packet_checksums(const struct packet *p);

/* Static storage: "ok", "bad ip", ... for debug and tests. */
const char *packet_csum_name(enum packet_csum c);

/*
 * The Internet checksum, RFC 1071, in host order. Any number of pieces may be
 * added, up to 65536, of which only the last may have an odd length.
 */
uint32_t checksum_add(uint32_t sum, struct bytes b);
/* What goes into the packet. Over a packet that holds it: 0 if it is right. */
uint16_t checksum_fold(uint32_t sum);
/* Addresses, length and protocol (RFC 9293 3.1, RFC 8200 8.1). */
uint32_t checksum_pseudo(struct ip_addr saddr, struct ip_addr daddr,
			 uint8_t proto, uint32_t l4_len);

/*
 * For a checksum behind which an unfilled one can stand (GRE, and UDP with a
 * tunnel in it): the sum of [off, off + len) of the frame as it will be then.
 * false: not all of it was captured, or the unfilled part is not whole within
 * it.
 */
bool checksum_will_be(const struct frame *f, size_t off, size_t len,
		      uint32_t *ret_sum);
