/*
 * Writes a capture in the pcapng format (draft-ietf-opsawg-pcapng), with a
 * comment on each packet: one section, one Ethernet interface, times in
 * microseconds. Wireshark, tshark, tcpdump read it, from a pipe as it is written.
 *
 * All return 0 or -errno of the write that failed. Nothing is buffered but by
 * the FILE.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

struct pcapng_about {
	const char *program; /* "weir 0.1.0" */
	const char *if_name; /* whose frames they are */
	const char *filter;  /* pcap-filter(7); "" */
	uint32_t snaplen;    /* 0: none */
};

struct pcapng_frame {
	uint64_t at_us; /* since 1970 */
	struct bytes bytes;
	uint32_t wire_len;
	bool inbound; /* else outbound */
	const char *comment;
};

struct pcapng_sums {
	uint64_t begin_us, end_us; /* since 1970 */
	uint64_t received;	   /* frames that the filter was asked about */
	uint64_t accepted;	   /* by the filter */
	uint64_t dropped;	   /* for want of room, before that */
	uint64_t written;
};

int pcapng_begin(FILE *f, const struct pcapng_about *about);
int pcapng_frame(FILE *f, const struct pcapng_frame *frame);
int pcapng_end(FILE *f, const struct pcapng_sums *sums);
