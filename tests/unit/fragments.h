/*
 * Fragments for tests, and the whole datagrams they are cut from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/packet.h"

struct fragment_spec {
	bool v6;
	uint8_t host; /* of the source address */
	uint8_t proto;
	uint8_t ttl;
	uint8_t ecn;  /* 0..3 */
	uint8_t vlan; /* 0: no tag */
	uint32_t id;
	uint8_t more_headers; /* 8 bytes each: options, or IPv6 extensions */
	uint32_t off, len;
	bool more;
	bool whole; /* no fragment: off 0, no IPv6 fragment header */
	uint16_t padding;
};

/* content: len bytes. Returns the frame's length; the frame must fit. */
size_t fragment_make(uint8_t *buf, size_t size, const struct fragment_spec *s,
		     const uint8_t *content);
