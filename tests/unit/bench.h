/*
 * A pipeline with one workload, for tests of src/inspect/: frames in, verdicts
 * out, a millisecond apart. Whatever does not work fails the test.
 */
#pragma once

#include "frames.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"

/* The workload's address, and who talks with it. */
#define OWN  "10.1.0.5"
#define PEER "10.1.0.6"

static const struct mac real_mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };
static const struct mac broadcast_mark = { { 255, 255, 255, 0, 0, 1 } };
static const struct mac peer_mac = { { 2, 0, 0, 0, 0, 9 } };

struct bench {
	struct inspect_options options;
	struct inspect *in;
	struct snapshot *s;		  /* what it judges by; owned */
	struct name_set *names;		  /* of the snapshot; NULL, or owned */
	uint32_t version;		  /* of the snapshot */
	usec_t now;			  /* of the last frame */
	struct inspect_settings settings; /* for inspect_configure() */
	struct verdict verdict;		  /* on the last frame */
	uint8_t buf[FRAME_SPEC_MAX];	  /* the last frame */
	unsigned ended;			  /* flows */
	struct session_record last_ended;
	uint16_t
		captures; /* who captures the workload, from bench_adopt() on */
	struct sensing *sensing; /* likewise, its; borrowed */
	uint32_t frames;	 /* so far */
	uint16_t port; /* the test's: of the next connection, 4000 at first */
};

/* Without a snapshot. */
struct bench *bench_new(uint32_t max_flows);
/* With signatures and sensors, of which there are none yet. */
struct bench *bench_new_detecting(uint32_t max_flows);
/* The same, which listens to so many flows at a time. */
struct bench *bench_new_listening(uint32_t max_flows, uint32_t heard);
void bench_free(struct bench *b);
/* cmocka's teardown: *state is a bench. */
int bench_stop(void **state);

/*
 * From now on the workload is of that policy (taken; NULL: none) and tapped or
 * not. more: the rest of the snapshot (NULL: nothing), but for endpoints and
 * version.
 */
void bench_adopt(struct bench *b, struct policy *policy, bool tap,
		 const struct snapshot_spec *more);

/*
 * With HAND_OVER=N in the environment all that is known goes to a new pipeline
 * (inspect/image.h) before each N-th frame, and tests have to pass all the same. This
 * is done here; not while flows are looked at with more than one set of signatures.
 */
void bench_hand_over(struct bench *b);
/* A millisecond later. */
struct verdict bench_pass(struct bench *b, const struct frame_spec *s);
/* The reason by which it goes on, or, negative, is dropped. */
int bench_reason(struct bench *b, struct frame_spec s);

/*
 * From the workload (own) to the peer, from sport to dport; else the answer to
 * that: ports and addresses change places.
 */
struct frame_spec bench_frame(bool own, const char *peer, uint8_t proto,
			      uint16_t sport, uint16_t dport);
