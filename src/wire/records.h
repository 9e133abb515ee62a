/*
 * What a data plane tells of its own accord or when asked for statistics: the
 * records that modules fill, that cross from a worker to the control thread by
 * copy, and that both doors encode (binary kinds 1, 4-9, 11-13; JSON). Host
 * byte order. Times are on the data plane's clock (usec_t.v); who encodes them
 * for NeuVector adds the wall clock's offset.
 *
 * Where a record has both `endpoint` and `ep_mac`, a module that knows only the
 * index fills that, and ep_mac is filled from the snapshot when the record
 * leaves the worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/limits.h"
#include "base/limits_finding.h"

/* struct connection_record.flags: reference 1.8, kind 7. */
#define CONNECTION_INGRESS    0x0001
#define CONNECTION_EXTERNAL   0x0002
#define CONNECTION_XFF	      0x0004
#define CONNECTION_SVC_EXTIP  0x0008
#define CONNECTION_MESH	      0x0010
#define CONNECTION_LINK_LOCAL 0x0020
#define CONNECTION_TMP_OPEN   0x0040
#define CONNECTION_UNMANAGED  0x0080
#define CONNECTION_NBE_CHECK  0x0100
#define CONNECTION_NBE_SAME   0x0200

/* .application of what was denied before there was a session. */
#define APPLICATION_NOT_CHECKED 1

/* One aggregate of connections, or of what was denied (kind 7). */
struct connection_record {
	uint16_t endpoint; /* index */
	struct mac ep_mac;
	uint8_t proto;
	uint8_t action;	      /* enum policy_action, of the last event */
	uint16_t server_port; /* ICMP: 0 */
	uint16_t client_port; /* 0 but for the DNS tunnel hint */
	struct ip_addr client, server;
	uint16_t flags; /* CONNECTION_* */
	uint16_t application;
	uint8_t severity;	 /* 0, or 1 info .. 5 critical */
	uint32_t policy_id;	 /* 0: implicit */
	uint32_t violations;	 /* violate and deny events */
	uint32_t threat_id;	 /* of the highest severity; 0 none */
	uint32_t sessions;	 /* new ones aggregated */
	uint64_t bytes, packets; /* both sides, since the last report */
	uint64_t first_us, last_us;
	/* The workload's traffic when the record left the worker. */
	uint32_t ep_sessions_now, ep_sessions_60s; /* ingress */
	uint64_t ep_bytes_60s;			   /* ingress */
};

/* struct threat_record.flags: reference 1.8, kind 6. */
#define THREAT_PACKET_INGRESS  0x01
#define THREAT_SESSION_INGRESS 0x02
#define THREAT_TAP	       0x04

/* DPI actions (Appendix A), as threats are logged with. */
enum dpi_action {
	DPI_NONE,
	DPI_ALLOW,
	DPI_DROP,
	DPI_RESET,
	DPI_BYPASS,
	DPI_BLOCK,
	DPI_ACTION__MAX
};

/* Does that keep a packet from going on? */
static inline bool dpi_action_drops(enum dpi_action action)
{
	return action == DPI_DROP || action == DPI_RESET || action == DPI_BLOCK;
}

/* A threat, aggregated (kind 6). */
struct threat_record {
	uint32_t id; /* 1001.., reference 6.2; or of a signature */
	uint32_t count;
	uint64_t at_us;
	uint8_t action;	  /* enum dpi_action */
	uint8_t severity; /* 1 info .. 5 critical */
	uint8_t proto;	  /* 0: the header could not be read */
	uint8_t flags;	  /* THREAT_* */
	uint16_t endpoint;
	struct mac ep_mac;
	uint16_t ethertype; /* 0x0800 or 0x86dd; 0 unknown */
	struct ip_addr src, dst;
	uint16_t src_port, dst_port;
	uint8_t icmp_code, icmp_type;
	uint16_t application;
	uint16_t packet_len; /* of packet[], 0..THREAT_PACKET_MAX */
	uint32_t wire_len;
	char text[THREAT_TEXT_MAX];	   /* ends with NUL */
	uint8_t packet[THREAT_PACKET_MAX]; /* the latest, from Ethernet on */
};

/* What found it; of a signature's rule, or of a sensor. */
enum finding_kind {
	FINDING_SIGNATURE,
	FINDING_DLP,
	FINDING_WAF,
	FINDING_KIND__MAX
};

/*
 * Beside THREAT_* in struct finding_record.flags: the sensor's id is one of
 * ctrl_bld_dlp, so NeuVector is told of it, too (kind 6).
 */
#define FINDING_COMPAT 0x08

/*
 * What detection found in what was said, aggregated. Texts are printable ASCII
 * and end with NUL, but for the marks of the evidence; secrets are masked in
 * all of them (detect/evidence.h), and not in raw[].
 */
struct finding_record {
	uint32_t id; /* sid, or of the sensor */
	uint32_t rev;
	uint32_t count;
	uint32_t flow_id;	    /* 0: of no flow */
	uint64_t first_us, last_us; /* of those counted */
	uint64_t at;		    /* the match, in that buffer */
	uint64_t raw_at;	    /* raw[0], in that buffer */
	uint32_t len;		    /* of the match */
	uint32_t policy_id;	    /* 0: implicit */
	uint16_t raw_len;
	uint16_t endpoint;
	uint16_t application;
	uint16_t client_port, server_port;
	uint8_t kind;	  /* enum finding_kind */
	uint8_t severity; /* 1 info .. 5 critical */
	uint8_t action;	  /* enum dpi_action */
	uint8_t flags;	  /* THREAT_*, FINDING_COMPAT */
	uint8_t proto;
	uint8_t side;	/* enum proto_side: who said it */
	uint8_t buffer; /* enum proto_field, or enum sig_buffer */
	struct mac ep_mac;
	struct ip_addr client, server;
	char name[FINDING_NAME_MAX]; /* msg, or the sensor's name */
	char classtype[FINDING_CLASS_MAX];
	char request[FINDING_REQUEST_MAX]; /* "GET host/path"; "" */
	char evidence[FINDING_EVIDENCE_MAX];
	uint8_t raw[FINDING_RAW_MAX];
};

/* Meters, reference 7; the numbers are NeuVector's, UDP and rate are ours. */
enum meter_kind {
	METER_SYN_FLOOD = 0,
	METER_ICMP_FLOOD = 1,
	METER_SOURCE_SESSIONS = 2,
	METER_TCP_NO_DATA = 3,
	METER_UDP_FLOOD = 4,
	METER_SESSION_RATE = 5,
	METER_KIND__MAX
};

/* One running meter (kind 5, where only kinds 0..3 are told). */
struct meter_record {
	uint16_t endpoint;
	struct mac ep_mac;
	uint8_t kind; /* enum meter_kind */
	bool tap;
	struct ip_addr peer; /* zero: of the whole workload */
	uint32_t idle_s;
	uint32_t count, last_count; /* this span, the one before */
	uint32_t span_s;	    /* 0: a count, not a rate */
	uint32_t upper, lower;
};

/* Sessions, packets and bytes to (in) and from (out) workloads. */
struct traffic_sum {
	uint32_t sessions_in, sessions_out;
	uint64_t packets_in, packets_out;
	uint64_t bytes_in, bytes_out;
};

/* Kinds 8 and 9. */
struct stats_record {
	struct traffic_sum total;
	uint32_t sessions_now_in, sessions_now_out;
	struct traffic_sum last_5s, last_60s, last_300s; /* complete slots */
};

#define PARSERS_MAX 20 /* reference 6.1, ids 0..19 */

/* Kind 4. */
struct device_counters {
	uint64_t rx_packets, rx_dropped, tx_packets, tx_dropped;
	uint64_t error_packets, no_workload_packets;
	uint64_t ipv4_packets, ipv6_packets;
	uint64_t tcp_packets, tcp_no_session_packets;
	uint64_t udp_packets, icmp_packets, other_packets;
	uint64_t assemblies, freed_assemblies; /* TCP segments kept */
	uint64_t fragments, freed_fragments, timed_out_fragments;
	uint64_t total_sessions, tcp_sessions, udp_sessions; /* made */
	uint64_t icmp_sessions, ip_sessions;
	uint64_t drop_meters, proxy_meters, cur_meters, cur_log_caches;
	uint64_t parser_sessions[PARSERS_MAX];
	uint64_t parser_packets[PARSERS_MAX];
	uint32_t exact_rules, range_rules;
	uint32_t domains, domain_ips;
	uint64_t limit_drop_connections, limit_pass_connections;
};

/* A listening port of a workload and what speaks there (kind 1). */
struct app_record {
	uint16_t port;
	uint8_t ip_proto;
	uint16_t proto;	      /* base protocol, 1001.. */
	uint16_t server;      /* software, 2021.. */
	uint16_t application; /* 2001.. */
};

/* One that the data plane saw; ids of 0 say nothing. */
struct port_record {
	uint16_t endpoint; /* index */
	struct mac ep_mac;
	struct app_record app;
};

/* A name gained addresses (kind 11, where only IPv4 is told). */
struct fqdn_record {
	char name[FQDN_TEXT_MAX]; /* lower case, ends with NUL */
	bool vhost;
	uint16_t n_ips;
	struct ip_addr ips[FQDN_IPS_PER_MSG];
};

/* What name an external address was last asked for (kinds 12 and 13). */
struct ip_name_record {
	struct ip_addr ip;
	bool released;		  /* 13: it expired; name is "" */
	char name[FQDN_TEXT_MAX]; /* lower case, ends with NUL */
};
