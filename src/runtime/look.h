/*
 * Looking at one container: what does its runtime say of it now, and is the
 * process that it names really the container's? The same for all runtimes that
 * name a process. The source's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/http.h"
#include "runtime/source.h"

struct look {
	struct source *source;
	/*
	 * Asks the runtime. 0: *ret is how it is, its `about` is owned. Else an
	 * error of http_ask(), or what is wrong with the answer.
	 */
	int (*inspect)(void *session, const char *id, struct container *ret,
		       struct err *reterr);
	/* One item of the events; looks at what it names. <0: it is rubbish. */
	int (*take)(void *session, const char *item, size_t len,
		    struct err *reterr);
	void *session;
	bool doubtful; /* an answer made no sense: a list is due soon */
	bool vanished; /* in this list: a process that is not there */
	bool again;    /* there was one in the last list, too */
	unsigned hung; /* in a row, that were not answered */
};

/*
 * Tells what is true of it now. brief: from a list; 0: after an event. <0: the
 * session is over. What is wrong with one container alone makes it unreadable.
 * But containers that end just now, or are being removed, make for odd answers:
 * after an event the next list decides, and whether a process is really not
 * there a second list, each of which is due soon then.
 */
int look_at(struct look *l, const char *id, uint64_t brief, struct err *reterr);
/* The end of a list: looks at those that are known and were not in it. */
int look_at_missing(struct look *l, struct err *reterr);
/* Takes events until the next list is due. */
int look_at_events(struct look *l, struct http *http, http_split *split,
		   usec_t until, struct err *reterr);
