/*
 * A flow as it is told to the outside: what a worker copies out of its table,
 * and what both doors encode (binary kind 2, JSON). Host byte order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* What of a TCP stream waits for other bytes. */
struct session_asm {
	uint32_t segments, bytes;
};

struct session_record {
	uint32_t id;
	struct mac ep_mac, client_mac, server_mac;
	uint16_t ethertype;
	uint32_t vlans; /* outer VID << 12 | inner VID */
	struct ip_addr client, server;
	uint16_t client_port, server_port; /* TCP, UDP, SCTP; else 0 */
	uint8_t icmp_type, icmp_code, proto;
	uint64_t client_packets, server_packets;
	uint64_t client_bytes, server_bytes;
	struct session_asm client_asm, server_asm;
	uint8_t client_state, server_state; /* Linux TCP_*; 0 none */
	uint32_t idle_s, age_s, life_s;
	uint16_t application;
	uint32_t policy_id;
	uint32_t policy_version; /* 0: to be judged with the next packet */
	uint8_t policy_action;
	uint8_t reason; /* enum reason */
	uint16_t flags; /* SESSION_* */
	bool blocked;
	uint8_t severity;   /* of the threat */
	uint32_t threat;    /* the worst met, an id of kind 6; 0: none */
	const char *tunnel; /* its kind, if it is in one; static storage */
	uint32_t tunnel_id;
};

/* A block: something that was not let through, aggregated. */
struct block_record {
	struct mac ep_mac;
	uint16_t to_port; /* ICMP: type << 8 | code */
	struct ip_addr from, to;
	bool ingress;
	uint8_t proto;
	uint8_t reason; /* enum reason */
	uint8_t action; /* enum policy_action; 0 where policy had no say */
	/* By reason: the threat (reference 6.2), signature, sensor; 0: none */
	uint32_t threat;
	uint32_t rule_id;
	uint32_t policy_version;
	uint64_t count;
	uint64_t first_us, last_us; /* on the data plane's clock */
};
