/*
 * Frames of a workload, from the worker that judges them to whoever captures
 * them: a ring in shared memory, a sealed memfd that came with the answer to a
 * weir_capture.
 *
 * One thread writes and one process reads. The writer never waits: what does
 * not fit is counted as lost. It believes nothing that the reader writes, which
 * is one number, how far it has read: a nonsensical one is a full ring.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"

/* What became of a frame. */
enum capture_outcome {
	CAPTURE_DROPPED,
	CAPTURE_FORWARDED,
	CAPTURE_HELD,	 /* a fragment that waits for the others */
	CAPTURE_MADE,	 /* of our own: a RST or ICMP error */
	CAPTURE_WATCHED, /* in a tap: it went on, whatever its reason says */
	CAPTURE_OUTCOME__MAX
};

/* "drop", "forward", "held", "made", "watched"; "?" outside the enum. */
const char *capture_outcome_name(uint8_t outcome);

struct capture_frame {
	uint64_t at_us; /* the data plane's clock, see weir_capture's answer */
	uint32_t wire_len; /* as it came; >= the bytes that are kept */
	uint32_t flow_id;  /* 0: none */
	uint32_t rule_id;  /* 0: none, or the default */
	uint8_t outcome;   /* enum capture_outcome */
	uint8_t reason;	   /* enum reason */
	uint8_t ingress;   /* 1: goes to the workload */
	uint8_t reserved;  /* 0 */
};

/* Why no more will come. */
enum capture_end {
	CAPTURE_GOES_ON,
	CAPTURE_WORKLOAD_GONE,
};

/* --- the writer --------------------------------------------------------- */

struct capture_writer;

/*
 * A ring of CAPTURE_RING_BYTES that keeps at most snaplen bytes of a frame, 0:
 * all. NULL and *reterr: no memory.
 */
struct capture_writer *capture_writer_new(uint32_t snaplen, struct err *reterr);
void capture_writer_free(struct capture_writer *w);
/* The memfd; borrowed. */
int capture_writer_fd(const struct capture_writer *w);
/* The one thread that writes. */
void capture_put(struct capture_writer *w, const struct capture_frame *f,
		 struct bytes frame);
/* These two: any thread. */
void capture_writer_end(struct capture_writer *w, enum capture_end why);
struct capture_counts {
	uint64_t frames; /* written */
	uint64_t lost;	 /* there was no room */
};
struct capture_counts capture_writer_counts(const struct capture_writer *w);

/* --- the reader --------------------------------------------------------- */

struct capture_reader;

/*
 * On such a memfd, which stays the caller's and may be closed. NULL and *reterr
 * (EPROTO): it is none, or its size could change.
 */
struct capture_reader *capture_reader_new(int fd, struct err *reterr);
void capture_reader_free(struct capture_reader *r);
/*
 * The next frame and what is kept of it, valid until the next call. false: none
 * is there now. -EPROTO by *ret_broken: the writer has written nonsense.
 */
bool capture_next(struct capture_reader *r, struct capture_frame *ret,
		  struct bytes *ret_bytes, bool *ret_broken);
struct capture_counts capture_reader_counts(const struct capture_reader *r);
enum capture_end capture_reader_end(const struct capture_reader *r);

/* For tests: a reader of the writer's own memory, and that memory. */
struct capture_reader *capture_reader_beside(const struct capture_writer *w);
void *capture_writer_memory(const struct capture_writer *w);
