/*
 * A plan that is being made; for plan.c, and for plan_peer.c, which writes a rule's
 * ends as addresses.
 */
#pragma once

#include "intent/owners.h"
#include "intent/plan.h"

enum direction { EGRESS, INGRESS };

/* Numbers in a list that grows. */
struct list {
	uint32_t *v;
	size_t n, room;
};

/* Words of an end, gathered for a moment. */
struct words {
	struct plan_end end;
	size_t room;
};

/* What a rule is in one direction: where it stands in `made`. */
struct made_rule {
	bool done;
	size_t at, len, n;
};

struct making {
	const struct intent *i;
	const struct intent_world *world;
	uint64_t now;
	struct plan *plan;
	size_t row;	/* 64-bit words of a row */
	uint64_t *rows; /* of all workloads */
	uint64_t *own;	/* a row: words by which a rule may be its own */
	bool *used;	/* of each word: an active rule has it at some end */
	uint8_t *modes;
	struct owners owners; /* but of those of world->known */
	uint32_t *here;	      /* workloads that are not elsewhere, in order */
	size_t n_here;
	json_t **peers; /* of each word, as the other end; NULL: not yet */
	struct list *from, *to; /* of each word: rules that use it there */
	struct made_rule *made_rules; /* of each rule and direction */
	struct text made;
	struct words peer, own_words;
	struct list of_class;
	struct plan_ports ports;
	size_t n_rules; /* of all classes */
	int rc;
	struct err *reterr;
};

/* Returns m->rc, which says so now. */
int plan_fail_memory(struct making *m);

static inline bool plan_has(const struct making *m, size_t workload,
			    uint32_t word)
{
	return m->rows[workload * m->row + word / 64] >> word % 64 & 1;
}

/*
 * Adds what a rule is in one direction, for the class of a workload; how many rules
 * that is. own: NULL: any.
 */
size_t plan_make_rule(struct making *m, struct text *t, const struct rule *r,
		      enum direction d, size_t workload,
		      const struct plan_end *own);
/*
 * The own end of a workload that is in one of the words; *ret_any: of a group,
 * so its addresses do not matter. Else new words.
 */
json_t *plan_own_end(struct making *m, size_t workload, const uint32_t *words,
		     size_t n, bool *ret_any);
/* The words of list, as m->own_words. */
const struct plan_end *plan_gather_own(struct making *m, const json_t *list);
