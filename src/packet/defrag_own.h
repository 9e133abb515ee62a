/* What is held of fragments; only for packet/defrag.c and packet/defrag_image.c. */
#pragma once

#include "base/limits.h"
#include "packet/defrag.h"
#include "packet/defrag_join.h"
#include "packet/frame_store.h"

/* No padding: hashed and compared as bytes. */
struct datagram_key {
	struct ip_addr saddr, daddr;
	uint32_t id;
	uint32_t vlans;
	uint16_t endpoint;
	uint8_t ingress;
	/*
	 * IPv4 only, RFC 791. In IPv6 each fragment may name another next
	 * header, and the first one's counts: RFC 8200 4.5.
	 */
	uint8_t proto;
};
_Static_assert(sizeof(struct datagram_key) == 44, "no padding");

struct source_key {
	struct ip_addr saddr; /* any, if not ingress */
	uint16_t endpoint;
	uint16_t ingress;
};
_Static_assert(sizeof(struct source_key) == 20, "no padding");

/* All indices below: 0 is none. */
struct age_list {
	uint32_t oldest, newest;
};

struct age_link {
	uint32_t older, newer;
};

enum list { OF_ALL, OF_SOURCE, LISTS };

struct datagram {
	struct datagram_key key;
	uint32_t hash;
	uint32_t next; /* in its bucket, or free */
	struct age_link link[LISTS];
	usec_t since;
	uint32_t source;
	uint32_t first, last; /* pieces */
	uint32_t n_blocks;
	uint32_t frame_bytes;
	uint32_t have, total; /* bytes of the datagram; total 0: unknown */
	uint16_t n_fragments;
	uint8_t ip_version;
	uint8_t proto;
	uint8_t ecn_seen; /* 1 << each of the four values */
	bool dead;
};

struct source {
	struct source_key key;
	uint32_t hash;
	uint32_t next;
	struct age_list datagrams;
	uint32_t n_datagrams, n_blocks;
};

struct held {
	uint32_t next; /* by offset */
	uint32_t frame_len;
	struct frag_piece piece;
};

struct defrag {
	struct defrag_options opt;
	uint32_t bucket_mask;
	struct datagram *datagrams; /* 1..opt.datagrams */
	struct source *sources;	    /* likewise */
	struct held *held;	    /* 1..opt.blocks */
	struct frame_store store;
	uint32_t *datagram_buckets, *source_buckets;
	uint32_t free_datagram, free_source;
	struct age_list by_age;
	struct defrag_stats stats;
	void (*on_gone)(void *arg, const struct defrag_gone *gone);
	void *on_gone_arg;
	/* The last whole datagram. */
	uint32_t whole; /* its first piece */
	struct bytes frames[DEFRAG_FRAGMENTS_MAX];
	struct frag_piece pieces[DEFRAG_FRAGMENTS_MAX];
	uint8_t joined[FRAME_MAX];
	uint8_t linear[DEFRAG_FRAMES_BYTES]; /* frames of many blocks */
};

struct datagram_key defrag_key_of(const struct packet *p, uint16_t endpoint,
				  bool ingress);
uint32_t defrag_hash(const struct defrag *t, const void *key, size_t len);
/* 0: there is none. */
uint32_t defrag_find(const struct defrag *t, const struct datagram_key *key,
		     uint32_t hash);
/* A datagram's source, which may be new: there is room. */
uint32_t defrag_source(struct defrag *t, const struct datagram_key *key);
/* A new datagram of that source, the newest: there is room. */
uint32_t defrag_begin(struct defrag *t, const struct datagram_key *key,
		      uint32_t hash, uint32_t source, usec_t since);
/* A datagram has one fragment more, behind that one: there is room. */
void defrag_hold(struct defrag *t, uint32_t i, uint32_t after,
		 const struct frag_piece *piece, struct bytes frame);
/* Nothing is left of it; nobody is told. */
void defrag_drop(struct defrag *t, uint32_t i);
