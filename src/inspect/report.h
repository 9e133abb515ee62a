/*
 * Connection reports: who spoke to whom how much, and was it allowed
 * (reference 1.8 kind 7, section 4 "Reporting").
 *
 * One record for each (workload, client, server, server port, protocol,
 * application, rule, flags); the direction is one of the flags. The control
 * thread takes them out every few seconds; what comes later begins a new one.
 *
 * When a session is told of: first when it is established (ICMP: answered) and
 * its application certain, or it is 10 s old; then by its packets every 60 s (UDP
 * DNS: 15 s), when judgement or threat changed, and at its end; each time what is
 * new since. One that never was established, that nobody answered and that broke
 * no rule is not told of: port scans would fill the reports. What was denied
 * before there was a session is told of with sessions 0 and violations 1.
 *
 * When the table is full, worth decides: a violation (or threat) takes the
 * place of the oldest record that is to be learned from, or better of a plain
 * one. Who finds no place is told of later if it is a session, else lost; both
 * are counted, and violations apart.
 *
 * IPv6 is in the records like IPv4; kind 7 has no room for it.
 *
 * One thread; time is an argument; no allocation after reports_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/image.h"
#include "base/limits.h"
#include "flow/told.h"
#include "wire/records.h"

#define REPORT_EVERY_S 60
/* A session of no application yet is told of without one after so long. */
#define REPORT_APP_WAIT_US (10 * USEC_PER_SEC)
#define REPORT_EVERY_DNS_S 15

struct reports;

/* What a record is worth, when there is no room for all. */
enum report_worth {
	REPORT_PLAIN,	  /* allowed */
	REPORT_LEARN,	  /* a rule is to be learned from it */
	REPORT_VIOLATION, /* violate, deny, or a threat */
	REPORT_WORTH__MAX
};

/* A session as it is at the moment; or a packet denied without one. */
struct report_session {
	uint16_t endpoint;
	struct mac ep_mac;
	struct ip_addr client, server;
	uint16_t client_port, server_port;
	uint8_t proto;
	uint8_t action;	      /* enum policy_action */
	uint16_t flags;	      /* CONNECTION_*, see report_flags() */
	uint16_t application; /* 0: unknown */
	bool app_certain;     /* it is not going to change */
	bool established;     /* TCP: handshake done, or mid-stream */
	uint8_t severity;     /* of the threat */
	uint32_t threat_id;   /* the worst so far; 0: none */
	uint32_t policy_id;
	uint64_t client_packets, server_packets; /* since it began */
	uint64_t client_bytes, server_bytes;
	usec_t first_seen, last_seen;
};

/* limit: 1..REPORTS_MAX records. seed: for the hash. NULL: out of memory. */
struct reports *reports_new(uint32_t limit, uint64_t seed);
void reports_free(struct reports *r);

enum report_event {
	REPORT_PACKET,	/* one more packet: told if it is time */
	REPORT_CHANGED, /* judged anew, with another outcome */
	REPORT_THREAT,	/* it met a threat, worse than before; told at once */
	REPORT_END,	/* the session is over; tell the rest */
};

/*
 * Could a packet of a flow be told of now? Quick; ask before filling a
 * report_session for REPORT_PACKET.
 */
static inline bool report_is_due(const struct flow_told *told, bool dns,
				 usec_t now)
{
	uint32_t now_s = (uint32_t)(now.us / USEC_PER_SEC);
	uint32_t every = dns ? REPORT_EVERY_DNS_S : REPORT_EVERY_S;

	if (!told->started && !told->deferred)
		return true;
	/* modulo 2^30, as at_s */
	return ((now_s - told->at_s) & 0x3fffffff) >= every;
}

/* Is it UDP DNS, with its shorter interval? */
bool report_is_dns(uint8_t proto, uint16_t server_port);

/* Something happened to a session; told is its flow's. */
void report_session(struct reports *r, const struct report_session *s,
		    struct flow_told *told, enum report_event what, usec_t now);

/* So many packets were denied, and there is no session. */
void report_denied(struct reports *r, const struct report_session *s,
		   uint64_t packets, usec_t now);

/* SESSION_* (wire/words.h) as CONNECTION_*; other bits are left out. */
uint16_t report_flags(uint16_t session_flags);

/* Records in the table. */
uint32_t reports_pending(const struct reports *r);

/*
 * Takes up to max records out, the worthiest first, and of equal worth the
 * oldest; fewer than max: that was all. Ask reports_pending() first to know
 * when one round is done, since new ones may come in between two calls. The
 * fields ep_sessions_* and ep_bytes_60s are left 0.
 */
size_t reports_drain(struct reports *r, struct connection_record *ret,
		     size_t max);

struct report_stats {
	uint32_t in_use, limit;
	uint64_t told;	   /* events that reached a record */
	uint64_t made;	   /* records; the rest were merged */
	uint64_t deferred; /* sessions put off for want of room */
	/* By worth: events that found no room, and records that gave way. */
	uint64_t lost[REPORT_WORTH__MAX], evicted[REPORT_WORTH__MAX];
};

struct report_stats reports_stats(const struct reports *r);

/* All records that wait. */
void reports_save(const struct reports *r, struct image_writer *w);
/*
 * Into one without any, of the same limit. false: they are not there, or cannot be
 * these; *r is as it was.
 */
bool reports_load(struct reports *r, const struct image_reader *from);
