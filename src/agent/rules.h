/*
 * Signatures: the files that the user loaded, behind those that come with Weir,
 * for the data planes; and what became of them and of sensors there.
 *
 *   document "rules": {"variables": {NAME: VALUE}, "files": [{"name", "text"}]}
 *
 * The user's files are in the store and outlive agent and data plane; the
 * built-in one is read from its path (weir.yaml: rules.path) at each start and
 * reload, and is called RULES_BUILTIN, as none of the user's may be.
 */
#pragma once

#include "agent/agent.h"
#include "agent/body.h"
#include "agent/rules_load.h"

/* Before policy_start(). That a file cannot be read is no failure, but told. */
int rules_start(struct agent *a, struct err *reterr);
void rules_stop(struct agent *a);
/* The built-in file, read again. */
struct rules_again {
	struct body *before; /* what was wanted when it began; counted */
	struct rules_made made;
	struct err file; /* why it could not be read; code 0: nothing wrong */
	bool is_made;	 /* else: out of memory */
};

void rules_again_begin(struct agent *a, struct rules_again *ret);
/* By a thread: with that configuration. */
void rules_again_work(struct rules_again *r, const struct config *c);
/* By the main loop. false: others were loaded meanwhile; to be done once more. */
bool rules_again_take(struct agent *a, struct rules_again *r);
void rules_again_done(struct rules_again *r);

/* For a data plane; borrowed. */
struct body *rules_wanted(const struct agent *a);

/* PLANE_RULES, PLANE_DETECTION of the host's data plane; borrowed. */
void rules_told(struct agent *a, const struct plane_news *n);
void rules_plane_is_down(struct agent *a);

/*
 * For `weir status`: {"signatures": {"state", "signatures", "refused", ...},
 * "sensors": {...}}, docs/agent-door.md.
 */
json_t *rules_json(const struct agent *a);
