/*
 * Work on what was recorded: read from the store a page at a time, with the main
 * loop going on between, then done by a thread.
 *
 *   past_more(), ... ──▶ past ──work()──▶ done()
 *       main loop               thread     main loop
 */
#pragma once

#include "agent/agent.h"
#include "agent/past.h"

struct study;

struct study_kind {
	/*
	 * By the main loop, between two pages: is there still somebody who waits
	 * for it? If not it is done, with ECANCELED. NULL: it is wanted in any case.
	 */
	bool (*wanted)(struct agent *a, const struct study *s);
	/* By its thread, if all could be read; a failure goes into s->err. */
	void (*work)(struct study *s);
	/* By the main loop, once; s->err tells why there was no work(). */
	void (*done)(struct agent *a, struct study *s);
};

/* Part of what it is for: arg. Stays where it is until done(). */
struct study {
	struct past past;
	struct err err; /* code 0: well so far */
	void *arg;

	/* its own */
	struct study *next;
	struct agent *agent;
	const struct study_kind *kind;
	struct loop_timer read; /* the next page */
};

/*
 * Begins with all since then, or of those what was learned. -EAGAIN: STUDIES_MAX
 * are under way; -ENOMEM: done() is not called either.
 */
int study_begin(struct agent *a, struct study *s, const struct study_kind *kind,
		void *arg, uint64_t since_s, bool only_learned,
		struct err *reterr);
/* After aside_stop(): those that read still are done, with ECANCELED. */
void studies_stop(struct agent *a);
