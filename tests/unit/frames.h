/*
 * Frames for tests, made from a few fields. Their checksums are right, as far
 * as a frame alone can tell: not that of a fragmented IPv4 packet's L4.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "packet/packet.h"

#define FRAME_SPEC_MAX 2048

struct frame_spec {
	struct mac src, dst;
	uint16_t tags[4]; /* VIDs; 0 ends */
	const char *saddr, *daddr;
	uint8_t proto;
	uint8_t ext_proto;
	/* IPv6: bytes that stand before L4, first of the kind ext_proto. */
	const uint8_t *ext;
	size_t ext_len;
	const uint8_t *options; /* of IPv4 */
	size_t options_len;
	uint16_t frag; /* IPv4: flags and offset as in the header */
	uint16_t id;
	uint8_t ttl; /* 0: 64 */
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
	bool has_window; /* TCP: else it is 1,000 */
	uint16_t window;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq; /* 0: 1 */
	const uint8_t *payload;	    /* NULL: zeros */
	size_t payload_len;
	bool no_l4; /* payload stands right behind IP */
};

/* Returns the length. */
size_t frame_make(uint8_t buf[static FRAME_SPEC_MAX],
		  const struct frame_spec *s);

/* Fails the test when the text is no address. */
struct ip_addr ip_of(const char *text);

/* SCTP's, bit by bit, over what is given: RFC 9260 appendix A. */
uint32_t frame_crc32c(const uint8_t *b, size_t len);

/* RFC 1071 over one header or a whole IP packet's L4; 0 when it is right. */
uint16_t frame_l3_sum(const struct packet *p);
uint16_t frame_l4_sum(const struct packet *p);
