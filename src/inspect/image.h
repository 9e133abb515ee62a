/*
 * All that a pipeline knows, in an image (base/image.h), for another process that
 * goes on with it where this one stops: no frame is judged in between.
 *
 * What is not in it: frames that inspect_own_frames() has left, who is told of flows
 * and matches, the verdict cache (flows are given to the kernel anew; take its
 * entries out of force first, or what it carries meanwhile is not counted), what
 * nDPI had begun to look at, settings, snapshot, and sets to look for. Those are
 * the successor's own, by the same configuration.
 */
#pragma once

#include "base/image.h"
#include "inspect/inspect.h"

/* X(NAME, "name"): what is taken, or begins empty, each by itself. */
#define INSPECT_PARTS(X)          \
	X(FLOWS, "flows")         \
	X(LISTENING, "listening") \
	X(FRAGMENTS, "fragments") \
	X(GRACE, "grace")         \
	X(METERS, "meters")       \
	X(THREATS, "threats")     \
	X(FINDINGS, "findings")   \
	X(REPORTS, "reports")     \
	X(TRAFFIC, "traffic")     \
	X(TRAIL, "trail")         \
	X(PORTS, "ports")         \
	X(NAMES, "names")         \
	X(BLOCKS, "blocks")       \
	X(REPLIES, "replies")     \
	X(COUNTS, "counts")

enum inspect_part {
#define X(name, text) INSPECT_PART_##name,
	INSPECT_PARTS(X)
#undef X
		INSPECT_PART__MAX
};

const char *inspect_part_name(enum inspect_part p);

struct inspect_taken {
	uint32_t missing; /* bits, by enum inspect_part */
	uint32_t flows;
	/* Of these: listened to, until now; as if met in their middle from here on. */
	uint32_t flows_unheard;
	/* That were not taken: their workload is gone, or another one's. */
	uint32_t flows_gone;
};

/* How much of its tables a pipeline has used. */
struct inspect_used {
	uint32_t flows, streams, blocks, dialogues, large, talks;
};

struct inspect_used inspect_used(const struct inspect *in);
/*
 * Of a new one: memory for so much is there from now on, so that inspect_load() need
 * not wait for it while frames wait for that. More than there can be is as much.
 */
void inspect_touch(struct inspect *in, const struct inspect_used *u);

/* Between frames. Afterwards *in can go on, as well. */
void inspect_save(struct inspect *in, struct image_writer *w);
/*
 * Into a new one, with the same options but for the seed, that has adopted its
 * settings, snapshot, signatures and sensors: workloads with the same indexes, of
 * one whose MAC is another one's nothing is taken. It judges all flows anew.
 *
 * 0; -ENOMEM: *in is fit only for inspect_free().
 */
int inspect_load(struct inspect *in, const struct image_reader *r,
		 struct inspect_taken *ret);
