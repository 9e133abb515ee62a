/*
 * Threats: what is known of each kind (reference 6.2), whether it is looked
 * for and what is done about it; and the log of those that were met.
 *
 * One thread; time is an argument; no allocation after threat_log_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/limits.h"
#include "detect/tally.h"
#include "packet/packet.h"
#include "wire/records.h"

/* Those that packets alone, meters, policy, parsers and rules can tell. */
#define THREAT_SYN_FLOOD       1001
#define THREAT_ICMP_FLOOD      1002
#define THREAT_SOURCE_SESSIONS 1003
#define THREAT_INVALID_PACKET  2001
#define THREAT_TEARDROP	       2002
#define THREAT_SYN_WITH_DATA   2003
#define THREAT_SPLIT_HANDSHAKE 2004
#define THREAT_NO_CLIENT_DATA  2005
#define THREAT_PING_OF_DEATH   2006
#define THREAT_DNS_LOOP	       2007
#define THREAT_SSH_1	       2008
#define THREAT_HEARTBLEED      2009
#define THREAT_SSL2_CIPHERS    2010
#define THREAT_OLD_SSL	       2011
#define THREAT_TLS_10	       2012
#define THREAT_HTTP_LENGTH     2013
#define THREAT_HTTP_SMUGGLING  2014
#define THREAT_SLOWLORIS       2015
#define THREAT_SMALL_WINDOW    2016
#define THREAT_DNS_OVERFLOW    2017
#define THREAT_SQL_DENIED      2018
#define THREAT_DNS_TRANSFER    2019
#define THREAT_ICMP_TUNNEL     2020
#define THREAT_DNS_NULL	       2021
#define THREAT_SQL_INJECTION   2022
#define THREAT_STRUTS_XML      2023
#define THREAT_SMALL_MSS       2025
#define THREAT_EXTERNAL_IP     2026
#define THREAT_TLS_11	       2027

struct threat_kind {
	uint32_t id;
	uint8_t severity; /* 1 info .. 5 critical */
	bool enabled;	  /* at first */
	uint8_t action;	  /* enum dpi_action, at first */
	bool only_quiet;  /* a storm is logged at its start and its end only */
	const char *name; /* "TCP SYN flood": the record's text, too */
};

#define THREAT_KINDS 29

/* 0..THREAT_KINDS - 1. Static storage. */
const struct threat_kind *threat_kind_at(unsigned i);
/* NULL: no such id. Static storage. */
const struct threat_kind *threat_kind_find(uint32_t id);

/*
 * The threat that a whole packet (PACKET_OK, no fragment) is by itself, or 0:
 * ping of death, SYN with data, small MSS. More than one: the worst.
 */
uint32_t threat_in_packet(const struct packet *p);

struct threat_log;

/* slots: 1..THREAT_SLOTS_MAX. seed: for the hash. NULL: out of memory. */
struct threat_log *threat_log_new(uint32_t slots, uint64_t seed);
void threat_log_free(struct threat_log *t);

/* Looks for a kind or not, with that action. -ENOENT: no such id. */
int threat_configure(struct threat_log *t, uint32_t id, bool enabled,
		     enum dpi_action action);
/* What is done about it; DPI_NONE when it is not looked for. */
enum dpi_action threat_action(const struct threat_log *t, uint32_t id);

struct threat_event {
	uint32_t id;	/* of a threat_kind; another is BUG */
	uint32_t count; /* occurrences, 1.. (a meter's log_count) */
	uint16_t endpoint;
	struct mac ep_mac; /* real; put back for the mark. Zero: left so */
	uint8_t flags;	   /* THREAT_* of wire/records.h */
	uint16_t application;
	const struct packet *packet; /* with its frame; NULL: none */
	bool decoded;	  /* PACKET_OK: addresses and ports are valid */
	bool swap;	  /* it comes from the session's server: tell the
			  * client as the source all the same */
	const char *text; /* NULL: the kind's name. Cut. */
};

/*
 * One was met. Returns what is to be done about it (where the workload is not
 * tapped); DPI_NONE, and nothing noted, when it is not looked for.
 */
enum dpi_action threat_note(struct threat_log *t, const struct threat_event *e,
			    usec_t now);

/* Logs what is due; call it between batches, it looks every 250 ms. */
void threat_age(struct threat_log *t, usec_t now);
/* A workload is gone: what was counted is logged, its slots are free. */
void threat_forget_endpoint(struct threat_log *t, uint16_t endpoint,
			    usec_t now);

/* Takes up to max records, oldest first; fewer than max: that was all. */
size_t threat_drain(struct threat_log *t, struct threat_record *ret,
		    size_t max);

struct tally_stats threat_stats(const struct threat_log *t);

/* What was counted, and records that wait; not what is looked for. */
void threat_log_save(const struct threat_log *t, struct image_writer *w);
/* t: new, of as many slots. false: not there, or not sound; *t is as new. */
bool threat_log_load(struct threat_log *t, const struct image_reader *r);
