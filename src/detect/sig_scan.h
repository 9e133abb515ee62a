/*
 * Scanning by signatures: one worker's state, and what it is told.
 *
 *   control thread:  set = sig_set_new()   lane = sig_lane_new(set)
 *                                            │ worker_ask()
 *   worker:          sig_scanner_adopt(lane) ▼
 *                    sig_open() .. sig_piece(), sig_payload(), .. sig_close()
 *                    sig_scanner_give_back() ─▶ control thread: sig_lane_free(),
 *                                               and sig_set_free() after the last
 *
 * A connection finishes with the set it began with. When SIG_SETS_MAX are in use
 * and another comes, the oldest one's connections are no longer looked at
 * (counted), so that memory is bounded.
 *
 * A signature that matches is told at once: of fields when their request or
 * answer makes it complete; where there are pass rules about fields, when that
 * is asked (sig_asked()) or over (sig_ended()), as a pass goes before. In one
 * call pass comes first, then drop, reject, alert; then by priority.
 *
 * One thread; nothing is allocated after sig_scanner_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/image.h"
#include "detect/sig_set.h"
#include "proto/parser.h"

/* What one worker needs beside the set to scan with it. */
struct sig_lane;

/* NULL: out of memory. The set lives longer. */
struct sig_lane *sig_lane_new(const struct sig_set *set);
/* Not one that a scanner has. NULL is accepted. */
void sig_lane_free(struct sig_lane *l);
const struct sig_set *sig_lane_set(const struct sig_lane *l);

struct sig_scanner;

struct sig_told {
	const struct signature *signature; /* as long as its set */
	enum proto_side side;
	/*
	 * Not to be told of (noalert, threshold: limit), but its action is to be
	 * carried out.
	 */
	bool silent;
	uint8_t buffer; /* enum proto_field, enum sig_buffer: where it matched */
	uint64_t at;	/* first byte of its first content, in the buffer ... */
	uint32_t len;
	/* ... and what is around it, as far as it is there; may be empty */
	struct bytes around;
	uint64_t around_at;
};

struct sig_scanner_options {
	uint32_t flows;	  /* 1..SIG_FLOWS_MAX, at a time */
	uint32_t blocks;  /* 1..SIG_BLOCKS_MAX, of SIG_BLOCK_BYTES */
	uint32_t waiting; /* 1..SIG_WAITING_MAX: signatures half matched */
	uint32_t rates;	  /* 1..SIG_RATES_MAX: thresholds that count */
	/* Raw bytes of each side that are looked at; 0: all. */
	uint64_t payload_depth;
	/* Called from within the calls below; must not call any of them. */
	void (*told)(void *arg, uint32_t flow, const struct sig_told *t);
	void *arg;
};

/* The defaults of base/limits.h; nobody is told. */
struct sig_scanner_options sig_scanner_options_default(void);

struct sig_scanner_counts {
	uint32_t flows, flows_limit;
	uint32_t blocks, blocks_limit;
	uint32_t waiting, waiting_limit;
	uint32_t rates, rates_limit;
	uint64_t no_flow;	/* connections not looked at: all in use */
	uint64_t no_block;	/* pieces looked at alone, fields not kept */
	uint64_t no_waiting;	/* half matched, and forgotten */
	uint64_t kept_full;	/* fields of one request beyond its block */
	uint64_t bits_full;	/* flowbits not set */
	uint64_t rates_evicted; /* thresholds that gave way before their time */
	uint64_t sets_dropped;	/* connections whose set had to go */
	uint64_t beyond_depth;	/* raw bytes that were not looked at */
	uint64_t pcre_limit, work_limit; /* struct sig_matcher_counts */
	uint64_t scanned_bytes;
	uint64_t scans, candidates, confirmed;
	uint64_t recalled;	 /* searches whose answer was known */
	uint64_t told, silenced; /* silenced: by thresholds, and noalert */
	uint64_t passed_over;	 /* matches that a pass rule excused */
};

/* The options are copied. NULL: out of memory. */
struct sig_scanner *sig_scanner_new(const struct sig_scanner_options *o);
/* What it takes when all of it is used. */
size_t sig_scanner_bytes(const struct sig_scanner_options *o);
/* Its lanes are the caller's again: give them back first, or forget them. */
void sig_scanner_free(struct sig_scanner *s);

/*
 * From now on new connections are looked at by that lane (NULL: not at all),
 * which is the scanner's until it gives it back. Lanes that it would give back
 * are to be taken before.
 */
void sig_scanner_adopt(struct sig_scanner *s, struct sig_lane *l);
/* A lane that no connection needs any more; NULL: there is none. */
struct sig_lane *sig_scanner_give_back(struct sig_scanner *s);
/* Connections of that set are no longer looked at (counted): it is to go. */
void sig_scanner_drop_set(struct sig_scanner *s, const struct sig_set *set);
/* Nobody is looked at any more, and each lane can be taken back: at the end. */
void sig_scanner_drop(struct sig_scanner *s);
/* Who is told from now on; the time, for thresholds. */
void sig_scanner_tell(struct sig_scanner *s,
		      void (*told)(void *arg, uint32_t flow,
				   const struct sig_told *t),
		      void *arg);
/* options.payload_depth, from now on. */
void sig_scanner_depth(struct sig_scanner *s, uint64_t payload_depth);
void sig_scanner_time(struct sig_scanner *s, usec_t now);

struct sig_facts {
	struct ip_addr client, server;
	uint16_t client_port, server_port; /* 0: has none */
	uint8_t proto;			   /* PROTO_TCP, ... */
};

/* 0: there is no set, or no place (counted). */
uint32_t sig_open(struct sig_scanner *s, const struct sig_facts *facts);
/* flow: 0, or from sig_open(); here and below, 0 does nothing. */
void sig_close(struct sig_scanner *s, uint32_t flow);
/* Is that one from sig_open(), and not closed? Of any number, as from an image. */
bool sig_is_open(const struct sig_scanner *s, uint32_t flow);

/*
 * It is known what is spoken (before fields of it are told), or (another time) what that is more closely; 0:
 * nobody knows, nor will.
 */
void sig_known(struct sig_scanner *s, uint32_t flow, uint32_t app);

/* Are the raw bytes of that side, or datagrams, of use? Cheap. */
bool sig_wants_payload(const struct sig_scanner *s, uint32_t flow,
		       enum proto_side side);
/* TCP: the next bytes in order. UDP: a datagram. */
void sig_payload(struct sig_scanner *s, uint32_t flow, enum proto_side side,
		 struct bytes b, bool gap_before);

/* What a parser tells; see struct proto_sink. */
void sig_piece(struct sig_scanner *s, uint32_t flow,
	       const struct proto_piece *p);
void sig_note(struct sig_scanner *s, uint32_t flow, enum proto_side side,
	      enum proto_note n);
void sig_asked(struct sig_scanner *s, uint32_t flow);
void sig_ended(struct sig_scanner *s, uint32_t flow, enum proto_side side);

struct sig_packet {
	struct bytes payload;
	uint32_t payload_len; /* on the wire */
	uint8_t ttl, tcp_flags, icmp_type, icmp_code;
	bool established; /* the handshake is over; UDP: both have spoken */
};

/* Has any signature use for packets of that protocol? Cheap. */
bool sig_wants_packets(const struct sig_scanner *s, uint8_t proto);
/* facts: as of sig_open(), where flow is 0. side: who sends it. */
void sig_packet(struct sig_scanner *s, uint32_t flow,
		const struct sig_facts *facts, enum proto_side side,
		const struct sig_packet *p);

/* Searches that were given up: pcre_limit and work_limit. Cheap. */
uint64_t sig_limits_met(const struct sig_scanner *s);
struct sig_scanner_counts sig_scanner_counts(const struct sig_scanner *s);

/*
 * Connections and all that is known of them, thresholds, counts; not settings. What
 * a lane remembers of searches is made anew (recalled, scans, scanned_bytes).
 */
void sig_scanner_save(const struct sig_scanner *s, struct image_writer *w);
/*
 * s: new, with the same limits, and with its lane, if there is one. Connections have
 * the same handles. Those whose set has another fingerprint than the lane's are no
 * longer looked at (sets_dropped): their handles are open, and all that is told of
 * them does nothing, as after sig_scanner_drop_set(). false: it is not there, or not
 * sound; *s is as new, no handle is open.
 */
bool sig_scanner_load(struct sig_scanner *s, const struct image_reader *r);
