/*
 * Which application it is, of those that no parser of ours knows: asked of nDPI,
 * by its name only. It is handed bytes in order behind headers of our own, so no
 * header from the wire, no fragment and no overlap reaches it.
 *
 * What it tells is mapped by its names to ids of wire/app.h, so another version
 * of it changes no id. What our parsers know it is never asked for.
 *
 * What it has of a connection cannot be handed to another process: a successor asks
 * anew, from where the connection is then.
 *
 * One thread owns a breadth; what it allocates comes from memory of fixed size
 * that is taken by breadth_new(). Making and freeing is one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"

struct breadth;

/* flows: 1..BREADTH_FLOWS_MAX. NULL: out of memory. */
struct breadth *breadth_new(uint32_t flows);
/* What it takes when all of it is used, beside what nDPI knows (15 MB). */
size_t breadth_bytes(uint32_t flows);
/* NULL is accepted. */
void breadth_free(struct breadth *b);

/* Of the connection; as far as it tells anything. */
struct breadth_ends {
	struct ip_addr client, server;
	uint16_t client_port, server_port;
	bool tcp; /* else UDP */
};

/* 0: all are in use (counted). */
uint32_t breadth_open(struct breadth *b, const struct breadth_ends *ends);
/* handle: 0, or from breadth_open(); not to be used any more. */
void breadth_close(struct breadth *b, uint32_t handle);

enum breadth_answer {
	BREADTH_NOT_YET,
	BREADTH_KNOWN,
	BREADTH_NEVER, /* it cannot be told any more */
};

/*
 * The client (else the server) says that: the next bytes of TCP, or a datagram;
 * of which the first BREADTH_BYTES_MAX are looked at. *ret_app: when KNOWN.
 */
enum breadth_answer breadth_read(struct breadth *b, uint32_t handle,
				 bool client, struct bytes bytes, usec_t now,
				 uint32_t *ret_app);

struct breadth_counts {
	uint32_t in_use, limit;	     /* flows */
	uint32_t bytes, bytes_limit; /* of its memory */
	uint64_t opened, no_place;
	uint64_t packets; /* it was asked about */
	uint64_t known;
	uint64_t no_memory; /* given up for want of memory */
};
struct breadth_counts breadth_counts(const struct breadth *b);

/*
 * The id for one of nDPI's names; 0: it is none of a protocol (a site, a
 * company, an IP protocol). false: there is no such name.
 */
bool breadth_app(const char *name, uint32_t *ret);
/* Calls fn with each name that this nDPI has. For tests. */
void breadth_each_name(const struct breadth *b,
		       void (*fn)(void *arg, const char *name), void *arg);
