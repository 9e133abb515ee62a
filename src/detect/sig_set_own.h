/* A set from within; for sig_set*.c and sig_scan*.c only. */
#pragma once

#include <hs/hs.h>

#include "base/arena.h"
#include "detect/sig_match.h"
#include "detect/sig_set.h"

/* Where bytes are looked at; fields first. */
enum sig_place {
	SIG_PLACE_TCP_CLIENT = FIELD__MAX, /* what the client sends */
	SIG_PLACE_TCP_SERVER,
	SIG_PLACE_UDP_CLIENT,
	SIG_PLACE_UDP_SERVER,
	SIG_PLACE_PACKET_TCP, /* one packet's payload */
	SIG_PLACE_PACKET_UDP,
	SIG_PLACE_PACKET_OTHER,
	SIG_PLACE__MAX
};

struct sig_set_group {
	const struct sig_group *group;
	const struct sig_chain *chains;
	uint8_t n_chains;
	uint8_t fast_chain; /* it has the fast pattern */
	uint8_t first_bit;  /* of done, one for each chain; a note has one */
	uint32_t bits;
};

struct sig_rule {
	const struct signature *s;
	struct sig_set_group *groups;
	uint32_t all; /* bits of all groups */
	uint8_t n_groups;
	uint8_t trigger; /* group that a fast pattern, or each buffer, tries */
	bool fields;	 /* it asks of fields, so it is of one request */
	bool of_packets; /* of one packet at a time */
	bool sets_bits, asks_bits;
	const uint16_t *bits; /* numbers of flowbits, in the order of names */
};

/* Fast patterns of one place, after the same transforms. */
struct sig_channel {
	hs_database_t *db; /* NULL: no pattern */
	uint32_t n_patterns;
	uint32_t shortest; /* pattern: less than that need not be searched */
	uint32_t first_pattern; /* its first one's number among all */
	uint32_t *refs_at;	/* n_patterns + 1: where in refs */
	uint32_t *refs;		/* rules */
	uint32_t *unfiltered;	/* rules */
	uint32_t n_unfiltered;
	uint8_t place; /* enum sig_place */
	uint8_t n_transforms, transforms[SIG_TRANSFORMS_MAX];
};

/* In the arena; what it holds is freed with the set. */
struct sig_code {
	void *code;
	struct sig_code *next;
};

struct sig_set {
	struct sig_list *list;
	struct arena arena;
	struct sig_code *codes; /* compiled expressions */
	struct sig_rule *rules;
	uint32_t n_rules;
	struct sig_channel *channels; /* by place */
	uint32_t n_channels;
	/* Of each place: its first channel, and that behind its last. */
	uint32_t channels_at[SIG_PLACE__MAX + 1];
	bool wanted[SIG_PLACE__MAX]; /* fields, payloads: some group asks */
	bool kept[FIELD__MAX];	     /* a group that is not the trigger asks */
	uint32_t *notes[NOTE__MAX];  /* rules that ask of it */
	uint32_t n_notes[NOTE__MAX];
	/* Rules of packets without a pattern in PACKET's channels; header only. */
	uint32_t *packets, *headers;
	uint32_t n_packets, n_headers;
	bool packet_wanted[3]; /* by PACKET place */
	/* Ports whose raw bytes are looked at; by place - TCP_CLIENT. */
	uint64_t server_ports[4][65536 / 64], client_ports[4][65536 / 64];
	bool has_pass; /* of fields: others wait for them */
	uint32_t n_bits;
	hs_scratch_t *scratch; /* to be cloned */
	struct sig_set_size size;
	uint64_t fingerprint;
};
