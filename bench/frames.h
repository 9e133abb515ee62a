/*
 * The TCP segments of benchmarks: between one workload, which goes by its mark, and
 * its peers.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define FRAME_HEADERS 54 /* Ethernet, IPv4, TCP, without options */

/* The workload's mark, its MAC, and everybody else's. */
extern const struct mac mark, own_mac, peer_mac;

struct frame_headers {
	uint32_t from, to; /* addresses */
	uint16_t from_port, to_port;
	uint32_t seq, ack;
	size_t payload; /* bytes that follow */
	uint8_t flags;	/* TCP_SYN, ... */
	bool to_own;	/* else from the workload */
};

/* FRAME_HEADERS bytes, with IPv4's checksum; TCP's is 0. */
void put_headers(struct outbytes *o, const struct frame_headers *h);
