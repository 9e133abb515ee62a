/*
 * What is proposed of all that was learned: read from the store a piece at a time,
 * made beside the main loop, and kept for who asks next.
 */
#pragma once

#include "agent/agent.h"

struct proposals;

struct proposals *proposals_new(void); /* NULL: out of memory */
/* After studies_stop(). NULL is accepted. */
void proposals_free(struct proposals *p);

/* Something may be proposed that was not before; or not any more. */
void proposals_outdated(struct proposals *p);
/* Rises with proposals_outdated(). */
uint64_t proposals_news(const struct proposals *p);

/* What those that are kept were made of. */
uint64_t proposals_kept_news(const struct proposals *p);

/*
 * Those since then (0: of PROPOSALS_DAYS), each {"id", "key", "rule",
 * "provenance"}, if they are kept and still good; else NULL. Borrowed until the
 * main loop goes on.
 */
const json_t *proposals_kept(const struct agent *a, uint64_t since_s);

/* list: borrowed; NULL: err tells why. */
typedef void proposals_fn(struct agent *a, const json_t *list,
			  const struct err *err, void *arg);
/*
 * Makes them anew, and calls fn later, by the main loop, in any case if this
 * returns 0. -EAGAIN: too much is under way.
 */
int proposals_make(struct agent *a, uint64_t since_s, proposals_fn *fn,
		   void *arg, struct err *reterr);
