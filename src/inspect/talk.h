/*
 * What is kept of a flow while somebody listens to it: its bytes in order, who
 * reads them, and what they said. A fixed number of places; one is a number
 * (flow.talk), 0 is none.
 *
 * One worker's thread; nothing is allocated after talks_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/image.h"
#include "base/limits.h"
#include "flow/flow.h"
#include "inspect/asked.h"

struct talk {
	/* 0: none (any more) */
	uint32_t stream, dialogue, breadth;
	uint32_t next_free;
	uint32_t bytes;	  /* of payload; not more than UINT32_MAX */
	uint16_t packets; /* with payload; not more than UINT16_MAX */
	uint8_t parser;	  /* who reads: its place in the list + 1 */
	bool used;
	bool broad_begun; /* nDPI was asked, if there was a place */
	/* Bytes that the recognisers left; they are shown again. */
	uint16_t left[FLOW_SIDE__MAX];
	bool answered;	  /* the first answer is over */
	bool lost;	  /* bytes went by that were not read in order */
	bool host_wanted; /* policy asked by which name the server is called */
	/* inspect/silent.c: what its server waits for, in a list of all such. */
	uint8_t waits;	    /* enum proto_waits */
	uint32_t waits_for; /* which one */
	bool waits_listed;
	uint32_t waits_before, waits_behind;
	usec_t waits_since;
	struct flow *flow; /* that it is of */
	/* inspect/trail.c: what it says, not told yet; 0: nothing */
	uint32_t trail;
	uint8_t trail_owed; /* answers to requests that were told without */
	bool trail_tangled; /* answers may come in another order */
	/* inspect/forwarded.h: whose the request is, by what it says */
	bool is_forwarded;
	struct ip_addr forwarded;
	/* inspect/detection.h; 0: they do not look */
	uint32_t signatures, sensors;
	/* Bytes of the next chunk that they were shown already. */
	uint32_t shown[FLOW_SIDE__MAX];
	uint32_t sent[FLOW_SIDE__MAX];	     /* bytes that were shown to them */
	uint32_t detection_epoch;	     /* of sensor_fields */
	uint64_t sensor_fields[FIELD_WORDS]; /* that sensors listen to */
	struct asked request;
};

struct talks;

/* n: 1..DIALOGUES_MAX. NULL: out of memory. */
struct talks *talks_new(uint32_t n);
/* What it takes when all of it is used. */
size_t talks_bytes(uint32_t n);
void talks_free(struct talks *t);
/* All zero; 0: all are in use. */
uint32_t talk_take(struct talks *t);
struct talk *talk_at(const struct talks *t, uint32_t handle);
void talk_give_back(struct talks *t, uint32_t handle);
/* What its server waits for, from now on if that is another thing, or one. */
void talk_wait(struct talks *t, uint32_t handle, enum proto_waits what,
	       uint32_t which, usec_t now);
/* Who is waited for longest; 0: nobody. */
uint32_t talk_longest(const struct talks *t, enum proto_waits what);
/* That was told: not again for this one. */
void talk_wait_told(struct talks *t, uint32_t handle);

/* Places that have been used; memory of so many is there from now on. */
uint32_t talks_used(const struct talks *t);
void talks_touch(struct talks *t, uint32_t n);
/*
 * Those of all flows in the table, for another process. What nDPI knows of a flow
 * stays behind: it is asked anew, unless it was through.
 */
void talks_save(const struct talks *t, struct flow_table *flows,
		struct image_writer *w);
/*
 * Into one of which none is in use, of flows that were loaded: each has the talk
 * that it says. What else a talk has a number of (streams, ...) is the caller's to
 * check. false: they are not there, or cannot be these; *t is as it was.
 */
bool talks_load(struct talks *t, struct flow_table *flows,
		const struct image_reader *r);
