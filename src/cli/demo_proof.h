/*
 * That nothing is left behind: what there was before the demo against what
 * there is after it.
 */
#pragma once

#include <jansson.h>

#include "cli/demo.h"

struct demo_snapshot {
	json_t *netns;	      /* names in /run/netns */
	json_t *links;	      /* "name (index)" of the caller's namespace */
	json_t *files;	      /* names in /run/weir */
	unsigned descriptors; /* of this process */
	unsigned children;    /* 0 or 1: has it any? */
};

int demo_snapshot(struct demo_snapshot *ret, struct err *reterr);
void demo_snapshot_done(struct demo_snapshot *s);

/* Processes inside the namespaces that the demo made. */
unsigned demo_count_inside(const struct demo_state *s);

/*
 * Tells both and checks that nothing of `made` (a copy of the state before
 * it was taken down) is there. What others made meanwhile - a second demo, a
 * container runtime - is named, and no failure.
 */
int demo_prove(struct tale *t, const struct demo_snapshot *before,
	       const struct demo_state *made, struct err *reterr);
