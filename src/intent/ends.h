/*
 * How the ends of connections are called: by group, as a rule would write it.
 */
#pragma once

#include "base/arena.h"
#include "intent/judge.h"
#include "intent/model.h"

struct ends {
	const struct intent_world *world;
	struct arena arena;
	char **words; /* each once */
	size_t n_words, room;
	struct hash_table table;
	const char **services; /* of each workload; NULL: has no name */
	bool failed;	       /* out of memory */
};

/* false: out of memory. To be ended by ends_done() either way. */
bool ends_init(struct ends *e, const struct intent *i,
	       const struct intent_world *world);
void ends_done(struct ends *e);

/*
 * A service group, "node", "fqdn:NAME" or an address; equal texts are the same
 * pointer. *ret_outside: neither a workload nor this host. NULL: a workload
 * whose group's name is taken by another; or failed.
 */
const char *ends_word(struct ends *e, const struct intent_connection *c,
		      bool client_side, bool *ret_outside);
/* The same text, each once; NULL: failed. */
const char *ends_intern(struct ends *e, const char *text);

/*
 * Appends the ids of workloads, each once, up to PROPOSE_WORKLOADS_MAX; counts
 * the others in *more (those may be counted twice).
 */
bool ends_note_workload(const struct ends *e, size_t workload, json_t *ids,
			size_t *more);
