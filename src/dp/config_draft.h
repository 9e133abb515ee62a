/*
 * How the configuration changes, for config.c and policy_whole.c: a draft is
 * made from the current snapshot, edited, and published, or thrown away and
 * leaves no trace. Its endpoints hold no counts of policies and port sets; the
 * snapshot built from it takes its own.
 */
#pragma once

#include "dp/config.h"
#include "dp/naming.h"

struct subnet_chunks {
	bool open;
	struct subnet *nets;
	size_t n;
};

struct rule_chunks {
	bool open;
	struct rule_spec *rules;
	size_t n;
};

enum subnet_kind {
	SUBNET_INTERNAL,
	SUBNET_SPECIAL,
	SUBNET_POLICY,
	SUBNET__MAX
};

/* Unfinished sequences of one door. */
struct chunks {
	struct subnet_chunks subnets[SUBNET__MAX];
	struct rule_chunks rules;
};

struct config {
	struct snapshot *current;
	config_publish_fn *publish;
	void *publish_arg;
	struct chunks chunks[2]; /* by `strict`: of each door */
	struct addr_sets *sets;	 /* NULL: none were given */
	struct fqdns *fqdns;
	struct naming naming;	   /* of current */
	struct config_whole whole; /* all 0: other messages made it */
};

struct draft {
	struct snapshot_spec spec;
	struct endpoint *endpoints; /* a copy, with room for ENDPOINTS_MAX */
};

int draft_begin(const struct config *c, struct draft *ret, struct err *reterr);
/* Publishes the draft, or fails and leaves no trace; ends the draft. */
int draft_commit(struct config *c, struct draft *d, struct err *reterr);
/* Ends it unpublished. */
void draft_drop(struct draft *d);
